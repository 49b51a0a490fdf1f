/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define USER_MAX 64 /* octets of a user's name that are shown */

static int
fail(int rc, char *reason, const char *text)
{
	snprintf(reason, SECRETFILE_REASON_MAX, "%s", text);
	return rc;
}

static int
open_any(const char *path, int *fd, char *reason)
{
	/* Not to hang on a FIFO, which check then refuses. */
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
		snprintf(reason, SECRETFILE_REASON_MAX, "cannot be opened: %s",
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
	snprintf(reason, SECRETFILE_REASON_MAX,
		 "belongs to user %s and not to %s: chown %s %.300s", is,
		 should_be, should_be, path);
	return SECD_EPERM;
}

/* Of the file that is open, so nothing can be put in its place meanwhile. */
static int
check(const char *path, int fd, uid_t uid, char *reason)
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
		snprintf(reason, SECRETFILE_REASON_MAX,
			 "has mode %04o, so others than its owner may use "
			 "it: chmod 0600 %.300s",
			 (unsigned)(st.st_mode & 07777), path);
		return SECD_EPERM;
	}
	return SECD_OK;
}

int
secretfile_open(const char *path, uid_t uid, int *fd, char *reason)
{
	int found, rc = open_any(path, &found, reason);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = check(path, found, uid, reason);
	if (rc != SECD_OK) {
		close(found);
		return rc;
	}
	*fd = found;
	return SECD_OK;
}

int
secretfile_read(int fd, void *octets, size_t cap, size_t *len, char *reason)
{
	char *to = octets;
	size_t have = 0;
	ssize_t n;

	while (have < cap) {
		n = read(fd, to + have, cap - have);
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
