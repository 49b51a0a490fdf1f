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
#include "zone/layering.h"
#include "zonefile.h"

#define APEX                                                                   \
	"@ SOA ns.example. host 1 3600 600 86400 300\n"                        \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"

static struct version *zone;
static struct layering_limits limits;
static struct build_report report;
static unsigned frozen;
static uint8_t apex[NAME_LEN_MAX];
static struct build_params params;

static int
stop(void **state)
{
	(void)state;
	version_unref(zone);
	zone = NULL;
	return 0;
}

static void
start(const char *text)
{
	struct image *im = zonefile_image("example.", text);

	stop(NULL);
	params = zonefile_params(zonefile_name("example.", apex));
	limits = layering_defaults;
	frozen = 0;
	assert_int_equal(version_new_take(1, im, &zone), SECD_OK);
}

/* One step on; on success it is the zone. */
static int
change(const char *deleted, const char *added)
{
	struct changeset cs = {.from = 0};
	const struct changeset *list[] = {&cs};
	struct version *next = NULL;
	int rc;

	zonefile_step(&cs, "example.", version_serial(zone), deleted, added);
	rc = layering_apply_within(&limits, &params, zone, frozen, list, 1,
				   version_seq(zone) + 1, &next, &report);
	changeset_fini(&cs);
	if (rc == SECD_OK) {
		version_unref(zone);
		zone = next;
	} else {
		assert_null(next);
	}
	return rc;
}

static void
must_change(const char *deleted, const char *added)
{
	int rc = change(deleted, added);

	if (rc != SECD_OK) {
		fail_msg("%s: %s", secd_strerror(rc), report.reason);
	}
}

static const struct node *
find(const char *name)
{
	uint8_t owner[NAME_LEN_MAX];

	zonefile_name(name, owner);
	return version_find(zone, owner, name_len(owner),
			    name_hash(owner, &zonefile_key));
}

/* Nodes in each layer, the oldest first. */
static void
assert_layers(unsigned count, size_t first, size_t second)
{
	assert_int_equal(version_layer_count(zone), count);
	if (count > 0) {
		assert_int_equal(layer_node_count(version_layer(zone, 0)),
				 first);
	}
	if (count > 1) {
		assert_int_equal(layer_node_count(version_layer(zone, 1)),
				 second);
	}
}

static void
a_layer_holds_what_differs_alone(void **state)
{
	(void)state;
	start(APEX "a A 192.0.2.1\nb A 192.0.2.1\n");
	must_change("a A 192.0.2.1\n", "a A 192.0.2.2\nc A 192.0.2.1\n");
	assert_layers(1, 3, 0);
	assert_int_equal(version_seq(zone), 2);
	assert_int_equal(version_serial(zone), 2);
	assert_int_equal(version_record_count(zone), 6);
	assert_int_equal(report.records, 6);
	must_change("b A 192.0.2.1\n", "");
	assert_layers(1, 4, 0);
	assert_int_equal(layer_tombstone_count(version_layer(zone, 0)), 1);
	assert_null(find("b.example."));
}

static void
what_is_again_as_it_was_leaves_the_layer(void **state)
{
	(void)state;
	start(APEX "a A 192.0.2.1\n");
	must_change("a A 192.0.2.1\n", "*.x.y A 192.0.2.1\n");
	assert_layers(1, 5, 0);
	must_change("*.x.y A 192.0.2.1\n", "a A 192.0.2.1\n");
	assert_layers(1, 1, 0);
	assert_int_equal(layer_record_delta(version_layer(zone, 0)), 0);
}

