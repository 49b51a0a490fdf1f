/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layering_internal -- one change on its way into layers, between the files
 * that work on it:
 *
 *     layering_owner   applies operations to owners; notes which other names
 *                      they matter to
 *     layering_node    makes the node of a name, as it is after the change
 *     layering_merge   puts nodes together to layers and a version
 *
 * A node depends on records alone: its own, those above it (cut, DNAME), those
 * of its "*" child and of any name below it (whether it is there), and glue.
 * So the order in which nodes are made does not matter, once all operations
 * are applied.
 */

#ifndef SECD_ZONE_LAYERING_INTERNAL_H
#define SECD_ZONE_LAYERING_INTERNAL_H

#include "base/arena.h"
#include "zone/build_internal.h"
#include "zone/change_ops.h"
#include "zone/derive.h"
#include "zone/glue.h"
#include "zone/layering.h"
#include "zone/node_write.h"

/* A name whose node may differ. */
struct layering_name {
	const uint8_t *owner; /* in any case; outlives the work */
	uint64_t hash;
	const struct node *old; /* in the base; NULL: not there */
	const struct node *now; /* in the arena; NULL: not there */
	bool changes;           /* it has operations, and these are applied */
	bool has_records;       /* with `changes`: afterwards */
	bool wants_glue;        /* with `changes`: `now` is a cut without it */
};

struct layering_names {
	struct layering_name *all;
	size_t count, cap;
};

struct layering {
	const struct layering_limits *limits;
	const struct build_params *p;
	const struct version *base;
	struct build_report *report;
	struct change_ops ops;
	struct derive derive;
	struct node_write writer;
	struct glue glue;
	struct owner_set set;    /* of the owner in the works */
	struct owner_set target; /* of one that its glue comes from */
	struct arena *arena;     /* names and nodes */
	/* With operations, in canonical order: the apex is the first. */
	struct layering_names changed;
	uint32_t *index; /* of those by their hashes; 0: free, else from 1 */
	size_t index_mask;
	/* Others that those matter to; some twice until they are sorted. */
	struct layering_names derived;
	const uint8_t *range; /* all below this is among them */
	uint64_t records;     /* of the zone afterwards */
};

/* A name that is looked at, and the names above it. */
struct layering_at {
	uint8_t lower[NAME_LEN_MAX];
	struct name_hashes hashes;
	unsigned apex; /* which of them is the apex */
};

/*
 * layering_owner.c
 */

/** Apply all operations. Returns as layering_apply. */
int layering_owners(struct layering *l);

/*
 * layering_node.c
 */

void layering_look(const struct layering *l, const uint8_t *owner,
		   struct layering_at *at);

/** Its suffix `i`, as hashes count them. */
static inline const uint8_t *
layering_suffix(const struct layering_at *at, unsigned i)
{
	return at->lower + at->hashes.offset[i];
}

/** The name's suffix `i` in the base; NULL: it is not there. */
const struct node *layering_old(const struct layering *l,
				const struct layering_at *at, unsigned i);

/** The name's suffix `i` among those that have operations, or NULL. */
struct layering_name *layering_changed(const struct layering *l,
				       const struct layering_at *at,
				       unsigned i);

/** The node with the records that suffix `i` has afterwards, or NULL. Its
 * flags may be those of before. */
const struct node *layering_records(const struct layering *l,
				    const struct layering_at *at, unsigned i);

/** What the name is below, when names above it are settled. */
int layering_barrier(const struct layering *l, const struct layering_at *at);

bool layering_has(const struct node *n, uint16_t type);

/**
 * Lay out the node of a changed owner as far as it is settled: what follows
 * from names below it is left out.
 *
 * name     receives `now` and `wants_glue`
 * Returns  SECD_OK, SECD_ENOMEM, SECD_ELIMIT
 */
int layering_lay_owner(struct layering *l, const struct layering_at *at,
		       struct layering_name *name);

/** Make all nodes what they are after the change. Returns as the last. */
int layering_nodes(struct layering *l);

/*
 * layering_merge.c
 */

/** Make the version. Returns as layering_apply. */
int layering_merge(struct layering *l, unsigned frozen, uint64_t seq,
		   struct version **out);

#endif
