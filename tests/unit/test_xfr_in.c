/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "asking.h"
#include "base/error.h"
#include "base/octets.h"
#include "transfer/xfr_in.h"

#define NS "@ NS ns.example.net.\n"

/* One AXFR, one message, must be refused so. */
static void
axfr_refused(const char *text, enum failure failure, const char *why)
{
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, text), XFR_IN_FAILED);
	asking_assert_refused(failure, why);
}

/* --------------------------------------------------------------------- SOA */

static void
a_soa_answer_gives_the_serial(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_SOA);
	assert_int_equal(asking_say(RR_TYPE_SOA, TALK_SOA(7)), XFR_IN_DONE);
	assert_int_equal(asking_outcome(), XFR_IN_SOA);
	assert_int_equal(xfr_in_result(asking.x)->soa.serial, 7);
	assert_int_equal(xfr_in_result(asking.x)->soa.retry, 900);
	assert_true(xfr_in_result(asking.x)->aa);
}

static void
a_soa_answer_without_aa_says_so(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_SOA);
	talk_say(&asking.m, RR_TYPE_SOA, TALK_SOA(7));
	asking.m.wire[2] &= (uint8_t)~0x04;
	assert_int_equal(asking_give(), XFR_IN_DONE);
	assert_false(xfr_in_result(asking.x)->aa);
}

static void
a_soa_answer_may_name_servers_and_addresses(void **state)
{
	const struct rr ns = {.owner = asking.apex,
			      .rdata = (const uint8_t *)"",
			      .rdlen = 1,
			      .type = 2};
	const struct rr opt = {.owner = (const uint8_t *)"", .type = 41};

	(void)state;
	asking_ask(XFR_IN_ASK_SOA);
	talk_say(&asking.m, RR_TYPE_SOA, TALK_SOA(7));
	talk_record(&asking.m, TALK_AUTHORITY, &ns, RR_CLASS_IN);
	talk_record(&asking.m, TALK_ADDITIONAL, &opt, 1232);
	assert_int_equal(asking_give(), XFR_IN_DONE);
}

static void
a_soa_answer_without_a_soa_is_refused(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_SOA);
	assert_int_equal(asking_say(RR_TYPE_SOA, ""), XFR_IN_FAILED);
	asking_assert_refused(FAILURE_MALFORMED, "no SOA");
}

static void
a_soa_answer_with_two_records_is_refused(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_SOA);
	assert_int_equal(asking_say(RR_TYPE_SOA, TALK_SOA(7) TALK_SOA(8)),
			 XFR_IN_FAILED);
	asking_assert_refused(FAILURE_MALFORMED, "follows the end");
}

/* ------------------------------------------------------- header, question */

static void
an_rcode_ends_it_and_is_told(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	talk_begin(&asking.m,
		   0); /* as NSD and BIND answer what they cannot read */
	asking.m.wire[3] = 5;
	assert_int_equal(asking_give(), XFR_IN_FAILED);
	asking_assert_refused(FAILURE_RCODE, "REFUSED");
	assert_int_equal(xfr_in_result(asking.x)->rcode, 5);
}

static void
an_rcode_midway_ends_it(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS), XFR_IN_MORE);
	talk_begin(&asking.m, 0);
	asking.m.wire[3] = 2;
	assert_int_equal(asking_give(), XFR_IN_FAILED);
	asking_assert_refused(FAILURE_RCODE, "SERVFAIL");
}

