/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/query.h"

#include "base/error.h"
#include "base/octets.h"
#include "wire/rr.h"

#define RR_HEAD_LEN 10 /* type, class, TTL, RDLENGTH behind the owner */

#define EDNS_DO          0x8000u /* RFC 6891 section 6.1.4 */
#define EDNS_OPTION_NSID 3       /* RFC 5001 section 2.3 */

enum section { ANSWER, AUTHORITY, ADDITIONAL };

/* Read QNAME, QTYPE and QCLASS at octet 12. */
static int
read_question(struct query *q, size_t *pos)
{
	const uint8_t *wire = q->wire;
	size_t at = WIRE_HEADER_LEN, end;

	/* No pointer can be right here: nothing stands before the QNAME. */
	for (;;) {
		if (at >= q->len || wire[at] > 63) {
			return SECD_EMALF;
		}
		if (wire[at] == 0) {
			break;
		}
		at += wire[at] + 1u;
	}
	end = at + 1;
	if (end - WIRE_HEADER_LEN > NAME_LEN_MAX || q->len - end < 4) {
		return SECD_EMALF;
	}
	q->qname_len = (uint8_t)(end - WIRE_HEADER_LEN);
	q->qtype = get_u16(wire + end);
	q->qclass = get_u16(wire + end + 2);
	q->has_question = true;
	*pos = end + 4;
	return SECD_OK;
}

/* Go over the owner of a record, which may end in a pointer. */
static int
skip_name(const struct query *q, size_t *pos)
{
	size_t at = *pos;

	for (;;) {
		if (at >= q->len) {
			return SECD_EMALF;
		}
		if (q->wire[at] == 0) {
			*pos = at + 1;
			return SECD_OK;
		}
		if (q->wire[at] >= 0xc0) {
			if (q->len - at < 2 ||
			    (get_u16(q->wire + at) & 0x3fff) >= at) {
				return SECD_EMALF;
			}
			*pos = at + 2;
			return SECD_OK;
		}
		if (q->wire[at] > 63) {
			return SECD_EMALF;
		}
		at += q->wire[at] + 1u;
	}
}

static int
read_options(struct query *q, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t option_len;

		if (len < 4) {
			return SECD_EMALF;
		}
		option_len = get_u16(p + 2);
		if (option_len > len - 4) {
			return SECD_EMALF;
		}
		if (get_u16(p) == EDNS_OPTION_NSID) {
			q->nsid = true;
		}
		p += 4 + option_len;
		len -= 4 + option_len;
	}
	return SECD_OK;
}

/*
 * Read an OPT record. Options of another version may have another form, so
 * BADVERS comes before what is wrong with them (RFC 6891 section 6.1.3).
 *
 * head     its octets from the type on; RDATA is whole
 */
static int
read_opt(struct query *q, const uint8_t *head, size_t rdlen)
{
	if (q->has_edns) {
		return SECD_EMALF; /* RFC 6891 section 6.1.1 */
	}
	if (head[5] != 0) {
		q->rcode = RCODE_BADVERS;
	} else if (read_options(q, head + RR_HEAD_LEN, rdlen) != SECD_OK) {
		return SECD_EMALF;
	}
	q->has_edns = true;
	q->edns_payload = get_u16(head + 2);
	q->edns_do = (get_u16(head + 6) & EDNS_DO) != 0;
	return SECD_OK;
}

static int
read_record(struct query *q, enum section section, size_t *pos)
{
	const uint8_t *owner = q->wire + *pos, *head;
	size_t rdlen;

	if (q->has_tsig || skip_name(q, pos) != SECD_OK ||
	    q->len - *pos < RR_HEAD_LEN) {
		return SECD_EMALF; /* TSIG is last: RFC 8945 section 5.1 */
	}
	head = q->wire + *pos;
	rdlen = get_u16(head + 8);
	if (rdlen > q->len - *pos - RR_HEAD_LEN) {
		return SECD_EMALF;
	}
	*pos += RR_HEAD_LEN + rdlen;
	switch (get_u16(head)) {
	case RR_TYPE_OPT:
		if (section != ADDITIONAL || *owner != 0) {
			return SECD_EMALF;
		}
		return read_opt(q, head, rdlen);
	case RR_TYPE_TSIG:
		if (section != ADDITIONAL) {
			return SECD_EMALF;
		}
		q->has_tsig = true;
		return SECD_OK;
	default:
		return SECD_OK;
	}
}

/*
 * Go over all records behind the question. A query with records that mean
 * nothing in it is answered all the same, as Knot and BIND do.
 */
static int
read_records(struct query *q, size_t pos)
{
	const uint8_t *counts = q->wire + 6;

	for (unsigned section = ANSWER; section <= ADDITIONAL; section++) {
		unsigned count = get_u16(counts + (size_t)2 * section);

		for (; count > 0; count--) {
			if (read_record(q, section, &pos) != SECD_OK) {
				return SECD_EMALF;
			}
		}
	}
	return pos == q->len ? SECD_OK : SECD_EMALF;
}

static enum query_verdict
fail(struct query *q, uint8_t rcode)
{
	q->rcode = rcode;
	return QUERY_ERROR;
}

enum query_verdict
query_parse(struct query *q, const uint8_t *wire, size_t len,
	    const struct name_hash_key *key)
{
	size_t pos;
	int rc = SECD_EMALF;

	if (len < WIRE_HEADER_LEN || (wire[2] & 0x80) != 0) {
		return QUERY_IGNORE;
	}
	q->wire = wire;
	q->len = len;
	q->id = get_u16(wire);
	q->flags = get_u16(wire + 2);
	q->opcode = (wire[2] >> 3) & 0x0f;
	q->rcode = RCODE_NOERROR;
	q->has_question = false;
	q->has_edns = false;
	q->edns_do = false;
	q->nsid = false;
	q->has_tsig = false;

	if (get_u16(wire + 4) == 1) {
		rc = read_question(q, &pos);
	}
	if (rc == SECD_OK) {
		rc = read_records(q, pos);
	}
	/* Its sections may mean anything, so their errors count for nothing. */
	if (q->opcode != OPCODE_QUERY && q->opcode != OPCODE_NOTIFY) {
		return fail(q, RCODE_NOTIMP);
	}
	if (rc != SECD_OK) {
		return fail(q, RCODE_FORMERR);
	}
	if (q->rcode != RCODE_NOERROR) {
		return QUERY_ERROR;
	}
	name_lower(wire + WIRE_HEADER_LEN, q->lower);
	name_hash_all(q->lower, key, &q->hashes);
	if (q->opcode != OPCODE_QUERY || q->has_tsig ||
	    q->qtype == RR_TYPE_AXFR || q->qtype == RR_TYPE_IXFR) {
		return QUERY_OTHER;
	}
	return QUERY_PLAIN;
}
