/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"

static void
what_is_put_stands_there_in_order(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_put(&b, "ab", 2), SECD_OK);
	assert_int_equal(buf_put(&b, "cde", 3), SECD_OK);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "abcde", 5);
	buf_fini(&b);
}

static void
contents_survive_many_moves(void **state)
{
	struct buf b = {0};

	(void)state;
	for (uint32_t i = 0; i < 50000; i++) {
		assert_int_equal(buf_put(&b, &i, sizeof(i)), SECD_OK);
	}
	assert_int_equal(b.len, 50000 * sizeof(uint32_t));
	assert_true(b.cap >= b.len);
	for (uint32_t i = 0; i < 50000; i++) {
		assert_memory_equal(b.data + i * sizeof(i), &i, sizeof(i));
	}
	buf_fini(&b);
}

static void
putting_nothing_changes_nothing(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_put(&b, NULL, 0), SECD_OK);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_put(&b, "a", 1), SECD_OK);
	assert_int_equal(buf_put(&b, NULL, 0), SECD_OK);
	assert_int_equal(b.len, 1);
	buf_fini(&b);
}

static void
reserved_room_is_writable_and_not_yet_contents(void **state)
{
	struct buf b = {0};
	uint8_t *data;

	(void)state;
	assert_int_equal(buf_put(&b, "x", 1), SECD_OK);
	assert_int_equal(buf_reserve(&b, 5000), SECD_OK);
	assert_int_equal(b.len, 1);
	assert_true(b.cap - b.len >= 5000);
	memset(b.data + b.len, 0xaa, 5000);
	data = b.data;
	b.len += 4999;
	assert_int_equal(buf_put(&b, "y", 1), SECD_OK);
	assert_ptr_equal(b.data, data);
	assert_int_equal(b.data[0], 'x');
	assert_int_equal(b.data[5000], 'y');
	buf_fini(&b);
}

static void
too_much_is_refused_and_the_contents_stay(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_reserve(&b, SIZE_MAX), SECD_ENOMEM);
	assert_null(b.data);
	assert_int_equal(buf_put(&b, "kept", 4), SECD_OK);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), SECD_ENOMEM);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 3), SECD_ENOMEM);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "kept", 4);
	buf_fini(&b);
}

static void
clearing_keeps_the_memory(void **state)
{
	struct buf b = {0};
	uint8_t *data;

	(void)state;
	assert_int_equal(buf_put(&b, "abc", 3), SECD_OK);
	data = b.data;
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_true(b.cap >= 3);
	assert_int_equal(buf_put(&b, "d", 1), SECD_OK);
	assert_ptr_equal(b.data, data);
	assert_int_equal(b.data[0], 'd');
	buf_fini(&b);
}

static void
a_freed_buffer_is_empty_and_usable(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_put(&b, "abc", 3), SECD_OK);
	buf_fini(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, 0);
	buf_fini(&b);
	assert_int_equal(buf_put(&b, "z", 1), SECD_OK);
	assert_int_equal(b.data[0], 'z');
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_put_stands_there_in_order),
	    cmocka_unit_test(contents_survive_many_moves),
	    cmocka_unit_test(putting_nothing_changes_nothing),
	    cmocka_unit_test(reserved_room_is_writable_and_not_yet_contents),
	    cmocka_unit_test(too_much_is_refused_and_the_contents_stay),
	    cmocka_unit_test(clearing_keeps_the_memory),
	    cmocka_unit_test(a_freed_buffer_is_empty_and_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
