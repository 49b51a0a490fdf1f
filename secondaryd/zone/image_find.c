/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding nodes in an image: by name, by order, by what denies a name.
 */

#include <string.h>

#include "base/error.h"
#include "zone/image_format.h"
#include "zone/nsec3.h"

/* Interpolation is good on hashes; on made up ones, halving ends it. */
#define GUESSES_MAX 4
/* Fewer candidates than this are looked at one by one. */
#define SCAN_COUNT 8
/* A node and its records: most are not longer. */
#define NODE_LINES 4
#define LINE_LEN   64

/* Ask for a node of which nothing has been read yet. The offset may come from a
 * damaged file: asking for what is not there does no harm. */
static void
fetch_node(const struct image *im, uint64_t at)
{
	for (unsigned i = 0; i < NODE_LINES; i++) {
		__builtin_prefetch(im->base + at + (size_t)i * LINE_LEN);
	}
	/* gcc leaves out calls of what does nothing but prefetch. */
	__asm__ volatile("");
}

void
image_prefetch(const struct image *im, uint64_t hash)
{
	__builtin_prefetch(&im->hash[image_slot(hash, im->hash_slots)]);
}

bool
image_prefetch_node(const struct image *im, uint64_t hash)
{
	uint64_t i = image_slot(hash, im->hash_slots);

	for (; i < im->hash_count && im->hash[i] != 0; i++) {
		uint64_t entry = im->hash[i];

		if ((entry ^ image_tag(hash)) >> IMAGE_TAG_SHIFT == 0) {
			fetch_node(im, (entry & IMAGE_OFFSET_MASK) * 8);
			return true;
		}
	}
	return false;
}

/* Owners are lower-case nearly always, so memcmp settles it nearly always. */
static bool
owner_is(const struct node *n, const uint8_t *lower, size_t len)
{
	if (n->owner_len != len) {
		return false;
	}
	return memcmp(n->owner, lower, len) == 0 || name_equal(n->owner, lower);
}

const struct node *
image_find(const struct image *im, const uint8_t *lower, size_t len,
	   uint64_t hash)
{
	uint64_t i = image_slot(hash, im->hash_slots);

	for (; i < im->hash_count && im->hash[i] != 0; i++) {
		uint64_t entry = im->hash[i];
		const struct node *n;

		if ((entry ^ image_tag(hash)) >> IMAGE_TAG_SHIFT != 0) {
			continue;
		}
		n = image_node_at(im, (entry & IMAGE_OFFSET_MASK) * 8);
		if (n != NULL && owner_is(n, lower, len)) {
			return n;
		}
	}
	return NULL;
}

const struct node *
image_next(const struct image *im, const struct node *n)
{
	uint64_t at = sizeof(struct image_header);

	if (n != NULL) {
		at = (uint64_t)((const uint8_t *)n - im->base) + n->len;
	}
	return image_node_at(im, at);
}

bool
image_is_last(const struct image *im, const struct node *n)
{
	return (uint64_t)((const uint8_t *)n - im->base) + n->len ==
	       im->nodes_end;
}

uint64_t
image_denial_count(const struct image *im)
{
	return im->denial_count;
}

/* The node of an entry that there is. */
static const struct node *
denial_node(const struct image *im, uint64_t i)
{
	return image_node_at(im, (uint64_t)im->denial_at[i] * 8);
}

const struct node *
image_denial_at(const struct image *im, uint64_t i)
{
	return i < im->denial_count ? denial_node(im, i) : NULL;
}

/* None before it: the last one's span reaches over the end. Only a layer may
 * have none at all. */
static const struct node *
entry_before(const struct image *im, uint64_t rank)
{
	uint64_t i = (rank > 0 ? rank : im->denial_count) - 1;

	if (i < im->denial_count) {
		fetch_node(im, (uint64_t)im->denial_at[i] * 8);
	}
	return image_denial_at(im, i);
}

/* The owner of an entry, without a look at the records behind it. */
static const uint8_t *
entry_owner(const struct image *im, uint64_t i)
{
	uint64_t at = (uint64_t)im->denial_at[i] * 8;
	const struct node *n;

	if (at < sizeof(struct image_header) || at >= im->nodes_end) {
		return NULL;
	}
	n = image_at(im, at);
	return node_has_owner(n, (size_t)(im->nodes_end - at)) ? n->owner
							       : NULL;
}

/* How many fences are below `key`. Which half it is in cannot be foreseen:
 * without a branch nothing is guessed wrong. */
static uint64_t
fences_below(const struct image *im, uint64_t key)
{
	const uint64_t *k = im->denial_key;
	uint64_t count = im->head->denial_keys;

	while (count > 0) {
		uint64_t half = count / 2;

		k = *(k + half) < key ? k + (count - half) : k;
		count = half;
	}
	return (uint64_t)(k - im->denial_key);
}

/*
 * The entries among which a name's place is: not before the last group that
 * starts with a lower fence, nor behind the last that starts with an equal
 * one. That is mostly one group.
 *
 * Returns  false when there is none
 */
