/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_view -- what readers see of a zone: its newest version. Transfer thread
 * only.
 */

#ifndef SECD_SERVER_ZONE_VIEW_H
#define SECD_SERVER_ZONE_VIEW_H

#include "server/zone_entry.h"

/** Make a version the newest one (taken over; NULL: there is none any more). */
void zone_view_newest_take(struct zone_entry *e, struct version *v);

#endif
