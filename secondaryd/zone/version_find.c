/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding nodes in an image with layers over it.
 */

#include <string.h>

#include "base/error.h"
#include "zone/nsec3.h"
#include "zone/version_rows.h"

static const struct node *
find_in(const struct version *v, unsigned count, const uint8_t *owner,
	size_t len, uint64_t hash)
{
	for (unsigned i = 0; i < count; i++) {
		const struct node *n =
		    image_find(version_component(v, i), owner, len, hash);

		if (n != NULL) {
			return n;
		}
	}
	return NULL;
}

const struct node *
version_find_layered(const struct version *v, const uint8_t *lower, size_t len,
		     uint64_t hash)
{
	const struct node *n = find_in(v, v->layer_count + 1, lower, len, hash);

	return n != NULL && (n->flags & NODE_TOMBSTONE) == 0 ? n : NULL;
}

/* Does a component that is newer than `i` say something else of this owner? */
static bool
is_masked(const struct version *v, unsigned i, const struct node *n)
{
	return i > 0 &&
	       find_in(v, i, n->owner, n->owner_len,
		       name_hash(n->owner, image_key(v->image))) != NULL;
}

/*
 * The last denial entry among those that stand before `rank` in each
 * component and are in force. Hashes in owners of NSEC3 sort like names.
 *
 * A newer component has the better entry mostly. Where it has not, an older
 * one's may be masked by a node that denies nothing, a tombstone: those are
 * stepped over, row by row.
 *
 * Returns  the node; NULL: there is none, or the image is damaged
 */
static const struct node *
last_entry(const struct version *v, const uint64_t *rank)
{
	const struct node *best = NULL;

	for (unsigned i = 0; i <= v->layer_count; i++) {
		const struct image *im = version_component(v, i);

		for (uint64_t left = rank[i]; left > 0; left--) {
			const struct node *n = image_denial_at(im, left - 1);

			if (n == NULL) {
				return NULL;
			}
			if (best != NULL &&
			    name_compare(n->owner, best->owner) <= 0) {
				break;
			}
			if (!is_masked(v, i, n)) {
				best = n;
				break;
			}
			left = version_rows_start(v, i, left - 1) + 1;
		}
	}
	return best;
}

/* Nothing before it: the last one's span reaches over the end. */
static const struct node *
last_of_all(const struct version *v)
{
	uint64_t rank[VERSION_LAYERS_MAX + 1];

	for (unsigned i = 0; i <= v->layer_count; i++) {
		rank[i] = image_denial_count(version_component(v, i));
	}
	return last_entry(v, rank);
}

const struct node *
version_nsec_layered(const struct version *v, const uint8_t *lower)
{
	uint64_t rank[VERSION_LAYERS_MAX + 1];

	if (v->denial != IMAGE_NSEC) {
		return NULL;
	}
	for (unsigned i = 0; i <= v->layer_count; i++) {
		image_nsec_rank(version_component(v, i), lower, &rank[i]);
	}
	/* There is always one: that of the apex, which nothing masks. */
	return last_entry(v, rank);
}

const struct node *
version_nsec3_layered(const struct version *v,
		      const uint8_t hash[NODE_NSEC3_HASH_LEN], bool *match)
{
	uint64_t rank[VERSION_LAYERS_MAX + 1];
	uint8_t owner[NODE_NSEC3_HASH_LEN];
	const struct node *n;
	bool matches; /* what may be masked */

	*match = false;
	if (v->denial != IMAGE_NSEC3) {
		return NULL;
	}
	for (unsigned i = 0; i <= v->layer_count; i++) {
		image_nsec3_rank(version_component(v, i), hash, &rank[i],
				 &matches);
	}
	n = last_entry(v, rank);
	if (n == NULL) {
		return last_of_all(v);
	}
	*match = nsec3_hash_of_owner(n->owner, owner) == SECD_OK &&
		 memcmp(owner, hash, sizeof(owner)) == 0;
	return n;
}

void
version_prefetch_layered(const struct version *v, uint64_t hash)
{
	for (unsigned i = 0; i < v->layer_count; i++) {
		image_prefetch(v->in_layer[i], hash);
	}
}

/* Of the newest component that seems to have it. */
bool
version_prefetch_node_layered(const struct version *v, uint64_t hash)
{
	for (unsigned i = 0; i <= v->layer_count; i++) {
		if (image_prefetch_node(version_component(v, i), hash)) {
			return true;
		}
	}
	return false;
}
