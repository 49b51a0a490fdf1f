/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_compact -- an image and its layers become one new image, on the build
 * thread, while the zone goes on being answered and changed.
 *
 * What is being compacted is frozen: changes go into layers above it, which
 * then lie over the new image. The contents stay what they are, so nothing is
 * announced. Whatever replaces the zone as a whole meanwhile makes the result
 * worthless: it is thrown away. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_COMPACT_H
#define SECD_SERVER_ZONE_COMPACT_H

#include "server/zone_entry.h"

/** Set up what it keeps in a new entry. */
void zone_compact_init(struct zone_entry *e);

/** Start a compaction when it is time for one. */
void zone_compact_consider(struct zone_entry *e);

/** So many of the lowest layers must stay as they are. */
unsigned zone_compact_frozen(const struct zone_entry *e);

/** What was being compacted is not the zone's past any more. */
void zone_compact_cancel(struct zone_entry *e);

#endif
