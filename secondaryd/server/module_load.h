/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_load -- a module's shared object, its options and its directory: what
 * there must be before it is opened.
 */

#ifndef SECD_SERVER_MODULE_LOAD_H
#define SECD_SERVER_MODULE_LOAD_H

#include "base/options.h"
#include "config/config.h"
#include "secondaryd/module.h"

struct module_files {
	void *object; /* of dlopen */
	const struct secd_module *code;
	struct options *options;
	char *dir;
	int lock; /* a descriptor that holds the directory */
};

/**
 * Load all of it: STORAGE/modules/ID is made if it is not there, 0700, and
 * held.
 *
 * out      module_files_unload ends it, also after a failure
 * reason   room for SECD_REASON_LEN; receives one sentence on failure
 * Returns  SECD_OK, or a failure
 */
int module_files_load(const struct config_module *m, const char *storage,
		      struct module_files *out, char *reason);
/** Could it be loaded, and does it take its options? Makes nothing. As
 * module_files_load. */
int module_files_check(const struct config_module *m, char *reason);
void module_files_unload(struct module_files *f);

#endif
