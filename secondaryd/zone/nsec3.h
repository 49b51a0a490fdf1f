/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nsec3 -- hashed owner names (RFC 5155 section 5).
 */

#ifndef SECD_ZONE_NSEC3_H
#define SECD_ZONE_NSEC3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone/image.h"

/** Hash a lower-case name. */
void nsec3_hash(const uint8_t *lower, uint16_t iterations, const uint8_t *salt,
		size_t salt_len, uint8_t hash[NODE_NSEC3_HASH_LEN]);

/**
 * The hash that the first label of an NSEC3 owner spells (base32hex).
 *
 * Returns  SECD_OK, SECD_EMALF
 */
int nsec3_hash_of_owner(const uint8_t *owner,
			uint8_t hash[NODE_NSEC3_HASH_LEN]);

/**
 * The parameters that NSEC3 or NSEC3PARAM RDATA starts with.
 *
 * out      salt points into rdata
 * Returns  false when it is cut off or the algorithm is not SHA-1
 */
bool nsec3_params_from_rdata(const uint8_t *rdata, size_t len,
			     struct image_nsec3 *out);

/** The first NSEC3PARAM of a verified apex that may be used, or false. */
bool nsec3_params_of(const struct node *apex, struct image_nsec3 *out);

bool nsec3_params_equal(const struct image_nsec3 *a,
			const struct image_nsec3 *b);

#endif
