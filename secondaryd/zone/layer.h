/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layer -- the nodes in which a zone differs from what lies below it: an image
 * and perhaps other layers.
 *
 * A layer is an image on the heap that holds whole nodes, each exactly the one
 * that a fresh build of the zone would contain, and a tombstone for each name
 * that is gone. A node in a layer hides all that is below it under its name,
 * denial entries included. The apex is always in it, since the SOA changed.
 * Layers hold names and records, never offsets into what is below them: they
 * stay right over another image of the same contents.
 *
 * Immutable; any number of threads may read it without a lock.
 */

#ifndef SECD_ZONE_LAYER_H
#define SECD_ZONE_LAYER_H

#include <stddef.h>
#include <stdint.h>

#include "zone/image.h"

struct layer; /* counted */

struct layer *layer_ref(struct layer *l);
void layer_unref(struct layer *l);

/**
 * Make a layer of what layer_write.h has put together.
 *
 * im       taken over on success
 * Returns  SECD_OK, SECD_ENOMEM
 */
int layer_new_take(struct image *im, int64_t record_delta, struct layer **out);

/** What it holds: nodes and tombstones, in canonical order. */
const struct image *layer_image(const struct layer *l);

/** Nodes, tombstones included. */
size_t layer_node_count(const struct layer *l);
/** Node `i` of so many. */
const struct node *layer_node(const struct layer *l, size_t i);
size_t layer_tombstone_count(const struct layer *l);

/** Those tombstones whose names may have had what denies others, in order. */
const struct node *const *layer_tombstones(const struct layer *l,
					   size_t *count);

/** Records that the zone has more than what is below this layer. */
int64_t layer_record_delta(const struct layer *l);

/** Octets of memory. */
uint64_t layer_octets(const struct layer *l);

/**
 * The first node at or behind a name in canonical order, tombstones included.
 *
 * owner    in any case; need not be in the zone
 * Returns  the node or NULL; image_next of layer_image leads on
 */
const struct node *layer_at_or_after(const struct layer *l,
				     const uint8_t *owner);

#endif
