/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdlib.h>

#include "base/error.h"
#include "transfer/refresh_internal.h"
#include "wire/serial.h"

/* Fruitless NOTIFYs are forgotten after a quiet minute. */
#define NOTIFY_QUIET_MS (60 * SECOND_MS)

static bool
is_idle(const struct refresh *r)
{
	return r->state == REFRESH_WAITING && !r->in_round;
}

static bool
is_primary(const struct refresh *r, int primary)
{
	return primary >= 0 && (unsigned)primary < r->cfg.primary_count;
}

/* A NOTIFY that is worth asking for; those that wait are one. */
static void
note_notify(struct refresh *r, int primary, int64_t now_ms)
{
	int64_t at_ms;

	r->is_notified = true;
	if (is_primary(r, primary)) {
		r->notifier = primary;
	}
	if (now_ms - r->notify_from_ms > NOTIFY_QUIET_MS) {
		r->fruitless_count = 0;
	}
	if (!is_idle(r)) {
		return;
	}
	at_ms = r->notify_from_ms > now_ms ? r->notify_from_ms : now_ms;
	if (at_ms < r->at_ms) {
		refresh_say(r, "NOTIFY from %s",
			    r->notifier < 0 ? "somebody else"
					    : r->peers[r->notifier].name);
	} else {
		at_ms = r->at_ms;
	}
	refresh_plan(r, at_ms);
}

void
refresh_notified(struct refresh *r, int primary, int64_t now_ms)
{
	now_ms = refresh_touch(r, now_ms);
	r->has_claim = false;
	note_notify(r, primary, now_ms);
}

void
refresh_claimed(struct refresh *r, int primary, uint32_t serial, int64_t now_ms)
{
	bool is_newer = r->has_zone && serial_is_newer(serial, r->soa.serial);

	now_ms = refresh_touch(r, now_ms);
	if (r->has_zone && serial == r->soa.serial && !r->expired) {
		return;
	}
	if (!is_newer || !is_primary(r, primary)) {
		r->has_claim = false;
	} else if (!r->is_notified ||
		   (r->has_claim && serial_is_newer(serial, r->claim))) {
		r->has_claim = true;
		r->claim = serial;
	}
	note_notify(r, primary, now_ms);
}

void
refresh_command(struct refresh *r, enum refresh_command command, int64_t now_ms)
{
	now_ms = refresh_touch(r, now_ms);
	if (!r->has_command || r->command < command) {
		r->command = command;
	}
	r->has_command = true;
	refresh_forgive(r);
	if (is_idle(r)) {
		refresh_plan(r, now_ms);
		refresh_say(r, "an operator's command");
	}
}

/* Leave the round; what an operator wanted of it is still wanted. */
static void
give_up(struct refresh *r)
{
	if (r->in_round && r->mode != MODE_REFRESH) {
		r->has_command = true;
		r->command = r->mode == MODE_FORCE ? REFRESH_COMMAND_FORCE
						   : REFRESH_COMMAND_RETRANSFER;
	}
	r->attempt++;
	r->in_round = false;
	r->state = REFRESH_WAITING;
}

static int64_t
due_after_change(const struct refresh *r, bool is_now, int64_t now_ms)
{
	int64_t last_ms;

	if (is_now || !r->has_zone) {
		return now_ms;
	}
	last_ms = now_ms + (r->failed_count == 0 ? refresh_interval_ms(r)
						 : refresh_retry_ms(r));
	return r->at_ms < last_ms ? r->at_ms : last_ms;
}

int
refresh_configure(struct refresh *r, const struct refresh_config *cfg,
		  const int *was, int64_t now_ms)
{
	bool is_now = was != NULL || !is_idle(r);
	struct refresh_peer *peers;
	unsigned current = 0;

	if (!refresh_config_is_good(cfg) ||
	    (was == NULL && cfg->primary_count != r->cfg.primary_count)) {
		return SECD_EINVAL;
	}
	peers = refresh_peers_new(cfg);
	if (peers == NULL) {
		return SECD_ENOMEM;
	}
	now_ms = refresh_touch(r, now_ms);
	for (unsigned i = 0; i < cfg->primary_count; i++) {
		int old = was == NULL ? (int)i : was[i];

		if (old < 0 || (unsigned)old >= r->cfg.primary_count) {
			continue;
		}
		refresh_peer_copy(&peers[i], &r->peers[old]);
		current = (unsigned)old == r->current ? i : current;
	}
	give_up(r);
	refresh_peers_free(r);
	r->peers = peers;
	r->cfg = *cfg;
	r->cfg.primary_names = NULL;
	r->current = current;
	r->notifier = -1;
	r->has_claim = false;
	refresh_set_expiry(r);
	refresh_plan(r, due_after_change(r, is_now, now_ms));
	refresh_say(r, "the configuration changed");
	return SECD_OK;
}

void
refresh_clock_jumped(struct refresh *r, int64_t now_ms)
{
	refresh_guard(r, refresh_touch(r, now_ms));
}

void
refresh_lost(struct refresh *r, const char *text, int64_t now_ms)
{
	now_ms = refresh_touch(r, now_ms);
	give_up(r);
	r->has_zone = false;
	r->expired = false;
	r->is_guarded = false;
	refresh_set_expiry(r);
	refresh_plan(r, now_ms);
	r->alarm = true;
	refresh_say(r, "what was held is lost: %s", text);
}
