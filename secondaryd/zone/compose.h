/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compose -- turns owners in canonical order into the nodes of an image: adds
 * empty non-terminals, tells what is occluded, gives cuts their glue, hashes
 * for NSEC3, and refuses what makes no zone.
 *
 * A node is written when all that it holds is known. Only a cut with glue has
 * to wait for names below it; those wait in a stream. A parent that was
 * written when its "*" child comes gets its flag in place.
 */

#ifndef SECD_ZONE_COMPOSE_H
#define SECD_ZONE_COMPOSE_H

#include "zone/build_internal.h"
#include "zone/derive.h"
#include "zone/glue.h"
#include "zone/image_write.h"
#include "zone/node_write.h"
#include "zone/owner_set.h"

/* A cut that waits for its glue. */
struct compose_cut {
	bool waits;
	uint16_t flags;
	uint8_t own_hash[NODE_NSEC3_HASH_LEN];
	struct owner_set set;
	struct glue glue;
	struct stream below; /* nodes */
};

struct compose {
	const struct build_params *p;
	struct build_report *report;
	const struct version *base; /* nodes that are copied come from it */
	struct image_write out;
	struct node_write writer;
	struct compose_cut cut;
	struct derive derive;
	bool started;
	uint8_t last[NAME_LEN_MAX]; /* owner of the last node */
	/* The nodes on the way from the apex to the last one, by labels. */
	struct {
		uint64_t at;
		uint16_t flags;
	} path[NAME_LABEL_MAX + 1];
	int barrier; /* of names from here to the end of the subtree */
	uint64_t records;
	bool may_copy; /* hashes of the base are still right */
};

/** Start. `c` must not be moved from then on; everything is borrowed. */
int compose_init(struct compose *c, const struct build_params *p,
		 const struct version *base, struct build_report *report);
void compose_fini(struct compose *c);

/**
 * The next owner: the apex first, then in canonical order.
 *
 * set      sealed; not empty; what it holds afterwards is undefined
 * Returns  as build_from_spool
 */
int compose_owner(struct compose *c, struct owner_set *set);

/**
 * The next owner, a node of the base whose records are the same. Empty
 * non-terminals are left out by the caller.
 *
 * same_below  no name below it has changed either
 * copied      receives false when it must be taken apart after all: then call
 *             compose_owner with its records
 */
int compose_copy(struct compose *c, const struct node *n, bool same_below,
		 bool *copied);

/** After the last owner: make the image. */
int compose_finish(struct compose *c, struct image **out);

/** Write a finished node, and what the index has to know of it. */
int compose_place(struct compose *c, const struct node *n);

/*
 * compose_cut.c: the cut that waits.
 */

/** Does this cut need glue from its own subtree? Then it waits from now on. */
int compose_cut_begin(struct compose *c, struct owner_set *set, uint16_t flags,
		      const uint8_t *own_hash);

/** Write the waiting cut and what is below it. */
int compose_cut_end(struct compose *c);

void compose_cut_fini(struct compose_cut *cut);

#endif
