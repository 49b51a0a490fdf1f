/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_exchange.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "server/evidence.h"
#include "server/zone_key.h"

#define CONNECT_MS     5000
#define SILENCE_MS     10000
#define RATE_WINDOW_MS 60000
/* What a spool holds in memory before it goes to a file. */
#define SPOOL_CHUNK (16u << 20)
/* An IXFR is held in memory; one larger than this is worth an AXFR. */
#define CHANGESET_OCTETS_MAX (64u << 20)

/* The key's module hears what became of the answer's signature. */
static void
add_evidence(const struct zone_entry *e)
{
	struct exchange_result result;

	exchange_result(e->exchange, &result);
	/* Good, or the last word on it; else no answer came. */
	if (result.tsig != TSIG_GOOD || result.has_skew) {
		evidence_add_answer(
		    e->server->frontend.evidence, exchange_key(e->exchange),
		    result.tsig, zone_primary(e->policy, e->action.primary)->to,
		    result.skew_s);
	}
}

static void
on_message(void *arg, uint8_t *msg, size_t len)
{
	struct zone_entry *e = arg;
	enum exchange_verdict verdict =
	    exchange_message(e->exchange, msg, len, clock_wall_s());

	if (verdict != EXCHANGE_MORE) {
		add_evidence(e);
		e->events->ended(e, verdict);
	} else if (exchange_may_end(e->exchange)) {
		link_set_silence(e->link, EXCHANGE_PAUSE_MS);
	} else {
		link_set_silence(e->link, SILENCE_MS);
	}
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
		e->events->closed(e);
		return;
	}
	add_evidence(e);
	e->events->ended(e, exchange_stop(e->exchange, classes[why], reason));
}

static int
make_exchange(struct zone_entry *e, struct tsig_key *key)
{
	static const enum xfr_in_question questions[] = {
	    [REFRESH_SOA] = XFR_IN_ASK_SOA,
	    [REFRESH_IXFR] = XFR_IN_ASK_IXFR,
	    [REFRESH_AXFR] = XFR_IN_ASK_AXFR,
	};
	const struct config_limits *limits = &e->policy->limits;
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
	    .key = key,
	};

	if (getrandom(&p.in.id, sizeof(p.in.id), 0) != sizeof(p.in.id)) {
		return SECD_EIO;
	}
	return exchange_new(&p, &e->exchange);
}

int
zone_exchange_start(struct zone_entry *e,
		    const struct zone_exchange_events *events)
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
	struct tsig_key *key;
	size_t len;
	int rc = zone_key_of_action(e, &key);

	e->events = events;
	if (rc != SECD_OK) {
		return rc;
	}
	rc = make_exchange(e, key);
	tsig_key_unref(key);
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

void
zone_exchange_cut(struct zone_entry *e)
{
	if (e->exchange != NULL &&
	    tsig_key_is_revoked(exchange_key(e->exchange))) {
		e->events->cut(e);
	}
}
