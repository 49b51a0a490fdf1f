/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * losses -- the zones whose newest change is not kept, or not yet. A zone is
 * lost from the change that failed to the commit of a later one.
 */

#ifndef IXFR_JOURNAL_LOSSES_H
#define IXFR_JOURNAL_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loss {
	struct loss *next;
	bool is_lost;   /* else it is only waiting for its commit */
	bool is_taken;  /* in the group that is not committed yet */
	uint8_t apex[]; /* in wire format */
};

struct losses {
	struct loss *first;
	size_t count;
};

/** A change was taken, or not. Without memory nothing is noted. */
void losses_change(struct losses *l, const uint8_t *apex, bool is_taken);

/** The group ended; what was taken is kept, or lost. */
void losses_commit(struct losses *l, bool is_kept);

/** The zone went. */
void losses_forget(struct losses *l, const uint8_t *apex);

/** Is any zone lost? */
bool losses_any(const struct losses *l);

void losses_fini(struct losses *l);

#endif
