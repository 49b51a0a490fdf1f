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

/* Every primary is asked, and none answers. */
static void
fail_round(void)
{
	for (unsigned i = 0; i < t.cfg.primary_count; i++) {
		t.action = refresh_next(t.r, t.now);
		assert_true(t.action.start);
		fails(FAILURE_CONNECT);
	}
}

/* ------------------------------------------------------------ configuration */

static void
a_bad_configuration_is_refused(void **state)
{
	struct refresh_config bad[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		bad[i] = t.cfg;
	}
	bad[0].primary_count = 0;
	bad[1].primary_count = REFRESH_PRIMARY_MAX + 1;
	bad[2].refresh_min_s = bad[2].refresh_max_s + 1;
	bad[3].retry_max_s = bad[3].retry_min_s = 0;
	bad[4].expire_max_s = bad[4].expire_min_s = 0;
	bad[5].soa_limit_s = 0;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(refresh_new(&bad[i], NULL, t.now, WALL, &t.r),
				 SECD_EINVAL);
	}
}

/* ------------------------------------------------------------ first transfer */

static void
a_first_transfer_starts_at_once(void **state)
{
	(void)state;
	begin_empty();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(7);
	assert_asks(REFRESH_AXFR, 0);
	assert_int_equal(t.action.policy, XFR_IN_ANY);
	assert_true(answer(XFR_IN_AXFR, 7));
	assert_int_equal(status().state, REFRESH_APPLYING);
	assert_reason("serial 7 came from primary 1");
	applied(7);
	assert_true(status().has_zone);
	assert_int_equal(status().serial, 7);
	assert_waits(3240 * SECOND, 3600 * SECOND);
	assert_reason("serial 7 fetched from primary 1");
}

static void
a_first_transfer_is_tried_after_1_2_4_seconds_and_so_on(void **state)
{
	int64_t most = SECOND;

	(void)state;
	begin_empty();
	for (int i = 0; i < 20; i++) {
		fail_round();
		assert_waits(i == 0 ? SECOND : most * 3 / 4, most);
		sleep_until_due();
		most = most * 2 > 300 * SECOND ? 300 * SECOND : most * 2;
	}
	assert_reason("no connection");
}

static void
a_second_primary_gives_the_first_transfer(void **state)
{
	(void)state;
	begin_empty();
	assert_asks(REFRESH_SOA, 0);
	fails(FAILURE_CONNECT);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(7);
	assert_asks(REFRESH_AXFR, 1);
	assert_true(answer(XFR_IN_AXFR, 7));
	applied(7);
	/* It is the one to stay with. */
	sleep_until_due();
	assert_asks(REFRESH_SOA, 1);
}

/* ------------------------------------------------------------------- refresh */

static void
a_loaded_zone_asks_within_the_spread(void **state)
{
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	t.cfg.start_spread_ms = 10000;
	for (uint64_t seed = 0; seed < 200; seed++) {
		int64_t wait;

		t.cfg.seed = seed;
		begin_with(5);
		wait = refresh_due(t.r) - t.now;
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
		refresh_free(t.r);
	}
	t.r = NULL;
	assert_in_range(least, 0, 1000);
	assert_in_range(most, 9000, 10000);
}

static void
a_confirmed_zone_waits_for_refresh_with_jitter(void **state)
{
	(void)state;
	begin_settled(5);
	assert_reason("serial 5 confirmed by primary 1");
	assert_false(status().alarm);
}

static void
refresh_is_bounded(void **state)
{
	(void)state;
	t.cfg.primary_count = 1;
	t.cfg.refresh_max_s = 100;
	begin_with(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_waits(90 * SECOND, 100 * SECOND);
	t.cfg.refresh_min_s = t.cfg.refresh_max_s = 20000;
	assert_int_equal(refresh_configure(t.r, &t.cfg, NULL, t.now), SECD_OK);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_waits(20000 * SECOND, 20000 * SECOND);
}

static void
a_newer_serial_is_fetched_by_ixfr_at_once(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
	assert_int_equal(t.action.serial, 5);
	assert_true(answer(XFR_IN_IXFR, 6));
	applied(6);
	assert_int_equal(status().serial, 6);
	assert_waits(3240 * SECOND, 3600 * SECOND);
}

static void
serials_wrap(void **state)
{
	(void)state;
	begin_settled(UINT32_MAX);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(0);
	assert_asks(REFRESH_IXFR, 0);
}

static void
a_timer_round_surveys_every_primary(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 1);
}

