/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/checksum.h"

#include <endian.h>
#include <string.h>

/* An odd factor makes each step a bijection of the sum for a given word, and
 * of the word for a given sum: one changed word always changes the result. */
static uint64_t
step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ (sum >> 29);
}

uint64_t
checksum64(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;

	sum = step(sum, len);
	while (len >= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = step(sum, le64toh(word));
		p += sizeof(word);
		len -= sizeof(word);
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, p, len);
		sum = step(sum, le64toh(word));
	}
	return sum;
}