static void
a_broken_header_is_refused(void **state)
{
	static const struct {
		unsigned octet;
		uint8_t flip;
		const char *why;
	} cases[] = {
	    {0, 0x01, "id"},          {1, 0x80, "id"},
	    {2, 0x80, "not an"},      {2, 0x08, "not an"},
	    {2, 0x40, "not an"},      {2, 0x02, "truncated"},
	    {5, 0x03, "2 questions"}, {4, 0x01, "257 questions"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asking_ask(XFR_IN_ASK_AXFR);
		talk_say(&asking.m, RR_TYPE_AXFR, TALK_SOA(7) NS TALK_SOA(7));
		asking.m.wire[cases[i].octet] ^= cases[i].flip;
		assert_int_equal(asking_give(), XFR_IN_FAILED);
		asking_assert_refused(FAILURE_MALFORMED, cases[i].why);
		xfr_in_free(asking.x);
	}
	asking.x = NULL;
}

static void
a_first_message_without_question_is_refused(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(0, TALK_SOA(7) NS TALK_SOA(7)),
			 XFR_IN_FAILED);
	asking_assert_refused(FAILURE_MALFORMED, "0 questions");
}

static void
another_question_is_refused(void **state)
{
	static const struct {
		unsigned from_end;
		uint8_t flip;
	} cases[] = {{5, 0x02}, {3, 0x01}, {1, 0x02}, {8, 0x01}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asking_ask(XFR_IN_ASK_AXFR);
		talk_begin(&asking.m, RR_TYPE_AXFR);
		asking.m.wire[asking.m.len - cases[i].from_end] ^=
		    cases[i].flip;
		talk_text(&asking.m, TALK_SOA(7) NS TALK_SOA(7));
		assert_int_equal(asking_give(), XFR_IN_FAILED);
		xfr_in_free(asking.x);
	}
	asking.x = NULL;
}

static void
a_question_in_another_case_is_ours(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_SOA);
	talk_say(&asking.m, RR_TYPE_SOA, TALK_SOA(7));
	memcpy(asking.m.wire + 13, "eXaMpLe", 7);
	assert_int_equal(asking_give(), XFR_IN_DONE);
}

static void
octets_behind_the_last_record_are_refused(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	talk_say(&asking.m, RR_TYPE_AXFR, TALK_SOA(7) NS TALK_SOA(7));
	asking.m.wire[asking.m.len++] = 0;
	assert_int_equal(asking_give(), XFR_IN_FAILED);
	asking_assert_refused(FAILURE_MALFORMED, "behind the last");
}

static void
a_message_cut_at_any_octet_is_refused(void **state)
{
	size_t whole;

	(void)state;
	talk_say(&asking.m, RR_TYPE_AXFR,
		 TALK_SOA(7) NS "a A 192.0.2.1\n" TALK_SOA(7));
	whole = asking.m.len;
	for (asking.m.len = 0; asking.m.len < whole; asking.m.len++) {
		uint8_t *exact = malloc(asking.m.len + 1);

		assert_non_null(exact);
		memcpy(exact, asking.m.wire, asking.m.len);
		asking_ask(XFR_IN_ASK_AXFR);
		assert_int_equal(xfr_in_message(asking.x, exact, asking.m.len),
				 XFR_IN_FAILED);
		free(exact);
		xfr_in_free(asking.x);
	}
	asking.x = NULL;
}

/* -------------------------------------------------------------------- AXFR */

static void
an_axfr_in_one_message_is_taken(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS
				    "a A 192.0.2.1\n" TALK_SOA(7)),
			 XFR_IN_DONE);
	assert_int_equal(asking_outcome(), XFR_IN_AXFR);
	assert_int_equal(xfr_in_result(asking.x)->records, 4);
	assert_int_equal(xfr_in_result(asking.x)->messages, 1);
	assert_int_equal(xfr_in_result(asking.x)->octets, asking.m.len);
	assert_int_equal(talk_spool_serial(xfr_in_take_spool(asking.x)), 7);
	assert_null(xfr_in_take_spool(asking.x));
}

static void
the_opening_soa_is_spooled_once_with_owner_and_ttl(void **state)
{
	struct spool *s;

	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS TALK_SOA(7)),
			 XFR_IN_DONE);
	s = xfr_in_take_spool(asking.x);
	assert_int_equal(spool_record_count(s), 2);
	spool_free(s);
}

