/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "forge.h"
#include "keys/keyring.h"

#define MANY 1000

static struct tsig_key *
make(const char *text)
{
	uint8_t name[NAME_LEN_MAX];
	struct tsig_key *key = NULL;

	assert_int_equal(name_from_text(text, name), SECD_OK);
	assert_int_equal(tsig_key_new(name, TSIG_HMAC_SHA256, forge_secret,
				      sizeof(forge_secret), &key),
			 SECD_OK);
	return key;
}

static struct tsig_key *
find(const struct keyring *ring, const char *text)
{
	uint8_t name[NAME_LEN_MAX];

	assert_int_equal(name_from_text(text, name), SECD_OK);
	return keyring_find(ring, name);
}

static void
an_empty_keyring_finds_nothing(void **state)
{
	struct keyring *ring = NULL;

	(void)state;
	assert_int_equal(keyring_new(NULL, 0, &ring), SECD_OK);
	assert_int_equal(keyring_count(ring), 0);
	assert_null(find(ring, "."));
	assert_null(find(ring, "a.example."));
	keyring_free(ring);
	keyring_free(NULL);
}

static void
every_key_of_many_is_found_and_no_other(void **state)
{
	static struct tsig_key *keys[MANY];
	struct keyring *ring = NULL;
	char text[64];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "k%d.xfr.example.",
			 i * 7919 % MANY);
		keys[i] = make(text);
	}
	assert_int_equal(keyring_new(keys, MANY, &ring), SECD_OK);
	assert_int_equal(keyring_count(ring), MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "k%d.xfr.example.",
			 i * 7919 % MANY);
		assert_ptr_equal(find(ring, text), keys[i]);
		snprintf(text, sizeof(text), "k%d.xfr.example.", MANY + i);
		assert_null(find(ring, text));
		snprintf(text, sizeof(text), "k%d.xfr.", i);
		assert_null(find(ring, text));
		tsig_key_unref(keys[i]);
	}
	keyring_free(ring);
}

static void
names_that_begin_alike_are_told_apart(void **state)
{
	const char *const names[] = {".",  "a.",      "a.a.", "aa.",
				     "b.", "a\\000.", "a.b.", "\\000."};
	struct tsig_key *keys[8];
	struct keyring *ring = NULL;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		keys[i] = make(names[i]);
	}
	assert_int_equal(keyring_new(keys, 8, &ring), SECD_OK);
	for (size_t i = 0; i < 8; i++) {
		assert_ptr_equal(find(ring, names[i]), keys[i]);
		tsig_key_unref(keys[i]);
	}
	assert_null(find(ring, "b.a."));
	keyring_free(ring);
}

static void
two_keys_of_one_name_are_refused(void **state)
{
	struct tsig_key *keys[] = {make("a.example."), make("b.example."),
				   make("A.example.")};
	struct keyring *ring = NULL;

	(void)state;
	assert_int_equal(keyring_new(keys, 3, &ring), SECD_EEXIST);
	assert_null(ring);
	for (size_t i = 0; i < 3; i++) {
		tsig_key_unref(keys[i]); /* no reference was kept */
	}
}

static void
a_keyring_keeps_its_keys_and_lets_them_go(void **state)
{
	struct tsig_key *key = make("a.example.");
	struct keyring *ring = NULL;
	struct secret_stats stats;

	(void)state;
	assert_int_equal(keyring_new(&key, 1, &ring), SECD_OK);
	tsig_key_unref(key);
	assert_ptr_equal(find(ring, "a.example."), key);
	keyring_free(ring);
	secret_stats(&stats);
	assert_int_equal(stats.mapped_len, 0);
}

static void
a_key_that_somebody_holds_outlives_the_keyring(void **state)
{
	struct tsig_key *key = make("a.example."), *held;
	struct keyring *ring = NULL;

	(void)state;
	assert_int_equal(keyring_new(&key, 1, &ring), SECD_OK);
	held = tsig_key_ref(find(ring, "a.example."));
	tsig_key_unref(key);
	keyring_free(ring);
	assert_int_equal(tsig_key_algorithm(held), TSIG_HMAC_SHA256);
	tsig_key_unref(held);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_keyring_finds_nothing),
	    cmocka_unit_test(every_key_of_many_is_found_and_no_other),
	    cmocka_unit_test(names_that_begin_alike_are_told_apart),
	    cmocka_unit_test(two_keys_of_one_name_are_refused),
	    cmocka_unit_test(a_keyring_keeps_its_keys_and_lets_them_go),
	    cmocka_unit_test(a_key_that_somebody_holds_outlives_the_keyring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
