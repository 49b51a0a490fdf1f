/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rnd -- the same random numbers in each run, and names made of them.
 *
 * splitmix64: good enough to make cases, and any seed will do.
 */

#ifndef SECD_TEST_RND_H
#define SECD_TEST_RND_H

#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

struct rnd {
	uint64_t state; /* any value is a seed */
};

static inline uint64_t
rnd_next(struct rnd *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to limit - 1. */
static inline unsigned
rnd_below(struct rnd *r, unsigned limit)
{
	return (unsigned)(rnd_next(r) % limit);
}

static inline void
rnd_fill(struct rnd *r, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		out[i] = (uint8_t)rnd_next(r);
	}
}

/*
 * A name of at most `labels_max` labels: mostly short, of few different
 * octets, so that names share ancestors and prefixes; sometimes long, of any.
 * `name` has room for NAME_LEN_MAX octets. Returns the octets written.
 */
static inline size_t
rnd_name(struct rnd *r, unsigned labels_max, uint8_t *name)
{
	static const uint8_t few[] = {0,   1,   2,   'A', 'a',
				      'Z', 'z', '.', '*', 255};
	unsigned labels = rnd_below(r, labels_max + 1);
	size_t out = 0;

	while (labels-- > 0) {
		unsigned kind = rnd_below(r, 8);
		size_t len = 1 + rnd_below(r, kind == 0  ? 63
					      : kind < 3 ? 12
							 : 2);

		if (out + len + 2 > NAME_LEN_MAX) {
			break;
		}
		name[out++] = (uint8_t)len;
		for (size_t i = 0; i < len; i++) {
			name[out++] = kind == 1
					  ? (uint8_t)rnd_next(r)
					  : few[rnd_below(r, sizeof(few))];
		}
	}
	name[out++] = 0;
	return out;
}

#endif