static void
an_axfr_of_one_record_in_each_message_is_taken(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7)), XFR_IN_MORE);
	assert_false(xfr_in_may_end(asking.x));
	assert_int_equal(asking_say(RR_TYPE_AXFR, NS), XFR_IN_MORE);
	assert_null(xfr_in_take_spool(asking.x));
	assert_int_equal(asking_say(RR_TYPE_AXFR, "a A 192.0.2.1\n"),
			 XFR_IN_MORE);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7)), XFR_IN_DONE);
	assert_int_equal(talk_spool_serial(xfr_in_take_spool(asking.x)), 7);
}

static void
later_messages_may_lack_the_question(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS), XFR_IN_MORE);
	assert_int_equal(asking_say(0, "a A 192.0.2.1\n"), XFR_IN_MORE);
	assert_int_equal(asking_say(RR_TYPE_AXFR, "b A 192.0.2.1\n"),
			 XFR_IN_MORE);
	assert_int_equal(asking_say(0, TALK_SOA(7)), XFR_IN_DONE);
}

static void
a_message_without_answer_is_refused(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS), XFR_IN_MORE);
	assert_int_equal(asking_say(0, ""), XFR_IN_FAILED);
	asking_assert_refused(FAILURE_MALFORMED, "without answer");
}

static void
an_axfr_that_does_not_start_with_a_soa_is_refused(void **state)
{
	(void)state;
	axfr_refused(NS TALK_SOA(7), FAILURE_MALFORMED, "not the SOA");
}

static void
a_closing_soa_unlike_the_opening_one_is_refused(void **state)
{
	(void)state;
	axfr_refused(TALK_SOA(7) NS TALK_SOA(8), FAILURE_MALFORMED, "closing");
	xfr_in_free(asking.x);
	/* Same serial, other numbers: another zone all the same. */
	axfr_refused(TALK_SOA(7) NS "@ SOA ns. mail. 7 1 1 1 1\n",
		     FAILURE_MALFORMED, "closing");
}

static void
a_closing_soa_in_another_case_is_the_same(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(
	    asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS
		       "EXAMPLE. SOA NS. mail. 7 3600 900 604800 300\n"),
	    XFR_IN_DONE);
}

static void
records_after_the_end_are_refused(void **state)
{
	(void)state;
	axfr_refused(TALK_SOA(7) NS TALK_SOA(7) "a A 192.0.2.1\n",
		     FAILURE_MALFORMED, "follows the end");
}

static void
a_soa_below_the_apex_is_refused(void **state)
{
	(void)state;
	axfr_refused(TALK_SOA(7) NS "a SOA ns. mail. 7 1 1 1 1\n" TALK_SOA(7),
		     FAILURE_MALFORMED, "not at the apex");
}

static void
a_first_soa_of_another_zone_is_refused(void **state)
{
	(void)state;
	axfr_refused("other. SOA ns. mail. 7 1 1 1 1\n", FAILURE_MALFORMED,
		     "outside of the zone");
	xfr_in_free(asking.x);
	axfr_refused("a SOA ns. mail. 7 1 1 1 1\n", FAILURE_MALFORMED,
		     "not at the apex");
}

static void
an_owner_outside_of_the_zone_is_refused(void **state)
{
	(void)state;
	axfr_refused(TALK_SOA(7) NS "a.other. A 192.0.2.1\n" TALK_SOA(7),
		     FAILURE_MALFORMED, "outside of the zone: a.other.");
	xfr_in_free(asking.x);
	/* A label that only ends like the apex is another name. */
	axfr_refused(TALK_SOA(7) NS "badexample. A 192.0.2.1\n" TALK_SOA(7),
		     FAILURE_MALFORMED, "outside of the zone");
}

static void
another_class_is_refused(void **state)
{
	const struct rr a = {.owner = asking.apex,
			     .rdata = (const uint8_t *)"\300\0\2\1",
			     .rdlen = 4,
			     .type = RR_TYPE_A};

	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	talk_say(&asking.m, RR_TYPE_AXFR, TALK_SOA(7) NS);
	talk_record(&asking.m, TALK_ANSWER, &a, RR_CLASS_CH);
	assert_int_equal(asking_give(), XFR_IN_FAILED);
	asking_assert_refused(FAILURE_MALFORMED, "class");
}

