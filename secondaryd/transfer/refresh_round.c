/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/refresh_internal.h"
#include "wire/serial.h"

/*
 * NOTIFYs that tell nothing new are answered with ever fewer SOA queries: a
 * flood costs one in five seconds. One that brings a version resets this.
 */
#define NOTIFY_GAP_MS    INT64_C(100)
#define NOTIFY_DOUBLINGS 5u
#define NOTIFY_LAST_MS   (5 * SECOND_MS)

/* Lower is earlier: the notifier, then who is reachable, then the rest; among
 * equals the one that worked last and its followers. */
static unsigned
rank(const struct refresh *r, unsigned i)
{
	unsigned count = r->cfg.primary_count;
	unsigned distance = (i + count - r->current) % count;

	if ((int)i == r->notifier) {
		return 0;
	}
	if (r->peers[i].known.health == REFRESH_UNREACHABLE) {
		distance += count;
	}
	return distance + 1;
}

/* Is it worth asking this primary in this round? */
static bool
is_wanted(const struct refresh *r, unsigned i, int64_t now_ms)
{
	const struct refresh_peer *p = &r->peers[i];

	if (p->is_asked) {
		return false;
	}
	if (!r->is_confirmed) {
		return true;
	}
	return refresh_peer_is_ahead(r, p) ||
	       (r->is_survey && p->rest_until_ms <= now_ms);
}

/* The primary to ask next; false: none is left. */
static bool
pick(const struct refresh *r, int64_t now_ms, unsigned *out)
{
	bool found = false;

	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		if (is_wanted(r, i, now_ms) &&
		    (!found || rank(r, i) < rank(r, *out))) {
			*out = i;
			found = true;
		}
	}
	return found;
}

static enum refresh_mode
wanted_mode(const struct refresh *r)
{
	if (!r->has_command) {
		return MODE_REFRESH;
	}
	switch (r->command) {
	case REFRESH_COMMAND_RETRANSFER:
		return MODE_RETRANSFER;
	case REFRESH_COMMAND_FORCE:
		return MODE_FORCE;
	case REFRESH_COMMAND_REFRESH:
		break;
	}
	return MODE_REFRESH;
}

static enum refresh_step
first_step(enum refresh_mode mode)
{
	return mode == MODE_REFRESH ? REFRESH_SOA : REFRESH_AXFR;
}

bool
refresh_claim_is_new(const struct refresh *r)
{
	return !r->has_zone || serial_is_newer(r->claim, r->soa.serial);
}

/* Does the round begin with the transfer of what a NOTIFY claims? Where the
 * last one was bad, what there is now must be known first. */
static bool
is_claim_asked(const struct refresh *r)
{
	return r->mode == MODE_REFRESH && r->has_zone && r->is_notified &&
	       r->has_claim && refresh_claim_is_new(r) &&
	       (int)r->primary == r->notifier &&
	       r->peers[r->primary].bad_count == 0;
}

void
refresh_plan(struct refresh *r, int64_t at_ms)
{
	r->in_round = false;
	r->is_confirmed = false;
	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		r->peers[i].is_asked = false;
	}
	r->mode = wanted_mode(r);
	r->state = REFRESH_WAITING;
	r->at_ms = at_ms;
	pick(r, at_ms, &r->primary);
	r->is_on_claim = is_claim_asked(r);
	r->step = r->is_on_claim ? REFRESH_IXFR : first_step(r->mode);
}

void
refresh_forgive(struct refresh *r)
{
	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		r->peers[i].bad_count = 0;
		r->peers[i].rest_until_ms = 0;
	}
	r->failed_count = 0;
	r->fruitless_count = 0;
	r->notify_from_ms = r->last_ms;
}

void
refresh_round_begin(struct refresh *r)
{
	if (r->has_command) {
		/* Also what went wrong since the command was given. */
		refresh_forgive(r);
	}
	r->in_round = true;
	r->is_survey = !r->is_notified || r->has_command;
	r->by_notify = r->is_notified;
	r->is_guard_round = r->is_guarded;
	r->is_local = false;
	r->is_confirmed = false;
	r->was_ixfr_asked = false;
	r->is_notified = false;
	r->has_claim = false;
	r->notifier = -1;
	r->has_command = false;
}

/* What a NOTIFY told us, and when the next one is heard. */
static void
judge_notify(struct refresh *r, bool was_new, int64_t now_ms)
{
	if (was_new) {
		r->fruitless_count = 0;
		r->notify_from_ms = now_ms;
	} else if (r->by_notify) {
		r->notify_from_ms =
		    now_ms + (r->fruitless_count < NOTIFY_DOUBLINGS
				  ? NOTIFY_GAP_MS << r->fruitless_count
				  : NOTIFY_LAST_MS);
		if (r->fruitless_count < NOTIFY_DOUBLINGS) {
			r->fruitless_count++;
		}
	}
	r->by_notify = false;
}

/* Plan the next round for at_ms, or earlier if somebody waits for it. */
static void
plan_next(struct refresh *r, int64_t at_ms, int64_t now_ms)
{
	if (at_ms < now_ms + SECOND_MS) {
		at_ms = now_ms + SECOND_MS;
	}
	if (r->has_claim && !refresh_claim_is_new(r)) {
		r->is_notified = r->has_claim = false; /* it is here */
	}
	if (r->is_notified && r->notify_from_ms < at_ms) {
		at_ms = r->notify_from_ms > now_ms ? r->notify_from_ms : now_ms;
	}
	if (r->has_command) {
		at_ms = now_ms;
	}
	refresh_plan(r, at_ms);
}

