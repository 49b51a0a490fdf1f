/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole world of the transfer thread, with a primary and a store that are
 * real, and the test as the worker and the operator who disturb it.
 *
 * SECD_TRANSFER_ROUNDS says how often it is disturbed at random (150), and
 * SECD_TRANSFER_SEED how (1).
 */

#include "server/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "conf_dir.h"
#include "primary.h"
#include "rnd.h"
#include "server/zone_commit.h"
#include "server/zone_entry.h"
#include "server/zone_refresh.h"
#include "store/store_internal.h"
#include "store_dir.h"
#include "zonefile.h"

#define ZONES 6
#define LIMIT 10000 /* looks, a millisecond apart */

/* Those that begin with an x are large. */
static const char *const names[ZONES] = {"a.example.",  "b.example.",
					 "c.example.",  "xa.example.",
					 "xb.example.", "xc.example."};

static struct store_dir *store;
static struct conf_dir *conf;
static struct primary *primary;
static struct server *server;

/* ---- the world ---- */

/* The zones whose bit is set. */
static struct config *
load_config(unsigned zones, const char *settings)
{
	const struct sockaddr_in *in = (const void *)primary_address(primary);
	char text[4096], *p = text;

	p += sprintf(p,
		     "server:\n  listen: 127.0.0.1@5300\n%s"
		     "remote:\n  - id: hidden\n    address: 127.0.0.1@%u\n"
		     "zone:\n",
		     settings, ntohs(in->sin_port));
	for (unsigned i = 0; i < ZONES; i++) {
		if ((zones & 1u << i) != 0) {
			p += sprintf(p, "  - domain: %s\n    primary: hidden\n",
				     names[i]);
		}
	}
	conf_dir_accept(conf, text);
	return conf->c;
}

static void
start_server(unsigned zones, const char *settings)
{
	server = calloc(1, sizeof(*server));
	assert_non_null(server);
	assert_int_equal(
	    transfer_init(server, load_config(zones, settings), store->store),
	    SECD_OK);
	assert_int_equal(transfer_start(server), SECD_OK);
}

static void
stop_server(void)
{
	transfer_stop(server);
	transfer_fini(server);
	free(server);
	server = NULL;
}

static int
start(void **state)
{
	void *dir;

	(void)state;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	assert_int_equal(store_dir_setup(&dir), 0);
	store = dir;
	assert_int_equal(conf_dir_setup(&dir), 0);
	conf = dir;
	primary = primary_new();
	return 0;
}

static int
stop(void **state)
{
	void *dir = store;

	(void)state;
	if (server != NULL) {
		stop_server();
	}
	primary_free(primary);
	store_dir_teardown(&dir);
	dir = conf;
	return conf_dir_teardown(&dir);
}

/* ---- looking at a zone ---- */

struct look {
	const char *name;
	bool is_there, has_version, is_durable, is_failing;
	uint32_t serial, told;
	uint64_t seq;
};

static void
look_there(struct server *s, void *arg)
{
	struct look *l = arg;
	uint8_t apex[NAME_LEN_MAX];
	const struct zone_entry *e =
	    zone_list_find(&s->zones, zonefile_name(l->name, apex));

	l->is_there = e != NULL;
	if (e == NULL) {
		return;
	}
	l->has_version = e->zone.version != NULL;
	l->serial = l->has_version ? version_serial(e->zone.version) : 0;
	l->told = e->told == NULL ? 0 : version_serial(e->told);
	l->is_durable = zone_is_durable(e);
	l->is_failing = e->is_commit_failing;
	l->seq = e->seq;
}

static struct look
look(unsigned zone)
{
	struct look l = {.name = names[zone]};

	transfer_call(server, look_there, &l);
	return l;
}

static void
wait_a_moment(void)
{
	const struct timespec moment = {0, 1000000};

	nanosleep(&moment, NULL);
}

static void
await_serial(unsigned zone, uint32_t serial)
{
	struct look l = {0};

	for (int i = 0; i < LIMIT; i++) {
		l = look(zone);
		if (l.has_version && l.serial == serial && l.is_durable) {
			assert_int_equal(l.told, serial);
			return;
		}
		wait_a_moment();
	}
	fail_msg("zone %s: serial %u of %u, durable %d", names[zone], l.serial,
		 serial, l.is_durable);
}

static void
await_questions(unsigned count)
{
	for (int i = 0; i < LIMIT && primary_questions(primary) < count; i++) {
		wait_a_moment();
	}
	assert_true(primary_questions(primary) >= count);
}

