/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "forge.h"
#include "transfer/notify_in.h"
#include "transfer/notify_out.h"
#include "zonefile.h"

#define START  INT64_C(5000000)
#define SECOND INT64_C(1000)

static struct notify_out n;
static struct zonefile zone;
static struct tsig_key *key, *used; /* NULL: unsigned */
static struct message m;            /* on the wire, either way */
static struct message answer;
static int64_t now;
static uint8_t apex[NAME_LEN_MAX];

static int
start(void **state)
{
	(void)state;
	key = forge_key(TSIG_HMAC_SHA256);
	zonefile_name("example.", apex);
	zonefile_parse(&zone, "example.", "@ SOA ns. mail. 7 1 2 3 4\n");
	now = START;
	notify_out_init(&n, apex);
	used = NULL;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	notify_out_fini(&n);
	zonefile_free(&zone);
	tsig_key_unref(key);
	return 0;
}

static void
use_key(void)
{
	used = key;
}

static void
send(void)
{
	assert_true(notify_out_is_due(&n, now));
	assert_int_equal(notify_out_message(&n, &zone.rrs[0], used, FORGE_ID,
					    m.wire, NOTIFY_OUT_MESSAGE_MAX,
					    &m.len, now, FORGE_NOW),
			 SECD_OK);
}

/* What a server makes of the last message, unsigned. */
static void
make_answer(uint8_t rcode)
{
	struct query q;

	assert_int_not_equal(query_parse(&q, m.wire, m.len, &zonefile_key),
			     QUERY_IGNORE);
	answer.len =
	    notify_in_answer(&q, rcode, 1232, answer.wire, sizeof(answer.wire));
	assert_true(answer.len > 0);
}

static bool
give(void)
{
	return notify_out_answer(&n, answer.wire, answer.len, FORGE_NOW);
}

/* --------------------------------------------------------------------- out */

static void
nothing_is_sent_before_it_is_announced(void **state)
{
	(void)state;
	assert_false(notify_out_is_due(&n, now));
	assert_int_equal(notify_out_message(&n, &zone.rrs[0], NULL, 1, m.wire,
					    sizeof(m.wire), &m.len, now, 0),
			 SECD_EINVAL);
	assert_int_equal(n.state, NOTIFY_OUT_IDLE);
	assert_int_equal(n.due_ms, INT64_MAX);
}

static void
the_message_carries_the_soa(void **state)
{
	static const uint8_t expected[] =
	    "\x12\x34\x24\0\0\1\0\1\0\0\0\0\007example\0\0\6\0\1"
	    "\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1e\2ns\0\4mail\0"
	    "\0\0\0\7\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4";

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	assert_int_equal(m.len, sizeof(expected) - 1);
	assert_memory_equal(m.wire, expected, m.len);
}

static void
it_is_sent_after_1_2_4_8_and_16_seconds_and_then_given_up(void **state)
{
	static const int64_t waits[] = {1, 2, 4, 8, 16, 16};

	(void)state;
	notify_out_announce(&n, 7, now);
	assert_int_equal(n.due_ms, now);
	for (unsigned i = 0; i < NOTIFY_OUT_TRIES_MAX; i++) {
		send();
		assert_int_equal(n.tries, i + 1);
		assert_int_equal(n.due_ms, now + waits[i] * SECOND);
		assert_false(notify_out_is_due(&n, n.due_ms - 1));
		now = n.due_ms;
	}
	assert_int_equal(n.state, NOTIFY_OUT_SENDING);
	assert_false(notify_out_is_due(&n, now));
	assert_int_equal(n.state, NOTIFY_OUT_GIVEN_UP);
	assert_int_equal(n.due_ms, INT64_MAX);
	assert_string_equal(n.error, "no answer");
}

static void
an_answer_ends_it(void **state)
{
	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	make_answer(0);
	assert_true(give());
	assert_int_equal(n.state, NOTIFY_OUT_HEARD);
	assert_int_equal(n.due_ms, INT64_MAX);
	assert_false(notify_out_is_due(&n, now + 100 * SECOND));
	assert_false(give()); /* once is enough */
}

static void
an_error_ends_it_too(void **state)
{
	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	make_answer(5);
	assert_true(give());
	assert_int_equal(n.state, NOTIFY_OUT_REFUSED);
	assert_int_equal(n.rcode, 5);
	assert_string_equal(n.error, "the answer is REFUSED");
}

