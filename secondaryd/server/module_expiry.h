/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_expiry -- when a zone expires: the transfer thread knows, and modules
 * ask on theirs. Counted, since neither outlives the other for sure.
 */

#ifndef SECD_SERVER_MODULE_EXPIRY_H
#define SECD_SERVER_MODULE_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#define MODULE_EXPIRY_NEVER INT64_MAX

struct module_expiry;

/** One that never expires. NULL: no memory. */
struct module_expiry *module_expiry_new(void);
/** NULL is fine in all of them: it never expires. */
struct module_expiry *module_expiry_ref(struct module_expiry *x);
void module_expiry_unref(struct module_expiry *x);

/** at_ms  clock_boot_ms, or MODULE_EXPIRY_NEVER */
void module_expiry_set(struct module_expiry *x, int64_t at_ms, bool is_expired);

/** Returns clock_boot_ms, or MODULE_EXPIRY_NEVER. */
int64_t module_expiry_at(const struct module_expiry *x);
bool module_expiry_is_past(const struct module_expiry *x);

#endif
