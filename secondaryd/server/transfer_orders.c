/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each order comes from the commit thread as a letter.
 */

#include "server/transfer_orders.h"

#include <stdlib.h>

#include "base/container.h"
#include "base/error.h"
#include "server/clients.h"
#include "server/modules.h"
#include "server/notifier.h"
#include "server/zone_pin.h"
#include "server/zone_rekey.h"

struct notify_order {
	struct letter letter; /* first */
	struct server *server;
	uint8_t apex[NAME_LEN_MAX];
};

static void
run_notify(struct letter *letter)
{
	struct notify_order *o = (struct notify_order *)letter;
	struct zone_entry *e = zone_list_find(&o->server->zones, o->apex);

	if (e != NULL && e->told != NULL) {
		notifier_announce(o->server->notifier, e);
	}
	free(o);
}

static void
on_notify(void *ctx, const uint8_t *apex)
{
	struct notify_order *o = calloc(1, sizeof(*o));

	if (o != NULL) {
		o->letter.run = run_notify;
		o->server = ctx;
		name_lower(apex, o->apex);
		if (!mailbox_post(&o->server->box, &o->letter)) {
			free(o);
		}
	}
}

static void
run_pin(struct letter *letter)
{
	struct modules_pin *order = (struct modules_pin *)letter;
	struct server *s = order->server;
	struct zone_entry *e = zone_list_find(&s->zones, order->apex);

	if (e == NULL) {
		modules_pin_done(order, SECD_ENOTFOUND, "no such zone");
	} else {
		zone_pin_take(e, order);
	}
}

static void
on_pin(void *ctx, struct modules_pin *order)
{
	struct server *s = ctx;

	order->letter.run = run_pin;
	order->server = s;
	if (!mailbox_post(&s->box, &order->letter)) {
		modules_pin_done(order, SECD_EBUSY, "the server is ending");
	}
}

static void
on_probe_done(struct prober_order *order, const struct probe_result *r)
{
	modules_probe_done(container_of(order, struct modules_probe, order), r);
}

static void
run_probe(struct letter *letter)
{
	static const struct probe_result failed = {.outcome = PROBE_FAILED};
	struct modules_probe *o = (struct modules_probe *)letter;

	if (o->server->is_ending) {
		modules_probe_done(o, &failed);
		return;
	}
	o->order.done = on_probe_done;
	prober_start(o->server->prober, &o->order);
}

static void
on_probe(void *ctx, struct modules_probe *order)
{
	static const struct probe_result failed = {.outcome = PROBE_FAILED};

	order->letter.run = run_probe;
	order->server = ctx;
	if (!mailbox_post(&order->server->box, &order->letter)) {
		modules_probe_done(order, &failed);
	}
}

static void
run_rekey(struct letter *letter)
{
	struct server *s = container_of(letter, struct server, rekey);

	/* What changes from here on is another letter. */
	atomic_store(&s->is_rekey_posted, false);
	for (size_t i = 0; i < s->zones.count && !s->is_ending; i++) {
		zone_rekey(s->zones.entries[i]);
	}
}

/* However many keys change at a time, zones are looked at once. */
static void
on_rekey(void *ctx, bool is_cut)
{
	struct server *s = ctx;

	if (!atomic_exchange(&s->is_rekey_posted, true)) {
		s->rekey.run = run_rekey;
		mailbox_post(&s->box, &s->rekey);
	}
	if (is_cut) {
		clients_cut(&s->frontend);
	}
}

void
transfer_orders_accept(struct server *s)
{
	modules_set_probe(s->modules, on_probe, s);
	modules_set_rekey(s->modules, on_rekey, s);
	modules_set_notify(s->modules, on_notify, s);
	modules_set_pin(s->modules, on_pin, s);
}
