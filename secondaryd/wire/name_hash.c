/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyed hash of a name and of all its ancestors.
 *
 * A suffix is hashed from its parent's hash and its first label:
 *
 *     h(suffix) = mix(k, h(parent), label with its length octet)
 *
 * so that one pass from the root gives them all. mix takes eight octets at a
 * time and multiplies (octets ^ k0) by (state ^ k1) to 128 bits, whose halves
 * are added without carry; a last multiplication spreads what the first left
 * uneven (its top and low bits failed a chi-square test over twenty million
 * counted names). The length octet comes first, so no two labels give the
 * same chunks, and the zeros that fill the last one cannot be mistaken for
 * octets of a label.
 *
 * What this is worth against flooding. Whoever fills a zone wants names that
 * fall together; whoever only asks cannot change the table. Both operands of
 * the multiplication hold 64 secret bits and no hash is ever shown, so names
 * that collide cannot be computed beforehand, and a set found for one key is
 * of no use under another. That is an argument, not a proof: mix is no
 * pseudo-random function in the sense of SipHash, only much faster. Who
 * learns the key, by reading the storage, can make as many collisions as he
 * likes; who can time single lookups finely may learn something about hashes.
 * So a table must stay correct, if slow, when probes grow long, and may be
 * built with a new key then.
 */

#include "wire/name.h"

#include "wire/chunk.h"

/* Digits of pi, so that a key of zeros does not make a state of zeros. */
#define SALT_0 UINT64_C(0x243f6a8885a308d3)
#define SALT_1 UINT64_C(0x13198a2e03707344)
/* 2^64 divided by the golden ratio: odd, bits well spread. */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

__extension__ typedef unsigned __int128 product;

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	product p = (product)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

void
name_hash_all(const uint8_t *lower, const struct name_hash_key *key,
	      struct name_hashes *out)
{
	uint64_t k0 = key->k[0] ^ SALT_0, k1 = key->k[1] ^ SALT_1;
	uint64_t h = fold(k0, k1);
	const uint8_t *p = lower, *end;
	unsigned count = 0;

	for (; *p != 0; p += *p + 1) {
		out->offset[count++] = (uint8_t)(p - lower);
	}
	out->offset[count] = (uint8_t)(p - lower);
	out->hash[count] = h;
	out->count = (uint8_t)(count + 1);
	end = p + 1;
	while (count-- > 0) {
		size_t left;

		p = lower + out->offset[count];
		left = *p + 1u;
		for (; left > CHUNK_LEN; left -= CHUNK_LEN) {
			h = fold(get_u64(p) ^ k0, h ^ k1);
			p += CHUNK_LEN;
		}
		h = fold(chunk_part(p, left, lower, end) ^ k0, h ^ k1);
		h = fold(h ^ k0, SPREAD);
		out->hash[count] = h;
	}
}

uint64_t
name_hash(const uint8_t *name, const struct name_hash_key *key)
{
	uint8_t lower[NAME_LEN_MAX];
	struct name_hashes all;

	name_lower(name, lower);
	name_hash_all(lower, key, &all);
	return all.hash[0];
}