static void
types_that_are_no_data_are_refused(void **state)
{
	static const uint16_t types[] = {0,   41,  128, 249, 250,
					 251, 252, 253, 254, 255};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct rr rr = {.owner = asking.apex, .type = types[i]};

		asking_ask(XFR_IN_ASK_AXFR);
		talk_say(&asking.m, RR_TYPE_AXFR, TALK_SOA(7) NS);
		talk_record(&asking.m, TALK_ANSWER, &rr, RR_CLASS_IN);
		assert_int_equal(asking_give(), XFR_IN_FAILED);
		assert_int_equal(xfr_in_result(asking.x)->failure,
				 FAILURE_MALFORMED);
		xfr_in_free(asking.x);
	}
	asking.x = NULL;
}

static void
unknown_types_are_taken(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(
	    asking_say(
		RR_TYPE_AXFR, TALK_SOA(7) NS
		"a TYPE65534 \\# 3 010203\nb TYPE65280 \\# 0\n" TALK_SOA(7)),
	    XFR_IN_DONE);
}

static void
an_axfr_that_is_not_newer_is_stale_unless_allowed(void **state)
{
	static const struct {
		enum xfr_in_policy policy;
		uint32_t held;
		bool taken;
	} cases[] = {
	    {XFR_IN_NEWER, 6, true},
	    {XFR_IN_NEWER, 7, false},
	    {XFR_IN_NEWER, 8, false},
	    {XFR_IN_NEWER, UINT32_MAX, true},
	    {XFR_IN_NEWER, 7u + (1u << 31), false}, /* undefined */
	    {XFR_IN_NEWER_OR_EQUAL, 7, true},
	    {XFR_IN_NEWER_OR_EQUAL, 8, false},
	    {XFR_IN_ANY, 8, true},
	    {XFR_IN_ANY, 7u + (1u << 31), true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asking.params.policy = cases[i].policy;
		asking.params.serial = cases[i].held;
		asking_ask(XFR_IN_ASK_AXFR);
		/* It is told by the first record already. */
		assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7)),
				 cases[i].taken ? XFR_IN_MORE : XFR_IN_FAILED);
		if (!cases[i].taken) {
			asking_assert_refused(FAILURE_STALE, "not newer");
		}
		xfr_in_free(asking.x);
	}
	asking.x = NULL;
}

/* ------------------------------------------------------------------ limits */

static void
more_octets_than_allowed_are_refused(void **state)
{
	(void)state;
	asking.params.limits.octets = 1000;
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS), XFR_IN_MORE);
	for (int i = 0; i < 1000; i++) {
		if (asking_say(0, "a A 192.0.2.1\n") == XFR_IN_FAILED) {
			break;
		}
		assert_true(xfr_in_result(asking.x)->octets <= 1000);
	}
	asking_assert_refused(FAILURE_LIMIT, "1000 octets");
}

/* Compression makes much of little: what it unpacks to counts too. */
static void
names_that_unpack_to_more_than_allowed_are_refused(void **state)
{
	uint8_t rr[] = {0xc0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1};
	size_t name_at;

	(void)state;
	asking.params.limits.octets = 4000;
	asking_ask(XFR_IN_ASK_AXFR);
	talk_say(&asking.m, RR_TYPE_AXFR, TALK_SOA(7) NS);
	name_at = asking.m.len;
	talk_text(&asking.m,
		  "a23456789012345678901234567890123456789012345678901234567890"
		  ".b2345678901234567890123456789012345678901234567890123456789"
		  ".c2345678901234567890123456789012345678901234567890123456789"
		  " A 192.0.2.9\n");
	put_u16(rr, (uint16_t)(0xc000 | name_at));
	for (int i = 0; i < 100; i++) {
		memcpy(asking.m.wire + asking.m.len, rr, sizeof(rr));
		asking.m.len += sizeof(rr);
	}
	put_u16(asking.m.wire + 6,
		(uint16_t)(get_u16(asking.m.wire + 6) + 100));
	assert_true(asking.m.len < 4000);
	assert_int_equal(asking_give(), XFR_IN_FAILED);
	asking_assert_refused(FAILURE_LIMIT, "octets of records");
}

