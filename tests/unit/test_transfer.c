/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SECD_TRANSFER_ROUNDS says how often the transfer thread is disturbed at
 * random (150), and SECD_TRANSFER_SEED how (1).
 */

#include "server/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "rnd.h"
#include "store/store_internal.h"
#include "world.h"

/* ---- following ---- */

static void
zones_are_transferred_published_and_stored(void **state)
{
	(void)state;
	world_start_server(0x3f, "");
	for (unsigned i = 0; i < WORLD_ZONES; i++) {
		world_await_serial(i, 1);
		world_expect_stored(i, 1);
	}
}

static void
a_notify_brings_the_next_version(void **state)
{
	(void)state;
	world_start_server(1, "");
	world_await_serial(0, 1);
	for (uint32_t serial = 2; serial < 10; serial++) {
		primary_set_serial(world.primary, serial);
		world_notify(0);
		world_await_serial(0, serial);
		assert_int_equal(world_look(0).seq, serial);
	}
	primary_set_serial(world.primary, 20); /* by AXFR */
	world_notify(0);
	world_await_serial(0, 20);
	world_expect_stored(0, 20);
}

static void
a_restart_needs_no_primary(void **state)
{
	(void)state;
	world_start_server(3, "");
	world_await_serial(0, 1);
	world_await_serial(1, 1);
	world_stop_server();
	store_dir_reopen(world.store);
	primary_set_mood(world.primary, PRIMARY_IS_SILENT);
	world_start_server(3, "");
	world_await_serial(0, 1);
	world_await_serial(1, 1);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	primary_set_serial(world.primary, 2);
	world_command(REFRESH_COMMAND_REFRESH);
	world_notify(0);
	world_stop_server();
}

static void
changes_of_a_large_zone_are_stored_as_such(void **state)
{
	size_t most = 0;

	(void)state;
	world_start_server(8, "  sync-interval: 0\n");
	world_await_serial(3, 1);
	assert_int_equal(world_stored_changes(3), 0);
	for (uint32_t serial = 2; serial < 120; serial++) {
		primary_set_serial(world.primary, serial);
		world_notify(3);
		world_await_serial(3, serial);
		world_expect_stored(3, serial);
		if (world_stored_changes(3) > most) {
			most = world_stored_changes(3);
		}
	}
	/* Many at a time, and then a new image. */
	assert_true(most > 10 && most < 110);
}

static void
stored_changes_are_laid_over_the_image_at_the_start(void **state)
{
	(void)state;
	world_start_server(8, "");
	world_await_serial(3, 1);
	primary_set_serial(world.primary, 2);
	world_notify(3);
	world_await_serial(3, 2);
	assert_int_equal(world_stored_changes(3), 1);
	world_stop_server();
	store_dir_reopen(world.store);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	world_start_server(8, "");
	world_await_serial(3, 2);
	assert_int_equal(world_stored_changes(3), 1);
	/* What follows goes on from there. */
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	primary_set_serial(world.primary, 3);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_serial(3, 3);
	assert_int_equal(world_stored_changes(3), 2);
	world_expect_stored(3, 3);
}

static void
a_bad_transfer_leaves_the_old_version(void **state)
{
	unsigned questions;

	(void)state;
	world_start_server(1, "");
	world_await_serial(0, 1);
	primary_set_mood(world.primary, PRIMARY_LIES);
	primary_set_serial(world.primary, 9);
	questions = primary_questions(world.primary);
	world_notify(0);
	world_await_questions(questions + 2);
	assert_int_equal(world_look(0).serial, 1);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_serial(0, 9);
}

/* ---- when storing fails ---- */

static void
what_cannot_be_stored_is_served_and_not_told(void **state)
{
	struct world_look l;

	(void)state;
	world_start_server(1, "");
	world_await_serial(0, 1);
	atomic_store(&world.store->store->poisoned, true);
	primary_set_serial(world.primary, 2);
	world_notify(0);
	for (int i = 0; i < WORLD_LIMIT && !world_look(0).is_failing; i++) {
		world_wait();
	}
	l = world_look(0);
	assert_int_equal(l.serial, 2);
	assert_false(l.is_durable);
	assert_int_equal(l.told, 1);
	primary_set_serial(world.primary, 3);
	world_notify(0);
	for (int i = 0; i < WORLD_LIMIT && world_look(0).serial != 3; i++) {
		world_wait();
	}
	world_expect_stored(0, 1);
	atomic_store(&world.store->store->poisoned, false);
	world_retry(); /* in place of the timer */
	world_await_serial(0, 3);
	assert_false(world_look(0).is_failing);
	world_expect_stored(0, 3);
}

