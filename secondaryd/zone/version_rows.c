/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/version_rows.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "zone/nsec3.h"

/* Fewer steps than this are taken one by one. */
#define ROW_MIN 8
/*
 * Tombstones are looked at in pieces of so many, and only in pieces that may
 * hold rows: where entries are not many times as many. So that a version costs
 * some 100 us more when thousands of names are gone, and nothing as a rule.
 */
#define PIECE   64
#define DENSITY ((uint64_t)8)

/* How many entries stand before a tombstone's place, or at it. */
static uint64_t
rank_of(const struct image *im, const struct node *tombstone)
{
	uint8_t lower[NAME_LEN_MAX], hash[NODE_NSEC3_HASH_LEN];
	uint64_t rank = 0;
	bool match;

	if (image_denial(im) == IMAGE_NSEC) {
		name_lower(tombstone->owner, lower);
		image_nsec_rank(im, lower, &rank);
	} else if (nsec3_hash_of_owner(tombstone->owner, hash) == SECD_OK) {
		image_nsec3_rank(im, hash, &rank, &match);
	}
	return rank;
}

static int
put_row(struct buf *rows, const struct version_row *row)
{
	return row->from < row->to ? buf_put(rows, row, sizeof(*row)) : SECD_OK;
}

/*
 * Go over tombstones and entries side by side.
 *
 * row      the row that the piece before ended with, then this one's last
 */
static int
scan_piece(struct buf *rows, struct version_row *row, const struct image *im,
	   const struct node *const *tombstones, size_t count)
{
	uint64_t at = rank_of(im, tombstones[0]);
	uint64_t end = rank_of(im, tombstones[count - 1]);
	size_t i = 0;

	at -= at > 0;
	if (end - at > DENSITY * PIECE) {
		return SECD_OK;
	}
	while (at < end && i < count) {
		const struct node *n = image_denial_at(im, at);
		int order, rc;

		if (n == NULL) {
			break;
		}
		order = name_compare(n->owner, tombstones[i]->owner);
		if (order == 0 && at != row->to) {
			rc = put_row(rows, row);
			if (rc != SECD_OK) {
				return rc;
			}
			row->from = at;
		}
		row->to = order == 0 ? at + 1 : row->to;
		at += order <= 0;
		i += order >= 0;
	}
	return SECD_OK;
}

/* What one layer hides in an older component. */
static int
scan(struct buf *rows, const struct layer *l, const struct version *v,
     unsigned component)
{
	const struct image *im = version_component(v, component);
	struct version_row row = {.component = component};
	const struct node *const *tombstones;
	size_t count;

	tombstones = layer_tombstones(l, &count);
	for (size_t i = 0; i < count; i += PIECE) {
		size_t piece = count - i < PIECE ? count - i : PIECE;
		int rc = scan_piece(rows, &row, im, tombstones + i, piece);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	return put_row(rows, &row);
}

static int
compare_rows(const void *a, const void *b)
{
	const struct version_row *ra = a, *rb = b;

	if (ra->component != rb->component) {
		return ra->component < rb->component ? -1 : 1;
	}
	return (ra->from > rb->from) - (ra->from < rb->from);
}

/* Join rows that touch: layers may share one. Leave out the short ones. */
static size_t
join(struct version_row *rows, size_t count)
{
	struct version_row row = {.from = 0};
	size_t kept = 0;

	qsort(rows, count, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].component == row.component &&
		    rows[i].from <= row.to) {
			row.to = rows[i].to > row.to ? rows[i].to : row.to;
			continue;
		}
		if (row.to - row.from >= ROW_MIN) {
			rows[kept++] = row;
		}
		row = rows[i];
	}
	if (row.to - row.from >= ROW_MIN) {
		rows[kept++] = row;
	}
	return kept;
}

int
version_rows_init(struct version *v)
{
	struct buf rows = {0}; /* malloc's alignment is enough for them */
	int rc = SECD_OK;

	for (unsigned i = 0; i < v->layer_count; i++) {
		const struct layer *l = v->layers[v->layer_count - 1 - i];
		size_t count;

		layer_tombstones(l, &count);
		for (unsigned j = i + 1;
		     count >= ROW_MIN && rc == SECD_OK && j <= v->layer_count;
		     j++) {
			rc = scan(&rows, l, v, j);
		}
	}
	if (rc != SECD_OK || rows.len == 0) {
		buf_fini(&rows);
		return rc;
	}
	v->rows = (void *)rows.data;
	v->row_count = join(v->rows, rows.len / sizeof(*v->rows));
	return SECD_OK;
}

uint64_t
version_rows_start(const struct version *v, unsigned component, uint64_t entry)
{
	struct version_row key = {.component = component, .from = entry};
	size_t low = 0, high = v->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_rows(&v->rows[middle], &key) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low > 0 && v->rows[low - 1].component == component &&
	    entry < v->rows[low - 1].to) {
		return v->rows[low - 1].from;
	}
	return entry;
}