static void
a_survey_leaves_a_dead_primary_alone_for_a_while(void **state)
{
	(void)state;
	t.soa.refresh = 10;
	begin_with(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_asks(REFRESH_SOA, 1);
	fails(FAILURE_TIMEOUT);
	assert_waits(9 * SECOND, 10 * SECOND);
	for (int i = 0; i < 2; i++) {
		sleep_until_due();
		assert_asks(REFRESH_SOA, 0);
		answer_soa(5);
		assert_waits(9 * SECOND, 10 * SECOND);
	}
	pass(30 * SECOND);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_asks(REFRESH_SOA, 1);
	assert_false(status().alarm);
}

/* ------------------------------------------------------ fallback from an IXFR */

static void
begin_ixfr(void)
{
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
}

static void
ixfr_falls_back_to_axfr_from_the_same_primary(void **state)
{
	static const enum failure failures[] = {
	    FAILURE_TIMEOUT,  FAILURE_CLOSED, FAILURE_MALFORMED,
	    FAILURE_MISMATCH, FAILURE_STALE,  FAILURE_LIMIT,
	};
	static const uint8_t rcodes[] = {1, 2, 3, 4, 5};

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		begin_ixfr();
		fails(failures[i]);
		assert_reason("AXFR is next");
		assert_asks(REFRESH_AXFR, 0);
		assert_int_equal(t.action.policy, XFR_IN_NEWER);
		refresh_free(t.r);
	}
	for (size_t i = 0; i < sizeof(rcodes); i++) {
		begin_ixfr();
		fails_with(rcodes[i]);
		assert_asks(REFRESH_AXFR, 0);
		refresh_free(t.r);
	}
	t.r = NULL;
}

static void
ixfr_without_use_of_axfr_goes_to_the_next_primary(void **state)
{
	static const enum failure failures[] = {FAILURE_CONNECT, FAILURE_AUTH};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin_ixfr();
		fails(failures[i]);
		assert_asks(REFRESH_SOA, 1);
		refresh_free(t.r);
	}
	begin_ixfr();
	fails_with(9); /* NOTAUTH: it does not serve the zone */
	assert_asks(REFRESH_SOA, 1);
}

static void
a_lone_newer_soa_means_axfr(void **state)
{
	(void)state;
	begin_ixfr();
	assert_false(answer(XFR_IN_USE_AXFR, 6));
	assert_asks(REFRESH_AXFR, 0);
}

static void
an_ixfr_that_takes_the_serial_back_means_axfr(void **state)
{
	(void)state;
	begin_ixfr();
	assert_false(answer(XFR_IN_UP_TO_DATE, 5));
	assert_asks(REFRESH_AXFR, 0);
	fails(FAILURE_STALE);
	assert_asks(REFRESH_SOA, 1);
}

static void
differences_that_do_not_apply_mean_axfr(void **state)
{
	static const enum failure failures[] = {
	    FAILURE_MISMATCH, FAILURE_MALFORMED, FAILURE_LIMIT};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		begin_ixfr();
		assert_true(answer(XFR_IN_IXFR, 6));
		apply_fails(failures[i]);
		assert_asks(REFRESH_AXFR, 0);
		assert_true(answer(XFR_IN_AXFR, 6));
		applied(6);
		refresh_free(t.r);
	}
	t.r = NULL;
}

static void
a_bad_answer_in_the_manner_of_axfr_is_not_asked_for_twice(void **state)
{
	(void)state;
	begin_ixfr();
	assert_true(answer(XFR_IN_AXFR_STYLE, 6));
	apply_fails(FAILURE_MALFORMED);
	assert_asks(REFRESH_SOA, 1);
}

