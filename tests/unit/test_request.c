/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "place/request.h"

static const struct secd_option options[] = {
    {.key = "file", .value = "/etc/nsd/x"}, {.key = "group", .value = ""}};
static const struct keytext_key keys[] = {
    {"a.", "hmac-sha256", (const uint8_t *)"\0one", 4},
    {"b.", "hmac-sha512", (const uint8_t *)"two", 3}};

static struct request
example(void)
{
	return (struct request){
	    .dir = "/var/lib/x",
	    .timeout_ms = 1234,
	    .adapter = &adapter_nsd,
	    .settings = {.adapter = "nsd", .said = options, .count = 2},
	    .keys = keys,
	    .key_count = 2,
	};
}

static void
what_is_written_is_read(void **state)
{
	struct request r = example(), got;
	uint8_t *octets;
	size_t len;

	(void)state;
	assert_int_equal(request_write(&r, &octets, &len), SECD_OK);
	assert_int_equal(request_read(octets, len, &got), SECD_OK);
	assert_string_equal(got.dir, "/var/lib/x");
	assert_int_equal(got.timeout_ms, 1234);
	assert_ptr_equal(got.adapter, &adapter_nsd);
	assert_string_equal(settings_get(&got.settings, "file"), "/etc/nsd/x");
	assert_string_equal(settings_get(&got.settings, "group"), "");
	assert_string_equal(settings_get(&got.settings, "config"),
			    "/etc/nsd/nsd.conf");
	assert_int_equal(got.key_count, 2);
	assert_string_equal(got.keys[0].name, "a.");
	assert_string_equal(got.keys[1].algorithm, "hmac-sha512");
	assert_int_equal(got.keys[0].secret_len, 4);
	assert_memory_equal(got.keys[0].secret, "\0one", 4);
	assert_memory_equal(got.keys[1].secret, "two", 3);
	request_fini(&got);
	secret_free(octets, len);
}

static void
no_settings_and_no_keys_are_fine(void **state)
{
	struct request r = example(), got;
	uint8_t *octets;
	size_t len;

	(void)state;
	r.settings.count = r.key_count = 0;
	assert_int_equal(request_write(&r, &octets, &len), SECD_OK);
	assert_int_equal(request_read(octets, len, &got), SECD_OK);
	assert_int_equal(got.settings.count, 0);
	assert_int_equal(got.key_count, 0);
	request_fini(&got);
	secret_free(octets, len);
}

/* In memory of exactly that size, for a sanitizer to watch. */
static void
read_octets(const uint8_t *octets, size_t len, int rc)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	struct request got;

	assert_non_null(copy);
	memcpy(copy, octets, len);
	assert_int_equal(request_read(copy, len, &got), rc);
	if (rc == SECD_OK) {
		request_fini(&got);
	}
	free(copy);
}

static void
what_is_cut_or_too_long_is_malformed(void **state)
{
	struct request r = example();
	uint8_t *octets, more[512];
	size_t len;

	(void)state;
	assert_int_equal(request_write(&r, &octets, &len), SECD_OK);
	for (size_t cut = 0; cut < len; cut++) {
		read_octets(octets, cut, SECD_EMALF);
	}
	assert_true(len < sizeof(more));
	memcpy(more, octets, len);
	more[len] = 0;
	read_octets(more, len + 1, SECD_EMALF);
	read_octets(more, len, SECD_OK);
	secret_free(octets, len);
}

static void
whatever_octet_is_wrong_nothing_is_read_beyond(void **state)
{
	struct request r = example(), got;
	uint8_t *octets, copy[512];
	size_t len;

	(void)state;
	assert_int_equal(request_write(&r, &octets, &len), SECD_OK);
	for (size_t at = 0; at < len; at++) {
		for (unsigned value = 0; value < 256; value += 51) {
			uint8_t *exact = malloc(len);

			memcpy(copy, octets, len);
			copy[at] = (uint8_t)value;
			assert_non_null(exact);
			memcpy(exact, copy, len);
			if (request_read(exact, len, &got) == SECD_OK) {
				request_fini(&got);
			}
			free(exact);
		}
	}
	secret_free(octets, len);
}

static void
an_adapter_that_there_is_not_is_malformed(void **state)
{
	static const struct adapter other = {.name = "other"};
	struct request r = example();
	uint8_t *octets;
	size_t len;

	(void)state;
	r.adapter = &other;
	assert_int_equal(request_write(&r, &octets, &len), SECD_OK);
	read_octets(octets, len, SECD_EMALF);
	secret_free(octets, len);
}

static void
what_is_too_large_is_refused(void **state)
{
	struct request r = example();
	struct keytext_key *many = calloc(300, sizeof(*many));
	uint8_t *big = calloc(1, 65536), *octets;
	size_t len;

	(void)state;
	assert_non_null(many);
	assert_non_null(big);
	for (size_t i = 0; i < 300; i++) {
		many[i] = (struct keytext_key){"a.", "x", big, 65536};
	}
	r.keys = many;
	r.key_count = 300;
	assert_int_equal(request_write(&r, &octets, &len), SECD_ELIMIT);
	free(many);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),
	    cmocka_unit_test(no_settings_and_no_keys_are_fine),
	    cmocka_unit_test(what_is_cut_or_too_long_is_malformed),
	    cmocka_unit_test(whatever_octet_is_wrong_nothing_is_read_beyond),
	    cmocka_unit_test(an_adapter_that_there_is_not_is_malformed),
	    cmocka_unit_test(what_is_too_large_is_refused),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
