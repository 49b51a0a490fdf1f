/* SPDX-License-Identifier: BSD-2-Clause */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "transfer/refresh_internal.h"
#include "wire/query.h"
#include "wire/serial.h"

#define DAY_S INT64_C(86400)

/* No zone was ever confirmed longer ago: a clock was wrong. */
#define AGO_MAX_S (INT64_C(1) << 40)

void
refresh_config_default(struct refresh_config *cfg)
{
	*cfg = (struct refresh_config){
	    .primary_count = 1,
	    .refresh_min_s = 2,
	    .refresh_max_s = 86400,
	    .retry_min_s = 2,
	    .retry_max_s = 86400,
	    .expire_min_s = 3,
	    .expire_max_s = 2592000,
	    .soa_limit_s = 60,
	    .transfer_limit_s = 7500,
	    .build_limit_s = 3600,
	    .start_spread_ms = 1000,
	};
}

bool
refresh_config_is_good(const struct refresh_config *c)
{
	return c->primary_count >= 1 &&
	       c->primary_count <= REFRESH_PRIMARY_MAX &&
	       c->refresh_min_s <= c->refresh_max_s && c->refresh_max_s > 0 &&
	       c->retry_min_s <= c->retry_max_s && c->retry_max_s > 0 &&
	       c->expire_min_s <= c->expire_max_s && c->expire_max_s > 0 &&
	       c->soa_limit_s > 0 && c->transfer_limit_s > 0 &&
	       c->build_limit_s > 0;
}

void
refresh_say(struct refresh *r, const char *format, ...)
{
	char text[REFRESH_REASON_MAX], *copy;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	/* Without memory the one before stands. */
	copy = strdup(text);
	if (copy != NULL) {
		free(r->reason);
		r->reason = copy;
	}
}

struct refresh_peer *
refresh_peers_new(const struct refresh_config *cfg)
{
	struct refresh_peer *peers = calloc(cfg->primary_count, sizeof(*peers));

	for (unsigned i = 0; peers != NULL && i < cfg->primary_count; i++) {
		refresh_peer_init(
		    &peers[i], i,
		    cfg->primary_names == NULL ? NULL : cfg->primary_names[i]);
	}
	return peers;
}

void
refresh_peers_free(struct refresh *r)
{
	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		refresh_peer_fini(&r->peers[i]);
	}
	free(r->peers);
}

/* The first plan of a zone that was loaded. */
static void
load(struct refresh *r, const struct refresh_saved *saved, int64_t now_ms,
     int64_t wall_s)
{
	int64_t ago_s;

	/* What was stored may be anything, and so may the clock. When it went
	 * back, nothing better is known than that it was now. */
	if (wall_s < saved->confirmed_at) {
		ago_s = 0;
	} else if (__builtin_sub_overflow(wall_s, saved->confirmed_at,
					  &ago_s) ||
		   ago_s > AGO_MAX_S) {
		ago_s = AGO_MAX_S;
	}
	r->has_zone = true;
	r->soa = saved->soa;
	r->confirmed_ms = now_ms - ago_s * SECOND_MS;
	r->expired = saved->expired;
	r->alarm = saved->expired;
	refresh_set_expiry(r);
	refresh_plan(r, now_ms + refresh_spread_ms(r));
	if (ago_s > DAY_S) {
		refresh_guard(r, r->at_ms);
	}
	refresh_say(r, "serial %u was loaded and is to be confirmed",
		    r->soa.serial);
	refresh_check_expiry(r, now_ms);
}

int
refresh_new(const struct refresh_config *cfg, const struct refresh_saved *saved,
	    int64_t now_ms, int64_t wall_s, struct refresh **out)
{
	struct refresh *r;

	if (!refresh_config_is_good(cfg)) {
		return SECD_EINVAL;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		return SECD_ENOMEM;
	}
	r->peers = refresh_peers_new(cfg);
	if (r->peers == NULL) {
		free(r);
		return SECD_ENOMEM;
	}
	r->cfg = *cfg;
	r->cfg.primary_names = NULL;
	r->random = cfg->seed;
	r->last_ms = now_ms;
	r->notify_from_ms = now_ms;
	r->notifier = -1;
	r->confirmed_ms = now_ms;
	r->expire_ms = REFRESH_NEVER;
	if (saved != NULL && saved->has_zone) {
		load(r, saved, now_ms, wall_s);
	} else {
		refresh_plan(r, now_ms);
		refresh_say(r, "nothing is held yet");
	}
	*out = r;
	return SECD_OK;
}

void
refresh_free(struct refresh *r)
{
	if (r != NULL) {
		refresh_peers_free(r);
		free(r->reason);
		free(r);
	}
}

void
refresh_save(const struct refresh *r, int64_t now_ms, int64_t wall_s,
	     struct refresh_saved *out)
{
	*out = (struct refresh_saved){
	    .has_zone = r->has_zone,
	    .expired = r->expired,
	    .soa = r->soa,
	    .confirmed_at = wall_s - (now_ms - r->confirmed_ms) / SECOND_MS,
	};
}

