/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random schedules of a few servers that rotate their keys: rotate_world.h.
 *
 * SECD_ROTATE_SCHEDULES  how many; 3,000 when it is not set
 * SECD_ROTATE_SEED       of the first one; each that fails prints its own
 * SECD_ROTATE_TRACE      print what happens
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rotate_rules.h"
#include "rotate_world.h"

#define STEPS 300

static unsigned long
setting(const char *name, unsigned long value)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : value;
}

static bool
run(struct world *w, uint64_t seed)
{
	world_init(w, seed);
	w->is_traced = getenv("SECD_ROTATE_TRACE") != NULL &&
		       rotate_broken == ROTATE_ALL_HOLD;
	return world_run(w, STEPS) && world_recover(w);
}

static void
every_schedule_keeps_the_invariants(void **state)
{
	unsigned long count = setting("SECD_ROTATE_SCHEDULES", 3000);
	unsigned long seed = setting("SECD_ROTATE_SEED", 1);
	uint64_t transfers = 0, rotations = 0;
	struct world *w = malloc(sizeof(*w));
	unsigned long failed = 0;

	(void)state;
	assert_non_null(w);
	for (unsigned long i = 0; i < count; i++) {
		if (!run(w, seed + i)) {
			printf("SECD_ROTATE_SEED=%lu: %s\n", seed + i,
			       w->wrong);
			failed++;
		}
		transfers += w->transfers;
		rotations += w->rotations;
	}
	printf("%lu schedules from seed %lu: %lu failed; %llu rotations, "
	       "%llu transfers\n",
	       count, seed, failed, (unsigned long long)rotations,
	       (unsigned long long)transfers);
	free(w);
	assert_int_equal(failed, 0);
}

/* Without this the test above would prove nothing. */
static void
a_rule_that_is_broken_is_missed(void **state)
{
	/* Not long before one that shows it; each is found from 1 on, too. */
	static const uint64_t from[ROTATE_RULE_COUNT] = {
	    [ROTATE_WHO_ACCEPTS_SIGNS] = 12000,
	};
	struct world *w = malloc(sizeof(*w));

	(void)state;
	assert_non_null(w);
	for (int rule = 1; rule < ROTATE_RULE_COUNT; rule++) {
		uint64_t seed = from[rule] + 1, end = seed + 100000;

		rotate_broken = (enum rotate_rule)rule;
		while (run(w, seed) && seed < end) {
			seed++;
		}
		printf("without rule %d: seed %llu: %s\n", rule,
		       (unsigned long long)seed, w->wrong);
		assert_true(w->wrong[0] != '\0');
	}
	rotate_broken = ROTATE_ALL_HOLD;
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_schedule_keeps_the_invariants),
	    cmocka_unit_test(a_rule_that_is_broken_is_missed),
	};

	return cmocka_run_group_tests_name("rotate_model", tests, NULL, NULL);
}
