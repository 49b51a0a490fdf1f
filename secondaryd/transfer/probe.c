/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/probe.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "transfer/soa.h"
#include "wire/query.h"
#include "wire/rr.h"

#define QUESTION_TAIL 4 /* type and class */

/* How long a better answer may come behind one that proves nothing. */
#define GRACE_MS 250

/* The same datagram again after 1, 2, 4... seconds. */
#define FIRST_WAIT_MS INT64_C(1000)
#define DOUBLINGS_MAX 5u

/* Where the question ends. */
static size_t
question_end(const struct probe *p)
{
	return WIRE_HEADER_LEN + name_len(p->zone) + QUESTION_TAIL;
}

static int
make_message(struct probe *p, int64_t wall_s)
{
	size_t end = question_end(p);
	int rc;

	memset(p->msg, 0, WIRE_HEADER_LEN);
	put_u16(p->msg, p->id);
	put_u16(p->msg + 4, 1);
	memcpy(p->msg + WIRE_HEADER_LEN, p->zone, name_len(p->zone));
	put_u16(p->msg + end - 4, RR_TYPE_SOA);
	put_u16(p->msg + end - 2, RR_CLASS_IN);
	tsig_transaction_fini(&p->tsig);
	tsig_transaction_init(&p->tsig, p->key);
	rc = tsig_sign_request(&p->tsig, p->msg, &end, sizeof(p->msg), wall_s);
	if (rc == SECD_OK) {
		p->len = end;
	}
	return rc;
}

static void
set_due(struct probe *p, int64_t now_ms)
{
	unsigned times = p->tries < DOUBLINGS_MAX ? p->tries : DOUBLINGS_MAX;

	p->due_ms = p->deadline_ms;
	if (!p->is_tcp && now_ms + (FIRST_WAIT_MS << times) < p->due_ms) {
		p->due_ms = now_ms + (FIRST_WAIT_MS << times);
	}
}

int
probe_init(struct probe *p, const uint8_t *zone, struct tsig_key *key,
	   bool is_tcp, int64_t timeout_ms, uint32_t random, int64_t now_ms,
	   int64_t wall_s)
{
	memset(p, 0, sizeof(*p));
	name_lower(zone, p->zone);
	p->key = tsig_key_ref(key);
	tsig_transaction_init(&p->tsig, NULL);
	p->is_tcp = is_tcp;
	p->id = (uint16_t)random;
	p->next_id = (uint16_t)(random >> 16);
	p->started_ms = now_ms;
	p->deadline_ms = now_ms + timeout_ms;
	set_due(p, now_ms);
	return make_message(p, wall_s);
}

void
probe_fini(struct probe *p)
{
	tsig_transaction_fini(&p->tsig);
	tsig_key_unref(p->key);
	p->key = NULL;
}

void
probe_end(struct probe *p, enum probe_outcome outcome, int64_t now_ms)
{
	p->result = (struct probe_result){
	    .outcome = outcome,
	    .took_ms = now_ms - p->started_ms,
	};
}

/* An answer to this very message, as far as can be seen without its MAC. */
static bool
is_ours(const struct probe *p, const uint8_t *msg, size_t len)
{
	uint8_t name[NAME_LEN_MAX];
	size_t pos = WIRE_HEADER_LEN;
	uint16_t flags;

	if (len < WIRE_HEADER_LEN || get_u16(msg) != p->id) {
		return false;
	}
	flags = get_u16(msg + 2);
	if (!(flags & HEADER_QR) || (flags >> 11 & 0x0f) != OPCODE_QUERY) {
		return false;
	}
	/* An error may come without the question. */
	return get_u16(msg + 4) == 0 ||
	       (get_u16(msg + 4) == 1 &&
		name_from_wire(msg, len, &pos, name, NULL) == SECD_OK &&
		len - pos >= QUESTION_TAIL && name_equal(name, p->zone) &&
		get_u16(msg + pos) == RR_TYPE_SOA &&
		get_u16(msg + pos + 2) == RR_CLASS_IN);
}

static enum probe_outcome
outcome_of(enum tsig_verdict verdict)
{
	switch (verdict) {
	case TSIG_GOOD:
		return PROBE_VERIFIED;
	case TSIG_MISSING:
		return PROBE_UNSIGNED;
	case TSIG_REFUSED_BADSIG:
	case TSIG_REFUSED_BADKEY:
	case TSIG_REFUSED_BADTIME:
	case TSIG_REFUSED_BADTRUNC:
		return PROBE_REFUSED;
	case TSIG_NO_MEMORY:
		return PROBE_FAILED;
	case TSIG_FORMERR:
	case TSIG_BADSIG:
	case TSIG_BADKEY:
	case TSIG_BADTIME:
	case TSIG_BADTRUNC:
	case TSIG_TOO_LONG:
		break;
	}
	return PROBE_WRONG;
}

static void
judge(struct probe *p, uint8_t *msg, size_t len, int64_t now_ms, int64_t wall_s)
{
	uint8_t rcode = msg[3] & 0x0f;
	enum tsig_verdict verdict =
	    tsig_verify_answer(&p->tsig, msg, &len, wall_s);
	struct probe_result *r = &p->result;

	probe_end(p, outcome_of(verdict), now_ms);
	r->rcode = rcode;
	r->skew_s = p->tsig.skew_s;
	(void)tsig_verdict_error(verdict, &r->tsig_error);
	if (r->outcome == PROBE_VERIFIED && get_u16(msg + 6) > 0) {
		size_t pos =
		    get_u16(msg + 4) == 0 ? WIRE_HEADER_LEN : question_end(p);

		r->has_serial = soa_read_serial(msg, len, pos, p->zone,
						&r->serial) == SECD_OK;
	}
}

static enum probe_want
switch_to_tcp(struct probe *p, int64_t now_ms, int64_t wall_s)
{
	p->is_tcp = true;
	p->has_answer = false;
	p->id = p->next_id;
	set_due(p, now_ms);
	if (make_message(p, wall_s) != SECD_OK) {
		probe_end(p, PROBE_FAILED, now_ms);
		return PROBE_OVER;
	}
	return PROBE_SEND;
}

enum probe_want
probe_take(struct probe *p, uint8_t *msg, size_t len, int64_t now_ms,
	   int64_t wall_s)
{
	if (!is_ours(p, msg, len)) {
		return PROBE_WAIT;
	}
	if (!p->is_tcp && (get_u16(msg + 2) & HEADER_TC) != 0) {
		return switch_to_tcp(p, now_ms, wall_s);
	}
	judge(p, msg, len, now_ms, wall_s);
	if (p->is_tcp || p->result.outcome == PROBE_VERIFIED ||
	    p->result.outcome == PROBE_FAILED) {
		return PROBE_OVER;
	}
	if (!p->has_answer) {
		p->has_answer = true;
		p->due_ms = now_ms + GRACE_MS < p->deadline_ms
				? now_ms + GRACE_MS
				: p->deadline_ms;
	}
	return PROBE_WAIT;
}

enum probe_want
probe_turn(struct probe *p, int64_t now_ms)
{
	if (now_ms < p->due_ms) {
		return PROBE_WAIT;
	}
	if (!p->has_answer && now_ms < p->deadline_ms) {
		p->tries++;
		set_due(p, now_ms);
		return PROBE_SEND;
	}
	if (!p->has_answer) {
		probe_end(p, PROBE_SILENT, now_ms);
	}
	return PROBE_OVER;
}
