/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_view -- what readers see of a zone: its newest version, or an older one
 * that is pinned. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_VIEW_H
#define SECD_SERVER_ZONE_VIEW_H

#include "server/zone_entry.h"

/**
 * Make a version the newest one: readers see it, unless one is pinned.
 *
 * v        taken over; NULL: there is none any more
 */
void zone_view_newest_take(struct zone_entry *e, struct version *v);

/**
 * Pin a version: readers see it, whatever the newest one is.
 *
 * v        taken over; NULL: none is pinned any more
 */
void zone_view_pinned_take(struct zone_entry *e, struct version *v);

#endif
