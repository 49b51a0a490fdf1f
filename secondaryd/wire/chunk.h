/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chunk -- names eight octets at a time: for wire/name*.c and wire/rr.c only.
 *
 * Folding case may run over a name's length octets: they are at most 63, and
 * "A" is 65.
 */

#ifndef SECD_WIRE_CHUNK_H
#define SECD_WIRE_CHUNK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/octets.h"

#define CHUNK_LEN 8u
#define CHUNK_ALL UINT64_C(0x0101010101010101)

static inline uint64_t
chunk_load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/** Lower the ASCII letters among eight octets. */
static inline uint64_t
chunk_lower(uint64_t v)
{
	const uint64_t top = CHUNK_ALL * 0x80;
	uint64_t seven = v & ~top;
	uint64_t from_a = seven + CHUNK_ALL * (0x80 - 'A');
	uint64_t after_z = seven + CHUNK_ALL * (0x7f - 'Z');
	uint64_t upper = ~v & (from_a ^ after_z) & top;

	return v | upper >> 2; /* 0x80 >> 2 is 'a' - 'A' */
}

static inline uint8_t
octet_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/**
 * Octets p[0] to p[len - 1], at most eight, in network order at the top of the
 * result and zeros below. Reads nothing outside of [begin, end), which holds
 * them; when that is eight octets or more, there is no loop.
 */
static inline uint64_t
chunk_part(const uint8_t *p, size_t len, const uint8_t *begin,
	   const uint8_t *end)
{
	size_t behind = (size_t)(end - p);
	uint64_t v = 0;

	if (len == 0) {
		return 0;
	}
	if (behind >= CHUNK_LEN) {
		v = get_u64(p);
	} else if ((size_t)(end - begin) >= CHUNK_LEN) {
		v = get_u64(end - CHUNK_LEN) << 8 * (CHUNK_LEN - behind);
	} else {
		for (size_t i = 0; i < behind; i++) {
			v |= (uint64_t)p[i] << (56 - 8 * i);
		}
	}
	return len < CHUNK_LEN ? v & ~(UINT64_MAX >> 8 * len) : v;
}

#endif
