/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/response.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/rr.h"
#include "zone/response_internal.h"

#define OPT_LEN    11 /* without options */
#define OPTION_LEN 4  /* code and length of one */
#define EDE_LEN    6  /* RFC 8914 section 2, without text */

enum { OPTION_NSID = 3, OPTION_EDE = 15 };

/* Bits of the request that the response repeats: opcode, RD, CD. */
#define FLAGS_KEPT (0x7800u | HEADER_RD | HEADER_CD) /* RFC 4035 section 3 */

void
response_begin(struct response *r, const struct query *q,
	       const struct answer_identity *identity, uint8_t *out, size_t max,
	       size_t reserve)
{
	r->wire = out;
	r->len = WIRE_HEADER_LEN;
	memset(r->counts, 0, sizeof(r->counts));
	if (q->has_question) {
		memcpy(out + r->len, q->wire + r->len, q->qname_len + 4u);
		r->len += q->qname_len + 4u;
	}
	r->max = reserve < max - r->len ? max - reserve : r->len;
	r->opt_len = 0;
	r->nsid = false;
	r->tight_at = 0;
	if (q->has_edns) {
		size_t nsid_len = OPTION_LEN + identity->nsid_len;

		r->opt_len = OPT_LEN;
		/* Not at the price of the OPT record itself. */
		if (q->nsid && identity->nsid_len > 0 &&
		    nsid_len <= max - r->len - OPT_LEN - EDE_LEN) {
			r->opt_len += nsid_len;
			r->nsid = true;
		}
	}
	r->limit = r->max - r->len > r->opt_len ? r->max - r->opt_len : r->len;
}

struct response_name
response_qname(const struct query *q)
{
	return (struct response_name){
	    .name = q->wire + WIRE_HEADER_LEN,
	    .len = q->qname_len,
	    .at = WIRE_HEADER_LEN,
	};
}

/* The octet of the label that a pointer, if there is one, leads to. */
static size_t
follow(const struct response *r, size_t at)
{
	while (r->wire[at] >= 0xc0) {
		at = get_u16(r->wire + at) & RESPONSE_POINTER_MAX;
	}
	return at;
}

uint16_t
response_suffix_at(const struct response *r, const struct response_name *name,
		   size_t len)
{
	size_t at = name->at, left = name->len;

	if (len == 0 || len > left) {
		return WIRE_HEADER_LEN;
	}
	if (at == WIRE_HEADER_LEN) {
		return (uint16_t)(at + left - len);
	}
	while (left > len) {
		at = follow(r, at);
		left -= r->wire[at] + 1u;
		at += r->wire[at] + 1u;
	}
	/* A pointer to a pointer is right, but takes the reader longer. */
	return (uint16_t)follow(r, at);
}

struct response_name
response_suffix(const struct response *r, const struct response_name *name,
		size_t len)
{
	return (struct response_name){
	    .name = name->name + name->len - len,
	    .len = (uint8_t)len,
	    .at = name->at != 0 ? response_suffix_at(r, name, len) : 0,
	};
}

struct response_name
response_name_at(const struct response *r, size_t at, uint8_t *buffer)
{
	struct response_name name = {.name = buffer, .len = 1};
	size_t pos = at, len;

	if (name_from_wire(r->wire, r->len, &pos, buffer, &len) != SECD_OK) {
		/* Only a damaged image leads here: any name will do. */
		buffer[0] = 0;
		return name;
	}
	name.len = (uint8_t)len;
	at = follow(r, at);
	/* All of it must be in reach, for its suffixes. */
	name.at = at + len <= RESPONSE_POINTER_MAX ? (uint16_t)at : 0;
	return name;
}

/* The pointer or the root label in which the name at `at` ends. */
static size_t
skip_labels(const struct response *r, size_t at)
{
	while (at < r->len && r->wire[at] != 0 && r->wire[at] < 0xc0) {
		at += r->wire[at] + 1u;
	}
	return at;
}

bool
response_points_to(const struct response *r, size_t at, uint16_t to)
{
	at = skip_labels(r, at);
	return at + 2 <= r->len &&
	       get_u16(r->wire + at) == (RESPONSE_POINTER | to);
}

/* Behind the owner that stands at `at`. */
static size_t
skip_owner(const struct response *r, size_t at)
{
	at = skip_labels(r, at);
	return at + (at < r->len && r->wire[at] != 0 ? 2 : 1);
}

size_t
response_rdata_at(const struct response *r, size_t at)
{
	return skip_owner(r, at) + RESPONSE_RR_HEAD;
}

size_t
response_next_at(const struct response *r, size_t at)
{
	at = response_rdata_at(r, at);
	return at <= r->len ? at + get_u16(r->wire + at - 2) : r->len;
}

