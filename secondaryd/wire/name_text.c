/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in presentation format (RFC 1035 section 5.1, RFC 4343 section 2.1). */

#include "wire/name.h"

#include <string.h>

#include "base/error.h"

#define LABEL_LEN_MAX 63u /* RFC 1035 section 2.3.4 */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Read one octet of a label; *text moves behind it. Returns the octet, or -1
 * for what may not stand there.
 */
static int
read_octet(const char **text)
{
	const char *t = *text;
	int value;

	if (t[0] != '\\') {
		/* Special in zone files: surely a mistake, not a name. */
		if (t[0] <= ' ' || t[0] > '~' || strchr("\"();", t[0])) {
			return -1;
		}
		*text = t + 1;
		return (uint8_t)t[0];
	}
	if (!is_digit(t[1])) {
		if (t[1] == '\0') {
			return -1;
		}
		*text = t + 2;
		return (uint8_t)t[1];
	}
	if (!is_digit(t[2]) || !is_digit(t[3])) {
		return -1;
	}
	value = (t[1] - '0') * 100 + (t[2] - '0') * 10 + (t[3] - '0');
	*text = t + 4;
	return value <= 255 ? value : -1;
}

/* Read one label with the dot behind it. Returns its octets, 0 when malformed. */
static size_t
read_label(const char **text, uint8_t *label, size_t room)
{
	size_t len = 0;

	while (**text != '\0' && **text != '.') {
		int octet = read_octet(text);

		if (octet < 0 || len == room) {
			return 0;
		}
		label[len++] = (uint8_t)octet;
	}
	*text += **text == '.';
	return len;
}

int
name_from_text(const char *text, uint8_t *name)
{
	uint8_t built[NAME_LEN_MAX];
	size_t out = 0;

	if (text[0] == '\0') {
		return SECD_EMALF;
	}
	if (strcmp(text, ".") == 0) {
		name[0] = 0;
		return SECD_OK;
	}
	while (*text != '\0') {
		/* Room for the length octet and for the root's. */
		size_t room =
		    NAME_LEN_MAX - out > 2 ? NAME_LEN_MAX - out - 2 : 0;
		size_t len =
		    read_label(&text, built + out + 1,
			       room < LABEL_LEN_MAX ? room : LABEL_LEN_MAX);

		if (len == 0) {
			return SECD_EMALF;
		}
		built[out] = (uint8_t)len;
		out += len + 1;
	}
	built[out++] = 0;
	memcpy(name, built, out);
	return SECD_OK;
}

static char *
write_octet(char *t, uint8_t c)
{
	if (c <= ' ' || c > '~') {
		*t++ = '\\';
		*t++ = (char)('0' + c / 100);
		*t++ = (char)('0' + c / 10 % 10);
		*t++ = (char)('0' + c % 10);
		return t;
	}
	if (strchr(".\\\"();@$", c) != NULL) {
		*t++ = '\\';
	}
	*t++ = (char)c;
	return t;
}

char *
name_to_text(const uint8_t *name, char *text)
{
	char *t = text;

	if (*name == 0) {
		*t++ = '.';
	}
	while (*name != 0) {
		size_t len = *name++;

		while (len-- > 0) {
			t = write_octet(t, *name++);
		}
		*t++ = '.';
	}
	*t = '\0';
	return text;
}
