/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * version_rows -- long rows of denial entries that tombstones hide.
 *
 * Who looks for the entry before a name steps back over those that are hidden.
 * When all names below one were deleted at once, that would be thousands of
 * steps for each name asked for there: rows are found once, for a version, and
 * passed in one step.
 */

#ifndef SECD_ZONE_VERSION_ROWS_H
#define SECD_ZONE_VERSION_ROWS_H

#include <stdint.h>

#include "zone/version.h"

/* Entries `from` to `to` - 1 of one component are all hidden. */
struct version_row {
	unsigned component;
	uint64_t from, to;
};

/** The image, or a layer: 0 is the newest, version_layer_count the image. */
static inline const struct image *
version_component(const struct version *v, unsigned i)
{
	return i < v->layer_count ? v->in_layer[v->layer_count - 1 - i]
				  : v->image;
}

/** Fill in `rows` of a new version. Returns SECD_OK, SECD_ENOMEM. */
int version_rows_init(struct version *v);

/** Where the row starts that an entry is in; `entry` itself, if in none. */
uint64_t version_rows_start(const struct version *v, unsigned component,
			    uint64_t entry);

#endif
