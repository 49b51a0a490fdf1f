/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial -- SOA serial arithmetic (RFC 1982). Serials are compared here and
 * nowhere else.
 */

#ifndef SECD_WIRE_SERIAL_H
#define SECD_WIRE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

enum serial_order {
	SERIAL_EQUAL,
	SERIAL_LOWER,     /* the first comes before the second */
	SERIAL_GREATER,   /* the first comes after the second */
	SERIAL_UNDEFINED, /* exactly 2^31 apart: RFC 1982 section 3.2 */
};

static inline enum serial_order
serial_compare(uint32_t a, uint32_t b)
{
	uint32_t distance = a - b;

	if (distance == 0) {
		return SERIAL_EQUAL;
	}
	if (distance == UINT32_C(0x80000000)) {
		return SERIAL_UNDEFINED;
	}
	return distance < UINT32_C(0x80000000) ? SERIAL_GREATER : SERIAL_LOWER;
}

/** True only when `a` is defined to come after `b`. */
static inline bool
serial_is_newer(uint32_t a, uint32_t b)
{
	return serial_compare(a, b) == SERIAL_GREATER;
}

#endif
