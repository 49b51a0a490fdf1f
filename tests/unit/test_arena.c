/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void
pieces_are_zeroed_aligned_and_apart(void **state)
{
	struct arena *a = arena_new();
	uint8_t *last = NULL;
	size_t last_len = 0;

	(void)state;
	for (size_t len = 0; len < 100000; len = len * 2 + 1) {
		uint8_t *p = arena_alloc(a, len);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < len; i++) {
			assert_int_equal(p[i], 0);
		}
		memset(p, 0xa5, len);
		for (size_t i = 0; i < last_len; i++) {
			assert_int_equal(last[i], 0xa5);
		}
		last = p;
		last_len = len;
	}
	arena_free(a);
	arena_free(NULL);
}

static void
copies_end_with_a_zero(void **state)
{
	struct arena *a = arena_new();
	const char *text;

	(void)state;
	assert_string_equal(arena_copy(a, "abcdef", 3), "abc");
	assert_string_equal(arena_copy_octets(a, "abcdef", 6), "abcdef");
	assert_string_equal(arena_copy(a, NULL, 0), "");
	text = arena_printf(a, "%s-%d", "x", 7);
	assert_string_equal(text, "x-7");
	arena_free(a);
}

static void
what_cannot_be_had_is_refused(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX / 2 + 1));
	assert_null(arena_copy(a, "", SIZE_MAX));
	assert_non_null(arena_alloc(a, 1));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
	    cmocka_unit_test(copies_end_with_a_zero),
	    cmocka_unit_test(what_cannot_be_had_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