static void
more_records_than_allowed_are_refused(void **state)
{
	(void)state;
	asking.params.limits.records = 3;
	axfr_refused(TALK_SOA(7) NS "a A 192.0.2.1\n" TALK_SOA(7),
		     FAILURE_LIMIT, "3 records");
}

static void
a_spool_that_cannot_be_made_is_our_failure(void **state)
{
	char text[2048] = TALK_SOA(7) NS;

	(void)state;
	asking.params.spool_dir = "/nonexistent";
	asking.params.spool_chunk = 64;
	for (int i = 0; i < 60; i++) {
		strcat(text, "a A 192.0.2.1\n");
	}
	asking_ask(XFR_IN_ASK_AXFR);
	assert_int_equal(asking_say(RR_TYPE_AXFR, text), XFR_IN_FAILED);
	assert_int_equal(xfr_in_result(asking.x)->failure, FAILURE_LOCAL);
}

static void
what_failed_stays_failed(void **state)
{
	(void)state;
	axfr_refused(NS, FAILURE_MALFORMED, "not the SOA");
	assert_int_equal(asking_say(RR_TYPE_AXFR, TALK_SOA(7) NS TALK_SOA(7)),
			 XFR_IN_FAILED);
	assert_int_equal(xfr_in_stop(asking.x, FAILURE_CLOSED, NULL),
			 XFR_IN_FAILED);
	asking_assert_refused(FAILURE_MALFORMED, "not the SOA");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, asking_start, asking_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_soa_answer_gives_the_serial),
	    TEST(a_soa_answer_without_aa_says_so),
	    TEST(a_soa_answer_may_name_servers_and_addresses),
	    TEST(a_soa_answer_without_a_soa_is_refused),
	    TEST(a_soa_answer_with_two_records_is_refused),
	    TEST(an_rcode_ends_it_and_is_told),
	    TEST(an_rcode_midway_ends_it),
	    TEST(a_broken_header_is_refused),
	    TEST(a_first_message_without_question_is_refused),
	    TEST(another_question_is_refused),
	    TEST(a_question_in_another_case_is_ours),
	    TEST(octets_behind_the_last_record_are_refused),
	    TEST(a_message_cut_at_any_octet_is_refused),
	    TEST(an_axfr_in_one_message_is_taken),
	    TEST(the_opening_soa_is_spooled_once_with_owner_and_ttl),
	    TEST(an_axfr_of_one_record_in_each_message_is_taken),
	    TEST(later_messages_may_lack_the_question),
	    TEST(a_message_without_answer_is_refused),
	    TEST(an_axfr_that_does_not_start_with_a_soa_is_refused),
	    TEST(a_closing_soa_unlike_the_opening_one_is_refused),
	    TEST(a_closing_soa_in_another_case_is_the_same),
	    TEST(records_after_the_end_are_refused),
	    TEST(a_soa_below_the_apex_is_refused),
	    TEST(a_first_soa_of_another_zone_is_refused),
	    TEST(an_owner_outside_of_the_zone_is_refused),
	    TEST(another_class_is_refused),
	    TEST(types_that_are_no_data_are_refused),
	    TEST(unknown_types_are_taken),
	    TEST(an_axfr_that_is_not_newer_is_stale_unless_allowed),
	    TEST(more_octets_than_allowed_are_refused),
	    TEST(names_that_unpack_to_more_than_allowed_are_refused),
	    TEST(more_records_than_allowed_are_refused),
	    TEST(a_spool_that_cannot_be_made_is_our_failure),
	    TEST(what_failed_stays_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
