/* SPDX-License-Identifier: BSD-2-Clause */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void
every_code_has_a_text_of_its_own(void **state)
{
	int a, b;

	(void)state;
	for (a = SECD_MORE; a >= SECD_EAGAIN; a--) {
		assert_string_not_equal(secd_strerror(a), "unknown error");
		for (b = SECD_MORE; b > a; b--) {
			assert_string_not_equal(secd_strerror(a),
						secd_strerror(b));
		}
	}
}

static void
a_text_is_one_line_in_lower_case(void **state)
{
	int rc;

	(void)state;
	for (rc = SECD_MORE; rc >= SECD_EAGAIN - 1; rc--) {
		const char *text = secd_strerror(rc);

		assert_true(strlen(text) > 0);
		assert_true(text[0] >= 'a' && text[0] <= 'z');
		assert_null(strpbrk(text, ".\n"));
	}
}

static void
a_foreign_code_has_a_text(void **state)
{
	(void)state;
	assert_string_equal(secd_strerror(SECD_MORE + 1), "unknown error");
	assert_string_equal(secd_strerror(INT_MIN), "unknown error");
	assert_string_equal(secd_strerror(SECD_EAGAIN - 1), "unknown error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_has_a_text_of_its_own),
	    cmocka_unit_test(a_text_is_one_line_in_lower_case),
	    cmocka_unit_test(a_foreign_code_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
