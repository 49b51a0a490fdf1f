/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "rr_maker.h"
#include "wire/rr_layout.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

struct one
one_record(uint16_t type, uint16_t class, const void *rdata, size_t rdlen)
{
	static const char start[] = "\007example\000\001a\300\000";
	const size_t head = sizeof(start) - 1;
	struct one one = {.len = head + 10 + rdlen, .rdata = head + 10};

	one.msg = malloc(one.len);
	assert_non_null(one.msg);
	memcpy(one.msg, start, head);
	put_u16(one.msg + head, type);
	put_u16(one.msg + head + 2, class);
	put_u32(one.msg + head + 4, 3600);
	put_u16(one.msg + head + 8, (uint16_t)rdlen);
	memcpy(one.msg + one.rdata, rdata, rdlen);
	return one;
}

static void
put_random_name(struct maker *m, bool compress, uint8_t *name)
{
	static const char *const few[] = {"\007example\003com",
					  "\007EXAMPLE\003com",
					  "\003ns1\007example\003com",
					  "\001*\003com",
					  "\003com",
					  ""};
	const uint8_t *p = name;

	if (rnd_below(&m->rnd, 3) == 0) {
		rnd_name(&m->rnd, 5, name);
	} else {
		strcpy((char *)name, few[rnd_below(&m->rnd, LEN(few))]);
	}
	for (; *p != 0; p += *p + 1) {
		for (unsigned i = 0; compress && i < m->suffix_count; i++) {
			uint8_t there[NAME_LEN_MAX];
			size_t at = m->suffixes[i], len;

			assert_int_equal(
			    name_from_wire(m->msg, m->len, &at, there, &len),
			    SECD_OK);
			if (rnd_below(&m->rnd, 3) > 0 && len == name_len(p) &&
			    memcmp(there, p, len) == 0) {
				put_u16(m->msg + m->len,
					(uint16_t)(0xc000 | m->suffixes[i]));
				m->len += 2;
				return;
			}
		}
		memcpy(m->msg + m->len, p, *p + 1u);
		m->len += *p + 1u;
	}
	m->msg[m->len++] = 0;
}

static void
remember_name(struct maker *m, size_t at)
{
	uint8_t name[NAME_LEN_MAX];
	size_t end = at;

	assert_int_equal(name_from_wire(m->msg, m->len, &end, name, NULL),
			 SECD_OK);
	while (m->msg[at] != 0 && m->msg[at] < 64 &&
	       m->suffix_count < LEN(m->suffixes)) {
		m->suffixes[m->suffix_count++] = (uint16_t)at;
		at += m->msg[at] + 1u;
	}
}

/* Random octets of a block that is no name; returns how many. */
static size_t
random_block(struct rnd *r, uint8_t block, uint8_t *out)
{
	size_t len = 0;

	switch (block) {
	case BLOCK_STRING:
	case BLOCK_STRING_SOME:
		len = 1 + rnd_below(r, 20) + (block == BLOCK_STRING_SOME);
		rnd_fill(r, out, len);
		out[0] = (uint8_t)(len - 1);
		return len;
	case BLOCK_STRINGS:
		do {
			len += random_block(r, BLOCK_STRING, out + len);
		} while (rnd_below(r, 3) > 0);
		return len;
	case BLOCK_BITMAP:
		for (unsigned w = rnd_below(r, 4); w < 256;
		     w += 1 + rnd_below(r, 300)) {
			unsigned octets = 1 + rnd_below(r, 32);

			out[len] = (uint8_t)w;
			out[len + 1] = (uint8_t)octets;
			rnd_fill(r, out + len + 2, octets);
			len += octets + 2;
		}
		return len;
	case BLOCK_PARAMS:
		for (unsigned k = rnd_below(r, 4); k < 8;
		     k += 1 + rnd_below(r, 4)) {
			unsigned octets = rnd_below(r, 9);

			put_u16(out + len, (uint16_t)k);
			put_u16(out + len + 2, (uint16_t)octets);
			rnd_fill(r, out + len + 4, octets);
			len += octets + 4;
		}
		return len;
	case BLOCK_REST:
	case BLOCK_REST_SOME:
		len = rnd_below(r, 40) + (block == BLOCK_REST_SOME);
		rnd_fill(r, out, len);
		return len;
	default:
		rnd_fill(r, out, block);
		return block;
	}
}

static void
put_random_rdata(struct maker *m, struct made *made)
{
	const struct rr_layout *layout = rr_layout(made->type);
	uint8_t name[NAME_LEN_MAX];

	made->rdlen = 0;
	for (const uint8_t *b = layout->block; *b != BLOCK_END; b++) {
		size_t start = m->len, len;

		if (*b == BLOCK_NAME || *b == BLOCK_NAME_PACKED) {
			put_random_name(m, *b == BLOCK_NAME_PACKED, name);
			remember_name(m, start);
			len = name_len(name);
			memcpy(made->rdata + made->rdlen, name, len);
		} else {
			len = random_block(&m->rnd, *b, m->msg + m->len);
			memcpy(made->rdata + made->rdlen, m->msg + m->len, len);
			m->len += len;
		}
		made->rdlen += len;
	}
	if (layout->block[0] == BLOCK_END) {
		made->rdlen = 1 + rnd_below(&m->rnd, 50);
		rnd_fill(&m->rnd, made->rdata, made->rdlen);
		memcpy(m->msg + m->len, made->rdata, made->rdlen);
		m->len += made->rdlen;
	}
}

void
put_random_record(struct maker *m, uint16_t type, struct made *made)
{
	size_t start = m->len, rdata;

	made->type = type;
	made->class = RR_CLASS_IN;
	made->ttl = (uint32_t)rnd_next(&m->rnd);
	put_random_name(m, true, made->owner);
	remember_name(m, start);
	put_u16(m->msg + m->len, made->type);
	put_u16(m->msg + m->len + 2, made->class);
	put_u32(m->msg + m->len + 4, made->ttl);
	m->len += 10;
	rdata = m->len;
	put_random_rdata(m, made);
	put_u16(m->msg + rdata - 2, (uint16_t)(m->len - rdata));
}

uint16_t
random_type(struct rnd *r)
{
	for (;;) {
		uint16_t type = (uint16_t)rnd_below(r, 260);

		if (rr_layout(type)->block[0] != BLOCK_END ||
		    rnd_below(r, 60) == 0) {
			return rnd_below(r, 40) == 0 ? 65280 : type;
		}
	}
}
