/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/syntax.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define PORT     "write an address and its port as ADDRESS@PORT"
#define EXPECTED "expected \"key: value\""

/* The rest of a line. */
struct rest {
	const char *p, *end;
};

static bool
at(const struct rest *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static bool
at_end(const struct rest *r)
{
	return r->p == r->end;
}

static void
skip_blanks(struct rest *r)
{
	while (at(r, ' ')) {
		r->p++;
	}
}

/* Without its end, of either kind. */
static struct rest
find_line(const char *text, size_t len, size_t line)
{
	struct rest r = {text, text + len};

	for (; line > 1; line--) {
		const char *nl = memchr(r.p, '\n', (size_t)(r.end - r.p));

		if (nl == NULL) {
			r.p = r.end;
			return r;
		}
		r.p = nl + 1;
	}
	if (!at_end(&r)) {
		const char *nl = memchr(r.p, '\n', (size_t)(r.end - r.p));

		r.end = nl == NULL ? r.end : nl;
	}
	if (!at_end(&r) && r.end[-1] == '\r') {
		r.end--;
	}
	return r;
}

static bool
is_address(const char *p, const char *end)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char octets[16];
	size_t len = (size_t)(end - p);

	if (len >= sizeof(text)) {
		return false;
	}
	memcpy(text, p, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, octets) == 1 ||
	       inet_pton(AF_INET6, text, octets) == 1;
}

/* As RFC 3986 section 3.2.2 writes it: [::1]. */
static bool
is_bracketed(const struct rest *r)
{
	const char *close = memchr(r->p, ']', (size_t)(r->end - r->p));

	return close != NULL && is_address(r->p + 1, close) &&
	       memchr(r->p, ':', (size_t)(close - r->p)) != NULL &&
	       close + 1 < r->end && close[1] != ' ' && close[1] != ',';
}

/* From the opening quote to behind the closing one. */
static const char *
skip_quoted(struct rest *r)
{
	for (r->p++; !at_end(r) && *r->p != '"'; r->p++) {
		if (*r->p == '\\' && r->p + 1 < r->end) {
			r->p++;
		}
	}
	if (at_end(r)) {
		return "a quote is not closed on its line";
	}
	r->p++;
	if (!at_end(r) && strchr(" ,]", *r->p) == NULL) {
		return "a blank is missing after a value in quotes";
	}
	return NULL;
}

static const char *
skip_plain(struct rest *r)
{
	const char *word = r->p;

	while (!at_end(r) && strchr(" ,[]#\"", *r->p) == NULL) {
		if (*r->p == '\\' && r->p + 1 < r->end) {
			r->p++;
		}
		r->p++;
	}
	if (at(r, '#')) {
		return is_address(word, r->p)
			   ? PORT
			   : "a blank is missing before \"#\", or quotes "
			     "around the value";
	}
	if (at(r, '"')) {
		return "a quote is in the middle of a value";
	}
	if (at(r, '[')) {
		return "\"[\" is in the middle of a value";
	}
	return NULL;
}

static const char *
skip_value(struct rest *r)
{
	return at(r, '"') ? skip_quoted(r) : skip_plain(r);
}

/* ADDRESS port NUMBER, as BIND writes it. */
static bool
is_port_apart(const char *value, const char *value_end, const struct rest *r)
{
	return is_address(value, value_end) && r->end - r->p >= 5 &&
	       memcmp(r->p, "port ", 5) == 0;
}

/* Behind the opening bracket. */
static const char *
look_at_list(struct rest *r)
{
	const char *value, *end, *hint;

	for (;;) {
		skip_blanks(r);
		if (at(r, ',') || at(r, ']')) {
			return "a value of the list is missing";
		}
		if (at(r, '[')) {
			return is_bracketed(r) ? PORT
					       : "a list is in another list";
		}
		if (at_end(r) || at(r, '#')) {
			break;
		}
		value = r->p;
		hint = skip_value(r);
		if (hint != NULL) {
			return hint;
		}
		end = r->p;
		skip_blanks(r);
		if (at_end(r) || at(r, '#')) {
			break;
		}
		if (at(r, ']')) {
			r->p++;
			return NULL;
		}
		if (!at(r, ',')) {
			return is_port_apart(value, end, r)
				   ? PORT
				   : "a comma is missing between the values "
				     "of a list";
		}
		r->p++;
	}
	return "the list is not closed by \"]\" on its line";
}

static const char *
look_at_one(struct rest *r)
{
	const char *value = r->p, *end;
	const char *hint = skip_value(r);

	if (hint != NULL) {
		return hint;
	}
	end = r->p;
	skip_blanks(r);
	if (at(r, ',')) {
		return "a comma is outside of brackets: write a list as "
		       "[ a, b ]";
	}
	if (at(r, ']')) {
		return "\"]\" without \"[\"";
	}
	if (at_end(r) || at(r, '#')) {
		return NULL;
	}
	return is_port_apart(value, end, r)
		   ? PORT
		   : "more than one value: write a list as [ a, b ], and a "
		     "value with blanks in quotes";
}

static const char *
look_at_value(struct rest *r, bool is_id)
{
	const char *hint;

	if (!at(r, '[')) {
		return look_at_one(r);
	}
	if (is_bracketed(r)) {
		return PORT;
	}
	if (is_id) {
		return "an entry starts with one value, not with a list";
	}
	r->p++;
	hint = look_at_list(r);
	if (hint != NULL) {
		return hint;
	}
	return at_end(r) || at(r, ' ') ? "something follows the list"
				       : "a blank is missing after \"]\"";
}

static const char *
look_at_line(struct rest *r)
{
	bool is_id;

	skip_blanks(r);
	is_id = at(r, '-');
	if (is_id) {
		r->p++;
		if (!at_end(r) && !at(r, ' ')) {
			return "a blank is missing after \"-\"";
		}
		skip_blanks(r);
	}
	while (!at_end(r) && strchr(" :\"#,[]", *r->p) == NULL) {
		r->p++;
	}
	skip_blanks(r);
	if (!at(r, ':')) {
		return EXPECTED;
	}
	r->p++;
	if (!at_end(r) && !at(r, ' ')) {
		return "a blank is missing after \":\"";
	}
	skip_blanks(r);
	return at_end(r) ? NULL : look_at_value(r, is_id);
}

static bool
has_control(const struct rest *r)
{
	for (const char *p = r->p; p < r->end; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			return true;
		}
	}
	return false;
}

const char *
syntax_hint(const char *text, size_t len, size_t line)
{
	struct rest r = find_line(text, len, line);
	const char *hint;

	if (line == 1 && r.end - r.p >= 3 &&
	    memcmp(r.p, "\xef\xbb\xbf", 3) == 0) {
		return "the file starts with a byte order mark, which is not "
		       "wanted";
	}
	if (has_control(&r)) {
		return "a control character is in the line";
	}
	hint = look_at_line(&r);
	return hint == NULL ? EXPECTED : hint;
}
