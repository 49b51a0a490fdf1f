/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/refresh_internal.h"

#define DAY_MS (86400 * SECOND_MS)

/* While nothing is held, the numbers of a SOA that is not there. */
#define NO_RETRY_S   300u
#define NO_REFRESH_S 3600u

#define DOUBLINGS_MAX 20u /* 2^20 s is twelve days */

/* splitmix64: spreads, need not be unpredictable. */
static uint64_t
random_next(struct refresh *r)
{
	uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Take off up to `percent`, so that zones do not march in step. */
static int64_t
jitter(struct refresh *r, int64_t ms, unsigned percent)
{
	int64_t part = ms / 100 * percent;

	if (part <= 0) {
		return ms;
	}
	return ms - (int64_t)(random_next(r) % (uint64_t)(part + 1));
}

static int64_t
bounded_ms(uint32_t value_s, uint32_t min_s, uint32_t max_s)
{
	if (value_s < min_s) {
		value_s = min_s;
	}
	if (value_s > max_s) {
		value_s = max_s;
	}
	return value_s == 0 ? SECOND_MS : value_s * SECOND_MS;
}

static int64_t
at_least(int64_t ms, uint32_t min_s)
{
	int64_t min_ms = min_s == 0 ? SECOND_MS : min_s * SECOND_MS;

	return ms < min_ms ? min_ms : ms;
}

int64_t
refresh_retry_ms(const struct refresh *r)
{
	return bounded_ms(r->has_zone ? r->soa.retry : NO_RETRY_S,
			  r->cfg.retry_min_s, r->cfg.retry_max_s);
}

int64_t
refresh_interval_ms(const struct refresh *r)
{
	return bounded_ms(r->has_zone ? r->soa.refresh : NO_REFRESH_S,
			  r->cfg.refresh_min_s, r->cfg.refresh_max_s);
}

int64_t
refresh_next_interval_ms(struct refresh *r)
{
	return at_least(jitter(r, refresh_interval_ms(r), 10),
			r->cfg.refresh_min_s);
}

int64_t
refresh_spread_ms(struct refresh *r)
{
	return (int64_t)(random_next(r) %
			 ((uint64_t)r->cfg.start_spread_ms + 1));
}

/* first_ms, doubled with each failure after the first, up to last_ms. */
static int64_t
doubled(int64_t first_ms, unsigned n, int64_t last_ms)
{
	unsigned times = n == 0 ? 0 : n - 1;

	if (times > DOUBLINGS_MAX || first_ms > last_ms >> times) {
		return last_ms;
	}
	return first_ms << times;
}

int64_t
refresh_delay_ms(struct refresh *r, unsigned n)
{
	uint32_t first_s = r->has_zone ? r->cfg.retry_min_s : 0;
	int64_t ms = doubled(at_least(0, first_s), n, refresh_retry_ms(r));

	return at_least(jitter(r, ms, 25), first_s);
}

int64_t
refresh_bad_delay_ms(struct refresh *r, unsigned n)
{
	int64_t first_ms = refresh_retry_ms(r);
	int64_t last_ms = refresh_interval_ms(r);

	if (last_ms < first_ms) {
		last_ms = first_ms;
	}
	return at_least(jitter(r, doubled(first_ms, n, last_ms), 25),
			r->cfg.retry_min_s);
}

void
refresh_set_expiry(struct refresh *r)
{
	r->expire_ms = REFRESH_NEVER;
	if (r->has_zone) {
		r->expire_ms = r->confirmed_ms +
			       bounded_ms(r->soa.expire, r->cfg.expire_min_s,
					  r->cfg.expire_max_s);
	}
}

void
refresh_confirm(struct refresh *r, int64_t now_ms)
{
	r->confirmed_ms = now_ms;
	r->expired = false;
	r->is_guarded = false;
	r->is_confirmed = true;
	r->failed_count = 0;
	refresh_set_expiry(r);
}

/*
 * A machine that slept, or a wall clock that was wrong across a restart, must
 * not expire every zone at once while the primaries are well.
 */
void
refresh_guard(struct refresh *r, int64_t now_ms)
{
	if (!r->has_zone || r->expired) {
		return;
	}
	r->is_guarded = true;
	r->is_guard_round = false;
	if (r->state == REFRESH_WAITING && !r->in_round && r->at_ms > now_ms) {
		refresh_plan(r, now_ms);
	}
}

int64_t
refresh_touch(struct refresh *r, int64_t now_ms)
{
	int64_t due_ms = refresh_due(r);

	if (now_ms < r->last_ms) {
		now_ms = r->last_ms;
	}
	if (due_ms < r->last_ms) {
		due_ms = r->last_ms; /* queued for a slot */
	}
	if (now_ms - due_ms > DAY_MS) {
		refresh_guard(r, now_ms);
	}
	r->last_ms = now_ms;
	return now_ms;
}

void
refresh_check_expiry(struct refresh *r, int64_t now_ms)
{
	if (!r->has_zone || r->expired || r->is_guarded ||
	    now_ms < r->expire_ms) {
		return;
	}
	r->expired = true;
	r->alarm = true;
	refresh_say(r, "expired: no primary confirmed serial %u for %lld s",
		    r->soa.serial,
		    (long long)((now_ms - r->confirmed_ms) / SECOND_MS));
}
