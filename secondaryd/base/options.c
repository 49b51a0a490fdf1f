/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/syntax.h"
#include "base/textfile.h"

struct options {
	struct secd_options list;
	struct arena *arena;
	struct buf items, sections; /* struct secd_option */
};

enum kind {
	KIND_OPEN, /* nothing of the section was seen yet */
	KIND_LIST,
	KIND_PLAIN,
};

/* The line at hand, and what the lines before it opened. */
struct reader {
	struct options *o;
	char *reason;
	const char *text;
	size_t len;
	uint32_t line;
	const char *p, *end; /* the rest of the line */

	const char *section; /* NULL: none */
	const char *id;
	enum kind kind;
	size_t dash_column; /* of the list's entries */
	size_t key_column;
};

static int
fail(const struct reader *r, const char *what)
{
	snprintf(r->reason, SECD_REASON_LEN, "%.256s:%u: %s", r->o->list.path,
		 (unsigned)r->line, what);
	return SECD_EMALF;
}

static int
fail_syntax(const struct reader *r)
{
	char text[200];

	snprintf(text, sizeof(text), "syntax error: %s",
		 syntax_hint(r->text, r->len, r->line));
	return fail(r, text);
}

static bool
at(const struct reader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static bool
at_end(const struct reader *r)
{
	return r->p == r->end || *r->p == '#';
}

/* Returns how many there were. */
static size_t
skip_blanks(struct reader *r)
{
	const char *start = r->p;

	while (at(r, ' ')) {
		r->p++;
	}
	return (size_t)(r->p - start);
}

static bool
is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* A key, the colon, and the blanks behind it. */
static int
take_key(struct reader *r, const char **key)
{
	const char *start = r->p;

	while (r->p < r->end && is_key_char(*r->p)) {
		r->p++;
	}
	if (r->p == start || *start == '-' || *start == '.') {
		return fail_syntax(r);
	}
	*key = arena_copy_octets(r->o->arena, start, (size_t)(r->p - start));
	if (*key == NULL) {
		return SECD_ENOMEM;
	}
	skip_blanks(r);
	if (!at(r, ':')) {
		return fail_syntax(r);
	}
	r->p++;
	return skip_blanks(r) > 0 || r->p == r->end ? SECD_OK : fail_syntax(r);
}

/* In quotes up to the closing one, else up to what cannot be in a value. */
static int
take_value(struct reader *r, const char **value)
{
	bool quoted = at(r, '"');
	char *copy = arena_alloc(r->o->arena, (size_t)(r->end - r->p) + 1);
	char *to = copy;

	if (copy == NULL) {
		return SECD_ENOMEM;
	}
	if (quoted) {
		r->p++;
	}
	while (r->p < r->end &&
	       (quoted ? *r->p != '"' : strchr(" ,[]#\"", *r->p) == NULL)) {
		if (*r->p == '\\' &&
		    (r->p + 1 == r->end || (unsigned char)r->p[1] >= 0x80)) {
			return fail_syntax(r);
		}
		if (*r->p == '\\') {
			/* It takes what follows as it is, and stays, but for
			 * a quote. */
			if (r->p[1] != '"') {
				*to++ = '\\';
			}
			r->p++;
		}
		*to++ = *r->p++;
	}
	if (quoted && r->p == r->end) {
		return fail_syntax(r);
	}
	if (quoted) {
		r->p++;
	}
	*value = copy;
	return quoted || to > copy ? SECD_OK : fail_syntax(r);
}

static int
add(struct reader *r, const char *key, const char *value)
{
	const struct secd_option item = {
	    .line = r->line,
	    .section = r->section,
	    .id = r->id,
	    .key = key,
	    .value = value,
	};

	return buf_put(&r->o->items, &item, sizeof(item));
}

static int
take_list(struct reader *r, const char *key)
{
	const char *value;
	int rc;

	do {
		r->p++; /* the bracket, or a comma */
		skip_blanks(r);
		rc = take_value(r, &value);
		if (rc == SECD_OK) {
			rc = add(r, key, value);
		}
		skip_blanks(r);
	} while (rc == SECD_OK && at(r, ','));
	if (rc != SECD_OK) {
		return rc;
	}
	if (!at(r, ']')) {
		return fail_syntax(r);
	}
	r->p++;
	return SECD_OK;
}

/* Nothing but a comment may follow, with a blank before it. */
static int
take_end(struct reader *r)
{
	bool blank = skip_blanks(r) > 0;

	return r->p == r->end || (blank && *r->p == '#') ? SECD_OK
							 : fail_syntax(r);
}

static int
take_item(struct reader *r, const char *key)
{
	const char *value = "";
	int rc;

	if (at_end(r)) {
		return add(r, key, value);
	}
	if (at(r, '[')) {
		rc = take_list(r, key);
	} else {
		rc = take_value(r, &value);
		if (rc == SECD_OK) {
			rc = add(r, key, value);
		}
	}
	return rc == SECD_OK ? take_end(r) : rc;
}

static int
take_section(struct reader *r)
{
	struct secd_option section = {.line = r->line, .id = ""};
	char text[200];
	int rc = take_key(r, &r->section);

	r->id = "";
	r->kind = KIND_OPEN;
	if (rc == SECD_OK && !at_end(r)) {
		snprintf(text, sizeof(text),
			 "\"%.100s\" stands where a section begins, and a "
			 "section takes no value",
			 r->section);
		rc = fail(r, text);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	section.section = r->section;
	section.key = section.value = "";
	return buf_put(&r->o->sections, &section, sizeof(section));
}

static int
take_id(struct reader *r, size_t column)
{
	const char *key;
	int rc;

	if (r->section == NULL) {
		return fail(r, "an entry outside of a section");
	}
	if (r->kind == KIND_PLAIN ||
	    (r->kind == KIND_LIST && column != r->dash_column)) {
		return fail(r, "wrong indentation");
	}
	r->kind = KIND_LIST;
	r->dash_column = column;
	r->p++;
	r->key_column = column + 1 + skip_blanks(r);
	if (r->key_column == column + 1) {
		return fail_syntax(r);
	}
	rc = take_key(r, &key);
	if (rc != SECD_OK) {
		return rc;
	}
	if (at_end(r) || at(r, '[')) {
		return fail(r, "an entry starts with one value");
	}
	rc = take_value(r, &r->id);
	if (rc == SECD_OK && r->id[0] == '\0') {
		rc = fail(r, "an entry starts with one value");
	}
	if (rc == SECD_OK) {
		rc = add(r, key, r->id);
	}
	return rc == SECD_OK ? take_end(r) : rc;
}

static int
take_key_line(struct reader *r, size_t column)
{
	const char *key;
	int rc;

	if (r->section == NULL) {
		return fail(r, "a key outside of a section");
	}
	if (r->kind != KIND_OPEN && column != r->key_column) {
		return fail(r, "wrong indentation");
	}
	if (r->kind == KIND_OPEN) {
		r->kind = KIND_PLAIN;
		r->key_column = column;
	}
	rc = take_key(r, &key);
	return rc == SECD_OK ? take_item(r, key) : rc;
}

static int
take_line(struct reader *r)
{
	size_t column;

	for (const char *c = r->p; c < r->end; c++) {
		if (*c == '\t') {
			return fail(r, "a tab where spaces are required");
		}
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			return fail_syntax(r);
		}
	}
	column = skip_blanks(r);
	if (at_end(r)) {
		return SECD_OK;
	}
	if (at(r, '-')) {
		return take_id(r, column);
	}
	return column == 0 ? take_section(r) : take_key_line(r, column);
}

static int
take_text(struct reader *r)
{
	const char *next = r->text, *end = r->text + r->len;
	int rc = SECD_OK;

	while (rc == SECD_OK && next < end) {
		const char *nl = memchr(next, '\n', (size_t)(end - next));

		r->line++;
		r->p = next;
		r->end = nl == NULL ? end : nl;
		next = nl == NULL ? end : nl + 1;
		if (r->end > r->p && r->end[-1] == '\r') {
			r->end--;
		}
		rc = take_line(r);
	}
	return rc;
}

static struct options *
options_new(const char *path)
{
	struct options *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return NULL;
	}
	o->list.size = sizeof(o->list);
	o->arena = arena_new();
	if (o->arena != NULL) {
		o->list.path = arena_printf(o->arena, "%s", path);
	}
	if (o->list.path == NULL) {
		options_free(o);
		return NULL;
	}
	return o;
}

