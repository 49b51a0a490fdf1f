/* SPDX-License-Identifier: BSD-2-Clause */

#include <libknot/errcode.h>
#include <libknot/yparser/yparser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/options.h"
#include "rnd.h"
#include "temp_dir.h"

struct expected {
	uint32_t line;
	const char *section, *id, *key, *value;
};

static void
check(const char *text, const struct expected *expected, size_t count)
{
	char reason[SECD_REASON_LEN] = "";
	const struct secd_options *list;
	struct options *o = NULL;

	assert_int_equal(
	    options_load_text("m.conf", text, strlen(text), &o, reason),
	    SECD_OK);
	list = options_get(o);
	assert_int_equal(list->size, sizeof(*list));
	assert_string_equal(list->path, "m.conf");
	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++) {
		const struct secd_option *got = &list->items[i];

		assert_int_equal(got->line, expected[i].line);
		assert_string_equal(got->section, expected[i].section);
		assert_string_equal(got->id, expected[i].id);
		assert_string_equal(got->key, expected[i].key);
		assert_string_equal(got->value, expected[i].value);
	}
	options_free(o);
}

static void
refuse(const char *text, const char *expected)
{
	char reason[SECD_REASON_LEN] = "";
	struct options *o = NULL;

	assert_int_equal(
	    options_load_text("m.conf", text, strlen(text), &o, reason),
	    SECD_EMALF);
	assert_null(o);
	assert_string_equal(reason, expected);
}

/* Also those that hold nothing, or come again. */
static void
each_section_comes_with_its_line(void **state)
{
	static const char text[] = "# none\na:\nb:\n  k: v\n\na:\n";
	static const char *const names[] = {"a", "b", "a"};
	static const uint32_t lines[] = {2, 3, 6};
	char reason[SECD_REASON_LEN] = "";
	const struct secd_options *list;
	struct options *o = NULL;

	(void)state;
	assert_int_equal(
	    options_load_text("m.conf", text, strlen(text), &o, reason),
	    SECD_OK);
	list = options_get(o);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->section_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(list->sections[i].section, names[i]);
		assert_int_equal(list->sections[i].line, lines[i]);
	}
	options_free(o);
}

static void
each_value_comes_with_its_place(void **state)
{
	static const struct expected expected[] = {
	    {3, "journal", "", "max-size", "20G"},
	    {4, "journal", "", "sync", ""},
	    {6, "zone", "example.com", "domain", "example.com"},
	    {7, "zone", "example.com", "keep", "30d"},
	    {7, "zone", "example.com", "keep", "1000"},
	    {8, "zone", "example.net", "domain", "example.net"},
	    {10, "zone", "example.net", "keep", "a \"b\" \\c"},
	    {12, "journal", "", "max-size", "a:b#"},
	};

	(void)state;
	check("# of a module\n"
	      "journal:\n"
	      "  max-size: 20G # a comment\n"
	      "  sync:\r\n"
	      "zone:\n"
	      "  - domain: example.com\n"
	      "    keep: [ 30d,1000 ]\n"
	      "  - domain: \"example.net\"\n"
	      "\n"
	      "    keep: \"a \\\"b\\\" \\c\"\n"
	      "journal:\n"
	      "      max-size: \"a:b#\"",
	      expected, 8);
}

static void
nothing_gives_no_options(void **state)
{
	char reason[SECD_REASON_LEN];
	struct options *o = NULL;

	(void)state;
	check("", NULL, 0);
	check("\n# only\n  # comments\n\n", NULL, 0);
	check("section:\n", NULL, 0);
	assert_int_equal(options_load(NULL, &o, reason), SECD_OK);
	assert_int_equal(options_get(o)->count, 0);
	assert_string_equal(options_get(o)->path, "");
	options_free(o);
	options_free(NULL);
}

