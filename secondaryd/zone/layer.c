/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/layer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"

struct layer {
	struct image *image;
	atomic_uint refs;
	size_t tombstones;
	int64_t record_delta;
	size_t count;
	const struct node *nodes[]; /* in canonical order */
};

int
layer_new_take(struct image *im, int64_t record_delta, struct layer **out)
{
	const struct node *n = NULL;
	struct layer *l =
	    malloc(sizeof(*l) + image_node_count(im) * sizeof(*l->nodes));

	if (l == NULL) {
		return SECD_ENOMEM;
	}
	l->image = im;
	atomic_init(&l->refs, 1);
	l->record_delta = record_delta;
	l->tombstones = 0;
	l->count = 0;
	while ((n = image_next(im, n)) != NULL) {
		l->tombstones += (n->flags & NODE_TOMBSTONE) != 0;
		l->nodes[l->count++] = n;
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
	return l->tombstones;
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
	return len + sizeof(*l) + l->count * sizeof(*l->nodes);
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
