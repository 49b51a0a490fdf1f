/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * response_internal -- what zone/response*.c share.
 */

#ifndef SECD_ZONE_RESPONSE_INTERNAL_H
#define SECD_ZONE_RESPONSE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/rr.h"
#include "zone/response.h"

#define RESPONSE_POINTER     0xc000u
#define RESPONSE_POINTER_MAX 0x3fffu /* RFC 1035 section 4.1.4 */

/* Type, class, TTL and RDLENGTH behind the owner. */
#define RESPONSE_RR_HEAD 10

static inline bool
response_has_room(const struct response *r, size_t octets)
{
	return octets <= r->limit - r->len;
}

/**
 * Where the last `len` octets of a name of the message stand. The name was read
 * before, so its labels and pointers are right; `len` may come from a damaged
 * image, and be anything.
 */
uint16_t response_suffix_at(const struct response *r,
			    const struct response_name *name, size_t len);

/** Octets of the longest end that two names share, whatever their case. */
size_t response_shared_len(const uint8_t *a, size_t a_len, const uint8_t *b,
			   size_t b_len);

/* response_tight.c */

/** Could the names of an RRset be shorter than the node has them? */
bool response_is_loose(const struct response *r, const struct rrset *s,
		       const struct response_name *owner);

/** As response_put, with all names compressed anew; the owner is the root, or
 * in the message. */
bool response_put_tight(struct response *r, enum response_section section,
			const struct node *n, const struct rrset *s,
			const struct response_name *owner, bool sigs);

/**
 * Write one record. Its owner is given as it is sent; rr->owner does not count.
 *
 * Returns  false when it does not fit
 */
bool response_put_record(struct response *r, enum response_section section,
			 const uint8_t *owner, size_t owner_len, uint16_t class,
			 const struct rr *rr);

#endif
