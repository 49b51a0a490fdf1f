/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/include_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "base/textfile.h"

#define OCTETS_MAX (16 << 20)
#define SUFFIX_LEN 6 /* a dot before, and ".kept" or ".next" behind */

/* With errno, as "PATH: what: No space left on device". */
static int
fail(const struct include_file *f, const char *what, char *reason)
{
	int error = errno;

	snprintf(reason, INCLUDE_FILE_REASON_MAX, "%.160s: %s: %s", f->path,
		 what, strerror(error));
	return error == ENOSPC || error == EDQUOT ? SECD_ENOSPC
	       : error == EACCES || error == EPERM || error == EROFS
		   ? SECD_EPERM
		   : SECD_EIO;
}

static int
refuse(const struct include_file *f, int rc, const char *what, char *reason)
{
	snprintf(reason, INCLUDE_FILE_REASON_MAX, "%.160s: %s", f->path, what);
	return rc;
}

/*
 * Look
 */

static int
open_part(const struct include_file *f, const char *name)
{
	return openat(f->dir, name,
		      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
			  O_NOCTTY);
}

/* An empty file was put there for us. */
static int
check_owner(const struct include_file *f, int fd, char *reason)
{
	char head[sizeof(KEYTEXT_HEAD) - 1];
	size_t len = sizeof(head);
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return fail(f, "cannot be looked at", reason);
	}
	if (!S_ISREG(st.st_mode)) {
		return refuse(f, SECD_EPERM, "is no regular file", reason);
	}
	if (textfile_read(fd, head, &len) != SECD_OK) {
		return fail(f, "cannot be read", reason);
	}
	if (len > 0 && (len < sizeof(head) ||
			memcmp(head, KEYTEXT_HEAD, sizeof(head)) != 0)) {
		return refuse(f, SECD_EPERM,
			      "is not ours: its first line is not \"# written "
			      "by secondaryd; do not edit\"",
			      reason);
	}
	return SECD_OK;
}

static int
look(struct include_file *f, char *reason)
{
	int fd = open_part(f, f->name);
	int rc;

	if (fd < 0 && errno == ELOOP) {
		return refuse(f, SECD_EPERM, "is a symbolic link", reason);
	}
	if (fd < 0 && errno != ENOENT) {
		return fail(f, "cannot be opened", reason);
	}
	f->is_there = fd >= 0;
	if (fd < 0) {
		return SECD_OK;
	}
	rc = check_owner(f, fd, reason);
	close(fd);
	return rc;
}

static int
find_group(struct include_file *f, const char *group, char *reason)
{
	char buffer[4096];
	struct group g, *found = NULL;

	f->has_group = group[0] != '\0';
	if (!f->has_group) {
		return SECD_OK;
	}
	if (getgrnam_r(group, &g, buffer, sizeof(buffer), &found) != 0 ||
	    found == NULL) {
		snprintf(reason, INCLUDE_FILE_REASON_MAX,
			 "there is no group %.64s", group);
		return SECD_EINVAL;
	}
	f->group = g.gr_gid;
	return SECD_OK;
}

static int
open_dir(struct include_file *f, char *reason)
{
	char dir[PATH_MAX];
	size_t len = (size_t)(f->name - f->path);

	memcpy(dir, f->path, len);
	dir[len] = '\0';
	f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->dir < 0 ? fail(f, "its directory cannot be opened", reason)
			  : SECD_OK;
}

