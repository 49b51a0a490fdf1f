/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_zones -- the zones as modules are told of them: by name, with the
 * version that was offered last. Not for two threads at a time.
 */

#ifndef SECD_SERVER_MODULE_ZONES_H
#define SECD_SERVER_MODULE_ZONES_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "secondaryd/module.h"
#include "server/module_expiry.h"
#include "zone/version.h"

struct module_zone {
	struct version *offered; /* the newest one; NULL: none yet */
	uint64_t durable_seq;    /* 0: none */
	uint32_t durable_serial;
	bool is_pinned;               /* an older one is served */
	struct module_expiry *expiry; /* a reference, or NULL */
	uint8_t apex[];               /* lower-case */
};

struct module_zones {
	struct module_zone **list; /* in canonical order */
	size_t count, cap;
};

/** NULL: there is none. */
struct module_zone *module_zones_find(const struct module_zones *z,
				      const uint8_t *apex);
/** The one behind a name, or the first; NULL: there is none. */
struct module_zone *module_zones_next(const struct module_zones *z,
				      const uint8_t *apex);
/** The one of that name, made if it is not there. NULL: no memory. */
struct module_zone *module_zones_add(struct module_zones *z,
				     const uint8_t *apex);
/** Not there is fine. */
void module_zones_remove(struct module_zones *z, const uint8_t *apex);
void module_zones_fini(struct module_zones *z);

/**
 * Describe a zone as the host's zone_get does.
 *
 * c        what is configured; lent as long as `out` is
 */
void module_zone_describe(const struct module_zone *zone,
			  const struct config *c, struct secd_zone *out);

/** A version was offered; a reference is taken. */
void module_zone_offered(struct module_zone *zone, struct version *v);

#endif
