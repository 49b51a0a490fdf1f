/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orphans -- zones that the store has and the configuration has not: they were
 * removed while no server ran. A reload forgets what it removes; this does the
 * same for a start.
 */

#ifndef SECD_SERVER_ORPHANS_H
#define SECD_SERVER_ORPHANS_H

#include "server/server.h"

/**
 * Make the store forget the zones that are not listed, and log each. Where no
 * zone is listed at all, what is configured may be elsewhere for a moment: all
 * are kept. A failure is logged; the next start tries again.
 *
 * Blocks. To be called when all of the start that can fail is over, and while
 * nobody else writes to the store.
 */
void orphans_forget(struct store *store, const struct zone_list *zones);

#endif
