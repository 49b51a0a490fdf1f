/* SPDX-License-Identifier: BSD-2-Clause */

#include "keys/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libdnssec/binary.h>
#include <libdnssec/error.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/secret.h"

#define USER_MAX 64 /* octets of a user's name that are shown */

static int
fail(int rc, char *reason, const char *text)
{
	snprintf(reason, KEYFILE_REASON_MAX, "%s", text);
	return rc;
}

static bool
is_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* The library frees a secret that it fails to decode without wiping it, so
   only what it will decode is given to it. */
static bool
is_base64(const char *text, size_t len)
{
	size_t digits = len;

	if (len == 0 || len % 4 != 0) {
		return false;
	}
	while (len - digits < 2 && text[digits - 1] == '=') {
		digits--;
	}
	for (size_t i = 0; i < digits; i++) {
		if (!is_digit(text[i])) {
			return false;
		}
	}
	return true;
}

int
keyfile_decode(const char *text, size_t text_len, uint8_t **secret, size_t *len)
{
	union {
		const char *in;
		uint8_t *out;
	} u = {.in = text}; /* only read; the library's struct has no const */
	dnssec_binary_t base64 = {.size = text_len, .data = u.out};
	dnssec_binary_t octets = {0};
	uint8_t *copy;

	if (!is_base64(text, text_len)) {
		return SECD_EMALF;
	}
	if (dnssec_binary_from_base64(&base64, &octets) != DNSSEC_EOK) {
		return SECD_ENOMEM;
	}
	copy = secret_new(octets.size);
	if (copy != NULL) {
		memcpy(copy, octets.data, octets.size);
		*secret = copy;
		*len = octets.size;
	}
	explicit_bzero(octets.data, octets.size);
	dnssec_binary_free(&octets);
	return copy == NULL ? SECD_ENOMEM : SECD_OK;
}

static int
open_file(const char *path, int *fd, char *reason)
{
	/* Not to hang on a FIFO, which check_file then refuses. */
	*fd = open(path,
		   O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd >= 0) {
		return SECD_OK;
	}
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return fail(SECD_ENOTFOUND, reason, "does not exist");
	case ELOOP:
		return fail(SECD_EPERM, reason, "is a symbolic link");
	case EACCES:
	case EPERM:
		return fail(SECD_EPERM, reason, "may not be opened");
	default:
		snprintf(reason, KEYFILE_REASON_MAX, "cannot be opened: %s",
			 strerrordesc_np(errno));
		return SECD_EIO;
	}
}

/* The name; the number of a user that has none. */
static const char *
user_text(uid_t uid, char text[USER_MAX])
{
	char buffer[4096];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, buffer, sizeof(buffer), &found) == 0 &&
	    found != NULL) {
		snprintf(text, USER_MAX, "%s", pw.pw_name);
	} else {
		snprintf(text, USER_MAX, "%lu", (unsigned long)uid);
	}
	return text;
}

/* Root's files too: a reload runs without root's rights. */
static int
refuse_owner(const char *path, uid_t owner, uid_t wanted, char *reason)
{
	char is[USER_MAX], should_be[USER_MAX];

	user_text(owner, is);
	user_text(wanted, should_be);
	snprintf(reason, KEYFILE_REASON_MAX,
		 "belongs to user %s and not to %s: chown %s %.300s", is,
		 should_be, should_be, path);
	return SECD_EPERM;
}

/* Of the file that is open, so nothing can be put in its place meanwhile. */
static int
check_file(const char *path, int fd, uid_t uid, char *reason)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return fail(SECD_EIO, reason, "cannot be examined");
	}
	if (!S_ISREG(st.st_mode)) {
		return fail(SECD_EPERM, reason, "is not a regular file");
	}
	if (st.st_uid != uid) {
		return refuse_owner(path, st.st_uid, uid, reason);
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		snprintf(reason, KEYFILE_REASON_MAX,
			 "has mode %04o, so others than its owner may use "
			 "it: chmod 0600 %.300s",
			 (unsigned)(st.st_mode & 07777), path);
		return SECD_EPERM;
	}
	return SECD_OK;
}

/* Up to `cap` octets: one more than may be shows that there are too many. */
static int
read_all(int fd, char *text, size_t cap, size_t *len, char *reason)
{
	size_t have = 0;
	ssize_t n;

	while (have < cap) {
		n = read(fd, text + have, cap - have);
		if (n == 0) {
			break;
		}
		if (n < 0 && errno != EINTR) {
			return fail(SECD_EIO, reason, "cannot be read");
		}
		have += n > 0 ? (size_t)n : 0;
	}
	*len = have;
	return SECD_OK;
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

	rc = open_file(path, &fd, reason);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = check_file(path, fd, uid, reason);
	if (rc != SECD_OK) {
		goto done_fd;
	}
	text = secret_new(cap);
	if (text == NULL) {
		rc = fail(SECD_ENOMEM, reason, "needs memory");
		goto done_fd;
	}
	rc = read_all(fd, text, cap, &text_len, reason);
	if (rc == SECD_OK) {
		rc = decode_line(text, text_len, secret, len, reason);
	}
	secret_free(text, cap);
done_fd:
	close(fd);
	return rc;
}