static void
a_layer_that_is_not_small_is_left_until_the_next_one_is_not(void **state)
{
	(void)state;
	start(APEX);
	limits.small_nodes = 2;
	must_change("", "a A 192.0.2.1\n");
	assert_layers(1, 2, 0);
	must_change("", "b A 192.0.2.1\n");
	assert_layers(1, 3, 0);
	must_change("", "c A 192.0.2.1\n");
	assert_layers(2, 3, 2);
	must_change("a A 192.0.2.1\nc A 192.0.2.1\n", "d A 192.0.2.1\n");
	/* Of what never was in the image not even a tombstone is left. */
	assert_layers(1, 3, 0);
	assert_non_null(find("b.example."));
	assert_non_null(find("d.example."));
	assert_int_equal(version_record_count(zone), 5);
}

static void
frozen_layers_are_left_as_they_are(void **state)
{
	struct image *im;
	struct version *old, *v;
	struct layer *kept;

	(void)state;
	start(APEX);
	must_change("", "a A 192.0.2.1\n");
	old = version_ref(zone);
	kept = version_layer(zone, 0);
	frozen = 1;
	must_change("a A 192.0.2.1\n", "b A 192.0.2.1\n");
	assert_layers(2, 2, 3);
	assert_ptr_equal(version_layer(zone, 0), kept);
	assert_int_equal(
	    build_from_changes(&params, old, NULL, 0, &im, &report), SECD_OK);
	version_unref(old);
	assert_int_equal(layering_rebase(zone, frozen, im, &v), SECD_OK);
	image_unref(im);
	assert_int_equal(version_seq(v), version_seq(zone));
	version_unref(zone);
	zone = v;
	assert_layers(1, 3, 0);
	assert_int_equal(version_serial(zone), 3);
	assert_int_equal(version_record_count(zone), 4);
	assert_null(find("a.example."));
	assert_non_null(find("b.example."));
}

static void
compaction_that_failed_leaves_layers_that_are_merged(void **state)
{
	(void)state;
	start(APEX);
	limits.small_nodes = 1;
	must_change("", "a A 192.0.2.1\n");
	frozen = 1;
	must_change("", "b A 192.0.2.1\n");
	must_change("", "c A 192.0.2.1\n");
	assert_int_equal(version_layer_count(zone), 2);
	frozen = 2;
	must_change("", "d A 192.0.2.1\n");
	assert_int_equal(version_layer_count(zone), 3);
	frozen = 0;
	must_change("a A 192.0.2.1\n", "");
	assert_layers(1, 4, 0);
	assert_int_equal(version_record_count(zone), 6);
}

static void
while_all_layers_are_frozen_there_is_no_room_for_one(void **state)
{
	(void)state;
	start(APEX);
	limits.small_nodes = 1;
	for (frozen = 0; frozen < VERSION_LAYERS_MAX; frozen++) {
		must_change("", frozen % 2 == 0 ? "a A 192.0.2.1\n"
						: "b A 192.0.2.1\n");
		must_change(frozen % 2 == 0 ? "a A 192.0.2.1\n"
					    : "b A 192.0.2.1\n",
			    "");
		assert_int_equal(version_layer_count(zone), frozen + 1);
	}
	assert_int_equal(change("", "c A 192.0.2.1\n"), SECD_EAGAIN);
}

static void
what_changes_every_node_needs_a_rebuild(void **state)
{
	(void)state;
	start(APEX "@ NSEC3PARAM 1 0 1 aa\n");
	assert_int_equal(change("@ NSEC3PARAM 1 0 1 aa\n", ""), SECD_EAGAIN);
	assert_int_equal(
	    change("@ NSEC3PARAM 1 0 1 aa\n", "@ NSEC3PARAM 1 0 1 bb\n"),
	    SECD_EAGAIN);
	must_change("", "@ NSEC3PARAM 1 1 9 bb\n"); /* flags: not in force */
	assert_int_equal(change("", "@ NSEC a NS\n"), SECD_EAGAIN);
	assert_int_equal(change("", "00000000000000000000000000000000 NSEC3 "
				    "1 0 1 aa 0123456789abcdefghijklmnopqrstuv "
				    "A\n"),
			 SECD_EAGAIN);
	start(APEX "@ NSEC a NS\n");
	assert_int_equal(change("@ NSEC a NS\n", ""), SECD_EAGAIN);
}

