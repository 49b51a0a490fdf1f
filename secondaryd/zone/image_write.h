/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_write -- puts finished nodes together to an image, on the heap while
 * it is small and in a file from then on. Memory is bounded: what grows with
 * the zone goes through streams.
 */

#ifndef SECD_ZONE_IMAGE_WRITE_H
#define SECD_ZONE_IMAGE_WRITE_H

#include "zone/build.h"
#include "zone/image.h"
#include "zone/stream.h"

struct image_write {
	struct name_hash_key key;
	struct stream image;  /* header and nodes, the rest at the end */
	struct stream pairs;  /* what the hash will hold */
	struct stream nsec;   /* offsets */
	struct stream fences; /* keys of every 16th of those */
	struct stream nsec3;  /* offsets */
	struct stream hashes; /* keys of those */
	uint64_t nsec_count, nsec3_count;
	uint64_t node_count, record_count;
};

/** Start. `w` must not be copied from then on; `p` is borrowed. */
int image_write_init(struct image_write *w, const struct build_params *p);
void image_write_fini(struct image_write *w);

/**
 * Append a node: the apex first, then in canonical order.
 *
 * at       receives its offset
 * Returns  SECD_OK, SECD_ELIMIT (more than an image can hold), SECD_ENOMEM,
 *          SECD_EIO, SECD_ENOSPC; so do the functions below
 */
int image_write_node(struct image_write *w, const struct node *n, uint64_t *at);

/** Change the flags of a node that was appended. */
int image_write_flags(struct image_write *w, uint64_t at, uint16_t flags);

/**
 * Note what the node appended last denies, if it does.
 *
 * nsec3    parameters of the chain in force, or NULL
 */
int image_write_denial(struct image_write *w, const struct node *n, uint64_t at,
		       const uint8_t *apex, const struct image_nsec3 *nsec3);

/** Write the index, and open what was written. */
int image_write_finish(struct image_write *w, uint32_t serial,
		       enum image_denial denial, struct image **out);

/* In image_hash.c: one name for the hash. */
struct image_pair {
	uint64_t hash;
	uint64_t offset; /* in units of 8 octets */
};

/**
 * Append the hash table for all pairs.
 *
 * pairs    struct image_pair in the order of their nodes
 * slots    where hashes may point; at least one
 * range    slots that may be in memory at once; at least one
 * count    receives the slots appended: some more than `slots`
 * Returns  SECD_OK, SECD_ENOMEM, SECD_EIO, SECD_ENOSPC
 */
int image_hash_append(struct stream *image, struct stream *pairs,
		      uint64_t slots, uint64_t range, uint64_t *count);

#endif
