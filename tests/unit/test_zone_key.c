/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "conf_dir.h"

static struct conf_dir *d;
static struct server *server;
static struct zone_entry *entry;
static const struct config_target *target; /* the zone's first primary */

/* a. and b. are a module's, c. and d. have their secrets. */
static const char settings[] = CONF_SERVER "module:\n"
					   "  - id: rotate\n"
					   "key:\n"
					   "  - id: a\n"
					   "    module: rotate\n"
					   "  - id: b\n"
					   "    module: rotate\n"
					   "  - id: c\n"
					   "    secret: " CONF_SECRET "\n"
					   "  - id: d\n"
					   "    secret: " CONF_SECRET "\n"
					   "remote:\n"
					   "  - id: r\n"
					   "    address: 192.0.2.1\n"
					   "%s"
					   "  - id: s\n"
					   "    address: 192.0.2.2\n"
					   "    key: [ c, d ]\n"
					   "zone:\n"
					   "  - domain: example.\n"
					   "    primary: [ r, s ]\n";

static int
start(void **state)
{
	void *dir;
	int rc = conf_dir_setup(&dir);

	(void)state;
	d = dir;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	server = aligned_alloc(64, (sizeof(*server) + 63) / 64 * 64);
	entry = calloc(1, sizeof(*entry));
	assert_non_null(server);
	assert_non_null(entry);
	memset(server, 0, sizeof(*server));
	entry->server = server;
	return rc;
}

static int
stop(void **state)
{
	void *dir = d;

	(void)state;
	zone_key_forget(entry);
	free(entry);
	rcu_barrier();
	keys_fini(&server->frontend.keys);
	free(server);
	return conf_dir_teardown(&dir);
}

static void
configure(const char *keys)
{
	char text[2000];

	snprintf(text, sizeof(text), settings, keys);
	conf_dir_accept(d, text);
	server->config = d->c;
	entry->policy = d->c->zones[0].policy;
	target = zone_primary(entry->policy, 0);
}

static const uint8_t *
name(const char *text)
{
	static uint8_t wire[2][NAME_LEN_MAX];
	static int next;
	uint8_t *w = wire[next++ & 1];

	assert_int_equal(name_from_text(text, w), SECD_OK);
	return w;
}

static const struct keyring *
ring(void)
{
	return keys_ring(&server->frontend.keys);
}

static void
publish(struct keyring *next)
{
	assert_int_equal(keys_publish_take(&server->frontend.keys, next),
			 SECD_OK);
}

static void
put(const char *text)
{
	struct keyring_key k = {.owner = "rotate"};
	uint8_t secret[32] = {1};
	struct keyring *next;

	assert_int_equal(tsig_key_new(name(text), TSIG_HMAC_SHA256, secret,
				      sizeof(secret), &k.key),
			 SECD_OK);
	assert_int_equal(keyring_with(ring(), &k, &next), SECD_OK);
	publish(next);
	tsig_key_unref(k.key);
}

static void
drop(const char *text)
{
	struct keyring *next;

	assert_int_equal(
	    keyring_without(ring(), name(text), false, 0, "rotate", &next),
	    SECD_OK);
	publish(next);
}

static void
use(const char *configured, const char *key)
{
	struct keyring *next;

	assert_int_equal(
	    keyring_using(ring(), name(configured), name(key), &next), SECD_OK);
	publish(next);
}

static const char *
text_of(int rc, struct tsig_key *key)
{
	static char text[NAME_TEXT_MAX];

	if (rc != SECD_OK) {
		assert_int_equal(rc, SECD_ENOTFOUND);
		return "missing";
	}
	if (key == NULL) {
		return "unsigned";
	}
	name_to_text(tsig_key_name(key), text);
	tsig_key_unref(key);
	return text;
}

/* All choices in their order: "a. b. ". */
static const char *
choices(void)
{
	static char out[200];
	struct tsig_key *key;
	unsigned count = zone_key_count(server, target);
	int rc;

	out[0] = '\0';
	for (unsigned n = 0; n < count; n++) {
		rc = zone_key_take(server, target, n, &key);
		strcat(strcat(out, text_of(rc, key)), " ");
	}
	if (count == 0) {
		assert_int_equal(zone_key_take(server, target, 0, &key),
				 SECD_ENOTFOUND);
	}
	return out;
}

static void
without_a_key_it_is_unsigned(void **state)
{
	(void)state;
	configure("");
	assert_string_equal(choices(), "unsigned ");
}

static void
keys_that_are_there_are_chosen_in_their_order(void **state)
{
	(void)state;
	configure("    key: [ b, a, c ]\n");
	assert_string_equal(choices(), "c. ");
	put("a.");
	assert_string_equal(choices(), "a. c. ");
	put("b.");
	assert_string_equal(choices(), "b. a. c. ");
	drop("b.");
	assert_string_equal(choices(), "a. c. ");
}

/* Whatever is missing, nothing goes unsigned. */
static void
without_the_secret_there_is_no_choice(void **state)
{
	char text[FAILURE_TEXT_MAX];

	(void)state;
	configure("    key: a\n");
	assert_string_equal(choices(), "");
	assert_string_equal(zone_key_missing(target, text, sizeof(text)),
			    "key a. is not there: module rotate gives none");
	configure("    key: [ a, b ]\n");
	put("c."); /* not one of its keys */
	assert_string_equal(choices(), "");
	assert_string_equal(
	    zone_key_missing(target, text, sizeof(text)),
	    "none of 2 keys is there, as a.: module rotate gives none");
}

