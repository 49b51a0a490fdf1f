/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "front.h"
#include "pinning.h"
#include "server/downstreams.h"
#include "server/modules.h"
#include "zonefile.h"

static void
an_older_version_is_served_and_newer_ones_go_on(void **state)
{
	unsigned zone = *(unsigned *)*state;

	pinning_begin(zone);
	world_expect_order(world_order(zone, 2), SECD_OK,
			   "serial 2 is served instead of serial 5");
	pinning_expect_pinned(zone, 2, 5);
	pinning_follow(zone, 8);
	pinning_expect_pinned(zone, 2, 8);
	world_expect_stored(zone, 8);
	world_expect_order(world_order(zone, 0), SECD_OK,
			   "serial 8 is served instead of serial 2");
	pinning_expect_not_pinned(zone, 8);
	pinning_follow(zone, 9);
	pinning_expect_not_pinned(zone, 9);
}

static void
it_is_served_after_a_restart_and_no_other_before(void **state)
{
	unsigned zone = *(unsigned *)*state;

	pinning_begin(zone);
	world_pin(zone, 3);
	pinning_follow(zone, 7);
	pinning_restart(1u << zone);
	pinning_expect_pinned(zone, 3, 7);
	pinning_follow(zone, 9);
	pinning_expect_pinned(zone, 3, 9);
	world_pin(zone, 0);
	pinning_restart(1u << zone);
	pinning_expect_not_pinned(zone, 9);
}

/* Answers are given before any thread of the server runs. */
static void
nobody_sees_the_newest_one_at_the_start(void **state)
{
	struct config *config;
	char reason[MODULES_REASON_LEN];
	struct zone_entry *e;

	(void)state;
	pinning_begin(PINNING_SMALL);
	world_pin(PINNING_SMALL, 3);
	world_stop_server();
	store_dir_reopen(world.store);
	world.server = calloc(1, sizeof(*world.server));
	assert_non_null(world.server);
	config = world_load_config(1u << PINNING_SMALL, "");
	assert_int_equal(modules_open(config, &world.server->frontend, NULL,
				      &world.server->modules, reason),
			 SECD_OK);
	assert_int_equal(
	    transfer_init(world.server, config, world.store->store), SECD_OK);
	e = world.server->zones.entries[0];
	pinning_expect_contents(e->zone.version, 3);
	assert_int_equal(version_serial(e->newest), 5);
	assert_int_equal(version_serial(e->told), 3);
	assert_int_equal(transfer_start(world.server), SECD_OK);
	pinning_expect_pinned(PINNING_SMALL, 3, 5);
}

static void
the_newest_version_can_be_pinned(void **state)
{
	unsigned zone = *(unsigned *)*state;

	pinning_begin(zone);
	world_pin(zone, 5);
	pinning_expect_pinned(zone, 5, 5);
	pinning_follow(zone, 7);
	pinning_expect_pinned(zone, 5, 7);
	pinning_restart(1u << zone);
	pinning_expect_pinned(zone, 5, 7);
}

static void
another_version_can_be_pinned_instead(void **state)
{
	(void)state;
	pinning_begin(PINNING_LARGE);
	world_pin(PINNING_LARGE, 4);
	world_pin(PINNING_LARGE, 2);
	pinning_expect_pinned(PINNING_LARGE, 2, 5);
	pinning_follow(PINNING_LARGE, 6);
	world_pin(PINNING_LARGE, 5);
	pinning_expect_pinned(PINNING_LARGE, 5, 6);
	pinning_restart(1u << PINNING_LARGE);
	pinning_expect_pinned(PINNING_LARGE, 5, 6);
}

static void
what_is_so_already_is_said(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	world_expect_order(world_order(PINNING_SMALL, 0), SECD_OK,
			   "no version is pinned");
	world_pin(PINNING_SMALL, 2);
	world_expect_order(world_order(PINNING_SMALL, 2), SECD_OK,
			   "it is pinned already");
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
}

static void
note_downstream(const char *from, uint32_t of)
{
	struct sockaddr_storage a = front_address(from, 1);
	uint8_t apex[NAME_LEN_MAX];

	downstreams_note(world.server->frontend.downstreams,
			 zonefile_name(world_names[PINNING_SMALL], apex), &a,
			 DOWNSTREAM_AXFR, of, NULL);
}

