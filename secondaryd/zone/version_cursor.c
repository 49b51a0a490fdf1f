/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking over an image with layers over it: a merge of all by name, in which
 * the newest node of a name counts. Layers are merged first, since they are
 * small: then each node of the image costs one comparison.
 */

#include "zone/version.h"

/* The node, if it is in the range that is walked over. */
static const struct node *
in_range(const struct version_cursor *c, const struct node *n)
{
	return n != NULL && (c->below == NULL || name_is_in(n->owner, c->below))
		   ? n
		   : NULL;
}

static void
pass_in_image(struct version_cursor *c)
{
	const struct image *im = c->version->image;
	const struct node *next = image_next(im, c->in_image);

	c->damaged |= next == NULL && !image_is_last(im, c->in_image);
	c->in_image = in_range(c, next);
}

static void
find_first(struct version_cursor *c)
{
	c->first = NULL;
	for (unsigned i = c->version->layer_count; i-- > 0;) {
		const struct node *n = c->in_layer[i];

		if (n != NULL &&
		    (c->first == NULL ||
		     name_compare(n->owner, c->first->owner) < 0)) {
			c->first = n;
		}
	}
}

/* Pass the name that is first in layers, in all layers that have it. */
static void
pass_first(struct version_cursor *c)
{
	for (unsigned i = 0; i < c->version->layer_count; i++) {
		const struct node *n = c->in_layer[i];

		if (n != NULL && name_equal(n->owner, c->first->owner)) {
			c->in_layer[i] =
			    in_range(c, image_next(c->version->in_layer[i], n));
		}
	}
	find_first(c);
}

void
version_cursor_start(struct version_cursor *c, const struct version *v)
{
	*c = (struct version_cursor){.version = v};
	c->in_image = image_next(v->image, NULL);
	for (unsigned i = 0; i < v->layer_count; i++) {
		c->in_layer[i] = image_next(v->in_layer[i], NULL);
	}
	find_first(c);
}

void
version_cursor_below(struct version_cursor *c, const struct version *v,
		     const uint8_t *owner)
{
	uint64_t hash = name_hash(owner, image_key(v->image));

	*c = (struct version_cursor){.version = v, .below = owner};
	/* What has names below it is there itself, if only as an empty
	 * non-terminal: so it need not be looked for in order. */
	c->in_image = image_find(v->image, owner, name_len(owner), hash);
	if (c->in_image != NULL) {
		pass_in_image(c);
	}
	for (unsigned i = 0; i < v->layer_count; i++) {
		const struct node *n = layer_at_or_after(v->layers[i], owner);

		if (n != NULL && name_equal(n->owner, owner)) {
			n = image_next(v->in_layer[i], n);
		}
		c->in_layer[i] = in_range(c, n);
	}
	find_first(c);
}

const struct node *
version_cursor_next(struct version_cursor *c)
{
	for (;;) {
		const struct node *n = c->in_image, *first = c->first;
		int order = -1;

		if (first != NULL) {
			order = n == NULL
				    ? 1
				    : name_compare(n->owner, first->owner);
		}
		if (order <= 0 && n != NULL) {
			pass_in_image(c);
		}
		if (order < 0) {
			return n;
		}
		pass_first(c);
		if ((first->flags & NODE_TOMBSTONE) == 0) {
			return first;
		}
	}
}

bool
version_cursor_is_whole(const struct version_cursor *c)
{
	return !c->damaged;
}