int64_t
refresh_due(const struct refresh *r)
{
	if (r->has_zone && !r->expired && !r->is_guarded &&
	    r->expire_ms < r->at_ms) {
		return r->expire_ms;
	}
	return r->at_ms;
}

/* ------------------------------------------------- ends of a step in flight */

/* The same primary again, with another question. */
static void
next_step(struct refresh *r, enum refresh_step step, int64_t now_ms)
{
	r->step = step;
	r->state = REFRESH_WAITING;
	r->at_ms = now_ms;
}

/* May an AXFR from the same primary do better than this IXFR? */
static bool
is_axfr_next(enum failure failure, uint8_t rcode)
{
	switch (failure) {
	case FAILURE_CONNECT:
	case FAILURE_AUTH:
	case FAILURE_LOCAL:
	case FAILURE_NONE:
		return false;
	case FAILURE_RCODE:
		return rcode != RCODE_NOTAUTH;
	case FAILURE_TIMEOUT:
	case FAILURE_CLOSED:
	case FAILURE_MALFORMED:
	case FAILURE_MISMATCH:
	case FAILURE_STALE:
	case FAILURE_LIMIT:
		break;
	}
	return true;
}

static void
step_failed(struct refresh *r, enum failure failure, uint8_t rcode,
	    const char *text, int64_t now_ms)
{
	struct refresh_peer *p = &r->peers[r->primary];

	refresh_peer_failed(p, failure, text, now_ms);
	if (r->is_on_claim && is_axfr_next(failure, rcode) && !r->has_command) {
		r->is_on_claim = false;
		r->was_ixfr_asked = true;
		refresh_say(r, "%s: IXFR: %s; SOA is next", p->name,
			    p->known.error);
		next_step(r, REFRESH_SOA, now_ms);
		return;
	}
	if (r->step == REFRESH_IXFR && is_axfr_next(failure, rcode) &&
	    !r->has_command) {
		refresh_say(r, "%s: IXFR: %s; AXFR is next", p->name,
			    p->known.error);
		next_step(r, REFRESH_AXFR, now_ms);
		return;
	}
	if (r->step == REFRESH_AXFR ||
	    (r->step == REFRESH_IXFR && failure == FAILURE_LOCAL)) {
		refresh_peer_bar(r, p, failure, now_ms);
	}
	if (failure == FAILURE_LOCAL) {
		r->is_local = true;
		refresh_round_fail(r, now_ms);
		return;
	}
	refresh_round_go_on(r, now_ms);
}

/* A primary said which serial it has. */
static void
soa_seen(struct refresh *r, uint32_t serial, int64_t now_ms)
{
	struct refresh_peer *p = &r->peers[r->primary];
	char text[FAILURE_TEXT_MAX];

	refresh_peer_seen(p, serial, now_ms);
	if (!r->has_zone || serial_is_newer(serial, r->soa.serial)) {
		if (refresh_peer_barred_until(p) > now_ms) {
			refresh_round_go_on(r, now_ms);
			return;
		}
		refresh_say(r, "%s has serial %u", p->name, serial);
		next_step(r,
			  r->has_zone && !r->was_ixfr_asked ? REFRESH_IXFR
							    : REFRESH_AXFR,
			  now_ms);
		return;
	}
	if (serial != r->soa.serial) {
		snprintf(text, sizeof(text),
			 "serial %" PRIu32 " is older than %" PRIu32, serial,
			 r->soa.serial);
		refresh_peer_failed(p, FAILURE_STALE, text, now_ms);
		refresh_round_go_on(r, now_ms);
		return;
	}
	refresh_peer_good(p);
	if (!r->is_confirmed) {
		r->current = r->primary;
	}
	refresh_confirm(r, now_ms);
	refresh_round_go_on(r, now_ms);
}

static void
apply_begins(struct refresh *r, const struct xfr_in_result *in, int64_t now_ms)
{
	struct refresh_peer *p = &r->peers[r->primary];

	refresh_peer_seen(p, in->soa.serial, now_ms);
	if (in->outcome == XFR_IN_AXFR_STYLE) {
		r->step =
		    REFRESH_AXFR; /* asking for AXFR would give the same */
	}
	r->state = REFRESH_APPLYING;
	r->at_ms = now_ms + r->cfg.build_limit_s * SECOND_MS;
	refresh_say(r, "serial %u came from %s and is being built",
		    in->soa.serial, p->name);
}

static bool
is_in_flight(const struct refresh *r, uint32_t attempt,
	     enum refresh_state state)
{
	return r->state == state && r->attempt == attempt;
}

