/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base -- keeps one version of each segment whole, read from the host by a
 * walk, some of it at each tick. One walk at a time, so that the host holds one
 * version for us.
 */

#ifndef IXFR_JOURNAL_BASE_H
#define IXFR_JOURNAL_BASE_H

#include "ixfr-journal/db.h"

struct base_wish;

/* Zero-initialised but for the first two. */
struct bases {
	struct db *db;
	const struct secd_host *host;
	struct base_wish *wishes, *last_wish; /* zones that want a base */

	/* The walk that is under way. */
	struct secd_walk *walk; /* NULL: none */
	uint8_t apex[NAME_LEN_MAX];
	uint64_t zone, seq;
	uint32_t index; /* of the next piece */
	uint64_t records, octets;
	struct digest digest;
};

/**
 * A zone's newest segment wants a base: its newest version when it is its turn.
 *
 * at_least  a base with this seq, or a higher one, will do; 1: any
 * Returns   SECD_OK, SECD_ENOMEM
 */
int bases_want(struct bases *b, const uint8_t *apex, uint64_t at_least);

/** Versions above `seq` were forgotten: what is read of them is void. */
void bases_undo(struct bases *b, const uint8_t *apex, uint64_t seq);

/**
 * Go on for a while.
 *
 * Returns  SECD_MORE (call again soon), SECD_OK (nothing to do), SECD_EBUSY (the
 *          host has no room for a walk now), SECD_EIO, SECD_ENOSPC, SECD_ENOMEM
 */
int bases_go_on(struct bases *b);

void bases_fini(struct bases *b);

#endif
