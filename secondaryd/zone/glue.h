/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glue -- the addresses that a cut's node holds: those of its name servers
 * whose names are at or below this very cut. RFC 9471 wants all of them in a
 * referral.
 */

#ifndef SECD_ZONE_GLUE_H
#define SECD_ZONE_GLUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "zone/node_write.h"
#include "zone/owner_set.h"

/* An NS record whose target is at or below its own cut. */
struct glue_target {
	const uint8_t *name; /* in the set of the cut */
	size_t ns;
};

/* Zero-initialised at first, then used again and again. */
struct glue {
	struct glue_target *targets; /* in canonical order of names */
	size_t count, cap;
	size_t next;        /* the first whose owner may still come */
	struct buf records; /* struct node_glue */
	struct buf rdata;
};

void glue_fini(struct glue *g);

/**
 * Start with the targets of a cut's NS records; none when there is too much
 * of them for a node.
 *
 * set      sealed, with NS; borrowed while glue is taken
 * Returns  SECD_OK, SECD_ENOMEM
 */
int glue_start(struct glue *g, const struct owner_set *set);

/**
 * Take the addresses of an owner, if it is a target. Owners come in canonical
 * order; those that are no targets may be left out.
 */
int glue_take(struct glue *g, const struct owner_set *set);

/** Give what was taken to a node. Good until the next glue_start. */
void glue_put(struct glue *g, struct node_spec *spec);

#endif
