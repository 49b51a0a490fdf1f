/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_apply -- what was received becomes a version, on another thread: an
 * AXFR is built on the build thread; changes are applied on a thread of their
 * own, where nothing takes long, and are built only where they are not for
 * layers.
 */

#ifndef SECD_SERVER_ZONE_APPLY_H
#define SECD_SERVER_ZONE_APPLY_H

#include "server/zone_entry.h"

struct zone_result {
	uint32_t attempt; /* of the refresh step */
	int rc;
	const char *reason; /* when it failed, or "" */
	/* The version after the newest one; NULL: it failed. Whoever is told
	 * owns it. */
	struct version *version;
	struct changeset changes;
};

/**
 * Build from an AXFR.
 *
 * spool    taken over on SECD_OK
 * built    is called with the result, unless the step was given up meanwhile
 * Returns  SECD_OK, SECD_ENOMEM
 */
int zone_apply_spool(struct zone_entry *e, uint32_t attempt,
		     struct spool *spool,
		     void (*built)(struct zone_entry *e,
				   struct zone_result *result));

/**
 * Apply a changeset to the newest version.
 *
 * changes  moved on SECD_OK
 * built    is called with the result, unless the step was given up meanwhile
 * Returns  SECD_OK, SECD_ENOMEM, SECD_EMISMATCH (there is no version)
 */
int zone_apply_changes(struct zone_entry *e, uint32_t attempt,
		       struct changeset *changes,
		       void (*built)(struct zone_entry *e,
				     struct zone_result *result));

#endif
