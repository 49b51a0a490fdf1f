/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nsec3 -- hashed owner names (RFC 5155 section 5).
 */

#ifndef SECD_ZONE_NSEC3_H
#define SECD_ZONE_NSEC3_H

#include <stddef.h>
#include <stdint.h>

#include "zone/node.h"

/**
 * Hash a lower-case name.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int nsec3_hash(const uint8_t *lower, uint16_t iterations, const uint8_t *salt,
               size_t salt_len, uint8_t hash[NODE_NSEC3_HASH_LEN]);

/**
 * The hash that the first label of an NSEC3 owner spells (base32hex).
 *
 * Returns  SECD_OK, SECD_EMALF
 */
int nsec3_hash_of_owner(const uint8_t *owner,
                        uint8_t hash[NODE_NSEC3_HASH_LEN]);

#endif
