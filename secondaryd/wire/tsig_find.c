/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/tsig_internal.h"

#define RECORD_LEN  10 /* type, class, TTL, length: after the owner */
#define TIMERS_LEN  10 /* time signed, fudge, MAC size: after the algorithm */
#define TRAILER_LEN 6  /* original id, error, other length: after the MAC */

/*
 * The octet after a name, or 0 when it leaves the message. Where the pointers
 * lead does not matter for that; whoever reads the name checks it.
 */
static size_t
skip_name(const uint8_t *msg, size_t len, size_t pos)
{
	while (pos < len) {
		uint8_t c = msg[pos];

		if (c == 0) {
			return pos + 1;
		}
		if ((c & 0xc0) == 0xc0) {
			return pos + 2 <= len ? pos + 2 : 0;
		}
		if ((c & 0xc0) != 0) {
			return 0;
		}
		pos += 1u + c;
	}
	return 0;
}

/* The octet after a record, or 0. */
static size_t
skip_record(const uint8_t *msg, size_t len, size_t pos, uint16_t *type)
{
	size_t fixed = skip_name(msg, len, pos);
	size_t rdlen;

	if (fixed == 0 || len - fixed < RECORD_LEN) {
		return 0;
	}
	*type = get_u16(msg + fixed);
	rdlen = get_u16(msg + fixed + 8);
	if (rdlen > len - fixed - RECORD_LEN) {
		return 0;
	}
	return fixed + RECORD_LEN + rdlen;
}

/* The octet after the question section, or 0. */
static size_t
skip_questions(const uint8_t *msg, size_t len)
{
	size_t pos = TSIG_HEADER_LEN;

	for (unsigned i = get_u16(msg + 4); i > 0; i--) {
		pos = skip_name(msg, len, pos);
		if (pos == 0 || len - pos < 4) {
			return 0;
		}
		pos += 4;
	}
	return pos;
}

static int
read_place(const uint8_t *msg, size_t len, size_t at, struct tsig_place *out)
{
	uint8_t owner[NAME_LEN_MAX];
	size_t pos = at;

	if (name_from_wire(msg, len, &pos, owner, NULL) != SECD_OK) {
		return SECD_EMALF;
	}
	out->present = true;
	out->at = at;
	name_lower(owner, out->key);
	return SECD_OK;
}

int
tsig_find(const uint8_t *msg, size_t len, struct tsig_place *out)
{
	size_t pos, next, last = 0;
	uint32_t count, additional;
	uint16_t type = 0;

	if (len < TSIG_HEADER_LEN) {
		return SECD_EMALF;
	}
	additional = get_u16(msg + 10);
	count = get_u16(msg + 6) + get_u16(msg + 8) + additional;
	pos = skip_questions(msg, len);
	for (; count > 0 && pos != 0; count--) {
		next = skip_record(msg, len, pos, &type);
		if (type == TSIG_TYPE && (count > 1 || additional == 0)) {
			return SECD_EMALF;
		}
		last = pos;
		pos = next;
	}
	if (pos != len) {
		return SECD_EMALF;
	}
	if (type == TSIG_TYPE) {
		return read_place(msg, len, last, out);
	}
	out->present = false;
	return SECD_OK;
}

/* Everything after the algorithm; `p` has `len` octets. */
static int
read_fields(const uint8_t *p, size_t len, struct tsig_rdata *out)
{
	if (len < TIMERS_LEN) {
		return SECD_EMALF;
	}
	out->time_signed = (uint64_t)get_u16(p) << 32 | get_u32(p + 2);
	out->fudge = get_u16(p + 6);
	out->mac_len = get_u16(p + 8);
	out->mac = p + TIMERS_LEN;
	len -= TIMERS_LEN;
	if (len < (size_t)out->mac_len + TRAILER_LEN) {
		return SECD_EMALF;
	}
	p = out->mac + out->mac_len;
	len -= (size_t)out->mac_len + TRAILER_LEN;
	out->original_id = get_u16(p);
	out->error = get_u16(p + 2);
	out->other_len = get_u16(p + 4);
	out->other = p + TRAILER_LEN;
	return len == out->other_len ? SECD_OK : SECD_EMALF;
}

int
tsig_rdata_read(const uint8_t *msg, size_t len, size_t at,
		struct tsig_rdata *out)
{
	uint8_t name[NAME_LEN_MAX];
	struct tsig_rdata r;
	const uint8_t *rdata;
	size_t fixed = skip_name(msg, len, at);
	size_t rdlen, pos = 0;

	if (fixed == 0 || len - fixed < RECORD_LEN ||
	    get_u16(msg + fixed) != TSIG_TYPE ||
	    get_u16(msg + fixed + 2) != TSIG_CLASS ||
	    get_u32(msg + fixed + 4) != 0) {
		return SECD_EMALF;
	}
	rdata = msg + fixed + RECORD_LEN;
	rdlen = get_u16(msg + fixed + 8);
	/* Only the RDATA is shown to the reader, so that a pointer has nowhere to
	   lead: compression is not for this type (RFC 3597 section 4). */
	if (rdlen != len - fixed - RECORD_LEN ||
	    name_from_wire(rdata, rdlen, &pos, name, NULL) != SECD_OK) {
		return SECD_EMALF;
	}
	r.algorithm = rdata;
	if (read_fields(rdata + pos, rdlen - pos, &r) != SECD_OK) {
		return SECD_EMALF;
	}
	*out = r;
	return SECD_OK;
}

static size_t
put(uint8_t *at, const void *data, size_t len)
{
	if (len > 0) {
		memcpy(at, data, len);
	}
	return len;
}

int
tsig_rdata_append(uint8_t *msg, size_t *len, size_t cap, const uint8_t *owner,
		  const struct tsig_rdata *rdata)
{
	size_t rdlen = name_len(rdata->algorithm) + TIMERS_LEN +
		       rdata->mac_len + TRAILER_LEN + rdata->other_len;
	uint8_t *p = msg + *len;
	uint16_t arcount = get_u16(msg + 10);

	if (*len > cap || arcount == UINT16_MAX || rdlen > UINT16_MAX ||
	    cap - *len < name_len(owner) + RECORD_LEN + rdlen) {
		return SECD_ENOSPC;
	}
	p += put(p, owner, name_len(owner));
	put_u16(p, TSIG_TYPE);
	put_u16(p + 2, TSIG_CLASS);
	put_u32(p + 4, 0);
	put_u16(p + 8, (uint16_t)rdlen);
	p += RECORD_LEN;
	p += put(p, rdata->algorithm, name_len(rdata->algorithm));
	put_u16(p, (uint16_t)(rdata->time_signed >> 32));
	put_u32(p + 2, (uint32_t)rdata->time_signed);
	put_u16(p + 6, rdata->fudge);
	put_u16(p + 8, rdata->mac_len);
	p += TIMERS_LEN;
	p += put(p, rdata->mac, rdata->mac_len);
	put_u16(p, rdata->original_id);
	put_u16(p + 2, rdata->error);
	put_u16(p + 4, rdata->other_len);
	p += TRAILER_LEN;
	p += put(p, rdata->other, rdata->other_len);
	put_u16(msg + 10, (uint16_t)(arcount + 1));
	*len = (size_t)(p - msg);
	return SECD_OK;
}
