/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/record.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"

#define FIXED_LEN 8 /* type, TTL, RDLENGTH */
#define SOA_TAIL  20
/* RRSIG: fields, the root as signer, no signature. */
#define RRSIG_LEN_MIN 19

size_t
record_len(const struct rr *rr)
{
	return name_len(rr->owner) + FIXED_LEN + rr->rdlen;
}

int
record_put(struct buf *b, const struct rr *rr)
{
	size_t owner_len = name_len(rr->owner);
	int rc = buf_reserve(b, owner_len + FIXED_LEN + rr->rdlen);
	uint8_t *p;

	if (rc != SECD_OK) {
		return rc;
	}
	p = b->data + b->len;
	memcpy(p, rr->owner, owner_len);
	p += owner_len;
	put_u16(p, rr->type);
	put_u32(p + 2, rr->ttl);
	put_u16(p + 6, rr->rdlen);
	if (rr->rdlen > 0) {
		memcpy(p + FIXED_LEN, rr->rdata, rr->rdlen);
	}
	b->len += owner_len + FIXED_LEN + rr->rdlen;
	return SECD_OK;
}

size_t
record_get(const uint8_t *octets, struct rr *rr)
{
	size_t owner_len = name_len(octets);
	const uint8_t *p = octets + owner_len;

	rr->owner = octets;
	rr->type = get_u16(p);
	rr->ttl = get_u32(p + 2);
	rr->rdlen = get_u16(p + 6);
	rr->rdata = p + FIXED_LEN;
	return owner_len + FIXED_LEN + rr->rdlen;
}

static bool
rdata_is_sound(const struct rr *rr)
{
	struct rr_span span[2];
	int names = rr_names(rr->type, rr->rdata, rr->rdlen, span, 2);

	if (names < 0) {
		return false;
	}
	if (rr->type == RR_TYPE_SOA) {
		return names == 2 &&
		       rr->rdlen == span[1].at + span[1].len + SOA_TAIL;
	}
	return rr->type != RR_TYPE_RRSIG || rr->rdlen >= RRSIG_LEN_MIN;
}

size_t
record_get_checked(const uint8_t *octets, size_t left, struct rr *rr)
{
	size_t owner_len = name_check(octets, left);

	if (owner_len == 0 || left - owner_len < FIXED_LEN ||
	    left - owner_len - FIXED_LEN < get_u16(octets + owner_len + 6)) {
		return 0;
	}
	record_get(octets, rr);
	return rdata_is_sound(rr) ? owner_len + FIXED_LEN + rr->rdlen : 0;
}
