/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/image_write.h"

#include <string.h>

#include "base/checksum.h"
#include "base/error.h"

#include "zone/image_format.h"
#include "zone/nsec3.h"

/* What each list keeps in memory before it goes to a file. */
#define LIST_MEMORY ((size_t)1024 * 1024)
#define LIST_COUNT  5
/* Slots of the hash made at once: 16 MiB, a million names. */
#define RANGE_SLOTS ((uint64_t)1 << 21)

int
image_write_init(struct image_write *w, const struct build_params *p)
{
	static const struct image_header blank;
	struct stream *lists[LIST_COUNT] = {&w->pairs, &w->nsec, &w->fences,
					    &w->nsec3, &w->hashes};

	*w = (struct image_write){.key = p->hash_key};
	stream_init(&w->image, p->dir, p->memory_max, true);
	for (size_t i = 0; i < LIST_COUNT; i++) {
		stream_init(lists[i], p->dir, LIST_MEMORY, false);
	}
	return stream_put(&w->image, &blank, sizeof(blank));
}

void
image_write_fini(struct image_write *w)
{
	stream_fini(&w->image);
	stream_fini(&w->pairs);
	stream_fini(&w->nsec);
	stream_fini(&w->fences);
	stream_fini(&w->nsec3);
	stream_fini(&w->hashes);
}

int
image_write_node(struct image_write *w, const struct node *n, uint64_t *at)
{
	uint64_t offset = stream_len(&w->image);
	struct image_pair pair = {
	    .hash = name_hash(n->owner, &w->key),
	    .offset = offset / 8,
	};
	const struct rrset *s = node_rrsets(n);
	int rc;

	if (offset + n->len > IMAGE_LEN_MAX ||
	    w->node_count >= IMAGE_NODES_MAX) {
		return SECD_ELIMIT;
	}
	rc = stream_put(&w->image, n, n->len);
	if (rc == SECD_OK) {
		rc = stream_put(&w->pairs, &pair, sizeof(pair));
	}
	if (rc != SECD_OK) {
		return rc;
	}
	w->node_count++;
	for (unsigned i = 0; i < n->rrset_count; i++) {
		w->record_count += (uint64_t)s->count + s->sig_count;
		s = rrset_next(s);
	}
	*at = offset;
	return SECD_OK;
}

int
image_write_flags(struct image_write *w, uint64_t at, uint16_t flags)
{
	return stream_patch(&w->image, at + offsetof(struct node, flags),
			    &flags, sizeof(flags));
}

/* Offsets of denying nodes; IMAGE_LEN_MAX is such that they fit. */
static int
put_offset(struct stream *list, uint64_t at)
{
	uint32_t offset = (uint32_t)(at / 8);

	return stream_put(list, &offset, sizeof(offset));
}

static int
put_nsec(struct image_write *w, const struct node *n, uint64_t at,
	 const uint8_t *apex)
{
	int rc = SECD_OK;

	if (w->nsec_count % IMAGE_FENCE_STEP == 0) {
		uint8_t key[NAME_KEY_MAX], apex_key[NAME_KEY_MAX];
		size_t skip = name_key(apex, apex_key);
		size_t len = name_key(n->owner, key);
		uint64_t fence = image_denial_key(key + skip, len - skip);

		rc = stream_put(&w->fences, &fence, sizeof(fence));
	}
	if (rc == SECD_OK) {
		rc = put_offset(&w->nsec, at);
	}
	w->nsec_count += rc == SECD_OK;
	return rc;
}

static int
put_nsec3(struct image_write *w, uint64_t at,
	  const uint8_t hash[NODE_NSEC3_HASH_LEN])
{
	uint64_t key = image_denial_key(hash, NODE_NSEC3_HASH_LEN);
	int rc = stream_put(&w->hashes, &key, sizeof(key));

	if (rc == SECD_OK) {
		rc = put_offset(&w->nsec3, at);
	}
	w->nsec3_count += rc == SECD_OK;
	return rc;
}

/* Has it an NSEC3 of this chain? There may be a second one in a zone, with
 * other parameters. */
static bool
is_in_chain(const struct node *n, const struct image_nsec3 *chain)
{
	struct node_reader r;
	struct image_nsec3 got;
	struct rr rr;

	node_reader_init(&r, n);
	while (node_reader_next(&r, &rr)) {
		if (rr.type == RR_TYPE_NSEC3 &&
		    nsec3_params_from_rdata(rr.rdata, rr.rdlen, &got) &&
		    nsec3_params_equal(&got, chain)) {
			return true;
		}
	}
	return false;
}

