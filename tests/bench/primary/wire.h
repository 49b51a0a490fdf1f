/* SPDX-License-Identifier: BSD-2-Clause */
/* wire -- integers in network order, and labels. */

#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdint.h>
#include <string.h>

static inline void
wire_u16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
wire_u32(uint8_t *p, uint32_t v)
{
	wire_u16(p, v >> 16);
	wire_u16(p + 2, v & 0xffff);
}

/** Put one label; return where the next goes. */
static inline uint8_t *
wire_label(uint8_t *p, const char *text)
{
	size_t len = strlen(text);

	p[0] = (uint8_t)len;
	memcpy(p + 1, text, len);
	return p + 1 + len;
}

/** Put a letter and eight hexadecimal digits as a label. */
static inline uint8_t *
wire_hex_label(uint8_t *p, char letter, uint32_t value)
{
	*p++ = 9;
	*p++ = (uint8_t)letter;
	for (int shift = 28; shift >= 0; shift -= 4) {
		*p++ = (uint8_t) "0123456789abcdef"[value >> shift & 15];
	}
	return p;
}

/** Put the address 2001:db8::V. */
static inline void
wire_ipv6(uint8_t *p, uint32_t v)
{
	memset(p, 0, 16);
	wire_u32(p, 0x20010db8);
	wire_u32(p + 12, v);
}

#endif
