/* SPDX-License-Identifier: BSD-2-Clause */
/* NOTIFYs that claim a serial. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "refreshing.h"

static void
a_claim_of_a_newer_serial_is_fetched_at_once(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, 1, 6, t.now);
	assert_asks(REFRESH_IXFR, 1);
	assert_true(answer(XFR_IN_IXFR, 6));
	applied(6);
	assert_waits(3200 * SECOND, 3600 * SECOND);
}

static void
a_claim_of_the_serial_that_is_held_asks_nothing(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, 1, 5, t.now);
	assert_false(status().is_notified);
	assert_waits(3200 * SECOND, 3600 * SECOND);
	/* But what somebody else wanted is not forgotten. */
	refresh_notified(t.r, 1, t.now);
	refresh_claimed(t.r, 1, 5, t.now);
	assert_asks(REFRESH_SOA, 1);
}

static void
a_claim_of_an_older_serial_is_looked_into(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, 1, 4, t.now);
	assert_asks(REFRESH_SOA, 1);
}

static void
a_claim_from_elsewhere_is_a_notify_like_any_other(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, -1, 6, t.now);
	assert_asks(REFRESH_SOA, 0);
}

static void
a_claim_is_not_believed(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, 1, 6, t.now);
	assert_asks(REFRESH_IXFR, 1);
	assert_false(answer(XFR_IN_UP_TO_DATE, 5));
	assert_int_equal(refresh_primary(t.r, 1)->health, REFRESH_GOOD);
	/* Those who cry wolf are heard less often. */
	for (int i = 0; i < 3; i++) {
		refresh_claimed(t.r, 1, 6, t.now);
		assert_waits(INT64_C(100) << i, INT64_C(100) << i);
		sleep_until_due();
		assert_asks(REFRESH_IXFR, 1);
		assert_false(answer(XFR_IN_UP_TO_DATE, 5));
	}
	pass(70 * SECOND);
	/* Nor is an older serial that came instead. */
	refresh_claimed(t.r, 1, 6, t.now);
	assert_asks(REFRESH_IXFR, 1);
	assert_false(answer(XFR_IN_UP_TO_DATE, 4));
	assert_int_equal(refresh_primary(t.r, 1)->health, REFRESH_STALE);
}

static void
a_claim_that_cannot_be_fetched_is_asked_for_and_then_fetched_whole(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, 1, 6, t.now);
	assert_asks(REFRESH_IXFR, 1);
	fails_with(4);
	assert_reason("SOA is next");
	assert_asks(REFRESH_SOA, 1);
	answer_soa(6);
	assert_asks(REFRESH_AXFR, 1);
	assert_true(answer(XFR_IN_AXFR, 6));
	applied(6);
	/* The next one begins like the first. */
	refresh_claimed(t.r, 1, 7, t.now);
	assert_asks(REFRESH_IXFR, 1);
	/* Where there is no connection, there is none for a SOA query. */
	fails(FAILURE_CONNECT);
	assert_asks(REFRESH_SOA, 0);
}

static void
differences_that_do_not_apply_need_no_soa_query(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, 1, 6, t.now);
	assert_asks(REFRESH_IXFR, 1);
	assert_true(answer(XFR_IN_IXFR, 6));
	apply_fails(FAILURE_MISMATCH);
	assert_asks(REFRESH_AXFR, 1);
}

static void
claims_that_come_meanwhile_are_one_unless_they_are_here(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_claimed(t.r, 1, 6, t.now);
	assert_asks(REFRESH_IXFR, 1);
	refresh_claimed(t.r, 1, 7, t.now);
	refresh_claimed(t.r, 1, 9, t.now);
	refresh_claimed(t.r, 1, 8, t.now);
	assert_true(answer(XFR_IN_IXFR, 7));
	applied(7);
	assert_asks(REFRESH_IXFR, 1);
	refresh_claimed(t.r, 1, 8, t.now);
	assert_true(answer(XFR_IN_IXFR, 9));
	applied(9);
	assert_false(status().is_notified);
	assert_waits(3200 * SECOND, 3600 * SECOND);
}

static void
after_bad_content_a_claim_is_looked_into(void **state)
{
	(void)state;
	t.cfg.primary_count = 1;
	begin_settled(5);
	refresh_claimed(t.r, 0, 6, t.now);
	assert_asks(REFRESH_IXFR, 0);
	assert_true(answer(XFR_IN_IXFR, 6));
	apply_fails(FAILURE_MISMATCH);
	assert_asks(REFRESH_AXFR, 0);
	fails(FAILURE_MALFORMED);
	refresh_claimed(t.r, 0, 7, t.now);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, refreshing_start, refreshing_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_claim_of_a_newer_serial_is_fetched_at_once),
	    TEST(a_claim_of_the_serial_that_is_held_asks_nothing),
	    TEST(a_claim_of_an_older_serial_is_looked_into),
	    TEST(a_claim_from_elsewhere_is_a_notify_like_any_other),
	    TEST(a_claim_is_not_believed),
	    TEST(
		a_claim_that_cannot_be_fetched_is_asked_for_and_then_fetched_whole),
	    TEST(differences_that_do_not_apply_need_no_soa_query),
	    TEST(claims_that_come_meanwhile_are_one_unless_they_are_here),
	    TEST(after_bad_content_a_claim_is_looked_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
