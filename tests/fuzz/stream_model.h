/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream_model -- what a primary may say, and what is to be made of it: a
 * small zone, its records and others, and a second reading of RFC 1995 and
 * RFC 5936 that looks at all records so far and keeps no state between them.
 */

#ifndef TESTS_STREAM_MODEL_H
#define TESTS_STREAM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/octets.h"
#include "transfer/xfr_in.h"
#include "wire/serial.h"

#define HELD        5u
#define RECORDS_MAX 1024

/* --------------------------------------------------------------- records */

/*
 * A zone is a set of 64 records, one bit each: 60 addresses at 15 owners, and
 * 4 name servers; and its SOA.
 */
#define NS_FIRST 60
#define NS_MASK  (UINT64_C(0xf) << NS_FIRST)

struct zone_state {
	uint64_t mask;
	uint32_t serial;
	unsigned variant; /* other numbers in the SOA */
};

static const struct zone_state base_state = {
    .mask = UINT64_C(1) << NS_FIRST | UINT64_C(0x0f0f33),
    .serial = HELD,
};

enum kind { POOL, SOA, BAD };

struct record {
	enum kind kind;
	unsigned index;  /* POOL */
	uint32_t serial; /* SOA */
	unsigned variant;
};

static const uint32_t serials[16] = {
    HELD,
    HELD + 1,
    HELD + 2,
    HELD + 3,
    HELD + 4,
    HELD + 5,
    HELD - 1,
    HELD - 2,
    HELD + 20,
    0,
    UINT32_MAX,
    HELD + (1u << 31),
    HELD + 0x7fffffff,
    HELD + 1,
    HELD + 2,
    HELD + 0x80000001,
};

/* Records that no zone has, one for each fault. */
static const struct {
	const char *owner;
	uint16_t type, class;
	const char *rdata;
	uint16_t rdlen;
} bad_records[] = {
    {"\1a\5other", 1, 1, "\300\0\2\1", 4},
    {"", 1, 1, "\300\0\2\1", 4},
    {"\7eXample\3com", 1, 1, "\300\0\2\1", 4},
    {"\1a\7example", 1, 3, "\300\0\2\1", 4},
    {"\1a\7example", 1, 254, "\300\0\2\1", 4},
    {"\1a\7example", 1, 1, "\300\0\2", 3},
    {"\1a\7example", 1, 1, "\300\0\2\1\1", 5},
    {"\1a\7example", 6, 1, "\0\0\0\0\0\6\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1", 22},
    {"\7example", 6, 1, "\0\0\0\0\0\6\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0", 21},
    {"\7example", 2, 1, "\xff\xff", 2},
    {"\1a\7example", 0, 1, "", 0},
    {"\1a\7example", 41, 1, "", 0},
    {"\1a\7example", 255, 1, "", 0},
    {"\1a\7example", 251, 1, "", 0},
    {"\1a\7example", 252, 1, "", 0},
};
#define BAD_COUNT (sizeof(bad_records) / sizeof(bad_records[0]))

static inline struct record
record_of(unsigned code)
{
	if (code < 0x40) {
		return (struct record){.kind = POOL, .index = code};
	}
	if (code < 0xc0) {
		return (struct record){.kind = SOA,
				       .serial = serials[code & 0x0f],
				       .variant = code >= 0xb0};
	}
	return (struct record){.kind = BAD, .index = code % BAD_COUNT};
}

static inline size_t
put_rr(uint8_t *p, const char *owner, uint16_t type, uint16_t class,
       const void *rdata, uint16_t rdlen)
{
	size_t len = strlen(owner) + 1;

	memcpy(p, owner, len);
	put_u16(p + len, type);
	put_u16(p + len + 2, class);
	put_u32(p + len + 4, 3600);
	put_u16(p + len + 8, rdlen);
	memcpy(p + len + 10, rdata, rdlen);
	return len + 10 + rdlen;
}

static inline size_t
put_soa(uint8_t *p, uint32_t serial, unsigned variant)
{
	uint8_t rdata[22] = {0};

	put_u32(rdata + 2, serial);
	put_u32(rdata + 6, 3600 + variant);
	put_u32(rdata + 10, 900);
	put_u32(rdata + 14, 604800);
	put_u32(rdata + 18, 300);
	return put_rr(p, "\7example", 6, 1, rdata, sizeof(rdata));
}

static inline size_t
put_record(uint8_t *p, const struct record *r)
{
	char owner[] = "\1a\7example";
	uint8_t address[] = {192, 0, 2, 0}, server[] = {1, 'n', 0};

	if (r->kind == SOA) {
		return put_soa(p, r->serial, r->variant);
	}
	if (r->kind == BAD) {
		return put_rr(
		    p, bad_records[r->index].owner, bad_records[r->index].type,
		    bad_records[r->index].class, bad_records[r->index].rdata,
		    bad_records[r->index].rdlen);
	}
	if (r->index >= NS_FIRST) {
		server[1] = (uint8_t)('n' + r->index - NS_FIRST);
		return put_rr(p, "\7example", 2, 1, server, sizeof(server));
	}
	owner[1] = (char)('a' + r->index / 4);
	address[3] = (uint8_t)(r->index % 4);
	return put_rr(p, owner, 1, 1, address, sizeof(address));
}

