/* SPDX-License-Identifier: BSD-2-Clause */

#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "show.h"

#define GAP "  "

struct column {
	const char *title;
	size_t width;
	bool is_number;
	const struct row *cell; /* of the line that is printed */
};

struct table {
	struct rows *rows;
	size_t at; /* the first thing */
	struct column *columns;
	size_t count;
	size_t name_width;
};

/* The things of a table, one after the other; NULL at the end. */
static struct thing *
next_thing(const struct table *t, size_t *at)
{
	const struct thing *first = t->rows->things[t->at];

	while (*at < t->rows->count) {
		struct thing *thing = t->rows->things[(*at)++];

		if (strcmp(thing->kind, first->kind) == 0) {
			return thing;
		}
	}
	return NULL;
}

/* Most things have the same items in the same order: look there first. */
static struct column *
find_column(const struct table *t, const char *title, size_t hint)
{
	for (size_t i = 0; i < t->count; i++) {
		struct column *c = &t->columns[(hint + i) % t->count];

		if (strcmp(c->title, title) == 0) {
			return c;
		}
	}
	return NULL;
}

static struct column *
add_column(struct table *t, const char *title)
{
	struct column *more =
	    realloc(t->columns, (t->count + 1) * sizeof(*more));

	if (more == NULL) {
		return NULL;
	}
	t->columns = more;
	more[t->count] = (struct column){
	    .title = title, .width = show_width(title), .is_number = true};
	return &more[t->count++];
}

static const char *
cell_text(const struct row *row, char time[SHOW_TIME_LEN])
{
	return row->type == CONTROL_TIME
		   ? show_time(strtoll(row->value, NULL, 10), time)
		   : row->value;
}

static bool
has_cell(const struct row *row)
{
	return !row->is_taken && row->type != CONTROL_BOOL;
}

static int
measure_thing(struct table *t, const struct thing *thing)
{
	size_t width = show_width(thing->name), hint = 0;

	if (width > t->name_width) {
		t->name_width = width;
	}
	for (const struct row *row = thing->first; row != NULL;
	     row = row->next) {
		char time[SHOW_TIME_LEN];
		struct column *c;

		if (!has_cell(row)) {
			continue;
		}
		c = find_column(t, row->item, hint++);
		if (c == NULL) {
			c = add_column(t, row->item);
		}
		if (c == NULL) {
			return SECD_ENOMEM;
		}
		width = show_width(cell_text(row, time));
		c->width = width > c->width ? width : c->width;
		c->is_number = c->is_number && row->type == CONTROL_NUMBER;
	}
	return SECD_OK;
}

static int
measure(struct table *t)
{
	struct thing *thing = t->rows->things[t->at];
	size_t at = t->at;
	int rc = SECD_OK;

	t->name_width = show_width(thing->kind);
	while (rc == SECD_OK && (thing = next_thing(t, &at)) != NULL) {
		rc = measure_thing(t, thing);
	}
	return rc;
}

static void
put_blanks(FILE *out, size_t count)
{
	while (count-- > 0) {
		putc(' ', out);
	}
}

/* The blanks behind a cell come with the next one: none end a line. */
static void
put_cell(FILE *out, const char *text, size_t width, bool is_right, size_t *owed)
{
	size_t pad = width - show_width(text);

	fputs(GAP, out);
	put_blanks(out, *owed + (is_right ? pad : 0));
	show_text(out, text);
	*owed = is_right ? 0 : pad;
}

static void
put_name(FILE *out, const struct table *t, const char *name, size_t *owed)
{
	put_blanks(out, SHOW_INDENT);
	show_text(out, name);
	*owed = t->name_width - show_width(name);
}

static void
put_titles(FILE *out, const struct table *t)
{
	size_t owed;

	put_name(out, t, t->rows->things[t->at]->kind, &owed);
	for (size_t i = 0; i < t->count; i++) {
		const struct column *c = &t->columns[i];

		put_cell(out, c->title, c->width, c->is_number, &owed);
	}
	putc('\n', out);
}

static void
put_marks(FILE *out, struct thing *thing, size_t owed)
{
	for (struct row *row = thing->first; row != NULL; row = row->next) {
		if (row->is_taken || row->type != CONTROL_BOOL) {
			continue;
		}
		row->is_taken = true;
		fputs(GAP, out);
		put_blanks(out, owed);
		owed = 0;
		fputs(strcmp(row->value, "on") == 0 ? "" : "not ", out);
		show_text(out, row->item);
	}
}

static void
put_thing(FILE *out, struct table *t, struct thing *thing)
{
	size_t hint = 0, owed;

	for (struct row *row = thing->first; row != NULL; row = row->next) {
		struct column *c =
		    has_cell(row) ? find_column(t, row->item, hint++) : NULL;

		if (c != NULL && c->cell == NULL) {
			c->cell = row;
			row->is_taken = true;
		}
	}
	put_name(out, t, thing->name, &owed);
	for (size_t i = 0; i < t->count; i++) {
		struct column *c = &t->columns[i];
		char time[SHOW_TIME_LEN];

		put_cell(out, c->cell == NULL ? "-" : cell_text(c->cell, time),
			 c->width, c->is_number, &owed);
		c->cell = NULL;
	}
	put_marks(out, thing, owed);
	putc('\n', out);
}

int
table_show(FILE *out, struct rows *r, size_t at)
{
	struct table t = {.rows = r, .at = at};
	struct thing *thing;
	int rc = measure(&t);

	if (rc == SECD_OK) {
		put_titles(out, &t);
		while ((thing = next_thing(&t, &at)) != NULL) {
			put_thing(out, &t, thing);
			thing->is_taken = true;
		}
	}
	free(t.columns);
	return rc;
}
