/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/derive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/name.h"

struct vector {
	const char *name;
	uint32_t generation;
	uint64_t epoch;
	const char *secret;
};

/* With a root of 32 octets 01. The first one was computed with two other
 * implementations of HKDF. */
static const struct vector vectors[] = {
    {"a.xfr.example.", 1, 42,
     "1670fd16a9723f2e0cc5286569660909c0e3ea552f9f17678235138abdf3066e"},
    {"a.xfr.example.", 1, 43,
     "16ff92b8d7e8d2056bd1fd49894a2cd13c795708954acb657a7ace2c140b05aa"},
    {"a.xfr.example.", 2, 42,
     "aad88dda41546cfc5265d91558d1466f9157a0c5472bae56aeeb365d143bbaa7"},
    {"b.xfr.example.", 1, 42,
     "1ee53140e20c1c1f5d44ece0d6162895fc79abb4dc645478510a1b0b7ab7c93c"},
};

static void
derive(const struct vector *v, uint8_t fill, char text[65], uint8_t secret[32])
{
	uint8_t name[NAME_LEN_MAX], root[32];

	memset(root, fill, sizeof(root));
	assert_int_equal(name_from_text(v->name, name), 0);
	assert_true(derive_secret(root, name, v->generation, v->epoch, secret));
	for (int i = 0; i < 32; i++) {
		snprintf(text + (ptrdiff_t)2 * i, 3, "%02x", secret[i]);
	}
}

static void
secrets_are_those_of_the_documentation(void **state)
{
	char text[65];
	uint8_t secret[32];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		derive(&vectors[i], 1, text, secret);
		assert_string_equal(text, vectors[i].secret);
	}
}

static void
another_root_gives_other_secrets(void **state)
{
	char text[65];
	uint8_t secret[32];

	(void)state;
	derive(&vectors[0], 2, text, secret);
	assert_string_not_equal(text, vectors[0].secret);
}

static void
a_name_of_any_length_will_do(void **state)
{
	uint8_t name[NAME_LEN_MAX], root[32] = {1}, one[32], two[32];

	(void)state;
	memset(name, 'x', sizeof(name));
	for (int at = 0; at < 254; at += 64) {
		name[at] = (uint8_t)(at < 192 ? 63 : 61);
	}
	name[254] = 0;
	assert_int_equal(name_check(name, sizeof(name)), sizeof(name));
	assert_true(derive_secret(root, name, UINT32_MAX, UINT64_MAX, one));
	name[1] = 'y';
	assert_true(derive_secret(root, name, UINT32_MAX, UINT64_MAX, two));
	assert_memory_not_equal(one, two, 32);
	name[0] = 0;
	assert_true(derive_secret(root, name, 0, 0, two));
	assert_memory_not_equal(one, two, 32);
}

static void
a_fingerprint_is_the_one_of_the_documentation(void **state)
{
	char text[65], fingerprint[DERIVE_FINGERPRINT_LEN];
	uint8_t secret[32];

	(void)state;
	derive(&vectors[0], 1, text, secret);
	assert_string_equal(derive_fingerprint(secret, fingerprint),
			    "cd307b6f");
}

static void
a_root_is_known_again(void **state)
{
	uint8_t root[32] = {1}, one[PAIR_CHECK_LEN], two[PAIR_CHECK_LEN];

	(void)state;
	assert_true(derive_root_check(root, one));
	assert_true(derive_root_check(root, two));
	assert_memory_equal(one, two, sizeof(one));
	root[31] = 1;
	assert_true(derive_root_check(root, two));
	assert_memory_not_equal(one, two, sizeof(one));
}

static void
random_octets_differ(void **state)
{
	uint8_t one[32] = {0}, two[32] = {0};

	(void)state;
	assert_true(derive_random(one, sizeof(one)));
	assert_true(derive_random(two, sizeof(two)));
	assert_memory_not_equal(one, two, sizeof(one));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(secrets_are_those_of_the_documentation),
	    cmocka_unit_test(another_root_gives_other_secrets),
	    cmocka_unit_test(a_name_of_any_length_will_do),
	    cmocka_unit_test(a_fingerprint_is_the_one_of_the_documentation),
	    cmocka_unit_test(a_root_is_known_again),
	    cmocka_unit_test(random_octets_differ),
	};

	return cmocka_run_group_tests_name("rotate_derive", tests, NULL, NULL);
}
