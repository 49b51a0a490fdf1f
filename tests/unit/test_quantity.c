/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/quantity.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct quantity_unit units[] = {
    {"", 1}, {"m", 60}, {"ms", 7}, {"big", UINT64_MAX / 2}};

static bool
reads(const char *text, uint64_t *out)
{
	return quantity_read(text, units, sizeof(units) / sizeof(units[0]),
			     out);
}

static void
a_number_is_worth_its_unit(void **state)
{
	uint64_t out = 1;

	(void)state;
	assert_true(reads("0", &out));
	assert_int_equal(out, 0);
	assert_true(reads("12", &out));
	assert_int_equal(out, 12);
	assert_true(reads("12m", &out));
	assert_int_equal(out, 720);
	assert_true(reads("3ms", &out));
	assert_int_equal(out, 21);
	assert_true(reads("18446744073709551615", &out));
	assert_true(out == UINT64_MAX);
	assert_true(reads("2big", &out));
	assert_true(out == UINT64_MAX - 1);
}

static void
anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    " 1",
	    "1 ",
	    "-1",
	    "+1",
	    "m",
	    "1M",
	    "1mm",
	    "1m1",
	    "0x10",
	    "1.5",
	    "3big",
	    "18446744073709551616",
	    "307445734561825861m",
	};
	uint64_t out = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(reads(texts[i], &out));
		assert_int_equal(out, 42);
	}
	assert_false(quantity_read("1", &units[1], 1, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_number_is_worth_its_unit),
	    cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
