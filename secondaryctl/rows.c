/* SPDX-License-Identifier: BSD-2-Clause */

#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static char *
copy(const char *text)
{
	return strdup(text == NULL ? "" : text);
}

int
rows_add(struct rows *r, const struct control_row *row)
{
	struct row *to;

	if (r->count == r->cap) {
		size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
		struct row *more = realloc(r->rows, cap * sizeof(*more));

		if (more == NULL) {
			return SECD_ENOMEM;
		}
		r->rows = more;
		r->cap = cap;
	}
	if (r->zone == NULL) {
		r->zone = copy(row->zone);
	}
	to = &r->rows[r->count++];
	*to = (struct row){
	    .id = copy(row->id),
	    .item = copy(row->item),
	    .value = copy(row->value),
	    .type = row->type,
	};
	if (r->zone == NULL || to->id == NULL || to->item == NULL ||
	    to->value == NULL) {
		return SECD_ENOMEM;
	}
	return SECD_OK;
}

void
rows_clear(struct rows *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->rows[i].id);
		free(r->rows[i].item);
		free(r->rows[i].value);
	}
	free(r->rows);
	free(r->zone);
	*r = (struct rows){0};
}

const struct row *
rows_take(struct rows *r, const char *id, const char *item)
{
	for (size_t i = 0; i < r->count; i++) {
		struct row *row = &r->rows[i];

		if (strcmp(row->id, id) == 0 && strcmp(row->item, item) == 0) {
			row->is_taken = true;
			return row;
		}
	}
	return NULL;
}

const char *
rows_take_text(struct rows *r, const char *id, const char *item,
	       const char *otherwise)
{
	const struct row *row = rows_take(r, id, item);

	return row == NULL ? otherwise : row->value;
}

bool
rows_take_time(struct rows *r, const char *id, const char *item, int64_t *at)
{
	const struct row *row = rows_take(r, id, item);

	if (row == NULL) {
		return false;
	}
	*at = strtoll(row->value, NULL, 10);
	return true;
}

bool
rows_take_bool(struct rows *r, const char *id, const char *item)
{
	return strcmp(rows_take_text(r, id, item, "off"), "on") == 0;
}
