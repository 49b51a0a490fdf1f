/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/layer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "zone/nsec3.h"

struct layer {
	struct image *image;
	atomic_uint refs;
	int64_t record_delta;
	size_t tombstone_count;
	const struct node **hiding; /* see layer_tombstones */
	size_t hiding_count;
	size_t count;
	const struct node *nodes[]; /* in canonical order */
};

/* With NSEC3, only names that spell a hash deny others. */
static bool
may_hide(const struct image *im, const struct node *tombstone)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN];

	return image_denial(im) == IMAGE_NSEC ||
	       (image_denial(im) == IMAGE_NSEC3 &&
		nsec3_hash_of_owner(tombstone->owner, hash) == SECD_OK);
}

static void
list_nodes(struct layer *l)
{
	const struct node *n = NULL;

	while ((n = image_next(l->image, n)) != NULL) {
		l->tombstone_count += (n->flags & NODE_TOMBSTONE) != 0;
		l->nodes[l->count++] = n;
	}
}

static int
list_hiding(struct layer *l)
{
	if (l->tombstone_count == 0) {
		return SECD_OK;
	}
	l->hiding = calloc(l->tombstone_count, sizeof(const struct node *));
	if (l->hiding == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < l->count; i++) {
		const struct node *n = l->nodes[i];

		if ((n->flags & NODE_TOMBSTONE) != 0 && may_hide(l->image, n)) {
			l->hiding[l->hiding_count++] = n;
		}
	}
	return SECD_OK;
}

int
layer_new_take(struct image *im, int64_t record_delta, struct layer **out)
{
	struct layer *l = calloc(
	    1, sizeof(*l) + image_node_count(im) * sizeof(const struct node *));
	int rc;

	if (l == NULL) {
		return SECD_ENOMEM;
	}
	l->image = im;
	l->record_delta = record_delta;
	atomic_init(&l->refs, 1);
	list_nodes(l);
	rc = list_hiding(l);
	if (rc != SECD_OK) {
		free(l);
		return rc;
	}
	*out = l;
	return SECD_OK;
}

struct layer *
layer_ref(struct layer *l)
{
	atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

void
layer_unref(struct layer *l)
{
	if (l == NULL ||
	    atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	image_unref(l->image);
	free(l->hiding);
	free(l);
}

const struct image *
layer_image(const struct layer *l)
{
	return l->image;
}

size_t
layer_node_count(const struct layer *l)
{
	return l->count;
}

const struct node *
layer_node(const struct layer *l, size_t i)
{
	return l->nodes[i];
}

size_t
layer_tombstone_count(const struct layer *l)
{
	return l->tombstone_count;
}

const struct node *const *
layer_tombstones(const struct layer *l, size_t *count)
{
	*count = l->hiding_count;
	return l->hiding;
}

int64_t
layer_record_delta(const struct layer *l)
{
	return l->record_delta;
}

uint64_t
layer_octets(const struct layer *l)
{
	size_t len;

	image_octets(l->image, &len);
	return len + sizeof(*l) + l->count * sizeof(const struct node *) +
	       l->tombstone_count * sizeof(const struct node *);
}

const struct node *
layer_at_or_after(const struct layer *l, const uint8_t *owner)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (name_compare(l->nodes[middle]->owner, owner) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < l->count ? l->nodes[low] : NULL;
}
