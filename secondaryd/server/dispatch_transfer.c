/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests for AXFR and IXFR: who may, and what they get.
 */

#include <stdlib.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "server/dispatch_internal.h"
#include "server/transfer_stream.h"

#define EDE_PROHIBITED 18 /* RFC 8914 */
#define EDE_NOT_READY  14

static bool
take_transfer_slot(struct request *r)
{
	unsigned max = r->d->root->config->server.transfers_out;

	if (atomic_fetch_add(&r->d->frontend->transfers_out, 1) < max) {
		return true;
	}
	atomic_fetch_sub(&r->d->frontend->transfers_out, 1);
	return false;
}

static struct transfer_stream *
stream_new(struct request *r, struct version *v,
	   const struct config_policy *policy, enum xfr_out_kind kind)
{
	struct transfer_stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	if (xfr_out_new(v, &r->query, kind, &s->out) != SECD_OK) {
		free(s);
		return NULL;
	}
	s->frontend = r->d->frontend;
	s->counters = r->d->counters;
	s->serial = version_serial(v);
	s->is_ixfr = r->query.qtype == RR_TYPE_IXFR;
	s->started_ms = clock_awake_ms();
	s->deadline_ms =
	    s->started_ms + (int64_t)policy->limits.transfer_s * 1000;
	name_lower(r->query.lower, s->apex);
	s->from = *r->from;
	name_to_text(r->query.lower, s->zone);
	address_text(r->from, s->peer, sizeof(s->peer));
	/* The transaction goes on in the stream. */
	s->tsig = r->tsig;
	r->tsig = (struct tsig_transaction){0};
	r->is_signed = false;
	return s;
}

/* A single SOA: up to date, or "ask over TCP". */
static size_t
answer_one_soa(struct request *r, struct version *v)
{
	size_t reserve = r->is_signed ? tsig_room(r->tsig.key) : 0;
	size_t limit =
	    answer_limit(&r->d->root->identity, &r->query,
			 r->stream == NULL ? ANSWER_UDP : ANSWER_TCP, r->cap);
	struct xfr_out *x;
	size_t len = 0;

	if (xfr_out_new(v, &r->query, XFR_OUT_SOA_ONLY, &x) != SECD_OK) {
		return dispatch_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	if (xfr_out_next(x, r->out, r->cap, reserve, &len) != XFR_OUT_DONE) {
		xfr_out_free(x);
		return dispatch_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	xfr_out_free(x);
	if (len + reserve > limit) {
		return dispatch_bare(r, HEADER_AA | HEADER_TC, RCODE_NOERROR,
				     -1);
	}
	dispatch_count_answer(r->d, RCODE_NOERROR, false);
	return len;
}

/* What it asks with is what it has; but anybody can send a datagram from any
 * address. */
static void
note_asker(const struct request *r, uint32_t serial)
{
	if (r->stream != NULL || r->is_signed) {
		downstreams_note(r->d->frontend->downstreams, r->query.lower,
				 r->from, DOWNSTREAM_ASKED, serial,
				 dispatch_key_name(r));
	}
}

static size_t
begin_transfer(struct request *r, struct version *v,
	       const struct config_policy *policy)
{
	enum xfr_out_kind kind;
	uint32_t serial;
	uint8_t rcode =
	    xfr_out_choose(v, &r->query, r->stream == NULL, &kind, &serial);

	if (rcode != RCODE_NOERROR) {
		return dispatch_bare(r, 0, rcode, -1);
	}
	if (kind == XFR_OUT_SOA_ONLY ||
	    (kind == XFR_OUT_IXFR && r->stream == NULL)) {
		note_asker(r, serial);
		return answer_one_soa(r, v);
	}
	if (!take_transfer_slot(r)) {
		dispatch_log(r, "transfer", "put off",
			     "as many run as the configuration allows");
		return dispatch_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	*r->stream = stream_new(r, v, policy, kind);
	if (*r->stream == NULL) {
		atomic_fetch_sub(&r->d->frontend->transfers_out, 1);
		return dispatch_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	frontend_count(&r->d->counters->transfers);
	return 0;
}

size_t
dispatch_transfer(struct request *r)
{
	struct zone *zone = dispatch_zone(r);
	const struct config_policy *policy = dispatch_policy(r, zone);
	const char *why = "no such zone here";
	struct version *v;

	if (policy == NULL || r->query.qclass != RR_CLASS_IN) {
		dispatch_log(r, "transfer", "refused", why);
		return dispatch_bare(r, 0, RCODE_NOTAUTH, -1);
	}
	if (!config_allows(policy, CONFIG_TRANSFER,
			   (const struct sockaddr *)r->from,
			   dispatch_key_name(r), &why)) {
		dispatch_log(r, "transfer", "refused", why);
		return dispatch_bare(r, 0, RCODE_REFUSED, EDE_PROHIBITED);
	}
	v = zone_version(zone);
	if (v == NULL ||
	    atomic_load_explicit(&zone->expired, memory_order_relaxed)) {
		return dispatch_bare(r, 0, RCODE_SERVFAIL, EDE_NOT_READY);
	}
	return begin_transfer(r, v, policy);
}