static void
an_error_without_a_question_counts(void **state)
{
	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	make_answer(1);
	answer.len = 12;
	put_u16(answer.wire + 4, 0);
	assert_true(give());
	assert_int_equal(n.state, NOTIFY_OUT_REFUSED);
}

static void
what_is_no_answer_to_it_is_ignored(void **state)
{
	static const struct {
		unsigned octet;
		uint8_t flip;
	} cases[] = {
	    {0, 1},    /* id */
	    {2, 0x80}, /* not a response */
	    {2, 0x08}, /* opcode */
	    {5, 1},    /* no question */
	    {13, 1},   /* another name */
	    {22, 2},   /* another type */
	    {24, 2},   /* another class */
	};

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_answer(0);
		answer.wire[cases[i].octet] ^= cases[i].flip;
		assert_false(give());
		assert_int_equal(n.state, NOTIFY_OUT_SENDING);
	}
	for (size_t len = 0; len < answer.len; len++) {
		make_answer(0);
		answer.len = len;
		assert_false(give());
	}
	make_answer(0);
	assert_true(give());
}

static void
an_answer_to_an_earlier_version_does_not_count(void **state)
{
	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	make_answer(0);
	notify_out_announce(&n, 8, now);
	assert_false(give());
	assert_int_equal(n.state, NOTIFY_OUT_SENDING);
	assert_int_equal(n.serial, 8);
	assert_int_equal(n.tries, 0);
	assert_true(notify_out_is_due(&n, now));
}

static void
a_new_version_starts_afresh_after_giving_up(void **state)
{
	(void)state;
	notify_out_announce(&n, 7, now);
	for (unsigned i = 0; i < NOTIFY_OUT_TRIES_MAX; i++) {
		send();
		now = n.due_ms;
	}
	assert_false(notify_out_is_due(&n, now));
	notify_out_announce(&n, 8, now);
	assert_int_equal(n.state, NOTIFY_OUT_SENDING);
	assert_string_equal(n.error, "");
	send();
}

static void
a_try_that_fails_counts(void **state)
{
	(void)state;
	notify_out_announce(&n, 7, now);
	assert_int_equal(notify_out_message(&n, &zone.rrs[0], NULL, 1, m.wire,
					    30, &m.len, now, 0),
			 SECD_ENOSPC);
	assert_int_equal(n.tries, 1);
	assert_int_equal(n.due_ms, now + SECOND);
}

static void
a_message_that_cannot_be_made_counts_as_a_try(void **state)
{
	(void)state;
	notify_out_miss(&n, "early", now);
	assert_int_equal(n.tries, 0);
	notify_out_announce(&n, 7, now);
	for (unsigned tries = 1; tries <= NOTIFY_OUT_TRIES_MAX; tries++) {
		now = n.due_ms;
		notify_out_miss(&n, "no key", now);
		assert_int_equal(n.tries, tries);
		assert_true(n.due_ms > now);
	}
	now = n.due_ms;
	assert_false(notify_out_is_due(&n, now));
	assert_int_equal(n.state, NOTIFY_OUT_GIVEN_UP);
	assert_string_equal(n.error, "no key");
}

static void
what_is_hastened_is_due_at_once_and_counts(void **state)
{
	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	assert_false(notify_out_is_due(&n, now));
	notify_out_hasten(&n, now);
	send();
	assert_int_equal(n.tries, 2);
	make_answer(RCODE_NOERROR);
	assert_true(give());
	notify_out_hasten(&n, now);
	assert_int_equal(n.due_ms, INT64_MAX);
}

/* --------------------------------------------------------------- out, signed */

/* Answer as a server with the key does; `forge` may be changed before. */
static void
sign_answer(struct forge *f)
{
	struct tsig_transaction server;
	struct tsig_place place;
	struct message request = m;

	assert_int_equal(tsig_find(request.wire, request.len, &place), SECD_OK);
	assert_true(place.present);
	assert_int_equal(tsig_verify_request(&server, key, request.wire,
					     &request.len, &place, FORGE_NOW),
			 TSIG_GOOD);
	forge_reply_to(f, server.mac, server.mac_len);
	tsig_transaction_fini(&server);
	forge_sign(f, &answer);
}

static void
a_signed_answer_to_a_signed_message_counts(void **state)
{
	struct forge f;

	(void)state;
	use_key();
	notify_out_announce(&n, 7, now);
	send();
	make_answer(0);
	forge_init(&f);
	sign_answer(&f);
	assert_true(give());
	assert_int_equal(n.state, NOTIFY_OUT_HEARD);
}

