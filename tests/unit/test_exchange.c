/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "talk.h"
#include "transfer/exchange.h"
#include "zonefile.h"

#define NS "@ NS ns.example.net.\n"

static struct message m;
static struct forge forge;
static struct tsig_key *key;
static struct exchange_params params;
static struct exchange *x;
static uint8_t apex[NAME_LEN_MAX];
static uint8_t request[EXCHANGE_REQUEST_MAX];
static size_t request_len;

static int
start(void **state)
{
	(void)state;
	key = forge_key(TSIG_HMAC_SHA256);
	forge_init(&forge);
	params = (struct exchange_params){
	    .in = {.apex = zonefile_name("example.", apex),
		   .id = TALK_ID,
		   .question = XFR_IN_ASK_AXFR,
		   .policy = XFR_IN_ANY,
		   .serial = 5,
		   .spool_dir = "/tmp",
		   .spool_chunk = 1 << 16},
	    .key = key,
	};
	x = NULL;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	exchange_free(x);
	tsig_key_unref(key);
	return 0;
}

/* Send the request, and let the primary read it. */
static void
ask(enum xfr_in_question question)
{
	struct tsig_transaction primary;
	struct tsig_place place;
	uint8_t seen[EXCHANGE_REQUEST_MAX];
	size_t len;

	params.in.question = question;
	assert_int_equal(exchange_new(&params, &x), SECD_OK);
	assert_int_equal(exchange_request(x, request, sizeof(request),
					  &request_len, FORGE_NOW),
			 SECD_OK);
	len = request_len;
	memcpy(seen, request, len);
	assert_int_equal(tsig_find(seen, len, &place), SECD_OK);
	assert_int_equal(place.present, params.key != NULL);
	if (params.key == NULL) {
		return;
	}
	assert_int_equal(
	    tsig_verify_request(&primary, key, seen, &len, &place, FORGE_NOW),
	    TSIG_GOOD);
	forge_reply_to(&forge, primary.mac, primary.mac_len);
	tsig_transaction_fini(&primary);
}

static enum exchange_verdict
give(void)
{
	return exchange_message(x, m.wire, m.len, FORGE_NOW);
}

static enum exchange_verdict
say_signed(uint16_t qtype, const char *text)
{
	talk_say(&m, qtype, text);
	forge_sign(&forge, &m);
	return give();
}

static enum exchange_verdict
say_unsigned(uint16_t qtype, const char *text)
{
	talk_say(&m, qtype, text);
	forge_skip(&forge, &m);
	return give();
}

static struct exchange_result
result(void)
{
	struct exchange_result r;

	exchange_result(x, &r);
	return r;
}

static void
assert_nothing_to_take(void)
{
	struct changeset cs;

	assert_null(exchange_take_spool(x));
	assert_int_equal(exchange_take_changeset(x, &cs), SECD_ENOTFOUND);
}

static void
assert_failed(enum failure failure, const char *text)
{
	assert_int_equal(result().in->failure, failure);
	if (strstr(result().in->text, text) == NULL) {
		fail_msg("\"%s\" is not about \"%s\"", result().in->text, text);
	}
	assert_nothing_to_take();
}

/* ---------------------------------------------------------------- requests */

static void
a_soa_request_has_a_header_and_a_question(void **state)
{
	static const uint8_t expected[] =
	    "\x4d\x2e\0\0\0\1\0\0\0\0\0\0\007example\0\0\6\0\1";

	(void)state;
	params.key = NULL;
	ask(XFR_IN_ASK_SOA);
	assert_int_equal(request_len, sizeof(expected) - 1);
	assert_memory_equal(request, expected, request_len);
}

static void
an_axfr_request_asks_for_type_252(void **state)
{
	(void)state;
	params.key = NULL;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(get_u16(request + request_len - 4), 252);
	assert_int_equal(get_u16(request + 8), 0);
}

static void
an_ixfr_request_carries_our_serial(void **state)
{
	static const uint8_t expected[] =
	    "\x4d\x2e\0\0\0\1\0\0\0\1\0\0\007example\0\0\xfb\0\1"
	    "\xc0\x0c\0\6\0\1\0\0\0\0\0\x16\0\0\x9a\xbc\xde\xf0"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

	(void)state;
	params.key = NULL;
	params.in.serial = 0x9abcdef0;
	ask(XFR_IN_ASK_IXFR);
	assert_int_equal(request_len, sizeof(expected) - 1);
	assert_memory_equal(request, expected, request_len);
}

static void
a_signed_request_verifies(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_IXFR); /* asserts it */
	assert_int_equal(get_u16(request + 10), 1);
}

