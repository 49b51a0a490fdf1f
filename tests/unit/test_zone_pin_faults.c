/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An order to pin a version, and what may go wrong with it.
 */

#include "server/zone_pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "pinning.h"
#include "server/modules_internal.h"
#include "server/zone_publish.h"
#include "server/zone_state.h"
#include "server/zone_verify.h"
#include "store/store_internal.h"

static void
set_poisoned(bool is_poisoned)
{
	atomic_store(&world.store->store->poisoned, is_poisoned);
}

static void
await_failing(void)
{
	for (int i = 0;
	     i < WORLD_LIMIT && !world_look(PINNING_LARGE).is_failing; i++) {
		world_wait();
	}
	assert_true(world_look(PINNING_LARGE).is_failing);
}

static void
what_cannot_be_stored_is_not_done(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	set_poisoned(true);
	world_expect_order(world_order(PINNING_SMALL, 2), SECD_EIO,
			   "it cannot be stored");
	pinning_expect_not_pinned(PINNING_SMALL, 5);
	set_poisoned(false);
	world_retry();
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_not_pinned(PINNING_SMALL, 5);
	world_pin(PINNING_SMALL, 2);
	set_poisoned(true);
	world_expect_order(world_order(PINNING_SMALL, 0), SECD_EIO,
			   "it cannot be stored");
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
	world_expect_order(world_order(PINNING_SMALL, 3), SECD_EIO,
			   "it cannot be stored");
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
	set_poisoned(false);
	world_retry();
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
}

/* A change that was refused, and waits with the state of that time, is stored
 * after the order. */
static void
what_waits_for_the_store_does_not_bring_an_old_state_back(void **state)
{
	(void)state;
	pinning_begin(PINNING_LARGE);
	set_poisoned(true);
	primary_set_serial(world.primary, ++pinning_serial);
	world_notify(PINNING_LARGE);
	await_failing();
	set_poisoned(false);
	world_pin(PINNING_LARGE, 2);
	assert_int_equal(world_look(PINNING_LARGE).stored_seq, 5);
	world_retry();
	pinning_await_newest(PINNING_LARGE, 6);
	pinning_expect_pinned(PINNING_LARGE, 2, 6);
	pinning_restart(1u << PINNING_LARGE);
	pinning_expect_pinned(PINNING_LARGE, 2, 6);
}

static void
a_version_that_is_not_stored_is_not_pinned(void **state)
{
	(void)state;
	pinning_begin(PINNING_LARGE);
	set_poisoned(true);
	primary_set_serial(world.primary, ++pinning_serial);
	world_notify(PINNING_LARGE);
	await_failing();
	world_expect_order(world_order(PINNING_LARGE, 6), SECD_EBUSY,
			   "not stored yet");
	set_poisoned(false);
	world_retry();
	pinning_await_newest(PINNING_LARGE, 6);
	world_pin(PINNING_LARGE, 6);
	pinning_expect_pinned(PINNING_LARGE, 6, 6);
}

/* Until the newest version is stored nobody is told of it. */
static void
unpinned_before_it_is_stored_it_is_told_later(void **state)
{
	struct world_look l;

	(void)state;
	pinning_begin(PINNING_LARGE);
	world_pin(PINNING_LARGE, 2);
	set_poisoned(true);
	primary_set_serial(world.primary, ++pinning_serial);
	world_notify(PINNING_LARGE);
	await_failing();
	set_poisoned(false);
	world_pin(PINNING_LARGE, 0);
	l = world_look(PINNING_LARGE);
	assert_int_equal(l.serial, 6);
	assert_int_equal(l.told, 2);
	world_retry();
	world_await_serial(PINNING_LARGE, 6);
	assert_int_equal(world_look(PINNING_LARGE).told, 6);
}

static void
put_state(uint64_t seq, uint32_t of, bool is_lost)
{
	const struct refresh_saved saved = {.has_zone = true};
	const struct zone_pin pin = {
	    .seq = seq, .serial = of, .at = 1, .is_lost = is_lost};
	struct store *s = world.store->store;
	uint8_t octets[ZONE_STATE_LEN_MAX];
	size_t len = zone_state_write(&saved, &pin, octets);

	assert_int_equal(store_begin(s), SECD_OK);
	assert_int_equal(
	    store_put_state(s, store_dir_apex(world_names[PINNING_SMALL]),
			    octets, len),
	    SECD_OK);
	assert_int_equal(store_commit(s), SECD_OK);
}

