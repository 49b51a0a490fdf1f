/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * losses -- the zones whose newest version is not kept, or not yet. A zone is
 * lost from the change that failed, or from the start at which the host had
 * more than the journal, to the commit of a later version.
 */

#ifndef IXFR_JOURNAL_LOSSES_H
#define IXFR_JOURNAL_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loss {
	struct loss *next;
	uint64_t seq; /* of the version that is wanted */
	/* What the journal has above this never counted, as lost changes said:
	 * now, and if the group is committed. */
	uint64_t counts_to, counts_to_then;
	bool is_lost;   /* else it is only waiting for its commit */
	bool is_taken;  /* in the group that is not committed yet */
	uint8_t apex[]; /* in wire format */
};

struct losses {
	struct loss *first;
	size_t count;
	bool has_others;   /* that there was no room for */
	bool takes_others; /* the same, in the group */
};

/**
 * A change was taken, or not.
 *
 * before  versions above this one never counted: see secondaryd/module.h
 */
void losses_change(struct losses *l, const uint8_t *apex, uint64_t seq,
		   uint64_t before, bool is_taken);

/** What the journal has of a zone above this seq never counted. */
uint64_t losses_counts_to(struct losses *l, const uint8_t *apex);

/** The host has a version that is not kept. */
void losses_behind(struct losses *l, const uint8_t *apex, uint64_t seq);

/** The group ended; what was taken is kept, or lost. */
void losses_commit(struct losses *l, bool is_kept);

/** This version is kept after all. Returns whether it was wanted. */
bool losses_kept(struct losses *l, const uint8_t *apex, uint64_t seq);

/** The zone went. */
void losses_forget(struct losses *l, const uint8_t *apex);

/** Is any zone lost? */
bool losses_any(const struct losses *l);

/** One that is, and not taken yet; each time another one. NULL: there is none
 * that is known by name. */
const uint8_t *losses_next(struct losses *l);

void losses_fini(struct losses *l);

#endif
