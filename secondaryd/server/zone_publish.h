/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_publish -- a new version of a zone goes on its way: it is seen by
 * readers, then made durable; and whether the zone is expired. Transfer thread
 * only.
 */

#ifndef SECD_SERVER_ZONE_PUBLISH_H
#define SECD_SERVER_ZONE_PUBLISH_H

#include "server/zone_entry.h"

/**
 * Publish the version that a refresh step brought, and tell the machine.
 *
 * attempt  of the step
 * v        taken over
 * changes  what led to it from the version before, moved; empty: an AXFR
 */
void zone_publish(struct zone_entry *e, uint32_t attempt, struct version *v,
		  struct changeset *changes);

/** Take over what the refresh machine says of expiry and alarms. */
void zone_sync_status(struct zone_entry *e);

#endif