/* ---- disturbing it ---- */

/* A NOTIFY as a worker passes it on. */
static void
notify(unsigned zone)
{
	struct sockaddr_storage from = *primary_address(primary);
	struct name_hashes hashes;
	uint8_t apex[NAME_LEN_MAX];
	struct zone *z;

	rcu_thread_online();
	zonefile_name(names[zone], apex);
	name_hash_all(apex, store_hash_key(store->store), &hashes);
	z = zone_table_find(root_get(&server->frontend.root)->zones, apex,
			    &hashes, 0, NULL);
	if (z != NULL) {
		server->frontend.notified(z, &from, false, 0);
	}
	rcu_thread_offline();
}

struct reload {
	struct config *config;
	int rc;
	char reason[256];
};

static void
reload_there(struct server *s, void *arg)
{
	struct reload *r = arg;

	r->rc = transfer_reload(s, r->config, r->reason);
}

static struct reload
try_reload(unsigned zones, const char *settings)
{
	struct reload r = {.config = load_config(zones, settings)};

	transfer_call(server, reload_there, &r);
	return r;
}

static void
reload(unsigned zones)
{
	assert_int_equal(try_reload(zones, "").rc, SECD_OK);
}

static void
command_there(struct server *s, void *arg)
{
	const enum refresh_command *command = arg;

	for (size_t i = 0; i < s->zones.count; i++) {
		zone_command(s->zones.entries[i], *command);
	}
}

static void
command(enum refresh_command what)
{
	transfer_call(server, command_there, &what);
}

static void
retry_there(struct server *s, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < s->zones.count; i++) {
		zone_store(s->zones.entries[i]);
	}
}

static void
expect_stored(unsigned zone, uint32_t serial)
{
	struct store_zone z;

	assert_int_equal(
	    store_load(store->store, store_dir_apex(names[zone]), &z), SECD_OK);
	assert_null(z.fault);
	assert_non_null(z.image);
	assert_int_equal(z.change_count == 0 ? image_serial(z.image)
					     : z.changes[z.change_count - 1].to,
			 serial);
	store_zone_fini(&z);
}

static size_t
stored_changes(unsigned zone)
{
	struct store_zone z;
	size_t count;

	assert_int_equal(
	    store_load(store->store, store_dir_apex(names[zone]), &z), SECD_OK);
	count = z.change_count;
	store_zone_fini(&z);
	return count;
}

static void
expect_not_stored(unsigned zone)
{
	struct store_zone z;

	assert_int_equal(
	    store_load(store->store, store_dir_apex(names[zone]), &z),
	    SECD_ENOTFOUND);
}

/* ---- following ---- */

static void
zones_are_transferred_published_and_stored(void **state)
{
	(void)state;
	start_server(0x3f, "");
	for (unsigned i = 0; i < ZONES; i++) {
		await_serial(i, 1);
		expect_stored(i, 1);
	}
}

static void
a_notify_brings_the_next_version(void **state)
{
	(void)state;
	start_server(1, "");
	await_serial(0, 1);
	for (uint32_t serial = 2; serial < 10; serial++) {
		primary_set_serial(primary, serial);
		notify(0);
		await_serial(0, serial);
		assert_int_equal(look(0).seq, serial);
	}
	primary_set_serial(primary, 20); /* by AXFR */
	notify(0);
	await_serial(0, 20);
	expect_stored(0, 20);
}

static void
a_restart_needs_no_primary(void **state)
{
	(void)state;
	start_server(3, "");
	await_serial(0, 1);
	await_serial(1, 1);
	stop_server();
	store_dir_reopen(store);
	primary_set_mood(primary, PRIMARY_IS_SILENT);
	start_server(3, "");
	await_serial(0, 1);
	await_serial(1, 1);
	primary_set_mood(primary, PRIMARY_ANSWERS);
	primary_set_serial(primary, 2);
	command(REFRESH_COMMAND_REFRESH);
	notify(0);
	stop_server();
}

static void
changes_of_a_large_zone_are_stored_as_such(void **state)
{
	size_t most = 0;

	(void)state;
	start_server(8, "  sync-interval: 0\n");
	await_serial(3, 1);
	assert_int_equal(stored_changes(3), 0);
	for (uint32_t serial = 2; serial < 120; serial++) {
		primary_set_serial(primary, serial);
		notify(3);
		await_serial(3, serial);
		expect_stored(3, serial);
		if (stored_changes(3) > most) {
			most = stored_changes(3);
		}
	}
	/* Many at a time, and then a new image. */
	assert_true(most > 10 && most < 110);
}