static void
the_longest_request_fits(void **state)
{
	char label[64], text[NAME_TEXT_MAX];
	uint8_t name[NAME_LEN_MAX];
	struct tsig_key *longest;

	(void)state;
	memset(label, 'a', 63);
	label[63] = '\0';
	snprintf(text, sizeof(text), "%s.%s.%s.%.61s.", label, label, label,
		 label);
	zonefile_name(text, name);
	assert_int_equal(name_len(name), NAME_LEN_MAX);
	assert_int_equal(tsig_key_new(name, TSIG_HMAC_SHA512, forge_secret,
				      sizeof(forge_secret), &longest),
			 SECD_OK);
	params.in.apex = name;
	params.in.question = XFR_IN_ASK_IXFR;
	params.key = longest;
	assert_int_equal(exchange_new(&params, &x), SECD_OK);
	assert_int_equal(exchange_request(x, request, sizeof(request),
					  &request_len, FORGE_NOW),
			 SECD_OK);
	tsig_key_unref(longest);
}

static void
a_request_that_does_not_fit_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(exchange_new(&params, &x), SECD_OK);
	assert_int_equal(
	    exchange_request(x, request, 40, &request_len, FORGE_NOW),
	    SECD_ENOSPC);
	assert_int_equal(
	    exchange_request(x, request, 80, &request_len, FORGE_NOW),
	    SECD_ENOSPC);
}

/* ---------------------------------------------------------------- unsigned */

static void
an_unsigned_exchange_is_done_with_its_last_message(void **state)
{
	(void)state;
	params.key = NULL;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_unsigned(RR_TYPE_AXFR, TALK_SOA(7)),
			 EXCHANGE_MORE);
	assert_nothing_to_take();
	assert_int_equal(say_unsigned(RR_TYPE_AXFR, NS TALK_SOA(7)),
			 EXCHANGE_DONE);
	assert_int_equal(talk_spool_serial(exchange_take_spool(x)), 7);
}

static void
a_signature_that_nobody_asked_for_is_refused(void **state)
{
	(void)state;
	params.key = NULL;
	ask(XFR_IN_ASK_SOA);
	assert_int_equal(say_signed(RR_TYPE_SOA, TALK_SOA(7)), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "TSIG");
	assert_false(result().has_skew);
}

static void
a_broken_unsigned_message_is_malformed(void **state)
{
	(void)state;
	params.key = NULL;
	ask(XFR_IN_ASK_SOA);
	talk_say(&m, RR_TYPE_SOA, TALK_SOA(7));
	m.len--;
	assert_int_equal(give(), EXCHANGE_FAILED);
	assert_failed(FAILURE_MALFORMED, "broken");
}

static void
foreign_messages_are_malformed_not_forged(void **state)
{
	static const struct {
		unsigned octet;
		uint8_t flip;
		const char *why;
	} cases[] = {{0, 1, "id"}, {1, 1, "id"}, {2, 0x80, "not an answer"}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		forge_init(&forge);
		ask(XFR_IN_ASK_SOA);
		talk_say(&m, RR_TYPE_SOA, TALK_SOA(7));
		forge_sign(&forge, &m);
		m.wire[cases[i].octet] ^= cases[i].flip;
		assert_int_equal(give(), EXCHANGE_FAILED);
		assert_failed(FAILURE_MALFORMED, cases[i].why);
		exchange_free(x);
	}
	ask(XFR_IN_ASK_SOA);
	m.len = 11;
	assert_int_equal(give(), EXCHANGE_FAILED);
	assert_failed(FAILURE_MALFORMED, "header");
}

/* ------------------------------------------------------------------ signed */

static void
a_stream_with_every_message_signed_is_taken(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7)), EXCHANGE_MORE);
	assert_int_equal(say_signed(0, NS), EXCHANGE_MORE);
	assert_int_equal(say_signed(RR_TYPE_AXFR, "a A 192.0.2.1\n"),
			 EXCHANGE_MORE);
	assert_nothing_to_take();
	assert_int_equal(say_signed(0, TALK_SOA(7)), EXCHANGE_DONE);
	assert_int_equal(result().tsig, TSIG_GOOD);
	assert_int_equal(talk_spool_serial(exchange_take_spool(x)), 7);
}

static void
unsigned_messages_in_between_are_taken(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7) NS),
			 EXCHANGE_MORE);
	for (int i = 0; i < TSIG_UNSIGNED_MAX; i++) {
		assert_int_equal(say_unsigned(0, "a A 192.0.2.1\n"),
				 EXCHANGE_MORE);
	}
	assert_int_equal(say_signed(0, TALK_SOA(7)), EXCHANGE_DONE);
	spool_free(exchange_take_spool(x));
}

static void
a_hundred_unsigned_messages_in_a_row_are_too_many(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7) NS),
			 EXCHANGE_MORE);
	for (int i = 0; i < TSIG_UNSIGNED_MAX; i++) {
		assert_int_equal(say_unsigned(0, "a A 192.0.2.1\n"),
				 EXCHANGE_MORE);
	}
	assert_int_equal(say_unsigned(0, "a A 192.0.2.1\n"), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "TSIG");
	assert_int_equal(result().tsig, TSIG_TOO_LONG);
}

