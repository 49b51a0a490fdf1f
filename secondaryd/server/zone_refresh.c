/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_refresh.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/error.h"
#include "base/log.h"
#include "server/zone_commit.h"
#include "server/zone_compact.h"
#include "server/zone_exchange.h"
#include "server/zone_key.h"
#include "server/zone_log.h"
#include "server/zone_pin.h"
#include "server/zone_publish.h"
#include "server/zone_receive.h"
#include "server/zone_view.h"
#include "wire/query.h"

/* So that the timer is looked at again even when nothing is due for weeks. */
#define SLEEP_MAX_S             86400.0
#define NOTIFY_LINES_PER_SECOND 5

static void start_action(struct zone_entry *e);

static void
set_timer_at(struct zone_entry *e, int64_t at_ms)
{
	int64_t wait_ms = at_ms - clock_boot_ms();
	double wait_s = wait_ms < 0 ? 0.0 : (double)wait_ms / 1000.0;

	ev_timer_stop(e->server->loop, &e->timer);
	ev_timer_set(&e->timer, wait_s > SLEEP_MAX_S ? SLEEP_MAX_S : wait_s,
		     0.0);
	ev_timer_start(e->server->loop, &e->timer);
}

static void
set_timer(struct zone_entry *e)
{
	set_timer_at(e, refresh_due(e->refresh));
}

/* While it waits for a connection a zone can still expire. */
static int64_t
next_expiry(struct zone_entry *e)
{
	struct refresh_status status;

	refresh_status(e->refresh, &status);
	return status.expired ? REFRESH_NEVER : status.expire_ms;
}

/* The step in flight failed before or during its exchange. */
static void
step_failed(struct zone_entry *e, enum failure failure, const char *text)
{
	refresh_failed(e->refresh, e->action.attempt, failure, 0, text,
		       clock_boot_ms());
}

static void
release_link(struct zone_entry *e, bool reusable)
{
	if (e->link != NULL) {
		pool_release(e->server->pool, &e->request, e->link, reusable);
		e->link = NULL;
	}
}

void
zone_abandon(struct zone_entry *e)
{
	if (e->activity == ZONE_QUEUED) {
		pool_cancel(e->server->pool, &e->request);
	}
	exchange_free(e->exchange);
	e->exchange = NULL;
	release_link(e, false);
	e->has_action = false;
	e->activity = ZONE_IDLE;
}

/* A step that the machine started: it is ours to run. */
static void
adopt_action(struct zone_entry *e, const struct refresh_action *action)
{
	e->action = *action;
	e->has_action = true;
	e->was_repeated = false;
	e->key_tries = 0;
}

/* The step that is due cannot even be queued. */
static void
cannot_queue(struct zone_entry *e, enum failure failure, const char *text)
{
	if (!e->has_action) {
		e->action = refresh_next(e->refresh, clock_boot_ms());
	}
	e->has_action = false;
	if (e->action.start) {
		zone_log_unreachable(e, text);
		step_failed(e, failure, text);
	}
	set_timer(e);
}

static void
fail_without_key(struct zone_entry *e, unsigned primary,
		 void (*fail)(struct zone_entry *e, enum failure failure,
			      const char *text))
{
	char text[FAILURE_TEXT_MAX];

	fail(e, FAILURE_AUTH,
	     zone_key_missing(zone_primary(e->policy, primary), text,
			      sizeof(text)));
}

/* Ask for a connection to the primary of the action, or of the next step. */
static void
queue(struct zone_entry *e, unsigned primary)
{
	const struct config_target *t = zone_primary(e->policy, primary);
	int rc;

	e->asked = primary;
	if (zone_key_count(e->server, t) == 0) {
		fail_without_key(e, primary, cannot_queue);
		return;
	}
	rc = pool_ask(e->server->pool, &e->request, t->to, t->via);
	if (rc != SECD_OK) {
		cannot_queue(e, FAILURE_LOCAL, secd_strerror(rc));
		return;
	}
	e->activity = ZONE_QUEUED;
	set_timer_at(e, next_expiry(e));
}

