/* SPDX-License-Identifier: BSD-2-Clause */

#include <libknot/errcode.h>
#include <libknot/yparser/yparser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/syntax.h"

#define PORT     "write an address and its port as ADDRESS@PORT"
#define EXPECTED "expected \"key: value\""
#define OPEN     "the list is not closed by \"]\" on its line"
#define SEVERAL                                                                \
	"more than one value: write a list as [ a, b ], and a value with "     \
	"blanks in quotes"
#define COMMA   "a comma is outside of brackets: write a list as [ a, b ]"
#define QUOTE   "a quote is not closed on its line"
#define HASH    "a blank is missing before \"#\", or quotes around the value"
#define MISSING "a value of the list is missing"

static const struct {
	const char *line, *hint;
} cases[] = {
    {"  - id: \"primary", QUOTE},
    {"  - id: \"primary\\\"", QUOTE},
    {"    notify: [ a, \"b ]", QUOTE},
    {"    primary: a, b", COMMA},
    {"    primary: a,b", COMMA},
    {"    primary: \"a\", b", COMMA},
    {"    primary:primary", "a blank is missing after \":\""},
    {"server:# comment", "a blank is missing after \":\""},
    {"    primary: [ a, b", OPEN},
    {"    primary: [ a, b,", OPEN},
    {"    primary: [ a, b # and c ]", OPEN},
    {"    primary: [", OPEN},
    {"    listen: 127.0.0.1#5301", PORT},
    {"    listen: 127.0.0.1 port 5301", PORT},
    {"    listen: [::1]@5301", PORT},
    {"    listen: [::1]:5301", PORT},
    {"    listen: [ [::1]@5301, ::1 ]", PORT},
    {"    listen: [ ::1#53 ]", PORT},
    {"    listen: [ 127.0.0.1, ::1 port 53 ]", PORT},
    {"    listen: [ 127.0.0.1 ::1 ]",
     "a comma is missing between the values of a list"},
    {"    listen: [ ]", MISSING},
    {"    listen: [ ::1, ]", MISSING},
    {"    listen: [ ::1,, ::2 ]", MISSING},
    {"    listen: [ [ a ], b ]", "a list is in another list"},
    {"    listen: [ a ] b", "something follows the list"},
    {"    listen: [ a ]# b", "a blank is missing after \"]\""},
    {"  - domain: [ a, b ]", "an entry starts with one value, not with a list"},
    {"\xef\xbb\xbfserver:",
     "the file starts with a byte order mark, which is not wanted"},
    {"  -domain: x", "a blank is missing after \"-\""},
    {"---", "a blank is missing after \"-\""},
    {"  - domain: example.com#mine", HASH},
    {"    listen: [ a#b ]", HASH},
    {"    refresh-min-interval: 1 day", SEVERAL},
    {"    secret: AAAA AAAA", SEVERAL},
    {"    identity: \"a\" \"b\"", SEVERAL},
    {"    identity: \"a\"b", "a blank is missing after a value in quotes"},
    {"    identity: a\"b", "a quote is in the middle of a value"},
    {"    identity: a[b]", "\"[\" is in the middle of a value"},
    {"    primary: a ]", "\"]\" without \"[\""},
    {"    identity: \"\x01\"", "a control character is in the line"},
    {"zone", EXPECTED},
    {"zone {", EXPECTED},
    {"// zone", EXPECTED},
    {"  - domain = x", EXPECTED},
    {"  -", EXPECTED},
    {"  : x", EXPECTED},
    {"    a b: c", EXPECTED},
};

/* What the parser says of it, after the line that opens a section. */
static int
parse(const char *text)
{
	yp_parser_t *yp = malloc(sizeof(*yp));
	int rc;

	assert_non_null(yp);
	yp_init(yp);
	rc = yp_set_input_string(yp, text, strlen(text));
	while (rc == KNOT_EOK) {
		rc = yp_parse(yp);
	}
	yp_deinit(yp);
	free(yp);
	return rc;
}

static void
each_mistake_has_its_hint(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *line = cases[i].line;

		assert_string_equal(syntax_hint(line, strlen(line), 1),
				    cases[i].hint);
	}
}

static void
each_of_these_mistakes_is_one_to_the_parser(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200] = "";

		strcat(strcat(text, cases[i].line), "\n");
		assert_int_not_equal(parse(text), KNOT_EOF);
	}
}

static void
the_line_is_found(void **state)
{
	static const char text[] = "a\r\n\nb: \"\r\n  c: [ d\n\n  e: f g";

	(void)state;
	assert_string_equal(syntax_hint(text, strlen(text), 1), EXPECTED);
	assert_string_equal(syntax_hint(text, strlen(text), 3), QUOTE);
	assert_string_equal(syntax_hint(text, strlen(text), 4), OPEN);
	assert_string_equal(syntax_hint(text, strlen(text), 6), SEVERAL);
	assert_string_equal(syntax_hint(text, strlen(text), 7), EXPECTED);
	assert_string_equal(syntax_hint("", 0, 1), EXPECTED);
	assert_string_equal(syntax_hint("", 0, 9), EXPECTED);
}

/* The text has no NUL at its end: a sanitizer sees what is read beyond. */
static void
nothing_behind_the_text_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t whole = strlen(cases[i].line);

		for (size_t len = 1; len <= whole; len++) {
			char *copy = malloc(len);

			assert_non_null(copy);
			memcpy(copy, cases[i].line, len);
			assert_non_null(syntax_hint(copy, len, 1));
			free(copy);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_mistake_has_its_hint),
	    cmocka_unit_test(each_of_these_mistakes_is_one_to_the_parser),
	    cmocka_unit_test(the_line_is_found),
	    cmocka_unit_test(nothing_behind_the_text_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
