/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests for AXFR and IXFR: who may, and what they get.
 */

#include "base/address.h"
#include "base/error.h"
#include "server/dispatch_internal.h"
#include "server/ixfr_out.h"
#include "server/transfer_log.h"
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

/* Why an IXFR is not to be looked for in history; NULL: it is. */
static const char *
why_whole(const struct zone *zone, const struct config_policy *policy,
	  uint32_t from)
{
	if (!policy->provide_ixfr) {
		return "provide-ixfr is off";
	}
	return zone_is_damaged_from(zone, from)
		   ? "history from there is damaged"
		   : NULL;
}

/* Begins a transfer over TCP. */
static size_t
begin_stream(struct request *r, const struct zone *zone, struct version *v,
	     const struct config_policy *policy, enum xfr_out_kind kind,
	     uint32_t from)
{
	bool is_ixfr = kind == XFR_OUT_IXFR;
	const struct transfer_stream_params p = {
	    .frontend = r->d->frontend,
	    .counters = r->d->counters,
	    .version = v,
	    .query = &r->query,
	    .apex = zone->apex,
	    .peer = r->from,
	    .time_ms = (int64_t)policy->limits.transfer_s * 1000,
	    .is_ixfr = is_ixfr,
	    .from = from,
	    .why = is_ixfr ? why_whole(zone, policy, from) : NULL,
	    .condense = policy->condense,
	    .condense_memory = r->d->root->config->server.condense_memory,
	    .reply = r->d->box,
	    .tsig = &r->tsig,
	};

	if (!take_transfer_slot(r)) {
		dispatch_log(r, "transfer", "put off",
			     "as many run as the configuration allows");
		return dispatch_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	if (transfer_stream_new(&p, r->stream) != SECD_OK) {
		atomic_fetch_sub(&r->d->frontend->transfers_out, 1);
		return dispatch_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	r->is_signed = false; /* the transaction goes on in the stream */
	frontend_count(&r->d->counters->transfers);
	return 0;
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

/*
 * IXFR over UDP: all of it in one datagram, or nothing of it (RFC 1995 section 2)
 */

static void
log_udp(const struct request *r, const struct version *v,
	const struct ixfr_out *i, const struct xfr_out *x)
{
	char peer[ADDRESS_TEXT_MAX];
	struct transfer_log line = {
	    .apex = i->params.apex,
	    .peer = address_text(r->from, peer, sizeof(peer)),
	    .transport = "udp",
	    .key = r->is_signed ? r->tsig.key : NULL,
	    .serial = version_serial(v),
	    .is_ixfr = true,
	    .from = i->params.from,
	    .steps = i->steps,
	    .is_condensed = i->is_condensed,
	};

	if (dispatch_may_log(r->d)) {
		xfr_out_count(x, &line.count);
		transfer_log(&line);
	}
}

/* Returns the octets of the answer; 0: it is too long, or cannot be made. */
static size_t
put_changes(struct request *r, struct version *v, struct ixfr_out *i)
{
	size_t reserve = r->is_signed ? tsig_room(r->tsig.key) : 0, len = 0;
	size_t limit =
	    answer_limit(&r->d->root->identity, &r->query, ANSWER_UDP, r->cap);
	struct xfr_out_source source = ixfr_out_source(i);
	enum xfr_out_verdict verdict;
	struct xfr_out *x;

	if (xfr_out_new(v, &r->query, XFR_OUT_IXFR, &x) != SECD_OK) {
		return 0;
	}
	xfr_out_set_changes(x, &source, i->params.from);
	verdict = xfr_out_next(x, r->out, limit, reserve, &len);
	if (verdict == XFR_OUT_DONE) {
		log_udp(r, v, i, x);
	}
	xfr_out_free(x);
	return verdict == XFR_OUT_DONE ? len : 0;
}

static size_t
answer_ixfr_udp(struct request *r, const struct zone *zone, struct version *v,
		const struct config_policy *policy, uint32_t from)
{
	struct ixfr_out i = {
	    .params = {.frontend = r->d->frontend,
		       .apex = zone->apex,
		       .from = from,
		       .to = version_serial(v),
		       .seq = version_seq(v),
		       .zone_octets = UINT64_MAX, /* that is no choice here */
		       .condense = policy->condense},
	};
	size_t len = 0;

	if (policy->provide_ixfr && ixfr_out_decide(&i) == SECD_OK &&
	    i.why == NULL) {
		len = put_changes(r, v, &i);
	}
	ixfr_out_fini(&i);
	if (len == 0) {
		return answer_one_soa(r, v);
	}
	dispatch_count_answer(r->d, RCODE_NOERROR, false);
	frontend_count(&r->d->counters->transfers);
	frontend_count(&r->d->counters->transfers_done);
	frontend_count(&r->d->counters->ixfr);
	if (i.is_condensed) {
		frontend_count(&r->d->counters->ixfr_condensed);
	}
	return len;
}

static size_t
begin_transfer(struct request *r, const struct zone *zone, struct version *v,
	       const struct config_policy *policy)
{
	bool is_udp = r->stream == NULL;
	enum xfr_out_kind kind;
	uint32_t from = 0;
	uint8_t rcode = xfr_out_choose(v, &r->query, is_udp, &kind, &from);

	if (rcode != RCODE_NOERROR) {
		return dispatch_bare(r, 0, rcode, -1);
	}
	if (kind == XFR_OUT_SOA_ONLY) {
		note_asker(r, from);
		return answer_one_soa(r, v);
	}
	if (is_udp) {
		note_asker(r, from);
		return answer_ixfr_udp(r, zone, v, policy, from);
	}
	return begin_stream(r, zone, v, policy, kind, from);
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
	return begin_transfer(r, zone, v, policy);
}
