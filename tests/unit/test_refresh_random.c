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
#include "rnd.h"
#include "wire/serial.h"

#define STEPS     100000
#define HEAL_EACH 500
#define PRIMARIES 4

/* How a primary of the random world behaves. */
enum mood {
	GOOD,
	DEAD,
	REFUSING,
	BAD_CONTENT,
	NO_IXFR,
	STALE,   /* its serial is ours minus something */
	LYING,   /* promises what it does not give */
	SILENT,  /* no result at all */
	INVENTS, /* another serial each time, bad content each time */
	MOODS,
};

static struct {
	struct rnd rnd;
	enum mood mood[PRIMARIES];
	uint32_t serial; /* of the good ones */
	/* Forced retransfers that may be on their way: one that was commanded
	 * while another ran follows it. */
	unsigned forced;
	bool has_zone;
	uint32_t held;
	unsigned axfrs;
} world;

static unsigned
below(unsigned limit)
{
	return rnd_below(&world.rnd, limit);
}

/* What must always be true. */
static void
check(void)
{
	struct refresh_status s = status();
	int64_t most_s = t.cfg.refresh_max_s > t.cfg.retry_max_s
			     ? t.cfg.refresh_max_s
			     : t.cfg.retry_max_s;

	assert_true(s.reason[0] != '\0');
	assert_true(s.primary < t.cfg.primary_count);
	assert_true(s.step == REFRESH_SOA || s.step == REFRESH_IXFR ||
		    s.step == REFRESH_AXFR);
	assert_int_equal(s.due_ms, refresh_due(t.r));
	if (s.state == REFRESH_ASKING) {
		most_s = t.cfg.transfer_limit_s;
	} else if (s.state == REFRESH_APPLYING) {
		most_s = t.cfg.build_limit_s;
	}
	assert_true(s.due_ms - t.now <= most_s * SECOND);
	assert_int_equal(s.has_zone, world.has_zone);
	if (!s.has_zone) {
		assert_false(s.expired);
		assert_int_equal(s.expire_ms, REFRESH_NEVER);
		assert_false(s.step == REFRESH_IXFR);
	} else {
		assert_int_equal(s.serial, world.held);
		assert_true(s.expire_ms > s.confirmed_ms);
	}
	if (s.expired) {
		assert_true(t.now >= s.expire_ms);
		assert_true(s.alarm);
	}
}

static void
publish(uint32_t serial)
{
	bool is_any = t.action.policy == XFR_IN_ANY;

	assert_true(is_any || serial == world.held ||
		    serial_is_newer(serial, world.held));
	world.has_zone = true;
	world.held = serial;
	if (is_any) {
		world.forced = world.forced > 1 ? 1 : 0;
	}
	t.soa.serial = serial;
	refresh_applied(t.r, t.action.attempt, &t.soa, t.now);
}

static uint32_t
serial_of(enum mood mood)
{
	switch (mood) {
	case STALE:
		return world.held - 1 - below(5);
	case LYING:
		return world.held + 10;
	case INVENTS:
		return world.held + 1 + below(1000);
	default:
		return world.serial;
	}
}

static bool
is_wanted(uint32_t serial)
{
	switch (t.action.policy) {
	case XFR_IN_ANY:
		return true;
	case XFR_IN_NEWER_OR_EQUAL:
		return serial == world.held ||
		       serial_is_newer(serial, world.held);
	case XFR_IN_NEWER:
		break;
	}
	return serial_is_newer(serial, world.held);
}

static void
transfer(enum xfr_in_outcome outcome, enum mood mood)
{
	uint32_t serial = mood == LYING ? world.held : serial_of(mood);

	if (outcome == XFR_IN_IXFR) {
		if (!serial_is_newer(serial, world.held)) {
			assert_false(answer(XFR_IN_UP_TO_DATE, serial));
			return;
		}
		outcome = below(4) == 0 ? XFR_IN_AXFR_STYLE : XFR_IN_IXFR;
	} else if (!is_wanted(serial)) {
		fails(FAILURE_STALE);
		return;
	}
	assert_true(answer(outcome, serial));
	check();
	if (mood == BAD_CONTENT || mood == INVENTS) {
		apply_fails(below(2) == 0 ? FAILURE_MALFORMED
					  : FAILURE_MISMATCH);
	} else if (below(20) == 0) {
		apply_fails(FAILURE_LOCAL);
	} else {
		publish(serial);
	}
}

/* The step in flight ends as its primary's mood has it. */
static void
respond(enum mood mood)
{
	switch (mood) {
	case SILENT:
		return;
	case DEAD:
		fails(below(2) == 0 ? FAILURE_CONNECT : FAILURE_TIMEOUT);
		return;
	case REFUSING:
		if (below(2) == 0) {
			fails(FAILURE_AUTH);
		} else {
			fails_with((uint8_t)(1 + below(10)));
		}
		return;
	default:
		break;
	}
	switch (t.action.step) {
	case REFRESH_SOA:
		answer_soa(serial_of(mood));
		break;
	case REFRESH_IXFR:
		if (mood == NO_IXFR) {
			fails_with(4);
		} else {
			transfer(XFR_IN_IXFR, mood);
		}
		break;
	case REFRESH_AXFR:
		world.axfrs++;
		transfer(XFR_IN_AXFR, mood);
		break;
	}
}

