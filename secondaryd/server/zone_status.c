/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "server/notifier.h"
#include "server/zone_key.h"

#define TARGET_TEXT_MAX 512

/* Two clocks at one moment: the machine's moments become the wall's. */
struct now {
	int64_t boot_ms;
	int64_t wall_s;
};

static int64_t
wall(const struct now *now, int64_t at_ms)
{
	int64_t ms = at_ms - now->boot_ms;

	if (at_ms == REFRESH_NEVER) {
		return 0;
	}
	/* Rounded up: what is due in half a second is not due yet. */
	return now->wall_s + (ms >= 0 ? (ms + 999) / 1000 : ms / 1000);
}

static const char *
state_text(const struct zone_entry *e, const struct refresh_status *s)
{
	if (s->state == REFRESH_APPLYING) {
		return "applying";
	}
	switch (e->activity) {
	case ZONE_QUEUED:
		return "waiting for a connection";
	case ZONE_ASKING:
		return "asking";
	case ZONE_BUILDING:
		return "applying";
	case ZONE_IDLE:
	default:
		return "waiting";
	}
}

static void
take_layers(const struct zone_entry *e, const struct version *v,
	    struct zone_report *z)
{
	z->layer_count = version_layer_count(v);
	z->layer_nodes = zone_layer_nodes(v);
	for (unsigned i = 0; i < z->layer_count; i++) {
		z->layer_octets += layer_octets(version_layer(v, i));
	}
	z->is_compacting = e->compaction != NULL;
}

static void
take_held(const struct zone_entry *e, const struct refresh_status *s,
	  const struct now *now, struct zone_report *z)
{
	z->has_zone = e->newest != NULL;
	z->is_expired = s->expired;
	z->is_durable = zone_is_durable(e);
	z->pinned_serial =
	    zone_is_pinned(e) ? version_serial(e->pinned) : e->pin.serial;
	z->pinned_at = zone_is_pinned(e) || e->pin.is_lost ? e->pin.at : 0;
	z->is_pin_lost = e->pin.is_lost;
	if (z->has_zone) {
		z->serial = version_serial(e->newest);
		z->record_count = version_record_count(e->newest);
		z->confirmed_at = wall(now, s->confirmed_ms);
		z->expires_at = wall(now, s->expire_ms);
		take_layers(e, e->newest, z);
	}
}

static void
take_reason(const struct zone_entry *e, const struct refresh_status *s,
	    struct zone_report *z)
{
	char pin[64] = "", store[96] = "";

	if (e->pin.is_lost) {
		snprintf(pin, sizeof(pin),
			 "serial %" PRIu32 " was pinned and is lost; ",
			 e->pin.serial);
	}
	if (e->is_commit_failing) {
		snprintf(store, sizeof(store), "%s but not stored: %s; ",
			 zone_is_pinned(e) ? "held" : "served",
			 secd_strerror(e->commit_rc));
	}
	snprintf(z->reason, sizeof(z->reason), "%s%s%s", pin, store, s->reason);
}

static void
take_step(const struct zone_entry *e, const struct refresh_status *s,
	  const struct now *now, struct zone_report *z)
{
	const struct config_target *next = zone_primary(e->policy, s->primary);
	char address[ADDRESS_TEXT_MAX];

	snprintf(z->state, sizeof(z->state), "%s", state_text(e, s));
	take_reason(e, s, z);
	snprintf(z->next, sizeof(z->next), "%s", refresh_step_text(s->step));
	snprintf(z->next_primary, sizeof(z->next_primary), "%s",
		 address_text(next->to, address, sizeof(address)));
	z->next_at = wall(now, s->due_ms);
	z->has_alarm = s->alarm || zone_has_alarm(e);
	z->failed_rounds = s->failed_rounds;
}

static void
take_transfer(const struct zone_entry *e, struct zone_report *z)
{
	const struct transfer_summary *t = e->last;

	if (t == NULL) {
		return;
	}
	snprintf(z->transfer.kind, sizeof(z->transfer.kind), "%s",
		 xfr_in_outcome_text(t->kind));
	z->transfer.had_serial = t->had_serial;
	z->transfer.from_serial = t->from_serial;
	z->transfer.serial = t->serial;
	z->transfer.octets = t->octets;
	z->transfer.records = t->records;
	z->transfer.messages = t->messages;
	z->transfer.duration_ms = (uint64_t)t->duration_ms;
	z->transfer.ended_at = t->ended_at;
	snprintf(z->transfer.primary, sizeof(z->transfer.primary), "%s",
		 t->primary);
	if (t->is_signed) {
		name_to_text(t->key, z->transfer.key);
	}
	snprintf(z->transfer.transport, sizeof(z->transfer.transport), "TCP");
}

static void
take_primary(const struct zone_entry *e, unsigned index, const struct now *now,
	     struct zone_report_primary *out)
{
	const struct refresh_primary *p = refresh_primary(e->refresh, index);
	const struct config_target *t = zone_primary(e->policy, index);
	struct tsig_key *key;

	snprintf(out->remote, sizeof(out->remote), "%s", t->remote->id);
	address_text(t->to, out->address, sizeof(out->address));
	snprintf(out->health, sizeof(out->health), "%s",
		 refresh_health_text(p->health));
	out->has_serial = p->has_serial;
	out->serial = p->serial;
	out->seen_at = p->has_serial ? wall(now, p->seen_ms) : 0;
	out->tried_at = wall(now, p->tried_ms);
	out->failures = p->failures;
	snprintf(out->error, sizeof(out->error), "%s", p->error);
	if (zone_key_of_primary(e, index, &key) == SECD_OK && key != NULL) {
		name_to_text(tsig_key_name(key), out->key);
		tsig_key_unref(key);
	}
}

void
zone_status_take(const struct zone_entry *e, struct zone_report *out)
{
	struct now now = {clock_boot_ms(), clock_wall_s()};
	struct refresh_status s;

	memset(out, 0, sizeof(*out));
	memcpy(out->apex, e->zone.apex, e->zone.apex_len);
	refresh_status(e->refresh, &s);
	take_held(e, &s, &now, out);
	take_step(e, &s, &now, out);
	take_transfer(e, out);
	out->primary_count = refresh_primary_count(e->refresh);
	for (unsigned i = 0; i < out->primary_count; i++) {
		take_primary(e, i, &now, &out->primaries[i]);
	}
}

void
zone_status_put_notify(const struct zone_entry *e, struct control_reply *r)
{
	char apex[NAME_TEXT_MAX], text[TARGET_TEXT_MAX], id[ADDRESS_TEXT_MAX];

	name_to_text(e->zone.apex, apex);
	if (e->heard != NULL) {
		control_reply_time(r, apex, NULL, "notified-at", e->heard->at);
		control_reply_text(
		    r, apex, NULL, "notified-by", "%s",
		    address_text(&e->heard->from, text, sizeof(text)));
	}
	for (size_t i = 0; i < e->target_count; i++) {
		snprintf(id, sizeof(id), "notify %zu", i + 1);
		control_reply_text(r, apex, id, "target", "%s",
				   notifier_describe(e, i, text, sizeof(text)));
	}
}
