/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/base64.h"

enum { PAD = 64 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/=";

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
		t[2] = digits[len > 1 ? group >> 6 & 63 : PAD];
		t[3] = digits[len > 2 ? group & 63 : PAD];
		len -= len < 3 ? len : 3;
	}
	return (size_t)(t - text);
}

/* -1: none. Without a table, whose cached part would tell what was read. */
static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(const char *text, size_t len, uint8_t *octets, size_t *out_len)
{
	size_t count = len; /* of digits */
	uint32_t bits = 0;
	uint8_t *o = octets;

	if (len == 0 || len % 4 != 0) {
		return false;
	}
	while (len - count < 2 && text[count - 1] == '=') {
		count--;
	}
	for (size_t i = 0; i < count; i++) {
		int value = value_of(text[i]);

		if (value < 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)value;
		/* The first digit of four completes no octet. */
		if (i % 4 != 0) {
			*o++ = (uint8_t)(bits >> (6 - 2 * (i % 4)));
		}
	}
	*out_len = (size_t)(o - octets);
	return true;
}
