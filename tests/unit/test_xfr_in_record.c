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

static void
ixfr_refused(const char *text, enum failure failure, const char *why)
{
	asking_ask(XFR_IN_ASK_IXFR);
	assert_int_equal(asking_say(RR_TYPE_IXFR, text), XFR_IN_FAILED);
	asking_assert_refused(failure, why);
}

static void
ixfr_taken(const char *text, const char *changes)
{
	struct changeset cs;

	asking_ask(XFR_IN_ASK_IXFR);
	assert_int_equal(asking_say(RR_TYPE_IXFR, text), XFR_IN_DONE);
	assert_int_equal(asking_outcome(), XFR_IN_IXFR);
	assert_int_equal(xfr_in_take_changeset(asking.x, &cs), SECD_OK);
	assert_string_equal(talk_changes(&cs), changes);
	assert_true(changeset_is_complete(&cs));
	changeset_fini(&cs);
}

static void
differences_larger_than_allowed_are_refused(void **state)
{
	(void)state;
	asking.params.limits.changeset_octets = 100;
	ixfr_refused(TALK_SOA(6) TALK_SOA(5) "a A 192.0.2.1\nb A 192.0.2.1\n"
					     "c A 192.0.2.1\n" TALK_SOA(6),
		     FAILURE_LIMIT, "differences");
}

static void
a_ttl_with_the_top_bit_is_zero(void **state)
{
	const struct rr a = {.owner = (const uint8_t *)"\1t\007example",
			     .rdata = (const uint8_t *)"\300\0\2\1",
			     .rdlen = 4,
			     .ttl = 0x80000001,
			     .type = RR_TYPE_A};
	struct changeset cs;
	enum changeset_op op;
	struct rr rr;
	size_t pos = 0;

	(void)state;
	asking_ask(XFR_IN_ASK_IXFR);
	talk_say(&asking.m, RR_TYPE_IXFR, TALK_SOA(6) TALK_SOA(5) TALK_SOA(6));
	talk_record(&asking.m, TALK_ANSWER, &a, RR_CLASS_IN);
	talk_text(&asking.m, TALK_SOA(6));
	assert_int_equal(asking_give(), XFR_IN_DONE);
	assert_int_equal(xfr_in_take_changeset(asking.x, &cs), SECD_OK);
	while (changeset_next(&cs, &pos, &op, &rr)) {
		if (op == CHANGESET_ADD) {
			assert_int_equal(rr.ttl, 0);
		} else {
			assert_int_equal(rr.ttl, 3600);
		}
	}
	changeset_fini(&cs);
}

static void
an_ixfr_of_one_sequence_is_taken(void **state)
{
	(void)state;
	ixfr_taken(TALK_SOA(6) TALK_SOA(5) "a A 192.0.2.1\n" TALK_SOA(
		       6) "b A 192.0.2.1\n" TALK_SOA(6),
		   "-5 -a.example./1 +6 +b.example./1");
}

static void
an_ixfr_of_several_sequences_is_taken(void **state)
{
	(void)state;
	ixfr_taken(TALK_SOA(8) TALK_SOA(5) "a A 192.0.2.1\n" TALK_SOA(6)
		       TALK_SOA(6) TALK_SOA(7) "b A 192.0.2.1\n" TALK_SOA(
			   7) "b A 192.0.2.1\n" TALK_SOA(8) "c AAAA "
							    "2001:db8::"
							    "1\n" TALK_SOA(8),
		   "-5 -a.example./1 +6 -6 +7 +b.example./1 -7 "
		   "-b.example./1 +8 +c.example./28");
}

static void
a_condensed_ixfr_is_taken(void **state)
{
	(void)state;
	ixfr_taken(TALK_SOA(900) TALK_SOA(5)
		       TALK_SOA(900) "b A 192.0.2.1\n" TALK_SOA(900),
		   "-5 +900 +b.example./1");
}

static void
an_ixfr_that_changes_the_soa_only_is_taken(void **state)
{
	(void)state;
	ixfr_taken(TALK_SOA(6) TALK_SOA(5) TALK_SOA(6) TALK_SOA(6), "-5 +6");
}

static void
an_ixfr_across_the_end_of_serials_is_taken(void **state)
{
	(void)state;
	asking.params.serial = UINT32_MAX;
	ixfr_taken(TALK_SOA(1) TALK_SOA(4294967295) TALK_SOA(0) TALK_SOA(0)
		       TALK_SOA(1) "b A 192.0.2.1\n" TALK_SOA(1),
		   "-4294967295 +0 -0 +1 +b.example./1");
}

static void
an_ixfr_of_one_record_in_each_message_is_taken(void **state)
{
	static const char *const said[] = {TALK_SOA(6), TALK_SOA(5),
					   "a A 192.0.2.1\n", TALK_SOA(6),
					   "b A 192.0.2.1\n"};
	struct changeset cs;

	(void)state;
	asking_ask(XFR_IN_ASK_IXFR);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		assert_int_equal(asking_say(RR_TYPE_IXFR, said[i]),
				 XFR_IN_MORE);
		assert_int_equal(xfr_in_may_end(asking.x), i == 0);
		assert_int_equal(asking_outcome(), XFR_IN_NOTHING);
		assert_int_equal(xfr_in_take_changeset(asking.x, &cs),
				 SECD_ENOTFOUND);
	}
	assert_int_equal(asking_say(RR_TYPE_IXFR, TALK_SOA(6)), XFR_IN_DONE);
	assert_int_equal(asking_outcome(), XFR_IN_IXFR);
}

