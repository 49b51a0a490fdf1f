/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image from a damaged file, alone and with layers over it. Checksums are
 * set right first, since no fuzzer guesses them; what they would have kept out
 * must do no harm either.
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
#include "zone/layer_write.h"
#include "zone/node_write.h"
#include "zone/version.h"

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
	struct image_ahead ahead;
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
	image_ahead_name(im, lower, &ahead);
	image_ahead_nodes(im, &ahead);
	n = image_nsec_for(im, lower);
	return sum + (n != NULL ? copy_rrsets(n) : 0u);
}

/* Somebody could look at it, so everything is read. */
unsigned fuzz_image_sum;

static void
use(struct image *im)
{
	struct image_ahead ahead;
	const struct node *n = NULL;
	unsigned sum = 0;
	struct rnd r = {1};
	bool match;

	while ((n = image_next(im, n)) != NULL) {
		sum += use_node(im, n) + copy_rrsets(n);
	}
	for (int i = 0; i < 16; i++) {
		rnd_fill(&r, ahead.hash, sizeof(ahead.hash));
		if (image_denial(im) == IMAGE_NSEC3) {
			image_ahead_hash(im, &ahead);
			image_ahead_entry(im, &ahead);
			image_ahead_nodes(im, &ahead);
		}
		n = image_nsec3_for(im, ahead.hash, &match);
		sum += n != NULL ? copy_rrsets(n) : 0u;
	}
	fuzz_image_sum = sum;
	image_verify(im);
}

static int
put_tombstone(struct layer_write *w, const struct node *n)
{
	struct node_spec spec = {.owner = n->owner, .flags = NODE_TOMBSTONE};
	struct node_write writer = {.plain = false};
	const struct node *tombstone;
	int rc = node_write(&writer, &spec, &tombstone);

	if (rc == SECD_OK) {
		rc = layer_write_put(w, tombstone);
	}
	node_write_fini(&writer);
	return rc;
}

/* Some nodes of the image, some of them gone; NULL: it has none to make one. */
static struct layer *
make_layer(const struct image *im, uint64_t seed)
{
	struct build_params p = {
	    .apex = image_apex(im),
	    .hash_key = key,
	    .dir = "/tmp",
	};
	const struct node *n = image_next(im, NULL);
	struct rnd r = {seed};
	struct layer_write w;
	struct layer *l = NULL;
	int rc = layer_write_init(&w, &p);

	if (rc == SECD_OK) {
		rc = layer_write_put(&w, n);
	}
	while (rc == SECD_OK && (n = image_next(im, n)) != NULL) {
		unsigned kind = rnd_below(&r, 4);

		if (kind == 0) {
			rc = layer_write_put(&w, n);
		} else if (kind < 3) {
			rc = put_tombstone(&w, n);
		}
	}
	if (rc == SECD_OK) {
		layer_write_finish(&w, 1, image_denial(im), 0, &l);
	}
	layer_write_fini(&w);
	return l;
}

static unsigned
use_cursor(struct version_cursor *c)
{
	const struct node *n;
	unsigned sum = 0;

	while ((n = version_cursor_next(c)) != NULL) {
		sum += copy_rrsets(n);
	}
	return sum + version_cursor_is_whole(c);
}

static unsigned
use_version(const struct version *v, const struct node *at)
{
	uint64_t hash = name_hash(at->owner, &key);
	struct version_cursor c;
	const struct node *n;
	unsigned sum = 0;

	version_prefetch(v, hash);
	version_prefetch_node(v, hash);
	n = version_find(v, at->owner, at->owner_len, hash);
	sum += n != NULL ? copy_rrsets(n) : 0u;
	n = version_nsec_for(v, at->owner);
	sum += n != NULL ? copy_rrsets(n) : 0u;
	version_cursor_below(&c, v, at->owner);
	n = version_cursor_next(&c);
	return sum + (n != NULL ? copy_rrsets(n) : 0u);
}

static void
use_layers(struct image *im)
{
	struct layer *layers[2] = {make_layer(im, 1), make_layer(im, 2)};
	uint8_t hash[NODE_NSEC3_HASH_LEN];
	const struct node *n = NULL;
	struct version_cursor c;
	struct version *v;
	struct rnd r = {3};
	bool match;

	if (layers[0] != NULL && layers[1] != NULL &&
	    version_new(1, im, layers, 2, &v) == SECD_OK) {
		version_cursor_start(&c, v);
		fuzz_image_sum += use_cursor(&c);
		while ((n = image_next(im, n)) != NULL) {
			fuzz_image_sum += use_version(v, n);
		}
		for (int i = 0; i < 16; i++) {
			rnd_fill(&r, hash, sizeof(hash));
			n = version_nsec3_for(v, hash, &match);
			fuzz_image_sum += n != NULL ? copy_rrsets(n) : 0u;
		}
		version_unref(v);
	}
	layer_unref(layers[0]);
	layer_unref(layers[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size / 8 * 8;
	uint8_t *octets;
	struct image *im;

	if (image_from_octets(data, size, &key, &im) == SECD_OK) {
		use(im);
		use_layers(im);
		image_unref(im);
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
		use_layers(im);
		image_unref(im);
	}
	free(octets);
	return 0;
}
