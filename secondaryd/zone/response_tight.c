/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RRsets whose names are compressed anew, against all of the QNAME, against
 * what it is an alias of and against each other: where what the node brings
 * would be longer. That takes time, but is seldom: servers that are asked for by
 * name, what chains of aliases lead to, and the servers of the root.
 */

#include <string.h>

#include "base/octets.h"
#include "wire/rr.h"
#include "zone/response_internal.h"

#define NAMES_MAX 16 /* that later ones are compressed against */

/* Names of the message, and uncompressed. */
struct known {
	struct response_name names[NAMES_MAX];
	uint8_t octets[NAMES_MAX][NAME_LEN_MAX];
	unsigned count;
};

/* The label of the QNAME before the owner, and its octets; 0 when the owner is
 * no part of it. */
static size_t
label_before(const struct response *r, const struct response_name *owner,
	     size_t *label)
{
	size_t at = WIRE_HEADER_LEN;

	while (at < owner->at && r->wire[at] != 0) {
		*label = at;
		at += r->wire[at] + 1u;
	}
	return at == owner->at ? at - *label : 0;
}

/*
 * Has a name in the RRset the same label before the owner as the QNAME, `len`
 * octets at `label`? Letters that are equal but for the bit of their case are
 * enough: who compresses looks again.
 */
static bool
has_label(const struct response *r, const struct rrset *s, size_t label,
	  size_t len, const struct response_name *owner)
{
	const uint8_t *rrs = rrset_wire(s), *wire = r->wire;

	for (unsigned i = 0; i < s->fixup_count; i++) {
		const struct fixup *f = rrset_fixups(s) + i;
		size_t same = 0;

		if (f->at > s->wire_len || f->target != owner->len ||
		    f->at < len) {
			continue;
		}
		while (same < len &&
		       ((rrs[f->at - len + same] ^ wire[label + same]) &
			0xdf) == 0) {
			same++;
		}
		if (same == len) {
			return true;
		}
	}
	return false;
}

bool
response_is_loose(const struct response *r, const struct rrset *s,
		  const struct response_name *owner)
{
	size_t label = 0, len;

	if (s->fixup_count == 0) {
		return false;
	}
	/* To the root even a pointer is longer than the name. */
	if (owner->len == 1) {
		return true;
	}
	if (owner->at <= WIRE_HEADER_LEN) {
		return false;
	}
	len = label_before(r, owner, &label);
	/* Elsewhere: what a chain of aliases led to, which has more names. */
	return len == 0 || has_label(r, s, label, len, owner);
}

static void
learn(struct known *k, const uint8_t *name, size_t len, size_t at)
{
	struct response_name *new = &k->names[k->count];

	if (k->count == NAMES_MAX || at + len > RESPONSE_POINTER_MAX) {
		return;
	}
	memcpy(k->octets[k->count], name, len);
	*new = (struct response_name){
	    .name = k->octets[k->count],
	    .len = (uint8_t)len,
	    .at = (uint16_t)at,
	};
	k->count++;
}

static void
learn_at(struct known *k, const struct response *r, size_t at)
{
	uint8_t buffer[NAME_LEN_MAX];
	struct response_name name = response_name_at(r, at, buffer);

	learn(k, name.name, name.len, at);
}

/* The QNAME, and what it is an alias of. */
static void
learn_message(struct known *k, const struct response *r)
{
	size_t at = WIRE_HEADER_LEN;

	learn_at(k, r, at);
	while (r->wire[at] != 0) {
		at += r->wire[at] + 1u;
	}
	at += 1 + 4; /* QTYPE, QCLASS */
	while (at < r->len) {
		size_t rdata_at = response_rdata_at(r, at);

		if (rdata_at < r->len &&
		    get_u16(r->wire + rdata_at - RESPONSE_RR_HEAD) ==
			RR_TYPE_CNAME) {
			learn_at(k, r, rdata_at);
		}
		at = response_next_at(r, at);
	}
}

static bool
put_octets(struct response *r, const uint8_t *octets, size_t len)
{
	if (!response_has_room(r, len)) {
		return false;
	}
	memcpy(r->wire + r->len, octets, len);
	r->len += len;
	return true;
}

static bool
put_name(struct response *r, struct known *k, const uint8_t *name, size_t len)
{
	size_t shared = 1, at = r->len;
	uint8_t end[2] = {0};

	for (unsigned i = 0; i < k->count; i++) {
		size_t both = response_shared_len(name, len, k->names[i].name,
						  k->names[i].len);

		if (both > shared) {
			shared = both;
			put_u16(end, (uint16_t)(RESPONSE_POINTER |
						response_suffix_at(
						    r, &k->names[i], both)));
		}
	}
	if (!put_octets(r, name, len - shared) ||
	    !put_octets(r, end, shared > 1 ? 2 : 1)) {
		return false;
	}
	if (shared < len) {
		learn(k, name, len, at);
	}
	return true;
}

static bool
put_rdata(struct response *r, struct known *k, const struct rr *rr)
{
	struct rr_span spans[2];
	size_t at = 0;
	int count = 0;

	if (rr_is_compressible(rr->type)) {
		count = rr_names(rr->type, rr->rdata, rr->rdlen, spans, 2);
	}
	for (int i = 0; i < count && i < 2; i++) {
		if (!put_octets(r, rr->rdata + at, spans[i].at - at) ||
		    !put_name(r, k, rr->rdata + spans[i].at, spans[i].len)) {
			return false;
		}
		at = (size_t)spans[i].at + spans[i].len;
	}
	return put_octets(r, rr->rdata + at, rr->rdlen - at);
}

static bool
put_rr(struct response *r, struct known *k, const struct rr *rr,
       const struct response_name *owner)
{
	uint8_t head[2 + RESPONSE_RR_HEAD] = {0};
	size_t owner_len = owner->len == 1 ? 1 : 2, rdata_at;

	if (owner_len == 2) {
		put_u16(head, (uint16_t)(RESPONSE_POINTER | owner->at));
	}
	put_u16(head + owner_len, rr->type);
	put_u16(head + owner_len + 2, RR_CLASS_IN);
	put_u32(head + owner_len + 4, rr->ttl);
	if (!put_octets(r, head, owner_len + RESPONSE_RR_HEAD)) {
		return false;
	}
	rdata_at = r->len;
	if (!put_rdata(r, k, rr)) {
		return false;
	}
	put_u16(r->wire + rdata_at - 2, (uint16_t)(r->len - rdata_at));
	return true;
}

bool
response_put_tight(struct response *r, enum response_section section,
		   const struct node *n, const struct rrset *s,
		   const struct response_name *owner, bool sigs)
{
	struct node_reader reader;
	size_t start = r->len;
	struct known known;
	uint16_t count = 0;
	struct rr rr;

	known.count = 0;
	learn_message(&known, r);
	node_reader_init(&reader, n);
	while (node_reader_next(&reader, &rr)) {
		if (reader.rrset != s || (rr.type == RR_TYPE_RRSIG && !sigs)) {
			continue;
		}
		if (!put_rr(r, &known, &rr, owner)) {
			r->len = start;
			return false;
		}
		count++;
	}
	r->counts[section] = (uint16_t)(r->counts[section] + count);
	r->tight_at = start;
	return true;
}
