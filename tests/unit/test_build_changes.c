/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone_model.h"

#ifndef ROUNDS
#define ROUNDS 300
#endif

static void
assert_same_octets(const struct image *a, const struct image *b)
{
	size_t len_a, len_b;
	const uint8_t *octets_a = image_octets(a, &len_a);
	const uint8_t *octets_b = image_octets(b, &len_b);

	assert_int_equal(len_a, len_b);
	assert_memory_equal(octets_a, octets_b, len_a);
}

/* A random zone, some steps in one or several changesets, and the result. */
static void
round_trip(uint64_t seed, enum model_signing signing)
{
	struct rnd r = {seed};
	struct model m;
	struct build_params p;
	struct build_report from_spool, from_changes;
	struct changeset cs[2] = {{{0}, 0, 0, 0, 0, 0, 0}};
	const struct changeset *list[] = {&cs[0], &cs[1]};
	struct image *base, *spooled = NULL, *changed = NULL;
	size_t used = 1 + rnd_below(&r, 2);
	int rc;

	model_init(&m, seed % 5 == 0 ? "." : "example.", signing);
	p = zonefile_params(m.apex);
	model_fill(&m, &r, 5 + rnd_below(&r, 60));
	assert_int_equal(model_build(&m, &p, &r, 1 + rnd_below(&r, 4000), &base,
				     &from_spool),
			 SECD_OK);
	model_check(&m, base);
	for (size_t i = 0; i < used; i++) {
		for (unsigned n = 1 + rnd_below(&r, 4); n > 0; n--) {
			model_step(&m, &r, &cs[i]);
		}
	}
	rc = model_build(&m, &p, NULL, 1 << 20, &spooled, &from_spool);
	assert_int_equal(
	    build_from_changes(&p, base, list, used, &changed, &from_changes),
	    rc);
	if (rc == SECD_OK) {
		model_check(&m, changed);
		assert_same_octets(spooled, changed);
	} else {
		assert_string_equal(from_spool.reason, from_changes.reason);
	}
	image_unref(base);
	image_unref(spooled);
	image_unref(changed);
	changeset_fini(&cs[0]);
	changeset_fini(&cs[1]);
	model_fini(&m);
}

static void
random_changes_give_the_image_of_the_changed_zone(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		round_trip(seed, MODEL_UNSIGNED);
	}
}

static void
so_they_do_in_an_nsec_zone(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		round_trip(seed, MODEL_NSEC);
	}
}

static void
so_they_do_in_an_nsec3_zone(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		round_trip(seed, MODEL_NSEC3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_changes_give_the_image_of_the_changed_zone),
	    cmocka_unit_test(so_they_do_in_an_nsec_zone),
	    cmocka_unit_test(so_they_do_in_an_nsec3_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
