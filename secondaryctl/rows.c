/* SPDX-License-Identifier: BSD-2-Clause */

#include "rows.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"

static int
compare_ids(const void *a, const void *b)
{
	const struct thing *ta = a, *tb = b;

	return strcmp(ta->id, tb->id);
}

static const char *
copy(struct rows *r, const char *text)
{
	return text == NULL ? ""
			    : arena_copy_octets(r->arena, text, strlen(text));
}

static struct thing *
new_thing(struct rows *r, const char *id)
{
	struct thing *t = arena_alloc(r->arena, sizeof(*t));
	size_t len = strcspn(id, " ");

	if (t == NULL) {
		return NULL;
	}
	t->id = copy(r, id);
	t->kind = arena_copy_octets(r->arena, id, len);
	if (t->id == NULL || t->kind == NULL) {
		return NULL;
	}
	t->name = t->id + len + (t->id[len] == ' ');
	return t;
}

static struct thing *
add_thing(struct rows *r, const char *id)
{
	struct thing *t = new_thing(r, id);

	if (t == NULL) {
		return NULL;
	}
	if (r->count == r->cap) {
		size_t cap = r->cap == 0 ? 16 : 2 * r->cap;
		struct thing **more =
		    realloc(r->things, cap * sizeof(struct thing *));

		if (more == NULL) {
			return NULL;
		}
		r->things = more;
		r->cap = cap;
	}
	if (tsearch(t, &r->tree, compare_ids) == NULL) {
		return NULL;
	}
	r->things[r->count++] = t;
	return t;
}

struct thing *
rows_find(const struct rows *r, const char *id)
{
	const struct thing key = {.id = id};
	struct thing *const *found;

	/* Most rows are of what the row before was about. */
	if (r->count > 0 && strcmp(r->things[r->count - 1]->id, id) == 0) {
		return r->things[r->count - 1];
	}
	found = tfind(&key, &r->tree, compare_ids);
	return found == NULL ? NULL : *found;
}

static int
begin(struct rows *r, const char *zone)
{
	if (r->arena == NULL) {
		r->arena = arena_new();
	}
	if (r->arena == NULL) {
		return SECD_ENOMEM;
	}
	if (r->zone == NULL) {
		r->zone = copy(r, zone);
	}
	return r->zone == NULL ? SECD_ENOMEM : SECD_OK;
}

int
rows_add(struct rows *r, const struct control_row *row)
{
	const char *id = row->id == NULL ? "" : row->id;
	struct thing *t;
	struct row *to;

	if (begin(r, row->zone) != SECD_OK) {
		return SECD_ENOMEM;
	}
	t = rows_find(r, id);
	if (t == NULL) {
		t = add_thing(r, id);
	}
	to = arena_alloc(r->arena, sizeof(*to));
	if (t == NULL || to == NULL) {
		return SECD_ENOMEM;
	}
	to->item = copy(r, row->item);
	to->value = copy(r, row->value);
	to->type = row->type;
	if (to->item == NULL || to->value == NULL) {
		return SECD_ENOMEM;
	}
	if (t->first == NULL) {
		t->first = to;
	} else {
		t->last->next = to;
	}
	t->last = to;
	return SECD_OK;
}

static void
keep(void *thing)
{
	(void)thing; /* the arena has it */
}

void
rows_clear(struct rows *r)
{
	tdestroy(r->tree, keep);
	arena_free(r->arena);
	free(r->things);
	*r = (struct rows){0};
}

const struct row *
rows_take(struct rows *r, const char *id, const char *item)
{
	struct thing *t = rows_find(r, id);

	for (struct row *row = t == NULL ? NULL : t->first; row != NULL;
	     row = row->next) {
		if (strcmp(row->item, item) == 0) {
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