void
zone_wake(struct zone_entry *e)
{
	int64_t now = clock_boot_ms();
	struct refresh_action action;
	struct refresh_status status;

	if (e->server->is_ending || e->is_held_back) {
		return; /* a timer that was pending when the end came */
	}
	refresh_status(e->refresh, &status);
	if (e->activity == ZONE_IDLE && status.due_ms <= now) {
		/* The machine stays due until there is a connection. */
		queue(e, status.primary);
		return;
	}
	if (e->activity == ZONE_QUEUED &&
	    (e->has_action || status.expire_ms > now || status.expired)) {
		return;
	}
	action = refresh_next(e->refresh, now);
	zone_sync_status(e);
	if (!action.start) {
		set_timer(e);
		return;
	}
	if (e->activity == ZONE_QUEUED) {
		adopt_action(e, &action);
		return;
	}
	/* The step in flight took longer than it may. */
	zone_abandon(e);
	adopt_action(e, &action);
	queue(e, action.primary);
}

static void
on_built(struct zone_entry *e, struct zone_result *result)
{
	zone_receive_built(e, result);
	zone_sync_status(e);
	zone_wake(e);
}

/* After an exchange: another step to the same primary keeps the connection. */
static void
go_on(struct zone_entry *e, bool reusable)
{
	unsigned primary = e->action.primary;
	struct refresh_action action;
	struct refresh_status status;

	zone_sync_status(e);
	if (e->activity == ZONE_BUILDING) {
		release_link(e, reusable);
		set_timer(e);
		return;
	}
	e->activity = ZONE_IDLE;
	refresh_status(e->refresh, &status);
	if (reusable && status.primary == primary &&
	    status.due_ms <= clock_boot_ms()) {
		action = refresh_next(e->refresh, clock_boot_ms());
		if (action.start) {
			adopt_action(e, &action);
		}
	}
	if (e->has_action && e->action.primary == primary) {
		start_action(e);
		return;
	}
	release_link(e, reusable);
	if (e->has_action) {
		queue(e, e->action.primary);
	} else {
		zone_wake(e);
	}
}

/* The same question on another connection. */
static void
repeat(struct zone_entry *e)
{
	exchange_free(e->exchange);
	e->exchange = NULL;
	release_link(e, false);
	e->has_action = true;
	queue(e, e->action.primary);
}

/* Does the primary say, before anything else, that this key is not for this
 * zone? Clocks are the same with another key. */
static bool
is_key_refused(const struct exchange_result *r)
{
	if (r->in->has_soa) {
		return false;
	}
	if (r->in->failure == FAILURE_RCODE) {
		return r->in->rcode == RCODE_NOTAUTH ||
		       r->in->rcode == RCODE_REFUSED;
	}
	return r->in->failure == FAILURE_AUTH && r->tsig != TSIG_BADTIME &&
	       r->tsig != TSIG_REFUSED_BADTIME;
}

static void
on_ended(struct zone_entry *e, enum exchange_verdict verdict)
{
	const struct tsig_key *key = exchange_key(e->exchange);
	struct exchange_result result;
	bool reusable;

	exchange_result(e->exchange, &result);
	if (verdict == EXCHANGE_DONE) {
		zone_key_taken(e, key);
	} else if (is_key_refused(&result) && zone_key_refused(e, key)) {
		repeat(e);
		return;
	}
	reusable =
	    verdict == EXCHANGE_DONE && result.in->outcome != XFR_IN_USE_AXFR;
	if (verdict == EXCHANGE_DONE) {
		zone_receive_answer(e, &result, on_built);
	} else {
		zone_receive_failure(e, &result);
	}
	exchange_free(e->exchange);
	e->exchange = NULL;
	go_on(e, reusable);
}

static void
on_closed(struct zone_entry *e)
{
	e->was_repeated = true;
	repeat(e);
}

static void
on_cut(struct zone_entry *e)
{
	zone_log_cut(e);
	e->key_tries = 0;
	repeat(e);
}

