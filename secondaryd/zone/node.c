/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/node.h"

#include <string.h>

#include "base/octets.h"

#define RR_HEAD_LEN 12 /* owner, type, class, TTL, RDLENGTH as sent */
#define SIG_LEN_MIN 19 /* RRSIG with the root as signer and no signature */
#define POINTER     0xc0

/* Where the rrsets start, from the node. */
static size_t
rrsets_at(const struct node *n)
{
	size_t at = offsetof(struct node, owner) + n->owner_len;

	at += (n->flags & NODE_OWN_HASH) != 0 ? NODE_NSEC3_HASH_LEN : 0;
	at += (n->flags & NODE_STAR_HASH) != 0 ? NODE_NSEC3_HASH_LEN : 0;
	return (at + 3) & ~(size_t)3;
}

const struct rrset *
node_rrsets(const struct node *n)
{
	return (const struct rrset *)(const void *)((const uint8_t *)n +
						    rrsets_at(n));
}

const struct rrset *
node_find(const struct node *n, uint16_t type)
{
	const struct rrset *s = node_rrsets(n);

	for (unsigned i = 0; i < n->rrset_count; i++) {
		if (s->type >= type) {
			return s->type == type ? s : NULL;
		}
		s = rrset_next(s);
	}
	return NULL;
}

static inline bool
owner_is_sound(const struct node *n)
{
	unsigned labels = 0, at = 0;

	while (at < n->owner_len && n->owner[at] != 0) {
		if (n->owner[at] > 63) {
			return false;
		}
		at += n->owner[at] + 1u;
		labels++;
	}
	return at + 1 == n->owner_len && labels == n->label_count;
}

/* Inline, for every lookup comes by. */
static inline bool
head_is_sound(const struct node *n, size_t room)
{
	return room >= sizeof(*n) && n->len <= room && n->len % 8 == 0 &&
	       n->len >= sizeof(*n) && rrsets_at(n) <= n->len &&
	       owner_is_sound(n);
}

bool
node_has_owner(const struct node *n, size_t room)
{
	return head_is_sound(n, room);
}

bool
node_is_sound(const struct node *n, size_t room)
{
	size_t at;

	if (!head_is_sound(n, room)) {
		return false;
	}
	at = rrsets_at(n);
	for (unsigned i = 0; i < n->rrset_count; i++) {
		const void *s = (const uint8_t *)n + at;

		if (n->len - at < sizeof(struct rrset) ||
		    n->len - at < rrset_len(s)) {
			return false;
		}
		at += rrset_len(s);
	}
	return true;
}

void
node_reader_init(struct node_reader *r, const struct node *n)
{
	r->node = n;
	r->rrset = node_rrsets(n);
	r->rrset_index = 0;
	r->rr_index = 0;
	r->fixup_index = 0;
	r->pos = 0;
	/* Not the rest: clearing 64 KiB costs more than reading a node. */
}

