/* SPDX-License-Identifier: BSD-2-Clause */
/* What the witness is told of its keys. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/octets.h"
#include "server/evidence.h"
#include "witnessing.h"

static void
add(const char *name, uint32_t error, uint64_t tag)
{
	uint8_t wire[NAME_LEN_MAX];
	struct secd_key_used u = {
	    .way = SECD_WAY_IN,
	    .tsig_error = error,
	    .count = 1,
	    .name = wire,
	    .tag = tag,
	    .peer = {.family = 4, .octets = {192, 0, 2, 7}},
	    .at_ms = 5,
	    .skew_ms = -2000,
	};

	assert_int_equal(name_from_text(name, wire), SECD_OK);
	evidence_add(witnessing.frontend.evidence, &u);
}

static void
the_owner_is_told_what_became_of_signatures(void **state)
{
	(void)state;
	witnessing_begin("", "");
	witnessing_expect(SECD_OK, "key-put new. hmac-sha256 /a 4");
	add("slot.", 0, 3);
	witnessing_wait("witness",
			"key-used in slot. error 0 tag 3 count 1 peer "
			"192.0.2.7@0 skew -2000\n");
	add("other.", 17, 0);
	witnessing_wait("second", "key-used in other. error 17 tag 0 count 1");
	add("new.", 16, 0);
	witnessing_wait("witness", "key-used in new. error 16");
	assert_null(strstr(witnessing_calls("witness"), "other."));
	assert_null(strstr(witnessing_calls("second"), "slot."));
}

/* How often something stands in a text. */
static unsigned
count(const char *in, const char *what)
{
	unsigned n = 0;

	while ((in = strstr(in, what)) != NULL) {
		in += strlen(what);
		n++;
	}
	return n;
}

static void
it_is_told_once_a_second(void **state)
{
	int64_t began = clock_boot_ms();
	unsigned times, sum = 0;
	const char *p;

	(void)state;
	witnessing_begin("", "");
	for (unsigned i = 0; i < 40; i++) {
		const struct timespec moment = {0, 50000000};

		add("slot.", 0, 3);
		nanosleep(&moment, NULL);
	}
	add("slot.", 16, 9);
	witnessing_wait("witness", "error 16 tag 9 count 1");
	times = count(witnessing_calls("witness"), "error 0 tag 3");
	assert_in_range(times, 2, 2 + (clock_boot_ms() - began) / 1000);
	for (p = witnessing.text; (p = strstr(p, "tag 3 count ")) != NULL;
	     p++) {
		sum += (unsigned)strtoul(p + strlen("tag 3 count "), NULL, 10);
	}
	assert_int_equal(sum, 40);
}

/* Of a request of its own from each of more peers than there is room for. */
static void
add_crowd(void)
{
	uint8_t wire[NAME_LEN_MAX];
	struct secd_key_used u = {
	    .way = SECD_WAY_IN,
	    .tsig_error = TSIG_ERROR_BADSIG,
	    .count = 1,
	    .name = wire,
	    .peer = {.family = 4},
	};

	assert_int_equal(name_from_text("slot.", wire), SECD_OK);
	for (uint32_t i = 0; i < EVIDENCE_MAX; i++) {
		put_u32(u.peer.octets, i);
		evidence_add(witnessing.frontend.evidence, &u);
	}
}

static void
what_is_not_told_is_logged_once_a_minute(void **state)
{
	FILE *f = tmpfile();
	int real = dup(STDERR_FILENO);
	char text[1 << 12];
	size_t len;

	(void)state;
	assert_non_null(f);
	witnessing_begin("", "");
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	assert_int_equal(dup2(fileno(f), STDERR_FILENO), STDERR_FILENO);
	for (uint64_t tag = 1; tag <= 3; tag++) {
		char told[32];

		add_crowd();
		add("slot.", 0, tag);
		snprintf(told, sizeof(told), "error 0 tag %d", (int)tag);
		witnessing_wait("witness", told);
	}
	dup2(real, STDERR_FILENO);
	close(real);
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	rewind(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	assert_int_equal(count(text, "requests under their keys"), 1);
	assert_int_equal(count(text, "\n"), 1);
}

static void
whom_it_does_not_concern_hears_nothing(void **state)
{
	(void)state;
	witnessing_begin("", "");
	add("fixed.", 16, 0);
	add("nobody.", 17, 0);
	add("slot.", 0, 3);
	witnessing_wait("witness", "error 0 tag 3");
	assert_null(strstr(witnessing_calls("witness"), "fixed."));
	assert_null(strstr(witnessing_calls("witness"), "nobody."));
	assert_null(strstr(witnessing_calls("second"), "key-used"));
}

static void
a_module_that_gave_up_hears_nothing_and_its_keys_stay(void **state)
{
	struct tsig_key *key;

	(void)state;
	witnessing_begin("", "witness:\n  fail: command-for-good\n");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	witnessing_command("witness");
	add("slot.", 0, 3);
	add("other.", 0, 5);
	witnessing_wait("second", "key-used in other.");
	assert_non_null(strstr(witnessing_calls("witness"), "close\n"));
	assert_null(strstr(witnessing_calls("witness"), "key-used"));
	key = witnessing_key("slot.");
	assert_non_null(key);
	tsig_key_unref(key);
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, witnessing_start, witnessing_stop)
	const struct CMUnitTest tests[] = {
	    TEST(the_owner_is_told_what_became_of_signatures),
	    TEST(it_is_told_once_a_second),
	    TEST(what_is_not_told_is_logged_once_a_minute),
	    TEST(whom_it_does_not_concern_hears_nothing),
	    TEST(a_module_that_gave_up_hears_nothing_and_its_keys_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
