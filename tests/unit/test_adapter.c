/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "place/adapter.h"

static void
each_make_of_server_has_one(void **state)
{
	static const char *const names[] = {"bind", "command", "knot", "nsd"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct adapter *a = adapter_find(names[i]);

		assert_non_null(a);
		assert_string_equal(a->name, names[i]);
	}
	assert_null(adapter_find("pdns"));
	assert_null(adapter_find(""));
}

static void
unquoted_as(const char *text, const char *expected)
{
	char copy[200];

	strcpy(copy, text);
	assert_string_equal(adapter_unquote(copy), expected);
}

static void
what_is_quoted_is_left_out(void **state)
{
	(void)state;
	unquoted_as("x.conf:6: at 'secret': error: syntax error",
		    "x.conf:6: at '': error: syntax error");
	unquoted_as("a \"b\" 'c' \"d'e\"", "a \"\" '' \"\"");
	unquoted_as("rndc: 'reconfig' failed: failure",
		    "rndc: '' failed: failure");
	unquoted_as("file '/bin/sh', item '/no/such'",
		    "file '/bin/sh', item ''");
	unquoted_as("'/' '' \"/dev/null\"'", "'/' '' \"/dev/null\"'");
	unquoted_as("it can't", "it can't");
	unquoted_as("'", "'");
	unquoted_as("", "");
}

static void
a_secret_that_is_repeated_is_masked(void **state)
{
	/* MDEyMzQ1Njc4OWFiY2RlZg== and YQ== */
	static const struct keytext_key keys[] = {
	    {"a.", "x", (const uint8_t *)"0123456789abcdef", 16},
	    {"b.", "x", (const uint8_t *)"a", 1}};
	char text[200] = "bad MDEyMzQ1Njc4OWFiY2RlZg==, 2MzQ1Njc4OWFxyz "
			 "MDEyMzQ YQ== end";
	char whole[] = "MzQ1Njc4";

	(void)state;
	adapter_mask(keys, 2, text);
	assert_string_equal(text,
			    "bad ************************, 2***********xyz "
			    "MDEyMzQ YQ== end");
	adapter_mask(keys, 2, whole);
	assert_string_equal(whole, "********");
	adapter_mask(keys, 0, whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_make_of_server_has_one),
	    cmocka_unit_test(what_is_quoted_is_left_out),
	    cmocka_unit_test(a_secret_that_is_repeated_is_masked),
	};

	return cmocka_run_group_tests_name("adapter", tests, NULL, NULL);
}
