/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "forge.h"
#include "wire/query.h"
#include "wire/rr.h"

#define START   INT64_C(1000000)
#define TIMEOUT INT64_C(10000)
#define RANDOM  0xabcd1234u /* ids 0x1234 and 0xabcd */

static const uint8_t zone[] = "\7example";

static struct probe p;
static struct tsig_key *key;
static struct tsig_transaction server; /* of the request that came */
static struct tsig_place place;
static struct message request, m;
static int64_t now;

static void
begin(bool is_tcp)
{
	probe_fini(&p);
	assert_int_equal(
	    probe_init(&p, zone, key, is_tcp, TIMEOUT, RANDOM, now, FORGE_NOW),
	    SECD_OK);
}

static int
start(void **state)
{
	(void)state;
	now = START;
	key = forge_key(TSIG_HMAC_SHA256);
	begin(false);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	probe_fini(&p);
	tsig_transaction_fini(&server);
	tsig_key_unref(key);
	return 0;
}

/* The message reaches a server that has this key, or none. */
static enum tsig_verdict
arrive(struct tsig_key *at_server, int64_t its_time)
{
	struct message copy;

	request.len = copy.len = p.len;
	memcpy(request.wire, p.msg, p.len);
	memcpy(copy.wire, p.msg, p.len);
	assert_int_equal(tsig_find(copy.wire, copy.len, &place), SECD_OK);
	tsig_transaction_fini(&server);
	return tsig_verify_request(&server, at_server, copy.wire, &copy.len,
				   &place, its_time);
}

/* An answer with the SOA of the zone, not signed yet. */
static void
make_answer(uint16_t flags, uint32_t serial)
{
	static const uint8_t soa[] = "\xc0\x0c\0\6\0\1\0\0\0\7\0\x16\0\0";
	size_t question = 12 + sizeof(zone) + 4;

	memset(m.wire, 0, 12);
	memcpy(m.wire, request.wire, 2);
	put_u16(m.wire + 2, (uint16_t)(HEADER_QR | HEADER_AA | flags));
	put_u16(m.wire + 4, 1);
	put_u16(m.wire + 6, 1);
	memcpy(m.wire + 12, request.wire + 12, question - 12);
	memcpy(m.wire + question, soa, 14);
	memset(m.wire + question + 14, 0, 20);
	put_u32(m.wire + question + 14, serial);
	m.len = question + 34;
}

/* A bare error. */
static void
make_error(uint8_t rcode)
{
	make_answer(rcode, 0);
	put_u16(m.wire + 6, 0);
	m.len = 12 + sizeof(zone) + 4;
}

static void
sign(int64_t its_time)
{
	assert_int_equal(
	    tsig_sign_answer(&server, m.wire, &m.len, sizeof(m.wire), its_time),
	    SECD_OK);
}

static void
sign_error(enum tsig_verdict verdict, int64_t its_time)
{
	make_error(RCODE_NOTAUTH);
	assert_int_equal(tsig_sign_error(&server, verdict, request.wire,
					 request.len, &place, m.wire, &m.len,
					 sizeof(m.wire), its_time),
			 SECD_OK);
}

static enum probe_want
take(void)
{
	return probe_take(&p, m.wire, m.len, now, FORGE_NOW);
}

/* What proves nothing counts after a moment. */
static void
expect_after_a_moment(enum probe_outcome outcome, enum tsig_error error)
{
	int64_t came = now;

	assert_int_equal(take(), PROBE_WAIT);
	assert_true(p.due_ms > now && p.due_ms < now + 1000);
	now = p.due_ms;
	assert_int_equal(probe_turn(&p, now), PROBE_OVER);
	assert_int_equal(p.result.outcome, outcome);
	assert_int_equal(p.result.tsig_error, error);
	assert_int_equal(p.result.took_ms, came - START);
}