/* All of the places for readers: nothing can be loaded. */
static MDB_txn *readers[200];
static size_t reader_count;

static void
take_readers(void)
{
	while (reader_count < 200 &&
	       mdb_txn_begin(world.store->store->env, NULL, MDB_RDONLY,
			     &readers[reader_count]) == 0) {
		reader_count++;
	}
	assert_true(reader_count < 200);
}

static void
release_readers(void)
{
	while (reader_count > 0) {
		mdb_txn_abort(readers[--reader_count]);
	}
}

static void
a_zone_that_cannot_be_read_is_transferred_again(void **state)
{
	(void)state;
	world_start_server(1, "");
	world_await_serial(0, 1);
	take_readers();
	assert_int_equal(world_try_reload(3, "").rc, SECD_OK);
	for (int i = 0; i < WORLD_LIMIT && !world_look(1).has_version; i++) {
		world_wait();
	}
	release_readers();
	world_await_serial(1, 1);
	world_expect_stored(1, 1);
}

static void
what_could_not_be_read_is_not_taken_for_the_past_of_what_follows(void **state)
{
	(void)state;
	world_start_server(8, "");
	world_await_serial(3, 1);
	for (uint32_t serial = 2; serial < 6; serial++) {
		primary_set_serial(world.primary, serial);
		world_notify(3);
		world_await_serial(3, serial);
	}
	assert_int_equal(world_stored_changes(3), 4);
	world_stop_server();
	store_dir_reopen(world.store);
	take_readers();
	world_start_server(8, "");
	for (int i = 0; i < WORLD_LIMIT && !world_look(3).has_version; i++) {
		world_wait();
	}
	release_readers();
	world_await_serial(3, 5);
	assert_int_equal(world_look(3).seq, 1);
	world_expect_stored(3, 5);
	assert_int_equal(world_stored_changes(3), 0);
}

static void
the_last_version_is_tried_once_more_at_the_end(void **state)
{
	(void)state;
	world_start_server(1, "");
	world_await_serial(0, 1);
	atomic_store(&world.store->store->poisoned, true);
	primary_set_serial(world.primary, 2);
	world_notify(0);
	for (int i = 0; i < WORLD_LIMIT && !world_look(0).is_failing; i++) {
		world_wait();
	}
	atomic_store(&world.store->store->poisoned, false);
	world_stop_server();
	world_expect_stored(0, 2);
}

/* Two versions of a zone follow its image. Start without a primary after the
 * last one was replaced by these octets, or when NULL by the one before. */
static void
start_with_another_change(const char *octets, bool is_image_damaged)
{
	struct store *s = world.store->store;
	MDB_cursor *cursor;
	MDB_val key, last, val;
	MDB_txn *txn;
	uint8_t copy[65536];

	world_start_server(8, "");
	for (uint32_t serial = 1; serial < 4; serial++) {
		primary_set_serial(world.primary, serial);
		world_notify(3);
		world_await_serial(3, serial);
	}
	assert_int_equal(world_look(3).seq, 3);
	assert_int_equal(world_stored_changes(3), 2);
	world_stop_server();
	assert_int_equal(mdb_txn_begin(s->env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, s->changes, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &val, MDB_FIRST), 0);
	assert_in_range(val.mv_size, 1, sizeof(copy));
	memcpy(copy, val.mv_data, val.mv_size);
	val.mv_data = copy;
	if (octets != NULL) {
		val = val_of(octets, strlen(octets));
	}
	assert_int_equal(mdb_cursor_get(cursor, &key, &last, MDB_LAST), 0);
	assert_int_equal(mdb_cursor_put(cursor, &key, &val, MDB_CURRENT), 0);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
	if (is_image_damaged) {
		store_dir_damage(world.store, store_dir_only_file(world.store),
				 100000, "y", 1);
	}
	store_dir_reopen(world.store);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	world_start_server(8, "");
}

/* Modules know what was lost by its number. */
static void
what_is_left_before_a_damaged_change_has_a_number_of_its_own(void **state)
{
	(void)state;
	start_with_another_change("this is not a changeset", false);
	assert_int_equal(world_look(3).serial, 2);
	assert_int_equal(world_look(3).seq, 4);
	world_await_serial(3, 2);
	world_expect_stored(3, 2);
	/* It goes on from there. */
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_serial(3, 3);
	assert_int_equal(world_look(3).seq, 5);
	world_expect_stored(3, 3);
}

