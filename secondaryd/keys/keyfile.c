/* SPDX-License-Identifier: BSD-2-Clause */

#include "keys/keyfile.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/secretfile.h"

static int
fail(int rc, char *reason, const char *text)
{
	snprintf(reason, KEYFILE_REASON_MAX, "%s", text);
	return rc;
}

int
keyfile_decode(const char *text, size_t text_len, uint8_t **secret, size_t *len)
{
	size_t cap = BASE64_OCTETS(text_len), found = 0;
	uint8_t *octets, *copy = NULL;
	bool is_base64;

	if (cap == 0) {
		return SECD_EMALF;
	}
	octets = secret_new(cap);
	if (octets == NULL) {
		return SECD_ENOMEM;
	}
	is_base64 = base64_decode(text, text_len, octets, &found);
	if (is_base64) {
		copy = secret_new(found);
	}
	if (copy != NULL) {
		memcpy(copy, octets, found);
		*secret = copy;
		*len = found;
	}
	secret_free(octets, cap);
	return copy != NULL ? SECD_OK : is_base64 ? SECD_ENOMEM : SECD_EMALF;
}

static int
decode_line(const char *text, size_t len, uint8_t **secret, size_t *secret_len,
	    char *reason)
{
	int rc;

	if (len > KEYFILE_TEXT_MAX) {
		return fail(SECD_EMALF, reason, "is too long for a secret");
	}
	/* One end of line, of either kind; white space elsewhere is wrong. */
	if (len > 0 && text[len - 1] == '\n') {
		len--;
	}
	if (len > 0 && text[len - 1] == '\r') {
		len--;
	}
	if (len == 0) {
		return fail(SECD_EMALF, reason, "is empty");
	}
	rc = keyfile_decode(text, len, secret, secret_len);
	if (rc == SECD_EMALF) {
		return fail(rc, reason, "is not one line of base64");
	}
	return rc == SECD_OK ? rc : fail(rc, reason, "needs memory");
}

int
keyfile_read(const char *path, uid_t uid, uint8_t **secret, size_t *len,
	     char *reason)
{
	const size_t cap = KEYFILE_TEXT_MAX + 1;
	char *text;
	size_t text_len = 0;
	int fd, rc;

	rc = secretfile_open(path, uid, &fd, reason);
	if (rc != SECD_OK) {
		return rc;
	}
	text = secret_new(cap);
	if (text == NULL) {
		rc = fail(SECD_ENOMEM, reason, "needs memory");
		goto done_fd;
	}
	rc = secretfile_read(fd, text, cap, &text_len, reason);
	if (rc == SECD_OK) {
		rc = decode_line(text, text_len, secret, len, reason);
	}
	secret_free(text, cap);
done_fd:
	close(fd);
	return rc;
}
