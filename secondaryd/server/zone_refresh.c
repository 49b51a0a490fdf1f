/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_refresh.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/error.h"
#include "base/log.h"
#include "server/zone_apply.h"
#include "server/zone_log.h"
#include "server/zone_publish.h"

#define CONNECT_MS     5000
#define SILENCE_MS     10000
#define RATE_WINDOW_MS 60000
/* What a spool holds in memory before it goes to a file. */
#define SPOOL_CHUNK (16u << 20)
/* An IXFR is held in memory; one larger than this is worth an AXFR. */
#define CHANGESET_OCTETS_MAX (64u << 20)
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
}

/* Ask for a connection to the primary of the action, or of the next step. */
static void
queue(struct zone_entry *e, unsigned primary)
{
	struct primary_address a = zone_primary(e->policy, primary);
	int rc = pool_ask(e->server->pool, &e->request, a.to, a.via);

	e->asked = primary;
	if (rc == SECD_OK) {
		e->activity = ZONE_QUEUED;
		set_timer_at(e, next_expiry(e));
		return;
	}
	if (!e->has_action) {
		e->action = refresh_next(e->refresh, clock_boot_ms());
	}
	e->has_action = false;
	if (e->action.start) {
		step_failed(e, FAILURE_LOCAL, secd_strerror(rc));
	}
	set_timer(e);
}