int
include_file_open(struct include_file *f, const char *path, const char *group,
		  char *reason)
{
	struct stat st;
	int rc;

	*f = (struct include_file){.path = path, .dir = -1};
	f->name = strrchr(path, '/') + 1;
	if (strlen(f->name) > NAME_MAX - SUFFIX_LEN ||
	    strlen(path) >= PATH_MAX) {
		return refuse(f, SECD_EINVAL, "its name is too long", reason);
	}
	snprintf(f->kept, sizeof(f->kept), ".%s.kept", f->name);
	snprintf(f->next, sizeof(f->next), ".%s.next", f->name);
	rc = find_group(f, group, reason);
	if (rc == SECD_OK) {
		rc = open_dir(f, reason);
	}
	if (rc == SECD_OK) {
		rc = look(f, reason);
	}
	if (rc != SECD_OK) {
		include_file_close(f);
		return rc;
	}
	f->has_kept = fstatat(f->dir, f->kept, &st, AT_SYMLINK_NOFOLLOW) == 0;
	return SECD_OK;
}

void
include_file_close(struct include_file *f)
{
	if (f->dir >= 0) {
		close(f->dir);
		f->dir = -1;
	}
}

static mode_t
mode_of(const struct include_file *f)
{
	return f->has_group ? 0640 : 0600;
}

static bool
has_contents(int fd, const char *text, size_t len)
{
	char piece[512];
	bool is_same = true;

	while (is_same) {
		size_t want = len < sizeof(piece) ? len : sizeof(piece);
		/* One octet more than may be, at the end. */
		size_t got = want == 0 ? 1 : want;

		is_same = textfile_read(fd, piece, &got) == SECD_OK &&
			  got == want && memcmp(piece, text, want) == 0;
		if (want == 0) {
			break;
		}
		text += want;
		len -= want;
	}
	explicit_bzero(piece, sizeof(piece));
	return is_same;
}

bool
include_file_is(const struct include_file *f, const char *text, size_t len)
{
	int fd = f->is_there ? open_part(f, f->name) : -1;
	struct stat st;
	bool is_same;

	if (fd < 0) {
		return false;
	}
	is_same = fstat(fd, &st) == 0 && (st.st_mode & 07777) == mode_of(f) &&
		  (!f->has_group || st.st_gid == f->group) &&
		  has_contents(fd, text, len);
	close(fd);
	return is_same;
}

void
include_file_id(const struct include_file *f, char id[INCLUDE_FILE_ID_MAX])
{
	struct stat st;

	id[0] = '\0';
	if (fstatat(f->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		/* Not the time of its inode: a link changes that. */
		snprintf(id, INCLUDE_FILE_ID_MAX,
			 "%" PRIuMAX ".%" PRIuMAX ".%" PRIdMAX ".%ld.%" PRIdMAX,
			 (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
			 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			 (intmax_t)st.st_size);
	}
}

/*
 * Change
 */

static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, text, len);

		if (put < 0 && errno == EINTR) {
			continue;
		}
		if (put <= 0) {
			errno = put == 0 ? ENOSPC : errno;
			return -1;
		}
		text += put;
		len -= (size_t)put;
	}
	return 0;
}

static int
give_to_group(const struct include_file *f, int fd, char *reason)
{
	struct stat st;

	if (!f->has_group || fchown(fd, (uid_t)-1, f->group) == 0) {
		return SECD_OK;
	}
	/* A directory with the set-group-ID bit has done it already. */
	if (fstat(fd, &st) == 0 && st.st_gid == f->group) {
		return SECD_OK;
	}
	errno = EPERM;
	return fail(f, "cannot be given to its group", reason);
}

/* Under the name for the next one. */
static int
write_next(const struct include_file *f, const char *text, size_t len,
	   char *reason)
{
	int fd, rc;

	unlinkat(f->dir, f->next, 0); /* of a crash */
	fd = openat(f->dir, f->next,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return fail(f, "cannot be written", reason);
	}
	rc = give_to_group(f, fd, reason);
	if (rc == SECD_OK &&
	    (fchmod(fd, mode_of(f)) != 0 || write_all(fd, text, len) != 0 ||
	     fsync(fd) != 0)) {
		rc = fail(f, "cannot be written", reason);
	}
	close(fd);
	return rc;
}

