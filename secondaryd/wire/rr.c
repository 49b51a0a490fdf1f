/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/rr.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/chunk.h"
#include "wire/rr_layout.h"

#define MALFORMED    SIZE_MAX /* no block is that long */
#define SOA_TAIL_LEN 20       /* five numbers behind the names */
#define HEADER_LEN   10       /* type, class, TTL, RDLENGTH */

static bool
are_strings(const uint8_t *p, size_t left)
{
	size_t at = 0;

	while (at < left) {
		at += (size_t)p[at] + 1;
	}
	return left > 0 && at == left;
}

/* Windows in rising order, each of 1 to 32 octets. */
static bool
is_bitmap(const uint8_t *p, size_t left)
{
	int last = -1;

	while (left > 0) {
		if (left < 2 || p[0] <= last || p[1] < 1 || p[1] > 32 ||
		    left - 2 < p[1]) {
			return false;
		}
		last = p[0];
		left -= p[1] + 2u;
		p += p[1] + 2;
	}
	return true;
}

static bool
are_params(const uint8_t *p, size_t left)
{
	while (left > 0) {
		size_t len;

		if (left < 4) {
			return false;
		}
		len = (size_t)get_u16(p + 2) + 4;
		if (left < len) {
			return false;
		}
		left -= len;
		p += len;
	}
	return true;
}

/* Octets of the block at p, or MALFORMED; names are uncompressed. */
static size_t
block_len(uint8_t block, const uint8_t *p, size_t left)
{
	size_t len = block;

	switch (block) {
	case BLOCK_NAME:
	case BLOCK_NAME_PACKED:
		len = name_check(p, left);
		return len > 0 ? len : MALFORMED;
	case BLOCK_STRING:
	case BLOCK_STRING_SOME:
		if (left == 0 || (block == BLOCK_STRING_SOME && *p == 0)) {
			return MALFORMED;
		}
		len = *p + 1u;
		break;
	case BLOCK_STRINGS:
		return are_strings(p, left) ? left : MALFORMED;
	case BLOCK_BITMAP:
		return is_bitmap(p, left) ? left : MALFORMED;
	case BLOCK_PARAMS:
		return are_params(p, left) ? left : MALFORMED;
	case BLOCK_REST:
		return left;
	case BLOCK_REST_SOME:
		return left > 0 ? left : MALFORMED;
	default: /* that many octets */
		break;
	}
	return len <= left ? len : MALFORMED;
}

/* RDATA of a type in which no name may be compressed: is it well formed? */
static int
check(const struct rr_layout *layout, const uint8_t *rdata, size_t rdlen)
{
	size_t at = 0;

	for (const uint8_t *b = layout->block; *b != BLOCK_END; b++) {
		size_t len = block_len(*b, rdata + at, rdlen - at);

		if (len == MALFORMED) {
			return SECD_EMALF;
		}
		at += len;
	}
	return at == rdlen ? SECD_OK : SECD_EMALF;
}

/*
 * RDATA of a type with names that may be compressed, from octet `at` of the
 * message up to `end`: put it together in r->rdata, and use that only if
 * something was compressed.
 */
static int
unpack(struct rr_reader *r, const struct rr_layout *layout, size_t at,
       size_t end, struct rr *rr)
{
	size_t out = 0; /* a name ends far below RR_RDATA_MAX: see layouts */
	bool packed = false;
	size_t start = at;

	for (const uint8_t *b = layout->block; *b != BLOCK_END; b++) {
		size_t from = at, len;

		if (*b == BLOCK_NAME_PACKED) {
			if (name_from_wire(r->msg, end, &at, r->rdata + out,
					   &len) != SECD_OK) {
				return SECD_EMALF;
			}
			/* A pointer has 2 octets, what it stands for 1 or
			 * at least 3. */
			packed |= len != at - from;
			out += len;
			continue;
		}
		len = block_len(*b, r->msg + at, end - at);
		if (len == MALFORMED || len > RR_RDATA_MAX - out) {
			return SECD_EMALF;
		}
		memcpy(r->rdata + out, r->msg + at, len);
		at += len;
		out += len;
	}
	if (at != end) {
		return SECD_EMALF;
	}
	rr->rdata = packed ? r->rdata : r->msg + start;
	rr->rdlen = (uint16_t)out;
	return SECD_OK;
}

/*
 * Prerequisites and deletions of an UPDATE (RFC 2136 sections 2.4 and 2.5)
 * have no RDATA in these classes. A TSIG has that class, and RDATA.
 */
static bool
may_be_empty(uint16_t type, uint16_t class)
{
	return (class == RR_CLASS_ANY || class == RR_CLASS_NONE) &&
	       type != RR_TYPE_TSIG;
}

void
rr_reader_init(struct rr_reader *r, const uint8_t *msg, size_t len, size_t pos)
{
	r->msg = msg;
	r->len = len;
	r->pos = pos;
	/* Not the rest: clearing 64 KiB costs more than reading a message. */
}

