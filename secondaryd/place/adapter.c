/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/adapter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/secret.h"
#include "place/program.h"

/* Characters of a secret that are no accident any more. */
#define TELLING_LEN 8

const struct adapter *
adapter_find(const char *name)
{
	static const struct adapter *const all[] = {
	    &adapter_bind, &adapter_command, &adapter_knot, &adapter_nsd};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i]->name, name) == 0) {
			return all[i];
		}
	}
	return NULL;
}

int
adapter_say(struct adapter_work *w, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->result->text, sizeof(w->result->text), format, args);
	va_end(args);
	w->result->rc = rc;
	return rc;
}

int
adapter_say_program(struct adapter_work *w, int rc, const char *program)
{
	switch (rc) {
	case SECD_ENOTFOUND:
		return adapter_say(w, rc, "%.200s cannot be run: %s", program,
				   strerror(errno));
	case SECD_ETIMEOUT:
		return adapter_say(w, rc, "%.200s did not end in time",
				   program);
	case SECD_ECLOSED:
		return adapter_say(w, rc, "given up: nobody waits for it");
	default:
		return adapter_say(w, rc, "%.200s: %s", program,
				   secd_strerror(rc));
	}
}

/* What lies between two quotes: `end` is the second one. */
static bool
is_file(const char *from, const char *end)
{
	char path[PROGRAM_LINE_MAX + 1];
	size_t len = (size_t)(end - from);

	if (*from != '/' || len >= sizeof(path)) {
		return false;
	}
	memcpy(path, from, len);
	path[len] = '\0';
	return access(path, F_OK) == 0;
}

char *
adapter_unquote(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		const char *end = *from == '\'' || *from == '"'
				      ? strchr(from + 1, *from)
				      : NULL;

		*to++ = *from;
		if (end == NULL) {
			continue;
		}
		if (is_file(from + 1, end)) {
			memmove(to, from + 1, (size_t)(end - from - 1));
			to += end - from - 1;
		}
		*to++ = *end;
		from = end;
	}
	*to = '\0';
	return text;
}

static void
mask_one(const char *secret, size_t len, char *text)
{
	size_t text_len = strlen(text);

	for (size_t at = 0; at + TELLING_LEN <= text_len; at++) {
		/* Stars are in no base64, so what is masked is not found
		 * again; what overlaps with it is masked from the other end. */
		const char *found = memmem(secret, len, text + at, TELLING_LEN);
		size_t same = TELLING_LEN;

		if (found == NULL) {
			continue;
		}
		while (found + same < secret + len &&
		       text[at + same] == found[same]) {
			same++;
		}
		memset(text + at, '*', same);
	}
}

void
adapter_mask(const struct keytext_key *keys, size_t count, char *text)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = BASE64_LEN(keys[i].secret_len);
		char *secret = secret_new(len);

		if (secret == NULL) {
			text[0] = '\0'; /* rather nothing */
			return;
		}
		mask_one(
		    secret,
		    base64_encode(keys[i].secret, keys[i].secret_len, secret),
		    text);
		secret_free(secret, len);
	}
}