static void
a_failed_axfr_goes_to_the_next_primary(void **state)
{
	(void)state;
	begin_ixfr();
	fails(FAILURE_CLOSED);
	assert_asks(REFRESH_AXFR, 0);
	fails(FAILURE_CLOSED);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 1);
	assert_true(answer(XFR_IN_IXFR, 6));
	applied(6);
	assert_int_equal(status().serial, 6);
	assert_int_equal(refresh_primary(t.r, 0)->health, REFRESH_UNREACHABLE);
	assert_int_equal(refresh_primary(t.r, 1)->health, REFRESH_GOOD);
}

static void
our_own_failure_blames_nobody(void **state)
{
	(void)state;
	begin_ixfr();
	assert_true(answer(XFR_IN_IXFR, 6));
	apply_fails(FAILURE_LOCAL);
	assert_reason("our own failure");
	assert_waits(SECOND, 5 * SECOND);
	assert_int_equal(refresh_primary(t.r, 0)->health, REFRESH_GOOD);
	assert_int_equal(refresh_primary(t.r, 0)->failures, 0);
}

/* ---------------------------------------------------------- failing primaries */

static void
failed_rounds_back_off_towards_retry(void **state)
{
	int64_t most = 2 * SECOND;

	(void)state;
	begin_settled(5);
	sleep_until_due();
	for (int i = 0; i < 20; i++) {
		fail_round();
		assert_waits(i == 0 ? 2 * SECOND : most * 3 / 4, most);
		assert_int_equal(status().failed_rounds, i + 1);
		sleep_until_due();
		most = most * 2 > 900 * SECOND ? 900 * SECOND : most * 2;
	}
}

static void
a_success_forgets_the_failures_before(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	for (int i = 0; i < 5; i++) {
		fail_round();
		sleep_until_due();
	}
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_int_equal(status().failed_rounds, 0);
	sleep_until_due();
	fail_round();
	assert_waits(2 * SECOND, 2 * SECOND);
}

static void
unreachable_primaries_are_asked_last(void **state)
{
	(void)state;
	t.cfg.primary_count = 3;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	fails(FAILURE_TIMEOUT);
	assert_asks(REFRESH_SOA, 1);
	fails_with(5);
	assert_asks(REFRESH_SOA, 2);
	fails_with(2);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 1);
	fails_with(5);
	assert_asks(REFRESH_SOA, 2);
	fails_with(5);
	assert_asks(REFRESH_SOA, 0);
}

static void
each_primary_remembers_its_serial_and_error(void **state)
{
	const struct refresh_primary *p;

	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	refresh_failed(t.r, t.action.attempt, FAILURE_AUTH, 0, "TSIG: BADKEY",
		       t.now);
	p = refresh_primary(t.r, 0);
	assert_string_equal(p->error, "TSIG: BADKEY");
	assert_int_equal(p->health, REFRESH_REFUSING);
	assert_int_equal(p->serial, 5);
	assert_int_equal(p->tried_ms, t.now);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(5);
	assert_string_equal(refresh_primary(t.r, 1)->error, "");
	assert_null(refresh_primary(t.r, 2));
}

static void
a_stale_primary_is_passed_over(void **state)
{
	static const uint32_t serials[] = {4, 5u + (1u << 31)};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin_settled(5);
		sleep_until_due();
		assert_asks(REFRESH_SOA, 0);
		answer_soa(serials[i]);
		assert_int_equal(refresh_primary(t.r, 0)->health,
				 REFRESH_STALE);
		assert_asks(REFRESH_SOA, 1);
		answer_soa(5);
		assert_waits(3200 * SECOND, 3600 * SECOND);
		refresh_free(t.r);
	}
	t.r = NULL;
}

static void
a_serial_that_went_backwards_everywhere_is_an_alarm(void **state)
{
	int64_t confirmed;

	(void)state;
	begin_settled(5);
	confirmed = status().confirmed_ms;
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(3);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(4);
	assert_reason("went backwards at every primary");
	assert_true(status().alarm);
	assert_int_equal(status().serial, 5);
	assert_int_equal(status().confirmed_ms, confirmed);
}

static void
a_primary_that_is_behind_another_does_not_end_the_round(void **state)
{
	(void)state;
	begin_settled(5);
	/* Only the second has 6, and fails to give it. */
	refresh_notified(t.r, 1, t.now);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 1);
	fails(FAILURE_CONNECT);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_reason("behind: primary 2 has serial 6");
	assert_true(status().alarm);
	assert_waits(SECOND, 5 * SECOND);
	/* The next round starts with the one that is good, but does not end
	 * with it. */
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(5);
	assert_asks(REFRESH_SOA, 1);
}

