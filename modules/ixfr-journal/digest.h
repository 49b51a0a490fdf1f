/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digest -- a number for the contents of a version: the sum, modulo 2^256, of
 * SHA-256 over each of its records (secondaryd/module.h, RECORDS). Records come
 * and go in any order, each at the cost of one hash.
 */

#ifndef IXFR_JOURNAL_DIGEST_H
#define IXFR_JOURNAL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secondaryd/module.h"

/* Zero-initialised it is the digest of nothing. */
struct digest {
	uint64_t limbs[4]; /* most significant first */
};

/**
 * Count a record in, or out.
 *
 * entry    as it travels, op included
 */
void digest_add_entry(struct digest *d, const uint8_t *entry, size_t len);
void digest_subtract_entry(struct digest *d, const uint8_t *entry, size_t len);

void digest_add(struct digest *d, const struct digest *other);
void digest_subtract(struct digest *d, const struct digest *other);
bool digest_equal(const struct digest *a, const struct digest *b);

void digest_write(const struct digest *d, uint8_t out[SECD_DIGEST_LEN]);
void digest_read(const uint8_t octets[SECD_DIGEST_LEN], struct digest *out);

#endif