int
options_load_text(const char *path, const char *text, size_t len,
		  struct options **out, char *reason)
{
	struct options *o = options_new(path);
	struct reader r = {.o = o, .reason = reason, .text = text, .len = len};
	int rc = o == NULL ? SECD_ENOMEM : take_text(&r);

	if (rc == SECD_ENOMEM) {
		snprintf(reason, SECD_REASON_LEN, "%.256s: %s", path,
			 secd_strerror(rc));
	}
	if (rc != SECD_OK) {
		options_free(o);
		return rc;
	}
	o->list.items = (const void *)o->items.data;
	o->list.count = o->items.len / sizeof(struct secd_option);
	o->list.sections = (const void *)o->sections.data;
	o->list.section_count = o->sections.len / sizeof(struct secd_option);
	*out = o;
	return SECD_OK;
}

static int
read_open(const char *path, int fd, size_t len, struct options **out,
	  char *reason)
{
	size_t size = len;
	char *text = malloc(size + 1);
	int rc;

	if (text == NULL) {
		snprintf(reason, SECD_REASON_LEN, "%.256s: %s", path,
			 secd_strerror(SECD_ENOMEM));
		return SECD_ENOMEM;
	}
	rc = textfile_read(fd, text, &len);
	if (rc == SECD_OK) {
		rc = options_load_text(path, text, len, out, reason);
	} else {
		snprintf(reason, SECD_REASON_LEN, "%.256s: %s", path,
			 strerror(errno));
	}
	explicit_bzero(text, size);
	free(text);
	return rc;
}

int
options_load(const char *path, struct options **out, char *reason)
{
	const char *why = NULL;
	struct stat st;
	int fd, rc;

	if (path == NULL) {
		return options_load_text("", "", 0, out, reason);
	}
	fd = textfile_open(path, OPTIONS_OCTETS_MAX, &st, &why);
	if (fd < 0) {
		snprintf(reason, SECD_REASON_LEN, "%.256s: %s", path, why);
		return SECD_EIO;
	}
	rc = read_open(path, fd, (size_t)st.st_size, out, reason);
	close(fd);
	return rc;
}

const struct secd_options *
options_get(const struct options *o)
{
	return &o->list;
}

void
options_free(struct options *o)
{
	if (o == NULL) {
		return;
	}
	arena_free(o->arena);
	buf_fini(&o->items);
	buf_fini(&o->sections);
	free(o);
}
