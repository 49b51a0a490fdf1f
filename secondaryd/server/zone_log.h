/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_log -- the lines that tell an operator how a zone fares: one for each
 * transfer, one for each primary that was of no use, with the reason.
 */

#ifndef SECD_SERVER_ZONE_LOG_H
#define SECD_SERVER_ZONE_LOG_H

#include "server/zone_entry.h"

/** A version was published: kind, serials, size, time, key, primary. */
void zone_log_transfer(const struct zone_entry *e);

/** A NOTIFY came in that may. */
void zone_log_notify(const struct zone_entry *e,
		     const struct zone_notify *notify);

/** An exchange ended without a transfer, as it may. */
void zone_log_answer(const struct zone_entry *e,
		     const struct xfr_in_result *in);

/** An exchange failed; the next step is with the refresh machine. */
void zone_log_failure(const struct zone_entry *e,
		      const struct exchange_result *result);

/** The key of the exchange in flight was taken back. */
void zone_log_cut(const struct zone_entry *e);

/** The step's primary answers again. */
void zone_log_recovery(const struct zone_entry *e);

/** There was no connection to the step's primary. */
void zone_log_unreachable(const struct zone_entry *e, const char *reason);

/** What a complete transfer brought cannot be served. */
void zone_log_refused(const struct zone_entry *e, const char *reason);

#endif
