/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layer_write -- puts finished nodes and tombstones together to a layer.
 */

#ifndef SECD_ZONE_LAYER_WRITE_H
#define SECD_ZONE_LAYER_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "zone/image_write.h"
#include "zone/layer.h"

struct layer_write {
	struct image_write out;
	const uint8_t *apex;
	bool started;
	bool has_nsec3; /* parameters at the apex that may be used */
	struct image_nsec3 nsec3;
	uint8_t salt[UINT8_MAX];
};

/**
 * Start. `w` must not be moved from then on; `p` is borrowed, its memory_max
 * and limits do not matter.
 *
 * Returns  SECD_OK, SECD_ENOMEM; layer_write_fini in any case
 */
int layer_write_init(struct layer_write *w, const struct build_params *p);
void layer_write_fini(struct layer_write *w);

/**
 * Append a node: the apex first, with its SOA, then in canonical order. A
 * tombstone has NODE_TOMBSTONE alone and no rrsets. Flags are final: nothing
 * is derived, but for the index of what denies names.
 *
 * n        copied
 * Returns  SECD_OK, SECD_ELIMIT (more than an image can hold), SECD_ENOMEM,
 *          SECD_EIO, SECD_ENOSPC (large lists go through temporary files)
 */
int layer_write_put(struct layer_write *w, const struct node *n);

/**
 * Make the layer.
 *
 * serial   the zone's
 * denial   the zone's, whatever nodes are in here
 * record_delta  see layer_record_delta
 * Returns  as layer_write_put
 */
int layer_write_finish(struct layer_write *w, uint32_t serial,
		       enum image_denial denial, int64_t record_delta,
		       struct layer **out);

#endif