int
image_write_denial(struct image_write *w, const struct node *n, uint64_t at,
		   const uint8_t *apex, const struct image_nsec3 *nsec3)
{
	const struct rrset *s = node_find(n, RR_TYPE_NSEC);
	uint8_t hash[NODE_NSEC3_HASH_LEN];

	if ((n->flags & NODE_OCCLUDED) != 0) {
		return SECD_OK;
	}
	if (s != NULL && s->count > 0) {
		int rc = put_nsec(w, n, at, apex);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	s = nsec3 != NULL ? node_find(n, RR_TYPE_NSEC3) : NULL;
	if (s == NULL || s->count == 0 ||
	    n->label_count != name_label_count(apex) + 1 ||
	    nsec3_hash_of_owner(n->owner, hash) != SECD_OK ||
	    !is_in_chain(n, nsec3)) {
		return SECD_OK;
	}
	return put_nsec3(w, at, hash);
}

static int
put_denial(struct image_write *w, struct image_header *h)
{
	struct stream *keys = &w->fences, *offsets = &w->nsec;
	int rc;

	h->denial_at = stream_len(&w->image);
	if (h->denial == IMAGE_UNSIGNED) {
		return SECD_OK;
	}
	h->denial_count = w->nsec_count;
	if (h->denial == IMAGE_NSEC3) {
		keys = &w->hashes;
		offsets = &w->nsec3;
		h->denial_count = w->nsec3_count;
	}
	h->denial_keys = stream_len(keys) / sizeof(uint64_t);
	rc = stream_append(&w->image, keys);
	if (rc == SECD_OK) {
		rc = stream_append(&w->image, offsets);
	}
	return rc != SECD_OK ? rc : stream_align(&w->image, 8);
}

/*
 * The checksums of all blocks. Flags of nodes change after those were written,
 * so this reads all again: out of the page cache, mostly.
 */
static int
sum_blocks(struct image_write *w, struct image_header *h, struct buf *sums)
{
	uint64_t end = stream_len(&w->image);
	struct buf scratch = {0};
	int rc = SECD_OK;

	h->blocks_at = end;
	for (uint64_t at = sizeof(*h); at < end; at += IMAGE_BLOCK_LEN) {
		uint64_t left = end - at, sum;
		size_t len =
		    left < IMAGE_BLOCK_LEN ? (size_t)left : IMAGE_BLOCK_LEN;
		const uint8_t *octets;

		rc = stream_get(&w->image, at, len, &scratch, &octets);
		if (rc != SECD_OK) {
			break;
		}
		sum = checksum64(CHECKSUM_START, octets, len);
		rc = buf_put(sums, &sum, sizeof(sum));
		if (rc != SECD_OK) {
			break;
		}
		h->block_count++;
	}
	buf_fini(&scratch);
	return rc;
}

static int
put_index(struct image_write *w, struct image_header *h, struct buf *sums)
{
	int rc;

	h->nodes_end = stream_len(&w->image);
	rc = put_denial(w, h);
	if (rc != SECD_OK) {
		return rc;
	}
	h->hash_at = stream_len(&w->image);
	/* Two thirds full: short probes for 12 octets a name. */
	h->hash_slots = h->node_count + h->node_count / 2 + 1;
	rc = image_hash_append(&w->image, &w->pairs, h->hash_slots, RANGE_SLOTS,
			       &h->hash_count);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = sum_blocks(w, h, sums);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = stream_put(&w->image, sums->data, sums->len);
	h->len = stream_len(&w->image);
	return rc == SECD_OK && h->len > IMAGE_LEN_MAX ? SECD_ELIMIT : rc;
}

int
image_write_finish(struct image_write *w, uint32_t serial,
		   enum image_denial denial, struct image **out)
{
	struct buf sums = {0}; /* malloc's alignment is enough for them */
	struct image_header h = {
	    .byte_order = IMAGE_BYTE_ORDER,
	    .serial = serial,
	    .key_check = image_key_check(&w->key),
	    .node_count = w->node_count,
	    .record_count = w->record_count,
	    .denial = denial,
	};
	int rc;

	memcpy(h.magic, IMAGE_MAGIC, sizeof(h.magic));
	rc = put_index(w, &h, &sums);
	if (rc == SECD_OK) {
		image_seal_header(&h, (const void *)sums.data);
		rc = stream_patch(&w->image, 0, &h, sizeof(h));
	}
	if (rc == SECD_OK) {
		rc = image_take_stream(&w->image, &w->key, out);
	}
	buf_fini(&sums);
	/* What we wrote ourselves and cannot read is the disk's fault. */
	return rc == SECD_EMALF ? SECD_EIO : rc;
}
