/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_apply -- what was received becomes an image, on the build thread.
 */

#ifndef SECD_SERVER_ZONE_APPLY_H
#define SECD_SERVER_ZONE_APPLY_H

#include "server/zone_entry.h"

struct zone_result {
	uint32_t attempt; /* of the refresh step */
	int rc;
	const char *reason;  /* when it failed, or "" */
	struct image *image; /* NULL: it failed; whoever is told owns it */
	struct changeset changes;
};

/**
 * Build from an AXFR.
 *
 * spool    taken over on SECD_OK
 * Returns  SECD_OK, SECD_ENOMEM
 */
int zone_apply_spool(struct zone_entry *e, uint32_t attempt,
		     struct spool *spool,
		     void (*built)(struct zone_entry *e,
				   struct zone_result *result));

/**
 * Build from the version in force and a changeset, moved on SECD_OK.
 *
 * Returns  SECD_OK, SECD_ENOMEM, SECD_EMISMATCH (there is no version)
 */
int zone_apply_changes(struct zone_entry *e, uint32_t attempt,
		       struct changeset *changes,
		       void (*built)(struct zone_entry *e,
				     struct zone_result *result));

#endif