static const struct fixup *
fixup_at(const struct rrset *s, size_t at)
{
	const struct fixup *f = rrset_fixups(s);
	size_t low = 0, high = s->fixup_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (f[middle].at == at) {
			return &f[middle];
		}
		if (f[middle].at < at) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

/*
 * Write out the name that a fixup means.
 *
 * Returns  its length, 0 when the node is damaged
 */
static size_t
put_target(const struct node *n, const struct rrset *s, size_t target,
	   uint8_t name[NAME_LEN_MAX])
{
	const uint8_t *wire = rrset_wire(s);
	size_t len = 0;

	while ((target & FIXUP_IN_RRSET) != 0) {
		size_t start = target & ~(size_t)FIXUP_IN_RRSET, at = start;
		const struct fixup *f;

		while (at < s->wire_len && wire[at] != 0 && wire[at] < 64) {
			at += wire[at] + 1u;
		}
		if (at >= s->wire_len || at - start >= NAME_LEN_MAX - len) {
			return 0;
		}
		memcpy(name + len, wire + start, at - start);
		len += at - start;
		if (wire[at] == 0) {
			name[len++] = 0;
			return len;
		}
		f = fixup_at(s, at);
		/* Only backwards, so that this ends. */
		if (f == NULL || ((f->target & FIXUP_IN_RRSET) != 0 &&
				  f->target >= target)) {
			return 0;
		}
		target = f->target;
	}
	if (target == 0 || target > n->owner_len ||
	    target > NAME_LEN_MAX - len) {
		return 0;
	}
	memcpy(name + len, n->owner + n->owner_len - target, target);
	return len + target;
}

/* RDATA at wire[at], len octets: with its names in full in r->rdata. */
static bool
expand(struct node_reader *r, size_t at, size_t len, struct rr *rr)
{
	const struct fixup *f = rrset_fixups(r->rrset);
	const uint8_t *wire = rrset_wire(r->rrset);
	uint8_t name[NAME_LEN_MAX];
	size_t out = 0, end = at + len;

	for (; r->fixup_index < r->rrset->fixup_count; r->fixup_index++) {
		size_t pointer = f[r->fixup_index].at, name_len;

		if (pointer >= end) {
			break;
		}
		if (pointer < at || end - pointer < 2) {
			return false;
		}
		name_len = put_target(r->node, r->rrset,
				      f[r->fixup_index].target, name);
		if (name_len == 0 ||
		    pointer - at + name_len > RR_RDATA_MAX - out) {
			return false;
		}
		memcpy(r->rdata + out, wire + at, pointer - at);
		out += pointer - at;
		memcpy(r->rdata + out, name, name_len);
		out += name_len;
		at = pointer + 2;
	}
	if (end - at > RR_RDATA_MAX - out) {
		return false;
	}
	memcpy(r->rdata + out, wire + at, end - at);
	rr->rdata = r->rdata;
	rr->rdlen = (uint16_t)(out + end - at);
	return true;
}

/* Go to the rrset that has a record left, and to where its record is. */
static bool
reach_record(struct node_reader *r)
{
	for (;;) {
		const struct rrset *s = r->rrset;

		if (r->rrset_index >= r->node->rrset_count) {
			return false;
		}
		if (r->rr_index == s->count) {
			r->pos = (size_t)s->wire_len + s->glue_len;
			r->fixup_index = s->fixup_count; /* only glue's left */
		}
		if (r->rr_index < (unsigned)s->count + s->sig_count) {
			return true;
		}
		r->rrset = rrset_next(s);
		r->rrset_index++;
		r->rr_index = 0;
		r->fixup_index = 0;
		r->pos = 0;
	}
}

bool
node_reader_next(struct node_reader *r, struct rr *rr)
{
	const struct rrset *s;
	const uint8_t *p;
	size_t end;

	if (!reach_record(r)) {
		return false;
	}
	s = r->rrset;
	end = s->wire_len;
	if (r->rr_index >= s->count) {
		end += (size_t)s->glue_len + s->sig_len;
	}
	if (r->pos > end || end - r->pos < RR_HEAD_LEN) {
		return false;
	}
	p = rrset_wire(s) + r->pos;
	rr->owner = r->node->owner;
	rr->type = get_u16(p + 2);
	rr->ttl = get_u32(p + 6);
	rr->rdlen = get_u16(p + 10);
	rr->rdata = p + RR_HEAD_LEN;
	r->pos += RR_HEAD_LEN;
	if (end - r->pos < rr->rdlen) {
		return false;
	}
	end = r->pos + rr->rdlen;
	if (r->fixup_index < s->fixup_count &&
	    rrset_fixups(s)[r->fixup_index].at < end &&
	    !expand(r, r->pos, rr->rdlen, rr)) {
		return false;
	}
	r->pos = end;
	r->rr_index++;
	return true;
}

/* RRs from octet `at`: are there exactly `count` in `len` octets? */
static bool
rrs_fit(const uint8_t *wire, size_t len, unsigned count, uint16_t type)
{
	size_t at = 0;

	for (; count > 0; count--) {
		if (len - at < RR_HEAD_LEN ||
		    get_u16(wire + at + 4) != RR_CLASS_IN ||
		    (type != 0 && get_u16(wire + at + 2) != type)) {
			return false;
		}
		at += RR_HEAD_LEN;
		if (len - at < get_u16(wire + at - 2)) {
			return false;
		}
		at += get_u16(wire + at - 2);
	}
	return at == len;
}

static bool
fixups_fit(const struct node *n, const struct rrset *s)
{
	const struct fixup *f = rrset_fixups(s);
	const uint8_t *wire = rrset_wire(s);
	size_t end = (size_t)s->wire_len + s->glue_len, from = 0;
	uint8_t name[NAME_LEN_MAX];

	for (unsigned i = 0; i < s->fixup_count; i++) {
		if (f[i].at < from || f[i].at + 2u > end ||
		    wire[f[i].at] != POINTER ||
		    put_target(n, s, f[i].target, name) == 0) {
			return false;
		}
		from = f[i].at + 2u;
	}
	return true;
}

static bool
rrset_fits(const struct node *n, const struct rrset *s)
{
	const uint8_t *wire = rrset_wire(s);

	return rrs_fit(wire, s->wire_len, s->count, s->type) &&
	       rrs_fit(wire + s->wire_len, s->glue_len, s->glue_count, 0) &&
	       rrs_fit(wire + s->wire_len + s->glue_len, s->sig_len,
		       s->sig_count, RR_TYPE_RRSIG) &&
	       fixups_fit(n, s);
}

bool
node_verify(const struct node *n, size_t room)
{
	const struct rrset *s;
	struct node_reader r;
	struct rr_span spans[2];
	struct rr rr;
	int last_type = -1;

	if (!node_is_sound(n, room)) {
		return false;
	}
	s = node_rrsets(n);
	for (unsigned i = 0; i < n->rrset_count; i++) {
		if (s->type <= last_type || !rrset_fits(n, s)) {
			return false;
		}
		last_type = s->type;
		s = rrset_next(s);
	}
	node_reader_init(&r, n);
	while (node_reader_next(&r, &rr)) {
		if (rr_names(rr.type, rr.rdata, rr.rdlen, spans, 2) < 0 ||
		    (rr.type == RR_TYPE_RRSIG && rr.rdlen < SIG_LEN_MIN)) {
			return false;
		}
	}
	return r.rrset_index == n->rrset_count;
}