static void
the_key_that_is_to_be_used_comes_first(void **state)
{
	(void)state;
	configure("    key: [ a, b ]\n");
	put("a.");
	put("b.");
	use("a.", "b.");
	assert_string_equal(choices(), "b. a. ");
	use("b.", "a."); /* the first of them that says something */
	assert_string_equal(choices(), "b. a. ");
	use("a.", "a.");
	assert_string_equal(choices(), "a. b. ");
	use("a.", "x."); /* which is not there */
	use("b.", "b.");
	assert_string_equal(choices(), "a. b. ");
	put("x.");
	assert_string_equal(choices(), "x. a. b. ");
}

static void
another_key_is_used_for_one_with_its_secret_too(void **state)
{
	(void)state;
	configure("    key: c\n");
	put("a.");
	use("c.", "a.");
	assert_string_equal(choices(), "a. c. ");
	use("c.", "d.");
	assert_string_equal(choices(), "d. c. ");
}

static const char *
now(void)
{
	struct tsig_key *key;
	int rc = zone_key_of_action(entry, &key);

	return text_of(rc, key);
}

/* The key that it would be asked with now. */
static bool
refused(void)
{
	struct tsig_key *key;
	bool is_other_left;

	assert_int_equal(zone_key_of_action(entry, &key), SECD_OK);
	is_other_left = zone_key_refused(entry, key);
	tsig_key_unref(key);
	return is_other_left;
}

static void
taken(void)
{
	struct tsig_key *key;

	assert_int_equal(zone_key_of_action(entry, &key), SECD_OK);
	zone_key_taken(entry, key);
	tsig_key_unref(key);
}

static void
what_is_refused_is_followed_by_the_next(void **state)
{
	(void)state;
	configure("    key: [ a, c, d ]\n");
	put("a.");
	assert_string_equal(now(), "a.");
	assert_true(refused());
	assert_string_equal(now(), "c.");
	assert_true(refused());
	assert_string_equal(now(), "d.");
	assert_false(refused());
	entry->key_tries = 0; /* another step */
	assert_string_equal(now(), "a.");
}

static void
what_was_taken_comes_first_until_keys_change(void **state)
{
	(void)state;
	configure("    key: [ a, c, d ]\n");
	put("a.");
	assert_true(refused());
	taken();
	assert_int_equal(entry->key_tries, 0);
	assert_string_equal(now(), "c.");
	/* All the others have their turn behind it. */
	assert_true(refused());
	assert_string_equal(now(), "d.");
	assert_true(refused());
	assert_string_equal(now(), "a.");
	assert_false(refused());
	taken();
	assert_string_equal(now(), "a.");
	/* Each primary has a choice of its own. */
	entry->action.primary = 1;
	assert_string_equal(now(), "c.");
	assert_true(refused());
	taken();
	assert_string_equal(now(), "d.");
	entry->action.primary = 0;
	assert_string_equal(now(), "a.");
	zone_key_forget(entry);
	entry->action.primary = 1;
	assert_string_equal(now(), "c.");
}

static struct tsig_key *
asked_with(void)
{
	struct tsig_key *key;

	assert_int_equal(zone_key_of_action(entry, &key), SECD_OK);
	return key;
}

static void
what_changed_while_it_was_refused_is_tried_from_the_first_on(void **state)
{
	struct tsig_key *key;

	(void)state;
	configure("    key: [ a, b, c ]\n");
	put("a.");
	put("b.");
	assert_true(refused());
	key = asked_with();
	use("a.", "b.");
	/* It is the second one still, but that is a. now. */
	assert_true(zone_key_refused(entry, key));
	assert_string_equal(now(), "b.");
	drop("b.");
	assert_true(zone_key_refused(entry, key));
	assert_string_equal(now(), "a.");
	tsig_key_unref(key);
	assert_true(refused());
	assert_false(refused());
}

static void
what_changed_while_it_was_taken_is_not_remembered(void **state)
{
	struct tsig_key *key;

	(void)state;
	configure("    key: [ a, b ]\n");
	put("a.");
	put("b.");
	assert_true(refused());
	key = asked_with();
	use("a.", "b.");
	zone_key_taken(entry, key);
	assert_int_equal(entry->key_tries, 0);
	assert_string_equal(now(), "b.");
	assert_true(refused());
	drop("a.");
	drop("b.");
	zone_key_taken(entry, key);
	assert_int_equal(entry->key_tries, 0);
	tsig_key_unref(key);
	assert_string_equal(now(), "missing");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(without_a_key_it_is_unsigned),
	    TEST(keys_that_are_there_are_chosen_in_their_order),
	    TEST(without_the_secret_there_is_no_choice),
	    TEST(the_key_that_is_to_be_used_comes_first),
	    TEST(another_key_is_used_for_one_with_its_secret_too),
	    TEST(what_is_refused_is_followed_by_the_next),
	    TEST(what_was_taken_comes_first_until_keys_change),
	    TEST(what_changed_while_it_was_refused_is_tried_from_the_first_on),
	    TEST(what_changed_while_it_was_taken_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
