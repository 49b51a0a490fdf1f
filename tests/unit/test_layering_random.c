/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random changes in random order: SECD_LAYERING_CHANGES says how many records
 * are added and deleted altogether (30,000).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "changing.h"

#define CHANGES 30000
#define OPS     600 /* of one zone */

static const struct world {
	const char *apex;
	enum model_signing signing;
} worlds[] = {
    {"example.", MODEL_UNSIGNED}, {"example.", MODEL_NSEC},
    {"example.", MODEL_NSEC3},    {".", MODEL_NSEC},
    {".", MODEL_UNSIGNED},        {".", MODEL_NSEC3},
};

#define WORLDS (sizeof(worlds) / sizeof(*worlds))

static bool
still_fails(const struct changing_op *ops, size_t count, void *arg)
{
	const struct world *w = arg;
	struct changing_result result;

	return !changing_run(w->apex, w->signing, ops, count, &result);
}

static void
explain(const struct world *w, uint64_t seed, struct changing_op *ops,
	const struct changing_result *result)
{
	struct changing_result least;
	size_t count = changing_shrink(ops, result->at + 1, still_fails,
				       (void *)(uintptr_t)w);

	changing_run(w->apex, w->signing, ops, count, &least);
	changing_print(ops, count);
	fail_msg("seed %llu, zone %s signing %d: %s; with the above: %s",
		 (unsigned long long)seed, w->apex, w->signing, result->failure,
		 least.failure);
}

static void
layers_are_the_zone_that_a_build_makes(void **state)
{
	const char *text = getenv("SECD_LAYERING_CHANGES");
	size_t changes = text == NULL ? CHANGES : (size_t)atol(text);
	struct changing_result sum = {.at = 0};
	static struct changing_op ops[OPS];

	(void)state;
	for (uint64_t seed = 1; sum.changes < changes; seed++) {
		const struct world *w = &worlds[seed % WORLDS];
		struct changing_result result;

		changing_make(seed, ops, OPS);
		if (!changing_run(w->apex, w->signing, ops, OPS, &result)) {
			explain(w, seed, ops, &result);
		}
		sum.changes += result.changes;
		sum.applied += result.applied;
		sum.refused += result.refused;
		sum.rebuilt += result.rebuilt;
		sum.folded += result.folded;
	}
	print_message("%zu changes: %zu versions in layers, %zu in several, "
		      "%zu rebuilt, %zu refused\n",
		      sum.changes, sum.applied, sum.folded, sum.rebuilt,
		      sum.refused);
	/* Otherwise little of it was shown. */
	assert_true(sum.applied > sum.changes / 10);
	assert_true(sum.folded > sum.applied / 4);
	assert_true(sum.rebuilt < sum.applied / 4);
	assert_true(sum.refused > sum.applied / 100);
}

static bool
has_two(const struct changing_op *ops, size_t count, void *arg)
{
	unsigned found = 0;

	(void)arg;
	for (size_t i = 0; i < count; i++) {
		found += ops[i].seed == 17 || ops[i].seed == 80;
	}
	return found == 2;
}

static void
a_failure_is_shrunk_to_what_it_needs(void **state)
{
	struct changing_op ops[100];

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		ops[i] = (struct changing_op){CHANGING_ADD, i};
	}
	assert_int_equal(changing_shrink(ops, 100, has_two, NULL), 2);
	assert_int_equal(ops[0].seed, 17);
	assert_int_equal(ops[1].seed, 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(layers_are_the_zone_that_a_build_makes),
	    cmocka_unit_test(a_failure_is_shrunk_to_what_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
