/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/notify_out.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/query.h"

#define QUESTION_TAIL 4  /* type and class */
#define RR_FIXED_LEN  12 /* owner pointer, type, class, TTL, RDLENGTH */

#define FIRST_WAIT_MS INT64_C(1000)
#define DOUBLINGS_MAX 4u /* up to 16 s */

const char *
notify_out_state_text(enum notify_out_state state)
{
	switch (state) {
	case NOTIFY_OUT_IDLE:
		return "nothing announced";
	case NOTIFY_OUT_SENDING:
		return "not answered yet";
	case NOTIFY_OUT_HEARD:
		return "heard";
	case NOTIFY_OUT_REFUSED:
		return "refused";
	case NOTIFY_OUT_GIVEN_UP:
		return "given up";
	}
	return "unknown";
}

void
notify_out_init(struct notify_out *n, const uint8_t *apex)
{
	memset(n, 0, sizeof(*n));
	n->due_ms = INT64_MAX;
	n->apex = apex;
	tsig_transaction_init(&n->tsig, NULL);
}

void
notify_out_fini(struct notify_out *n)
{
	tsig_transaction_fini(&n->tsig);
}

void
notify_out_announce(struct notify_out *n, uint32_t serial, int64_t due_ms)
{
	n->state = NOTIFY_OUT_SENDING;
	n->serial = serial;
	n->tries = 0;
	n->due_ms = due_ms;
	n->rcode = 0;
	n->error[0] = '\0';
	n->is_asked = false; /* an answer about the version before is late */
}

static void
end(struct notify_out *n, enum notify_out_state state)
{
	n->state = state;
	n->due_ms = INT64_MAX;
	n->is_asked = false;
}

bool
notify_out_is_due(struct notify_out *n, int64_t now_ms)
{
	if (n->state != NOTIFY_OUT_SENDING || now_ms < n->due_ms) {
		return false;
	}
	if (n->tries < NOTIFY_OUT_TRIES_MAX) {
		return true;
	}
	if (n->error[0] == '\0') {
		snprintf(n->error, sizeof(n->error), "no answer");
	}
	end(n, NOTIFY_OUT_GIVEN_UP);
	return false;
}

/* The unsigned message; 0 when it does not fit. */
static size_t
put_message(const struct notify_out *n, const struct rr *soa, uint8_t *buf,
	    size_t cap)
{
	size_t apex_len = name_len(n->apex);
	size_t at = WIRE_HEADER_LEN + apex_len + QUESTION_TAIL;

	if (cap < at + RR_FIXED_LEN + soa->rdlen) {
		return 0;
	}
	memset(buf, 0, WIRE_HEADER_LEN);
	put_u16(buf, n->id);
	put_u16(buf + 2, HEADER_AA | OPCODE_NOTIFY << 11);
	put_u16(buf + 4, 1);
	put_u16(buf + 6, 1);
	memcpy(buf + WIRE_HEADER_LEN, n->apex, apex_len);
	put_u16(buf + at - 4, RR_TYPE_SOA);
	put_u16(buf + at - 2, RR_CLASS_IN);
	put_u16(buf + at, 0xc000 | WIRE_HEADER_LEN); /* the QNAME */
	put_u16(buf + at + 2, RR_TYPE_SOA);
	put_u16(buf + at + 4, RR_CLASS_IN);
	put_u32(buf + at + 6, soa->ttl);
	put_u16(buf + at + 10, soa->rdlen);
	memcpy(buf + at + RR_FIXED_LEN, soa->rdata, soa->rdlen);
	return at + RR_FIXED_LEN + soa->rdlen;
}

static void
count_try(struct notify_out *n, int64_t now_ms)
{
	unsigned times = n->tries < DOUBLINGS_MAX ? n->tries : DOUBLINGS_MAX;

	n->tries++;
	n->due_ms = now_ms + (FIRST_WAIT_MS << times);
	n->is_asked = false;
}

void
notify_out_miss(struct notify_out *n, const char *why, int64_t now_ms)
{
	if (notify_out_is_due(n, now_ms)) {
		count_try(n, now_ms);
		snprintf(n->error, sizeof(n->error), "%s", why);
	}
}

void
notify_out_hasten(struct notify_out *n, int64_t now_ms)
{
	if (n->state == NOTIFY_OUT_SENDING) {
		n->due_ms = now_ms;
	}
}

int
notify_out_message(struct notify_out *n, const struct rr *soa,
		   struct tsig_key *key, uint16_t id, uint8_t *buf, size_t cap,
		   size_t *len, int64_t now_ms, int64_t wall_s)
{
	size_t end_at;
	int rc;

	if (!notify_out_is_due(n, now_ms)) {
		return SECD_EINVAL;
	}
	count_try(n, now_ms);
	n->id = id;
	end_at = put_message(n, soa, buf, cap);
	if (end_at == 0) {
		return SECD_ENOSPC;
	}
	/* Each message is a transaction of its own: a new time, a new MAC. */
	tsig_transaction_fini(&n->tsig);
	tsig_transaction_init(&n->tsig, key);
	rc = tsig_sign_request(&n->tsig, buf, &end_at, cap, wall_s);
	if (rc != SECD_OK) {
		return rc;
	}
	n->is_asked = true;
	*len = end_at;
	return SECD_OK;
}

const struct tsig_key *
notify_out_key(const struct notify_out *n)
{
	return n->tsig.key;
}

int64_t
notify_out_skew(const struct notify_out *n)
{
	return n->tsig.skew_s;
}

static bool
ignore(struct notify_out *n, const char *why)
{
	snprintf(n->error, sizeof(n->error), "%s", why);
	return false;
}

static bool
is_our_question(const struct notify_out *n, const uint8_t *msg, size_t len)
{
	uint8_t name[NAME_LEN_MAX];
	size_t pos = WIRE_HEADER_LEN;

	return get_u16(msg + 4) == 1 &&
	       name_from_wire(msg, len, &pos, name, NULL) == SECD_OK &&
	       len - pos >= QUESTION_TAIL && name_equal(name, n->apex) &&
	       get_u16(msg + pos) == RR_TYPE_SOA &&
	       get_u16(msg + pos + 2) == RR_CLASS_IN;
}

bool
notify_out_answer(struct notify_out *n, uint8_t *msg, size_t len,
		  int64_t wall_s)
{
	uint16_t flags;

	n->is_judged = false;
	if (n->state != NOTIFY_OUT_SENDING || !n->is_asked ||
	    len < WIRE_HEADER_LEN || get_u16(msg) != n->id) {
		return false; /* somebody else's, or late */
	}
	flags = get_u16(msg + 2);
	if (!(flags & HEADER_QR) || (flags >> 11 & 0x0f) != OPCODE_NOTIFY) {
		return ignore(n, "not an answer to NOTIFY");
	}
	n->is_judged = true;
	n->verdict = tsig_verify_answer(&n->tsig, msg, &len, wall_s);
	if (n->verdict != TSIG_GOOD) {
		return ignore(n, tsig_verdict_text(n->verdict));
	}
	n->rcode = flags & 0x0f;
	/* With an error the question may be missing, or another one. */
	if (n->rcode == RCODE_NOERROR && !is_our_question(n, msg, len)) {
		return ignore(n, "answer to another question");
	}
	if (n->rcode == RCODE_NOERROR) {
		n->error[0] = '\0';
		end(n, NOTIFY_OUT_HEARD);
	} else {
		snprintf(n->error, sizeof(n->error), "the answer is %s",
			 failure_rcode_text(n->rcode));
		end(n, NOTIFY_OUT_REFUSED);
	}
	return true;
}
