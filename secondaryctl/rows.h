/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows -- what the daemon said about one thing: a zone, or itself.
 *
 * Rows stay in the order in which they came. Taking one marks it, so that at
 * the end those which nobody knew how to show can be shown plainly.
 */

#ifndef SECONDARYCTL_ROWS_H
#define SECONDARYCTL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/control_proto.h"

struct row {
	char *id; /* "" or a kind and a name: "primary hidden 192.0.2.1@53" */
	char *item;
	char *value;
	enum control_type type;
	bool is_taken;
};

struct rows {
	char *zone; /* "": about the server */
	struct row *rows;
	size_t count, cap;
};

/** Copy a row in. Returns SECD_OK, SECD_ENOMEM. */
int rows_add(struct rows *r, const struct control_row *row);

/** Forget everything; also how to free it. */
void rows_clear(struct rows *r);

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
