/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_format -- what an image is made of: for zone/image*.c and its tests.
 *
 *     header | nodes | denial keys | denial offsets | hash | block checksums
 *
 * Everything is in host order and 8-aligned. An offset is counted from the
 * start of the image; where it is kept in few bits, in units of 8 octets.
 *
 * Nodes are in canonical order of their owners, one right behind the other,
 * so that walking needs no index. The hash is open addressing with linear
 * probing and no wrap: entries that run over the last slot are in a tail. What
 * denies names is, for NSEC, the offsets of nodes with an NSEC in order and as
 * keys the first octets of every fourth's sort key; for NSEC3 the first octets
 * of every hash in order and the offsets of their nodes.
 *
 * Checksums cover blocks of everything between the header and themselves. The
 * header has theirs, and its own at the end.
 */

#ifndef SECD_ZONE_IMAGE_FORMAT_H
#define SECD_ZONE_IMAGE_FORMAT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "zone/image.h"
#include "zone/stream.h"

#define IMAGE_MAGIC      "SECDIMG2"
#define IMAGE_BYTE_ORDER 0x01020304u
#define IMAGE_BLOCK_LEN  ((size_t)64 * 1024)
#define IMAGE_FENCE_STEP 4u
/* Denial offsets have 32 bits. */
#define IMAGE_LEN_MAX ((uint64_t)UINT32_MAX * 8)
/* Slots are found with 32 bits of the hash. */
#define IMAGE_NODES_MAX UINT32_C(0x80000000)

/* A hash entry: the low bits of the hash, and the offset. 0 is a free slot. */
#define IMAGE_TAG_SHIFT   40
#define IMAGE_OFFSET_MASK ((UINT64_C(1) << IMAGE_TAG_SHIFT) - 1)

struct image_header {
	char magic[8];
	uint32_t byte_order;
	uint32_t serial;
	uint64_t len; /* octets of all */
	uint64_t key_check;
	uint64_t node_count;
	uint64_t record_count;
	uint64_t nodes_end;
	uint64_t denial; /* enum image_denial */
	uint64_t denial_at;
	uint64_t denial_keys;
	uint64_t denial_count;
	uint64_t hash_at;
	uint64_t hash_slots; /* where hashes point */
	uint64_t hash_count; /* with the tail */
	uint64_t blocks_at;
	uint64_t block_count;
	uint64_t blocks_sum;
	uint64_t sum; /* of all before it */
};

struct image {
	const uint8_t *base;
	const uint64_t *hash;
	uint64_t hash_slots, hash_count;
	uint64_t nodes_end;
	const uint64_t *denial_key;
	const uint32_t *denial_at;
	uint64_t denial_count;
	const struct image_header *head;
	const struct node *apex_node;
	struct image_nsec3 nsec3;
	struct name_hash_key key;
	enum image_denial denial;
	atomic_uint refs;
	void *memory; /* what is freed or unmapped: all of the image */
	uint64_t len;
	char *path;       /* of the file, else NULL */
	int fd;           /* of a file that is not synced yet, else -1 */
	bool mapped;      /* else on the heap */
	bool kept;        /* the last reference does not unlink the file */
	bool unsynced;    /* a sync failed: nobody knows what is on the disk */
	uint16_t key_len; /* octets of the apex's sort key */
	uint8_t apex[];   /* lower-case */
};

/** What stands at an offset that was checked. */
static inline const void *
image_at(const struct image *im, uint64_t at)
{
	return im->base + at;
}

/** A node by its offset, which may come from a damaged file: then NULL. */
static inline const struct node *
image_node_at(const struct image *im, uint64_t at)
{
	const struct node *n;

	if (at < sizeof(struct image_header) || at >= im->nodes_end) {
		return NULL;
	}
	n = image_at(im, at);
	return node_is_sound(n, (size_t)(im->nodes_end - at)) ? n : NULL;
}

/** The slot at which to start looking. */
static inline uint64_t
image_slot(uint64_t hash, uint64_t slots)
{
	return ((hash >> 32) * slots) >> 32;
}

/** A hash entry without its offset. */
static inline uint64_t
image_tag(uint64_t hash)
{
	return hash << IMAGE_TAG_SHIFT;
}

/** A number that tells whether two hash keys are the same. */
uint64_t image_key_check(const struct name_hash_key *key);

/** The first eight octets of a sort key or hash, as a number that sorts. */
uint64_t image_denial_key(const uint8_t *octets, size_t len);

/**
 * Make an image of a stream that holds one, taking its memory or file over.
 * Returns SECD_OK, SECD_EMALF, SECD_EIO, SECD_ENOMEM; the stream is the
 * caller's to _fini in any case.
 */
int image_take_stream(struct stream *s, const struct name_hash_key *key,
		      struct image **out);

/** Set the header's checksums after a change of it or of the block table. */
void image_seal_header(struct image_header *h, const uint64_t *blocks);

#endif
