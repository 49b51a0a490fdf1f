/* SPDX-License-Identifier: BSD-2-Clause */

#include "json.h"

#include <string.h>

static void
print_string(FILE *out, const char *text, size_t len)
{
	putc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

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
		print_string(out, row->value, strlen(row->value));
	}
}

static void
print_member(FILE *out, const char *name, size_t len, bool *is_first)
{
	if (!*is_first) {
		putc(',', out);
	}
	*is_first = false;
	print_string(out, name, len);
	putc(':', out);
}

/* All items of one id, taken. */
static void
print_items(FILE *out, struct rows *r, const char *id, bool *is_first)
{
	for (size_t i = 0; i < r->count; i++) {
		struct row *row = &r->rows[i];

		if (strcmp(row->id, id) == 0) {
			row->is_taken = true;
			print_member(out, row->item, strlen(row->item),
				     is_first);
			print_value(out, row);
		}
	}
}

/* Something that has an id, the name in it first. */
static void
print_object(FILE *out, struct rows *r, const char *id, const char *name)
{
	bool is_first = true;

	putc('{', out);
	print_member(out, "id", 2, &is_first);
	print_string(out, name, strlen(name));
	print_items(out, r, id, &is_first);
	putc('}', out);
}

/* Everything of one kind: ids whose first word it is. */
static void
print_kind(FILE *out, struct rows *r, const char *kind, size_t len)
{
	const char *separator = "";

	putc('[', out);
	for (size_t i = 0; i < r->count; i++) {
		const struct row *row = &r->rows[i];
		const char *name = row->id + len;

		if (row->is_taken || strcspn(row->id, " ") != len ||
		    strncmp(row->id, kind, len) != 0) {
			continue;
		}
		fputs(separator, out);
		separator = ",";
		name += *name == ' ';
		print_object(out, r, row->id, name);
	}
	putc(']', out);
}

void
json_rows(FILE *out, struct rows *r, bool is_first)
{
	fputs(is_first ? "" : ",\n", out);
	putc('{', out);
	is_first = true;
	if (r->zone != NULL && r->zone[0] != '\0') {
		print_member(out, "zone", 4, &is_first);
		print_string(out, r->zone, strlen(r->zone));
	}
	print_items(out, r, "", &is_first);
	for (size_t i = 0; i < r->count; i++) {
		const struct row *row = &r->rows[i];

		if (!row->is_taken) {
			size_t len = strcspn(row->id, " ");

			print_member(out, row->id, len, &is_first);
			print_kind(out, r, row->id, len);
		}
	}
	putc('}', out);
}

void
json_line(FILE *out, const char *line, bool is_first)
{
	fputs(is_first ? "" : ",\n", out);
	print_string(out, line, strlen(line));
}