void
zone_wake(struct zone_entry *e)
{
	int64_t now = clock_boot_ms();
	struct refresh_action action;
	struct refresh_status status;

	if (e->server->is_ending) {
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
deliver_failure(struct zone_entry *e, const struct exchange_result *result)
{
	zone_log_failure(e, result);
	refresh_failed(e->refresh, e->action.attempt, result->in->failure,
		       result->in->rcode, result->in->text, clock_boot_ms());
}

/* A complete transfer goes to the build thread. */
static int
deliver_transfer(struct zone_entry *e)
{
	struct changeset changes = {0};
	struct spool *spool = exchange_take_spool(e->exchange);
	int rc;

	if (spool != NULL) {
		rc = zone_apply_spool(e, e->action.attempt, spool);
		if (rc != SECD_OK) {
			spool_free(spool);
		}
		return rc;
	}
	rc = exchange_take_changeset(e->exchange, &changes);
	if (rc == SECD_OK) {
		rc = zone_apply_changes(e, e->action.attempt, &changes);
		changeset_fini(&changes);
	}
	return rc;
}

static int
summarise(struct zone_entry *e, const struct xfr_in_result *in)
{
	struct primary_address a = zone_primary(e->policy, e->action.primary);
	char key[NAME_TEXT_MAX] = "";
	struct transfer_summary *s;

	if (a.remote->key != NULL) {
		name_to_text(a.remote->key->name, key);
	}
	s = calloc(1, sizeof(*s) + strlen(key) + 1);
	if (s == NULL) {
		return SECD_ENOMEM;
	}
	s->kind = in->outcome;
	s->octets = in->octets;
	s->records = in->records;
	s->messages = in->messages;
	s->duration_ms = clock_boot_ms() - e->action_started_ms;
	s->had_serial = e->zone.version != NULL;
	s->from_serial = s->had_serial ? version_serial(e->zone.version) : 0;
	s->serial = in->soa.serial;
	address_text(a.to, s->primary, sizeof(s->primary));
	memcpy(s->key, key, strlen(key) + 1);
	free(e->arriving);
	e->arriving = s;
	return SECD_OK;
}

static void
deliver_answer(struct zone_entry *e, const struct exchange_result *result)
{
	int64_t now = clock_boot_ms();
	int rc;

	if (refresh_primary(e->refresh, e->action.primary)->failures > 0) {
		zone_log_recovery(e);
	}
	if (!refresh_answered(e->refresh, e->action.attempt, result->in, now)) {
		zone_log_answer(e, result->in);
		zone_save_state(e);
		return;
	}
	rc = summarise(e, result->in);
	if (rc == SECD_OK) {
		rc = deliver_transfer(e);
	}
	if (rc != SECD_OK) {
		refresh_apply_failed(e->refresh, e->action.attempt,
				     FAILURE_LOCAL, secd_strerror(rc), now);
		return;
	}
	e->activity = ZONE_BUILDING;
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

static void
finish(struct zone_entry *e, enum exchange_verdict verdict)
{
	struct exchange_result result;
	bool reusable;

	exchange_result(e->exchange, &result);
	reusable =
	    verdict == EXCHANGE_DONE && result.in->outcome != XFR_IN_USE_AXFR;
	if (verdict == EXCHANGE_DONE) {
		deliver_answer(e, &result);
	} else {
		deliver_failure(e, &result);
	}
	exchange_free(e->exchange);
	e->exchange = NULL;
	go_on(e, reusable);
}

static void
on_message(void *arg, uint8_t *msg, size_t len)
{
	struct zone_entry *e = arg;
	enum exchange_verdict verdict =
	    exchange_message(e->exchange, msg, len, clock_wall_s());

	if (verdict != EXCHANGE_MORE) {
		finish(e, verdict);
	} else if (exchange_may_end(e->exchange)) {
		link_set_silence(e->link, EXCHANGE_PAUSE_MS);
	} else {
		link_set_silence(e->link, SILENCE_MS);
	}
}

/* The primary closed a connection that it had kept, or its process for it just
 * ended (NSD does so at each reload): that says nothing of the primary. */
static void
repeat(struct zone_entry *e)
{
	exchange_free(e->exchange);
	e->exchange = NULL;
	release_link(e, false);
	e->has_action = true;
	e->was_repeated = true;
	queue(e, e->action.primary);
}

static void
on_link_failed(void *arg, enum link_failure why, const char *reason)
{
	static const enum failure classes[] = {
	    [LINK_CONNECT] = FAILURE_CONNECT,
	    [LINK_TIMEOUT] = FAILURE_TIMEOUT,
	    [LINK_CLOSED] = FAILURE_CLOSED,
	    [LINK_LIMIT] = FAILURE_LIMIT,
	};
	struct zone_entry *e = arg;
	struct exchange_result result;

	exchange_result(e->exchange, &result);
	if (why == LINK_CLOSED && result.in->messages == 0 &&
	    !e->was_repeated) {
		repeat(e);
		return;
	}
	finish(e, exchange_stop(e->exchange, classes[why], reason));
}

static int
exchange_start(struct zone_entry *e)
{
	static const enum xfr_in_question questions[] = {
	    [REFRESH_SOA] = XFR_IN_ASK_SOA,
	    [REFRESH_IXFR] = XFR_IN_ASK_IXFR,
	    [REFRESH_AXFR] = XFR_IN_ASK_AXFR,
	};
	const struct config_limits *limits = &e->policy->limits;
	struct primary_address a = zone_primary(e->policy, e->action.primary);
	struct exchange_params p = {
	    .in = {.apex = e->zone.apex,
		   .question = questions[e->action.step],
		   .serial = e->action.serial,
		   .policy = e->action.policy,
		   .limits = {.octets = limits->octets,
			      .records = limits->records,
			      .changeset_octets = CHANGESET_OCTETS_MAX},
		   .spool_dir = store_image_dir(e->server->store),
		   .spool_chunk = SPOOL_CHUNK},
	    .key = a.remote->key == NULL ? NULL : a.remote->key->key,
	};

	if (getrandom(&p.in.id, sizeof(p.in.id), 0) != sizeof(p.in.id)) {
		return SECD_EIO;
	}
	return exchange_new(&p, &e->exchange);
}

static int
send_request(struct zone_entry *e)
{
	const struct config_limits *limits = &e->policy->limits;
	struct link_user user = {on_message, on_link_failed, e};
	struct link_limits link_limits = {
	    .connect_ms = CONNECT_MS,
	    .silence_ms = SILENCE_MS,
	    .total_ms = (int64_t)limits->transfer_s * 1000,
	    .octets_per_s = limits->transfer_min_rate,
	    .rate_window_ms = RATE_WINDOW_MS,
	};
	uint8_t request[EXCHANGE_REQUEST_MAX];
	size_t len;
	int rc = exchange_start(e);

	if (rc == SECD_OK) {
		rc = exchange_request(e->exchange, request, sizeof(request),
				      &len, clock_wall_s());
	}
	if (rc == SECD_OK) {
		link_use(e->link, &user, &link_limits);
		rc = link_send(e->link, request, len);
	}
	return rc;
}

/* Run the action on the link that is there. */
static void
start_action(struct zone_entry *e)
{
	int rc;

	e->has_action = false;
	e->activity = ZONE_ASKING;
	e->action_started_ms = clock_boot_ms();
	rc = send_request(e);
	if (rc != SECD_OK) {
		exchange_free(e->exchange);
		e->exchange = NULL;
		release_link(e, false);
		e->activity = ZONE_IDLE;
		step_failed(e, FAILURE_LOCAL, secd_strerror(rc));
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

void
zone_refresh_init(struct zone_entry *e)
{
	e->request.ready = on_link;
	e->request.failed = on_no_link;
}

void
zone_notified(struct zone_entry *e, const struct zone_notify *notify)
{
	int primary = -1;

	if (e->heard == NULL) {
		e->heard = calloc(1, sizeof(*e->heard));
	}
	if (e->heard != NULL) { /* else status does not show it */
		e->heard_before =
		    notify->at == e->heard->at ? e->heard_before + 1 : 0;
		*e->heard = *notify;
	}
	/* Anybody can forge many of them. */
	if (e->heard_before < NOTIFY_LINES_PER_SECOND) {
		zone_log_notify(e, notify);
	}
	for (unsigned i = 0; i < zone_primary_count(e->policy); i++) {
		if (address_same_host(zone_primary(e->policy, i).to,
				      &notify->from)) {
			primary = (int)i;
			break;
		}
	}
	refresh_notified(e->refresh, primary, clock_boot_ms());
	zone_wake(e);
}

void
zone_command(struct zone_entry *e, enum refresh_command command)
{
	refresh_command(e->refresh, command, clock_boot_ms());
	zone_wake(e);
}

void
zone_built(struct zone_entry *e, uint32_t attempt, struct image *image,
	   struct changeset *changes, int rc, const char *reason)
{
	int64_t now = clock_boot_ms();

	if (e->retired || e->activity != ZONE_BUILDING ||
	    attempt != e->action.attempt) {
		image_unref(image); /* it took too long; another step runs */
		return;
	}
	e->activity = ZONE_IDLE;
	if (rc == SECD_OK) {
		rc = zone_publish(e, attempt, image, changes);
		reason = "";
	}
	if (rc != SECD_OK) {
		reason = reason[0] == '\0' ? secd_strerror(rc) : reason;
		zone_log_refused(e, reason);
		refresh_apply_failed(e->refresh, attempt, failure_of_build(rc),
				     reason, now);
	} else {
		free(e->last);
		e->last = e->arriving;
		e->arriving = NULL;
		e->last->ended_at = clock_wall_s();
		e->last->duration_ms = now - e->action_started_ms;
		zone_log_transfer(e);
	}
	zone_sync_status(e);
	zone_wake(e);
}