static void
the_last_nsec3_of_a_zone_needs_a_rebuild_to_go(void **state)
{
#define CHAIN(hash) hash " NSEC3 1 0 1 aa 0123456789abcdefghijklmnopqrstuv A\n"
	(void)state;
	start(APEX "@ NSEC3PARAM 1 0 1 aa\n" CHAIN(
	    "00000000000000000000000000000000")
		  CHAIN("10000000000000000000000000000000"));
	must_change(CHAIN("00000000000000000000000000000000"), "");
	assert_int_equal(change(CHAIN("10000000000000000000000000000000"), ""),
			 SECD_EAGAIN);
}

static void
what_is_more_than_a_limit_needs_a_rebuild(void **state)
{
	(void)state;
	start(APEX "a.s A 192.0.2.1\nb.s A 192.0.2.1\nc.s A 192.0.2.1\n");
	limits.range_names = 2;
	assert_int_equal(change("", "s NS x.\n"), SECD_EAGAIN);
	limits.range_names = 3;
	must_change("", "s NS x.\n");
	assert_layers(1, 5, 0);
	must_change("s NS x.\n", "");
	assert_layers(1, 1, 0);
	limits.tombstones = 1;
	must_change("a.s A 192.0.2.1\n", "");
	assert_int_equal(change("b.s A 192.0.2.1\n", ""), SECD_EAGAIN);
	limits.nodes = 3;
	must_change("", "x A 192.0.2.1\n");
	assert_int_equal(change("", "y A 192.0.2.1\n"), SECD_EAGAIN);
	/* What does not apply is not worth one. */
	assert_int_equal(change("y A 192.0.2.1\n", ""), SECD_EMISMATCH);
}

static void
a_change_that_is_refused_says_why_and_leaves_the_version(void **state)
{
	(void)state;
	start(APEX "a A 192.0.2.1\n");
	assert_int_equal(change("a A 192.0.2.2\n", ""), SECD_EMISMATCH);
	assert_string_equal(
	    report.reason,
	    "deletion of what is not there, of type A at a.example.");
	assert_int_equal(change("", "a CNAME b\n"), SECD_EMALF);
	assert_string_equal(report.reason,
			    "CNAME beside other data at a.example.");
	params.limits.records = 4;
	assert_int_equal(change("", "b A 192.0.2.1\n"), SECD_ELIMIT);
	assert_string_equal(report.reason, "more than 4 records at example.");
	assert_layers(0, 0, 0);
	assert_int_equal(version_serial(zone), 1);
}

static void
compaction_is_due_when_layers_hold_much(void **state)
{
	char *text = calloc(1001, 32), *p = text;

	(void)state;
	assert_non_null(text);
	start(APEX);
	for (unsigned i = 0; i < 998; i++) {
		p += sprintf(p, "n%u A 192.0.2.1\n", i);
	}
	must_change("", text);
	assert_false(layering_wants_compaction(zone));
	must_change("", "x A 192.0.2.1\ny A 192.0.2.1\n");
	assert_layers(1, 1001, 0);
	assert_true(layering_wants_compaction(zone));
	free(text);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_layer_holds_what_differs_alone),
	    TEST(what_is_again_as_it_was_leaves_the_layer),
	    TEST(a_layer_that_is_not_small_is_left_until_the_next_one_is_not),
	    TEST(frozen_layers_are_left_as_they_are),
	    TEST(compaction_that_failed_leaves_layers_that_are_merged),
	    TEST(while_all_layers_are_frozen_there_is_no_room_for_one),
	    TEST(what_changes_every_node_needs_a_rebuild),
	    TEST(the_last_nsec3_of_a_zone_needs_a_rebuild_to_go),
	    TEST(what_is_more_than_a_limit_needs_a_rebuild),
	    TEST(a_change_that_is_refused_says_why_and_leaves_the_version),
	    TEST(compaction_is_due_when_layers_hold_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
