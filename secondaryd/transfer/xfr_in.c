/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/xfr_in_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/query.h"
#include "wire/serial.h"

#define QUESTION_TAIL 4 /* type and class */

uint16_t
xfr_in_qtype(enum xfr_in_question question)
{
	switch (question) {
	case XFR_IN_ASK_SOA:
		return RR_TYPE_SOA;
	case XFR_IN_ASK_IXFR:
		return RR_TYPE_IXFR;
	case XFR_IN_ASK_AXFR:
		break;
	}
	return RR_TYPE_AXFR;
}

const char *
xfr_in_outcome_text(enum xfr_in_outcome outcome)
{
	switch (outcome) {
	case XFR_IN_NOTHING:
		return "nothing";
	case XFR_IN_SOA:
		return "SOA";
	case XFR_IN_UP_TO_DATE:
		return "up to date";
	case XFR_IN_USE_AXFR:
		return "AXFR wanted";
	case XFR_IN_IXFR:
		return "IXFR";
	case XFR_IN_AXFR:
		return "AXFR";
	case XFR_IN_AXFR_STYLE:
		return "AXFR-style IXFR";
	}
	return "unknown";
}

int
xfr_in_new(const struct xfr_in_params *p, struct xfr_in **out)
{
	struct xfr_in *x = malloc(sizeof(*x));

	if (x == NULL) {
		return SECD_ENOMEM;
	}
	/* The reader's 64 KiB stay untouched until they are needed. */
	memset(x, 0, offsetof(struct xfr_in, reader));
	x->params = *p;
	memcpy(x->apex, p->apex, name_len(p->apex));
	x->params.apex = x->apex;
	*out = x;
	return SECD_OK;
}

static void
drop(struct xfr_in *x)
{
	spool_free(x->spool);
	x->spool = NULL;
	changeset_fini(&x->changes);
	memset(&x->changes, 0, sizeof(x->changes));
}

void
xfr_in_free(struct xfr_in *x)
{
	if (x == NULL) {
		return;
	}
	drop(x);
	free(x);
}

int
xfr_in_refuse(struct xfr_in *x, enum failure why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(x->result.text, sizeof(x->result.text), format, ap);
	va_end(ap);
	x->result.failure = why;
	x->result.outcome = XFR_IN_NOTHING;
	x->phase = PHASE_FAILED;
	drop(x);
	return SECD_EMALF;
}

/* Header, up to the RCODE (RFC 5936 section 2.2.1). */
static int
check_header(struct xfr_in *x, const uint8_t *msg, size_t len)
{
	uint16_t flags;

	if (len < WIRE_HEADER_LEN) {
		return xfr_in_refuse(x, FAILURE_MALFORMED,
				     "message of %zu octets", len);
	}
	flags = get_u16(msg + 2);
	if (get_u16(msg) != x->params.id) {
		return xfr_in_refuse(x, FAILURE_MALFORMED, "wrong message id");
	}
	if (!(flags & HEADER_QR) || (flags >> 11 & 0x0f) != OPCODE_QUERY) {
		return xfr_in_refuse(x, FAILURE_MALFORMED,
				     "not an answer to a query");
	}
	if ((flags & 0x0f) != RCODE_NOERROR) {
		x->result.rcode = flags & 0x0f;
		return xfr_in_refuse(x, FAILURE_RCODE, "the answer is %s",
				     failure_rcode_text(x->result.rcode));
	}
	if (flags & HEADER_TC) {
		return xfr_in_refuse(x, FAILURE_MALFORMED,
				     "truncated over TCP");
	}
	if (x->result.messages == 1) {
		x->result.aa = (flags & HEADER_AA) != 0;
	}
	return SECD_OK;
}

/* The question, which only the first message must have; moves `pos` on. */
static int
check_question(struct xfr_in *x, const uint8_t *msg, size_t len, size_t *pos)
{
	uint16_t count = get_u16(msg + 4);
	uint8_t name[NAME_LEN_MAX];

	if (count == 0 && x->result.messages > 1) {
		return SECD_OK;
	}
	if (count != 1) {
		return xfr_in_refuse(x, FAILURE_MALFORMED, "%u questions",
				     count);
	}
	if (name_from_wire(msg, len, pos, name, NULL) != SECD_OK ||
	    len - *pos < QUESTION_TAIL) {
		return xfr_in_refuse(x, FAILURE_MALFORMED, "broken question");
	}
	if (!name_equal(name, x->apex) ||
	    get_u16(msg + *pos) != xfr_in_qtype(x->params.question) ||
	    get_u16(msg + *pos + 2) != RR_CLASS_IN) {
		return xfr_in_refuse(x, FAILURE_MALFORMED, "another question");
	}
	*pos += QUESTION_TAIL;
	return SECD_OK;
}