/* ------------------------------------------------------------- bad content */

/* The only primary has a serial and gives bad content for it. */
static void
fetch_bad(uint32_t serial)
{
	assert_asks(REFRESH_SOA, 0);
	answer_soa(serial);
	assert_asks(REFRESH_IXFR, 0);
	fails(FAILURE_MISMATCH);
	assert_asks(REFRESH_AXFR, 0);
	fails(FAILURE_MALFORMED);
}

static void
bad_content_is_not_fetched_again_before_retry(void **state)
{
	(void)state;
	t.cfg.primary_count = 1;
	begin_settled(5);
	sleep_until_due();
	fetch_bad(6);
	assert_true(status().alarm);
	assert_waits(675 * SECOND, 900 * SECOND);
	for (int i = 0; i < 100; i++) {
		refresh_notified(t.r, 0, t.now);
		sleep_until_due();
		assert_asks(REFRESH_SOA, 0);
		answer_soa(6);
		assert_int_equal(status().state, REFRESH_WAITING);
		assert_int_equal(status().step, REFRESH_SOA);
		assert_reason("malformed answer");
	}
}

static void
bad_content_backs_off_up_to_refresh(void **state)
{
	(void)state;
	t.cfg.primary_count = 1;
	begin_settled(5);
	for (int i = 0; i < 6; i++) {
		int64_t most = i < 2 ? 900 * SECOND << i : 3600 * SECOND;

		sleep_until_due();
		fetch_bad(6);
		assert_waits(most * 3 / 4, most);
	}
}

static void
another_serial_after_bad_content_is_tried_soon(void **state)
{
	(void)state;
	t.cfg.primary_count = 1;
	begin_settled(5);
	sleep_until_due();
	fetch_bad(6);
	pass(5 * SECOND);
	refresh_notified(t.r, 0, t.now);
	assert_asks(REFRESH_SOA, 0);
	answer_soa(7);
	assert_asks(REFRESH_IXFR, 0);
	assert_true(answer(XFR_IN_IXFR, 7));
	applied(7);
	assert_false(status().alarm);
}

static void
new_serials_with_bad_content_are_fetched_ever_less_often(void **state)
{
	unsigned fetched = 0;
	uint32_t serial = 6;

	(void)state;
	t.cfg.primary_count = 1;
	begin_settled(5);
	while (t.now < START + 600 * SECOND) {
		refresh_notified(t.r, 0, t.now);
		sleep_until_due();
		t.action = refresh_next(t.r, t.now);
		assert_true(t.action.start);
		if (t.action.step == REFRESH_SOA) {
			answer_soa(serial++);
		} else if (t.action.step == REFRESH_IXFR) {
			fails(FAILURE_MISMATCH);
		} else {
			fails(FAILURE_MALFORMED);
			fetched++;
		}
	}
	assert_in_range(fetched, 4, 10);
}

static void
a_transfer_that_breaks_off_is_tried_soon_and_then_less_often(void **state)
{
	(void)state;
	t.cfg.primary_count = 1;
	begin_settled(5);
	sleep_until_due();
	for (int i = 0; i < 10; i++) {
		int64_t most = 5 * SECOND << i;

		assert_asks(REFRESH_SOA, 0);
		answer_soa(6);
		assert_asks(REFRESH_IXFR, 0);
		fails(FAILURE_CLOSED);
		assert_asks(REFRESH_AXFR, 0);
		fails(FAILURE_CLOSED);
		most = most > 900 * SECOND ? 900 * SECOND : most;
		assert_waits(most / 2, most);
		sleep_until_due();
	}
}

static void
bad_content_of_one_primary_does_not_keep_us_from_another(void **state)
{
	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 0);
	fails(FAILURE_MISMATCH);
	assert_asks(REFRESH_AXFR, 0);
	fails(FAILURE_MALFORMED);
	assert_asks(REFRESH_SOA, 1);
	answer_soa(6);
	assert_asks(REFRESH_IXFR, 1);
	assert_true(answer(XFR_IN_IXFR, 6));
	applied(6);
	assert_false(status().alarm);
}

