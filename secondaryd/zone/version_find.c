/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding nodes in an image with layers over it.
 */

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

/* The last entry of a component at or before a place; none, if rank is 0. */
struct place {
	const struct node *node;
	uint64_t rank; /* it is entry `rank` - 1 */
};

/*
 * The last of the entries at these places, one for each component, and those
 * before them, that is in force. Hashes in owners of NSEC3 sort like names.
 *
 * A newer component has the better entry mostly. Where it has not, an older
 * one's may be masked by a node that denies nothing, a tombstone: those are
 * stepped over, row by row.
 *
 * Returns  the node; NULL: there is none, or the image is damaged
 */
static const struct node *
last_entry(const struct version *v, struct place *places)
{
	const struct node *best = NULL;

	for (unsigned i = 0; i <= v->layer_count; i++) {
		struct place *p = &places[i];

		while (p->rank > 0) {
			if (p->node == NULL) {
				return NULL;
			}
			if (best != NULL &&
			    name_compare(p->node->owner, best->owner) <= 0) {
				break;
			}
			if (!is_masked(v, i, p->node)) {
				best = p->node;
				break;
			}
			p->rank = version_rows_start(v, i, p->rank - 1);
			p->node = image_denial_at(version_component(v, i),
						  p->rank - 1);
		}
	}
	return best;
}

/* Nothing before it: the last one's span reaches over the end. */
static const struct node *
last_of_all(const struct version *v)
{
	struct place places[VERSION_LAYERS_MAX + 1];

	for (unsigned i = 0; i <= v->layer_count; i++) {
		const struct image *im = version_component(v, i);

		places[i].rank = image_denial_count(im);
		places[i].node = image_denial_at(im, places[i].rank - 1);
	}
	return last_entry(v, places);
}

const struct node *
version_nsec_layered(const struct version *v, const uint8_t *lower)
{
	struct place places[VERSION_LAYERS_MAX + 1];

	if (v->denial != IMAGE_NSEC) {
		return NULL;
	}
	for (unsigned i = 0; i <= v->layer_count; i++) {
		places[i].node = image_nsec_rank(version_component(v, i), lower,
						 &places[i].rank);
	}
	/* There is always one: that of the apex, which nothing masks. */
	return last_entry(v, places);
}

const struct node *
version_nsec3_layered(const struct version *v,
		      const uint8_t hash[NODE_NSEC3_HASH_LEN], bool *match)
{
	struct place places[VERSION_LAYERS_MAX + 1];
	const struct node *n;

	*match = false;
	if (v->denial != IMAGE_NSEC3) {
		return NULL;
	}
	for (unsigned i = 0; i <= v->layer_count; i++) {
		struct place *p = &places[i];
		bool found;

		p->node = image_nsec3_rank(version_component(v, i), hash,
					   &p->rank, &found);
		/* No older one can be better. */
		if (found && !is_masked(v, i, p->node)) {
			*match = true;
			return p->node;
		}
	}
	n = last_entry(v, places);
	return n != NULL ? n : last_of_all(v);
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
