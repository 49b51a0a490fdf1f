/* SPDX-License-Identifier: BSD-2-Clause */

#include "keys/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "rnd.h"

static struct keyring *ring;

static int
start(void **state)
{
	(void)state;
	ring = NULL;
	return 0;
}

static int
stop(void **state)
{
	struct secret_stats stats;

	(void)state;
	keyring_free(ring);
	secret_stats(&stats);
	return stats.mapped_len == 0 ? 0 : -1; /* all secrets are gone */
}

static const uint8_t *
name(const char *text)
{
	static uint8_t names[4][NAME_LEN_MAX];
	static unsigned next;
	uint8_t *n = names[next++ % 4];

	assert_int_equal(name_from_text(text, n), SECD_OK);
	return n;
}

static struct tsig_key *
key_new(const char *text, uint64_t tag)
{
	uint8_t secret[32] = {(uint8_t)tag, 1};
	struct tsig_key *key;

	assert_int_equal(tsig_key_new(name(text), TSIG_HMAC_SHA256, secret,
				      sizeof(secret), &key),
			 SECD_OK);
	tsig_key_set_tag(key, tag);
	return key;
}

/* The keyring changes only when that goes well. */
static int
put_as(const char *owner, const char *text, uint64_t tag, bool is_compared)
{
	struct keyring_key k = {.is_compared = is_compared};
	struct keyring *next;
	int rc;

	k.key = key_new(text, tag);
	strcpy(k.owner, owner);
	rc = keyring_with(ring, &k, &next);
	tsig_key_unref(k.key);
	if (rc == SECD_OK) {
		keyring_free(ring);
		ring = next;
	}
	return rc;
}

static void
put(const char *text, uint64_t tag)
{
	assert_int_equal(put_as("m", text, tag, false), SECD_OK);
}

static void
put_compared(const char *text, uint64_t tag)
{
	assert_int_equal(put_as("m", text, tag, true), SECD_OK);
}

static void
drop_as(const char *owner, const char *text, uint64_t tag, bool is_compared)
{
	struct keyring *next;

	assert_int_equal(
	    keyring_without(ring, name(text), is_compared, tag, owner, &next),
	    SECD_OK);
	keyring_free(ring);
	ring = next;
}

static void
use(const char *configured, const char *key)
{
	struct keyring *next;

	assert_int_equal(
	    keyring_using(ring, name(configured), name(key), &next), SECD_OK);
	keyring_free(ring);
	ring = next;
}

/* 0: there is none. */
static uint64_t
tag_of(const char *text)
{
	const struct keyring_key *k = keyring_find(ring, name(text));

	if (k == NULL) {
		return 0;
	}
	assert_true(name_equal(tsig_key_name(k->key), name(text)));
	assert_false(k->is_compared);
	return tsig_key_tag(k->key);
}

/* The tags of those that are compared, as text. */
static const char *
compared(const char *text)
{
	static char out[256];
	const struct keyring_key *k;
	size_t count = keyring_compared(ring, name(text), &k);
	char *p = out;

	*p = '\0';
	for (size_t i = 0; i < count; i++) {
		assert_true(k[i].is_compared);
		p += sprintf(p, "%d ", (int)tsig_key_tag(k[i].key));
	}
	return out;
}

static void
assert_used(const char *configured, const char *key)
{
	assert_true(
	    name_equal(keyring_used(ring, name(configured)), name(key)));
}

static void
nothing_is_in_no_keyring(void **state)
{
	const struct keyring_key *k;

	(void)state;
	assert_null(keyring_find(NULL, name("a.")));
	assert_int_equal(keyring_compared(NULL, name("a."), &k), 0);
	assert_used("a.", "a.");
	drop_as("m", "a.", 1, false);
	assert_int_equal(tag_of("a."), 0);
	keyring_free(NULL);
}

static void
a_key_is_found_by_its_name_in_any_case(void **state)
{
	(void)state;
	put("b.example.", 2);
	put("a.example.", 1);
	put("c.example.", 3);
	assert_int_equal(tag_of("A.EXAMPLE."), 1);
	assert_int_equal(tag_of("b.example."), 2);
	assert_int_equal(tag_of("c.example."), 3);
	assert_int_equal(tag_of("example."), 0);
	assert_int_equal(tag_of("d.example."), 0);
}

static void
a_put_replaces_the_secret_of_that_name(void **state)
{
	(void)state;
	put("a.", 1);
	put("b.", 2);
	put("a.", 3);
	assert_int_equal(tag_of("a."), 3);
	assert_int_equal(tag_of("b."), 2);
}

static void
a_key_that_is_compared_is_not_accepted(void **state)
{
	(void)state;
	put_compared("a.", 5);
	assert_int_equal(tag_of("a."), 0);
	put("a.", 9);
	assert_int_equal(tag_of("a."), 9);
	assert_string_equal(compared("a."), "5 ");
}

