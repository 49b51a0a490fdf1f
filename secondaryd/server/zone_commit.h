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
 * Have the version in force stored.
 *
 * changes  what led to it from the version before, moved; or NULL
 */
void zone_commit(struct zone_entry *e, struct changeset *changes);

/** Make the version that is served durable as a whole image, or its state where
 * the store has it already. */
void zone_store(struct zone_entry *e);

/** Make the state of the refresh machine durable, when it is worth it. */
void zone_save_state(struct zone_entry *e);

#endif
