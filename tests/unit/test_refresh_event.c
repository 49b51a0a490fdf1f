/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "refreshing.h"

static void
fail_round(void)
{
	for (unsigned i = 0; i < t.cfg.primary_count; i++) {
		t.action = refresh_next(t.r, t.now);
		assert_true(t.action.start);
		fails(FAILURE_CONNECT);
	}
}

static void
confirm_round(uint32_t serial)
{
	t.action = refresh_next(t.r, t.now);
	assert_true(t.action.start);
	answer_soa(serial);
}

/* ------------------------------------------------------------------ NOTIFY */

static void
a_notify_asks_at_once_and_its_sender_first(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_notified(t.r, 1, t.now);
	assert_true(status().is_notified);
	assert_reason("NOTIFY from primary 2");
	assert_asks(REFRESH_SOA, 1);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 1);
}

static void
a_notify_from_elsewhere_asks_the_current_primary(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_notified(t.r, -1, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	/* One word is enough: it is no survey. */
	assert_waits(3200 * SECOND, 3600 * SECOND);
}

static void
a_notify_from_a_number_that_is_none_does_no_harm(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_notified(t.r, 99, t.now);
	assert_asks(REFRESH_SOA, 0);
}

static void
many_notifies_make_one_query_and_one_more(void **state)
{
	(void)state;
	begin_settled(5);
	for (int i = 0; i < 1000; i++) {
		refresh_notified(t.r, 0, t.now);
	}
	assert_asks(REFRESH_SOA, 0);
	for (int i = 0; i < 1000; i++) {
		refresh_notified(t.r, 0, t.now);
		assert_false(refresh_next(t.r, t.now).start);
	}
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
	refresh_notified(t.r, 0, t.now);
	assert_true(answer(XFR_IN_IXFR, 6));
	refresh_notified(t.r, 0, t.now);
	applied(6);
	/* After something new the one that waited goes at once. */
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_waits(3200 * SECOND, 3600 * SECOND);
}

static void
a_flood_of_notifies_that_tell_nothing_costs_a_query_in_five_seconds(
    void **state)
{
	unsigned queries = 0;

	(void)state;
	begin_settled(5);
	for (int i = 0; i < 1000000; i++) {
		refresh_notified(t.r, 0, t.now);
		t.action = refresh_next(t.r, t.now);
		if (t.action.start) {
			queries++;
			answer_soa(5);
		}
		pass(1);
	}
	assert_in_range(queries, 190, 210);
	/* A version that does come is fetched, and opens the door again. */
	pass(5 * SECOND);
	refresh_notified(t.r, 0, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
	assert_true(answer(XFR_IN_IXFR, 6));
	applied(6);
	refresh_notified(t.r, 0, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	refresh_notified(t.r, 0, t.now);
	assert_waits(100, 100);
}

static void
a_notify_does_not_wait_for_the_backoff(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	for (int i = 0; i < 15; i++) {
		fail_round();
		sleep_until_due();
	}
	fail_round();
	refresh_notified(t.r, 1, t.now);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 1);
}

static void
a_notify_never_delays_what_is_due(void **state)
{
	int64_t due;

	(void)state;
	begin_settled(5);
	due = refresh_due(t.r);
	for (int i = 0; i < 10; i++) { /* so that a gap is open */
		refresh_notified(t.r, 0, t.now);
		sleep_until_due();
		confirm_round(5);
	}
	t.now = refresh_due(t.r) - 1;
	due = refresh_due(t.r);
	refresh_notified(t.r, 1, t.now);
	assert_true(refresh_due(t.r) <= due);
}

static void
a_notify_before_the_first_transfer_is_heard(void **state)
{
	(void)state;
	begin_empty();
	for (int i = 0; i < 10; i++) {
		fail_round();
		sleep_until_due();
	}
	fail_round();
	refresh_notified(t.r, 1, t.now);
	assert_asks(REFRESH_SOA, 1);
}

/* ---------------------------------------------------------------- commands */

static void
an_operators_refresh_asks_everybody_now(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_command(t.r, REFRESH_COMMAND_REFRESH, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_asks(REFRESH_SOA, 1);
}

static void
an_operators_refresh_forgives_bad_content(void **state)
{
	(void)state;
	t.cfg.primary_count = 1;
	begin_settled(5);
	sleep_until_due();
	confirm_round(6);
	assert_asks(REFRESH_IXFR, 0);
	fails(FAILURE_MALFORMED);
	assert_asks(REFRESH_AXFR, 0);
	fails(FAILURE_MALFORMED);
	refresh_command(t.r, REFRESH_COMMAND_REFRESH, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
}

static void
a_retransfer_takes_the_same_serial_but_no_older_one(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_command(t.r, REFRESH_COMMAND_RETRANSFER, t.now);
	assert_asks(REFRESH_AXFR, 0);
	assert_int_equal(t.action.policy, XFR_IN_NEWER_OR_EQUAL);
	fails(FAILURE_STALE);
	assert_asks(REFRESH_AXFR, 1);
	assert_int_equal(t.action.policy, XFR_IN_NEWER_OR_EQUAL);
	assert_true(answer(XFR_IN_AXFR, 5));
	applied(5);
	assert_waits(3200 * SECOND, 3600 * SECOND);
}

static void
a_forced_retransfer_goes_back(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_command(t.r, REFRESH_COMMAND_FORCE, t.now);
	assert_asks(REFRESH_AXFR, 0);
	assert_int_equal(t.action.policy, XFR_IN_ANY);
	assert_true(answer(XFR_IN_AXFR, 3));
	applied(3);
	assert_int_equal(status().serial, 3);
	/* What the other one had does not count as newer. */
	assert_false(status().alarm);
	assert_waits(3200 * SECOND, 3600 * SECOND);
	/* Force was for once. */
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	assert_int_equal(t.action.policy, XFR_IN_NEWER);
}

static void
a_command_waits_for_the_step_and_ends_the_round(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	refresh_command(t.r, REFRESH_COMMAND_RETRANSFER, t.now);
	assert_false(refresh_next(t.r, t.now).start);
	fails(FAILURE_CONNECT);
	/* Not the next primary's SOA: the wish comes first. */
	assert_int_equal(status().step, REFRESH_AXFR);
	t.action = refresh_next(t.r, t.now);
	assert_true(t.action.start);
	assert_int_equal(t.action.step, REFRESH_AXFR);
}

static void
a_command_during_a_build_follows_it_at_once(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	confirm_round(6);
	assert_asks(REFRESH_IXFR, 0);
	assert_true(answer(XFR_IN_IXFR, 6));
	refresh_command(t.r, REFRESH_COMMAND_RETRANSFER, t.now);
	assert_false(refresh_next(t.r, t.now).start);
	applied(6);
	assert_asks(REFRESH_AXFR, 0);
}

static void
what_goes_wrong_before_a_command_begins_is_forgotten_too(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_notified(t.r, 0, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
	assert_true(answer(XFR_IN_AXFR_STYLE, 6));
	refresh_command(t.r, REFRESH_COMMAND_REFRESH, t.now);
	apply_fails(FAILURE_MALFORMED);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
}

static void
a_stronger_command_wins(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_command(t.r, REFRESH_COMMAND_FORCE, t.now);
	refresh_command(t.r, REFRESH_COMMAND_REFRESH, t.now);
	assert_asks(REFRESH_AXFR, 0);
	assert_int_equal(t.action.policy, XFR_IN_ANY);
}

/* ------------------------------------------------------------------- expiry */

static void
a_zone_expires_when_nobody_confirms_it(void **state)
{
	int64_t expire;

	(void)state;
	begin_settled(5);
	expire = status().expire_ms;
	assert_int_equal(expire, t.now + 604800 * SECOND);
	while (t.now < expire) {
		sleep_until_due();
		t.action = refresh_next(t.r, t.now);
		assert_int_equal(status().expired, t.now >= expire);
		if (t.action.start) {
			fails(FAILURE_CONNECT);
		}
	}
	/* The deadline itself woke us, to the millisecond. */
	assert_int_equal(t.now, expire);
	assert_true(status().expired);
	assert_true(status().alarm);
	assert_reason("expired");
	assert_true(status().has_zone);
}

static void
expire_is_bounded(void **state)
{
	(void)state;
	t.cfg.expire_max_s = 1000;
	begin_with(5);
	assert_int_equal(status().expire_ms, t.now + 1000 * SECOND);
	t.cfg.expire_max_s = t.cfg.expire_min_s = 700000;
	assert_int_equal(refresh_configure(t.r, &t.cfg, NULL, t.now), SECD_OK);
	assert_int_equal(status().expire_ms, t.now + 700000 * SECOND);
}

static void
expire(void)
{
	begin_settled(5);
	while (!status().expired) {
		sleep_until_due();
		t.action = refresh_next(t.r, t.now);
		if (t.action.start) {
			fails(FAILURE_CONNECT);
		}
	}
	while (status().state != REFRESH_WAITING || refresh_due(t.r) <= t.now) {
		t.action = refresh_next(t.r, t.now);
		if (t.action.start) {
			fails(FAILURE_CONNECT);
		}
	}
}

static void
an_expired_zone_goes_on_asking(void **state)
{
	(void)state;
	expire();
	sleep_until_due();
	fail_round();
	for (int i = 0; i < 10; i++) {
		assert_waits(600 * SECOND, 900 * SECOND);
		assert_reason("expired");
		sleep_until_due();
		fail_round();
	}
}

static void
an_expired_zone_comes_back_with_an_equal_serial(void **state)
{
	(void)state;
	expire();
	refresh_notified(t.r, 0, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_false(status().expired);
	assert_int_equal(status().expire_ms, t.now + 604800 * SECOND);
}

static void
an_expired_zone_comes_back_with_a_newer_version(void **state)
{
	(void)state;
	expire();
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
	assert_true(status().expired);
	assert_true(answer(XFR_IN_IXFR, 6));
	applied(6);
	assert_false(status().expired);
	assert_false(status().alarm);
}

static void
an_expired_zone_is_not_revived_by_an_older_serial(void **state)
{
	(void)state;
	expire();
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(4);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(4);
	assert_true(status().expired);
	assert_reason("expired; the serial went backwards");
}

/* ----------------------------------------------------------------- restarts */

static void
restart_after(int64_t s)
{
	struct refresh_saved saved;

	refresh_save(t.r, t.now, WALL + 100000, &saved);
	refresh_free(t.r);
	t.now = START / 2; /* another boot */
	assert_int_equal(
	    refresh_new(&t.cfg, &saved, t.now, WALL + 100000 + s, &t.r),
	    SECD_OK);
}

static void
expiry_survives_a_restart(void **state)
{
	(void)state;
	begin_settled(5);
	pass(1000 * SECOND);
	restart_after(3600);
	assert_int_equal(status().expire_ms, t.now + (604800 - 4600) * SECOND);
	assert_int_equal(status().serial, 5);
	assert_false(status().expired);
}

static void
being_expired_survives_a_restart(void **state)
{
	(void)state;
	expire();
	restart_after(-999999999); /* even when the clock goes back */
	assert_true(status().expired);
	sleep_until_due();
	confirm_round(5);
	assert_false(status().expired);
}

static void
a_short_expire_can_pass_while_we_were_down(void **state)
{
	(void)state;
	t.soa.expire = 3600;
	begin_settled(5);
	restart_after(3601);
	assert_true(status().expired);
}

static void
a_long_absence_expires_only_after_a_failed_round(void **state)
{
	(void)state;
	begin_settled(5);
	restart_after(30 * 86400);
	assert_false(status().expired);
	assert_true(refresh_due(t.r) <= t.now + 1000);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	fails(FAILURE_TIMEOUT);
	assert_false(status().expired);
	assert_asks(REFRESH_SOA, 1);
	fails(FAILURE_TIMEOUT);
	assert_true(status().expired);
}

static void
a_long_absence_is_harmless_when_a_primary_answers(void **state)
{
	(void)state;
	begin_settled(5);
	restart_after(30 * 86400);
	sleep_until_due();
	confirm_round(5);
	assert_false(status().expired);
	assert_int_equal(status().expire_ms, t.now + 604800 * SECOND);
}

static void
a_clock_that_went_back_counts_from_now(void **state)
{
	(void)state;
	begin_settled(5);
	restart_after(-30 * 86400);
	assert_false(status().expired);
	assert_int_equal(status().expire_ms, t.now + 604800 * SECOND);
}

static void
absurd_saved_times_do_no_harm(void **state)
{
	static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, -1};
	struct refresh_saved saved = {.has_zone = true};

	(void)state;
	saved.soa = t.soa;
	for (size_t i = 0; i < 4; i++) {
		saved.confirmed_at = times[i];
		assert_int_equal(refresh_new(&t.cfg, &saved, t.now, WALL, &t.r),
				 SECD_OK);
		assert_false(status().expired);
		assert_true(refresh_due(t.r) <= t.now + 1000);
		refresh_free(t.r);
	}
	t.r = NULL;
}

static void
a_jump_of_the_clock_expires_only_after_a_failed_round(void **state)
{
	(void)state;
	begin_settled(5);
	pass(30 * DAY); /* suspended */
	assert_asks(REFRESH_SOA, 0);
	assert_false(status().expired);
	fails(FAILURE_TIMEOUT);
	assert_asks(REFRESH_SOA, 1);
	fails(FAILURE_TIMEOUT);
	assert_true(status().expired);
}

static void
a_jump_that_is_told_asks_at_once(void **state)
{
	(void)state;
	begin_settled(5);
	pass(100 * SECOND);
	refresh_clock_jumped(t.r, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
}

static void
a_jump_during_a_round_asks_for_another_one(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	pass(30 * DAY);
	t.action = refresh_next(t.r, t.now); /* its time is over */
	assert_true(t.action.start);
	assert_int_equal(t.action.primary, 1);
	fails(FAILURE_TIMEOUT);
	/* This round began before the jump: it does not count. */
	assert_false(status().expired);
	pass(SECOND);
	fail_round();
	assert_true(status().expired);
}

/* ------------------------------------------------------------------- changes */

static void
new_primaries_are_asked_at_once_and_old_ones_are_known(void **state)
{
	static const int was[] = {-1, 1, 0};
	static const char *const names[] = {"new", "two", "one"};

	(void)state;
	begin_settled(5);
	t.cfg.primary_count = 3;
	t.cfg.primary_names = names;
	assert_int_equal(refresh_configure(t.r, &t.cfg, was, t.now), SECD_OK);
	assert_int_equal(refresh_primary_count(t.r), 3);
	assert_int_equal(refresh_primary(t.r, 0)->health, REFRESH_UNTRIED);
	assert_int_equal(refresh_primary(t.r, 1)->serial, 5);
	assert_asks(REFRESH_SOA, 2); /* it worked last */
	assert_reason("SOA asks one");
}

static void
the_error_of_a_primary_survives_a_change(void **state)
{
	static const int twice[] = {0, 0};

	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	refresh_failed(t.r, t.action.attempt, FAILURE_AUTH, 0, "TSIG: BADKEY",
		       t.now);
	assert_int_equal(refresh_configure(t.r, &t.cfg, twice, t.now), SECD_OK);
	assert_string_equal(refresh_primary(t.r, 0)->error, "TSIG: BADKEY");
	assert_string_equal(refresh_primary(t.r, 1)->error, "TSIG: BADKEY");
	assert_asks(REFRESH_SOA, 1);
	answer_soa(5);
	assert_string_equal(refresh_primary(t.r, 0)->error, "TSIG: BADKEY");
	assert_string_equal(refresh_primary(t.r, 1)->error, "");
}

static void
a_change_gives_up_the_step_in_flight(void **state)
{
	static const int was[] = {1};
	uint32_t old;

	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	old = t.action.attempt;
	t.cfg.primary_count = 1;
	assert_int_equal(refresh_configure(t.r, &t.cfg, was, t.now), SECD_OK);
	refresh_failed(t.r, old, FAILURE_CLOSED, 0, NULL, t.now);
	assert_int_equal(status().failed_rounds, 0);
	assert_asks(REFRESH_SOA, 0);
}

static void
a_forced_retransfer_survives_a_change(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_command(t.r, REFRESH_COMMAND_FORCE, t.now);
	assert_asks(REFRESH_AXFR, 0);
	assert_int_equal(refresh_configure(t.r, &t.cfg, NULL, t.now), SECD_OK);
	assert_asks(REFRESH_AXFR, 0);
	assert_int_equal(t.action.policy, XFR_IN_ANY);
}

static void
shorter_bounds_count_at_once(void **state)
{
	(void)state;
	begin_settled(5);
	t.cfg.refresh_max_s = 60;
	assert_int_equal(refresh_configure(t.r, &t.cfg, NULL, t.now), SECD_OK);
	assert_waits(0, 60 * SECOND);
}

static void
a_bad_change_is_refused_and_changes_nothing(void **state)
{
	int64_t due;

	(void)state;
	begin_settled(5);
	due = refresh_due(t.r);
	t.cfg.primary_count = 0;
	assert_int_equal(refresh_configure(t.r, &t.cfg, NULL, t.now),
			 SECD_EINVAL);
	t.cfg.primary_count = 3; /* without a word where the third is from */
	assert_int_equal(refresh_configure(t.r, &t.cfg, NULL, t.now),
			 SECD_EINVAL);
	assert_int_equal(refresh_due(t.r), due);
}

static void
a_zone_that_is_lost_is_transferred_at_once(void **state)
{
	(void)state;
	begin_settled(5);
	refresh_lost(t.r, "bad checksum", t.now);
	assert_reason("bad checksum");
	assert_false(status().has_zone);
	assert_int_equal(status().expire_ms, REFRESH_NEVER);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_asks(REFRESH_AXFR, 0);
	assert_int_equal(t.action.policy, XFR_IN_ANY);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, refreshing_start, refreshing_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_notify_asks_at_once_and_its_sender_first),
	    TEST(a_notify_from_elsewhere_asks_the_current_primary),
	    TEST(a_notify_from_a_number_that_is_none_does_no_harm),
	    TEST(many_notifies_make_one_query_and_one_more),
	    TEST(
		a_flood_of_notifies_that_tell_nothing_costs_a_query_in_five_seconds),
	    TEST(a_notify_does_not_wait_for_the_backoff),
	    TEST(a_notify_never_delays_what_is_due),
	    TEST(a_notify_before_the_first_transfer_is_heard),
	    TEST(an_operators_refresh_asks_everybody_now),
	    TEST(an_operators_refresh_forgives_bad_content),
	    TEST(a_retransfer_takes_the_same_serial_but_no_older_one),
	    TEST(a_forced_retransfer_goes_back),
	    TEST(a_command_waits_for_the_step_and_ends_the_round),
	    TEST(a_command_during_a_build_follows_it_at_once),
	    TEST(what_goes_wrong_before_a_command_begins_is_forgotten_too),
	    TEST(a_stronger_command_wins),
	    TEST(a_zone_expires_when_nobody_confirms_it),
	    TEST(expire_is_bounded),
	    TEST(an_expired_zone_goes_on_asking),
	    TEST(an_expired_zone_comes_back_with_an_equal_serial),
	    TEST(an_expired_zone_comes_back_with_a_newer_version),
	    TEST(an_expired_zone_is_not_revived_by_an_older_serial),
	    TEST(expiry_survives_a_restart),
	    TEST(being_expired_survives_a_restart),
	    TEST(a_short_expire_can_pass_while_we_were_down),
	    TEST(a_long_absence_expires_only_after_a_failed_round),
	    TEST(a_long_absence_is_harmless_when_a_primary_answers),
	    TEST(a_clock_that_went_back_counts_from_now),
	    TEST(absurd_saved_times_do_no_harm),
	    TEST(a_jump_of_the_clock_expires_only_after_a_failed_round),
	    TEST(a_jump_that_is_told_asks_at_once),
	    TEST(a_jump_during_a_round_asks_for_another_one),
	    TEST(new_primaries_are_asked_at_once_and_old_ones_are_known),
	    TEST(the_error_of_a_primary_survives_a_change),
	    TEST(a_change_gives_up_the_step_in_flight),
	    TEST(a_forced_retransfer_survives_a_change),
	    TEST(shorter_bounds_count_at_once),
	    TEST(a_bad_change_is_refused_and_changes_nothing),
	    TEST(a_zone_that_is_lost_is_transferred_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