static void
the_message_is_a_signed_soa_query(void **state)
{
	struct message copy;
	struct query q;
	struct name_hash_key hash = {{1, 2}};

	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	copy = request;
	assert_int_equal(query_parse(&q, copy.wire, copy.len, &hash),
			 QUERY_OTHER);
	assert_true(q.has_tsig);
	assert_false(q.has_edns);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.flags, 0);
	assert_int_equal(q.qtype, RR_TYPE_SOA);
	assert_true(name_equal(q.lower, zone));
	assert_false(p.is_tcp);
}

static void
a_good_answer_verifies_it(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_answer(0, 77);
	sign(FORGE_NOW + 3);
	now += 40;
	assert_int_equal(take(), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_VERIFIED);
	assert_int_equal(p.result.rcode, RCODE_NOERROR);
	assert_true(p.result.has_serial);
	assert_int_equal(p.result.serial, 77);
	assert_int_equal(p.result.skew_s, 3);
	assert_int_equal(p.result.took_ms, 40);
}

static void
an_error_that_is_signed_verifies_it_too(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_error(RCODE_REFUSED);
	sign(FORGE_NOW);
	assert_int_equal(take(), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_VERIFIED);
	assert_int_equal(p.result.rcode, RCODE_REFUSED);
	assert_false(p.result.has_serial);
}

static void
what_the_peer_objects_to_is_told(void **state)
{
	uint8_t secret[32] = {9};
	struct tsig_key *other;

	(void)state;
	assert_int_equal(arrive(NULL, FORGE_NOW), TSIG_BADKEY);
	sign_error(TSIG_BADKEY, FORGE_NOW);
	now += 20;
	expect_after_a_moment(PROBE_REFUSED, TSIG_ERROR_BADKEY);
	assert_int_equal(p.result.rcode, RCODE_NOTAUTH);

	assert_int_equal(tsig_key_new(tsig_key_name(key), TSIG_HMAC_SHA256,
				      secret, sizeof(secret), &other),
			 SECD_OK);
	now = START;
	begin(false);
	assert_int_equal(arrive(other, FORGE_NOW), TSIG_BADSIG);
	sign_error(TSIG_BADSIG, FORGE_NOW);
	expect_after_a_moment(PROBE_REFUSED, TSIG_ERROR_BADSIG);
	tsig_key_unref(other);
}

static void
a_wrong_clock_is_told_with_its_skew(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW + 601), TSIG_BADTIME);
	sign_error(TSIG_BADTIME, FORGE_NOW + 601);
	expect_after_a_moment(PROBE_REFUSED, TSIG_ERROR_BADTIME);
	assert_int_equal(p.result.skew_s, 601);
}

static void
an_unsigned_answer_is_told(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_error(RCODE_SERVFAIL);
	expect_after_a_moment(PROBE_UNSIGNED, TSIG_ERROR_NONE);
	assert_int_equal(p.result.rcode, RCODE_SERVFAIL);
}

static void
a_signature_that_does_not_verify_is_wrong(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_answer(0, 77);
	sign(FORGE_NOW);
	m.wire[12 + sizeof(zone) + 4 + 17] ^= 1; /* the serial */
	expect_after_a_moment(PROBE_WRONG, TSIG_ERROR_BADSIG);
	assert_false(p.result.has_serial);
}

/* Whoever was quicker with an answer that proves nothing. */
static void
a_good_answer_behind_a_forged_one_counts(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_error(RCODE_NOTAUTH);
	assert_int_equal(take(), PROBE_WAIT);
	make_answer(0, 77);
	sign(FORGE_NOW);
	now += 100;
	assert_int_equal(take(), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_VERIFIED);
}

static void
forged_answers_do_not_prolong_it(void **state)
{
	int64_t due;

	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_error(RCODE_NOTAUTH);
	assert_int_equal(take(), PROBE_WAIT);
	due = p.due_ms;
	for (int i = 0; i < 100; i++) {
		now++;
		assert_int_equal(take(), PROBE_WAIT);
		assert_int_equal(p.due_ms, due);
	}
}