static void
a_first_message_without_signature_is_refused(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_unsigned(RR_TYPE_AXFR, TALK_SOA(7) NS TALK_SOA(7)),
			 EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "not signed");
	assert_int_equal(result().tsig, TSIG_MISSING);
}

static void
a_last_message_without_signature_is_refused(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7) NS),
			 EXCHANGE_MORE);
	assert_int_equal(say_unsigned(0, TALK_SOA(7)), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "last message");
}

static void
a_message_changed_in_between_spoils_it_all(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7) NS),
			 EXCHANGE_MORE);
	talk_say(&m, 0, "a A 192.0.2.1\n");
	forge_skip(&forge, &m);
	m.wire[m.len - 1] ^= 1; /* on its way to us */
	assert_int_equal(give(), EXCHANGE_MORE);
	assert_int_equal(say_signed(0, TALK_SOA(7)), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "TSIG");
	assert_int_equal(result().tsig, TSIG_BADSIG);
}

static void
a_message_left_out_spoils_it_all(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7) NS),
			 EXCHANGE_MORE);
	talk_say(&m, 0, "a A 192.0.2.1\n");
	forge_sign(&forge, &m);
	assert_int_equal(say_signed(0, TALK_SOA(7)), EXCHANGE_FAILED);
	assert_int_equal(result().tsig, TSIG_BADSIG);
}

static void
a_stream_that_ends_early_gives_nothing(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7) NS),
			 EXCHANGE_MORE);
	assert_int_equal(exchange_stop(x, FAILURE_CLOSED, NULL),
			 EXCHANGE_FAILED);
	assert_failed(FAILURE_CLOSED, "closed");
}

static void
another_key_is_refused(void **state)
{
	(void)state;
	forge.owner = "\005other";
	ask(XFR_IN_ASK_SOA);
	assert_int_equal(say_signed(RR_TYPE_SOA, TALK_SOA(7)), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, tsig_verdict_text(TSIG_BADKEY));
	assert_int_equal(result().tsig, TSIG_BADKEY);
}

static void
a_clock_that_is_off_is_told_with_its_skew(void **state)
{
	(void)state;
	forge.time_signed = (uint64_t)FORGE_NOW - 400;
	ask(XFR_IN_ASK_SOA);
	assert_int_equal(say_signed(RR_TYPE_SOA, TALK_SOA(7)), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "-400 s");
	assert_int_equal(result().tsig, TSIG_BADTIME);
	assert_true(result().has_skew);
	assert_int_equal(result().skew_s, -400);
}

static void
the_skew_of_a_good_exchange_is_known(void **state)
{
	(void)state;
	forge.time_signed = (uint64_t)FORGE_NOW + 3;
	ask(XFR_IN_ASK_SOA);
	assert_int_equal(say_signed(RR_TYPE_SOA, TALK_SOA(7)), EXCHANGE_DONE);
	assert_true(result().has_skew);
	assert_int_equal(result().skew_s, 3);
}

static void
a_refusal_of_our_key_is_told(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_SOA);
	talk_begin(&m, RR_TYPE_SOA);
	forge_rcode(&m, 9);
	forge.error = 17;
	forge.mac_len = 0;
	forge_sign(&forge, &m);
	assert_int_equal(give(), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, tsig_verdict_text(TSIG_REFUSED_BADKEY));
	assert_int_equal(result().tsig, TSIG_REFUSED_BADKEY);
	assert_false(result().has_skew);
}

static void
a_refusal_of_our_time_is_told_with_the_skew(void **state)
{
	uint8_t theirs[6] = {0};

	(void)state;
	put_u32(theirs + 2, (uint32_t)(FORGE_NOW + 1000));
	ask(XFR_IN_ASK_SOA);
	talk_begin(&m, RR_TYPE_SOA);
	forge_rcode(&m, 9);
	forge.error = 18;
	forge.other = theirs;
	forge.other_len = 6;
	forge_sign(&forge, &m);
	assert_int_equal(give(), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "+1000 s");
	assert_int_equal(result().tsig, TSIG_REFUSED_BADTIME);
	assert_int_equal(result().skew_s, 1000);
}

static void
an_unsigned_error_to_a_signed_request_names_its_rcode(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_SOA);
	talk_begin(&m, RR_TYPE_SOA);
	forge_rcode(&m, 5);
	assert_int_equal(give(), EXCHANGE_FAILED);
	assert_failed(FAILURE_AUTH, "REFUSED");
}