/* What a crash leaves that comes before readers see it. */
static void
what_is_stored_is_in_force_after_a_crash(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	world_stop_server();
	put_state(2, 2, false);
	pinning_start_with(1u << PINNING_SMALL);
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
	assert_string_equal(world_known(PINNING_SMALL), "on|5|5|");
	world_stop_server();
	put_state(0, 0, false);
	pinning_start_with(1u << PINNING_SMALL);
	pinning_expect_not_pinned(PINNING_SMALL, 5);
}

static void
without_its_history_the_newest_is_served_and_it_is_said(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	world_pin(PINNING_SMALL, 2);
	world_stop_server();
	store_dir_reopen(world.store);
	world.has_witness = world.has_journal = false;
	world_start_server(1u << PINNING_SMALL, "");
	pinning_expect_lost(PINNING_SMALL, 5);
	/* Once served, it is not taken back. */
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_lost(PINNING_SMALL, 5);
	assert_string_equal(world_known(PINNING_SMALL), "off|5|5|");
	pinning_follow(PINNING_SMALL, 6);
	pinning_expect_lost(PINNING_SMALL, 6);
	world_expect_order(world_order(PINNING_SMALL, 0), SECD_OK,
			   "the alarm is over");
	pinning_expect_not_pinned(PINNING_SMALL, 6);
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_not_pinned(PINNING_SMALL, 6);
}

static void
another_order_ends_the_alarm_too(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	world_stop_server();
	put_state(2, 2, true);
	pinning_start_with(1u << PINNING_SMALL);
	pinning_expect_lost(PINNING_SMALL, 5);
	world_pin(PINNING_SMALL, 3);
	pinning_expect_pinned(PINNING_SMALL, 3, 5);
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_pinned(PINNING_SMALL, 3, 5);
}

static void
a_version_of_another_history_is_not_served(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	world_stop_server();
	put_state(2, 17, false);
	pinning_start_with(1u << PINNING_SMALL);
	pinning_expect_lost(PINNING_SMALL, 5);
	world_stop_server();
	put_state(9, 9, false);
	pinning_start_with(1u << PINNING_SMALL);
	pinning_expect_lost(PINNING_SMALL, 5);
}

static void
withdraw_there(struct server *s, void *arg)
{
	(void)arg;
	zone_withdraw(s->zones.entries[0], "a test");
	zone_wake(s->zones.entries[0]);
}

static void
a_zone_that_is_withdrawn_comes_back_as_it_is(void **state)
{
	struct world_look l;

	(void)state;
	pinning_begin(PINNING_SMALL);
	world_pin(PINNING_SMALL, 2);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	transfer_call(world.server, withdraw_there, NULL);
	l = world_look(PINNING_SMALL);
	assert_false(l.has_version);
	assert_true(l.is_pin_lost);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	pinning_await_newest(PINNING_SMALL, 5);
	pinning_expect_lost(PINNING_SMALL, 5);
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_lost(PINNING_SMALL, 5);
}

static void
await_pinning(void)
{
	for (int i = 0;
	     i < WORLD_LIMIT && !world_look(PINNING_SMALL).is_pinning; i++) {
		world_wait();
	}
	assert_true(world_look(PINNING_SMALL).is_pinning);
}

static void
an_order_on_its_way_is_overtaken_by_a_withdrawal(void **state)
{
	unsigned order;

	(void)state;
	pinning_begin(PINNING_SMALL);
	world_block(WORLD_BUILD);
	order = world_order(PINNING_SMALL, 2);
	await_pinning();
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	transfer_call(world.server, withdraw_there, NULL);
	world_release(WORLD_BUILD);
	world_expect_order(order, SECD_ENOTFOUND, "is lost");
	assert_false(world_look(PINNING_SMALL).is_pin_lost);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	pinning_await_newest(PINNING_SMALL, 5);
	pinning_expect_not_pinned(PINNING_SMALL, 5);
}

