/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rr_layout -- what RDATA of each type is made of: for wire/rr.c only.
 *
 * Enough to find every name and to know that a reader of the RDATA will not
 * run past its end. What fields mean is not looked at: a zone with a record
 * that its primary serves is not refused for a value that nobody here uses.
 */

#ifndef SECD_WIRE_RR_LAYOUT_H
#define SECD_WIRE_RR_LAYOUT_H

#include <stdint.h>

/* One block of RDATA. 1 to 63 stand for as many octets. */
enum {
	BLOCK_END = 0,
	BLOCK_OCTETS_MAX = 63,
	BLOCK_NAME,        /* arrives uncompressed */
	BLOCK_NAME_PACKED, /* may arrive compressed */
	BLOCK_STRING,      /* a length octet and that many octets */
	BLOCK_STRING_SOME, /* the same, one octet at least */
	/* These take all that is left. */
	BLOCK_STRINGS, /* one string or more */
	BLOCK_BITMAP,  /* types (RFC 4034 section 4.1.2), perhaps none */
	BLOCK_PARAMS,  /* SvcParams (RFC 9460 section 2.2), perhaps none */
	BLOCK_REST,
	BLOCK_REST_SOME, /* one octet at least */
};

enum {
	LAYOUT_NAMES = 1,  /* there is a name */
	LAYOUT_UNPACK = 2, /* one may arrive compressed: RFC 3597 section 4 */
	LAYOUT_PACK = 4,   /* may leave compressed: the types of RFC 1035 */
	LAYOUT_FOLD = 8,   /* canonical form is lower-case: RFC 4034 section
	                      6.2, as changed by RFC 6840 section 5.1 */
};

#define LAYOUT_BLOCKS 6

struct rr_layout {
	uint8_t flags;
	uint8_t block[LAYOUT_BLOCKS + 1]; /* BLOCK_END first: opaque */
};

/** Never NULL; unknown types are opaque. */
const struct rr_layout *rr_layout(uint16_t type);

#endif