static void
one_soa_that_is_not_newer_means_up_to_date(void **state)
{
	static const uint32_t held[] = {6, 7, 6u + (1u << 31)};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		asking.params.serial = held[i];
		asking_ask(XFR_IN_ASK_IXFR);
		assert_int_equal(asking_say(RR_TYPE_IXFR, TALK_SOA(6)),
				 XFR_IN_DONE);
		assert_int_equal(asking_outcome(), XFR_IN_UP_TO_DATE);
		assert_int_equal(xfr_in_result(asking.x)->soa.serial, 6);
		xfr_in_free(asking.x);
	}
	asking.x = NULL;
}

static void
one_newer_soa_and_then_silence_means_axfr(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_IXFR);
	assert_int_equal(asking_say(RR_TYPE_IXFR, TALK_SOA(6)), XFR_IN_MORE);
	assert_true(xfr_in_may_end(asking.x));
	assert_int_equal(xfr_in_stop(asking.x, FAILURE_TIMEOUT, NULL),
			 XFR_IN_DONE);
	assert_int_equal(asking_outcome(), XFR_IN_USE_AXFR);
	assert_int_equal(xfr_in_result(asking.x)->soa.serial, 6);
}

static void
our_own_end_is_no_answer(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_IXFR);
	assert_int_equal(asking_say(RR_TYPE_IXFR, TALK_SOA(6)), XFR_IN_MORE);
	assert_int_equal(xfr_in_stop(asking.x, FAILURE_LOCAL, "shutting down"),
			 XFR_IN_FAILED);
	asking_assert_refused(FAILURE_LOCAL, "shutting down");
}

static void
an_end_midway_is_a_failure(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_IXFR);
	assert_int_equal(asking_say(RR_TYPE_IXFR, TALK_SOA(6) TALK_SOA(5)),
			 XFR_IN_MORE);
	assert_int_equal(xfr_in_stop(asking.x, FAILURE_CLOSED, NULL),
			 XFR_IN_FAILED);
	asking_assert_refused(FAILURE_CLOSED, "connection closed");
}

static void
an_end_after_the_end_changes_nothing(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_SOA);
	assert_int_equal(asking_say(RR_TYPE_SOA, TALK_SOA(6)), XFR_IN_DONE);
	assert_int_equal(xfr_in_stop(asking.x, FAILURE_CLOSED, NULL),
			 XFR_IN_DONE);
	assert_int_equal(asking_outcome(), XFR_IN_SOA);
	assert_int_equal(asking_say(RR_TYPE_SOA, TALK_SOA(9)), XFR_IN_DONE);
	assert_int_equal(xfr_in_result(asking.x)->soa.serial, 6);
}

static void
an_answer_to_ixfr_in_the_manner_of_axfr_is_taken(void **state)
{
	(void)state;
	asking_ask(XFR_IN_ASK_IXFR);
	assert_int_equal(asking_say(RR_TYPE_IXFR, TALK_SOA(6)), XFR_IN_MORE);
	assert_int_equal(
	    asking_say(RR_TYPE_IXFR, NS "a A 192.0.2.1\n" TALK_SOA(6)),
	    XFR_IN_DONE);
	assert_int_equal(asking_outcome(), XFR_IN_AXFR_STYLE);
	assert_int_equal(talk_spool_serial(xfr_in_take_spool(asking.x)), 6);
}

static void
an_ixfr_that_is_not_newer_is_stale(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(5) NS TALK_SOA(5), FAILURE_STALE, "not newer");
	xfr_in_free(asking.x);
	ixfr_refused(TALK_SOA(4) TALK_SOA(3) TALK_SOA(4) TALK_SOA(4),
		     FAILURE_STALE, "not newer");
}

static void
an_ixfr_from_another_serial_is_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(7) TALK_SOA(6) TALK_SOA(7) TALK_SOA(7),
		     FAILURE_MISMATCH, "from serial 6 where 5 is due");
	xfr_in_free(asking.x);
	ixfr_refused(TALK_SOA(7) TALK_SOA(4) TALK_SOA(7) TALK_SOA(7),
		     FAILURE_MISMATCH, "from serial 4 where 5 is due");
	xfr_in_free(asking.x);
	/* An AXFR of nothing but the SOA looks the same. */
	ixfr_refused(TALK_SOA(7) TALK_SOA(7), FAILURE_MISMATCH,
		     "from serial 7");
}

static void
a_gap_in_the_chain_is_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(8) TALK_SOA(5) TALK_SOA(6) TALK_SOA(7) TALK_SOA(8)
			 TALK_SOA(8),
		     FAILURE_MISMATCH, "from serial 7 where 6 is due");
}