/* Run the action on the link that is there. */
static void
start_action(struct zone_entry *e)
{
	static const struct zone_exchange_events events = {on_ended, on_closed,
							   on_cut};
	int rc;

	e->has_action = false;
	e->activity = ZONE_ASKING;
	e->action_started_ms = clock_boot_ms();
	rc = zone_exchange_start(e, &events);
	if (rc != SECD_OK) {
		exchange_free(e->exchange);
		e->exchange = NULL;
		release_link(e, false);
		e->activity = ZONE_IDLE;
		if (rc == SECD_ENOTFOUND) { /* gone while it was queued */
			fail_without_key(e, e->action.primary, step_failed);
		} else {
			step_failed(e, FAILURE_LOCAL, secd_strerror(rc));
		}
	}
	set_timer(e);
}

static struct zone_entry *
entry_of(struct pool_request *r)
{
	return container_of(r, struct zone_entry, request);
}

/* The step to be run on a connection to the primary that was asked for; false:
 * there is none, or it wants another primary. */
static bool
take_action(struct zone_entry *e)
{
	struct refresh_action action;
	struct refresh_status status;

	refresh_status(e->refresh, &status);
	if (!e->has_action && status.primary != e->asked) {
		return false; /* a NOTIFY came in between */
	}
	/* A step that was begun may have run out of time in the queue. */
	action = refresh_next(e->refresh, clock_boot_ms());
	if (action.start) {
		adopt_action(e, &action);
	}
	return e->has_action && e->action.primary == e->asked;
}

/* What was asked for is not wanted any more: what is? */
static void
ask_again(struct zone_entry *e)
{
	zone_sync_status(e);
	if (e->has_action) {
		queue(e, e->action.primary);
	} else {
		set_timer(e);
	}
}

static void
on_link(struct pool_request *r, struct link *l)
{
	struct zone_entry *e = entry_of(r);

	e->link = l;
	e->activity = ZONE_IDLE;
	if (take_action(e)) {
		start_action(e);
	} else {
		release_link(e, true);
		ask_again(e);
	}
}

static void
on_no_link(struct pool_request *r, const char *reason)
{
	struct zone_entry *e = entry_of(r);

	e->activity = ZONE_IDLE;
	if (take_action(e)) {
		e->has_action = false;
		zone_log_unreachable(e, reason);
		step_failed(e, FAILURE_CONNECT, reason);
	}
	ask_again(e);
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	zone_wake(timer->data);
}

void
zone_refresh_init(struct zone_entry *e)
{
	ev_init(&e->timer, on_timer);
	e->timer.data = e;
	e->request.ready = on_link;
	e->request.failed = on_no_link;
}

void
zone_notified_take(struct zone_entry *e, struct zone_notify *notify)
{
	int primary = -1;

	if (e->heard != NULL && notify->at == e->heard->at) {
		e->heard_before++;
	} else {
		e->heard_before = 0;
	}
	free(e->heard);
	e->heard = notify;
	/* Anybody can forge many of them. */
	if (e->heard_before < NOTIFY_LINES_PER_SECOND) {
		zone_log_notify(e, notify);
	}
	for (unsigned i = 0; i < zone_primary_count(e->policy); i++) {
		if (address_same_host(zone_primary(e->policy, i)->to,
				      &notify->from)) {
			primary = (int)i;
			break;
		}
	}
	if (notify->has_serial) {
		refresh_claimed(e->refresh, primary, notify->serial,
				clock_boot_ms());
	} else {
		refresh_notified(e->refresh, primary, clock_boot_ms());
	}
	zone_wake(e);
}

void
zone_command(struct zone_entry *e, enum refresh_command command)
{
	refresh_command(e->refresh, command, clock_boot_ms());
	zone_wake(e);
}

void
zone_withdraw(struct zone_entry *e, const char *reason)
{
	zone_view_newest_take(e, NULL);
	zone_pin_lose(e, reason);
	version_unref(e->told);
	e->told = NULL;
	zone_compact_cancel(e);
	zone_chain_break(&e->chain, e->seq);
	zone_abandon(e);
	refresh_lost(e->refresh, reason, clock_boot_ms());
}
