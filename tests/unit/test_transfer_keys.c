/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers in under keys of the witness, which come, change and go meanwhile.
 * SECD_TRANSFER_ROUNDS says how often they change at random (150), and
 * SECD_TRANSFER_SEED how (1).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "rnd.h"
#include "server/control_reply.h"
#include "server/modules.h"
#include "world.h"

#define SECRETS 3

/* Of each name and secret, as the primary has it. */
static struct tsig_key *keys[2][SECRETS];

static int
start(void **state)
{
	char secret[33], name[16];

	world_start(state);
	world.has_witness = world.has_keys = true;
	for (int s = 0; s < SECRETS; s++) {
		memset(secret, 'p' + s, sizeof(secret));
		secret[32] = '\0';
		snprintf(name, sizeof(name), "%d", s);
		conf_dir_write(world.conf, name, 0600, secret);
		for (int k = 0; k < 2; k++) {
			const uint8_t owner[] = {1, (uint8_t)('a' + k), 0};

			assert_int_equal(tsig_key_new(owner, TSIG_HMAC_SHA256,
						      (const uint8_t *)secret,
						      32, &keys[k][s]),
					 SECD_OK);
		}
	}
	return 0;
}

static int
stop(void **state)
{
	int rc = world_stop(state);

	for (int k = 0; k < 2; k++) {
		for (int s = 0; s < SECRETS; s++) {
			tsig_key_unref(keys[k][s]);
		}
	}
	return rc;
}

static void
say(const char *word, const char *one, const char *two, const char *three,
    const char *four, const char *flag)
{
	const char *const words[] = {"witness", word, one, two,
				     three,     four, flag};
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};
	size_t count = 0;

	while (count < 7 && words[count] != NULL) {
		count++;
	}
	assert_int_equal(modules_command(world.server->modules, words, count,
					 (uint8_t *)position, &r),
			 SECD_OK);
	control_reply_fini(&r);
}

static const char *const names[] = {"a.", "b."};

static void
put(int key, int secret, const char *flag)
{
	static unsigned tag;
	char path[600], number[16];

	snprintf(path, sizeof(path), "%s/%d", world.conf->path, secret);
	snprintf(number, sizeof(number), "%u", ++tag);
	say("key-put", names[key], "hmac-sha256", path, number, flag);
}

static void
drop(int key, const char *flag)
{
	say("key-drop", names[key], "0", flag, NULL, NULL);
}

static void
use(int configured, int key)
{
	say("key-use", names[configured], names[key], NULL, NULL, NULL);
}

static void
a_zone_comes_as_soon_as_its_key_does(void **state)
{
	(void)state;
	primary_set_keys(world.primary, keys[0][0], NULL);
	world_start_server(0x3f, "");
	for (int i = 0; i < 100; i++) {
		world_wait();
	}
	assert_int_equal(primary_questions(world.primary), 0);
	put(0, 0, NULL);
	for (unsigned i = 0; i < WORLD_ZONES; i++) {
		world_await_serial(i, 1);
	}
	assert_int_equal(primary_refusals(world.primary), 0);
}

/* It does not wait for the time of the next try. */
static void
where_a_key_was_refused_another_is_tried_when_it_comes(void **state)
{
	struct world_look l = {.name = NULL};

	(void)state;
	primary_set_keys(world.primary, keys[0][1], NULL);
	world_start_server(1, "");
	put(0, 0, NULL);
	for (int i = 0;
	     i < WORLD_LIMIT && (l.failed_rounds == 0 || l.is_asking); i++) {
		world_wait();
		l = world_look(0);
	}
	assert_true(l.failed_rounds > 0);
	put(0, 1, NULL);
	l = world_look(0);
	assert_true(l.is_asking || l.is_building || l.has_version);
	world_await_serial(0, 1);
}

/* The first one again. */
static void
what_was_refused_is_tried_again_when_keys_change(void **state)
{
	unsigned refusals;

	(void)state;
	primary_set_keys(world.primary, keys[0][1], keys[1][0]);
	world_start_server(1, "");
	put(0, 0, NULL);
	put(1, 0, NULL);
	world_await_serial(0, 1);
	refusals = primary_refusals(world.primary);
	primary_set_serial(world.primary, 2);
	world_notify(0);
	world_await_serial(0, 2);
	assert_int_equal(primary_refusals(world.primary), refusals);
	put(0, 1, NULL);
	primary_set_keys(world.primary, keys[0][1], NULL);
	primary_set_serial(world.primary, 3);
	world_notify(0);
	world_await_serial(0, 3);
	assert_int_equal(primary_refusals(world.primary), refusals);
}

static void
what_signs_is_what_is_used(void **state)
{
	(void)state;
	primary_set_keys(world.primary, keys[0][0], keys[1][1]);
	world_start_server(1, "");
	put(0, 0, NULL);
	put(1, 1, NULL);
	world_await_serial(0, 1);
	use(0, 1);
	primary_set_keys(world.primary, keys[1][1], NULL);
	for (uint32_t serial = 2; serial < 10; serial++) {
		primary_set_serial(world.primary, serial);
		world_notify(0);
		world_await_serial(0, serial);
	}
	assert_int_equal(primary_refusals(world.primary), 0);
}