static void
a_signed_error_is_an_rcode(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_IXFR);
	talk_begin(&m, RR_TYPE_IXFR);
	forge_rcode(&m, 4);
	forge_sign(&forge, &m);
	assert_int_equal(give(), EXCHANGE_FAILED);
	assert_failed(FAILURE_RCODE, "NOTIMP");
	assert_int_equal(result().in->rcode, 4);
}

static void
a_tsig_that_is_not_last_is_malformed(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_SOA);
	talk_say(&m, RR_TYPE_SOA, TALK_SOA(7));
	forge_sign(&forge, &m);
	forge_record(&m, 3, 16);
	assert_int_equal(give(), EXCHANGE_FAILED);
	assert_failed(FAILURE_MALFORMED, "broken");
}

/* -------------------------------------------------------------------- IXFR */

static void
a_signed_ixfr_is_taken(void **state)
{
	struct changeset cs;

	(void)state;
	ask(XFR_IN_ASK_IXFR);
	assert_int_equal(
	    say_signed(RR_TYPE_IXFR, TALK_SOA(6) TALK_SOA(5) TALK_SOA(6)),
	    EXCHANGE_MORE);
	assert_int_equal(say_signed(0, "a A 192.0.2.1\n" TALK_SOA(6)),
			 EXCHANGE_DONE);
	assert_int_equal(exchange_take_changeset(x, &cs), SECD_OK);
	assert_string_equal(talk_changes(&cs), "-5 +6 +a.example./1");
	changeset_fini(&cs);
}

static void
a_lone_newer_soa_is_done_after_a_pause(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_IXFR);
	assert_int_equal(say_signed(RR_TYPE_IXFR, TALK_SOA(6)), EXCHANGE_MORE);
	assert_true(exchange_may_end(x));
	assert_int_equal(exchange_stop(x, FAILURE_TIMEOUT, NULL),
			 EXCHANGE_DONE);
	assert_int_equal(result().in->outcome, XFR_IN_USE_AXFR);
	assert_nothing_to_take();
}

static void
a_stop_after_the_end_changes_nothing(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_SOA);
	assert_int_equal(say_signed(RR_TYPE_SOA, TALK_SOA(7)), EXCHANGE_DONE);
	assert_int_equal(exchange_stop(x, FAILURE_CLOSED, NULL), EXCHANGE_DONE);
	assert_int_equal(say_unsigned(RR_TYPE_SOA, TALK_SOA(8)), EXCHANGE_DONE);
	assert_int_equal(result().in->soa.serial, 7);
}

static void
a_failed_exchange_takes_nothing_more(void **state)
{
	(void)state;
	ask(XFR_IN_ASK_AXFR);
	assert_int_equal(say_signed(RR_TYPE_AXFR, NS), EXCHANGE_FAILED);
	assert_int_equal(say_signed(RR_TYPE_AXFR, TALK_SOA(7) NS TALK_SOA(7)),
			 EXCHANGE_FAILED);
	assert_failed(FAILURE_MALFORMED, "not the SOA");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_soa_request_has_a_header_and_a_question),
	    TEST(an_axfr_request_asks_for_type_252),
	    TEST(an_ixfr_request_carries_our_serial),
	    TEST(a_signed_request_verifies),
	    TEST(the_longest_request_fits),
	    TEST(a_request_that_does_not_fit_is_an_error),
	    TEST(an_unsigned_exchange_is_done_with_its_last_message),
	    TEST(a_signature_that_nobody_asked_for_is_refused),
	    TEST(a_broken_unsigned_message_is_malformed),
	    TEST(foreign_messages_are_malformed_not_forged),
	    TEST(a_stream_with_every_message_signed_is_taken),
	    TEST(unsigned_messages_in_between_are_taken),
	    TEST(a_hundred_unsigned_messages_in_a_row_are_too_many),
	    TEST(a_first_message_without_signature_is_refused),
	    TEST(a_last_message_without_signature_is_refused),
	    TEST(a_message_changed_in_between_spoils_it_all),
	    TEST(a_message_left_out_spoils_it_all),
	    TEST(a_stream_that_ends_early_gives_nothing),
	    TEST(another_key_is_refused),
	    TEST(a_clock_that_is_off_is_told_with_its_skew),
	    TEST(the_skew_of_a_good_exchange_is_known),
	    TEST(a_refusal_of_our_key_is_told),
	    TEST(a_refusal_of_our_time_is_told_with_the_skew),
	    TEST(an_unsigned_error_to_a_signed_request_names_its_rcode),
	    TEST(a_signed_error_is_an_rcode),
	    TEST(a_tsig_that_is_not_last_is_malformed),
	    TEST(a_signed_ixfr_is_taken),
	    TEST(a_lone_newer_soa_is_done_after_a_pause),
	    TEST(a_stop_after_the_end_changes_nothing),
	    TEST(a_failed_exchange_takes_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