static void
an_unsigned_answer_to_a_signed_message_is_ignored(void **state)
{
	(void)state;
	use_key();
	notify_out_announce(&n, 7, now);
	send();
	make_answer(0);
	assert_false(give());
	make_answer(9);
	assert_false(give());
	assert_int_equal(n.state, NOTIFY_OUT_SENDING);
	assert_string_equal(n.error, tsig_verdict_text(TSIG_MISSING));
}

static void
a_forged_answer_does_not_spoil_the_good_one(void **state)
{
	struct forge f;

	(void)state;
	use_key();
	notify_out_announce(&n, 7, now);
	send();
	make_answer(0);
	forge_init(&f);
	sign_answer(&f);
	answer.wire[3] ^= 5;
	assert_false(give());
	assert_string_equal(n.error, tsig_verdict_text(TSIG_BADSIG));
	make_answer(0);
	forge_init(&f);
	sign_answer(&f);
	assert_true(give());
}

static void
a_signature_that_nobody_asked_for_is_ignored(void **state)
{
	struct forge f;

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	make_answer(0);
	forge_init(&f);
	forge_sign(&f, &answer);
	assert_false(give());
}

static void
each_try_is_signed_anew(void **state)
{
	struct message first;

	(void)state;
	use_key();
	notify_out_announce(&n, 7, now);
	send();
	first = m;
	now = n.due_ms;
	assert_int_equal(notify_out_message(&n, &zone.rrs[0], used, FORGE_ID,
					    m.wire, NOTIFY_OUT_MESSAGE_MAX,
					    &m.len, now, FORGE_NOW + 1),
			 SECD_OK);
	assert_int_equal(m.len, first.len);
	assert_memory_not_equal(m.wire, first.wire, m.len);
}

static void
every_answer_to_what_was_sent_is_judged(void **state)
{
	(void)state;
	use_key();
	notify_out_announce(&n, 7, now);
	send();
	assert_ptr_equal(notify_out_key(&n), key);
	make_answer(RCODE_NOERROR); /* not signed */
	assert_false(give());
	assert_true(n.is_judged);
	assert_int_equal(n.verdict, TSIG_MISSING);
	answer.wire[1] ^= 1; /* another id */
	assert_false(give());
	assert_false(n.is_judged);
	used = NULL;
	notify_out_announce(&n, 8, now);
	send();
	assert_null(notify_out_key(&n));
	make_answer(RCODE_NOERROR);
	assert_true(give());
	assert_true(n.is_judged);
	assert_int_equal(n.verdict, TSIG_GOOD);
}

static void
the_longest_message_fits(void **state)
{
	uint8_t name[NAME_LEN_MAX], rdata[2 * NAME_LEN_MAX + 20];
	struct rr soa = {.owner = name,
			 .rdata = rdata,
			 .rdlen = sizeof(rdata),
			 .type = RR_TYPE_SOA};
	struct tsig_key *longest;

	(void)state;
	for (int i = 0; i < 127; i++) {
		name[2 * i] = 1;
		name[2 * i + 1] = 'a';
	}
	name[254] = 0;
	memcpy(rdata, name, NAME_LEN_MAX);
	memcpy(rdata + NAME_LEN_MAX, name, NAME_LEN_MAX);
	memset(rdata + 2 * NAME_LEN_MAX, 0, 20);
	assert_int_equal(tsig_key_new(name, TSIG_HMAC_SHA512, forge_secret,
				      sizeof(forge_secret), &longest),
			 SECD_OK);
	notify_out_fini(&n);
	notify_out_init(&n, name);
	notify_out_announce(&n, 7, now);
	assert_int_equal(notify_out_message(&n, &soa, longest, 1, m.wire,
					    NOTIFY_OUT_MESSAGE_MAX, &m.len, now,
					    FORGE_NOW),
			 SECD_OK);
	tsig_key_unref(longest);
}

/* ----------------------------------------------------------------------- in */

static uint8_t
parse(struct notify_in *in)
{
	struct query q;

	query_parse(&q, m.wire, m.len, &zonefile_key);
	return notify_in_parse(&q, in);
}

static void
our_own_notify_is_read(void **state)
{
	struct notify_in in;

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	assert_int_equal(parse(&in), RCODE_NOERROR);
	assert_true(in.has_serial);
	assert_int_equal(in.serial, 7);
}

