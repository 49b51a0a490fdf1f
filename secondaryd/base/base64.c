/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64_encode(const uint8_t *octets, size_t len, char *text)
{
	char *t = text;

	for (; len > 0; octets += 3, t += 4) {
		uint32_t group = (uint32_t)octets[0] << 16;

		group |= len > 1 ? (uint32_t)octets[1] << 8 : 0;
		group |= len > 2 ? octets[2] : 0;
		t[0] = digits[group >> 18];
		t[1] = digits[group >> 12 & 63];
		t[2] = len > 1 ? digits[group >> 6 & 63] : '=';
		t[3] = len > 2 ? digits[group & 63] : '=';
		len -= len < 3 ? len : 3;
	}
	return (size_t)(t - text);
}