/* In one step, whatever is under way. */
static void
a_secret_that_both_replace_costs_no_version(void **state)
{
	(void)state;
	primary_set_keys(world.primary, keys[0][0], keys[1][0]);
	world_start_server(9, "");
	put(0, 0, NULL);
	put(1, 0, NULL);
	for (uint32_t serial = 1; serial < 40; serial++) {
		int next = (int)(serial % SECRETS);

		primary_set_serial(world.primary, serial);
		world_notify(0);
		world_notify(3);
		/* The other key is right all the time. */
		primary_set_keys(world.primary, keys[0][next], keys[1][0]);
		put(0, next, serial % 2 == 0 ? "cut" : NULL);
		world_await_serial(0, serial);
		world_await_serial(3, serial);
	}
}

static void
a_cut_transfer_is_asked_for_again(void **state)
{
	unsigned asked;

	(void)state;
	primary_set_keys(world.primary, keys[0][0], NULL);
	world_start_server(1, "");
	put(0, 0, NULL);
	world_await_serial(0, 1);
	asked = primary_questions(world.primary);
	primary_set_serial(world.primary, 2);
	primary_set_mood(world.primary, PRIMARY_IS_SILENT);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_questions(asked + 1);
	primary_set_keys(world.primary, keys[0][1], NULL);
	put(0, 1, "cut");
	/* On a connection of its own: that one would be silent for long. */
	world_await_questions(asked + 2);
	assert_int_equal(world_look(0).failed_rounds, 0);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_await_serial(0, 2);
}

/* It has the other secret already, and no other key does. */
static void
a_secret_that_is_replaced_while_it_is_refused_is_tried(void **state)
{
	unsigned asked;

	(void)state;
	primary_set_keys(world.primary, keys[0][0], NULL);
	world_start_server(1, "");
	put(0, 0, NULL);
	world_await_serial(0, 1);
	asked = primary_questions(world.primary);
	primary_set_serial(world.primary, 2);
	primary_set_keys(world.primary, keys[0][1], NULL);
	primary_set_mood(world.primary, PRIMARY_WAITS);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_questions(asked + 1);
	put(0, 1, NULL);
	primary_set_mood(world.primary, PRIMARY_WAITS);
	world_await_questions(asked + 2);
	assert_int_equal(primary_refusals(world.primary), 1);
	assert_int_equal(world_look(0).failed_rounds, 0);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_await_serial(0, 2);
}

/* It refused one key, and takes the other while both go. */
static void
keys_may_go_while_a_primary_answers(void **state)
{
	unsigned asked;

	(void)state;
	primary_set_keys(world.primary, keys[0][0], NULL);
	world_start_server(1, "");
	put(0, 0, NULL);
	world_await_serial(0, 1);
	asked = primary_questions(world.primary);
	primary_set_serial(world.primary, 2);
	primary_set_keys(world.primary, keys[1][0], NULL);
	put(1, 0, NULL);
	primary_set_mood(world.primary, PRIMARY_WAITS);
	world_command(REFRESH_COMMAND_REFRESH);
	world_await_questions(asked + 1);
	primary_set_mood(world.primary, PRIMARY_WAITS);
	world_await_questions(asked + 2);
	assert_int_equal(primary_refusals(world.primary), 1);
	drop(0, NULL);
	drop(1, NULL);
	primary_set_mood(world.primary, PRIMARY_ANSWERS);
	world_wait();
	put(1, 0, NULL);
	world_await_serial(0, 2);
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void
disturb(struct rnd *r, uint32_t *serial)
{
	int key = (int)rnd_below(r, 2);
	const char *flag = rnd_below(r, 2) > 0 ? "cut" : NULL;

	switch (rnd_below(r, 6)) {
	case 0:
		drop(key, flag);
		break;
	case 1:
		use(key, (int)rnd_below(r, 2));
		break;
	case 2:
		primary_set_keys(world.primary, keys[0][rnd_below(r, SECRETS)],
				 keys[1][rnd_below(r, SECRETS)]);
		break;
	case 3:
		primary_set_serial(world.primary, ++*serial);
		world_notify(rnd_below(r, WORLD_ZONES));
		break;
	default:
		put(key, (int)rnd_below(r, SECRETS), flag);
	}
	if (rnd_below(r, 4) == 0) {
		world_wait();
	}
}

static void
whatever_keys_do_the_zones_come_when_they_are_right(void **state)
{
	struct rnd r = {.state = setting("SECD_TRANSFER_SEED", 1)};
	uint64_t rounds = setting("SECD_TRANSFER_ROUNDS", 150);
	uint32_t serial = 1;

	(void)state;
	primary_set_keys(world.primary, keys[0][0], keys[1][0]);
	world_start_server(0x3f, "");
	put(0, 0, NULL);
	for (uint64_t round = 0; round < rounds; round++) {
		for (int i = 0; i < 10; i++) {
			disturb(&r, &serial);
		}
	}
	use(0, 0);
	use(1, 1);
	drop(1, "cut");
	primary_set_keys(world.primary, keys[0][1], NULL);
	primary_set_serial(world.primary, ++serial);
	put(0, 2, "cut");
	put(0, 1, "cut");
	world_command(REFRESH_COMMAND_REFRESH);
	for (unsigned i = 0; i < WORLD_ZONES; i++) {
		world_await_serial(i, serial);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(a_zone_comes_as_soon_as_its_key_does),
	    TEST(where_a_key_was_refused_another_is_tried_when_it_comes),
	    TEST(what_was_refused_is_tried_again_when_keys_change),
	    TEST(what_signs_is_what_is_used),
	    TEST(a_secret_that_both_replace_costs_no_version),
	    TEST(a_cut_transfer_is_asked_for_again),
	    TEST(a_secret_that_is_replaced_while_it_is_refused_is_tried),
	    TEST(keys_may_go_while_a_primary_answers),
	    TEST(whatever_keys_do_the_zones_come_when_they_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