int
rr_reader_next(struct rr_reader *r, struct rr *rr, uint16_t *class)
{
	const struct rr_layout *layout;
	const uint8_t *header;
	size_t at = r->pos, end;
	struct rr got;
	int rc;

	rc = name_from_wire(r->msg, r->len, &at, r->owner, NULL);
	if (rc != SECD_OK || r->len - at < HEADER_LEN) {
		return SECD_EMALF;
	}
	header = r->msg + at;
	got.owner = r->owner;
	got.type = get_u16(header);
	got.ttl = get_u32(header + 4);
	got.rdlen = get_u16(header + 8);
	at += HEADER_LEN;
	if (r->len - at < got.rdlen) {
		return SECD_EMALF;
	}
	end = at + got.rdlen;
	got.rdata = r->msg + at;
	layout = rr_layout(got.type);
	if (layout->block[0] == BLOCK_END ||
	    (got.rdlen == 0 && may_be_empty(got.type, get_u16(header + 2)))) {
		rc = SECD_OK;
	} else if ((layout->flags & LAYOUT_UNPACK) != 0) {
		rc = unpack(r, layout, at, end, &got);
	} else {
		rc = check(layout, got.rdata, got.rdlen);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	*rr = got;
	*class = get_u16(header + 2);
	r->pos = end;
	return SECD_OK;
}

int
rr_names(uint16_t type, const uint8_t *rdata, size_t rdlen,
	 struct rr_span *spans, size_t max)
{
	const struct rr_layout *layout = rr_layout(type);
	struct rr_span found[2];
	size_t at = 0;
	int count = 0;

	if ((layout->flags & LAYOUT_NAMES) == 0) {
		return 0;
	}
	for (const uint8_t *b = layout->block; *b != BLOCK_END; b++) {
		size_t len = block_len(*b, rdata + at, rdlen - at);

		if (len == MALFORMED) {
			return SECD_EMALF;
		}
		if (*b == BLOCK_NAME || *b == BLOCK_NAME_PACKED) {
			found[count].at = (uint16_t)at;
			found[count].len = (uint16_t)len;
			count++;
		}
		at += len;
	}
	for (size_t i = 0; i < max && i < (size_t)count; i++) {
		spans[i] = found[i];
	}
	return count;
}

bool
rr_is_compressible(uint16_t type)
{
	return (rr_layout(type)->flags & LAYOUT_PACK) != 0;
}

uint16_t
rr_covered_type(const struct rr *rr)
{
	return rr->type == RR_TYPE_RRSIG && rr->rdlen >= 2 ? get_u16(rr->rdata)
							   : rr->type;
}

void
rr_soa_get(const struct rr *soa, struct rr_soa *out)
{
	const uint8_t *p = soa->rdata + soa->rdlen - SOA_TAIL_LEN;

	out->serial = get_u32(p);
	out->refresh = get_u32(p + 4);
	out->retry = get_u32(p + 8);
	out->expire = get_u32(p + 12);
	out->minimum = get_u32(p + 16);
}

static int
compare_folded(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int order = (int)octet_lower(a[i]) - (int)octet_lower(b[i]);

		if (order != 0) {
			return order;
		}
	}
	return 0;
}

static int
compare_rdata(const struct rr *a, const struct rr *b)
{
	size_t len = a->rdlen < b->rdlen ? a->rdlen : b->rdlen;
	struct rr_span spans[2];
	size_t at = 0;
	int count = 0, order;

	if ((rr_layout(a->type)->flags & LAYOUT_FOLD) != 0) {
		count = rr_names(a->type, a->rdata, a->rdlen, spans, 2);
	}
	/*
	 * Where a has a name, b has one too, as long as all before it is the
	 * same; and the first difference ends the search.
	 */
	for (int i = 0; i < count && spans[i].at < len; i++) {
		size_t end = (size_t)spans[i].at + spans[i].len;

		order = memcmp(a->rdata + at, b->rdata + at, spans[i].at - at);
		if (order != 0) {
			return order;
		}
		at = spans[i].at;
		end = end < len ? end : len;
		order = compare_folded(a->rdata + at, b->rdata + at, end - at);
		if (order != 0) {
			return order;
		}
		at = end;
	}
	order = len > at ? memcmp(a->rdata + at, b->rdata + at, len - at) : 0;
	return order != 0 ? order : (int)a->rdlen - (int)b->rdlen;
}

int
rr_compare(const struct rr *a, const struct rr *b)
{
	uint16_t of_a = rr_covered_type(a), of_b = rr_covered_type(b);

	if (of_a != of_b) {
		return of_a < of_b ? -1 : 1;
	}
	if (a->type != b->type) {
		/* One of the two is a signature: it follows. */
		return a->type == RR_TYPE_RRSIG ? 1 : -1;
	}
	return compare_rdata(a, b);
}