static void
what_is_no_answer_to_it_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_answer(0, 77);
	m.wire[0] ^= 1; /* another id */
	assert_int_equal(take(), PROBE_WAIT);
	make_answer(0, 77);
	m.wire[2] ^= 0x80; /* a query */
	assert_int_equal(take(), PROBE_WAIT);
	make_answer(0, 77);
	m.wire[2] ^= OPCODE_NOTIFY << 3;
	assert_int_equal(take(), PROBE_WAIT);
	make_answer(0, 77);
	m.wire[13] ^= 1; /* another name */
	assert_int_equal(take(), PROBE_WAIT);
	make_answer(0, 77);
	m.wire[12 + sizeof(zone) + 1] ^= 1; /* another type */
	assert_int_equal(take(), PROBE_WAIT);
	make_answer(0, 77);
	m.len = 11;
	assert_int_equal(take(), PROBE_WAIT);
	/* And it is sent again, as if nothing had come. */
	assert_int_equal(p.due_ms, START + 1000);
}

static void
a_datagram_is_sent_again_until_the_time_is_over(void **state)
{
	static const int64_t waits[] = {1000, 2000, 4000, 3000};
	uint8_t first[PROBE_MESSAGE_MAX];
	size_t len = p.len;

	(void)state;
	memcpy(first, p.msg, len);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(p.due_ms, now + waits[i]);
		assert_int_equal(probe_turn(&p, p.due_ms - 1), PROBE_WAIT);
		now = p.due_ms;
		assert_int_equal(probe_turn(&p, now),
				 i < 3 ? PROBE_SEND : PROBE_OVER);
		assert_int_equal(p.len, len);
		assert_memory_equal(p.msg, first, len);
	}
	assert_int_equal(now, START + TIMEOUT);
	assert_int_equal(p.result.outcome, PROBE_SILENT);
	assert_int_equal(p.result.took_ms, TIMEOUT);
}

static void
over_tcp_nothing_is_sent_twice(void **state)
{
	(void)state;
	begin(true);
	assert_true(p.is_tcp);
	assert_int_equal(p.due_ms, START + TIMEOUT);
	assert_int_equal(probe_turn(&p, p.due_ms), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_SILENT);
}

static void
over_tcp_whatever_comes_is_the_answer(void **state)
{
	(void)state;
	begin(true);
	assert_int_equal(arrive(NULL, FORGE_NOW), TSIG_BADKEY);
	sign_error(TSIG_BADKEY, FORGE_NOW);
	assert_int_equal(take(), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_REFUSED);
	assert_int_equal(p.result.tsig_error, TSIG_ERROR_BADKEY);
}

static void
a_truncated_answer_is_asked_for_over_tcp(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_error(0);
	m.wire[2] |= HEADER_TC >> 8;
	sign(FORGE_NOW);
	now += 30;
	assert_int_equal(take(), PROBE_SEND);
	assert_true(p.is_tcp);
	assert_int_equal(get_u16(p.msg), 0xabcd);
	assert_int_equal(p.due_ms, START + TIMEOUT);
	/* What comes late over UDP is nothing. */
	assert_int_equal(take(), PROBE_WAIT);
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_answer(HEADER_TC, 78); /* which means nothing there */
	sign(FORGE_NOW);
	assert_int_equal(take(), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_VERIFIED);
	assert_int_equal(p.result.serial, 78);
	assert_int_equal(p.result.took_ms, 30);
}

/* Which then has all the time that is left. */
static void
a_truncated_answer_may_come_behind_a_forged_one(void **state)
{
	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_error(RCODE_NOTAUTH);
	assert_int_equal(take(), PROBE_WAIT);
	make_error(0);
	m.wire[2] |= HEADER_TC >> 8;
	assert_int_equal(take(), PROBE_SEND);
	assert_int_equal(p.due_ms, START + TIMEOUT);
	assert_int_equal(probe_turn(&p, p.due_ms), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_SILENT);
}