bool
refresh_answered(struct refresh *r, uint32_t attempt,
		 const struct xfr_in_result *in, int64_t now_ms)
{
	bool is_on_claim;

	now_ms = refresh_touch(r, now_ms);
	if (!is_in_flight(r, attempt, REFRESH_ASKING)) {
		return false;
	}
	is_on_claim = r->is_on_claim;
	r->is_on_claim = false; /* now it said something itself */
	switch (in->outcome) {
	case XFR_IN_SOA:
		soa_seen(r, in->soa.serial, now_ms);
		return false;
	case XFR_IN_UP_TO_DATE:
		if (is_on_claim) {
			soa_seen(r, in->soa.serial, now_ms);
			return false;
		}
		refresh_peer_seen(&r->peers[r->primary], in->soa.serial,
				  now_ms);
		step_failed(r, FAILURE_MISMATCH, 0,
			    "takes back the serial that it named", now_ms);
		return false;
	case XFR_IN_USE_AXFR:
		step_failed(r, FAILURE_MISMATCH, 0, "asks for AXFR", now_ms);
		return false;
	case XFR_IN_IXFR:
	case XFR_IN_AXFR:
	case XFR_IN_AXFR_STYLE:
		apply_begins(r, in, now_ms);
		return true;
	case XFR_IN_NOTHING:
		break;
	}
	step_failed(r, FAILURE_LOCAL, 0, "answer without an outcome", now_ms);
	return false;
}

void
refresh_failed(struct refresh *r, uint32_t attempt, enum failure failure,
	       uint8_t rcode, const char *text, int64_t now_ms)
{
	now_ms = refresh_touch(r, now_ms);
	if (is_in_flight(r, attempt, REFRESH_ASKING)) {
		step_failed(r, failure, rcode, text, now_ms);
	}
}

void
refresh_apply_failed(struct refresh *r, uint32_t attempt, enum failure failure,
		     const char *text, int64_t now_ms)
{
	now_ms = refresh_touch(r, now_ms);
	if (is_in_flight(r, attempt, REFRESH_APPLYING)) {
		step_failed(r, failure, 0, text, now_ms);
	}
}

/* After a forced version, what the others had before means nothing. */
static void
forget_serials(struct refresh *r)
{
	for (unsigned i = 0; i < r->cfg.primary_count; i++) {
		if (i != r->primary) {
			r->peers[i].known.has_serial = false;
		}
	}
}

void
refresh_applied(struct refresh *r, uint32_t attempt, const struct rr_soa *soa,
		int64_t now_ms)
{
	struct refresh_peer *p = &r->peers[r->primary];

	now_ms = refresh_touch(r, now_ms);
	r->has_zone = true;
	r->soa = *soa;
	refresh_confirm(r, now_ms);
	if (!is_in_flight(r, attempt, REFRESH_APPLYING)) {
		return; /* late, but published all the same */
	}
	refresh_peer_good(p);
	refresh_peer_seen(p, soa->serial, now_ms);
	r->current = r->primary;
	if (r->mode == MODE_FORCE) {
		forget_serials(r);
	}
	refresh_round_fetched(r, now_ms);
}

/* ------------------------------------------------------------ what to do now */

static void
check_limit(struct refresh *r, int64_t now_ms)
{
	if (now_ms < r->at_ms) {
		return;
	}
	if (r->state == REFRESH_ASKING) {
		step_failed(r, FAILURE_TIMEOUT, 0, "no result within its limit",
			    now_ms);
	} else if (r->state == REFRESH_APPLYING) {
		step_failed(r, FAILURE_LOCAL, 0, "building took too long",
			    now_ms);
	}
}

static enum xfr_in_policy
policy(const struct refresh *r)
{
	if (!r->has_zone || r->mode == MODE_FORCE) {
		return XFR_IN_ANY;
	}
	return r->mode == MODE_RETRANSFER ? XFR_IN_NEWER_OR_EQUAL
					  : XFR_IN_NEWER;
}

static void
start(struct refresh *r, int64_t now_ms)
{
	struct refresh_peer *p = &r->peers[r->primary];
	uint32_t limit_s = r->step == REFRESH_SOA ? r->cfg.soa_limit_s
						  : r->cfg.transfer_limit_s;

	if (!r->in_round) {
		refresh_round_begin(r);
	}
	p->is_asked = true;
	p->known.tried_ms = now_ms;
	r->attempt++;
	r->state = REFRESH_ASKING;
	r->at_ms = now_ms + limit_s * SECOND_MS;
	refresh_say(r, "%s%s asks %s", r->expired ? "expired; " : "",
		    refresh_step_text(r->step), p->name);
}

struct refresh_action
refresh_next(struct refresh *r, int64_t now_ms)
{
	bool is_start = false;

	now_ms = refresh_touch(r, now_ms);
	refresh_check_expiry(r, now_ms);
	check_limit(r, now_ms);
	if (r->state == REFRESH_WAITING && r->at_ms <= now_ms) {
		start(r, now_ms);
		is_start = true;
	}
	return (struct refresh_action){
	    .start = is_start,
	    .until_ms = refresh_due(r),
	    .step = r->step,
	    .primary = r->primary,
	    .attempt = r->attempt,
	    .serial = r->has_zone ? r->soa.serial : 0,
	    .policy = policy(r),
	};
}
