/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/sequence.h"

#include "base/octets.h"
#include "secondaryd/module.h"

#define TYPE_SOA 6
#define SOA_TAIL 20 /* octets of the SOA's five numbers */

/* The serial stands behind the two names. */
static bool
soa_serial(const uint8_t *rdata, size_t rdlen, uint32_t *serial)
{
	size_t at = 0;

	for (unsigned names = 0; names < 2; names++) {
		while (at < rdlen && rdata[at] != 0) {
			at += (size_t)1 + rdata[at];
		}
		at++;
	}
	if (at + SOA_TAIL != rdlen) {
		return false;
	}
	*serial = get_u32(rdata + at);
	return true;
}

/* SOAs part what is deleted, what is added, and the next sequence; they have
 * no other place, since one would end the records (RFC 1995 section 4). */
static bool
fits(uint8_t last, uint8_t op, bool is_soa)
{
	switch (op) {
	case SECD_OP_SOA_FROM:
		return is_soa && (last == 0 || last >= SECD_OP_SOA_TO);
	case SECD_OP_DELETE:
	case SECD_OP_SOA_TO:
		return is_soa == (op == SECD_OP_SOA_TO) &&
		       (last == SECD_OP_SOA_FROM || last == SECD_OP_DELETE);
	case SECD_OP_ADD:
		return !is_soa && last >= SECD_OP_SOA_TO;
	default:
		return false;
	}
}

const char *
sequence_take(struct sequence *s, uint8_t op, uint16_t type,
	      const uint8_t *rdata, size_t rdlen)
{
	uint32_t serial;

	if (!fits(s->last, op, type == TYPE_SOA)) {
		return "has records out of order";
	}
	if (type == TYPE_SOA) {
		if (!soa_serial(rdata, rdlen, &serial)) {
			return "has a SOA that is none";
		}
		if (op == SECD_OP_SOA_FROM && serial != s->serial) {
			return "has steps that do not follow each other";
		}
		s->serial = serial;
		s->count += op == SECD_OP_SOA_FROM;
	}
	s->last = op;
	return NULL;
}

bool
sequence_is_complete(const struct sequence *s)
{
	return s->last >= SECD_OP_SOA_TO;
}