/* The order is with the store when the zone is withdrawn. */
static void
withdraw_while_storing(struct server *s, void *arg)
{
	struct zone_entry *e = s->zones.entries[0];
	struct modules_pin *order = arg;

	zone_pin_take(e, order);
	assert_true(e->pinning != NULL);
	withdraw_there(s, NULL);
}

static struct modules_pin *
order_of(uint64_t seq)
{
	struct modules_pin *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	o->modules = world.server->modules;
	o->asker = &o->modules->list[0];
	o->id = 1000 + seq;
	o->seq = seq;
	return o;
}

static void
an_order_that_is_being_stored_is_overtaken_too(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	transfer_call(world.server, withdraw_while_storing, order_of(5));
	world_expect_order(1005, SECD_ENOTFOUND, "is lost");
	assert_false(world_look(PINNING_SMALL).is_pin_lost);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	pinning_await_newest(PINNING_SMALL, 5);
	world_pin(PINNING_SMALL, world_look(PINNING_SMALL).seq);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	transfer_call(world.server, withdraw_while_storing, order_of(0));
	world_expect_order(1000, SECD_OK, "is lost");
	assert_false(world_look(PINNING_SMALL).is_pin_lost);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	pinning_await_newest(PINNING_SMALL, 5);
	pinning_expect_not_pinned(PINNING_SMALL, 5);
	pinning_restart(1u << PINNING_SMALL);
	pinning_expect_not_pinned(PINNING_SMALL, 5);
}

/* The image is damaged where the start notices it, or only a look at all of
 * it. */
static void
expect_lost_with_image(long damaged_at)
{
	pinning_begin(PINNING_LARGE);
	world_pin(PINNING_LARGE, 2);
	world_stop_server();
	store_dir_reopen(world.store);
	store_dir_damage(world.store, store_dir_only_file(world.store),
			 damaged_at, "damage", 6);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	pinning_start_with(1u << PINNING_LARGE);
	for (int i = 0;
	     i < WORLD_LIMIT && world_look(PINNING_LARGE).has_version; i++) {
		world_wait();
	}
	assert_false(world_look(PINNING_LARGE).has_version);
	assert_true(world_look(PINNING_LARGE).is_pin_lost);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	pinning_await_newest(PINNING_LARGE, 5);
	pinning_expect_lost(PINNING_LARGE, 5);
	pinning_restart(1u << PINNING_LARGE);
	pinning_expect_lost(PINNING_LARGE, 5);
}

static void
over_a_damaged_image_it_is_not_served(void **state)
{
	(void)state;
	expect_lost_with_image(20000);
}

static void
with_a_damaged_image_it_is_lost(void **state)
{
	(void)state;
	expect_lost_with_image(-5000);
}

/* The zone is made anew while the old image is sound; then that is damaged, and
 * looked at when the zone has the new one. */
static void
replace_there(struct server *s, void *arg)
{
	struct zone_entry *e = s->zones.entries[0];
	struct build_params params = zone_build_params(e);
	struct build_report report;
	struct changeset none = {0};
	struct image *im;
	struct version *v;
	char file[256];

	(void)arg;
	snprintf(file, sizeof(file), "%s", store_dir_only_file(world.store));
	assert_int_equal(
	    build_from_changes(&params, e->newest, NULL, 0, &im, &report),
	    SECD_OK);
	store_dir_damage(world.store, file, -5000, "damage", 6);
	zone_verify(e);
	assert_int_equal(version_new_take(e->seq + 1, im, &v), SECD_OK);
	zone_publish(e, 0, v, &none);
}

static void
over_a_damaged_image_alone_it_makes_way_for_the_newest(void **state)
{
	(void)state;
	pinning_begin(PINNING_LARGE);
	world_pin(PINNING_LARGE, 2);
	world_block(WORLD_BUILD);
	transfer_call(world.server, replace_there, NULL);
	pinning_await_newest(PINNING_LARGE, 5);
	pinning_expect_pinned(PINNING_LARGE, 2, 5);
	world_release(WORLD_BUILD);
	for (int i = 0; i < WORLD_LIMIT && world_look(PINNING_LARGE).is_pinned;
	     i++) {
		world_wait();
	}
	pinning_expect_lost(PINNING_LARGE, 5);
	assert_int_equal(world_look(PINNING_LARGE).told, 5);
	pinning_restart(1u << PINNING_LARGE);
	pinning_expect_lost(PINNING_LARGE, 5);
}

