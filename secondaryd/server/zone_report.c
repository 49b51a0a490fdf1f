/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_report.h"

#include <inttypes.h>
#include <stdio.h>

static void
put_text(struct control_reply *r, const char *zone, const char *id,
	 const char *item, const char *text)
{
	if (text[0] != '\0') {
		control_reply_text(r, zone, id, item, "%s", text);
	}
}

static void
put_time(struct control_reply *r, const char *zone, const char *id,
	 const char *item, int64_t at)
{
	if (at != 0) {
		control_reply_time(r, zone, id, item, at);
	}
}

static void
put_held(const struct zone_report *z, const char *zone, struct control_reply *r)
{
	control_reply_bool(r, zone, NULL, "held", z->has_zone);
	if (!z->has_zone) {
		return;
	}
	control_reply_number(r, zone, NULL, "serial", z->serial);
	if (z->pinned_at != 0) {
		control_reply_number(r, zone, NULL,
				     z->is_pin_lost ? "lost-serial"
						    : "pinned-serial",
				     z->pinned_serial);
		control_reply_time(r, zone, NULL, "pinned-at", z->pinned_at);
	}
	control_reply_bool(r, zone, NULL, "expired", z->is_expired);
	control_reply_bool(r, zone, NULL, "durable", z->is_durable);
	if (z->record_count != 0) {
		control_reply_number(r, zone, NULL, "records", z->record_count);
	}
	put_time(r, zone, NULL, "confirmed-at", z->confirmed_at);
	put_time(r, zone, NULL, "expires-at", z->expires_at);
	if (z->layer_count > 0) {
		control_reply_number(r, zone, NULL, "layers", z->layer_count);
		control_reply_number(r, zone, NULL, "layer-nodes",
				     z->layer_nodes);
		control_reply_number(r, zone, NULL, "layer-octets",
				     z->layer_octets);
		control_reply_bool(r, zone, NULL, "compacting",
				   z->is_compacting);
	}
}

static void
put_plan(const struct zone_report *z, const char *zone, struct control_reply *r)
{
	put_text(r, zone, NULL, "state", z->state);
	put_text(r, zone, NULL, "reason", z->reason);
	put_text(r, zone, NULL, "next", z->next);
	put_text(r, zone, NULL, "next-primary", z->next_primary);
	put_time(r, zone, NULL, "next-at", z->next_at);
	control_reply_bool(r, zone, NULL, "alarm", z->has_alarm);
	control_reply_number(r, zone, NULL, "failed-rounds", z->failed_rounds);
}

static void
put_transfer(const struct zone_report *z, const char *zone,
	     struct control_reply *r)
{
	if (z->transfer.kind[0] == '\0') {
		return;
	}
	put_text(r, zone, NULL, "transfer-kind", z->transfer.kind);
	if (z->transfer.had_serial) {
		control_reply_number(r, zone, NULL, "transfer-from-serial",
				     z->transfer.from_serial);
	}
	control_reply_number(r, zone, NULL, "transfer-serial",
			     z->transfer.serial);
	put_text(r, zone, NULL, "transfer-primary", z->transfer.primary);
	control_reply_number(r, zone, NULL, "transfer-records",
			     z->transfer.records);
	control_reply_number(r, zone, NULL, "transfer-octets",
			     z->transfer.octets);
	control_reply_number(r, zone, NULL, "transfer-messages",
			     z->transfer.messages);
	control_reply_number(r, zone, NULL, "transfer-ms",
			     z->transfer.duration_ms);
	put_time(r, zone, NULL, "transfer-at", z->transfer.ended_at);
	put_text(r, zone, NULL, "transfer-key", z->transfer.key);
	put_text(r, zone, NULL, "transfer-transport", z->transfer.transport);
}

static void
put_primary(const struct zone_report_primary *p, const char *zone,
	    struct control_reply *r)
{
	char id[sizeof(p->remote) + sizeof(p->address) + 16];

	snprintf(id, sizeof(id), "primary %s %s", p->remote, p->address);
	put_text(r, zone, id, "remote", p->remote);
	put_text(r, zone, id, "address", p->address);
	put_text(r, zone, id, "health", p->health);
	if (p->has_serial) {
		control_reply_number(r, zone, id, "serial", p->serial);
		put_time(r, zone, id, "seen-at", p->seen_at);
	}
	put_time(r, zone, id, "tried-at", p->tried_at);
	if (p->failures != 0) {
		control_reply_number(r, zone, id, "failures", p->failures);
	}
	put_text(r, zone, id, "key", p->key);
	put_text(r, zone, id, "error", p->error);
}

void
zone_report_put(const struct zone_report *z, struct control_reply *r)
{
	char zone[NAME_TEXT_MAX];

	name_to_text(z->apex, zone);
	put_held(z, zone, r);
	put_plan(z, zone, r);
	put_transfer(z, zone, r);
	for (unsigned i = 0;
	     i < z->primary_count && i < ZONE_REPORT_PRIMARY_MAX; i++) {
		put_primary(&z->primaries[i], zone, r);
	}
}
