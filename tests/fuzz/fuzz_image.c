/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image from a damaged file. Checksums are set right first, since no fuzzer
 * guesses them; what they would have kept out must do no harm either.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/error.h"
#include "rnd.h"
#include "zone/image.h"
#include "zone/image_format.h"

static const struct name_hash_key key = {.k = {1, 2}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern unsigned fuzz_image_sum;

/* Make the checksums those of the octets, where the header allows it. */
static void
seal(uint8_t *octets, size_t len)
{
	struct image_header h;
	uint64_t *sums;

	memcpy(&h, octets, sizeof(h));
	memcpy(h.magic, IMAGE_MAGIC, sizeof(h.magic));
	h.byte_order = IMAGE_BYTE_ORDER;
	h.key_check = image_key_check(&key);
	h.len = len;
	if (h.blocks_at > len || h.blocks_at % 8 != 0 ||
	    h.blocks_at <= sizeof(h)) {
		h.blocks_at = (len - 8) / 8 * 8;
	}
	h.block_count = (h.blocks_at - sizeof(h) - 1) / IMAGE_BLOCK_LEN + 1;
	if (h.block_count <= (len - h.blocks_at) / 8) {
		sums = (void *)(octets + h.blocks_at);
		for (uint64_t i = 0; i < h.block_count; i++) {
			size_t at = sizeof(h) + (size_t)i * IMAGE_BLOCK_LEN;
			size_t left = (size_t)h.blocks_at - at;

			sums[i] = checksum64(
			    CHECKSUM_START, octets + at,
			    left < IMAGE_BLOCK_LEN ? left : IMAGE_BLOCK_LEN);
		}
		image_seal_header(&h, sums);
	}
	memcpy(octets, &h, sizeof(h));
}

/* Touch every octet that an answer would copy. */
static unsigned
copy_rrsets(const struct node *n)
{
	const struct rrset *s = node_rrsets(n);
	unsigned sum = 0;

	for (unsigned i = 0; i < n->rrset_count; i++) {
		const uint8_t *wire = rrset_wire(s);
		size_t len = (size_t)s->wire_len + s->glue_len + s->sig_len;

		for (size_t j = 0; j < len; j++) {
			sum += wire[j];
		}
		for (unsigned j = 0; j < s->fixup_count; j++) {
			sum += rrset_fixups(s)[j].target;
		}
		s = rrset_next(s);
	}
	return sum;
}

static unsigned
use_node(const struct image *im, const struct node *n)
{
	static struct node_reader r; /* 64 KiB */
	uint8_t lower[NAME_LEN_MAX];
	struct name_hashes hashes;
	unsigned sum = 0;
	struct rr rr;

	node_reader_init(&r, n);
	while (node_reader_next(&r, &rr)) {
		for (size_t i = 0; i < rr.rdlen; i++) {
			sum += rr.rdata[i];
		}
	}
	for (size_t i = 0; i < NODE_NSEC3_HASH_LEN; i++) {
		sum += node_own_hash(n) != NULL ? node_own_hash(n)[i] : 0u;
		sum += node_star_hash(n) != NULL ? node_star_hash(n)[i] : 0u;
	}
	name_lower(n->owner, lower);
	name_hash_all(lower, &key, &hashes);
	for (unsigned i = 0; i < hashes.count; i++) {
		const uint8_t *name = lower + hashes.offset[i];

		image_prefetch(im, hashes.hash[i]);
		image_prefetch_node(im, hashes.hash[i]);
		n = image_find(im, name, name_len(name), hashes.hash[i]);
		sum += n != NULL ? copy_rrsets(n) : 0u;
	}
	image_prefetch_denial_nodes(im, image_prefetch_denial(im, lower));
	n = image_nsec_for(im, lower);
	return sum + (n != NULL ? copy_rrsets(n) : 0u);
}

/* Somebody could look at it, so everything is read. */
unsigned fuzz_image_sum;

static void
use(struct image *im)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN];
	const struct node *n = NULL;
	unsigned sum = 0;
	struct rnd r = {1};
	bool match;

	while ((n = image_next(im, n)) != NULL) {
		sum += use_node(im, n) + copy_rrsets(n);
	}
	for (int i = 0; i < 16; i++) {
		rnd_fill(&r, hash, sizeof(hash));
		n = image_nsec3_for(im, hash, &match);
		sum += n != NULL ? copy_rrsets(n) : 0u;
	}
	fuzz_image_sum = sum;
	image_verify(im);
	image_unref(im);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size / 8 * 8;
	uint8_t *octets;
	struct image *im;

	if (image_from_octets(data, size, &key, &im) == SECD_OK) {
		use(im);
	}
	if (len < sizeof(struct image_header) + 16) {
		return 0;
	}
	octets = malloc(len);
	if (octets == NULL) {
		return 0;
	}
	memcpy(octets, data, len);
	seal(octets, len);
	if (image_from_octets(octets, len, &key, &im) == SECD_OK) {
		use(im);
	}
	free(octets);
	return 0;
}
