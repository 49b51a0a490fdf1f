/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image -- one whole zone, immutable, in a mapped file or on the heap.
 *
 * Nodes in canonical order, a hash of names, and for signed zones the order of
 * NSEC owners or NSEC3 hashes. Any number of threads may read it without a
 * lock. It knows names and RRsets, nothing of sockets, time or who asked.
 * Offsets of a file are checked on use: a damaged file that passed its
 * checksums by accident gives wrong nodes, never reads outside of the mapping.
 */

#ifndef SECD_ZONE_IMAGE_H
#define SECD_ZONE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone/node.h"

struct image; /* counted */

/**
 * Map an image file and verify its header, index and checksums.
 *
 * key      the storage's hash key; an image made with another is refused
 * verify_all  also check every block and node (slow: whole file is read)
 * Returns  SECD_OK, SECD_ENOTFOUND, SECD_EMALF (caller drops the file and
 *          transfers again), SECD_EIO, SECD_ENOMEM
 */
int image_open(const char *path, const struct name_hash_key *key,
	       bool verify_all, struct image **out);

/** The same from octets, which are copied to the heap. */
int image_from_octets(const uint8_t *octets, size_t len,
		      const struct name_hash_key *key, struct image **out);

struct image *image_ref(struct image *im);
/** The last reference unmaps, and unlinks a file that is not kept. */
void image_unref(struct image *im);

/** The octets of the whole image, as image_from_octets takes them. */
const uint8_t *image_octets(const struct image *im, size_t *len);

/** True when the image lives in a file rather than on the heap. */
bool image_is_file(const struct image *im);

/**
 * Write a new file image to the disk already, on a thread that may take long:
 * image_keep then has little to do. What goes wrong is found out there.
 */
void image_sync(struct image *im);

/**
 * Make a file image durable under a lasting name that is free: fdatasync,
 * rename. The caller syncs the directory. One that is kept already gets
 * another name, and keeps the file's first one too. Where that cannot be, the
 * file is written once more. For one thread at a time, whatever others read
 * meanwhile.
 *
 * Returns  SECD_OK, SECD_EIO, SECD_ENOSPC, SECD_ENOMEM
 */
int image_keep(struct image *im, const char *path);

/** The name that an image is kept under last; NULL: it is not kept. */
const char *image_kept_path(const struct image *im);

/** Take image_keep back: the last reference unlinks that name. */
void image_unkeep(struct image *im);

/** Verify what image_open with verify_all verifies. */
int image_verify(const struct image *im);

/** The hash key that it was made with. */
const struct name_hash_key *image_key(const struct image *im);

/** The apex in lower case. */
const uint8_t *image_apex(const struct image *im);
uint32_t image_serial(const struct image *im);
uint64_t image_record_count(const struct image *im);
uint64_t image_node_count(const struct image *im);
/** Octets of all nodes. */
uint64_t image_node_octets(const struct image *im);
const struct node *image_apex_node(const struct image *im);

/** How names are denied in this zone. */
enum image_denial { IMAGE_UNSIGNED, IMAGE_NSEC, IMAGE_NSEC3 };
struct image_nsec3 {
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt;
};
enum image_denial image_denial(const struct image *im);
/** NSEC3 parameters in force; only when image_denial is IMAGE_NSEC3. */
const struct image_nsec3 *image_nsec3(const struct image *im);

/** Ask the processor for the slot of this hash before image_find needs it. */
void image_prefetch(const struct image *im, uint64_t hash);

/**
 * Once the slot is there: ask for the node that it leads to.
 *
 * Returns  whether there is one, as far as can be told so early
 */
bool image_prefetch_node(const struct image *im, uint64_t hash);

/*
 * The same for a name that is not there and will be denied: each step asks for
 * what the next one reads.
 */
struct image_ahead {
	uint64_t from, count;              /* entries */
	uint8_t hash[NODE_NSEC3_HASH_LEN]; /* for IMAGE_NSEC3 */
};

/** IMAGE_NSEC: before image_ahead_nodes. */
void image_ahead_name(const struct image *im, const uint8_t *lower,
		      struct image_ahead *ahead);
/** IMAGE_NSEC3, with `hash` set: both of these before image_ahead_nodes. */
void image_ahead_hash(const struct image *im, const struct image_ahead *ahead);
void image_ahead_entry(const struct image *im, struct image_ahead *ahead);
/** At last: ask for the nodes. */
void image_ahead_nodes(const struct image *im, const struct image_ahead *ahead);

/**
 * The node of a name, whatever its flags.
 *
 * lower    lower-case name and its hash (name_hash_all)
 * Returns  the node or NULL
 */
const struct node *image_find(const struct image *im, const uint8_t *lower,
			      size_t len, uint64_t hash);

/*
 * Entries that deny names, in the order of NSEC owners or NSEC3 hashes.
 */
uint64_t image_denial_count(const struct image *im);
/** The node of entry `i`; NULL: there is none, or it is damaged. */
const struct node *image_denial_at(const struct image *im, uint64_t i);

/**
 * The node with the NSEC that matches or covers a name (IMAGE_NSEC).
 *
 * rank     receives how many entries match the name or stand before it; with
 *          none, the node is the last one, whose span reaches over the end
 * Returns  the node; NULL: the image is damaged
 */
const struct node *image_nsec_rank(const struct image *im, const uint8_t *lower,
				   uint64_t *rank);

/**
 * The node with the NSEC3 that matches or covers a hash (IMAGE_NSEC3).
 *
 * rank     as above
 * match    receives whether it matches
 * Returns  the node; NULL: the image is damaged, or a layer without NSEC3
 */
const struct node *image_nsec3_rank(const struct image *im,
				    const uint8_t hash[NODE_NSEC3_HASH_LEN],
				    uint64_t *rank, bool *match);

static inline const struct node *
image_nsec_for(const struct image *im, const uint8_t *lower)
{
	uint64_t rank;

	return image_nsec_rank(im, lower, &rank);
}

static inline const struct node *
image_nsec3_for(const struct image *im, const uint8_t hash[NODE_NSEC3_HASH_LEN],
		bool *match)
{
	uint64_t rank;

	return image_nsec3_rank(im, hash, &rank, match);
}

/** Nodes in canonical order; NULL starts and ends. The first is the apex. */
const struct node *image_next(const struct image *im, const struct node *n);

/** Is it the last node? When not, NULL of image_next tells of damage. */
bool image_is_last(const struct image *im, const struct node *n);

#endif