static bool
find_group(const struct image *im, const uint8_t *lower, uint64_t *low,
	   uint64_t *high)
{
	uint64_t fences = im->head->denial_keys, fence, below, not_above;
	uint8_t key[NAME_KEY_MAX];
	size_t len;

	if (im->denial != IMAGE_NSEC) {
		return false;
	}
	len = name_key(lower, key);
	if (len < im->key_len) {
		return false;
	}
	fence = image_denial_key(key + im->key_len, len - im->key_len);
	below = not_above = fences_below(im, fence);
	if (below < fences && im->denial_key[below] == fence) {
		not_above =
		    fence < UINT64_MAX ? fences_below(im, fence + 1) : fences;
	}
	*low = below == 0 ? 0 : (below - 1) * IMAGE_FENCE_STEP;
	*high = not_above * IMAGE_FENCE_STEP;
	if (*high > im->denial_count) {
		*high = im->denial_count;
	}
	return true;
}

static void
fetch_entries(const struct image *im, uint64_t from, uint64_t count)
{
	for (uint64_t i = from; i < im->denial_count && i < from + count; i++) {
		fetch_node(im, (uint64_t)im->denial_at[i] * 8);
	}
}

const struct node *
image_nsec_rank(const struct image *im, const uint8_t *lower, uint64_t *rank)
{
	uint64_t low, high;

	*rank = 0;
	if (!find_group(im, lower, &low, &high)) {
		return NULL;
	}
	fetch_entries(im, low, IMAGE_FENCE_STEP);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		const uint8_t *owner = entry_owner(im, middle);

		if (owner == NULL) {
			return NULL;
		}
		if (name_compare(owner, lower) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	*rank = low;
	return entry_before(im, low);
}

/* The number of hashes whose first octets are below `key`. */
static uint64_t
hashes_below(const struct image *im, uint64_t key)
{
	const uint64_t *k = im->denial_key;
	uint64_t low = 0, high = im->denial_count; /* the result is in here */

	for (unsigned i = 0; i < GUESSES_MAX && high - low > SCAN_COUNT; i++) {
		uint64_t first = k[low], last = k[high - 1], guess;

		if (key <= first) {
			return low;
		}
		if (key > last) {
			return high;
		}
		guess = low + (uint64_t)((double)(key - first) /
					 (double)(last - first) *
					 (double)(high - 1 - low));
		guess = guess < high ? guess : high - 1;
		if (k[guess] < key) {
			low = guess + 1;
		} else {
			high = guess;
		}
	}
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (k[middle] < key) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

const struct node *
image_nsec3_rank(const struct image *im,
		 const uint8_t hash[NODE_NSEC3_HASH_LEN], uint64_t *rank,
		 bool *match)
{
	uint64_t key = image_denial_key(hash, NODE_NSEC3_HASH_LEN), i;
	uint8_t owner[NODE_NSEC3_HASH_LEN];
	const struct node *n;

	*match = false;
	*rank = 0;
	if (im->denial != IMAGE_NSEC3) {
		return NULL;
	}
	i = hashes_below(im, key);
	/* Hashes that begin alike are no accident, but must not mislead. */
	for (; i < im->denial_count && im->denial_key[i] == key; i++) {
		int order;

		n = denial_node(im, i);
		if (n == NULL ||
		    nsec3_hash_of_owner(n->owner, owner) != SECD_OK) {
			return NULL;
		}
		order = memcmp(owner, hash, sizeof(owner));
		if (order == 0) {
			*match = true;
			*rank = i + 1;
			return n;
		}
		if (order > 0) {
			break;
		}
	}
	*rank = i;
	return entry_before(im, i);
}

void
image_ahead_name(const struct image *im, const uint8_t *lower,
		 struct image_ahead *ahead)
{
	uint64_t high;

	if (find_group(im, lower, &ahead->from, &high)) {
		ahead->count = IMAGE_FENCE_STEP;
		__builtin_prefetch(&im->denial_at[ahead->from]);
	} else {
		ahead->count = 0;
	}
}

void
image_ahead_hash(const struct image *im, const struct image_ahead *ahead)
{
	uint64_t key = image_denial_key(ahead->hash, NODE_NSEC3_HASH_LEN);

	/* Hashes are spread evenly: it is not far from there. */
	__builtin_prefetch(
	    &im->denial_key[((key >> 32) * im->denial_count) >> 32]);
}

void
image_ahead_entry(const struct image *im, struct image_ahead *ahead)
{
	uint64_t rank = hashes_below(
	    im, image_denial_key(ahead->hash, NODE_NSEC3_HASH_LEN));

	ahead->from = rank > 0 ? rank - 1 : 0;
	ahead->count = 1;
	__builtin_prefetch(&im->denial_at[ahead->from]);
}

void
image_ahead_nodes(const struct image *im, const struct image_ahead *ahead)
{
	fetch_entries(im, ahead->from, ahead->count);
}
