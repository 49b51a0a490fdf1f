/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/dispatch_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/verify_request.h"
#include "transfer/notify_in.h"
#include "zone/answer_ahead.h"

#define LINES_PER_SECOND 10

void
dispatch_count_answer(struct dispatcher *d, unsigned rcode, bool truncated)
{
	frontend_count(&d->counters->answers[rcode & 15]);
	if (truncated) {
		frontend_count(&d->counters->truncated);
	}
}

bool
dispatch_may_log(struct dispatcher *d)
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
void
dispatch_log(struct request *r, const char *what, const char *outcome,
	     const char *why)
{
	char from[ADDRESS_TEXT_MAX], name[NAME_TEXT_MAX];

	if (log_enabled(LOG_LEVEL_NOTICE) && dispatch_may_log(r->d)) {
		log_notice("%s of %s from %s: %s: %s", what,
			   name_to_text(r->query.lower, name),
			   address_text(r->from, from, sizeof(from)), outcome,
			   why);
	}
}

size_t
dispatch_bare(struct request *r, uint16_t flags, uint16_t rcode, int ede)
{
	size_t reserve = r->is_signed ? tsig_room(r->tsig.key) : 0;

	dispatch_count_answer(r->d, rcode, (flags & HEADER_TC) != 0);
	return answer_rcode(&r->d->root->identity, &r->query, flags, rcode, ede,
			    r->out, r->cap - reserve);
}

const uint8_t *
dispatch_key_name(const struct request *r)
{
	return r->is_signed ? tsig_key_name(r->tsig.key) : NULL;
}

const struct config_policy *
dispatch_policy(const struct request *r, const struct zone *zone)
{
	const struct config_zone *z =
	    zone == NULL ? NULL
			 : config_zone_find(r->d->root->config, zone->apex);

	return z == NULL ? NULL : z->policy;
}

/* The zone whose apex is the QNAME itself. */
struct zone *
dispatch_zone(const struct request *r)
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
	struct zone *zone = dispatch_zone(r);
	const struct config_policy *policy = dispatch_policy(r, zone);
	struct notify_in notify = {0};
	const char *why = "no such zone here";
	uint8_t rcode;
	size_t reserve = r->is_signed ? tsig_room(r->tsig.key) : 0;

	frontend_count(&r->d->counters->notifies);
	rcode = notify_in_parse(q, &notify);
	if (rcode == RCODE_NOERROR && policy == NULL) {
		rcode = RCODE_NOTAUTH;
		dispatch_log(r, "NOTIFY", "refused", why);
	} else if (rcode == RCODE_NOERROR &&
		   !config_allows(policy, CONFIG_NOTIFY,
				  (const struct sockaddr *)r->from,
				  dispatch_key_name(r), &why)) {
		rcode = RCODE_REFUSED;
		dispatch_log(r, "NOTIFY", "refused", why);
	}
	if (rcode == RCODE_NOERROR) {
		r->d->frontend->notified(zone, r->from, notify.has_serial,
					 notify.serial);
	}
	dispatch_count_answer(r->d, rcode, false);
	return notify_in_answer(q, rcode, r->d->root->identity.udp_max_payload,
				r->out, r->cap - reserve);
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
	size_t len = dispatch_bare(r, 0, RCODE_NOTAUTH, -1);
	char key[NAME_TEXT_MAX], why[NAME_TEXT_MAX + 64];

	snprintf(why, sizeof(why), "%s, key %s", tsig_verdict_text(verdict),
		 name_to_text(place->key, key));
	dispatch_log(r, "request", "refused", why);
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

	dispatch_count_answer(r->d, result.rcode, result.truncated);
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
		return dispatch_transfer(r);
	}
	if (r->verdict == QUERY_OTHER || r->verdict == QUERY_IGNORE) {
		return dispatch_bare(r, 0, RCODE_FORMERR, -1);
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
	enum tsig_verdict verdict;
	struct tsig_place place;

	if (tsig_find(r->msg, r->len, &place) != SECD_OK || !place.present) {
		return dispatch_bare(r, 0, RCODE_FORMERR, -1);
	}
	verdict = verify_request(r->d->frontend, r->d->root->config, &r->tsig,
				 r->msg, &r->len, &place, r->from);
	if (verdict == TSIG_FORMERR) {
		return dispatch_bare(r, 0, RCODE_FORMERR, -1);
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
	frontend_count(&d->counters->queries);
	switch (r->verdict) {
	case QUERY_IGNORE:
		frontend_count(&d->counters->ignored);
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