/* A primary is known to have more than we do: when to try it again. */
static int64_t
catch_up_at(struct refresh *r, int64_t at_ms, int64_t now_ms)
{
	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		const struct refresh_peer *p = &r->peers[i];
		int64_t then_ms = refresh_peer_barred_until(p);

		if (!refresh_peer_is_ahead(r, p)) {
			continue;
		}
		if (then_ms <= now_ms) {
			unsigned n = p->known.failures;

			then_ms = now_ms + refresh_delay_ms(r, n);
		}
		if (then_ms < at_ms) {
			at_ms = then_ms;
		}
		r->alarm = true;
		refresh_say(r, "behind: %s has serial %u, we have %u: %s",
			    p->name, p->known.serial, r->soa.serial,
			    p->known.error[0] == '\0' ? "not fetched yet"
						      : p->known.error);
	}
	return at_ms;
}

static void
end_well(struct refresh *r, bool was_new, int64_t now_ms)
{
	int64_t at_ms = now_ms + refresh_next_interval_ms(r);

	r->alarm = false;
	refresh_say(r, "serial %u %s %s", r->soa.serial,
		    was_new ? "fetched from" : "confirmed by",
		    r->peers[r->current].name);
	at_ms = catch_up_at(r, at_ms, now_ms);
	judge_notify(r, was_new, now_ms);
	plan_next(r, at_ms, now_ms);
}

void
refresh_round_fetched(struct refresh *r, int64_t now_ms)
{
	end_well(r, true, now_ms);
}

static bool
are_all_stale(const struct refresh *r)
{
	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		if (r->peers[i].known.health != REFRESH_STALE ||
		    refresh_peer_is_ahead(r, &r->peers[i])) {
			return false;
		}
	}
	return r->has_zone;
}

static bool
is_behind(const struct refresh *r)
{
	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		if (refresh_peer_is_ahead(r, &r->peers[i])) {
			return true;
		}
	}
	return false;
}

/*
 * When to try again. Where nothing but a bar keeps us from fetching, asking
 * before it ends would be of no use.
 */
static int64_t
retry_at(struct refresh *r, int64_t now_ms)
{
	int64_t at_ms = now_ms + refresh_delay_ms(r, r->failed_count);
	int64_t bar_ms = REFRESH_NEVER;
	bool is_all = true;

	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		int64_t until_ms = refresh_peer_barred_until(&r->peers[i]);

		if (until_ms <= now_ms ||
		    (r->has_zone && !refresh_peer_is_ahead(r, &r->peers[i]))) {
			is_all = false;
		} else if (until_ms < bar_ms) {
			bar_ms = until_ms;
		}
	}
	return is_all || bar_ms < at_ms ? bar_ms : at_ms;
}

static void
say_failed(struct refresh *r)
{
	const struct refresh_peer *p = &r->peers[r->primary];
	const char *prefix = r->expired ? "expired; " : "";

	if (r->is_local) {
		refresh_say(r, "%sour own failure: %s", prefix, p->known.error);
	} else if (are_all_stale(r)) {
		r->alarm = true;
		refresh_say(r,
			    "%sthe serial went backwards at every primary: "
			    "%s has %u, we have %u",
			    prefix, p->name, p->known.serial, r->soa.serial);
	} else {
		refresh_say(r, "%sno primary was of use: %s: %s", prefix,
			    p->name, p->known.error);
	}
}

void
refresh_round_fail(struct refresh *r, int64_t now_ms)
{
	int64_t at_ms;

	if (r->failed_count < UINT32_MAX) {
		r->failed_count++;
	}
	if (r->is_guard_round) {
		r->is_guarded = false;
		r->is_guard_round = false;
	}
	refresh_check_expiry(r, now_ms);
	at_ms = retry_at(r, now_ms);
	if (r->is_guarded) {
		at_ms = now_ms; /* the clock jumped during this round */
	}
	r->alarm = r->expired || is_behind(r);
	say_failed(r);
	judge_notify(r, false, now_ms);
	plan_next(r, at_ms, now_ms);
}

void
refresh_round_go_on(struct refresh *r, int64_t now_ms)
{
	unsigned next;

	if (r->has_command) {
		refresh_plan(r, now_ms);
		refresh_say(r, "an operator's command");
		return;
	}
	if (pick(r, now_ms, &next)) {
		refresh_say(r, "%s: %s; %s is next", r->peers[r->primary].name,
			    r->peers[r->primary].known.error[0] == '\0'
				? "nothing new"
				: r->peers[r->primary].known.error,
			    r->peers[next].name);
		r->primary = next;
		r->is_on_claim = r->was_ixfr_asked = false;
		r->step = first_step(r->mode);
		r->state = REFRESH_WAITING;
		r->at_ms = now_ms;
		return;
	}
	if (r->is_confirmed) {
		end_well(r, false, now_ms);
	} else {
		refresh_round_fail(r, now_ms);
	}
}