static void
what_is_left_before_changes_that_do_not_apply_has_one_too(void **state)
{
	(void)state;
	start_with_another_change(NULL, false);
	assert_int_equal(world_look(3).serial, 1);
	assert_int_equal(world_look(3).seq, 4);
	world_await_serial(3, 1);
	world_expect_stored(3, 1);
}

/* Else another image would be made of it, whose checksums are right. */
static void
an_image_is_verified_before_it_is_compacted(void **state)
{
	(void)state;
	start_with_another_change("this is not a changeset", true);
	for (int i = 0; i < WORLD_LIMIT && world_look(3).has_version; i++) {
		world_wait();
	}
	assert_false(world_look(3).has_version);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_serial(3, 3);
	world_expect_stored(3, 3);
}

/* ---- reload ---- */

static void
a_removed_zone_is_forgotten_and_a_new_one_is_fetched(void **state)
{
	(void)state;
	world_start_server(3, "");
	world_await_serial(0, 1);
	world_await_serial(1, 1);
	world_reload(6);
	assert_false(world_look(0).is_there);
	world_await_serial(1, 1);
	world_await_serial(2, 1);
	world_stop_server();
	world_expect_not_stored(0);
	world_expect_stored(1, 1);
	world_expect_stored(2, 1);
}

static void
what_was_removed_while_no_server_ran_is_forgotten(void **state)
{
	(void)state;
	world_start_server(3, "");
	world_await_serial(0, 1);
	world_await_serial(1, 1);
	world_stop_server();
	store_dir_reopen(world.store);
	primary_set_mood(world.primary, PRIMARY_REFUSES);
	world_start_server(2, "");
	world_await_serial(1, 1);
	world_expect_not_stored(0);
	/* When it comes back, it is new. */
	world_reload(3);
	assert_false(world_look(0).has_version);
	assert_true(world_look(1).has_version);
}

static void
a_zone_that_comes_back_at_once_is_stored(void **state)
{
	(void)state;
	world_start_server(3, "");
	world_await_serial(0, 1);
	for (int i = 0; i < 20; i++) {
		world_reload(2);
		world_reload(3);
	}
	world_await_serial(0, 1);
	world_stop_server();
	store_dir_reopen(world.store);
	world_expect_stored(0, 1);
}

static void
a_reload_in_the_midst_of_an_exchange_does_no_harm(void **state)
{
	(void)state;
	primary_set_mood(world.primary, PRIMARY_IS_SILENT);
	world_start_server(0x3f, "  transfers-in: 2\n");
	world_await_questions(1);
	/* Some run, some wait for a connection. */
	assert_int_equal(world_try_reload(0x15, "  transfers-in: 3\n").rc,
			 SECD_OK);
	assert_int_equal(world_try_reload(0x2a, "  transfers-in: 1\n").rc,
			 SECD_OK);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_reload(0x3f);
	/* The silent ones time out after ten seconds; the others need not. */
	world_await_serial(0, 1);
	world_await_serial(2, 1);
}

static void
what_needs_a_restart_is_refused(void **state)
{
	struct world_reload r;

	(void)state;
	world_start_server(1, "");
	world_await_serial(0, 1);
	r = world_try_reload(3, "  udp-workers: 7\n");
	assert_int_equal(r.rc, SECD_ENOTSUP);
	assert_string_equal(r.reason,
			    "a change of `udp-workers` needs a restart");
	assert_false(world_look(1).is_there);
}

/* ---- ends ---- */

static void
it_can_end_before_it_began(void **state)
{
	(void)state;
	world.server = calloc(1, sizeof(*world.server));
	assert_non_null(world.server);
	assert_int_equal(transfer_init(world.server, world_load_config(3, ""),
				       world.store->store),
			 SECD_OK);
	world_stop_server();
}

static void
it_can_end_in_any_mood_of_the_primary(void **state)
{
	(void)state;
	for (int mood = PRIMARY_ANSWERS; mood <= PRIMARY_LIES; mood++) {
		for (unsigned questions = 0; questions < 4; questions++) {
			unsigned before = primary_questions(world.primary);

			primary_set_mood(world.primary,
					 (enum primary_mood)mood);
			primary_set_serial(world.primary,
					   primary_serial(world.primary) + 1);
			world_start_server(0x3f, "  transfers-in: 3\n");
			if (mood != PRIMARY_IS_SILENT || questions < 3) {
				world_await_questions(before + questions);
			}
			world_stop_server();
		}
	}
}

