/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "forge.h"
#include "wire/tsig.h"

static void
a_key_has_its_name_in_lower_case(void **state)
{
	const uint8_t name[] = "\003XFR\007eXample";
	struct tsig_key *key = NULL;

	(void)state;
	assert_int_equal(
	    tsig_key_new(name, TSIG_HMAC_SHA512, forge_secret, 1, &key),
	    SECD_OK);
	assert_memory_equal(tsig_key_name(key), forge_owner,
			    sizeof(forge_owner));
	assert_int_equal(tsig_key_algorithm(key), TSIG_HMAC_SHA512);
	tsig_key_unref(key);
}

static void
an_empty_secret_is_refused(void **state)
{
	struct tsig_key *key = NULL;

	(void)state;
	assert_int_equal(tsig_key_new((const uint8_t *)forge_owner,
				      TSIG_HMAC_SHA256, forge_secret, 0, &key),
			 SECD_EINVAL);
	assert_null(key);
}

static void
an_algorithm_out_of_range_is_refused(void **state)
{
	struct tsig_key *key = NULL;

	(void)state;
	for (int a = -1; a < 9; a++) {
		if (a >= TSIG_HMAC_MD5 && a <= TSIG_HMAC_SHA512) {
			continue;
		}
		assert_int_equal(tsig_key_new((const uint8_t *)forge_owner,
					      (enum tsig_algorithm)a,
					      forge_secret, 1, &key),
				 SECD_EINVAL);
	}
	assert_null(key);
}

static void
the_last_reference_frees_the_secret(void **state)
{
	struct secret_stats stats;
	struct tsig_key *key = forge_key(TSIG_HMAC_SHA256);

	(void)state;
	assert_ptr_equal(tsig_key_ref(key), key);
	tsig_key_unref(key);
	secret_stats(&stats);
	assert_true(stats.mapped_len > 0);
	tsig_key_unref(key);
	secret_stats(&stats);
	assert_int_equal(stats.mapped_len, 0);
	tsig_key_unref(NULL);
}

static void
algorithm_names_are_read_back(void **state)
{
	(void)state;
	for (int a = TSIG_HMAC_MD5; a <= TSIG_HMAC_SHA512; a++) {
		enum tsig_algorithm out = 0;

		assert_int_equal(
		    tsig_algorithm_from_text(
			tsig_algorithm_text((enum tsig_algorithm)a), &out),
		    SECD_OK);
		assert_int_equal(out, a);
	}
	assert_string_equal(tsig_algorithm_text(TSIG_HMAC_SHA256),
			    "hmac-sha256");
}

static void
algorithm_names_are_read_in_any_case(void **state)
{
	enum tsig_algorithm out = 0;

	(void)state;
	assert_int_equal(tsig_algorithm_from_text("HMAC-SHA384", &out),
			 SECD_OK);
	assert_int_equal(out, TSIG_HMAC_SHA384);
}

static void
an_unknown_algorithm_name_is_not_found(void **state)
{
	const char *const names[] = {
	    "", "none", "hmac-sha25", "hmac-sha2566", "sha256", "gss-tsig"};
	enum tsig_algorithm out = TSIG_HMAC_SHA1;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(tsig_algorithm_from_text(names[i], &out),
				 SECD_ENOTFOUND);
	}
	assert_int_equal(out, TSIG_HMAC_SHA1);
}

static struct tsig_key *
key_of(const char *name, enum tsig_algorithm algorithm, uint8_t last,
       size_t len, uint64_t tag)
{
	uint8_t secret[32] = {1, 2, 3};
	struct tsig_key *key;

	secret[len - 1] = last;
	assert_int_equal(
	    tsig_key_new((const uint8_t *)name, algorithm, secret, len, &key),
	    SECD_OK);
	tsig_key_set_tag(key, tag);
	return key;
}

static void
keys_are_equal_when_all_of_them_is(void **state)
{
	struct tsig_key *a = key_of("\1k", TSIG_HMAC_SHA256, 9, 32, 7);
	struct tsig_key *same = key_of("\1K", TSIG_HMAC_SHA256, 9, 32, 7);
	struct tsig_key *others[] = {
	    key_of("\1l", TSIG_HMAC_SHA256, 9, 32, 7),
	    key_of("\1k", TSIG_HMAC_SHA384, 9, 32, 7),
	    key_of("\1k", TSIG_HMAC_SHA256, 8, 32, 7),
	    key_of("\1k", TSIG_HMAC_SHA256, 9, 31, 7),
	    key_of("\1k", TSIG_HMAC_SHA256, 9, 32, 6),
	};

	(void)state;
	assert_true(tsig_key_equal(a, same));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(tsig_key_equal(a, others[i]));
		assert_false(tsig_key_equal(others[i], a));
		tsig_key_unref(others[i]);
	}
	tsig_key_unref(a);
	tsig_key_unref(same);
}

static void
a_key_has_no_tag_and_is_in_force_until_told_otherwise(void **state)
{
	struct tsig_key *key = forge_key(TSIG_HMAC_SHA256);

	(void)state;
	assert_int_equal(tsig_key_tag(key), 0);
	tsig_key_set_tag(key, UINT64_MAX);
	assert_int_equal(tsig_key_tag(key), UINT64_MAX);
	assert_false(tsig_key_is_revoked(NULL));
	assert_false(tsig_key_is_revoked(key));
	tsig_key_revoke(key);
	assert_true(tsig_key_is_revoked(key));
	tsig_key_unref(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_has_its_name_in_lower_case),
	    cmocka_unit_test(an_empty_secret_is_refused),
	    cmocka_unit_test(an_algorithm_out_of_range_is_refused),
	    cmocka_unit_test(the_last_reference_frees_the_secret),
	    cmocka_unit_test(algorithm_names_are_read_back),
	    cmocka_unit_test(algorithm_names_are_read_in_any_case),
	    cmocka_unit_test(an_unknown_algorithm_name_is_not_found),
	    cmocka_unit_test(keys_are_equal_when_all_of_them_is),
	    cmocka_unit_test(
		a_key_has_no_tag_and_is_in_force_until_told_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
