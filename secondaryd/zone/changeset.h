/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changeset -- the difference sequences of an IXFR (RFC 1995 section 4), as
 * one run of octets that is stored as it stands.
 *
 * A changeset is one or more steps. A step has the SOA before, deleted
 * records, the SOA after, added records. Steps are contiguous: the serial
 * after one is the serial before the next. Records are as wire/rr.h has them.
 */

#ifndef SECD_ZONE_CHANGESET_H
#define SECD_ZONE_CHANGESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/rr.h"

enum changeset_op {
	CHANGESET_SOA_FROM = 1, /* begins a step */
	CHANGESET_DELETE,
	CHANGESET_SOA_TO, /* ends the deletions */
	CHANGESET_ADD,
};

struct changeset {
	struct buf octets;
	uint32_t from,
	    to; /* serials before the first and after the last step */
	uint32_t step_count;
	uint64_t deleted, added; /* records, SOAs not counted */
	enum changeset_op last;  /* of changeset_put; 0 while empty */
};

/**
 * Append one record. The order of operations is checked: SOA_FROM, DELETE*,
 * SOA_TO, ADD*, and again SOA_FROM of the next step. SOAs have no other place.
 *
 * Returns  SECD_OK, SECD_EMALF (order, or a step that does not start where
 *          the one before ended), SECD_ENOMEM
 */
int changeset_put(struct changeset *cs, enum changeset_op op,
		  const struct rr *rr);

/** True when the last step is complete, and there is one. */
bool changeset_is_complete(const struct changeset *cs);

/**
 * Take stored octets, checking every length, name and the order; the last
 * step must be complete.
 *
 * cs       zero-initialised; receives a copy
 * Returns  SECD_OK, SECD_EMALF, SECD_ENOMEM
 */
int changeset_from_octets(const uint8_t *octets, size_t len,
			  struct changeset *cs);

void changeset_fini(struct changeset *cs);

/** Walk: `*pos` starts at 0; false at the end. Records point into the cs. */
bool changeset_next(const struct changeset *cs, size_t *pos,
		    enum changeset_op *op, struct rr *rr);

#endif
