/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/error.h"
#include "server/module_code.h"

static int
fail(const char *what, const char *path, char *reason)
{
	snprintf(reason, SECD_REASON_LEN, "%s %s: %s", what, path,
		 strerror(errno));
	return errno == EWOULDBLOCK ? SECD_EBUSY : SECD_EIO;
}

static int
make_dir(const char *path, char *reason)
{
	return dir_make(path, 0700) == SECD_OK
		   ? SECD_OK
		   : fail("cannot make", path, reason);
}

/* It may hold secrets: nobody else may look into it. */
static int
check_dir(int fd, const char *path, char *reason)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return fail("cannot look at", path, reason);
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		snprintf(reason, SECD_REASON_LEN,
			 "%s must belong to the service's user, with mode 0700",
			 path);
		return SECD_EPERM;
	}
	return SECD_OK;
}

static int
hold_dir(struct module_files *f, char *reason)
{
	int rc;

	f->lock = open(f->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->lock < 0) {
		return fail("cannot open", f->dir, reason);
	}
	rc = check_dir(f->lock, f->dir, reason);
	if (rc == SECD_OK && flock(f->lock, LOCK_EX | LOCK_NB) != 0) {
		rc = fail("cannot lock", f->dir, reason);
	}
	return rc;
}

static int
make_state_dir(const char *id, const char *storage, struct module_files *f,
	       char *reason)
{
	char *above = NULL;
	int rc = SECD_ENOMEM;

	if (asprintf(&above, "%s/modules", storage) < 0 ||
	    asprintf(&f->dir, "%s/%s", above, id) < 0) {
		f->dir = NULL;
		snprintf(reason, SECD_REASON_LEN, "no memory");
		free(above);
		return rc;
	}
	rc = make_dir(above, reason);
	if (rc == SECD_OK) {
		rc = make_dir(f->dir, reason);
	}
	if (rc == SECD_OK) {
		rc = hold_dir(f, reason);
	}
	free(above);
	return rc;
}

static int
load_code(const struct config_module *m, struct module_files *out, char *reason)
{
	int rc;

	*out = (struct module_files){.lock = -1};
	rc = module_code_load(m->file, &out->object, &out->code, reason);
	return rc == SECD_OK ? options_load(m->config, &out->options, reason)
			     : rc;
}

int
module_files_check(const struct config_module *m, char *reason)
{
	struct module_files f;
	int rc = load_code(m, &f, reason);

	if (rc == SECD_OK && SECD_HAS(f.code, check) && f.code->check != NULL) {
		rc = f.code->check(options_get(f.options), reason);
	}
	module_files_unload(&f);
	return rc;
}

int
module_files_load(const struct config_module *m, const char *storage,
		  struct module_files *out, char *reason)
{
	int rc = load_code(m, out, reason);

	if (rc == SECD_OK) {
		rc = make_state_dir(m->id, storage, out, reason);
	}
	return rc;
}

void
module_files_unload(struct module_files *f)
{
	if (f->lock >= 0) {
		close(f->lock);
	}
	free(f->dir);
	options_free(f->options);
	module_code_unload(f->object);
	*f = (struct module_files){.lock = -1};
}
