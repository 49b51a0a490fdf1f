/* SPDX-License-Identifier: BSD-2-Clause */

#include "json.h"

#include <string.h>

static void
print_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (c >= 0x20 && c < 0x7f) {
			putc(c, out);
		} else {
			fprintf(out, "\\u%04x", c);
		}
	}
	putc('"', out);
}

/* No sign but a leading minus, no leading zeros: a JSON number. */
static bool
is_number(const char *text)
{
	if (text[0] == '-') {
		text++;
	}
	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0')) {
		return false;
	}
	return text[strspn(text, "0123456789")] == '\0';
}

static void
print_value(FILE *out, const struct row *row)
{
	if ((row->type == CONTROL_NUMBER || row->type == CONTROL_TIME) &&
	    is_number(row->value)) {
		fputs(row->value, out);
	} else if (row->type == CONTROL_BOOL) {
		fputs(strcmp(row->value, "on") == 0 ? "true" : "false", out);
	} else {
		print_string(out, row->value);
	}
}

static void
print_member(FILE *out, const char *name, bool *is_first)
{
	if (!*is_first) {
		putc(',', out);
	}
	*is_first = false;
	print_string(out, name);
	putc(':', out);
}

static void
print_items(FILE *out, const struct thing *t, bool *is_first)
{
	for (const struct row *row = t->first; row != NULL; row = row->next) {
		print_member(out, row->item, is_first);
		print_value(out, row);
	}
}

/* Something that has an id, the name in it first. */
static void
print_thing(FILE *out, const struct thing *t)
{
	bool is_first = true;

	putc('{', out);
	print_member(out, "id", &is_first);
	print_string(out, t->name);
	print_items(out, t, &is_first);
	putc('}', out);
}

/* All things of one kind, from the first one on, taken. */
static void
print_kind(FILE *out, struct rows *r, size_t at)
{
	const struct thing *first = r->things[at];
	const char *separator = "";

	putc('[', out);
	for (; at < r->count; at++) {
		struct thing *t = r->things[at];

		if (strcmp(t->kind, first->kind) == 0) {
			t->is_taken = true;
			fputs(separator, out);
			separator = ",";
			print_thing(out, t);
		}
	}
	putc(']', out);
}

void
json_rows(FILE *out, struct rows *r, bool is_first)
{
	struct thing *whole = rows_find(r, "");

	fputs(is_first ? "" : ",\n", out);
	putc('{', out);
	is_first = true;
	if (r->zone[0] != '\0') {
		print_member(out, "zone", &is_first);
		print_string(out, r->zone);
	}
	if (whole != NULL) {
		print_items(out, whole, &is_first);
		whole->is_taken = true;
	}
	for (size_t i = 0; i < r->count; i++) {
		const struct thing *t = r->things[i];

		if (!t->is_taken) {
			print_member(out, t->kind, &is_first);
			print_kind(out, r, i);
		}
	}
	putc('}', out);
}

void
json_line(FILE *out, const char *line, bool is_first)
{
	fputs(is_first ? "" : ",\n", out);
	print_string(out, line);
}
