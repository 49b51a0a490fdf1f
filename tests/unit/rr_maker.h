/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rr_maker -- records for tests: one by hand, or any number at random.
 *
 * Fails the running test by itself when memory is short.
 */

#ifndef SECD_TEST_RR_MAKER_H
#define SECD_TEST_RR_MAKER_H

#include <stddef.h>
#include <stdint.h>

#include "rnd.h"
#include "wire/rr.h"

/*
 * A message that starts with "example." at octet 0 and then has one record of
 * "a.example.", in memory of exactly its length.
 */
struct one {
	uint8_t *msg;
	size_t len;
	size_t rdata; /* where it starts */
};

#define ONE_OWNER_AT 9

struct one one_record(uint16_t type, uint16_t class, const void *rdata,
		      size_t rdlen);

/* A message in the making, and the names in it that pointers may use. */
struct maker {
	struct rnd rnd;
	uint8_t msg[16384];
	size_t len;
	uint16_t suffixes[512];
	unsigned suffix_count;
};

/* What a record should read as. */
struct made {
	uint8_t owner[NAME_LEN_MAX];
	uint8_t rdata[4096];
	size_t rdlen;
	uint16_t type, class;
	uint32_t ttl;
};

/** Append a record of this type, its names compressed or not, by chance. */
void put_random_record(struct maker *m, uint16_t type, struct made *made);

/** Every type that has a layout, and some that have none; below 260 or 65280. */
uint16_t random_type(struct rnd *r);

#endif
