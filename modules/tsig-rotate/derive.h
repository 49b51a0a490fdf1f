/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * derive -- where secrets come from: random octets, or a root that both nodes
 * of a pair have (HKDF-SHA256, RFC 5869). A secret is never made of anything
 * that a person can remember.
 */

#ifndef TSIG_ROTATE_DERIVE_H
#define TSIG_ROTATE_DERIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tsig-rotate/pair.h"

#define DERIVE_FINGERPRINT_LEN 9 /* 8 digits and a NUL */

/** Fill with random octets that nobody else sees. Returns whether it did. */
bool derive_random(uint8_t *out, size_t len);

/**
 * The secret of a key:
 *
 *     PRK    = HMAC-SHA256("tsig-rotate/v1", root)
 *     secret = HKDF-Expand(PRK, info, 32)
 *     info   = "secondaryd tsig v1" 00, octets of the name, the name,
 *              "hmac-sha256." in wire format, generation (32 bits), epoch (64)
 *
 * root     PAIR_SECRET_LEN octets
 * name     of the key, wire format, lower case
 * out      room for PAIR_SECRET_LEN octets; may be wherever secrets may be: it
 *          passes through no other memory but the library's, which wipes it
 * Returns  whether it worked; on failure nothing is said about `out`
 */
bool derive_secret(const uint8_t *root, const uint8_t *name,
		   uint32_t generation, uint64_t epoch, uint8_t *out);

/**
 * What may be said of a secret: it tells two of them apart, and nothing more.
 *
 * out      room for DERIVE_FINGERPRINT_LEN; "????????" when it failed
 * Returns  out
 */
char *derive_fingerprint(const uint8_t *secret, char *out);

/** What may be stored of a root, to know it again; PAIR_CHECK_LEN octets. */
bool derive_root_check(const uint8_t *root, uint8_t *out);

#endif
