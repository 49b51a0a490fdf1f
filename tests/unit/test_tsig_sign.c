/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "forge.h"
#include "wire/tsig.h"

static struct message m, reply;
static struct forge forge;
static struct tsig_key *key;
static struct tsig_transaction client, server;
static struct tsig_place place;

static int
start(void **state)
{
	(void)state;
	key = forge_key(TSIG_HMAC_SHA256);
	forge_init(&forge);
	forge_query(&m);
	forge_answer(&reply, 1);
	tsig_transaction_init(&client, key);
	tsig_transaction_init(&server, NULL);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	tsig_transaction_fini(&client);
	tsig_transaction_fini(&server);
	tsig_key_unref(key);
	return 0;
}

/* The client asks at its own time; the server has `key` or not. */
static enum tsig_verdict
ask(struct tsig_key *held, int64_t client_now)
{
	assert_int_equal(tsig_sign_request(&client, m.wire, &m.len,
					   sizeof(m.wire), client_now),
			 SECD_OK);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	assert_true(place.present);
	tsig_transaction_fini(&server);
	return tsig_verify_request(&server, held, m.wire, &m.len, &place,
				   FORGE_NOW);
}

static int
answer(int64_t now)
{
	return tsig_sign_answer(&server, reply.wire, &reply.len,
				sizeof(reply.wire), now);
}

static int
answer_error(enum tsig_verdict verdict)
{
	forge_rcode(&reply, 9);
	return tsig_sign_error(&server, verdict, m.wire, m.len, &place,
			       reply.wire, &reply.len, sizeof(reply.wire),
			       FORGE_NOW);
}

static enum tsig_verdict
hear(int64_t now)
{
	return tsig_verify_answer(&client, reply.wire, &reply.len, now);
}

static void
a_request_is_signed_as_anybody_would(void **state)
{
	struct message expected = m;

	(void)state;
	forge_sign(&forge, &expected);
	assert_int_equal(tsig_sign_request(&client, m.wire, &m.len,
					   sizeof(m.wire), FORGE_NOW),
			 SECD_OK);
	assert_int_equal(m.len, expected.len);
	assert_memory_equal(m.wire, expected.wire, expected.len);
}

static void
room_is_what_signing_takes(void **state)
{
	(void)state;
	for (int a = TSIG_HMAC_MD5; a <= TSIG_HMAC_SHA512; a++) {
		struct tsig_key *k = forge_key((enum tsig_algorithm)a);
		struct tsig_transaction t;
		size_t before;

		forge_query(&m);
		before = m.len;
		tsig_transaction_init(&t, k);
		assert_int_equal(tsig_sign_request(&t, m.wire, &m.len,
						   before + tsig_room(k),
						   FORGE_NOW),
				 SECD_OK);
		assert_int_equal(m.len, before + tsig_room(k));
		tsig_transaction_fini(&t);
		tsig_key_unref(k);
	}
	assert_int_equal(tsig_room(NULL), 0);
}

static void
without_room_nothing_changes(void **state)
{
	struct message before = m;

	(void)state;
	for (size_t room = 0; room < tsig_room(key); room++) {
		assert_int_equal(tsig_sign_request(&client, m.wire, &m.len,
						   m.len + room, FORGE_NOW),
				 SECD_ENOSPC);
	}
	assert_int_equal(m.len, before.len);
	assert_memory_equal(m.wire, before.wire, sizeof(before.wire));
	assert_int_equal(client.mac_len, 0);
}

static void
without_a_key_nothing_is_signed(void **state)
{
	struct tsig_transaction t;
	struct message before = m;

	(void)state;
	tsig_transaction_init(&t, NULL);
	assert_int_equal(
	    tsig_sign_request(&t, m.wire, &m.len, m.len, FORGE_NOW), SECD_OK);
	assert_int_equal(tsig_sign_answer(&t, m.wire, &m.len, m.len, FORGE_NOW),
			 SECD_OK);
	assert_int_equal(m.len, before.len);
	assert_memory_equal(m.wire, before.wire, before.len);
	tsig_transaction_fini(&t);
}

static void
a_full_additional_section_is_no_room(void **state)
{
	(void)state;
	put_u16(m.wire + 10, UINT16_MAX);
	assert_int_equal(tsig_sign_request(&client, m.wire, &m.len,
					   sizeof(m.wire), FORGE_NOW),
			 SECD_ENOSPC);
	assert_int_equal(get_u16(m.wire + 10), UINT16_MAX);
}

