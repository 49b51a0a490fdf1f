/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_basics -- functions of struct secd_host that are the same for any host:
 * they need nothing of it, and do not look at `ctx`.
 *
 * Used by secondaryctl too: includes nothing of the server.
 */

#ifndef SECD_SERVER_MODULE_BASICS_H
#define SECD_SERVER_MODULE_BASICS_H

#include "secondaryd/module.h"

/* As members of struct secd_host. */
void module_basics_clock(void *ctx, struct secd_time *out);
int module_basics_record_text(void *ctx, const struct secd_entry *e, char *out,
			      size_t cap);
void *module_basics_secret_new(void *ctx, size_t len);
void module_basics_secret_free(void *ctx, void *secret, size_t len);

#endif
