/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/nsec3.h"

#include <nettle/sha1.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"

#define ALGORITHM_SHA1 1 /* RFC 5155 section 11 */
/* Algorithm, flags, iterations, length of the salt. */
#define PARAMS_LEN 5
/* 20 octets are 32 characters of base32hex, and no padding. */
#define LABEL_LEN   32
#define RR_HEAD_LEN 12

void
nsec3_hash(const uint8_t *lower, uint16_t iterations, const uint8_t *salt,
	   size_t salt_len, uint8_t hash[NODE_NSEC3_HASH_LEN])
{
	struct sha1_ctx sha1;

	sha1_init(&sha1);
	sha1_update(&sha1, name_len(lower), lower);
	sha1_update(&sha1, salt_len, salt);
	sha1_digest(&sha1, NODE_NSEC3_HASH_LEN, hash);
	/* sha1_digest has begun the next one. */
	for (unsigned i = 0; i < iterations; i++) {
		sha1_update(&sha1, NODE_NSEC3_HASH_LEN, hash);
		sha1_update(&sha1, salt_len, salt);
		sha1_digest(&sha1, NODE_NSEC3_HASH_LEN, hash);
	}
}

/* RFC 4648 section 7, either case; -1 for what is not in it. */
static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

int
nsec3_hash_of_owner(const uint8_t *owner, uint8_t hash[NODE_NSEC3_HASH_LEN])
{
	uint8_t got[NODE_NSEC3_HASH_LEN];
	size_t out = 0;

	if (owner[0] != LABEL_LEN) {
		return SECD_EMALF;
	}
	for (size_t i = 0; i < LABEL_LEN; i += 8) {
		uint64_t group = 0; /* 8 characters are 5 octets */

		for (size_t j = 0; j < 8; j++) {
			int d = digit(owner[1 + i + j]);

			if (d < 0) {
				return SECD_EMALF;
			}
			group = group << 5 | (unsigned)d;
		}
		for (int shift = 32; shift >= 0; shift -= 8) {
			got[out++] = (uint8_t)(group >> shift);
		}
	}
	memcpy(hash, got, sizeof(got));
	return SECD_OK;
}

bool
nsec3_params_from_rdata(const uint8_t *rdata, size_t len,
			struct image_nsec3 *out)
{
	if (len < PARAMS_LEN || rdata[0] != ALGORITHM_SHA1 ||
	    len - PARAMS_LEN < rdata[4]) {
		return false;
	}
	out->iterations = get_u16(rdata + 2);
	out->salt_len = rdata[4];
	out->salt = rdata + PARAMS_LEN;
	return true;
}

bool
nsec3_params_of(const struct node *apex, struct image_nsec3 *out)
{
	const struct rrset *s = node_find(apex, RR_TYPE_NSEC3PARAM);
	const uint8_t *p;

	if (s == NULL) {
		return false;
	}
	p = rrset_wire(s);
	for (unsigned i = 0; i < s->count; i++) {
		size_t len = get_u16(p + RR_HEAD_LEN - 2);

		p += RR_HEAD_LEN;
		/* Flags other than 0: not for answering from (RFC 5155
		 * section 4.1.2). */
		if (nsec3_params_from_rdata(p, len, out) && p[1] == 0) {
			return true;
		}
		p += len;
	}
	return false;
}

bool
nsec3_params_equal(const struct image_nsec3 *a, const struct image_nsec3 *b)
{
	return a->iterations == b->iterations && a->salt_len == b->salt_len &&
	       memcmp(a->salt, b->salt, a->salt_len) == 0;
}