static int
put_next(const struct include_file *f, const char *name, char *reason)
{
	if (renameat(f->dir, f->next, f->dir, name) != 0 ||
	    fsync(f->dir) != 0) {
		return fail(f, "cannot be written", reason);
	}
	return SECD_OK;
}

/* All of a file that is there. `text` is to be freed by secret_free(*text,
 * *len + 1). */
static int
read_whole(const struct include_file *f, char **text, size_t *len, char *reason)
{
	int fd = open_part(f, f->name), rc = SECD_OK;
	struct stat st;
	size_t got;

	if (fd < 0) {
		return fail(f, "cannot be read", reason);
	}
	if (fstat(fd, &st) != 0 || st.st_size > OCTETS_MAX) {
		close(fd);
		return refuse(f, SECD_EIO, "is too large", reason);
	}
	*len = (size_t)st.st_size;
	got = *len + 1;
	*text = secret_new(got);
	if (*text == NULL) {
		rc = refuse(f, SECD_ENOMEM, "needs memory", reason);
	} else if (textfile_read(fd, *text, &got) != SECD_OK) {
		rc = fail(f, "cannot be read", reason);
	} else if (got != *len) {
		rc = refuse(f, SECD_EIO, "changes while it is read", reason);
	}
	close(fd);
	if (rc != SECD_OK) {
		secret_free(*text, *len + 1);
		*text = NULL;
	}
	return rc;
}

/*
 * A copy, since a link to somebody else's file may be forbidden. Where there
 * is none, a file without a key takes its part: a plain `include` does not
 * like one that is missing.
 */
static int
keep(struct include_file *f, char *reason)
{
	const size_t head_len = sizeof(KEYTEXT_HEAD) - 1;
	char *text = NULL;
	size_t len = 0;
	int rc = SECD_OK;

	if (f->has_kept) {
		return SECD_OK;
	}
	if (f->is_there) {
		rc = read_whole(f, &text, &len, reason);
	}
	if (rc == SECD_OK) {
		rc = text != NULL
			 ? write_next(f, text, len, reason)
			 : write_next(f, KEYTEXT_HEAD, head_len, reason);
	}
	if (rc == SECD_OK) {
		rc = put_next(f, f->kept, reason);
	}
	if (text != NULL) {
		secret_free(text, len + 1);
	}
	return rc;
}

/* The new one may be in its place already, or not. */
static void
undo(struct include_file *f, bool had_kept)
{
	unlinkat(f->dir, f->next, 0);
	if (had_kept) {
		return; /* neither was ever proved good; that one stays kept */
	}
	if (!f->is_there) {
		unlinkat(f->dir, f->kept, 0);
		unlinkat(f->dir, f->name, 0);
	} else {
		renameat(f->dir, f->kept, f->dir, f->name);
	}
}

int
include_file_replace(struct include_file *f, const char *text, size_t len,
		     char *reason)
{
	int rc = keep(f, reason);

	if (rc == SECD_OK) {
		rc = write_next(f, text, len, reason);
	}
	if (rc == SECD_OK) {
		rc = put_next(f, f->name, reason);
	}
	if (rc != SECD_OK) {
		undo(f, f->has_kept);
		return rc;
	}
	f->has_kept = true;
	f->is_there = true;
	return SECD_OK;
}

int
include_file_accept(struct include_file *f, char *reason)
{
	if (!f->has_kept) {
		return SECD_OK;
	}
	if (unlinkat(f->dir, f->kept, 0) != 0 || fsync(f->dir) != 0) {
		return fail(f, "the one before cannot be removed", reason);
	}
	f->has_kept = false;
	return SECD_OK;
}

int
include_file_restore(struct include_file *f, char *reason)
{
	if (!f->has_kept) {
		return SECD_OK;
	}
	if (renameat(f->dir, f->kept, f->dir, f->name) != 0 ||
	    fsync(f->dir) != 0) {
		return fail(f, "cannot be put back", reason);
	}
	f->has_kept = false;
	f->is_there = true;
	return SECD_OK;
}