static void
downstreams_that_are_ahead_are_named(void **state)
{
	unsigned order;
	const char *text;

	(void)state;
	pinning_begin(PINNING_SMALL);
	note_downstream("192.0.2.1", 5);
	note_downstream("192.0.2.2", 2);
	note_downstream("192.0.2.3", 3);
	note_downstream("192.0.2.4", 1);
	order = world_order(PINNING_SMALL, 2);
	world_expect_order(order, SECD_OK,
			   "serial 2 is served instead of serial 5\n"
			   "192.0.2.3 has serial 3 (AXFR): it is ahead and "
			   "will not follow\n"
			   "192.0.2.1 has serial 5 (AXFR): it is ahead and "
			   "will not follow\n");
	text = world_witnessed();
	assert_null(strstr(text, "192.0.2.2"));
	assert_null(strstr(text, "192.0.2.4"));
	/* Of a zone that comes back nothing is known. */
	world_reload(2);
	world_reload(3);
	pinning_await_newest(PINNING_SMALL, 5);
	world_pin(PINNING_SMALL, 6); /* behind those that the module knows */
	assert_null(
	    strstr(strstr(world_witnessed(), "zone-removed"), "is ahead"));
}

static void
what_cannot_be_is_refused(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	assert_int_equal(world_order(PINNING_SMALL, 6), 0); /* there is none */
	assert_int_equal(world_order(1, 1), 0);             /* no such zone */
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	world_reload(3);
	assert_int_equal(world_order(1, 1), 0); /* nothing is held */
	pinning_expect_not_pinned(PINNING_SMALL, 5);
}

static void
one_order_is_carried_out_at_a_time(void **state)
{
	unsigned first, second;

	(void)state;
	pinning_begin(PINNING_SMALL);
	world_block(WORLD_BUILD);
	first = world_order(PINNING_SMALL, 2);
	second = world_order(PINNING_SMALL, 3);
	world_expect_order(second, SECD_EBUSY, "another order");
	world_expect_order(world_order(PINNING_SMALL, 0), SECD_EBUSY,
			   "another order");
	world_release(WORLD_BUILD);
	world_expect_order(first, SECD_OK, "");
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
}

static void
versions_may_come_while_it_is_made(void **state)
{
	unsigned order;

	(void)state;
	pinning_begin(PINNING_LARGE);
	world_block(WORLD_BUILD);
	order = world_order(PINNING_LARGE, 2);
	pinning_follow(PINNING_LARGE, 9);
	world_release(WORLD_BUILD);
	world_expect_order(order, SECD_OK, "instead of serial 9");
	pinning_expect_pinned(PINNING_LARGE, 2, 9);
}

/* ---- what modules know ---- */

static void
modules_are_told_of_what_is_served(void **state)
{
	const char *text;

	(void)state;
	pinning_begin(PINNING_SMALL);
	assert_string_equal(world_known(PINNING_SMALL), "off|5|5|");
	world_pin(PINNING_SMALL, 2);
	assert_string_equal(world_known(PINNING_SMALL), "on|5|5|");
	text = world_witnessed();
	assert_non_null(
	    strstr(text, "published a.example. 2 serial 2\npinned"));
	pinning_follow(PINNING_SMALL, 7);
	assert_string_equal(world_known(PINNING_SMALL), "on|7|7|");
	text = world_witnessed();
	assert_non_null(strstr(text, "change a.example. 6 -> 7"));
	assert_null(strstr(text, "published a.example. 6"));
	assert_null(strstr(text, "published a.example. 7"));
	world_pin(PINNING_SMALL, 0);
	assert_string_equal(world_known(PINNING_SMALL), "off|7|7|");
	assert_non_null(strstr(world_witnessed(),
			       "published a.example. 7 serial 7\npinned"));
	world_pin(PINNING_SMALL, 4);
	pinning_restart(1u << PINNING_SMALL);
	assert_string_equal(world_known(PINNING_SMALL), "on|7|7|");
	assert_non_null(
	    strstr(world_witnessed(), "zone-added a.example. 7 pinned\n"));
}

/* ---- ways ---- */

