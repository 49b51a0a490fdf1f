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

static const struct name_hash_key key = {
    {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};

static void
each_suffix_hashes_as_the_name_that_it_is(void **state)
{
	struct rnd r = {4};
	uint8_t name[NAME_LEN_MAX], *lower;
	struct name_hashes all;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		rnd_name(&r, i % 10 == 0 ? NAME_LABEL_MAX : 5, name);
		lower = exact(name);
		name_lower(lower, lower);
		name_hash_all(lower, &key, &all);
		assert_int_equal(all.count, name_label_count(name) + 1);
		for (unsigned j = 0; j < all.count; j++) {
			assert_ptr_equal(lower + all.offset[j],
					 name_strip(lower, j));
			uint8_t *suffix = exact(name_strip(name, j));

			assert_true(name_hash(suffix, &key) == all.hash[j]);
			free(suffix);
		}
		free(lower);
	}
}

static void
names_that_look_alike_hash_apart(void **state)
{
	static const char *const rows[] = {
	    ".",
	    "a.",
	    "a\\000.",
	    "\\000.",
	    "\\000\\000.",
	    "a.b.",
	    "b.a.",
	    "ab.",
	    "a\\001b.",
	    "a\\.b.",
	    "abc.d.",
	    "ab.cd.",
	    "a.bcd.",
	    "abcdefg.",
	    "abcdefgh.",
	    "abcdefg\\000.",
	    "abcdefgh\\000.",
	    "\\000abcdefg.",
	    "abcdefg.h.",
	    "a.abcdefg.",
	    "abcdefgabcdefgh.",
	    "abcdefghabcdefg.",
	    "com.",
	    "com.com.",
	    "com.com.com.",
	};
	uint64_t hash[LEN(rows)];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		hash[i] = name_hash(parse(rows[i]), &key);
		for (size_t j = 0; j < i; j++) {
			assert_true(hash[i] != hash[j]);
		}
	}
}

static void
each_half_of_the_key_changes_every_hash(void **state)
{
	const struct name_hash_key zero = {{0, 0}};
	struct rnd r = {5};
	uint8_t name[NAME_LEN_MAX];

	(void)state;
	assert_true(name_hash(parse("a."), &zero) != 0);
	assert_true(name_hash(parse("a."), &zero) !=
		    name_hash(parse("b."), &zero));
	for (int i = 0; i < 128; i++) {
		struct name_hash_key other = key;

		other.k[i / 64] ^= UINT64_C(1) << i % 64;
		rnd_name(&r, 4, name);
		assert_true(name_hash(name, &key) != name_hash(name, &other));
	}
}

/* Chi-square over 4096 cells; 99.99 % of random tables are below 4443. */
static void
assert_even(const unsigned *cells, double expected)
{
	double sum = 0;

	for (size_t i = 0; i < 4096; i++) {
		double off = cells[i] - expected;

		sum += off * off / expected;
	}
	if (sum > 4443) {
		fail_msg("chi-square over 4096 cells is %.0f", sum);
	}
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
counted_names_fill_a_table_evenly(void **state)
{
	enum { COUNT = 400000 };
	static unsigned top[4096], low[4096], middle[4096];
	uint64_t *hash = malloc(COUNT * sizeof(*hash));
	uint8_t name[32] = "\007n000000\003com";

	(void)state;
	assert_non_null(hash);
	for (unsigned i = 0; i < COUNT; i++) {
		for (unsigned digit = 0, n = i; digit < 6; digit++, n /= 10) {
			name[7 - digit] = (uint8_t)('0' + n % 10);
		}
		hash[i] = name_hash(name, &key);
		top[hash[i] >> 52]++;
		middle[hash[i] >> 40 & 4095]++;
		low[hash[i] & 4095]++;
	}
	assert_even(top, COUNT / 4096.0);
	assert_even(middle, COUNT / 4096.0);
	assert_even(low, COUNT / 4096.0);
	qsort(hash, COUNT, sizeof(*hash), by_value);
	for (unsigned i = 1; i < COUNT; i++) {
		assert_true(hash[i - 1] != hash[i]);
	}
	free(hash);
}

static void
one_bit_of_a_label_changes_half_of_the_hash(void **state)
{
	struct rnd r = {6};

	(void)state;
	for (unsigned bit = 0; bit < 8 * 20; bit++) {
		unsigned changed[64] = {0};

		for (int i = 0; i < 2000; i++) {
			uint8_t name[] = "\024xxxxxxxxxxxxxxxxxxxx\003com";
			struct name_hashes all;
			uint64_t hash;

			rnd_fill(&r, name + 1, 20);
			name_hash_all(name, &key, &all);
			hash = all.hash[0];
			name[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
			name_hash_all(name, &key, &all);
			hash ^= all.hash[0];
			for (int j = 0; j < 64; j++) {
				changed[j] += (unsigned)(hash >> j & 1);
			}
		}
		for (int j = 0; j < 64; j++) {
			/* Six standard deviations on either side. */
			assert_in_range(changed[j], 1000 - 135, 1000 + 135);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_suffix_hashes_as_the_name_that_it_is),
	    cmocka_unit_test(names_that_look_alike_hash_apart),
	    cmocka_unit_test(each_half_of_the_key_changes_every_hash),
	    cmocka_unit_test(counted_names_fill_a_table_evenly),
	    cmocka_unit_test(one_bit_of_a_label_changes_half_of_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
