/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "rnd.h"

#define OCTETS_MAX 100

static uint64_t
sum_of(const uint8_t *octets, size_t len)
{
	return checksum64(CHECKSUM_START, octets, len);
}

static void
every_flipped_bit_is_found(void **state)
{
	uint8_t octets[OCTETS_MAX];
	struct rnd r = {1};

	(void)state;
	for (size_t len = 1; len <= OCTETS_MAX; len++) {
		uint64_t sum;

		rnd_fill(&r, octets, len);
		sum = sum_of(octets, len);
		for (size_t bit = 0; bit < len * 8; bit++) {
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(sum_of(octets, len) != sum);
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(sum_of(octets, len) == sum);
	}
}

static void
octets_that_change_places_are_found(void **state)
{
	uint8_t octets[OCTETS_MAX];

	(void)state;
	for (size_t i = 0; i < OCTETS_MAX; i++) {
		octets[i] = (uint8_t)i;
	}
	for (size_t i = 0; i < OCTETS_MAX; i++) {
		for (size_t j = 0; j < i; j++) {
			uint64_t sum = sum_of(octets, OCTETS_MAX);
			uint8_t o = octets[i];

			octets[i] = octets[j];
			octets[j] = o;
			assert_true(sum_of(octets, OCTETS_MAX) != sum);
			octets[j] = octets[i];
			octets[i] = o;
		}
	}
}

static void
zeros_at_the_end_count(void **state)
{
	uint8_t zeros[OCTETS_MAX] = {0};

	(void)state;
	for (size_t i = 0; i < OCTETS_MAX; i++) {
		for (size_t j = 0; j < i; j++) {
			assert_true(sum_of(zeros, i) != sum_of(zeros, j));
		}
	}
}

static void
alignment_makes_no_difference(void **state)
{
	uint8_t octets[OCTETS_MAX + 8], moved[OCTETS_MAX + 8];
	struct rnd r = {2};

	(void)state;
	rnd_fill(&r, octets, sizeof(octets));
	for (size_t at = 1; at < 8; at++) {
		memcpy(moved + at, octets, OCTETS_MAX);
		assert_true(sum_of(moved + at, OCTETS_MAX) ==
			    sum_of(octets, OCTETS_MAX));
	}
}

static void
chunks_count_and_their_order_too(void **state)
{
	uint8_t a[16] = {1}, b[16] = {2};
	uint64_t ab = checksum64(sum_of(a, 16), b, 16);

	(void)state;
	assert_true(checksum64(sum_of(b, 16), a, 16) != ab);
	assert_true(checksum64(sum_of(a, 8), b, 16) != ab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_flipped_bit_is_found),
	    cmocka_unit_test(octets_that_change_places_are_found),
	    cmocka_unit_test(zeros_at_the_end_count),
	    cmocka_unit_test(alignment_makes_no_difference),
	    cmocka_unit_test(chunks_count_and_their_order_too),
	};

	return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
