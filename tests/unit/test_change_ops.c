/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/change_ops.h"
#include "zonefile.h"

#define SOA(serial) "@ SOA ns.example. host " #serial " 3600 600 86400 300\n"

static struct change_ops ops;
static struct changeset change;
static struct build_report report;
static struct owner_set after;
static struct image *image;

static int
stop(void **state)
{
	(void)state;
	change_ops_fini(&ops);
	changeset_fini(&change);
	owner_set_fini(&after);
	image_unref(image);
	image = NULL;
	return 0;
}

static void
put_step(const char *deleted, const char *added)
{
	zonefile_step(&change, "example.", 1, deleted, added);
}

static int
start(void)
{
	const struct changeset *list[] = {&change};
	uint8_t apex[NAME_LEN_MAX];

	return change_ops_init(&ops, zonefile_name("example.", apex), 1, list,
			       1, &report);
}

/* Apply the next owner's operations. */
static int
next(const char *owner)
{
	const struct node *n = zonefile_find(image, owner);
	uint8_t name[NAME_LEN_MAX];

	assert_true(
	    name_equal(change_ops_owner(&ops), zonefile_name(owner, name)));
	return change_ops_apply(&ops, n, &after);
}

static void
owners_come_in_canonical_order_whatever_their_case(void **state)
{
	(void)state;
	image = zonefile_image("example.", SOA(1) "@ NS ns\n");
	/* Alike in more octets than a sort key is compared by, and not. */
	put_step("", "b.very.long.name A 192.0.2.1\nZ A 192.0.2.1\n"
		     "a.Very.Long.Name A 192.0.2.1\nz A 192.0.2.2\n"
		     "\\000.z A 192.0.2.1\nyz A 192.0.2.1\n");
	assert_int_equal(start(), SECD_OK);
	assert_int_equal(next("example."), SECD_OK);
	assert_int_equal(next("a.very.long.name.example."), SECD_OK);
	assert_int_equal(next("b.very.long.name.example."), SECD_OK);
	assert_int_equal(next("yz.example."), SECD_OK);
	assert_int_equal(next("z.example."), SECD_OK);
	assert_int_equal(after.count, 2);
	assert_int_equal(next("\\000.z.example."), SECD_OK);
	assert_null(change_ops_owner(&ops));
}

static void
an_owner_has_what_is_left_of_it(void **state)
{
	(void)state;
	image = zonefile_image("example.", SOA(1) "@ NS ns\na A 192.0.2.1\n"
						  "a TXT x\nb A 192.0.2.1\n");
	put_step("a A 192.0.2.1\nb A 192.0.2.1\n", "a TXT y\nc TXT x\n");
	assert_int_equal(start(), SECD_OK);
	assert_int_equal(next("example."), SECD_OK);
	assert_int_equal(ops.before.count, 2);
	assert_int_equal(after.count, 2);
	assert_int_equal(next("a.example."), SECD_OK);
	assert_int_equal(ops.before.count, 2);
	assert_int_equal(after.count, 2);
	assert_null(owner_set_find(&after, RR_TYPE_A));
	assert_int_equal(next("b.example."), SECD_OK);
	assert_int_equal(ops.before.count, 1);
	assert_int_equal(after.count, 0);
	assert_int_equal(next("c.example."), SECD_OK);
	assert_int_equal(ops.before.count, 0);
	assert_int_equal(after.count, 1);
}

static void
what_does_not_apply_is_refused_with_its_owner(void **state)
{
	(void)state;
	image = zonefile_image("example.", SOA(1) "@ NS ns\na A 192.0.2.1\n");
	put_step("A TXT x\n", "");
	assert_int_equal(start(), SECD_OK);
	assert_int_equal(next("example."), SECD_OK);
	assert_int_equal(next("a.example."), SECD_EMISMATCH);
	assert_string_equal(
	    report.reason,
	    "deletion of what is not there, of type TXT at A.example.");
}

static void
changes_outside_of_the_zone_are_not_collected(void **state)
{
	(void)state;
	put_step("", "a.org. A 192.0.2.1\n");
	assert_int_equal(start(), SECD_EMALF);
	assert_string_equal(report.reason,
			    "change outside of the zone of type A at a.org.");
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(owners_come_in_canonical_order_whatever_their_case),
	    TEST(an_owner_has_what_is_left_of_it),
	    TEST(what_does_not_apply_is_refused_with_its_owner),
	    TEST(changes_outside_of_the_zone_are_not_collected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