static void
what_is_wrong_is_refused_with_its_line(void **state)
{
	(void)state;
	refuse("a:\n\n  b: \"c\n",
	       "m.conf:3: syntax error: a quote is not closed on its line");
	refuse("a:\n  b: [ c, d\n", "m.conf:2: syntax error: the list is not "
				    "closed by \"]\" on its line");
	refuse("a:\n  b: c d\n",
	       "m.conf:2: syntax error: more than one value: write a list as "
	       "[ a, b ], and a value with blanks in quotes");
	refuse("a:\n  b\n", "m.conf:2: syntax error: expected \"key: value\"");
	refuse("a:\n\tb: c\n", "m.conf:2: a tab where spaces are required");
	refuse("a:\n  b: \x01\n",
	       "m.conf:2: syntax error: a control character is in the line");
	refuse("a: b\n", "m.conf:1: \"a\" stands where a section begins, and a "
			 "section takes no value");
	refuse("  b: c\n", "m.conf:1: a key outside of a section");
	refuse("- b: c\n", "m.conf:1: an entry outside of a section");
	refuse("a:\n  - b:\n", "m.conf:2: an entry starts with one value");
	refuse("a:\n  - b: [ c ]\n",
	       "m.conf:2: an entry starts with one value");
	refuse("a:\n  - b: \"\"\n", "m.conf:2: an entry starts with one value");
}

static void
columns_must_agree(void **state)
{
	(void)state;
	refuse("a:\n  b: c\n   d: e\n", "m.conf:3: wrong indentation");
	refuse("a:\n  - b: c\n   d: e\n", "m.conf:3: wrong indentation");
	refuse("a:\n  - b: c\n   - d: e\n", "m.conf:3: wrong indentation");
	refuse("a:\n  b: c\n  - d: e\n", "m.conf:3: wrong indentation");
	refuse("a:\n  - b: c\n     d: e\n", "m.conf:3: wrong indentation");
}

static void
no_value_is_repeated_in_a_message(void **state)
{
	char reason[SECD_REASON_LEN];
	struct options *o;
	static const char text[] = "a:\n  secret: \"AAAA";

	(void)state;
	assert_int_equal(options_load_text("m", text, strlen(text), &o, reason),
			 SECD_EMALF);
	assert_null(strstr(reason, "AAAA"));
}

/*
 * libknot's parser as an oracle: what is accepted here means the same there.
 */

static void
agree_with_libknot(const char *text, const struct secd_options *list)
{
	yp_parser_t *yp = malloc(sizeof(*yp));
	char section[128] = "", id[1024] = "";
	size_t i = 0;
	int rc;

	assert_non_null(yp);
	yp_init(yp);
	assert_int_equal(yp_set_input_string(yp, text, strlen(text)), KNOT_EOK);
	while ((rc = yp_parse(yp)) == KNOT_EOK) {
		yp->data[yp->data_len] = '\0';
		if (yp->event == YP_EKEY0) {
			snprintf(section, sizeof(section), "%s", yp->key);
			id[0] = '\0';
			continue;
		}
		if (yp->event == YP_EID) {
			snprintf(id, sizeof(id), "%.1000s", yp->data);
		}
		assert_true(i < list->count);
		assert_string_equal(list->items[i].section, section);
		assert_string_equal(list->items[i].id, id);
		assert_string_equal(list->items[i].key, yp->key);
		assert_string_equal(list->items[i].value, yp->data);
		assert_int_equal(list->items[i].line, yp->line_count);
		i++;
	}
	if (rc != KNOT_EOF) {
		print_message("accepted here only:\n%s\n", text);
	}
	assert_int_equal(rc, KNOT_EOF);
	assert_int_equal(i, list->count);
	yp_deinit(yp);
	free(yp);
}

static void
libknot_refuses_too(const char *text)
{
	yp_parser_t *yp = malloc(sizeof(*yp));
	int rc;

	assert_non_null(yp);
	yp_init(yp);
	rc = yp_set_input_string(yp, text, strlen(text));
	while (rc == KNOT_EOK) {
		rc = yp_parse(yp);
	}
	if (rc == KNOT_EOF) {
		print_message("refused here only:\n%s\n", text);
	}
	assert_int_not_equal(rc, KNOT_EOF);
	yp_deinit(yp);
	free(yp);
}

