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
#include "rnd.h"
#include "zone/version.h"
#include "zonefile.h"

#define ZONES_MAX 2000

static struct zone zones[ZONES_MAX], *list[ZONES_MAX];
static size_t count;
static struct zone_table *table;

static int
start(void **state)
{
	(void)state;
	count = 0;
	table = NULL;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	zone_table_free(table);
	return 0;
}

static struct zone *
add(const char *apex)
{
	struct zone *z = &zones[count];

	memset(z, 0, sizeof(*z));
	zonefile_name(apex, z->apex);
	z->apex_len = (uint8_t)name_len(z->apex);
	list[count++] = z;
	return z;
}

static void
make(void)
{
	assert_int_equal(zone_table_new(list, count, &zonefile_key, &table),
			 SECD_OK);
}

static struct zone *
find(const char *name, unsigned from, unsigned *label)
{
	uint8_t wire[NAME_LEN_MAX];
	struct name_hashes hashes;

	name_hash_all(zonefile_name(name, wire), &zonefile_key, &hashes);
	return zone_table_find(table, wire, &hashes, from, label);
}

static void
the_longest_apex_wins(void **state)
{
	struct zone *com = add("com."), *example = add("example.com.");
	struct zone *sub = add("a.sub.example.com.");
	unsigned label = 99;

	(void)state;
	make();
	assert_ptr_equal(find("com.", 0, &label), com);
	assert_int_equal(label, 0);
	assert_ptr_equal(find("example.com.", 0, &label), example);
	assert_int_equal(label, 0);
	assert_ptr_equal(find("sub.example.com.", 0, &label), example);
	assert_int_equal(label, 1);
	assert_ptr_equal(find("x.y.a.sub.example.com.", 0, &label), sub);
	assert_int_equal(label, 2);
	assert_ptr_equal(find("other.com.", 0, NULL), com);
	label = 99;
	assert_null(find("example.net.", 0, &label));
	assert_null(find(".", 0, &label));
	assert_int_equal(label, 99);
}

static void
the_parent_of_an_apex_can_be_asked_for(void **state)
{
	struct zone *com = add("com."), *example = add("example.com.");
	unsigned label;

	(void)state;
	make();
	assert_ptr_equal(find("example.com.", 1, &label), com);
	assert_int_equal(label, 1);
	assert_ptr_equal(find("a.example.com.", 1, &label), example);
	assert_int_equal(label, 1);
	assert_null(find("com.", 1, NULL));
	assert_null(find(".", 1, NULL));
}

static void
the_root_holds_all_that_nobody_else_does(void **state)
{
	struct zone *root = add("."), *com = add("com.");
	unsigned label;

	(void)state;
	make();
	assert_ptr_equal(find(".", 0, &label), root);
	assert_int_equal(label, 0);
	assert_ptr_equal(find("a.b.net.", 0, &label), root);
	assert_int_equal(label, 3);
	assert_ptr_equal(find("a.com.", 0, NULL), com);
	assert_ptr_equal(find("com.", 1, NULL), root);
}

static void
no_zones_are_fine(void **state)
{
	(void)state;
	make();
	assert_null(find("example.", 0, NULL));
	assert_memory_equal(zone_table_key(table), &zonefile_key,
			    sizeof(zonefile_key));
}

static void
two_zones_with_one_apex_are_refused(void **state)
{
	(void)state;
	add("example.");
	add("com.");
	add("example.");
	assert_int_equal(zone_table_new(list, count, &zonefile_key, &table),
			 SECD_EEXIST);
	assert_null(table);
}

/* The zone with the longest apex, by looking at all of them. */
static struct zone *
find_by_walking(const uint8_t *name)
{
	struct zone *best = NULL;

	for (size_t i = 0; i < count; i++) {
		if (name_is_in(name, zones[i].apex) &&
		    (best == NULL || zones[i].apex_len > best->apex_len)) {
			best = &zones[i];
		}
	}
	return best;
}

static void
among_thousands_each_name_finds_its_zone(void **state)
{
	struct rnd r = {1};
	char text[64];

	(void)state;
	for (int i = 0; i < ZONES_MAX; i++) {
		snprintf(text, sizeof(text), i % 3 == 0 ? "z%d." : "z%d.z%d.",
			 i, i * 7 % ZONES_MAX);
		add(text);
	}
	make();
	for (int i = 0; i < 3000; i++) {
		uint8_t wire[NAME_LEN_MAX];

		snprintf(text, sizeof(text), "w.z%u.z%u.",
			 rnd_below(&r, ZONES_MAX + 50), rnd_below(&r, 50));
		assert_ptr_equal(find(text, 0, NULL),
				 find_by_walking(zonefile_name(text, wire)));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_longest_apex_wins),
	    TEST(the_parent_of_an_apex_can_be_asked_for),
	    TEST(the_root_holds_all_that_nobody_else_does),
	    TEST(no_zones_are_fine),
	    TEST(two_zones_with_one_apex_are_refused),
	    TEST(among_thousands_each_name_finds_its_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
