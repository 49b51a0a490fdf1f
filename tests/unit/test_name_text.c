/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "naming.h"
#include "rnd.h"
#include "wire/name.h"

static void
text_becomes_wire_format(void **state)
{
	static const struct {
		const char *text, *wire;
		size_t len;
	} rows[] = {
	    {".", "", 1},
	    {"example.", "\007example", 9},
	    {"example", "\007example", 9},
	    {"www.Example.COM.", "\003www\007Example\003COM", 17},
	    {"*.example.", "\001*\007example", 11},
	    {"a\\.b.example.", "\003a.b\007example", 13},
	    {"a\\046b.example.", "\003a.b\007example", 13},
	    {"\\000\\255.", "\002\000\377", 4},
	    {"\\\\.", "\001\\", 3},
	    {"\\(\\;\\).", "\003(;)", 5},
	    {"a@b$c.", "\005a@b$c", 7},
	};
	uint8_t name[NAME_LEN_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(name_from_text(rows[i].text, name), SECD_OK);
		assert_int_equal(name_len(name), rows[i].len);
		assert_memory_equal(name, rows[i].wire, rows[i].len);
	}
}

static void
text_that_is_no_name_is_refused(void **state)
{
	static const char *const rows[] = {
	    "",      "..",    ".a",        "a..", "a..b", "a b", "a\tb",
	    "a\n",   "a\177", "\303\244.", "\\",  "a\\",  "\\1", "\\12",
	    "\\12.", "\\256", "\\999.",    "a;b", "(a",   "a)",  "\"a\"",
	};
	uint8_t name[NAME_LEN_MAX] = {42};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(name_from_text(rows[i], name), SECD_EMALF);
		assert_int_equal(name[0], 42);
	}
}

static void
a_label_has_at_most_63_octets(void **state)
{
	uint8_t name[NAME_LEN_MAX];
	char text[65];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[63] = '\0';
	assert_int_equal(name_from_text(text, name), SECD_OK);
	assert_int_equal(name_len(name), 65);
	text[63] = 'a';
	text[64] = '\0';
	assert_int_equal(name_from_text(text, name), SECD_EMALF);
}

static void
a_name_has_at_most_255_octets(void **state)
{
	uint8_t name[NAME_LEN_MAX];
	char text[400];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 127; i++) {
		text[len++] = 'a';
		text[len++] = '.';
	}
	text[len] = '\0';
	assert_int_equal(name_from_text(text, name), SECD_OK);
	assert_int_equal(name_len(name), NAME_LEN_MAX);
	assert_int_equal(name_label_count(name), NAME_LABEL_MAX);

	strcpy(text + len, "a"); /* one label more */
	assert_int_equal(name_from_text(text, name), SECD_EMALF);
	strcpy(text + len - 1, "a."); /* one octet more */
	assert_int_equal(name_from_text(text, name), SECD_EMALF);
	strcpy(text + len - 2, "."); /* 126 labels, 253 octets */
	memmove(text + len - 4, "aa.", 4);
	assert_int_equal(name_from_text(text, name), SECD_OK);
	assert_int_equal(name_len(name), 254);
}

static void
text_escapes_what_is_special_or_unprintable(void **state)
{
	char text[NAME_TEXT_MAX];

	(void)state;
	assert_string_equal(name_to_text((const uint8_t *)"", text), ".");
	assert_string_equal(
	    name_to_text((const uint8_t *)"\001*\007eXample", text),
	    "*.eXample.");
	assert_string_equal(
	    name_to_text((const uint8_t *)"\012.\\\"();@$\0 \002\177\377",
			 text),
	    "\\.\\\\\\\"\\(\\)\\;\\@\\$\\000\\032.\\127\\255.");
}

static void
text_of_any_name_reads_back(void **state)
{
	struct rnd r = {1};
	uint8_t name[NAME_LEN_MAX], back[NAME_LEN_MAX];
	char text[NAME_TEXT_MAX];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = rnd_name(&r, NAME_LABEL_MAX, name);
		uint8_t *copy = exact(name);

		name_to_text(copy, text);
		free(copy);
		assert_true(strlen(text) < NAME_TEXT_MAX);
		for (const char *t = text; *t != '\0'; t++) {
			assert_true(*t > ' ' && *t <= '~');
		}
		assert_int_equal(name_from_text(text, back), SECD_OK);
		assert_memory_equal(name, back, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_becomes_wire_format),
	    cmocka_unit_test(text_that_is_no_name_is_refused),
	    cmocka_unit_test(a_label_has_at_most_63_octets),
	    cmocka_unit_test(a_name_has_at_most_255_octets),
	    cmocka_unit_test(text_escapes_what_is_special_or_unprintable),
	    cmocka_unit_test(text_of_any_name_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
