/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * catch_up -- the journal follows the host where it fell behind: because a
 * change could not be kept, or because the host is older than the journal.
 *
 * What led to the host's version is lost then. History begins anew with it, so
 * that it is kept itself, and what follows.
 */

#ifndef IXFR_JOURNAL_CATCH_UP_H
#define IXFR_JOURNAL_CATCH_UP_H

#include "ixfr-journal/journal.h"

/** The host has this version of a zone, durable. */
void catch_up_note(struct journal *j, const uint8_t *apex, uint64_t seq,
		   uint32_t serial);

/**
 * Go on for a while.
 *
 * Returns  SECD_MORE (call again soon), SECD_OK (nothing to do now: see
 *          catch_up_due)
 */
int catch_up_go_on(struct journal *j, const struct secd_time *now);

/** Has the host anything that is not kept? */
bool catch_up_is_behind(const struct journal *j);

/** When there is something to do: boot_ms, or SECD_NEVER. */
int64_t catch_up_due(const struct journal *j);

#endif
