/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/dir.h"
#include "base/error.h"

#define TEXT_MAX 16384 /* more than any path */
#define LOOK_MS  50    /* between looks whether the server is free */

static int
fail(const struct mark *m, const char *what, char *reason)
{
	int error = errno;

	snprintf(reason, MARK_REASON_MAX, "what is known of \"%.160s\" %s: %s",
		 m->server, what, strerror(error));
	return error == ENOSPC || error == EDQUOT  ? SECD_ENOSPC
	       : error == EACCES || error == EPERM ? SECD_EPERM
						   : SECD_EIO;
}

/* Free at once in most cases, so that looking again is good enough. */
static int
hold(const struct mark *m, const struct limit *l, char *reason)
{
	while (flock(m->lock, LOCK_EX | LOCK_NB) != 0) {
		int rc;

		if (errno != EWOULDBLOCK && errno != EINTR) {
			return fail(m, "cannot be locked", reason);
		}
		rc = limit_poll(l, NULL, 0, LOOK_MS);
		if (rc != SECD_OK) {
			snprintf(reason, MARK_REASON_MAX,
				 "another placement into \"%.160s\" has not "
				 "ended",
				 m->server);
			return rc;
		}
	}
	return SECD_OK;
}

/* Take "WORD VALUE" from a line, when it is that word. */
static void
take(const char *line, size_t len, const char *word, char value[MARK_ID_MAX])
{
	size_t skip = strlen(word) + 1;

	if (len > skip && len - skip < MARK_ID_MAX &&
	    strncmp(line, word, skip - 1) == 0 && line[skip - 1] == ' ') {
		memcpy(value, line + skip, len - skip);
		value[len - skip] = '\0';
	}
}

/* A file that is about another server with the same name is as good as none. */
static void
read_text(struct mark *m, const char *text)
{
	size_t len = strlen(m->server);

	if (strncmp(text, m->server, len) != 0 || text[len] != '\n') {
		return;
	}
	for (const char *line = text + len + 1, *end;
	     (end = strchr(line, '\n')) != NULL; line = end + 1) {
		len = (size_t)(end - line);
		take(line, len, "applied", m->applied);
		take(line, len, "refused", m->refused);
		take(line, len, "transaction", m->transaction);
	}
}

static int
read_file(struct mark *m, char *reason)
{
	int fd = openat(m->dir, m->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[TEXT_MAX];
	ssize_t len;

	if (fd < 0) {
		return errno == ENOENT ? SECD_OK
				       : fail(m, "cannot be read", reason);
	}
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0) {
		return fail(m, "cannot be read", reason);
	}
	text[len] = '\0';
	read_text(m, text);
	return SECD_OK;
}

static int
open_files(struct mark *m, const char *dir, char *reason)
{
	char lock[sizeof(m->name) + 8];

	snprintf(m->name, sizeof(m->name), "%.*s-%016" PRIx64,
		 (int)strcspn(m->server, " "), m->server,
		 checksum64(CHECKSUM_START, m->server, strlen(m->server)));
	snprintf(lock, sizeof(lock), "%s.lock", m->name);
	if (dir_make(dir, 0700) != SECD_OK) {
		return fail(m, "cannot be opened", reason);
	}
	m->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->dir >= 0) {
		m->lock =
		    openat(m->dir, lock,
			   O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	return m->lock < 0 ? fail(m, "cannot be opened", reason) : SECD_OK;
}

int
mark_open(struct mark *m, const char *dir, const char *server,
	  const struct limit *l, char *reason)
{
	int rc;

	*m = (struct mark){.dir = -1, .lock = -1, .server = server};
	rc = open_files(m, dir, reason);
	if (rc == SECD_OK) {
		rc = hold(m, l, reason);
	}
	if (rc == SECD_OK) {
		rc = read_file(m, reason);
	}
	if (rc != SECD_OK) {
		mark_close(m);
	}
	return rc;
}

static int
write_text(const struct mark *m, const char *name)
{
	int fd =
	    openat(m->dir, name,
		   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = -1;

	if (fd >= 0) {
		rc = dprintf(fd, "%s\napplied %s\nrefused %s\ntransaction %s\n",
			     m->server, m->applied, m->refused,
			     m->transaction) < 0 ||
			     fsync(fd) != 0
			 ? -1
			 : 0;
		close(fd);
	}
	return rc;
}

int
mark_write(const struct mark *m, char *reason)
{
	char next[sizeof(m->name) + 8];

	snprintf(next, sizeof(next), "%s.next", m->name);
	if (write_text(m, next) != 0 ||
	    renameat(m->dir, next, m->dir, m->name) != 0 ||
	    fsync(m->dir) != 0) {
		return fail(m, "cannot be written", reason);
	}
	return SECD_OK;
}

void
mark_close(struct mark *m)
{
	if (m->lock >= 0) {
		close(m->lock);
	}
	if (m->dir >= 0) {
		close(m->dir);
	}
	m->dir = m->lock = -1;
}

void
mark_run(const char *socket, char id[MARK_ID_MAX])
{
	struct stat st;

	id[0] = '\0';
	if (stat(socket, &st) == 0) {
		/* Its mode and owner may be changed meanwhile. */
		snprintf(id, MARK_ID_MAX,
			 "%" PRIuMAX ".%" PRIuMAX ".%" PRIdMAX ".%ld",
			 (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
			 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
}
