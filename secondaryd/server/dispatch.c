/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/dispatch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "transfer/notify_in.h"
#include "zone/answer_ahead.h"

#define LINES_PER_SECOND 10
#define EDE_PROHIBITED   18 /* RFC 8914 */
#define EDE_NOT_READY    14

static void
count(atomic_uint_fast64_t *counter)
{
	/* Only this worker writes it: no locked instruction is needed. */
	atomic_store_explicit(
	    counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

static void
count_answer(struct dispatcher *d, unsigned rcode, bool truncated)
{
	count(&d->counters->answers[rcode & 15]);
	if (truncated) {
		count(&d->counters->truncated);
	}
}

static bool
may_log(struct dispatcher *d)
{
	struct log_budget *b = &d->budget;
	int64_t second = clock_awake_ms() / 1000;

	if (b->second != second) {
		if (b->left_out > 0) {
			log_notice("%" PRIu64 " lines about requests left out",
				   b->left_out);
		}
		*b = (struct log_budget){.second = second};
	}
	if (b->used >= LINES_PER_SECOND) {
		b->left_out++;
		return false;
	}
	b->used++;
	return true;
}

/* "NOTIFY of example. from 192.0.2.1@53: refused: not in an ACL" */
static void
log_request(struct request *r, const char *what, const char *outcome,
	    const char *why)
{
	char from[ADDRESS_TEXT_MAX], name[NAME_TEXT_MAX];

	if (log_enabled(LOG_LEVEL_NOTICE) && may_log(r->d)) {
		log_notice("%s of %s from %s: %s: %s", what,
			   name_to_text(r->query.lower, name),
			   address_text(r->from, from, sizeof(from)), outcome,
			   why);
	}
}

static size_t
answer_bare(struct request *r, uint16_t flags, uint16_t rcode, int ede)
{
	size_t reserve = r->is_signed ? tsig_room(r->tsig.key) : 0;

	count_answer(r->d, rcode, (flags & HEADER_TC) != 0);
	return answer_rcode(&r->d->root->identity, &r->query, flags, rcode, ede,
			    r->out, r->cap - reserve);
}

static const uint8_t *
key_name(const struct request *r)
{
	return r->is_signed ? tsig_key_name(r->tsig.key) : NULL;
}

static const struct config_policy *
policy_of(const struct request *r, const struct zone *zone)
{
	const struct config_zone *z =
	    zone == NULL ? NULL
			 : config_zone_find(r->d->root->config, zone->apex);

	return z == NULL ? NULL : z->policy;
}

/* The zone whose apex is the QNAME itself. */
static struct zone *
zone_at(const struct request *r)
{
	const struct query *q = &r->query;
	unsigned label = 0;
	struct zone *z =
	    zone_table_find(r->d->root->zones, q->lower, &q->hashes, 0, &label);

	return z != NULL && label == 0 ? z : NULL;
}

/* ---- NOTIFY ---- */

static size_t
answer_notify(struct request *r)
{
	const struct query *q = &r->query;
	struct zone *zone = zone_at(r);
	const struct config_policy *policy = policy_of(r, zone);
	struct notify_in notify = {0};
	const char *why = "no such zone here";
	uint8_t rcode;
	size_t reserve = r->is_signed ? tsig_room(r->tsig.key) : 0;

	count(&r->d->counters->notifies);
	rcode = notify_in_parse(q, &notify);
	if (rcode == RCODE_NOERROR && policy == NULL) {
		rcode = RCODE_NOTAUTH;
		log_request(r, "NOTIFY", "refused", why);
	} else if (rcode == RCODE_NOERROR &&
		   !config_allows(policy, CONFIG_NOTIFY,
				  (const struct sockaddr *)r->from, key_name(r),
				  &why)) {
		rcode = RCODE_REFUSED;
		log_request(r, "NOTIFY", "refused", why);
	}
	if (rcode == RCODE_NOERROR) {
		r->d->frontend->notified(zone, r->from, notify.has_serial,
					 notify.serial);
	}
	count_answer(r->d, rcode, false);
	return notify_in_answer(q, rcode, r->d->root->identity.udp_max_payload,
				r->out, r->cap - reserve);
}

/* ---- AXFR and IXFR ---- */

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
		return answer_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	if (xfr_out_next(x, r->out, r->cap, reserve, &len) != XFR_OUT_DONE) {
		xfr_out_free(x);
		return answer_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	xfr_out_free(x);
	if (len + reserve > limit) {
		return answer_bare(r, HEADER_AA | HEADER_TC, RCODE_NOERROR, -1);
	}
	count_answer(r->d, RCODE_NOERROR, false);
	return len;
}

static size_t
begin_transfer(struct request *r, struct version *v,
	       const struct config_policy *policy)
{
	enum xfr_out_kind kind;
	uint8_t rcode =
	    xfr_out_choose(v, &r->query, r->stream == NULL, &kind, NULL);

	if (rcode != RCODE_NOERROR) {
		return answer_bare(r, 0, rcode, -1);
	}
	if (kind == XFR_OUT_SOA_ONLY) {
		return answer_one_soa(r, v);
	}
	if (!take_transfer_slot(r)) {
		log_request(r, "transfer", "put off",
			    "as many run as the configuration allows");
		return answer_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	*r->stream = stream_new(r, v, policy, kind);
	if (*r->stream == NULL) {
		atomic_fetch_sub(&r->d->frontend->transfers_out, 1);
		return answer_bare(r, 0, RCODE_SERVFAIL, -1);
	}
	count(&r->d->counters->transfers);
	return 0;
}

static size_t
answer_transfer(struct request *r)
{
	struct zone *zone = zone_at(r);
	const struct config_policy *policy = policy_of(r, zone);
	const char *why = "no such zone here";
	struct version *v;

	if (policy == NULL || r->query.qclass != RR_CLASS_IN) {
		log_request(r, "transfer", "refused", why);
		return answer_bare(r, 0, RCODE_NOTAUTH, -1);
	}
	if (!config_allows(policy, CONFIG_TRANSFER,
			   (const struct sockaddr *)r->from, key_name(r),
			   &why)) {
		log_request(r, "transfer", "refused", why);
		return answer_bare(r, 0, RCODE_REFUSED, EDE_PROHIBITED);
	}
	v = zone_version(zone);
	if (v == NULL ||
	    atomic_load_explicit(&zone->expired, memory_order_relaxed)) {
		return answer_bare(r, 0, RCODE_SERVFAIL, EDE_NOT_READY);
	}
	return begin_transfer(r, v, policy);
}

/* ---- TSIG ---- */

static size_t
sign(struct request *r, size_t len)
{
	if (len == 0 || !r->is_signed) {
		return len;
	}
	return tsig_sign_answer(&r->tsig, r->out, &len, r->cap,
				clock_wall_s()) == SECD_OK
		   ? len
		   : 0;
}

static size_t
answer_bad_tsig(struct request *r, enum tsig_verdict verdict,
		const struct tsig_place *place)
{
	size_t len = answer_bare(r, 0, RCODE_NOTAUTH, -1);
	char key[NAME_TEXT_MAX], why[NAME_TEXT_MAX + 64];

	snprintf(why, sizeof(why), "%s, key %s", tsig_verdict_text(verdict),
		 name_to_text(place->key, key));
	log_request(r, "request", "refused", why);
	if (len == 0 ||
	    tsig_sign_error(&r->tsig, verdict, r->msg, r->len, place, r->out,
			    &len, r->cap, clock_wall_s()) != SECD_OK) {
		return 0;
	}
	return len;
}

static size_t
answer_plain(struct request *r)
{
	size_t reserve = r->is_signed ? tsig_room(r->tsig.key) : 0;
	struct answer_result result;
	size_t len = answer_query(&r->d->root->answer, &r->query,
				  r->stream == NULL ? ANSWER_UDP : ANSWER_TCP,
				  r->out, r->cap, reserve, &result);

	count_answer(r->d, result.rcode, result.truncated);
	return len;
}

/* By what it asks for, without a TSIG or with one that is good. */
static size_t
answer_other(struct request *r)
{
	const struct query *q = &r->query;

	if (r->verdict == QUERY_OTHER && q->opcode == OPCODE_NOTIFY) {
		return answer_notify(r);
	}
	if (r->verdict == QUERY_OTHER &&
	    (q->qtype == RR_TYPE_AXFR || q->qtype == RR_TYPE_IXFR)) {
		return answer_transfer(r);
	}
	if (r->verdict == QUERY_OTHER || r->verdict == QUERY_IGNORE) {
		return answer_bare(r, 0, RCODE_FORMERR, -1);
	}
	return answer_plain(r);
}

static void
read_one(const struct dispatcher *d, struct request *r)
{
	r->verdict = query_parse(&r->query, r->msg, r->len,
				 zone_table_key(d->root->zones));
}

static size_t
answer_signed(struct request *r)
{
	const struct config_key *key;
	enum tsig_verdict verdict;
	struct tsig_place place;

	if (tsig_find(r->msg, r->len, &place) != SECD_OK || !place.present) {
		return answer_bare(r, 0, RCODE_FORMERR, -1);
	}
	key = config_key_find(r->d->root->config, place.key);
	verdict = tsig_verify_request(&r->tsig, key == NULL ? NULL : key->key,
				      r->msg, &r->len, &place, clock_wall_s());
	if (verdict == TSIG_FORMERR) {
		return answer_bare(r, 0, RCODE_FORMERR, -1);
	}
	if (verdict != TSIG_GOOD) {
		return answer_bad_tsig(r, verdict, &place);
	}
	r->is_signed = true;
	read_one(r->d, r); /* now without its TSIG */
	return sign(r, answer_other(r));
}

void
dispatch_read(const struct dispatcher *d, struct request *requests,
	      unsigned count)
{
	const struct query *plain[DISPATCH_READ_MAX];
	unsigned plain_count = 0;

	for (unsigned i = 0; i < count; i++) {
		read_one(d, &requests[i]);
		if (requests[i].verdict == QUERY_PLAIN) {
			plain[plain_count++] = &requests[i].query;
		}
	}
	answer_ahead(&d->root->answer, plain, plain_count);
}

size_t
dispatch_answer(struct dispatcher *d, struct request *r)
{
	size_t len;

	r->d = d;
	r->is_signed = false;
	count(&d->counters->queries);
	switch (r->verdict) {
	case QUERY_IGNORE:
		count(&d->counters->ignored);
		return 0;
	case QUERY_PLAIN:
	case QUERY_ERROR:
		return answer_plain(r);
	case QUERY_OTHER:
	default:
		r->tsig = (struct tsig_transaction){0};
		len = r->query.has_tsig ? answer_signed(r) : answer_other(r);
		tsig_transaction_fini(&r->tsig);
		return len;
	}
}

int
transfer_stream_next(struct transfer_stream *s, uint8_t *out, size_t cap,
		     size_t *len)
{
	size_t reserve = s->tsig.key == NULL ? 0 : tsig_room(s->tsig.key);
	enum xfr_out_verdict v = xfr_out_next(s->out, out, cap, reserve, len);

	if (v == XFR_OUT_FAILED) {
		return SECD_ENOSPC;
	}
	s->is_done = v == XFR_OUT_DONE;
	return s->tsig.key == NULL
		   ? SECD_OK
		   : tsig_sign_answer(&s->tsig, out, len, cap, clock_wall_s());
}

void
transfer_stream_close(struct transfer_stream *s)
{
	struct xfr_out_count c;
	char key[NAME_TEXT_MAX] = "none";
	int64_t took;

	if (s == NULL) {
		return;
	}
	xfr_out_count(s->out, &c);
	took = clock_awake_ms() - s->started_ms;
	if (s->tsig.key != NULL) {
		name_to_text(tsig_key_name(s->tsig.key), key);
	}
	log_info("zone %s: %s to %s: serial %" PRIu32 ", %" PRIu64
		 " records, %" PRIu64 " octets, %" PRIu64
		 " messages in %" PRId64 ".%03" PRId64 " s, tcp, key %s%s",
		 s->zone, s->is_ixfr ? "AXFR-style IXFR" : "AXFR", s->peer,
		 s->serial, c.records, c.octets, c.messages, took / 1000,
		 took % 1000, key, s->is_done ? "" : ", cut off");
	if (s->is_done) {
		count(&s->counters->transfers_done);
	}
	atomic_fetch_sub(&s->frontend->transfers_out, 1);
	xfr_out_free(s->out);
	tsig_transaction_fini(&s->tsig);
	free(s);
}