static void
stored_changes_are_laid_over_the_image_at_the_start(void **state)
{
	(void)state;
	start_server(8, "");
	await_serial(3, 1);
	primary_set_serial(primary, 2);
	notify(3);
	await_serial(3, 2);
	assert_int_equal(stored_changes(3), 1);
	stop_server();
	store_dir_reopen(store);
	primary_set_mood(primary, PRIMARY_REFUSES);
	start_server(8, "");
	await_serial(3, 2);
	assert_int_equal(stored_changes(3), 1);
	/* What follows goes on from there. */
	primary_set_mood(primary, PRIMARY_ANSWERS);
	primary_set_serial(primary, 3);
	command(REFRESH_COMMAND_REFRESH);
	await_serial(3, 3);
	assert_int_equal(stored_changes(3), 2);
	expect_stored(3, 3);
}

static void
a_bad_transfer_leaves_the_old_version(void **state)
{
	unsigned questions;

	(void)state;
	start_server(1, "");
	await_serial(0, 1);
	primary_set_mood(primary, PRIMARY_LIES);
	primary_set_serial(primary, 9);
	questions = primary_questions(primary);
	notify(0);
	await_questions(questions + 2);
	assert_int_equal(look(0).serial, 1);
	primary_set_mood(primary, PRIMARY_ANSWERS);
	command(REFRESH_COMMAND_REFRESH);
	await_serial(0, 9);
}

/* ---- when storing fails ---- */

static void
what_cannot_be_stored_is_served_and_not_told(void **state)
{
	struct look l;

	(void)state;
	start_server(1, "");
	await_serial(0, 1);
	atomic_store(&store->store->poisoned, true);
	primary_set_serial(primary, 2);
	notify(0);
	for (int i = 0; i < LIMIT && !look(0).is_failing; i++) {
		wait_a_moment();
	}
	l = look(0);
	assert_int_equal(l.serial, 2);
	assert_false(l.is_durable);
	assert_int_equal(l.told, 1);
	primary_set_serial(primary, 3);
	notify(0);
	for (int i = 0; i < LIMIT && look(0).serial != 3; i++) {
		wait_a_moment();
	}
	expect_stored(0, 1);
	atomic_store(&store->store->poisoned, false);
	transfer_call(server, retry_there, NULL); /* in place of the timer */
	await_serial(0, 3);
	assert_false(look(0).is_failing);
	expect_stored(0, 3);
}

static void
a_zone_that_cannot_be_read_is_transferred_again(void **state)
{
	MDB_txn *readers[200];
	size_t count = 0;

	(void)state;
	start_server(1, "");
	await_serial(0, 1);
	/* All of the places for readers. */
	while (count < 200 && mdb_txn_begin(store->store->env, NULL, MDB_RDONLY,
					    &readers[count]) == 0) {
		count++;
	}
	assert_true(count < 200);
	assert_int_equal(try_reload(3, "").rc, SECD_OK);
	for (int i = 0; i < LIMIT && !look(1).has_version; i++) {
		wait_a_moment();
	}
	while (count > 0) {
		mdb_txn_abort(readers[--count]);
	}
	await_serial(1, 1);
	expect_stored(1, 1);
}

static void
the_last_version_is_tried_once_more_at_the_end(void **state)
{
	(void)state;
	start_server(1, "");
	await_serial(0, 1);
	atomic_store(&store->store->poisoned, true);
	primary_set_serial(primary, 2);
	notify(0);
	for (int i = 0; i < LIMIT && !look(0).is_failing; i++) {
		wait_a_moment();
	}
	atomic_store(&store->store->poisoned, false);
	stop_server();
	expect_stored(0, 2);
}

/* ---- reload ---- */

static void
a_removed_zone_is_forgotten_and_a_new_one_is_fetched(void **state)
{
	(void)state;
	start_server(3, "");
	await_serial(0, 1);
	await_serial(1, 1);
	reload(6);
	assert_false(look(0).is_there);
	await_serial(1, 1);
	await_serial(2, 1);
	stop_server();
	expect_not_stored(0);
	expect_stored(1, 1);
	expect_stored(2, 1);
}