/* A few lines that are mostly right, with something put into them. */
static void
make_text(struct rnd *r, char text[256])
{
	static const char *const lines[] = {
	    "a:\n",
	    "b.c: # d\n",
	    "  - id: x\n",
	    "  - name: \"y z\" # c\n",
	    "    k: v\n",
	    "    k: [ v,w , \"x]\\\"\" ]\n",
	    "    k:\n",
	    "  k: \"\"\n",
	    "  # c\n",
	    "    k: a\\b\\ c\\,d\n",
	    "    k: \"a\\\\\"\n",
	    "    k: \\\n",
	};
	static const char *const pieces[] = {
	    " ", ":", "-", "[", "]", ",", "\"", "#", "v", "\n", "\xc3\xa9",
	};
	size_t count = rnd_below(r, 5), at;
	const char *piece;

	strcpy(text, "a:\n");
	for (size_t i = 0; i < count; i++) {
		strcat(text,
		       lines[rnd_below(r, sizeof(lines) / sizeof(lines[0]))]);
	}
	for (count = rnd_below(r, 3); count > 0; count--) {
		piece =
		    pieces[rnd_below(r, sizeof(pieces) / sizeof(pieces[0]))];
		at = rnd_below(r, (unsigned)strlen(text));
		memmove(text + at + strlen(piece), text + at,
			strlen(text + at) + 1);
		memcpy(text + at, piece, strlen(piece));
	}
}

static void
texts_mean_the_same_to_libknot(void **state)
{
	struct rnd r = {.state = 1};
	size_t accepted = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char text[256], reason[SECD_REASON_LEN];
		struct options *o;

		make_text(&r, text);
		if (options_load_text("r", text, strlen(text), &o, reason) ==
		    SECD_OK) {
			accepted += options_get(o)->count > 0;
			agree_with_libknot(text, options_get(o));
			options_free(o);
		} else if (strstr(reason, "syntax error") != NULL) {
			libknot_refuses_too(text);
		}
	}
	assert_true(accepted > 1000);
}

/*
 * Files
 */

static void
a_file_is_read(void **state)
{
	char path[TEMP_DIR_MAX + 16], reason[SECD_REASON_LEN] = "";
	struct options *o = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "%s/m.conf", (char *)*state);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("a:\n  b: c\n", f);
	fclose(f);
	assert_int_equal(options_load(path, &o, reason), SECD_OK);
	assert_string_equal(options_get(o)->path, path);
	assert_string_equal(options_get(o)->items[0].value, "c");
	options_free(o);
}

static void
what_is_no_file_is_refused(void **state)
{
	char path[TEMP_DIR_MAX + 16], reason[SECD_REASON_LEN] = "";
	char expected[SECD_REASON_LEN];
	struct options *o;

	assert_int_equal(options_load(*state, &o, reason), SECD_EIO);
	snprintf(expected, sizeof(expected), "%s: not a regular file",
		 (char *)*state);
	assert_string_equal(reason, expected);
	snprintf(path, sizeof(path), "%s/fifo", (char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(options_load(path, &o, reason), SECD_EIO);
	snprintf(path, sizeof(path), "%s/large", (char *)*state);
	assert_int_equal(truncate(path, 0), -1); /* not there */
	assert_int_equal(options_load(path, &o, reason), SECD_EIO);
	fclose(fopen(path, "w"));
	assert_int_equal(truncate(path, OPTIONS_OCTETS_MAX + 1), 0);
	assert_int_equal(options_load(path, &o, reason), SECD_EIO);
	assert_non_null(strstr(reason, ": too large"));
}

static int
setup(void **state)
{
	*state = malloc(TEMP_DIR_MAX);
	assert_non_null(*state);
	temp_dir_make(*state);
	return 0;
}

static int
teardown(void **state)
{
	temp_dir_remove(*state);
	free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_section_comes_with_its_line),
	    cmocka_unit_test(each_value_comes_with_its_place),
	    cmocka_unit_test(nothing_gives_no_options),
	    cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
	    cmocka_unit_test(columns_must_agree),
	    cmocka_unit_test(no_value_is_repeated_in_a_message),
	    cmocka_unit_test(texts_mean_the_same_to_libknot),
	    cmocka_unit_test_setup_teardown(a_file_is_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, setup,
					    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