/* ---- all of it ---- */

static void
disturb(struct rnd *r, unsigned *zones)
{
	switch (rnd_below(r, 10)) {
	case 0:
		*zones = rnd_below(r, 1u << WORLD_ZONES);
		world_reload(*zones);
		break;
	case 1:
		primary_set_mood(
		    world.primary,
		    rnd_below(r, 3) == 0
			? (enum primary_mood)rnd_below(r, PRIMARY_LIES + 1)
			: PRIMARY_ANSWERS);
		break;
	case 2:
		world_command((enum refresh_command)rnd_below(
		    r, REFRESH_COMMAND_FORCE + 1));
		break;
	case 3:
		atomic_store(&world.store->store->poisoned,
			     rnd_below(r, 2) == 0);
		break;
	case 4:
		world_wait();
		break;
	case 5:
		world_retry();
		break;
	default:
		primary_set_serial(world.primary,
				   primary_serial(world.primary) +
				       rnd_below(r, 3));
		world_notify(rnd_below(r, WORLD_ZONES));
		break;
	}
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void
whatever_happens_every_zone_ends_current_and_stored(void **state)
{
	uint64_t rounds = number_from("SECD_TRANSFER_ROUNDS", 150);
	struct rnd r = {number_from("SECD_TRANSFER_SEED", 1)};
	unsigned zones = 0x3f;

	(void)state;
	print_message("%llu rounds, seed %llu\n", (unsigned long long)rounds,
		      (unsigned long long)r.state);
	world_start_server(zones, "");
	for (uint64_t i = 0; i < rounds; i++) {
		disturb(&r, &zones);
	}
	atomic_store(&world.store->store->poisoned, false);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	primary_set_serial(world.primary, primary_serial(world.primary) + 10);
	world_reload(0x3f);
	world_command(REFRESH_COMMAND_FORCE);
	for (unsigned i = 0; i < WORLD_ZONES; i++) {
		world_await_serial(i, primary_serial(world.primary));
	}
	world_stop_server();
	store_dir_reopen(world.store);
	for (unsigned i = 0; i < WORLD_ZONES; i++) {
		world_expect_stored(i, primary_serial(world.primary));
	}
}

static int
register_reader(void **state)
{
	(void)state;
	/* The test plays a worker. */
	rcu_register_thread();
	rcu_thread_offline();
	return 0;
}

static int
unregister_reader(void **state)
{
	(void)state;
	rcu_unregister_thread();
	return 0;
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, world_start, world_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(zones_are_transferred_published_and_stored),
	    TEST(a_notify_brings_the_next_version),
	    TEST(a_restart_needs_no_primary),
	    TEST(changes_of_a_large_zone_are_stored_as_such),
	    TEST(stored_changes_are_laid_over_the_image_at_the_start),
	    TEST(a_bad_transfer_leaves_the_old_version),
	    TEST(what_cannot_be_stored_is_served_and_not_told),
	    TEST(a_zone_that_cannot_be_read_is_transferred_again),
	    TEST(
		what_could_not_be_read_is_not_taken_for_the_past_of_what_follows),
	    TEST(the_last_version_is_tried_once_more_at_the_end),
	    TEST(what_is_left_before_a_damaged_change_has_a_number_of_its_own),
	    TEST(what_is_left_before_changes_that_do_not_apply_has_one_too),
	    TEST(an_image_is_verified_before_it_is_compacted),
	    TEST(a_removed_zone_is_forgotten_and_a_new_one_is_fetched),
	    TEST(what_was_removed_while_no_server_ran_is_forgotten),
	    TEST(a_zone_that_comes_back_at_once_is_stored),
	    TEST(a_reload_in_the_midst_of_an_exchange_does_no_harm),
	    TEST(what_needs_a_restart_is_refused),
	    TEST(it_can_end_before_it_began),
	    TEST(it_can_end_in_any_mood_of_the_primary),
	    TEST(whatever_happens_every_zone_ends_current_and_stored),
	};

	return cmocka_run_group_tests_name("transfer", tests, register_reader,
					   unregister_reader);
}
