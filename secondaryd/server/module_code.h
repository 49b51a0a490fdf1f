/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_code -- a module's shared object: what any host of modules loads.
 *
 * Used by secondaryctl too: includes nothing of the server.
 */

#ifndef SECD_SERVER_MODULE_CODE_H
#define SECD_SERVER_MODULE_CODE_H

#include "secondaryd/module.h"

/**
 * Load a shared object, and see that it is a module of this version.
 *
 * file     absolute, or it is looked for like a library
 * object   receives what module_code_unload takes, code what is in it
 * reason   room for SECD_REASON_LEN; receives one sentence on failure
 * Returns  SECD_OK, SECD_ENOTFOUND (no such file, or no module), SECD_ENOTSUP
 *          (for another version), SECD_EMALF
 */
int module_code_load(const char *file, void **object,
		     const struct secd_module **code, char *reason);
/** NULL is fine. */
void module_code_unload(void *object);

#endif