bool
response_put_record(struct response *r, enum response_section section,
		    const uint8_t *owner, size_t owner_len, uint16_t class,
		    const struct rr *rr)
{
	uint8_t *p = r->wire + r->len;

	if (!response_has_room(r, owner_len + RESPONSE_RR_HEAD + rr->rdlen)) {
		return false;
	}
	memcpy(p, owner, owner_len);
	p += owner_len;
	put_u16(p, rr->type);
	put_u16(p + 2, class);
	put_u32(p + 4, rr->ttl);
	put_u16(p + 8, rr->rdlen);
	memcpy(p + RESPONSE_RR_HEAD, rr->rdata, rr->rdlen);
	r->len += owner_len + RESPONSE_RR_HEAD + rr->rdlen;
	r->counts[section]++;
	return true;
}

bool
response_put_cname(struct response *r, const struct response_name *owner,
		   uint32_t ttl, size_t prefix_len,
		   const struct response_name *target)
{
	uint8_t rdata[NAME_LEN_MAX + 2], pointer[2];
	struct rr rr = {.rdata = rdata, .ttl = ttl, .type = RR_TYPE_CNAME};

	memcpy(rdata, owner->name, prefix_len);
	/* A pointer to the root is longer than the root. */
	if (target->at != 0 && target->len > 1) {
		put_u16(rdata + prefix_len,
			(uint16_t)(RESPONSE_POINTER | target->at));
		rr.rdlen = (uint16_t)(prefix_len + 2);
	} else {
		memcpy(rdata + prefix_len, target->name, target->len);
		rr.rdlen = (uint16_t)(prefix_len + target->len);
	}
	if (owner->at == 0) {
		return response_put_record(r, RESPONSE_ANSWER, owner->name,
					   owner->len, RR_CLASS_IN, &rr);
	}
	put_u16(pointer, (uint16_t)(RESPONSE_POINTER | owner->at));
	return response_put_record(r, RESPONSE_ANSWER, pointer, 2, RR_CLASS_IN,
				   &rr);
}

void
response_set_ttl(struct response *r, size_t at, uint32_t ttl)
{
	while (at < r->len) {
		size_t rdata_at = response_rdata_at(r, at);

		if (rdata_at > r->len) {
			return;
		}
		put_u32(r->wire + rdata_at - 6, ttl);
		at = rdata_at + get_u16(r->wire + rdata_at - 2);
	}
}

bool
response_put_txt(struct response *r, const char *text)
{
	static const uint8_t qname[2] = {RESPONSE_POINTER >> 8,
					 WIRE_HEADER_LEN};
	size_t len = strnlen(text, UINT8_MAX);
	uint8_t rdata[1 + UINT8_MAX];
	struct rr rr = {
	    .rdata = rdata,
	    .type = RR_TYPE_TXT,
	    .rdlen = (uint16_t)(1 + len),
	};

	rdata[0] = (uint8_t)len;
	memcpy(rdata + 1, text, len);
	return response_put_record(r, RESPONSE_ANSWER, qname, 2, RR_CLASS_CH,
				   &rr);
}

static void
put_opt(struct response *r, const struct query *q,
	const struct answer_identity *identity, uint16_t rcode, int ede)
{
	uint8_t *p = r->wire + r->len;
	size_t len = r->opt_len;

	p[0] = 0;
	put_u16(p + 1, RR_TYPE_OPT);
	put_u16(p + 3, identity->udp_max_payload);
	put_u16(p + 5, (uint16_t)(rcode >> 4 << 8)); /* and version 0 */
	put_u16(p + 7, q->edns_do ? 0x8000 : 0);
	p += OPT_LEN;
	if (r->nsid) {
		put_u16(p, OPTION_NSID);
		put_u16(p + 2, (uint16_t)identity->nsid_len);
		memcpy(p + 4, identity->nsid, identity->nsid_len);
		p += OPTION_LEN + identity->nsid_len;
	}
	if (ede >= 0 && r->len + len + EDE_LEN <= r->max) {
		put_u16(p, OPTION_EDE);
		put_u16(p + 2, 2);
		put_u16(p + 4, (uint16_t)ede);
		len += EDE_LEN;
	}
	put_u16(r->wire + r->len + 9, (uint16_t)(len - OPT_LEN));
	r->len += len;
}

size_t
response_end(struct response *r, const struct query *q,
	     const struct answer_identity *identity, uint16_t flags,
	     uint16_t rcode, int ede)
{
	uint8_t *p = r->wire;

	put_u16(p, q->id);
	put_u16(p + 2, (uint16_t)(HEADER_QR | (q->flags & FLAGS_KEPT) | flags |
				  (rcode & 0x0f)));
	put_u16(p + 4, q->has_question ? 1 : 0);
	put_u16(p + 6, r->counts[RESPONSE_ANSWER]);
	put_u16(p + 8, r->counts[RESPONSE_AUTHORITY]);
	put_u16(p + 10,
		(uint16_t)(r->counts[RESPONSE_ADDITIONAL] + (r->opt_len != 0)));
	if (r->opt_len != 0) {
		put_opt(r, q, identity, rcode, ede);
	}
	return r->len;
}