static int
take_answers(struct xfr_in *x, unsigned count)
{
	if (count == 0) {
		return xfr_in_refuse(x, FAILURE_MALFORMED,
				     x->phase == PHASE_FIRST
					 ? "no SOA in the answer"
					 : "message without answer");
	}
	for (unsigned i = 0; i < count; i++) {
		struct rr rr;
		uint16_t class;
		int rc;

		if (rr_reader_next(&x->reader, &rr, &class) != SECD_OK) {
			return xfr_in_refuse(x, FAILURE_MALFORMED,
					     "record %" PRIu64 " is broken",
					     x->result.records + 1);
		}
		rc = xfr_in_record(x, &rr, class);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

/* Authority and additional: nothing in them is used. */
static int
pass_rest(struct xfr_in *x, unsigned count)
{
	struct rr rr;
	uint16_t class;

	for (unsigned i = 0; i < count; i++) {
		if (rr_reader_next(&x->reader, &rr, &class) != SECD_OK) {
			return xfr_in_refuse(x, FAILURE_MALFORMED,
					     "broken record behind the answer");
		}
	}
	if (x->reader.pos != x->reader.len) {
		return xfr_in_refuse(x, FAILURE_MALFORMED,
				     "octets behind the last record");
	}
	return SECD_OK;
}

static int
take_message(struct xfr_in *x, const uint8_t *msg, size_t len)
{
	uint64_t max = x->params.limits.octets;
	size_t pos = WIRE_HEADER_LEN;
	int rc;

	x->result.messages++;
	x->result.octets += len;
	if (max != 0 && x->result.octets > max) {
		return xfr_in_refuse(x, FAILURE_LIMIT,
				     "more than %" PRIu64 " octets", max);
	}
	rc = check_header(x, msg, len);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = check_question(x, msg, len, &pos);
	if (rc != SECD_OK) {
		return rc;
	}
	rr_reader_init(&x->reader, msg, len, pos);
	rc = take_answers(x, get_u16(msg + 6));
	if (rc != SECD_OK) {
		return rc;
	}
	return pass_rest(x, (unsigned)get_u16(msg + 8) + get_u16(msg + 10));
}

static enum xfr_in_verdict
verdict(const struct xfr_in *x)
{
	switch (x->phase) {
	case PHASE_END:
		return XFR_IN_DONE;
	case PHASE_FAILED:
		return XFR_IN_FAILED;
	default:
		return XFR_IN_MORE;
	}
}

enum xfr_in_verdict
xfr_in_message(struct xfr_in *x, const uint8_t *msg, size_t len)
{
	if (x->phase == PHASE_END || x->phase == PHASE_FAILED) {
		return verdict(x);
	}
	/* A lone SOA ends an answer to IXFR unless it promises more. */
	if (take_message(x, msg, len) == SECD_OK && x->phase == PHASE_SECOND &&
	    !serial_is_newer(x->result.soa.serial, x->params.serial)) {
		x->phase = PHASE_END;
		x->result.outcome = XFR_IN_UP_TO_DATE;
	}
	return verdict(x);
}

bool
xfr_in_may_end(const struct xfr_in *x)
{
	return x->phase == PHASE_SECOND;
}

enum xfr_in_verdict
xfr_in_stop(struct xfr_in *x, enum failure why, const char *text)
{
	if (xfr_in_may_end(x) &&
	    (why == FAILURE_TIMEOUT || why == FAILURE_CLOSED)) {
		x->phase = PHASE_END;
		x->result.outcome = XFR_IN_USE_AXFR;
	} else if (x->phase != PHASE_END) {
		xfr_in_fail(x, why, text);
	}
	return verdict(x);
}

void
xfr_in_fail(struct xfr_in *x, enum failure why, const char *text)
{
	if (x->phase != PHASE_FAILED) { /* the first failure is the cause */
		xfr_in_refuse(x, why, "%s",
			      text != NULL ? text : failure_text(why));
	}
}

const struct xfr_in_result *
xfr_in_result(const struct xfr_in *x)
{
	return &x->result;
}

struct spool *
xfr_in_take_spool(struct xfr_in *x)
{
	struct spool *spool = x->spool;

	if (x->phase != PHASE_END) {
		return NULL;
	}
	x->spool = NULL;
	return spool;
}

int
xfr_in_take_changeset(struct xfr_in *x, struct changeset *out)
{
	if (x->result.outcome != XFR_IN_IXFR || x->changes.octets.len == 0) {
		return SECD_ENOTFOUND;
	}
	*out = x->changes;
	memset(&x->changes, 0, sizeof(x->changes));
	return SECD_OK;
}
