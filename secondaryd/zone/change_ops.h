/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * change_ops -- what changesets do to a zone, owner by owner: all operations
 * in canonical order of their owners, those of one owner applied to the
 * records that it had.
 *
 * Strict: deleting a record that is not there (the SOA before included), or
 * adding one that is, at that step, is a mismatch.
 */

#ifndef SECD_ZONE_CHANGE_OPS_H
#define SECD_ZONE_CHANGE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "zone/build.h"
#include "zone/owner_set.h"

/* One operation; those of an owner are sorted by `seq` until it is its turn. */
struct change_op {
	struct rr rr; /* in the changeset */
	uint64_t seq; /* its place in the changesets, from 1; 0: in the base */
	uint64_t key; /* the owner's sort key below the apex starts with it */
	bool adds;
};

struct change_ops {
	struct build_report *report;
	struct change_op *all; /* in order of owners, then of `seq` */
	size_t count;
	size_t next; /* the first one that is not applied yet */
	struct owner_set
	    before;         /* records of the owner that was applied last */
	struct buf merging; /* struct change_op: of one owner */
	struct node_reader *reader;
};

/**
 * Collect and sort.
 *
 * ops      zero-initialised; change_ops_fini it in any case; what it was made
 *          of is borrowed
 * serial   what the changesets have to start from
 * Returns  SECD_OK, SECD_EMALF (incomplete, or outside of the zone),
 *          SECD_EMISMATCH (they do not follow each other from `serial`),
 *          SECD_ENOMEM; report->reason says why
 */
int change_ops_init(struct change_ops *ops, const uint8_t *apex,
		    uint32_t serial, const struct changeset *const *changesets,
		    size_t count, struct build_report *report);

void change_ops_fini(struct change_ops *ops);

/** The next owner with operations, in canonical order; NULL at the end. */
const uint8_t *change_ops_owner(const struct change_ops *ops);

/**
 * Apply the operations of that owner, and go to the next.
 *
 * n        its node, or NULL
 * after    receives its records, sealed; none: it has none any more
 * Returns  SECD_OK, SECD_EMISMATCH, SECD_ENOMEM
 */
int change_ops_apply(struct change_ops *ops, const struct node *n,
		     struct owner_set *after);

#endif
