/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_commit -- what is published is made durable by the commit thread, and
 * only then told to others. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_COMMIT_H
#define SECD_SERVER_ZONE_COMMIT_H

#include "server/zone_entry.h"

/** Set up what it keeps in a new entry. */
void zone_commit_init(struct zone_entry *e);

/**
 * Have the newest version stored: as an image when it has no layers.
 *
 * changes  what led to it from the version before, moved
 */
void zone_commit(struct zone_entry *e, struct changeset *changes);

/**
 * Have an image stored for the newest version or one before it.
 *
 * octets   what `chain.octets` was when `seq` was the newest
 */
void zone_commit_image(struct zone_entry *e, uint64_t seq, struct image *im,
		       uint64_t octets);

/**
 * Have the zone's state stored since `pin` has changed; `on_pin_stored` is
 * called then, also when the zone is retired.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int zone_commit_pin(struct zone_entry *e);

/** This version is durable and seen: tell modules and secondaries. */
void zone_commit_tell(struct zone_entry *e, struct version *v);

/** Offer the store again what it lacks, or the zone's state. */
void zone_store(struct zone_entry *e);

/** Make the state of the refresh machine durable, when it is worth it. */
void zone_save_state(struct zone_entry *e);

#endif