static void
what_is_signed_verifies(void **state)
{
	(void)state;
	for (int a = TSIG_HMAC_MD5; a <= TSIG_HMAC_SHA512; a++) {
		tsig_key_unref(key);
		key = forge_key((enum tsig_algorithm)a);
		tsig_transaction_fini(&client);
		tsig_transaction_init(&client, key);
		forge_query(&m);
		assert_int_equal(ask(key, FORGE_NOW), TSIG_GOOD);
		for (unsigned i = 0; i < 5; i++) {
			forge_answer(&reply, (uint8_t)i);
			assert_int_equal(answer(FORGE_NOW + i), SECD_OK);
			assert_int_equal(hear(FORGE_NOW + i), TSIG_GOOD);
		}
		assert_int_equal(tsig_verify_end(&client), TSIG_GOOD);
	}
}

static void
every_answer_of_a_stream_is_signed(void **state)
{
	struct tsig_place found;

	(void)state;
	assert_int_equal(ask(key, FORGE_NOW), TSIG_GOOD);
	for (unsigned i = 0; i < 300; i++) {
		forge_answer(&reply, 1);
		assert_int_equal(answer(FORGE_NOW), SECD_OK);
		assert_int_equal(tsig_find(reply.wire, reply.len, &found),
				 SECD_OK);
		assert_true(found.present);
	}
}

static void
a_clock_that_steps_back_does_not_break_a_stream(void **state)
{
	(void)state;
	assert_int_equal(ask(key, FORGE_NOW), TSIG_GOOD);
	assert_int_equal(answer(FORGE_NOW), SECD_OK);
	assert_int_equal(hear(FORGE_NOW), TSIG_GOOD);
	forge_answer(&reply, 2);
	assert_int_equal(answer(FORGE_NOW - 100), SECD_OK);
	assert_int_equal(hear(FORGE_NOW), TSIG_GOOD);
}

static void
a_time_before_1970_is_signed_as_zero(void **state)
{
	(void)state;
	assert_int_equal(ask(key, -5), TSIG_BADTIME);
	assert_int_equal(server.skew_s, -FORGE_NOW);
}

static void
our_request_outside_the_peers_time_is_refused_with_its_time(void **state)
{
	(void)state;
	for (int64_t off = -1000; off <= 1000; off += 2000) {
		tsig_transaction_fini(&client);
		tsig_transaction_init(&client, key);
		forge_query(&m);
		forge_answer(&reply, 1);
		assert_int_equal(ask(key, FORGE_NOW + off), TSIG_BADTIME);
		assert_int_equal(server.skew_s, off);
		assert_int_equal(answer_error(TSIG_BADTIME), SECD_OK);
		assert_int_equal(hear(FORGE_NOW + off), TSIG_REFUSED_BADTIME);
		assert_int_equal(client.skew_s, -off);
	}
}

/* CVE-2017-3142: no MAC may be had for what did not verify. */
static void
an_answer_to_a_wrong_key_or_mac_has_no_mac(void **state)
{
	const enum tsig_verdict verdicts[] = {TSIG_BADKEY, TSIG_BADSIG};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct forge bad;
		size_t plain;

		forge_init(&bad);
		bad.mac_len = 0;
		bad.error = verdicts[i] == TSIG_BADKEY ? 17 : 16;
		forge_query(&m);
		assert_int_equal(ask(key, FORGE_NOW), TSIG_GOOD);
		/* Even with a key at hand. */
		forge_query(&m);
		forge_sign(&forge, &m);
		forge_answer(&reply, 1);
		plain = reply.len;
		assert_int_equal(answer_error(verdicts[i]), SECD_OK);
		assert_int_equal(reply.len, plain + tsig_room(key) - 32);
		assert_int_equal(get_u16(reply.wire + reply.len - 8), 0);
		assert_int_equal(get_u16(reply.wire + reply.len - 4),
				 bad.error);
	}
}

static void
an_unknown_key_is_told_to_the_client(void **state)
{
	(void)state;
	assert_int_equal(ask(NULL, FORGE_NOW), TSIG_BADKEY);
	assert_int_equal(answer_error(TSIG_BADKEY), SECD_OK);
	assert_int_equal(hear(FORGE_NOW), TSIG_REFUSED_BADKEY);
}

static void
a_wrong_secret_is_told_to_the_client(void **state)
{
	const uint8_t secret[] = {9, 9, 9};
	struct tsig_key *other = NULL;

	(void)state;
	assert_int_equal(tsig_key_new((const uint8_t *)forge_owner,
				      TSIG_HMAC_SHA256, secret, sizeof(secret),
				      &other),
			 SECD_OK);
	assert_int_equal(ask(other, FORGE_NOW), TSIG_BADSIG);
	assert_int_equal(answer_error(TSIG_BADSIG), SECD_OK);
	assert_int_equal(hear(FORGE_NOW), TSIG_REFUSED_BADSIG);
	tsig_key_unref(other);
}