/* ---------------------------------------------------- the model: grammar */

enum judgement { GOES_ON, COMPLETE, REFUSED };

struct model {
	enum xfr_in_question question;
	enum xfr_in_policy policy;
	unsigned limit; /* 0: none */
	struct record records[RECORDS_MAX];
	unsigned count;
	enum xfr_in_outcome outcome;
	struct zone_state after; /* of an AXFR or IXFR that applies */
	bool applies;
};

static inline bool
is_soa(const struct model *m, unsigned i)
{
	return m->records[i].kind == SOA;
}

static inline bool
is_same_soa(const struct record *a, const struct record *b)
{
	return a->serial == b->serial && a->variant == b->variant;
}

static inline bool
is_welcome(const struct model *m, enum xfr_in_policy policy)
{
	uint32_t serial = m->records[0].serial;

	return policy == XFR_IN_ANY || serial_is_newer(serial, HELD) ||
	       (policy == XFR_IN_NEWER_OR_EQUAL && serial == HELD);
}

static inline enum judgement
judge_axfr(struct model *m, enum xfr_in_policy policy)
{
	unsigned i = 1;

	if (!is_welcome(m, policy)) {
		return REFUSED;
	}
	m->after = (struct zone_state){.serial = m->records[0].serial,
				       .variant = m->records[0].variant};
	while (i < m->count && !is_soa(m, i)) {
		m->after.mask |= UINT64_C(1) << m->records[i].index;
		i++;
	}
	if (i == m->count) {
		return GOES_ON;
	}
	m->applies = (m->after.mask & NS_MASK) != 0;
	m->outcome =
	    m->question == XFR_IN_ASK_IXFR ? XFR_IN_AXFR_STYLE : XFR_IN_AXFR;
	return i == m->count - 1 && is_same_soa(&m->records[i], &m->records[0])
		   ? COMPLETE
		   : REFUSED;
}

/* Records from `i` on, up to a SOA: into the zone, or out of it. */
static inline unsigned
change(struct model *m, unsigned i, bool adds)
{
	while (i < m->count && !is_soa(m, i)) {
		uint64_t bit = UINT64_C(1) << m->records[i].index;

		if (((m->after.mask & bit) != 0) == adds) {
			m->applies = false;
		}
		m->after.mask =
		    adds ? m->after.mask | bit : m->after.mask & ~bit;
		i++;
	}
	return i;
}

static inline enum judgement
judge_steps(struct model *m)
{
	const struct record *opening = &m->records[0], *to;
	unsigned i = 1;

	m->after = base_state;
	m->applies = true;
	for (;;) {
		if (m->records[i].serial != m->after.serial) {
			return REFUSED;
		}
		if (m->records[i].variant != m->after.variant) {
			m->applies = false; /* another history */
		}
		i = change(m, i + 1, false);
		if (i == m->count) {
			return GOES_ON;
		}
		to = &m->records[i];
		if (!serial_is_newer(to->serial, m->after.serial)) {
			return REFUSED;
		}
		m->after.serial = to->serial;
		m->after.variant = to->variant;
		i = change(m, i + 1, true);
		if (i == m->count) {
			return GOES_ON;
		}
		if (to->serial == opening->serial) {
			break;
		}
	}
	m->applies = m->applies && (m->after.mask & NS_MASK) != 0;
	m->outcome = XFR_IN_IXFR;
	return i == m->count - 1 && is_same_soa(&m->records[i], opening) &&
		       is_same_soa(to, opening)
		   ? COMPLETE
		   : REFUSED;
}

static inline enum judgement
judge_ixfr(struct model *m)
{
	bool is_newer = serial_is_newer(m->records[0].serial, HELD);

	if (m->count == 1) {
		m->outcome = is_newer ? XFR_IN_USE_AXFR : XFR_IN_UP_TO_DATE;
		return is_newer ? GOES_ON : COMPLETE;
	}
	if (!is_newer) {
		return REFUSED;
	}
	return is_soa(m, 1) ? judge_steps(m) : judge_axfr(m, XFR_IN_NEWER);
}

/* All records so far: what is to be said of them? */
static inline enum judgement
judge(struct model *m)
{
	m->outcome = XFR_IN_NOTHING;
	m->applies = false;
	if (m->limit != 0 && m->count > m->limit) {
		return REFUSED;
	}
	for (unsigned i = 0; i < m->count; i++) {
		if (m->records[i].kind == BAD) {
			return REFUSED;
		}
	}
	if (m->count == 0 || !is_soa(m, 0)) {
		return REFUSED;
	}
	switch (m->question) {
	case XFR_IN_ASK_SOA:
		m->outcome = XFR_IN_SOA;
		return m->count == 1 ? COMPLETE : REFUSED;
	case XFR_IN_ASK_IXFR:
		return judge_ixfr(m);
	case XFR_IN_ASK_AXFR:
		break;
	}
	return judge_axfr(m, m->policy);
}

#endif