/* --------------------------------------------------------------- time limits */

static void
a_step_without_a_result_is_given_up(void **state)
{
	uint32_t old;

	(void)state;
	begin_settled(5);
	sleep_until_due();
	assert_asks(REFRESH_SOA, 0);
	old = t.action.attempt;
	sleep_until_due();
	assert_int_equal(t.now, t.action.until_ms);
	t.action = refresh_next(t.r, t.now);
	assert_true(t.action.start);
	assert_int_equal(t.action.primary, 1);
	assert_string_equal(refresh_primary(t.r, 0)->error,
			    "no result within its limit");
	/* What the old attempt says now does not count. */
	refresh_failed(t.r, old, FAILURE_CLOSED, 0, NULL, t.now);
	assert_int_equal(status().state, REFRESH_ASKING);
	answer_soa(5);
	assert_waits(3200 * SECOND, 3600 * SECOND);
}

static void
a_build_without_a_result_is_given_up(void **state)
{
	(void)state;
	begin_ixfr();
	assert_true(answer(XFR_IN_IXFR, 6));
	sleep_until_due();
	assert_false(refresh_next(t.r, t.now).start);
	assert_reason("building took too long");
	assert_int_equal(status().state, REFRESH_WAITING);
}

static void
a_version_published_late_is_held_all_the_same(void **state)
{
	uint32_t old;

	(void)state;
	begin_ixfr();
	assert_true(answer(XFR_IN_IXFR, 6));
	old = t.action.attempt;
	sleep_until_due();
	refresh_next(t.r, t.now);
	t.soa.serial = 6;
	refresh_applied(t.r, old, &t.soa, t.now);
	assert_int_equal(status().serial, 6);
	assert_int_equal(status().state, REFRESH_WAITING);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, refreshing_start, refreshing_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_bad_configuration_is_refused),
	    TEST(a_first_transfer_starts_at_once),
	    TEST(a_first_transfer_is_tried_after_1_2_4_seconds_and_so_on),
	    TEST(a_second_primary_gives_the_first_transfer),
	    TEST(a_loaded_zone_asks_within_the_spread),
	    TEST(a_confirmed_zone_waits_for_refresh_with_jitter),
	    TEST(refresh_is_bounded),
	    TEST(a_newer_serial_is_fetched_by_ixfr_at_once),
	    TEST(serials_wrap),
	    TEST(a_timer_round_surveys_every_primary),
	    TEST(a_survey_leaves_a_dead_primary_alone_for_a_while),
	    TEST(ixfr_falls_back_to_axfr_from_the_same_primary),
	    TEST(ixfr_without_use_of_axfr_goes_to_the_next_primary),
	    TEST(a_lone_newer_soa_means_axfr),
	    TEST(an_ixfr_that_takes_the_serial_back_means_axfr),
	    TEST(differences_that_do_not_apply_mean_axfr),
	    TEST(a_bad_answer_in_the_manner_of_axfr_is_not_asked_for_twice),
	    TEST(a_failed_axfr_goes_to_the_next_primary),
	    TEST(our_own_failure_blames_nobody),
	    TEST(failed_rounds_back_off_towards_retry),
	    TEST(a_success_forgets_the_failures_before),
	    TEST(unreachable_primaries_are_asked_last),
	    TEST(each_primary_remembers_its_serial_and_error),
	    TEST(a_stale_primary_is_passed_over),
	    TEST(a_serial_that_went_backwards_everywhere_is_an_alarm),
	    TEST(a_primary_that_is_behind_another_does_not_end_the_round),
	    TEST(bad_content_is_not_fetched_again_before_retry),
	    TEST(bad_content_backs_off_up_to_refresh),
	    TEST(another_serial_after_bad_content_is_tried_soon),
	    TEST(new_serials_with_bad_content_are_fetched_ever_less_often),
	    TEST(a_transfer_that_breaks_off_is_tried_soon_and_then_less_often),
	    TEST(bad_content_of_one_primary_does_not_keep_us_from_another),
	    TEST(a_step_without_a_result_is_given_up),
	    TEST(a_build_without_a_result_is_given_up),
	    TEST(a_version_published_late_is_held_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