static void
whole_transfers_are_no_hindrance(void **state)
{
	unsigned zone = *(unsigned *)*state;

	pinning_begin(zone);
	primary_set_serial(world.primary, pinning_serial = 20);
	world_notify(zone);
	pinning_await_newest(zone, 20); /* the primary has no way from 5 */
	world_pin(zone, 3);
	pinning_expect_pinned(zone, 3, 20);
	primary_set_serial(world.primary, pinning_serial = 30);
	world_notify(zone);
	pinning_await_newest(zone, 30);
	world_command(REFRESH_COMMAND_RETRANSFER);
	pinning_await_seq(zone, 8);
	pinning_expect_pinned(zone, 3, 30);
	pinning_restart(1u << zone);
	pinning_expect_pinned(zone, 3, 30);
}

static void
serials_may_wrap(void **state)
{
	(void)state;
	primary_set_serial(world.primary, pinning_serial = 4294967294);
	pinning_start_with(1u << PINNING_SMALL);
	world_await_serial(PINNING_SMALL, pinning_serial);
	pinning_follow(PINNING_SMALL, 3);
	world_pin(PINNING_SMALL, 1);
	pinning_expect_pinned(PINNING_SMALL, 4294967294, 3);
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_pinned(PINNING_SMALL, 4294967294, 3);
}

static void
compactions_go_on(void **state)
{
	(void)state;
	pinning_begin(PINNING_LARGE);
	world_pin(PINNING_LARGE, 2);
	pinning_follow(PINNING_LARGE, 200);
	assert_true(world_stored_changes(PINNING_LARGE) < 150);
	pinning_expect_pinned(PINNING_LARGE, 2, 200);
	pinning_restart(1u << PINNING_LARGE);
	pinning_expect_pinned(PINNING_LARGE, 2, 200);
	world_pin(PINNING_LARGE, 0);
	pinning_expect_not_pinned(PINNING_LARGE, 200);
}

static void
a_compaction_of_the_very_version_is_no_hindrance(void **state)
{
	(void)state;
	pinning_begin(PINNING_LARGE);
	world_block(WORLD_BUILD);
	while (!world_look(PINNING_LARGE).is_compacting) {
		assert_true(pinning_serial < 200);
		pinning_follow(PINNING_LARGE, pinning_serial + 1);
	}
	world_pin(PINNING_LARGE, pinning_serial);
	world_release(WORLD_BUILD);
	for (int i = 0;
	     i < WORLD_LIMIT && world_look(PINNING_LARGE).is_compacting; i++) {
		world_wait();
	}
	assert_int_equal(world_look(PINNING_LARGE).layers, 0);
	pinning_expect_pinned(PINNING_LARGE, pinning_serial, pinning_serial);
	world_pin(PINNING_LARGE, 0);
	pinning_expect_not_pinned(PINNING_LARGE, pinning_serial);
}

static unsigned zones[] = {PINNING_SMALL, PINNING_LARGE};

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, world_start, world_stop)

static int
start_small(void **state)
{
	int rc = world_start(state);

	*state = &zones[0];
	return rc;
}

static int
start_large(void **state)
{
	int rc = world_start(state);

	*state = &zones[1];
	return rc;
}

#define BOTH(name)                                                             \
	cmocka_unit_test_setup_teardown(name, start_small, world_stop),        \
	    cmocka_unit_test_setup_teardown(name, start_large, world_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(an_older_version_is_served_and_newer_ones_go_on),
	    BOTH(it_is_served_after_a_restart_and_no_other_before),
	    TEST(nobody_sees_the_newest_one_at_the_start),
	    BOTH(the_newest_version_can_be_pinned),
	    TEST(another_version_can_be_pinned_instead),
	    TEST(what_is_so_already_is_said),
	    TEST(downstreams_that_are_ahead_are_named),
	    TEST(what_cannot_be_is_refused),
	    TEST(one_order_is_carried_out_at_a_time),
	    TEST(versions_may_come_while_it_is_made),
	    TEST(modules_are_told_of_what_is_served),
	    BOTH(whole_transfers_are_no_hindrance),
	    TEST(serials_may_wrap),
	    TEST(compactions_go_on),
	    TEST(a_compaction_of_the_very_version_is_no_hindrance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
