/* SPDX-License-Identifier: BSD-2-Clause */

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/quantity.h"
#include "config/config_build.h"

#define ADDRESS_TEXT_MAX 64 /* longer than any address with its port */

bool
config_build_number(const char *text, enum config_unit unit, uint64_t *out)
{
	static const struct quantity_unit units[][5] = {
	    [CONFIG_PLAIN] = {{"", 1}},
	    [CONFIG_TIME] =
		{{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}},
	    [CONFIG_TIME_MS] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}},
	    [CONFIG_SIZE] = {{"", 1},
			     {"B", 1},
			     {"K", 1 << 10},
			     {"M", 1 << 20},
			     {"G", 1 << 30}},
	};
	size_t count = 0;

	while (count < 5 && units[unit][count].text != NULL) {
		count++;
	}
	return quantity_read(text, units[unit], count, out);
}

bool
config_build_bool(const char *text, bool *out)
{
	if (strcmp(text, "on") == 0 || strcmp(text, "true") == 0) {
		*out = true;
	} else if (strcmp(text, "off") == 0 || strcmp(text, "false") == 0) {
		*out = false;
	} else {
		return false;
	}
	return true;
}

/* Network order, 4 or 16 octets. */
static bool
parse_ip(const char *text, sa_family_t *family, uint8_t *octets)
{
	if (inet_pton(AF_INET, text, octets) == 1) {
		*family = AF_INET;
	} else if (inet_pton(AF_INET6, text, octets) == 1) {
		*family = AF_INET6;
	} else {
		return false;
	}
	return true;
}

bool
config_build_address(const char *text, uint16_t default_port,
		     struct sockaddr_storage *out)
{
	char ip[ADDRESS_TEXT_MAX];
	const char *at = strchr(text, '@');
	size_t len = at == NULL ? strlen(text) : (size_t)(at - text);
	uint64_t port = default_port;
	uint8_t octets[16];
	sa_family_t family;

	if (len >= sizeof(ip)) {
		return false;
	}
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (!parse_ip(ip, &family, octets)) {
		return false;
	}
	if (at != NULL && (!config_build_number(at + 1, CONFIG_PLAIN, &port) ||
			   port < 1 || port > UINT16_MAX)) {
		return false;
	}
	memset(out, 0, sizeof(*out));
	out->ss_family = family;
	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		memcpy(&in->sin_addr, octets, 4);
		in->sin_port = htons((uint16_t)port);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

		memcpy(&in6->sin6_addr, octets, 16);
		in6->sin6_port = htons((uint16_t)port);
	}
	return true;
}

static bool
apply_prefix(const char *text, struct config_range *r)
{
	uint64_t bits, max = r->family == AF_INET ? 32 : 128;

	if (!config_build_number(text, CONFIG_PLAIN, &bits) || bits > max) {
		return false;
	}
	memcpy(r->last, r->first, sizeof(r->last));
	for (uint64_t bit = bits; bit < max; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		r->first[bit / 8] &= (uint8_t)~mask;
		r->last[bit / 8] |= mask;
	}
	return true;
}

/* The address that a range's text begins with. */
static bool
parse_first(const char *text, sa_family_t *family, uint8_t *octets)
{
	char first[ADDRESS_TEXT_MAX];
	size_t len = strcspn(text, "/-");

	if (len >= sizeof(first)) {
		return false;
	}
	memcpy(first, text, len);
	first[len] = '\0';
	return parse_ip(first, family, octets);
}

bool
config_build_range_is_exact(const char *text, const struct config_range *r)
{
	uint8_t octets[16] = {0};
	sa_family_t family;

	return parse_first(text, &family, octets) &&
	       memcmp(octets, r->first, sizeof(octets)) == 0;
}

bool
config_build_range(const char *text, struct config_range *out)
{
	size_t len = strcspn(text, "/-");
	struct config_range r = {0};
	sa_family_t family;

	if (!parse_first(text, &r.family, r.first)) {
		return false;
	}
	if (text[len] == '\0') {
		memcpy(r.last, r.first, sizeof(r.last));
	} else if (text[len] == '/') {
		if (!apply_prefix(text + len + 1, &r)) {
			return false;
		}
	} else if (!parse_ip(text + len + 1, &family, r.last) ||
		   family != r.family ||
		   memcmp(r.first, r.last, sizeof(r.first)) > 0) {
		return false;
	}
	*out = r;
	return true;
}

static int
bad_number(struct config_build *b, const struct config_item *it)
{
	static const char *const units[] = {
	    [CONFIG_PLAIN] = "a number",
	    [CONFIG_TIME] = "seconds, or a number with s, m, h or d,",
	    [CONFIG_TIME_MS] = "milliseconds, or a number with ms, s or m,",
	    [CONFIG_SIZE] = "octets, or a number with K, M or G,",
	};
	const struct config_keyword *k = it->keyword;
	char expected[128];

	if (k->max == UINT64_MAX) {
		snprintf(expected, sizeof(expected), "%s from %" PRIu64 " on",
			 units[k->unit], k->min);
	} else {
		snprintf(expected, sizeof(expected),
			 "%s from %" PRIu64 " to %" PRIu64, units[k->unit],
			 k->min, k->max);
	}
	return config_build_bad(b, it, expected);
}

static int
take_number(struct config_build *b, const struct config_item *it, void *field)
{
	const struct config_keyword *k = it->keyword;
	uint64_t value;

	if (!config_build_number(it->value, k->unit, &value) ||
	    value < k->min || value > k->max) {
		return bad_number(b, it);
	}
	if (k->kind == CONFIG_U16) {
		*(uint16_t *)field = (uint16_t)value;
	} else if (k->kind == CONFIG_U32) {
		*(uint32_t *)field = (uint32_t)value;
	} else {
		*(uint64_t *)field = value;
	}
	return SECD_OK;
}

static int
take_text(struct config_build *b, const struct config_item *it,
	  const char **field)
{
	const struct config_keyword *k = it->keyword;
	char *text;

	if (it->len < k->min || it->len > k->max) {
		char expected[64];

		snprintf(expected, sizeof(expected),
			 "%" PRIu64 " to %" PRIu64 " octets", k->min, k->max);
		return config_build_bad(b, it, expected);
	}
	if (k->kind == CONFIG_FILE) {
		text =
		    config_tree_path(&b->tree, it->place, b->arena, it->value);
	} else {
		text = arena_copy_octets(b->arena, it->value, it->len);
	}
	if (text == NULL) {
		return SECD_ENOMEM;
	}
	*field = text;
	return SECD_OK;
}

int
config_build_value(struct config_build *b, const struct config_item *it,
		   void *object)
{
	void *field = (uint8_t *)object + it->keyword->offset;

	switch (it->keyword->kind) {
	case CONFIG_U16:
	case CONFIG_U32:
	case CONFIG_U64:
		return take_number(b, it, field);
	case CONFIG_BOOL:
		if (!config_build_bool(it->value, field)) {
			return config_build_bad(b, it, "on or off");
		}
		return SECD_OK;
	case CONFIG_TEXT:
	case CONFIG_FILE:
		return take_text(b, it, field);
	case CONFIG_SPECIAL:
		break;
	}
	return SECD_EINVAL;
}
