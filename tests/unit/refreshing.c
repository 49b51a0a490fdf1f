/* SPDX-License-Identifier: BSD-2-Clause */

#include "refreshing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

struct refreshing t;

int
refreshing_start(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	refresh_config_default(&t.cfg);
	t.cfg.primary_count = 2;
	t.cfg.seed = 42;
	t.soa = (struct rr_soa){.serial = 5,
				.refresh = 3600,
				.retry = 900,
				.expire = 604800,
				.minimum = 300};
	t.now = START;
	return 0;
}

int
refreshing_stop(void **state)
{
	(void)state;
	refresh_free(t.r);
	return 0;
}

void
begin_empty(void)
{
	assert_int_equal(refresh_new(&t.cfg, NULL, t.now, WALL, &t.r), SECD_OK);
}

void
begin_with(uint32_t serial)
{
	struct refresh_saved saved;

	t.soa.serial = serial;
	saved = (struct refresh_saved){
	    .has_zone = true, .soa = t.soa, .confirmed_at = WALL};
	assert_int_equal(refresh_new(&t.cfg, &saved, t.now, WALL, &t.r),
			 SECD_OK);
}

void
begin_settled(uint32_t serial)
{
	begin_with(serial);
	sleep_until_due();
	for (unsigned i = 0; i < t.cfg.primary_count; i++) {
		assert_asks(REFRESH_SOA, i);
		answer_soa(serial);
	}
	assert_waits(3200 * SECOND, 3600 * SECOND);
}

void
pass(int64_t ms)
{
	t.now += ms;
}

void
sleep_until_due(void)
{
	int64_t due = refresh_due(t.r);

	if (due > t.now) {
		assert_false(refresh_next(t.r, due - 1).start);
		t.now = due;
	}
}

struct refresh_status
status(void)
{
	struct refresh_status s;

	refresh_status(t.r, &s);
	return s;
}

void
assert_asks(enum refresh_step step, unsigned primary)
{
	struct refresh_status before = status();

	assert_int_equal(before.state, REFRESH_WAITING);
	t.action = refresh_next(t.r, t.now);
	assert_true(t.action.start);
	assert_int_equal(t.action.step, step);
	assert_int_equal(t.action.primary, primary);
	/* What was planned is what is done: servers connect beforehand. */
	assert_int_equal(before.step, step);
	assert_int_equal(before.primary, primary);
	assert_int_equal(status().state, REFRESH_ASKING);
}

void
assert_waits(int64_t least_ms, int64_t most_ms)
{
	struct refresh_action a = refresh_next(t.r, t.now);

	assert_false(a.start);
	assert_int_equal(status().state, REFRESH_WAITING);
	assert_in_range(a.until_ms - t.now, least_ms, most_ms);
}

void
assert_reason(const char *words)
{
	if (strstr(status().reason, words) == NULL) {
		fail_msg("\"%s\" is not about \"%s\"", status().reason, words);
	}
}

bool
answer(enum xfr_in_outcome outcome, uint32_t serial)
{
	struct xfr_in_result in = {.outcome = outcome, .has_soa = true};

	in.soa = t.soa;
	in.soa.serial = serial;
	return refresh_answered(t.r, t.action.attempt, &in, t.now);
}

void
answer_soa(uint32_t serial)
{
	assert_false(answer(XFR_IN_SOA, serial));
}

void
fails(enum failure failure)
{
	refresh_failed(t.r, t.action.attempt, failure, 0, NULL, t.now);
}

void
fails_with(uint8_t rcode)
{
	refresh_failed(t.r, t.action.attempt, FAILURE_RCODE, rcode,
		       "the answer is an error", t.now);
}

void
applied(uint32_t serial)
{
	assert_int_equal(status().state, REFRESH_APPLYING);
	t.soa.serial = serial;
	refresh_applied(t.r, t.action.attempt, &t.soa, t.now);
}

void
apply_fails(enum failure failure)
{
	assert_int_equal(status().state, REFRESH_APPLYING);
	refresh_apply_failed(t.r, t.action.attempt, failure, NULL, t.now);
}
