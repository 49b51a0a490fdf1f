/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/module_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"

bool
module_address_read(const char *text, uint16_t port, struct secd_address *out)
{
	static const struct quantity_unit unit = {"", 1};
	struct secd_address a = {.port = port};
	char ip[MODULE_ADDRESS_TEXT_MAX];
	size_t len = strcspn(text, "@");
	uint64_t number;

	if (len >= sizeof(ip)) {
		return false;
	}
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(AF_INET, ip, a.octets) == 1) {
		a.family = 4;
	} else if (inet_pton(AF_INET6, ip, a.octets) == 1) {
		a.family = 6;
	} else {
		return false;
	}
	if (text[len] == '@') {
		if (!quantity_read(text + len + 1, &unit, 1, &number) ||
		    number < 1 || number > UINT16_MAX) {
			return false;
		}
		a.port = (uint16_t)number;
	}
	*out = a;
	return true;
}

char *
module_address_text(const struct secd_address *a, char *text)
{
	char host[INET6_ADDRSTRLEN];

	if (a->family == 0 ||
	    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->octets, host,
		      sizeof(host)) == NULL) {
		text[0] = '\0';
	} else if (a->port == 0) {
		snprintf(text, MODULE_ADDRESS_TEXT_MAX, "%s", host);
	} else {
		snprintf(text, MODULE_ADDRESS_TEXT_MAX, "%s@%u", host,
			 (unsigned)a->port);
	}
	return text;
}

/* As 16 octets, IPv4 mapped; NULL: none. */
static const uint8_t *
host_octets(const struct secd_address *a, uint8_t mapped[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family == 6) {
		return a->octets;
	}
	if (a->family != 4) {
		return NULL;
	}
	memcpy(mapped, prefix, sizeof(prefix));
	memcpy(mapped + sizeof(prefix), a->octets, 4);
	return mapped;
}

bool
module_address_same_host(const struct secd_address *a,
			 const struct secd_address *b)
{
	uint8_t mapped_a[16], mapped_b[16];
	const uint8_t *x = host_octets(a, mapped_a);
	const uint8_t *y = host_octets(b, mapped_b);

	return x != NULL && y != NULL && memcmp(x, y, 16) == 0;
}
