/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/keys.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "conf_dir.h"

static struct conf_dir *d;
static struct keys keys;

static const char settings[] = CONF_SERVER "module:\n"
					   "  - id: rotate\n"
					   "  - id: other\n"
					   "key:\n"
					   "  - id: a\n"
					   "    module: rotate\n"
					   "  - id: fixed\n"
					   "    secret: " CONF_SECRET "\n";

static int
start(void **state)
{
	void *dir;
	int rc = conf_dir_setup(&dir);

	(void)state;
	d = dir;
	conf_dir_accept(d, settings);
	return rc;
}

static int
stop(void **state)
{
	void *dir = d;

	(void)state;
	rcu_barrier();
	keys_fini(&keys);
	return conf_dir_teardown(&dir);
}

static const uint8_t *
name(const char *text)
{
	static uint8_t wire[NAME_LEN_MAX];

	assert_int_equal(name_from_text(text, wire), SECD_OK);
	return wire;
}

static void
put(const char *owner, const char *text, uint64_t tag, bool is_compared)
{
	struct keyring_key k = {.is_compared = is_compared};
	uint8_t secret[32] = {1};
	struct keyring *ring;

	assert_int_equal(tsig_key_new(name(text), TSIG_HMAC_SHA256, secret,
				      sizeof(secret), &k.key),
			 SECD_OK);
	tsig_key_set_tag(k.key, tag);
	snprintf(k.owner, sizeof(k.owner), "%s", owner);
	assert_int_equal(keyring_with(keys_ring(&keys), &k, &ring), SECD_OK);
	assert_int_equal(keys_publish_take(&keys, ring), SECD_OK);
	tsig_key_unref(k.key);
}

static uint64_t
verifier(const char *text)
{
	struct tsig_key *key =
	    keys_verifier(d->c, keys_ring(&keys), name(text));

	return key == NULL ? 0 : tsig_key_tag(key);
}

static uint64_t
found(const char *text)
{
	struct tsig_key *key = keys_find(d->c, keys_ring(&keys), name(text));

	return key == NULL ? 0 : tsig_key_tag(key);
}

static const char *
module_of(const char *text)
{
	const char *id = keys_module(d->c, keys_ring(&keys), name(text));

	return id == NULL ? "none" : id;
}

static void
the_key_that_its_module_has_put_is_in_force(void **state)
{
	(void)state;
	assert_int_equal(verifier("a."), 0);
	assert_int_equal(found("a."), 0);
	put("rotate", "a.", 1, false);
	assert_int_equal(verifier("A."), 1);
	put("rotate", "a.", 2, false);
	assert_int_equal(verifier("a."), 2);
	assert_int_equal(found("a."), 2);
}

static void
another_module_puts_it_in_vain(void **state)
{
	(void)state;
	put("other", "a.", 1, false);
	assert_int_equal(verifier("a."), 0);
	assert_int_equal(found("a."), 0);
	assert_string_equal(module_of("a."), "rotate");
}

static void
a_key_with_its_secret_in_the_configuration_is_that_one(void **state)
{
	struct tsig_key *key = d->c->keys[1].key;

	(void)state;
	put("rotate", "fixed.", 1, false);
	assert_ptr_equal(keys_verifier(d->c, keys_ring(&keys), name("fixed.")),
			 key);
	assert_ptr_equal(keys_find(d->c, keys_ring(&keys), name("fixed.")),
			 key);
	assert_string_equal(module_of("fixed."), "none");
}

/* It can be signed with, but nobody is let in with it. */
static void
a_key_that_only_a_module_knows_verifies_nothing(void **state)
{
	(void)state;
	put("rotate", "x.", 1, false);
	assert_int_equal(verifier("x."), 0);
	assert_int_equal(found("x."), 1);
	assert_string_equal(module_of("x."), "rotate");
	assert_string_equal(module_of("y."), "none");
	put("other", "y.", 1, true);
	assert_int_equal(found("y."), 0);
	assert_string_equal(module_of("y."), "other");
}

#define READERS 3
#define CHANGES 2000

static atomic_bool is_over;

/* Each finds a key at any moment, and goes on with it after the section. */
static void *
read_all_the_time(void *arg)
{
	uint64_t *rounds = arg;

	rcu_register_thread();
	while (!atomic_load(&is_over)) {
		const struct keyring *ring;
		struct tsig_key *key;

		rcu_thread_online();
		ring = keys_ring(&keys);
		key = keys_verifier(d->c, ring, (const uint8_t *)"\1a");
		assert_non_null(key);
		sched_yield();
		assert_ptr_equal(
		    keys_verifier(d->c, ring, (const uint8_t *)"\1a"), key);
		tsig_key_ref(key);
		rcu_thread_offline();
		assert_true(tsig_key_tag(key) > 0);
		assert_true(
		    name_equal(tsig_key_name(key), (const uint8_t *)"\1A"));
		tsig_key_unref(key);
		(*rounds)++;
		sched_yield();
	}
	rcu_unregister_thread();
	return NULL;
}

static void
there_is_no_moment_without_a_key(void **state)
{
	pthread_t threads[READERS];
	uint64_t rounds[READERS] = {0};
	struct secret_stats stats;

	(void)state;
	put("rotate", "a.", 1, false);
	atomic_store(&is_over, false);
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL,
						read_all_the_time, &rounds[i]),
				 0);
	}
	for (uint64_t tag = 2; tag < CHANGES; tag++) {
		put("rotate", "a.", tag, false);
		if (tag % 3 == 0) {
			put("rotate", "a.", tag, true);
		}
		if (tag % 50 == 0) {
			rcu_barrier(); /* or memory runs full of old ones */
		}
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(rounds[i] > 0);
	}
	rcu_barrier();
	keys_fini(&keys);
	conf_dir_accept(d, CONF_SERVER);
	secret_stats(&stats);
	assert_int_equal(stats.mapped_len, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(the_key_that_its_module_has_put_is_in_force),
	    TEST(another_module_puts_it_in_vain),
	    TEST(a_key_with_its_secret_in_the_configuration_is_that_one),
	    TEST(a_key_that_only_a_module_knows_verifies_nothing),
	    TEST(there_is_no_moment_without_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