static void
a_chain_that_goes_back_is_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(8) TALK_SOA(5) TALK_SOA(4) TALK_SOA(8),
		     FAILURE_MISMATCH, "lead back to 4");
	xfr_in_free(asking.x);
	ixfr_refused(TALK_SOA(8) TALK_SOA(5) TALK_SOA(5) TALK_SOA(8),
		     FAILURE_MISMATCH, "lead back to 5");
	xfr_in_free(asking.x);
	ixfr_refused(TALK_SOA(8) TALK_SOA(5) TALK_SOA(2147483653),
		     FAILURE_MISMATCH, "lead back");
}

static void
a_chain_that_ends_short_of_what_was_announced_is_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(8) TALK_SOA(5)
			 TALK_SOA(7) "a A 192.0.2.1\n" TALK_SOA(8),
		     FAILURE_MISMATCH, "from serial 8 where 7 is due");
}

static void
a_chain_that_overshoots_is_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(8) TALK_SOA(5) TALK_SOA(9) TALK_SOA(8),
		     FAILURE_MISMATCH, "from serial 8 where 9 is due");
}

static void
a_last_step_to_another_soa_than_announced_is_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(6)
			 TALK_SOA(5) "@ SOA ns. mail. 6 1 1 1 1\n" TALK_SOA(6),
		     FAILURE_MALFORMED, "closing");
	xfr_in_free(asking.x);
	ixfr_refused(TALK_SOA(6) TALK_SOA(5)
			 TALK_SOA(6) "@ SOA ns. mail. 6 1 1 1 1\n",
		     FAILURE_MALFORMED, "closing");
}

static void
steps_after_the_announced_serial_are_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(6) TALK_SOA(5) TALK_SOA(6) TALK_SOA(6) TALK_SOA(7)
			 TALK_SOA(7),
		     FAILURE_MALFORMED, "follows the end");
}

static void
an_ixfr_that_leaves_the_zone_is_refused(void **state)
{
	(void)state;
	ixfr_refused(TALK_SOA(6) TALK_SOA(5) "a.other. A 192.0.2.1\n",
		     FAILURE_MALFORMED, "outside");
	xfr_in_free(asking.x);
	ixfr_refused(TALK_SOA(6) TALK_SOA(5)
			 TALK_SOA(6) "b SOA ns. mail. 6 1 1 1 1\n",
		     FAILURE_MALFORMED, "not at the apex");
}

static void
an_ixfr_cut_after_any_message_is_no_result(void **state)
{
	static const char *const said[] = {
	    TALK_SOA(7),       TALK_SOA(5), "a A 192.0.2.1\n", TALK_SOA(6),
	    "b A 192.0.2.1\n", TALK_SOA(6), TALK_SOA(7)};
	struct changeset cs;

	(void)state;
	for (size_t cut = 0; cut <= 7; cut++) {
		asking_ask(XFR_IN_ASK_IXFR);
		for (size_t i = 0; i < cut; i++) {
			assert_int_equal(asking_say(RR_TYPE_IXFR, said[i]),
					 XFR_IN_MORE);
		}
		xfr_in_stop(asking.x, FAILURE_CLOSED, NULL);
		assert_int_equal(asking_outcome(),
				 cut == 1 ? XFR_IN_USE_AXFR : XFR_IN_NOTHING);
		assert_int_equal(xfr_in_take_changeset(asking.x, &cs),
				 SECD_ENOTFOUND);
		assert_null(xfr_in_take_spool(asking.x));
		xfr_in_free(asking.x);
	}
	asking.x = NULL;
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, asking_start, asking_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(differences_larger_than_allowed_are_refused),
	    TEST(a_ttl_with_the_top_bit_is_zero),
	    TEST(an_ixfr_of_one_sequence_is_taken),
	    TEST(an_ixfr_of_several_sequences_is_taken),
	    TEST(a_condensed_ixfr_is_taken),
	    TEST(an_ixfr_that_changes_the_soa_only_is_taken),
	    TEST(an_ixfr_across_the_end_of_serials_is_taken),
	    TEST(an_ixfr_of_one_record_in_each_message_is_taken),
	    TEST(one_soa_that_is_not_newer_means_up_to_date),
	    TEST(one_newer_soa_and_then_silence_means_axfr),
	    TEST(our_own_end_is_no_answer),
	    TEST(an_end_midway_is_a_failure),
	    TEST(an_end_after_the_end_changes_nothing),
	    TEST(an_answer_to_ixfr_in_the_manner_of_axfr_is_taken),
	    TEST(an_ixfr_that_is_not_newer_is_stale),
	    TEST(an_ixfr_from_another_serial_is_refused),
	    TEST(a_gap_in_the_chain_is_refused),
	    TEST(a_chain_that_goes_back_is_refused),
	    TEST(a_chain_that_ends_short_of_what_was_announced_is_refused),
	    TEST(a_chain_that_overshoots_is_refused),
	    TEST(a_last_step_to_another_soa_than_announced_is_refused),
	    TEST(steps_after_the_announced_serial_are_refused),
	    TEST(an_ixfr_that_leaves_the_zone_is_refused),
	    TEST(an_ixfr_cut_after_any_message_is_no_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
