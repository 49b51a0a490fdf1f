/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_exchange -- one question to a primary and its answer, on the link that
 * the zone has. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_EXCHANGE_H
#define SECD_SERVER_ZONE_EXCHANGE_H

#include "server/zone_entry.h"

/* What becomes of it, from the loop; the exchange is still there. */
struct zone_exchange_events {
	void (*ended)(struct zone_entry *e, enum exchange_verdict verdict);
	/** The primary closed a connection that it had kept, or its process
	 * for it just ended (NSD does so at each reload): that says nothing of
	 * the primary. Not on a connection that was made for this question. */
	void (*closed)(struct zone_entry *e);
	/** Its key was taken back: what came does not count. */
	void (*cut)(struct zone_entry *e);
};

/**
 * Ask what the zone's `action` says.
 *
 * events   lives as long as the entry
 * Returns  SECD_OK, SECD_ENOTFOUND (no key to sign with), SECD_ENOMEM, SECD_EIO
 */
int zone_exchange_start(struct zone_entry *e,
			const struct zone_exchange_events *events);

/** Is the key of the exchange in flight taken back? Then that ends. */
void zone_exchange_cut(struct zone_entry *e);

#endif