static void
a_short_time_is_kept(void **state)
{
	(void)state;
	probe_fini(&p);
	assert_int_equal(
	    probe_init(&p, zone, key, false, 100, RANDOM, now, FORGE_NOW),
	    SECD_OK);
	assert_int_equal(p.due_ms, START + 100);
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_error(RCODE_REFUSED);
	assert_int_equal(take(), PROBE_WAIT);
	assert_int_equal(p.due_ms, START + 100);
	assert_int_equal(probe_turn(&p, START + 100), PROBE_OVER);
	assert_int_equal(p.result.outcome, PROBE_UNSIGNED);
}

static void
an_end_from_outside_is_the_end(void **state)
{
	(void)state;
	probe_end(&p, PROBE_UNREACHABLE, now + 7);
	assert_int_equal(p.result.outcome, PROBE_UNREACHABLE);
	assert_int_equal(p.result.took_ms, 7);
	assert_false(p.result.has_serial);
}

static void
the_longest_names_fit(void **state)
{
	uint8_t name[NAME_LEN_MAX];
	struct tsig_key *longest;

	(void)state;
	for (size_t i = 0; i < 254; i += 2) {
		name[i] = 1;
		name[i + 1] = 'x';
	}
	name[254] = 0;
	assert_int_equal(tsig_key_new(name, TSIG_HMAC_SHA512, forge_secret,
				      sizeof(forge_secret), &longest),
			 SECD_OK);
	probe_fini(&p);
	assert_int_equal(probe_init(&p, name, longest, false, TIMEOUT, RANDOM,
				    now, FORGE_NOW),
			 SECD_OK);
	assert_true(p.len > 500);
	assert_int_equal(arrive(longest, FORGE_NOW), TSIG_GOOD);
	tsig_key_unref(longest);
}

/* No octets make it believe, or read where nothing is. */
static void
a_flipped_bit_anywhere_never_verifies(void **state)
{
	struct message good;
	struct tsig_place at;

	(void)state;
	assert_int_equal(arrive(key, FORGE_NOW), TSIG_GOOD);
	make_answer(0, 77);
	sign(FORGE_NOW);
	good = m;
	assert_int_equal(tsig_find(good.wire, good.len, &at), SECD_OK);
	for (size_t i = 0; i < good.len * 8; i++) {
		m = good;
		m.wire[i / 8] ^= (uint8_t)(1u << i % 8);
		if (forge_is_free(&good, at.at, i / 8, (unsigned)(i % 8))) {
			continue;
		}
		begin(false);
		if (take() == PROBE_OVER) {
			assert_int_not_equal(p.result.outcome, PROBE_VERIFIED);
		}
		assert_int_not_equal(p.result.outcome, PROBE_VERIFIED);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(the_message_is_a_signed_soa_query),
	    TEST(a_good_answer_verifies_it),
	    TEST(an_error_that_is_signed_verifies_it_too),
	    TEST(what_the_peer_objects_to_is_told),
	    TEST(a_wrong_clock_is_told_with_its_skew),
	    TEST(an_unsigned_answer_is_told),
	    TEST(a_signature_that_does_not_verify_is_wrong),
	    TEST(a_good_answer_behind_a_forged_one_counts),
	    TEST(forged_answers_do_not_prolong_it),
	    TEST(what_is_no_answer_to_it_is_nothing),
	    TEST(a_datagram_is_sent_again_until_the_time_is_over),
	    TEST(over_tcp_nothing_is_sent_twice),
	    TEST(over_tcp_whatever_comes_is_the_answer),
	    TEST(a_truncated_answer_is_asked_for_over_tcp),
	    TEST(a_truncated_answer_may_come_behind_a_forged_one),
	    TEST(a_short_time_is_kept),
	    TEST(an_end_from_outside_is_the_end),
	    TEST(the_longest_names_fit),
	    TEST(a_flipped_bit_anywhere_never_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
