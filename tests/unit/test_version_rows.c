/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "stack.h"
#include "zone/version_rows.h"

#define NAMES    1000
#define TEXT_LEN ((size_t)NAMES * 200)

static struct version *v;
static char *states[3];
static bool changes; /* every node is another in each state */

static int
start(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		states[i] = malloc(TEXT_LEN);
		assert_non_null(states[i]);
	}
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		free(states[i]);
	}
	version_unref(v);
	v = NULL;
	changes = false;
	return 0;
}

/* A zone of some of the names. */
static void
write_state(unsigned state, enum model_signing signing, bool (*there)(unsigned))
{
	char *p = states[state];

	p += sprintf(p,
		     "@ SOA ns.example. host %u 3600 600 86400 300\n@ NS b.\n",
		     state);
	p += sprintf(p, "%s\n",
		     signing == MODEL_NSEC ? "@ NSEC @ NS SOA"
					   : "@ NSEC3PARAM 1 0 1 aabb");
	for (unsigned i = 0; i < NAMES; i++) {
		if (!there(i)) {
			continue;
		}
		if (signing == MODEL_NSEC) {
			p += sprintf(p, "n%03u %u NSEC @ A\n", i,
				     changes ? state : 7);
		} else {
			p += sprintf(p,
				     "%032u NSEC3 1 0 1 aabb %032u A\n"
				     "n%03u A 192.0.2.1\n",
				     i, i, i);
		}
	}
}

static bool
all(unsigned i)
{
	return i < NAMES;
}

static bool
outer(unsigned i)
{
	return i < 100 || i >= 900;
}

static bool
outer_and_one(unsigned i)
{
	return outer(i) || i == 700;
}

static bool
odd_outside(unsigned i)
{
	return outer(i) || i % 2 == 1;
}

static bool
few(unsigned i)
{
	return i % 100 != 0;
}

static void
make(enum model_signing signing, bool (*first)(unsigned),
     bool (*second)(unsigned))
{
	write_state(0, signing, all);
	write_state(1, signing, first);
	if (second != NULL) {
		write_state(2, signing, second);
	}
	v = stack_texts("example.", (const char *const *)states,
			second != NULL ? 3 : 2);
}

/* Do entries of name `from` to before `to` make one row? */
static void
assert_row(unsigned component, unsigned from, unsigned to)
{
	unsigned apex = version_denial(v) == IMAGE_NSEC;

	for (unsigned i = from; i < to; i++) {
		assert_int_equal(version_rows_start(v, component, i + apex),
				 from + apex);
	}
}

static void
assert_no_row(unsigned component, unsigned name)
{
	unsigned at = name + (version_denial(v) == IMAGE_NSEC);

	assert_int_equal(version_rows_start(v, component, at), at);
}

static void
names_that_went_together_are_one_row(void **state)
{
	static const enum model_signing signings[] = {MODEL_NSEC, MODEL_NSEC3};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		version_unref(v);
		make(signings[i], outer, NULL);
		assert_int_equal(v->row_count, 1);
		assert_row(1, 100, 900);
		assert_no_row(1, 99);
		assert_no_row(1, 900);
		assert_no_row(0, 500);
	}
}

static void
a_name_that_is_left_parts_a_row(void **state)
{
	(void)state;
	make(MODEL_NSEC, outer_and_one, NULL);
	assert_int_equal(v->row_count, 2);
	assert_row(1, 100, 700);
	assert_no_row(1, 700);
	assert_row(1, 701, 900);
}

static void
layers_share_a_row(void **state)
{
	(void)state;
	make(MODEL_NSEC3, odd_outside, outer);
	assert_int_equal(v->row_count, 1);
	assert_row(2, 100, 900);
}

static void
each_component_has_rows_of_its_own(void **state)
{
	(void)state;
	changes = true;
	make(MODEL_NSEC, all, outer);
	assert_int_equal(v->row_count, 2);
	assert_row(1, 100, 900);
	assert_row(2, 100, 900);
}

static void
what_comes_back_is_in_no_row_of_its_layer(void **state)
{
	uint8_t name[NAME_LEN_MAX];
	char text[NAME_TEXT_MAX];

	(void)state;
	make(MODEL_NSEC, outer, outer_and_one);
	/* The image's entry is hidden; the new one stands in the layer. */
	assert_row(2, 100, 900);
	assert_string_equal(
	    name_to_text(
		version_nsec_for(v, zonefile_name("n800.example.", name))
		    ->owner,
		text),
	    "n700.example.");
	assert_string_equal(
	    name_to_text(
		version_nsec_for(v, zonefile_name("n600.example.", name))
		    ->owner,
		text),
	    "n099.example.");
}

static void
single_names_make_no_row(void **state)
{
	(void)state;
	make(MODEL_NSEC, few, NULL);
	assert_int_equal(v->row_count, 0);
	assert_no_row(1, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(names_that_went_together_are_one_row),
	    TEST(a_name_that_is_left_parts_a_row),
	    TEST(layers_share_a_row),
	    TEST(each_component_has_rows_of_its_own),
	    TEST(what_comes_back_is_in_no_row_of_its_layer),
	    TEST(single_names_make_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