/* What the server does when the time has come. */
static void
drive(void)
{
	struct refresh_action a = refresh_next(t.r, t.now);

	check();
	assert_true(a.start || a.until_ms > t.now);
	assert_false(refresh_next(t.r, t.now).start);
	if (!a.start) {
		return;
	}
	assert_true(a.attempt != t.action.attempt);
	if (a.step == REFRESH_IXFR) {
		assert_true(world.has_zone);
	}
	if (world.has_zone) {
		assert_int_equal(a.serial, world.held);
		assert_true(a.policy != XFR_IN_ANY || world.forced > 0);
	}
	t.action = a;
	respond(world.mood[a.primary]);
}

static void
reconfigure(void)
{
	int was[PRIMARIES];

	t.cfg.primary_count = 1 + below(PRIMARIES);
	for (unsigned i = 0; i < t.cfg.primary_count; i++) {
		was[i] = (int)below(PRIMARIES + 2) - 1;
	}
	assert_int_equal(refresh_configure(t.r, &t.cfg, was, t.now), SECD_OK);
}

static void
something_happens(void)
{
	struct xfr_in_result in = {.outcome = XFR_IN_SOA, .has_soa = true};

	switch (below(40)) {
	case 0:
		world.forced++;
		refresh_command(t.r, REFRESH_COMMAND_FORCE, t.now);
		break;
	case 1:
		refresh_command(t.r, REFRESH_COMMAND_RETRANSFER, t.now);
		break;
	case 2:
		refresh_command(t.r, REFRESH_COMMAND_REFRESH, t.now);
		break;
	case 3:
		reconfigure();
		break;
	case 4:
		assert_int_equal(refresh_configure(t.r, &t.cfg, NULL, t.now),
				 SECD_OK);
		break;
	case 5:
		refresh_clock_jumped(t.r, t.now);
		break;
	case 6:
		if (below(10) == 0) {
			world.has_zone = false;
			refresh_lost(t.r, "lost", t.now);
		}
		break;
	case 7: /* late events of attempts that are over */
		refresh_failed(t.r, t.action.attempt - 1, FAILURE_CLOSED, 0,
			       "late", t.now);
		refresh_apply_failed(t.r, t.action.attempt - 1,
				     FAILURE_MISMATCH, "late", t.now);
		assert_false(
		    refresh_answered(t.r, t.action.attempt - 1, &in, t.now));
		break;
	case 8:
		pass((int64_t)below(40) * DAY);
		break;
	case 9:
		world.serial += below(3);
		break;
	case 10:
	case 11:
	case 12:
		world.mood[below(PRIMARIES)] = (enum mood)below(MOODS);
		break;
	default:
		if (below(2) == 0) {
			refresh_claimed(t.r, (int)below(PRIMARIES + 1) - 1,
					world.serial + below(3) - 1, t.now);
		} else {
			refresh_notified(t.r, (int)below(PRIMARIES + 1) - 1,
					 t.now);
		}
		break;
	}
	check();
}

/* However it got here: once the primaries are well, so is the zone, soon. */
static void
heal(void)
{
	int64_t limit;

	world.serial = world.held + 1;
	for (unsigned i = 0; i < PRIMARIES; i++) {
		world.mood[i] = below(2) == 0 ? GOOD : NO_IXFR;
	}
	limit = t.now + (t.cfg.transfer_limit_s + t.cfg.refresh_max_s +
			 2 * t.cfg.retry_max_s) *
			    SECOND;
	while (!world.has_zone || world.held != world.serial ||
	       status().expired) {
		sleep_until_due();
		drive();
		check();
		assert_true(t.now <= limit);
	}
}

static void
begin(uint64_t seed)
{
	world.rnd.state = seed;
	world.serial = (uint32_t)rnd_next(&world.rnd);
	world.held = world.serial;
	world.has_zone = false;
	world.forced = 0;
	t.cfg.primary_count = PRIMARIES;
	t.cfg.seed = seed;
	t.cfg.refresh_max_s = 7200;
	t.cfg.retry_max_s = 1800;
	begin_empty();
}

static void
a_zone_always_has_a_next_step_with_a_time_and_a_reason(void **state)
{
	(void)state;
	begin(7);
	for (int i = 0; i < STEPS; i++) {
		if (below(3) == 0) {
			something_happens();
		}
		if (below(8) == 0) {
			pass(below(100000));
		} else {
			sleep_until_due();
		}
		drive();
		check();
		if (i % HEAL_EACH == 0) {
			heal();
		}
	}
}

/* Primaries at their worst, NOTIFY as often as anybody likes, for a day. */
static void
hostile_primaries_do_not_make_us_fetch_often(void **state)
{
	(void)state;
	begin(8);
	heal();
	for (unsigned i = 0; i < PRIMARIES; i++) {
		world.mood[i] = INVENTS;
	}
	world.axfrs = 0;
	for (int64_t end = t.now + DAY; t.now < end;) {
		if (below(2) == 0) {
			refresh_claimed(t.r, (int)below(PRIMARIES),
					world.held + 1 + below(1000), t.now);
		} else {
			refresh_notified(t.r, (int)below(PRIMARIES), t.now);
		}
		drive();
		pass(100);
	}
	/* A few quick ones each, then one each RETRY. */
	assert_in_range(world.axfrs, PRIMARIES * 20, PRIMARIES * 150);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, refreshing_start, refreshing_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_zone_always_has_a_next_step_with_a_time_and_a_reason),
	    TEST(hostile_primaries_do_not_make_us_fetch_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