static void
a_truncated_request_gets_a_signed_badtrunc(void **state)
{
	(void)state;
	forge.mac_len = 16;
	forge_sign(&forge, &m);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	assert_int_equal(tsig_verify_request(&server, key, m.wire, &m.len,
					     &place, FORGE_NOW),
			 TSIG_BADTRUNC);
	assert_int_equal(answer_error(TSIG_BADTRUNC), SECD_OK);
	client.id = FORGE_ID;
	memcpy(client.mac, forge.prior, 16);
	client.mac_len = 16;
	assert_int_equal(hear(FORGE_NOW), TSIG_REFUSED_BADTRUNC);
}

static void
a_signed_error_needs_a_mac_that_verified(void **state)
{
	struct message before = reply;

	(void)state;
	assert_int_equal(ask(NULL, FORGE_NOW), TSIG_BADKEY);
	forge_rcode(&before, 9);
	assert_int_equal(answer_error(TSIG_BADTIME), SECD_EINVAL);
	assert_int_equal(answer_error(TSIG_BADTRUNC), SECD_EINVAL);
	assert_int_equal(reply.len, before.len);
	assert_memory_equal(reply.wire, before.wire, before.len);
}

static void
only_tsig_errors_are_answered_as_such(void **state)
{
	const enum tsig_verdict others[] = {TSIG_GOOD, TSIG_MISSING,
					    TSIG_FORMERR, TSIG_NO_MEMORY,
					    TSIG_REFUSED_BADSIG};

	(void)state;
	assert_int_equal(ask(key, FORGE_NOW - 999), TSIG_BADTIME);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(answer_error(others[i]), SECD_EINVAL);
	}
}

/* CVE-2020-8617: a BADTIME answer sent back to us as a request. */
static void
our_badtime_answer_is_not_a_request(void **state)
{
	struct tsig_transaction t;
	struct tsig_place where;

	(void)state;
	assert_int_equal(ask(key, FORGE_NOW - 999), TSIG_BADTIME);
	assert_int_equal(answer_error(TSIG_BADTIME), SECD_OK);
	assert_int_equal(tsig_find(reply.wire, reply.len, &where), SECD_OK);
	assert_int_equal(tsig_verify_request(&t, key, reply.wire, &reply.len,
					     &where, FORGE_NOW),
			 TSIG_FORMERR);
	tsig_transaction_fini(&t);
	reply.wire[2] &= 0x7f;
	assert_int_equal(tsig_verify_request(&t, key, reply.wire, &reply.len,
					     &where, FORGE_NOW),
			 TSIG_FORMERR);
	tsig_transaction_fini(&t);
}

static void
our_answer_is_not_a_request(void **state)
{
	struct tsig_transaction t;
	struct tsig_place where;

	(void)state;
	assert_int_equal(ask(key, FORGE_NOW), TSIG_GOOD);
	assert_int_equal(answer(FORGE_NOW), SECD_OK);
	reply.wire[2] &= 0x7f;
	assert_int_equal(tsig_find(reply.wire, reply.len, &where), SECD_OK);
	assert_int_equal(tsig_verify_request(&t, key, reply.wire, &reply.len,
					     &where, FORGE_NOW),
			 TSIG_BADSIG);
	tsig_transaction_fini(&t);
}

static void
every_verdict_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (int a = TSIG_GOOD; a <= TSIG_REFUSED_BADTRUNC; a++) {
		assert_string_not_equal(tsig_verdict_text((enum tsig_verdict)a),
					"unknown");
		for (int b = TSIG_GOOD; b < a; b++) {
			assert_string_not_equal(
			    tsig_verdict_text((enum tsig_verdict)a),
			    tsig_verdict_text((enum tsig_verdict)b));
		}
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_request_is_signed_as_anybody_would),
	    CASE(room_is_what_signing_takes),
	    CASE(without_room_nothing_changes),
	    CASE(without_a_key_nothing_is_signed),
	    CASE(a_full_additional_section_is_no_room),
	    CASE(what_is_signed_verifies),
	    CASE(every_answer_of_a_stream_is_signed),
	    CASE(a_clock_that_steps_back_does_not_break_a_stream),
	    CASE(a_time_before_1970_is_signed_as_zero),
	    CASE(our_request_outside_the_peers_time_is_refused_with_its_time),
	    CASE(an_answer_to_a_wrong_key_or_mac_has_no_mac),
	    CASE(an_unknown_key_is_told_to_the_client),
	    CASE(a_wrong_secret_is_told_to_the_client),
	    CASE(a_truncated_request_gets_a_signed_badtrunc),
	    CASE(a_signed_error_needs_a_mac_that_verified),
	    CASE(only_tsig_errors_are_answered_as_such),
	    CASE(our_badtime_answer_is_not_a_request),
	    CASE(our_answer_is_not_a_request),
	    CASE(every_verdict_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