static void
what_was_removed_while_no_server_ran_is_forgotten(void **state)
{
	(void)state;
	start_server(3, "");
	await_serial(0, 1);
	await_serial(1, 1);
	stop_server();
	store_dir_reopen(store);
	primary_set_mood(primary, PRIMARY_REFUSES);
	start_server(2, "");
	await_serial(1, 1);
	expect_not_stored(0);
	/* When it comes back, it is new. */
	reload(3);
	assert_false(look(0).has_version);
	assert_true(look(1).has_version);
}

static void
a_zone_that_comes_back_at_once_is_stored(void **state)
{
	(void)state;
	start_server(3, "");
	await_serial(0, 1);
	for (int i = 0; i < 20; i++) {
		reload(2);
		reload(3);
	}
	await_serial(0, 1);
	stop_server();
	store_dir_reopen(store);
	expect_stored(0, 1);
}

static void
a_reload_in_the_midst_of_an_exchange_does_no_harm(void **state)
{
	(void)state;
	primary_set_mood(primary, PRIMARY_IS_SILENT);
	start_server(0x3f, "  transfers-in: 2\n");
	await_questions(1);
	/* Some run, some wait for a connection. */
	assert_int_equal(try_reload(0x15, "  transfers-in: 3\n").rc, SECD_OK);
	assert_int_equal(try_reload(0x2a, "  transfers-in: 1\n").rc, SECD_OK);
	primary_set_mood(primary, PRIMARY_ANSWERS);
	reload(0x3f);
	/* The silent ones time out after ten seconds; the others need not. */
	await_serial(0, 1);
	await_serial(2, 1);
}

static void
what_needs_a_restart_is_refused(void **state)
{
	struct reload r;

	(void)state;
	start_server(1, "");
	await_serial(0, 1);
	r = try_reload(3, "  udp-workers: 7\n");
	assert_int_equal(r.rc, SECD_ENOTSUP);
	assert_string_equal(r.reason,
			    "a change of `udp-workers` needs a restart");
	assert_false(look(1).is_there);
}

/* ---- ends ---- */

static void
it_can_end_before_it_began(void **state)
{
	(void)state;
	server = calloc(1, sizeof(*server));
	assert_non_null(server);
	assert_int_equal(
	    transfer_init(server, load_config(3, ""), store->store), SECD_OK);
	stop_server();
}

static void
it_can_end_in_any_mood_of_the_primary(void **state)
{
	(void)state;
	for (int mood = PRIMARY_ANSWERS; mood <= PRIMARY_LIES; mood++) {
		for (unsigned questions = 0; questions < 4; questions++) {
			unsigned before = primary_questions(primary);

			primary_set_mood(primary, (enum primary_mood)mood);
			primary_set_serial(primary,
					   primary_serial(primary) + 1);
			start_server(0x3f, "  transfers-in: 3\n");
			if (mood != PRIMARY_IS_SILENT || questions < 3) {
				await_questions(before + questions);
			}
			stop_server();
		}
	}
}

/* ---- all of it ---- */

static void
disturb(struct rnd *r, unsigned *zones)
{
	switch (rnd_below(r, 10)) {
	case 0:
		*zones = rnd_below(r, 1u << ZONES);
		reload(*zones);
		break;
	case 1:
		primary_set_mood(primary, rnd_below(r, 3) == 0
					      ? (enum primary_mood)rnd_below(
						    r, PRIMARY_LIES + 1)
					      : PRIMARY_ANSWERS);
		break;
	case 2:
		command((enum refresh_command)rnd_below(
		    r, REFRESH_COMMAND_FORCE + 1));
		break;
	case 3:
		atomic_store(&store->store->poisoned, rnd_below(r, 2) == 0);
		break;
	case 4:
		wait_a_moment();
		break;
	case 5:
		transfer_call(server, retry_there, NULL);
		break;
	default:
		primary_set_serial(primary,
				   primary_serial(primary) + rnd_below(r, 3));
		notify(rnd_below(r, ZONES));
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
	start_server(zones, "");
	for (uint64_t i = 0; i < rounds; i++) {
		disturb(&r, &zones);
	}
	atomic_store(&store->store->poisoned, false);
	primary_set_mood(primary, PRIMARY_ANSWERS);
	primary_set_serial(primary, primary_serial(primary) + 10);
	reload(0x3f);
	command(REFRESH_COMMAND_FORCE);
	for (unsigned i = 0; i < ZONES; i++) {
		await_serial(i, primary_serial(primary));
	}
	stop_server();
	store_dir_reopen(store);
	for (unsigned i = 0; i < ZONES; i++) {
		expect_stored(i, primary_serial(primary));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

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
	    TEST(the_last_version_is_tried_once_more_at_the_end),
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
