/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_refresh -- drives a zone's refresh machine: asks for connections when a
 * step is due, runs exchanges, has what came applied, publishes.
 * Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_REFRESH_H
#define SECD_SERVER_ZONE_REFRESH_H

#include "server/zone_entry.h"

/** Set up what it keeps in a new entry. */
void zone_refresh_init(struct zone_entry *e);

/** Something changed, or time has passed: do what is due, set the timer. */
void zone_wake(struct zone_entry *e);

/** A step in flight is given up without telling the machine. */
void zone_abandon(struct zone_entry *e);

/** Events from elsewhere. */
void zone_notified_take(struct zone_entry *e, struct zone_notify *notify);
void zone_command(struct zone_entry *e, enum refresh_command command);

/** What is held cannot be trusted: stop answering, transfer again. */
void zone_withdraw(struct zone_entry *e, const char *reason);

#endif
