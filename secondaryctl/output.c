/* SPDX-License-Identifier: BSD-2-Clause */

#include "output.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "json.h"
#include "show.h"

void
output_begin(struct output *o, bool json)
{
	*o = (struct output){.json = json, .now = (int64_t)time(NULL)};
	if (json) {
		fputs("[", stdout);
	}
}

static void
show(struct output *o)
{
	if (o->rows.count == 0) {
		return;
	}
	if (o->json) {
		json_rows(stdout, &o->rows, !o->has_shown);
	} else {
		if (o->has_shown) {
			putc('\n', stdout);
		}
		show_rows(stdout, &o->rows, o->now);
	}
	o->has_shown = true;
	rows_clear(&o->rows);
}

static void
show_line(struct output *o, const char *line)
{
	show(o);
	if (o->json) {
		json_line(stdout, line, !o->has_shown);
	} else {
		show_text(stdout, line);
		putc('\n', stdout);
	}
	o->has_shown = o->json;
}

/* A line, or a part of one. */
static int
take_line(struct output *o, const struct control_row *row)
{
	const char *text = row->value == NULL ? "" : row->value;
	bool is_whole = row->type == CONTROL_LINE;
	int rc;

	if (is_whole && o->line.len == 0) {
		show_line(o, text);
		return SECD_OK;
	}
	rc = buf_put(&o->line, text, strlen(text) + is_whole);
	if (rc == SECD_OK && is_whole) {
		show_line(o, (const char *)o->line.data);
		buf_clear(&o->line);
	}
	return rc;
}

/* Behind what came before it, also where both go to one file. */
static void
show_error(struct output *o, const char *error)
{
	show(o);
	fflush(stdout);
	fputs("secondaryctl: ", stderr);
	show_text(stderr, error);
	putc('\n', stderr);
	o->has_failed = true;
}

int
output_row(struct output *o, const struct control_row *row)
{
	const char *zone = row->zone == NULL ? "" : row->zone;

	if (row->error != NULL && row->error[0] != '\0') {
		show_error(o, row->error);
		return SECD_OK;
	}
	if (row->type == CONTROL_LINE || row->type == CONTROL_PART) {
		return take_line(o, row);
	}
	if (o->rows.zone != NULL && strcmp(o->rows.zone, zone) != 0) {
		show(o);
	}
	return rows_add(&o->rows, row);
}

bool
output_end(struct output *o)
{
	show(o);
	rows_clear(&o->rows);
	buf_fini(&o->line);
	if (o->json) {
		fputs("]\n", stdout);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("secondaryctl: stdout");
		return false;
	}
	return !o->has_failed;
}
