/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_life -- how an entry begins, gets another configuration and ends.
 * Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_LIFE_H
#define SECD_SERVER_ZONE_LIFE_H

#include "server/zone_entry.h"

/**
 * Make an entry for a zone of the configuration and load what the store has.
 * Its version, if any, is published: it answers as soon as it is in the root.
 *
 * Returns  SECD_OK, SECD_ENOMEM, SECD_EIO (the store cannot be read)
 */
int zone_life_new(struct server *s, const struct config_zone *zone,
		  struct zone_entry **out);

/** Free an entry that no other thread and no letter can know. */
void zone_life_free(struct zone_entry *e);

/** Start its timers: the zone acts from now on. */
void zone_life_start(struct zone_entry *e);

/**
 * Start a zone that a reload brings, once modules have said what they have of
 * it: its versions go on behind theirs, or they would begin anew.
 */
void zone_life_begin(struct zone_entry *e);

/**
 * Put another configuration in force; the zone is the same.
 *
 * Returns  SECD_OK, SECD_ENOMEM (the old one is still in force)
 */
int zone_life_configure(struct zone_entry *e, const struct config_policy *p);

/**
 * The zone is not in the configuration any more, nor in the root. Stops
 * everything, and frees the entry when nobody holds it. The store forgets the
 * zone when `forget` is set.
 */
void zone_life_retire(struct zone_entry *e, bool forget);

#endif
