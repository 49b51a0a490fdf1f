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
#include "zone/image_write.h"
#include "zone/node_write.h"
#include "zone/owner_set.h"

/* An NS record whose target is at or below its own cut. */
struct compose_target {
	const uint8_t *name; /* in the set of the cut */
	size_t ns;
};

/* A cut that waits for its glue. */
struct compose_cut {
	bool waits;
	uint16_t flags;
	uint8_t own_hash[NODE_NSEC3_HASH_LEN];
	struct owner_set set;
	struct compose_target *targets; /* in canonical order of names */
	size_t target_count, target_cap;
	size_t target_next; /* the first that may still come */
	struct buf glue;    /* struct node_glue */
	struct buf glue_rdata;
	struct stream below; /* nodes */
};

struct compose {
	const struct build_params *p;
	struct build_report *report;
	const struct image *base; /* nodes that are copied come from it */
	struct image_write out;
	struct node_write writer;
	struct compose_cut cut;
	unsigned apex_labels;
	bool started;
	uint8_t last[NAME_LEN_MAX]; /* owner of the last node */
	/* The nodes on the way from the apex to the last one, by labels. */
	struct {
		uint64_t at;
		uint16_t flags;
	} path[NAME_LABEL_MAX + 1];
	bool
	    barrier; /* names from here to the end of the subtree are occluded */
	uint8_t barrier_labels;
	uint64_t records;
	uint32_t serial;
	bool has_nsec;  /* at the apex */
	bool has_nsec3; /* parameters at the apex that may be used */
	bool may_copy;  /* hashes of the base are still right */
	uint8_t salt[UINT8_MAX];
	struct image_nsec3 nsec3;
};

/** Start. `c` must not be moved from then on; everything is borrowed. */
int compose_init(struct compose *c, const struct build_params *p,
		 const struct image *base, struct build_report *report);
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

/** Take what the waiting cut needs of an owner at or below it. */
int compose_cut_take(struct compose *c, const struct owner_set *set);

/** Write the waiting cut and what is below it. */
int compose_cut_end(struct compose *c);

void compose_cut_fini(struct compose_cut *cut);

#endif
