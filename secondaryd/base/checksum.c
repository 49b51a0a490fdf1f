/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/checksum.h"

#include <endian.h>
#include <string.h>

/*
 * Four lanes at a time, since a multiplication takes longer than the next one
 * needs to wait for: a gigabyte of image takes a tenth of a second, and a
 * single lane three times as long.
 */
#define LANE_COUNT 4
#define ODD_FACTOR UINT64_C(0x9e3779b97f4a7c15)

/* An odd factor makes each step a bijection of the sum for a given word, and
 * of the word for a given sum: one changed word always changes the result. */
static inline uint64_t
step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * ODD_FACTOR;
	return sum ^ (sum >> 29);
}

static inline uint64_t
load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

uint64_t
checksum64(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t lane[LANE_COUNT] = {1, 2, 3, 4};

	sum = step(sum, len);
	if (len >= sizeof(lane)) {
		for (; len >= sizeof(lane); len -= sizeof(lane)) {
			for (size_t i = 0; i < LANE_COUNT; i++) {
				lane[i] = step(lane[i], load(p + 8 * i));
			}
			p += sizeof(lane);
		}
		for (size_t i = 0; i < LANE_COUNT; i++) {
			sum = step(sum, lane[i]);
		}
	}
	for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t)) {
		sum = step(sum, load(p));
		p += sizeof(uint64_t);
	}
	if (len > 0) {
		uint8_t last[sizeof(uint64_t)] = {0};

		memcpy(last, p, len);
		sum = step(sum, load(last));
	}
	return sum;
}
