/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A compaction that takes as long as the test wants, and what may happen
 * meanwhile.
 */

#include "server/zone_compact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "server/zone_publish.h"
#include "store/store_internal.h"
#include "world.h"

#define LARGE 3 /* a zone whose image is a file */

static uint32_t serial;

static void
change(void)
{
	primary_set_serial(world.primary, ++serial);
	world_notify(LARGE);
	for (int i = 0; i < WORLD_LIMIT; i++) {
		if (world_look(LARGE).serial == serial) {
			return;
		}
		world_wait();
	}
	fail_msg("serial %u is not served", serial);
}

/* A server whose large zone waits for its compaction. */
static void
begin_compaction(void)
{
	serial = 1;
	primary_set_serial(world.primary, serial);
	world_start_server(1u << LARGE, "  sync-interval: 0\n");
	world_await_serial(LARGE, serial);
	world_block(WORLD_BUILD);
	while (!world_look(LARGE).is_compacting) {
		assert_true(serial < 200);
		change();
		world_await_serial(LARGE, serial);
	}
}

static void
await_compacted(void)
{
	world_release(WORLD_BUILD);
	for (int i = 0; i < WORLD_LIMIT; i++) {
		if (!world_look(LARGE).is_compacting) {
			return;
		}
		world_wait();
	}
	fail_msg("the compaction does not end");
}

/* The zone is there after a restart without a primary. */
static void
expect_after_restart(void)
{
	world_await_serial(LARGE, serial);
	world_expect_stored(LARGE, serial);
	world_stop_server();
	store_dir_reopen(world.store);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	world_start_server(1u << LARGE, "");
	assert_int_equal(world_look(LARGE).serial, serial);
	world_await_serial(LARGE, serial);
}

static void
nothing_that_is_seen_changes(void **state)
{
	struct world_look before, after;

	(void)state;
	begin_compaction();
	before = world_look(LARGE);
	await_compacted();
	after = world_look(LARGE);
	assert_int_equal(after.seq, before.seq);
	assert_int_equal(after.serial, before.serial);
	assert_int_equal(after.told, before.told);
	assert_int_equal(before.layers, 1);
	assert_int_equal(after.layers, 0);
	expect_after_restart();
	assert_int_equal(world_stored_changes(LARGE), 0);
}

static void
changes_go_on_meanwhile_and_afterwards(void **state)
{
	uint32_t compacted;

	(void)state;
	begin_compaction();
	compacted = serial;
	for (int i = 0; i < 7; i++) {
		change();
		world_await_serial(LARGE, serial); /* also in the store */
	}
	assert_true(world_look(LARGE).is_compacting);
	assert_int_equal(world_look(LARGE).layers, 2);
	await_compacted();
	assert_int_equal(world_look(LARGE).layers, 1);
	change();
	expect_after_restart();
	assert_int_equal(world_stored_changes(LARGE), serial - compacted);
}

static void
break_there(struct server *s, void *arg)
{
	(void)arg;
	zone_chain_break(&s->zones.entries[0]->chain, s->zones.entries[0]->seq);
}

/* A change that is being applied while this happens. */
static void
begin_change(void)
{
	world_block(WORLD_APPLY);
	primary_set_serial(world.primary, ++serial);
	world_notify(LARGE);
	for (int i = 0; i < WORLD_LIMIT && !world_look(LARGE).is_building;
	     i++) {
		world_wait();
	}
	assert_true(world_look(LARGE).is_building);
}

static void
a_change_that_began_before_its_end_lies_over_the_new_image(void **state)
{
	(void)state;
	begin_compaction();
	begin_change();
	await_compacted();
	assert_int_equal(world_look(LARGE).layers, 0);
	world_release(WORLD_APPLY);
	world_await_serial(LARGE, serial);
	assert_int_equal(world_look(LARGE).layers, 1);
	change();
	assert_int_equal(world_look(LARGE).layers, 1);
	expect_after_restart();
}

static void
none_begins_while_a_change_is_being_applied(void **state)
{
	(void)state;
	begin_compaction();
	await_compacted();
	change();
	world_await_serial(LARGE, serial);
	begin_change();
	/* All of it must be stored anew, and so compacted. */
	transfer_call(world.server, break_there, NULL);
	world_retry();
	assert_false(world_look(LARGE).is_compacting);
	world_block(WORLD_BUILD);
	world_release(WORLD_APPLY);
	for (int i = 0; i < WORLD_LIMIT && !world_look(LARGE).is_compacting;
	     i++) {
		world_wait();
	}
	assert_int_equal(world_look(LARGE).serial, serial);
	await_compacted();
	expect_after_restart();
}

static void
a_new_zone_meanwhile_is_not_overwritten(void **state)
{
	(void)state;
	begin_compaction();
	primary_set_serial(world.primary, serial += 10);
	world_command(REFRESH_COMMAND_RETRANSFER);
	await_compacted();
	world_await_serial(LARGE, serial);
	change();
	expect_after_restart();
}

static void
publish_whole_there(struct server *s, void *arg)
{
	struct zone_entry *e = s->zones.entries[0];
	struct changeset none = {0};
	struct image **image = arg;
	struct version *v;

	*image = e->zone.version->image;
	assert_int_equal(version_new(e->seq + 1, *image, NULL, 0, &v), SECD_OK);
	zone_publish(e, 0, v, &none);
}

static void
image_there(struct server *s, void *arg)
{
	struct image **image = arg;

	*image = s->zones.entries[0]->zone.version->image;
}