static void
those_that_are_compared_differ_by_tag(void **state)
{
	(void)state;
	put_compared("b.", 7);
	put_compared("b.", 5);
	put_compared("b.", 6);
	put_compared("b.", 5);
	put_compared("a.", 4);
	put_compared("c.", 3);
	put("b.", 5);
	assert_string_equal(compared("b."), "5 6 7 ");
	drop_as("m", "b.", 6, true);
	drop_as("m", "b.", 8, true);
	assert_string_equal(compared("b."), "5 7 ");
	assert_string_equal(compared("c."), "3 ");
	assert_int_equal(tag_of("b."), 5);
	drop_as("m", "b.", 0, false);
	assert_string_equal(compared("b."), "5 7 ");
	assert_int_equal(tag_of("b."), 0);
}

static void
a_name_belongs_to_who_put_it_first(void **state)
{
	(void)state;
	put("a.", 1);
	assert_int_equal(put_as("other", "a.", 2, false), SECD_EEXIST);
	assert_int_equal(put_as("other", "a.", 2, true), SECD_EEXIST);
	drop_as("other", "a.", 1, false);
	assert_int_equal(tag_of("a."), 1);
	drop_as("m", "a.", 1, false);
	assert_int_equal(put_as("other", "a.", 2, true), SECD_OK);
	assert_int_equal(put_as("m", "a.", 3, false), SECD_EEXIST);
	assert_int_equal(put_as("other", "a.", 3, false), SECD_OK);
	assert_string_equal(keyring_find(ring, name("a."))->owner, "other");
}

static void
another_key_signs_until_it_is_itself_again(void **state)
{
	(void)state;
	use("a.", "B.");
	use("c.", "d.");
	assert_used("A.", "b.");
	assert_used("b.", "b.");
	assert_used("c.", "d.");
	use("a.", "e.");
	assert_used("a.", "e.");
	use("a.", "A.");
	use("z.", "z.");
	assert_used("a.", "a.");
	assert_used("c.", "d.");
	put("a.", 1);
	drop_as("m", "a.", 1, false);
	assert_used("c.", "d.");
}

static void
who_reads_an_old_keyring_has_its_keys(void **state)
{
	struct keyring *old;
	struct keyring_key k = {.owner = "m"};

	(void)state;
	put("a.", 1);
	old = ring;
	k.key = key_new("a.", 2);
	assert_int_equal(keyring_with(old, &k, &ring), SECD_OK);
	tsig_key_unref(k.key);
	assert_int_equal(tag_of("a."), 2);
	assert_int_equal(tsig_key_tag(keyring_find(old, name("a."))->key), 1);
	keyring_free(old);
	assert_int_equal(tag_of("a."), 2);
}

#define NAMES 12
#define TAGS  4

/* What a keyring should hold, in the plainest form. */
static struct {
	uint64_t accepted[NAMES];
	bool is_compared[NAMES][TAGS];
	unsigned used[NAMES];
} model;

/* Names that are each other's beginnings and ends. */
static const char *
random_name(unsigned i)
{
	static char text[4][8];
	static unsigned next;
	char *t = text[next++ % 4];

	sprintf(t,
		i % 3 == 0   ? "%c."
		: i % 3 == 1 ? "%c.a."
			     : "a.%c.",
		'a' + (int)i);
	return t;
}

static void
change_at_random(struct rnd *r)
{
	unsigned n = rnd_below(r, NAMES), t = rnd_below(r, TAGS);
	unsigned other = rnd_below(r, NAMES);

	switch (rnd_below(r, 5)) {
	case 0:
		put(random_name(n), t + 1);
		model.accepted[n] = t + 1;
		break;
	case 1:
		put_compared(random_name(n), t + 1);
		model.is_compared[n][t] = true;
		break;
	case 2:
		drop_as("m", random_name(n), 0, false);
		model.accepted[n] = 0;
		break;
	case 3:
		drop_as("m", random_name(n), t + 1, true);
		model.is_compared[n][t] = false;
		break;
	default:
		use(random_name(n), random_name(other));
		model.used[n] = other;
	}
}

static void
any_order_of_changes_gives_what_they_say(void **state)
{
	struct rnd r = {.state = 5};

	(void)state;
	memset(&model, 0, sizeof(model));
	for (unsigned n = 0; n < NAMES; n++) {
		model.used[n] = n;
	}
	for (int step = 0; step < 2000; step++) {
		change_at_random(&r);
		for (unsigned n = 0; n < NAMES; n++) {
			char expected[32], *p = expected;

			*p = '\0';
			for (unsigned t = 0; t < TAGS; t++) {
				if (model.is_compared[n][t]) {
					p += sprintf(p, "%u ", t + 1);
				}
			}
			assert_int_equal(tag_of(random_name(n)),
					 model.accepted[n]);
			assert_string_equal(compared(random_name(n)), expected);
			assert_used(random_name(n), random_name(model.used[n]));
		}
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_in_no_keyring),
	    TEST(a_key_is_found_by_its_name_in_any_case),
	    TEST(a_put_replaces_the_secret_of_that_name),
	    TEST(a_key_that_is_compared_is_not_accepted),
	    TEST(those_that_are_compared_differ_by_tag),
	    TEST(a_name_belongs_to_who_put_it_first),
	    TEST(another_key_signs_until_it_is_itself_again),
	    TEST(who_reads_an_old_keyring_has_its_keys),
	    TEST(any_order_of_changes_gives_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
