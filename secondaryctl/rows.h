/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows -- what the daemon said about one zone, or about itself: of the whole,
 * and of each thing in it that has an id.
 *
 * Things and their rows stay in the order in which they came. Taking a row
 * marks it, so that at the end those which nobody knew how to show can be shown
 * plainly. There may be many things: what finds one does not walk over all.
 */

#ifndef SECONDARYCTL_ROWS_H
#define SECONDARYCTL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/control_proto.h"

struct row {
	struct row *next; /* of the same thing */
	const char *item;
	const char *value;
	enum control_type type;
	bool is_taken;
};

struct thing {
	const char *id;   /* "" or a kind, a blank, a name: "primary hidden" */
	const char *kind; /* these two, apart */
	const char *name;
	struct row *first, *last;
	bool is_taken; /* by whom it was shown with others of its kind */
};

struct rows {
	const char *zone; /* NULL: none came yet; "": about the server */
	struct thing **things;
	size_t count, cap;
	/* Private. */
	struct arena *arena;
	void *tree; /* of things, by id */
};

/** Copy a row in. Returns SECD_OK, SECD_ENOMEM. */
int rows_add(struct rows *r, const struct control_row *row);

/** Forget everything; also how to free it. */
void rows_clear(struct rows *r);

/** What has that id; NULL: nothing. */
struct thing *rows_find(const struct rows *r, const char *id);

/** The first row of that id and item, taken from now on; NULL: none. */
const struct row *rows_take(struct rows *r, const char *id, const char *item);

/** As rows_take: its value, or `otherwise`. */
const char *rows_take_text(struct rows *r, const char *id, const char *item,
			   const char *otherwise);

/** As rows_take: its moment; false: there is none. */
bool rows_take_time(struct rows *r, const char *id, const char *item,
		    int64_t *at);

/** True when a row of that item is there and on. */
bool rows_take_bool(struct rows *r, const char *id, const char *item);

#endif
