/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define NAME_MAX_OCTETS  255
#define LABEL_MAX_OCTETS 63

/* One octet of a label; returns the end. */
static char *
put_octet(char *p, unsigned c)
{
	if (c <= ' ' || c >= 127) {
		return p + sprintf(p, "\\%03u", c);
	}
	if (strchr(".\\\"();@$", (int)c) != NULL) {
		*p++ = '\\';
	}
	*p++ = (char)c;
	return p;
}

char *
text_of_name(const uint8_t *name, char *out)
{
	char *p = out;

	if (name[0] == 0) {
		*p++ = '.';
	}
	while (name[0] != 0) {
		for (unsigned i = 1; i <= name[0]; i++) {
			p = put_octet(p, name[i]);
		}
		*p++ = '.';
		name += (size_t)1 + name[0];
	}
	*p = '\0';
	return out;
}

/* The octet that a text begins with; returns what follows it, or NULL. */
static const char *
take_octet(const char *p, uint8_t *octet)
{
	if (*p != '\\') {
		*octet = (uint8_t)*p;
		return p + 1;
	}
	p++;
	if (!isdigit((unsigned char)p[0])) {
		*octet = (uint8_t)*p;
		return *p == '\0' ? NULL : p + 1;
	}
	if (!isdigit((unsigned char)p[1]) || !isdigit((unsigned char)p[2])) {
		return NULL;
	}
	{
		int value =
		    (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');

		*octet = (uint8_t)value;
		return value > UINT8_MAX ? NULL : p + 3;
	}
}

/* One label and the dot behind it, if there is one. */
static const char *
take_label(const char *p, uint8_t *out, size_t room, size_t *len)
{
	*len = 0;
	while (*p != '\0' && *p != '.') {
		uint8_t octet;

		p = take_octet(p, &octet);
		if (p == NULL || *len == LABEL_MAX_OCTETS || *len + 1 > room) {
			return NULL;
		}
		out[1 + (*len)++] = (uint8_t)tolower(octet);
	}
	if (*len == 0) {
		return NULL;
	}
	out[0] = (uint8_t)*len;
	return p + (*p == '.');
}

bool
text_to_name(const char *text, uint8_t *out, size_t *len)
{
	const char *p = strcmp(text, ".") == 0 ? "" : text;
	size_t at = 0;

	if (text[0] == '\0') {
		return false;
	}
	while (*p != '\0') {
		size_t n;

		if (at + 2 >= NAME_MAX_OCTETS) {
			return false;
		}
		p = take_label(p, out + at, NAME_MAX_OCTETS - at - 2, &n);
		if (p == NULL) {
			return false;
		}
		at += n + 1;
	}
	out[at] = 0;
	*len = at + 1;
	return true;
}

void
text_of_record(const struct secd_host *host, const struct secd_entry *e,
	       char *out)
{
	char owner[TEXT_NAME_MAX];
	char *p = out;

	if (SECD_HAS(host, record_text) && host->record_text != NULL &&
	    host->record_text(host->ctx, e, out, TEXT_RECORD_MAX) == SECD_OK) {
		return;
	}
	p += sprintf(p, "%s %u TYPE%u \\# %u", text_of_name(e->owner, owner),
		     (unsigned)e->ttl, (unsigned)e->type,
		     (unsigned)e->rdata_len);
	*p = '\0';
	for (unsigned i = 0; i < e->rdata_len; i++) {
		p += sprintf(p, "%s%02x", i == 0 ? " " : "", e->rdata[i]);
	}
}

char *
text_of_address(const struct secd_address *a, char *out)
{
	char host[INET6_ADDRSTRLEN];

	if (a->family == 0 ||
	    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->octets, host,
		      sizeof(host)) == NULL) {
		out[0] = '\0';
		return out;
	}
	sprintf(out, "%s@%u", host, (unsigned)a->port);
	return out;
}
