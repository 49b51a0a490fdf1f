/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/quantity.h"

#include <string.h>

bool
quantity_read(const char *text, const struct quantity_unit *units, size_t count,
	      uint64_t *out)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10) {
			return false;
		}
		value = value * 10 + digit;
	}
	for (size_t i = 0; i < count && p > text; i++) {
		if (strcmp(p, units[i].text) == 0) {
			if (value > UINT64_MAX / units[i].worth) {
				return false;
			}
			*out = value * units[i].worth;
			return true;
		}
	}
	return false;
}
