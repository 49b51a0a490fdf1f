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

/**
 * Write one record. Its owner is given as it is sent; rr->owner does not count.
 *
 * Returns  false when it does not fit
 */
bool response_put_record(struct response *r, enum response_section section,
			 const uint8_t *owner, size_t owner_len, uint16_t class,
			 const struct rr *rr);

#endif
