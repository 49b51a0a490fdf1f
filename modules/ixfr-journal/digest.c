/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/digest.h"

#include <nettle/sha2.h>

#include "base/octets.h"

#define LIMBS 4

static void
hash_entry(const uint8_t *entry, size_t len, struct digest *out)
{
	uint8_t octets[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len - 1, entry + 1); /* op is not of the record */
	sha256_digest(&ctx, sizeof(octets), octets);
	digest_read(octets, out);
}

void
digest_add(struct digest *d, const struct digest *other)
{
	uint64_t carry = 0;

	for (unsigned i = LIMBS; i-- > 0;) {
		uint64_t sum = d->limbs[i] + carry;

		carry = sum < carry;
		sum += other->limbs[i];
		carry += sum < other->limbs[i];
		d->limbs[i] = sum;
	}
}

void
digest_subtract(struct digest *d, const struct digest *other)
{
	uint64_t borrow = 0;

	for (unsigned i = LIMBS; i-- > 0;) {
		uint64_t difference = d->limbs[i] - borrow;

		borrow = difference > d->limbs[i];
		borrow += difference < other->limbs[i];
		d->limbs[i] = difference - other->limbs[i];
	}
}

void
digest_add_entry(struct digest *d, const uint8_t *entry, size_t len)
{
	struct digest hash;

	hash_entry(entry, len, &hash);
	digest_add(d, &hash);
}

void
digest_subtract_entry(struct digest *d, const uint8_t *entry, size_t len)
{
	struct digest hash;

	hash_entry(entry, len, &hash);
	digest_subtract(d, &hash);
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->limbs, b->limbs, sizeof(a->limbs)) == 0;
}

void
digest_write(const struct digest *d, uint8_t out[SECD_DIGEST_LEN])
{
	for (unsigned i = 0; i < LIMBS; i++) {
		put_u64(out + i * 8, d->limbs[i]);
	}
}

void
digest_read(const uint8_t octets[SECD_DIGEST_LEN], struct digest *out)
{
	for (unsigned i = 0; i < LIMBS; i++) {
		out->limbs[i] = get_u64(octets + i * 8);
	}
}
