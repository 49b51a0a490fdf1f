/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/notify_in.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "transfer/soa.h"
#include "wire/rr.h"

#define QUESTION_TAIL 4  /* type and class */
#define OPT_LEN       11 /* without options */

uint8_t
notify_in_parse(const struct query *q, struct notify_in *out)
{
	size_t pos;
	int rc;

	out->has_serial = false;
	out->serial = 0;
	if (!q->has_question) {
		return RCODE_FORMERR;
	}
	if (q->qclass != RR_CLASS_IN) {
		return RCODE_NOTAUTH;
	}
	if (q->qtype != RR_TYPE_SOA) {
		return RCODE_NOTIMP;
	}
	if (get_u16(q->wire + 6) == 0) {
		return RCODE_NOERROR;
	}
	pos = WIRE_HEADER_LEN + (size_t)q->qname_len + QUESTION_TAIL;
	rc = soa_read_serial(q->wire, q->len, pos, q->lower, &out->serial);
	if (rc == SECD_EMALF) {
		return RCODE_FORMERR;
	}
	out->has_serial = rc == SECD_OK;
	return RCODE_NOERROR;
}

static size_t
put_opt(const struct query *q, uint16_t payload, uint8_t *p)
{
	memset(p, 0, OPT_LEN); /* root owner, RCODE and version 0, no options */
	put_u16(p + 1, RR_TYPE_OPT);
	put_u16(p + 3, payload);
	p[7] = q->edns_do ? 0x80 : 0;
	return OPT_LEN;
}

size_t
notify_in_answer(const struct query *q, uint8_t rcode, uint16_t payload,
		 uint8_t *out, size_t cap)
{
	size_t question = q->has_question ? q->qname_len + QUESTION_TAIL : 0;
	size_t len = WIRE_HEADER_LEN + question;

	if (cap < len + OPT_LEN) {
		return 0;
	}
	memset(out, 0, WIRE_HEADER_LEN);
	put_u16(out, q->id);
	put_u16(out + 2, (uint16_t)(HEADER_QR | HEADER_AA |
				    OPCODE_NOTIFY << 11 | (rcode & 0x0f)));
	put_u16(out + 4, q->has_question ? 1 : 0);
	memcpy(out + WIRE_HEADER_LEN, q->wire + WIRE_HEADER_LEN, question);
	if (q->has_edns) {
		put_u16(out + 10, 1);
		len += put_opt(q, payload, out + len);
	}
	return len;
}