static void
a_version_without_layers_meanwhile_makes_it_worthless(void **state)
{
	struct image *published, *image;

	(void)state;
	begin_compaction();
	transfer_call(world.server, publish_whole_there, &published);
	assert_false(world_look(LARGE).is_compacting);
	world_release(WORLD_BUILD);
	world_block(WORLD_BUILD); /* behind the compaction */
	transfer_call(world.server, image_there, &image);
	assert_ptr_equal(image, published);
}

static void
withdraw_there(struct server *s, void *arg)
{
	(void)arg;
	zone_withdraw(s->zones.entries[0], "a test");
	assert_false(s->zones.entries[0]->compaction != NULL);
	zone_wake(s->zones.entries[0]);
}

static void
a_zone_that_is_withdrawn_does_not_come_back_by_it(void **state)
{
	(void)state;
	begin_compaction();
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	transfer_call(world.server, withdraw_there, NULL);
	assert_false(world_look(LARGE).has_version);
	world_release(WORLD_BUILD);
	/* Whatever the build thread had is done when this one begins. */
	world_block(WORLD_BUILD);
	assert_false(world_look(LARGE).has_version);
	world_release(WORLD_BUILD);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_serial(LARGE, serial);
	expect_after_restart();
}

static void
a_zone_that_is_removed_is_gone(void **state)
{
	(void)state;
	begin_compaction();
	world_reload(1);
	world_release(WORLD_BUILD);
	world_await_serial(0, serial);
	world_stop_server();
	world_expect_not_stored(LARGE);
	world_expect_stored(0, serial);
}

static void
a_reload_does_not_disturb_it(void **state)
{
	(void)state;
	begin_compaction();
	world_reload(1u << LARGE | 1);
	change();
	await_compacted();
	assert_int_equal(world_look(LARGE).layers, 1);
	expect_after_restart();
}

static void
set_poisoned(bool is_poisoned)
{
	atomic_store(&world.store->store->poisoned, is_poisoned);
}

static void
await_failing(void)
{
	for (int i = 0; i < WORLD_LIMIT && !world_look(LARGE).is_failing; i++) {
		world_wait();
	}
	assert_true(world_look(LARGE).is_failing);
}

static void
changes_that_are_not_stored_meanwhile_follow_the_image(void **state)
{
	(void)state;
	begin_compaction();
	set_poisoned(true);
	for (int i = 0; i < 5; i++) {
		change();
	}
	await_failing();
	await_compacted();
	assert_false(world_look(LARGE).is_durable);
	change();
	set_poisoned(false);
	world_retry();
	world_await_serial(LARGE, serial);
	assert_false(world_look(LARGE).is_failing);
	expect_after_restart();
}

static void
what_was_not_stored_before_it_is_stored_with_it(void **state)
{
	(void)state;
	begin_compaction();
	set_poisoned(true);
	change();
	await_failing();
	change();
	change();
	set_poisoned(false);
	/* The image lacks what was refused: that comes after it, at once. */
	await_compacted();
	expect_after_restart();
}

static void
an_image_that_lacks_what_is_lost_is_not_stored(void **state)
{
	(void)state;
	begin_compaction();
	change();
	transfer_call(world.server, break_there, NULL);
	assert_false(world_look(LARGE).is_durable);
	change();
	/* Another compaction follows, whose image has it. */
	await_compacted();
	expect_after_restart();
}

static void
a_server_that_ends_does_not_wait_for_what_it_has_not_begun(void **state)
{
	(void)state;
	begin_compaction();
	change();
	world_await_serial(LARGE, serial);
	world_stop_server();
	store_dir_reopen(world.store);
	world_expect_stored(LARGE, serial);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
set_long_interval(void *commit)
{
	commit_set_sync_interval(commit, 3600000);
}

static void
an_image_that_is_stored_at_the_very_end_brings_nothing_behind_it(void **state)
{
	struct commit *commit;

	(void)state;
	begin_compaction();
	commit = world.server->commit;
	/* What follows the next transaction is written at the end. Nothing may
	 * be under way then that would be the next one. */
	commit_run(commit, nothing, NULL);
	commit_run(commit, set_long_interval, commit);
	set_poisoned(true);
	change();
	await_failing();
	set_poisoned(false);
	await_compacted();
	world_stop_server();
	store_dir_reopen(world.store);
	world_expect_stored(LARGE, serial - 1);
	assert_int_equal(world_stored_changes(LARGE), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, world_start, world_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_that_is_seen_changes),
	    TEST(changes_go_on_meanwhile_and_afterwards),
	    TEST(a_change_that_began_before_its_end_lies_over_the_new_image),
	    TEST(none_begins_while_a_change_is_being_applied),
	    TEST(a_new_zone_meanwhile_is_not_overwritten),
	    TEST(a_version_without_layers_meanwhile_makes_it_worthless),
	    TEST(a_zone_that_is_withdrawn_does_not_come_back_by_it),
	    TEST(a_zone_that_is_removed_is_gone),
	    TEST(a_reload_does_not_disturb_it),
	    TEST(changes_that_are_not_stored_meanwhile_follow_the_image),
	    TEST(what_was_not_stored_before_it_is_stored_with_it),
	    TEST(an_image_that_lacks_what_is_lost_is_not_stored),
	    TEST(
		an_image_that_is_stored_at_the_very_end_brings_nothing_behind_it),
	    TEST(a_server_that_ends_does_not_wait_for_what_it_has_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
