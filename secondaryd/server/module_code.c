/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_code.h"

#include <dlfcn.h>
#include <stdio.h>

#include "base/error.h"

static int
check_code(const struct secd_module *code, char *reason)
{
	if (code->abi_major != SECD_ABI_MAJOR) {
		snprintf(reason, SECD_REASON_LEN,
			 "it was made for version %u of the module API, and "
			 "this is version %d",
			 (unsigned)code->abi_major, SECD_ABI_MAJOR);
		return SECD_ENOTSUP;
	}
	if (!SECD_HAS(code, changes_since) || code->name == NULL ||
	    code->version == NULL || code->open == NULL ||
	    code->close == NULL) {
		snprintf(reason, SECD_REASON_LEN,
			 "its secd_module is incomplete");
		return SECD_EMALF;
	}
	return SECD_OK;
}

int
module_code_load(const char *file, void **object,
		 const struct secd_module **code, char *reason)
{
	const struct secd_module *found = NULL;
	const char *why;
	void *loaded;
	int rc;

	/* It stays mapped: a library of its may have left something to be
	 * called when a thread ends. */
	loaded = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (loaded != NULL) {
		found = dlsym(loaded, "secd_module");
	}
	if (found == NULL) {
		why = dlerror();
		snprintf(reason, SECD_REASON_LEN, "%s",
			 why == NULL ? "it has no secd_module" : why);
		rc = SECD_ENOTFOUND;
	} else {
		rc = check_code(found, reason);
	}
	if (rc != SECD_OK) {
		module_code_unload(loaded);
		return rc;
	}
	*object = loaded;
	*code = found;
	return SECD_OK;
}

void
module_code_unload(void *object)
{
	if (object != NULL) {
		dlclose(object);
	}
}
