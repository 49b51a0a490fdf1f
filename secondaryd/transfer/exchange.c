/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/query.h"

#define QUESTION_TAIL 4  /* type and class */
#define SOA_LEN       34 /* pointer, head, two roots, five numbers */

struct exchange {
	struct xfr_in *in;
	struct tsig_transaction tsig;
	enum xfr_in_question question;
	uint32_t serial;
	uint16_t id;
	enum tsig_verdict verdict; /* the last one */
	bool is_verified;          /* up to the end: the result may be taken */
	size_t apex_len;
	uint8_t apex[NAME_LEN_MAX];
};

int
exchange_new(const struct exchange_params *p, struct exchange **out)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL) {
		return SECD_ENOMEM;
	}
	if (xfr_in_new(&p->in, &x->in) != SECD_OK) {
		free(x);
		return SECD_ENOMEM;
	}
	x->question = p->in.question;
	x->serial = p->in.serial;
	x->id = p->in.id;
	x->apex_len = name_len(p->in.apex);
	memcpy(x->apex, p->in.apex, x->apex_len);
	tsig_transaction_init(&x->tsig, p->key);
	*out = x;
	return SECD_OK;
}

void
exchange_free(struct exchange *x)
{
	if (x == NULL) {
		return;
	}
	tsig_transaction_fini(&x->tsig);
	xfr_in_free(x->in);
	free(x);
}

/*
 * A SOA that carries our serial. Servers look at nothing else in it, so it
 * need not be the real one (dig does the same).
 */
static size_t
put_soa(uint8_t *p, uint32_t serial)
{
	memset(p, 0, SOA_LEN);
	put_u16(p, 0xc000 | WIRE_HEADER_LEN); /* the QNAME */
	put_u16(p + 2, RR_TYPE_SOA);
	put_u16(p + 4, RR_CLASS_IN);
	put_u16(p + 10, SOA_LEN - 12); /* RDLENGTH */
	put_u32(p + 14, serial);
	return SOA_LEN;
}

int
exchange_request(struct exchange *x, uint8_t *buf, size_t cap, size_t *len,
		 int64_t now)
{
	size_t end = WIRE_HEADER_LEN + x->apex_len + QUESTION_TAIL;
	int rc;

	if (cap < end + SOA_LEN) {
		return SECD_ENOSPC;
	}
	memset(buf, 0, WIRE_HEADER_LEN);
	put_u16(buf, x->id);
	put_u16(buf + 4, 1);
	memcpy(buf + WIRE_HEADER_LEN, x->apex, x->apex_len);
	put_u16(buf + end - 4, xfr_in_qtype(x->question));
	put_u16(buf + end - 2, RR_CLASS_IN);
	if (x->question == XFR_IN_ASK_IXFR) {
		put_u16(buf + 8, 1);
		end += put_soa(buf + end, x->serial);
	}
	rc = tsig_sign_request(&x->tsig, buf, &end, cap, now);
	if (rc == SECD_OK) {
		*len = end;
	}
	return rc;
}

static enum exchange_verdict
fail(struct exchange *x, enum failure why, const char *text)
{
	xfr_in_fail(x->in, why, text);
	return EXCHANGE_FAILED;
}

static bool
knows_skew(const struct exchange *x)
{
	return x->tsig.key != NULL &&
	       (!x->tsig.first || x->verdict == TSIG_BADTIME ||
		x->verdict == TSIG_REFUSED_BADTIME);
}

/* A signature that is not good. */
static enum exchange_verdict
fail_tsig(struct exchange *x, const uint8_t *msg, size_t len)
{
	struct tsig_place place;
	char text[FAILURE_TEXT_MAX], skew[48] = "";

	switch (x->verdict) {
	case TSIG_NO_MEMORY:
		return fail(x, FAILURE_LOCAL, secd_strerror(SECD_ENOMEM));
	case TSIG_MISSING: /* an error RCODE may be why */
		if ((msg[3] & 0x0f) != RCODE_NOERROR) {
			snprintf(text, sizeof(text),
				 "primary says %s, unsigned: it does not have "
				 "the zone, or not for us",
				 failure_rcode_text(msg[3] & 0x0f));
		} else {
			snprintf(text, sizeof(text), "answer is not signed");
		}
		return fail(x, FAILURE_AUTH, text);
	case TSIG_FORMERR:
		if (x->tsig.key == NULL ||
		    tsig_find(msg, len, &place) != SECD_OK) {
			return fail(x, FAILURE_MALFORMED, "broken message");
		}
		break;
	default:
		break;
	}
	if (knows_skew(x)) {
		snprintf(skew, sizeof(skew),
			 " (its clock is %+" PRId64 " s from ours)",
			 x->tsig.skew_s);
	}
	snprintf(text, sizeof(text), "TSIG: %.80s%s",
		 tsig_verdict_text(x->verdict), skew);
	return fail(x, FAILURE_AUTH, text);
}

static enum exchange_verdict
end(struct exchange *x)
{
	x->verdict = tsig_verify_end(&x->tsig);
	if (x->verdict != TSIG_GOOD) {
		return fail(x, FAILURE_AUTH, "the last message is not signed");
	}
	x->is_verified = true;
	return EXCHANGE_DONE;
}

enum exchange_verdict
exchange_message(struct exchange *x, uint8_t *msg, size_t len, int64_t now)
{
	if (x->is_verified) {
		return EXCHANGE_DONE;
	}
	if (len < WIRE_HEADER_LEN) {
		return fail(x, FAILURE_MALFORMED, "message without a header");
	}
	/* Told apart here, since tsig calls these FORMERR. */
	if (get_u16(msg) != x->id) {
		return fail(x, FAILURE_MALFORMED, "wrong message id");
	}
	if (!(get_u16(msg + 2) & HEADER_QR)) {
		return fail(x, FAILURE_MALFORMED, "not an answer");
	}
	x->verdict = tsig_verify_answer(&x->tsig, msg, &len, now);
	if (x->verdict != TSIG_GOOD) {
		return fail_tsig(x, msg, len);
	}
	switch (xfr_in_message(x->in, msg, len)) {
	case XFR_IN_MORE:
		return EXCHANGE_MORE;
	case XFR_IN_FAILED:
		return EXCHANGE_FAILED;
	case XFR_IN_DONE:
		break;
	}
	return end(x);
}

enum exchange_verdict
exchange_stop(struct exchange *x, enum failure why, const char *text)
{
	if (x->is_verified) {
		return EXCHANGE_DONE;
	}
	if (xfr_in_stop(x->in, why, text) != XFR_IN_DONE) {
		return EXCHANGE_FAILED;
	}
	return end(x);
}

bool
exchange_may_end(const struct exchange *x)
{
	/* That one message was the first, and so it was signed. */
	return xfr_in_may_end(x->in);
}

const struct tsig_key *
exchange_key(const struct exchange *x)
{
	return x->tsig.key;
}

void
exchange_result(const struct exchange *x, struct exchange_result *out)
{
	out->in = xfr_in_result(x->in);
	out->tsig = x->verdict;
	out->has_skew = knows_skew(x);
	out->skew_s = out->has_skew ? x->tsig.skew_s : 0;
}

struct spool *
exchange_take_spool(struct exchange *x)
{
	return x->is_verified ? xfr_in_take_spool(x->in) : NULL;
}

int
exchange_take_changeset(struct exchange *x, struct changeset *out)
{
	if (!x->is_verified) {
		return SECD_ENOTFOUND;
	}
	return xfr_in_take_changeset(x->in, out);
}
