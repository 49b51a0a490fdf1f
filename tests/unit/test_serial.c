/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rnd.h"
#include "wire/serial.h"

static void
equal_serials_are_equal_and_none_is_newer(void **state)
{
	(void)state;
	assert_int_equal(serial_compare(0, 0), SERIAL_EQUAL);
	assert_int_equal(serial_compare(UINT32_MAX, UINT32_MAX), SERIAL_EQUAL);
	assert_false(serial_is_newer(7, 7));
}

/* RFC 1982 section 5.2, with 32 bits. */
static void
a_serial_grows_by_up_to_2_31_less_one(void **state)
{
	(void)state;
	assert_int_equal(serial_compare(1, 0), SERIAL_GREATER);
	assert_int_equal(serial_compare(44, 0), SERIAL_GREATER);
	assert_int_equal(serial_compare(100, 44), SERIAL_GREATER);
	assert_int_equal(serial_compare(0x7fffffff, 0), SERIAL_GREATER);
	assert_int_equal(serial_compare(0, 0x7fffffff), SERIAL_LOWER);
	assert_int_equal(serial_compare(0x80000001, 0), SERIAL_LOWER);
}

static void
zero_comes_after_the_highest_serial(void **state)
{
	(void)state;
	assert_true(serial_is_newer(0, UINT32_MAX));
	assert_false(serial_is_newer(UINT32_MAX, 0));
	assert_true(serial_is_newer(5, 0xfffffff0));
	assert_true(serial_is_newer(0x7ffffffe, UINT32_MAX));
}

static void
serials_2_31_apart_have_no_order(void **state)
{
	(void)state;
	assert_int_equal(serial_compare(0, 0x80000000), SERIAL_UNDEFINED);
	assert_int_equal(serial_compare(0x80000000, 0), SERIAL_UNDEFINED);
	assert_int_equal(serial_compare(UINT32_MAX, 0x7fffffff),
			 SERIAL_UNDEFINED);
	assert_false(serial_is_newer(0, 0x80000000));
	assert_false(serial_is_newer(0x80000000, 0));
}

static void
of_two_serials_at_most_one_is_newer(void **state)
{
	struct rnd r = {1982};

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint32_t a = (uint32_t)rnd_next(&r), b = (uint32_t)rnd_next(&r);
		enum serial_order forth = serial_compare(a, b);
		enum serial_order back = serial_compare(b, a);

		/* The definition of RFC 1982 section 3.2, in wider numbers. */
		int64_t i1 = a, i2 = b, half = INT64_C(1) << 31;
		int less =
		    (i1 < i2 && i2 - i1 < half) || (i1 > i2 && i1 - i2 > half);
		int greater =
		    (i1 < i2 && i2 - i1 > half) || (i1 > i2 && i1 - i2 < half);

		assert_int_equal(forth == SERIAL_LOWER, less);
		assert_int_equal(forth == SERIAL_GREATER, greater);
		assert_int_equal(back == SERIAL_GREATER, less);
		assert_int_equal(serial_is_newer(a, b), greater);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equal_serials_are_equal_and_none_is_newer),
	    cmocka_unit_test(a_serial_grows_by_up_to_2_31_less_one),
	    cmocka_unit_test(zero_comes_after_the_highest_serial),
	    cmocka_unit_test(serials_2_31_apart_have_no_order),
	    cmocka_unit_test(of_two_serials_at_most_one_is_newer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