static void
a_notify_without_soa_is_fine(void **state)
{
	struct notify_in in;

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	m.len = 12 + 9 + 4;
	put_u16(m.wire + 6, 0);
	assert_int_equal(parse(&in), RCODE_NOERROR);
	assert_false(in.has_serial);
}

static void
the_soa_of_another_name_is_no_hint(void **state)
{
	struct notify_in in;

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	m.wire[12 + 9 + 4 + 1] = 0x14; /* the root, where example. ends */
	assert_int_equal(parse(&in), RCODE_NOERROR);
	assert_false(in.has_serial);
}

static void
a_broken_record_is_a_format_error(void **state)
{
	struct notify_in in;
	size_t whole;

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	whole = m.len;
	for (m.len = 12 + 9 + 4; m.len < whole; m.len++) {
		assert_int_equal(parse(&in), RCODE_FORMERR);
		assert_false(in.has_serial);
	}
}

static void
other_types_and_classes_are_not_served(void **state)
{
	struct notify_in in;

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	m.wire[12 + 9 + 1] = 59; /* CDS */
	assert_int_equal(parse(&in), RCODE_NOTIMP);
	m.wire[12 + 9 + 3] = 3; /* CH */
	assert_int_equal(parse(&in), RCODE_NOTAUTH);
}

static void
the_answer_repeats_the_question_as_sent(void **state)
{
	static const uint8_t expected[] =
	    "\x12\x34\xa4\x05\0\1\0\0\0\0\0\0\007eXaMpLe\0\0\6\0\1";

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	memcpy(m.wire + 13, "eXaMpLe", 7);
	make_answer(5);
	assert_int_equal(answer.len, sizeof(expected) - 1);
	assert_memory_equal(answer.wire, expected, answer.len);
}

static void
an_opt_is_answered_with_one(void **state)
{
	static const uint8_t opt[] = {0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0};
	static const uint8_t theirs[] = {0, 0,    41, 4, 0xd0, 0,
					 0, 0x80, 0,  0, 0};

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	memcpy(m.wire + m.len, opt, sizeof(opt));
	m.len += sizeof(opt);
	put_u16(m.wire + 10, 1);
	make_answer(0);
	assert_int_equal(get_u16(answer.wire + 10), 1);
	assert_memory_equal(answer.wire + answer.len - sizeof(theirs), theirs,
			    sizeof(theirs));
}

static void
an_answer_that_does_not_fit_is_none(void **state)
{
	struct query q;
	uint8_t small[30];

	(void)state;
	notify_out_announce(&n, 7, now);
	send();
	query_parse(&q, m.wire, m.len, &zonefile_key);
	assert_int_equal(notify_in_answer(&q, 0, 1232, small, sizeof(small)),
			 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_sent_before_it_is_announced),
	    TEST(the_message_carries_the_soa),
	    TEST(it_is_sent_after_1_2_4_8_and_16_seconds_and_then_given_up),
	    TEST(an_answer_ends_it),
	    TEST(an_error_ends_it_too),
	    TEST(an_error_without_a_question_counts),
	    TEST(what_is_no_answer_to_it_is_ignored),
	    TEST(an_answer_to_an_earlier_version_does_not_count),
	    TEST(a_new_version_starts_afresh_after_giving_up),
	    TEST(a_try_that_fails_counts),
	    TEST(a_message_that_cannot_be_made_counts_as_a_try),
	    TEST(what_is_hastened_is_due_at_once_and_counts),
	    TEST(a_signed_answer_to_a_signed_message_counts),
	    TEST(an_unsigned_answer_to_a_signed_message_is_ignored),
	    TEST(a_forged_answer_does_not_spoil_the_good_one),
	    TEST(a_signature_that_nobody_asked_for_is_ignored),
	    TEST(each_try_is_signed_anew),
	    TEST(every_answer_to_what_was_sent_is_judged),
	    TEST(the_longest_message_fits),
	    TEST(our_own_notify_is_read),
	    TEST(a_notify_without_soa_is_fine),
	    TEST(the_soa_of_another_name_is_no_hint),
	    TEST(a_broken_record_is_a_format_error),
	    TEST(other_types_and_classes_are_not_served),
	    TEST(the_answer_repeats_the_question_as_sent),
	    TEST(an_opt_is_answered_with_one),
	    TEST(an_answer_that_does_not_fit_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