static void
a_zone_that_is_removed_takes_it_along(void **state)
{
	unsigned order;

	(void)state;
	pinning_begin(PINNING_SMALL);
	world_pin(PINNING_SMALL, 2);
	world_block(WORLD_BUILD);
	order = world_order(PINNING_SMALL, 3);
	await_pinning();
	world_reload(2);
	world_release(WORLD_BUILD);
	world_expect_order(order, SECD_ENOTFOUND, "was removed");
	world_reload(3);
	pinning_await_newest(PINNING_SMALL, 5);
	pinning_expect_not_pinned(PINNING_SMALL, 5);
	assert_string_equal(world_known(PINNING_SMALL), "off|6|5|");
}

static void
a_reload_leaves_it(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	world_pin(PINNING_SMALL, 2);
	world_reload(3);
	world_await_serial(1, 5);
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
	pinning_follow(PINNING_SMALL, 6);
	pinning_expect_pinned(PINNING_SMALL, 2, 6);
}

static void
an_order_is_answered_before_the_server_ends(void **state)
{
	(void)state;
	pinning_begin(PINNING_SMALL);
	world_block(WORLD_BUILD);
	assert_int_equal(world_order(PINNING_SMALL, 2), 1);
	world_stop_server();
	assert_non_null(strstr(world_witnessed(), "\npinned 1: 0 serial 2"));
	store_dir_reopen(world.store);
	pinning_start_with(1u << PINNING_SMALL);
	pinning_expect_pinned(PINNING_SMALL, 2, 5);
}

static void
await_expired(bool is_expired)
{
	for (int i = 0; i < WORLD_LIMIT; i++) {
		if (world_look(PINNING_SMALL).is_expired == is_expired) {
			return;
		}
		world_wait();
	}
	fail_msg("not expired: %d", is_expired);
}

static void
expiry_is_that_of_the_newest(void **state)
{
	(void)state;
	world.has_witness = world.has_journal = true;
	primary_set_serial(world.primary, pinning_serial = 1);
	world_start_server(1u << PINNING_SMALL, "  sync-interval: 0\n"
						"template:\n  - id: default\n"
						"    refresh-min-interval: 1\n"
						"    refresh-max-interval: 1\n"
						"    retry-min-interval: 1\n"
						"    retry-max-interval: 1\n"
						"    expire-min-interval: 2\n"
						"    expire-max-interval: 2\n");
	world_await_serial(PINNING_SMALL, 1);
	pinning_follow(PINNING_SMALL, 3);
	world_pin(PINNING_SMALL, 2);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	await_expired(true);
	pinning_expect_pinned(PINNING_SMALL, 2, 3);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	await_expired(false);
	pinning_expect_pinned(PINNING_SMALL, 2, 3);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, world_start, world_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_cannot_be_stored_is_not_done),
	    TEST(what_waits_for_the_store_does_not_bring_an_old_state_back),
	    TEST(a_version_that_is_not_stored_is_not_pinned),
	    TEST(unpinned_before_it_is_stored_it_is_told_later),
	    TEST(what_is_stored_is_in_force_after_a_crash),
	    TEST(without_its_history_the_newest_is_served_and_it_is_said),
	    TEST(another_order_ends_the_alarm_too),
	    TEST(a_version_of_another_history_is_not_served),
	    TEST(a_zone_that_is_withdrawn_comes_back_as_it_is),
	    TEST(an_order_on_its_way_is_overtaken_by_a_withdrawal),
	    TEST(an_order_that_is_being_stored_is_overtaken_too),
	    TEST(over_a_damaged_image_it_is_not_served),
	    TEST(with_a_damaged_image_it_is_lost),
	    TEST(over_a_damaged_image_alone_it_makes_way_for_the_newest),
	    TEST(a_zone_that_is_removed_takes_it_along),
	    TEST(a_reload_leaves_it),
	    TEST(an_order_is_answered_before_the_server_ends),
	    TEST(expiry_is_that_of_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
