/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/keytext.h"

#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"

/* What is around name, algorithm and secret. */
struct format {
	const char *before, *name_end, *algorithm_end, *after;
};

static const struct format formats[] = {
    [KEYTEXT_BIND] = {"key \"", "\" {\n\talgorithm ", ";\n\tsecret \"",
		      "\";\n};\n"},
    [KEYTEXT_NSD] = {"key:\n\tname: \"", "\"\n\talgorithm: ", "\n\tsecret: \"",
		     "\"\n"},
    [KEYTEXT_KNOT] = {"key:\n  - id: \"",
		      "\"\n    algorithm: ", "\n    secret: \"", "\"\n"},
};

/* What was written, and whether it was too much. */
struct text {
	char *at, *end;
	bool is_full;
};

static void
put(struct text *t, const char *s, size_t len)
{
	if (len > (size_t)(t->end - t->at)) {
		t->is_full = true;
		return;
	}
	memcpy(t->at, s, len);
	t->at += len;
}

static void
put_string(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Whatever one of the servers could read in another way is written as \DDD,
 * which all of them read in quotes. A `\DDD` goes through as it is: its
 * backslash stands before three plain characters.
 */
static bool
put_name(struct text *t, const char *name)
{
	bool is_named = *name != '\0';

	while (*name != '\0') {
		bool is_escaped = *name == '\\' && !is_digit(name[1]);
		unsigned char c = (unsigned char)name[is_escaped ? 1 : 0];

		if (c == '\0') {
			return false;
		}
		if (!is_escaped && (is_digit(*name) || is_letter(*name) ||
				    strchr("-_.\\", *name) != NULL)) {
			put(t, name, 1);
		} else {
			const char ddd[] = {'\\', (char)('0' + c / 100),
					    (char)('0' + c / 10 % 10),
					    (char)('0' + c % 10)};

			put(t, ddd, sizeof(ddd));
		}
		name += is_escaped ? 2 : 1;
	}
	return is_named;
}

static bool
put_algorithm(struct text *t, const char *algorithm)
{
	for (const char *c = algorithm; *c != '\0'; c++) {
		if (!is_letter(*c) && !is_digit(*c) && *c != '-') {
			return false;
		}
	}
	put_string(t, algorithm);
	return *algorithm != '\0';
}

static void
put_secret(struct text *t, const uint8_t *secret, size_t len)
{
	if (BASE64_LEN(len) > (size_t)(t->end - t->at)) {
		t->is_full = true;
		return;
	}
	t->at += base64_encode(secret, len, t->at);
}

size_t
keytext_len_max(const struct keytext_key *key)
{
	/* 64: the longest of what is around it all. A character that is not
	 * escaped may become four. */
	return 64 + strlen(key->name) * 4 + strlen(key->algorithm) +
	       BASE64_LEN(key->secret_len);
}

int
keytext_write(enum keytext_format format, const struct keytext_key *key,
	      char *out, size_t cap, size_t *len)
{
	const struct format *f = &formats[format];
	struct text t = {.at = out, .end = out + cap};

	put_string(&t, f->before);
	if (!put_name(&t, key->name)) {
		return SECD_EINVAL;
	}
	put_string(&t, f->name_end);
	if (!put_algorithm(&t, key->algorithm) || key->secret_len == 0) {
		return SECD_EINVAL;
	}
	put_string(&t, f->algorithm_end);
	put_secret(&t, key->secret, key->secret_len);
	put_string(&t, f->after);
	if (t.is_full) {
		return SECD_ENOSPC;
	}
	*len = (size_t)(t.at - out);
	return SECD_OK;
}
