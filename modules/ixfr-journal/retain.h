/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * retain -- keeps the journal within its limits: the oldest steps go, never
 * one from the middle, and never the base that others need.
 */

#ifndef IXFR_JOURNAL_RETAIN_H
#define IXFR_JOURNAL_RETAIN_H

#include "ixfr-journal/db.h"
#include "ixfr-journal/limits.h"

/* What was found when a zone was trimmed. */
struct retained {
	uint64_t octets;     /* of its steps, now */
	uint64_t wants_base; /* the seq that a base must have at least before
				more can be trimmed, or any; 0: none */
};

/**
 * Trim one zone, a bounded amount.
 *
 * limits   in force
 * is_hard  room matters more than the base: there is none for another one
 * now_ms   wall clock
 * Returns  SECD_OK (within its limits, or waits for a base), SECD_MORE,
 *          SECD_ENOTFOUND (no such zone), SECD_EIO, SECD_ENOSPC...
 */
int retain_zone(struct db *db, const uint8_t *apex,
		const struct zone_limits *limits, bool is_hard, int64_t now_ms,
		struct retained *out);

/** Delete some of what does not count any more. SECD_OK: nothing is left. */
int retain_purge(struct db *db);

#endif
