/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions that stand in for libc's: names of files.
 */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_internal.h"

/*
 * Opening
 */

/* What was there, in the place of this name? */
static bool
is_there(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
put_open(int fd, int flags, const char *below, bool was_there)
{
	struct stat st;

	shim_note_open(fd, flags, below);
	if (fd < 0 || (flags & O_TMPFILE) == O_TMPFILE || fstat(fd, &st) != 0) {
		return;
	}
	if (!was_there) {
		shim_put_path(TRACE_CREATE, st.st_ino, below, NULL);
	} else if ((flags & O_TRUNC) != 0) {
		shim_put(TRACE_SIZE, st.st_ino, 0, NULL, 0);
	}
}

static int
open_watched(int dirfd, const char *path, int flags, mode_t mode,
	     const char *below)
{
	bool was_there = (flags & O_CREAT) == 0 || is_there(dirfd, path);
	enum shim_fate fate = shim_decide(SHIM_OTHER);
	int fd;

	if (fate != SHIM_PASSES && fate != SHIM_DIES) {
		return -1;
	}
	fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
	put_open(fd, flags, below, was_there);
	if (fate == SHIM_DIES) {
		shim_die();
	}
	return fd;
}

static int
open_any(int dirfd, const char *path, int flags, mode_t mode)
{
	char room[PATH_MAX];
	const char *below;
	int fd;

	shim_lock();
	below = shim_below(dirfd, path, room);
	if (below != NULL) {
		fd = open_watched(dirfd, path, flags, mode, below);
	} else {
		fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
		shim_note_open(fd, flags, NULL);
	}
	shim_unlock();
	return fd;
}

static bool
has_mode(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (has_mode(flags)) {
		mode = va_arg(args, mode_t);
	}
	va_end(args);
	return open_any(AT_FDCWD, path, flags, mode);
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (has_mode(flags)) {
		mode = va_arg(args, mode_t);
	}
	va_end(args);
	return open_any(dirfd, path, flags, mode);
}

/* What FORTIFY makes of them. */
int __open_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

int
__openat_2(int dirfd, const char *path, int flags)
{
	return open_any(dirfd, path, flags, 0);
}

int
mkostemp(char *template, int flags)
{
	char room[PATH_MAX];
	int fd = -1;
	SHIM_REAL(mkostemp)

	shim_lock();
	if (shim_below(AT_FDCWD, template, room) == NULL) {
		fd = real_mkostemp(template, flags);
		shim_note_open(fd, flags, NULL);
	} else {
		enum shim_fate fate = shim_decide(SHIM_OTHER);

		if (fate == SHIM_PASSES || fate == SHIM_DIES) {
			fd = real_mkostemp(template, flags);
			put_open(fd, flags,
				 shim_below(AT_FDCWD, template, room), false);
		}
		if (fate == SHIM_DIES) {
			shim_die();
		}
	}
	shim_unlock();
	return fd;
}

/*
 * Names
 */

int
mkdir(const char *path, mode_t mode)
{
	char room[PATH_MAX];
	const char *below;
	int rc;
	SHIM_REAL(mkdir)

	shim_lock();
	below = shim_below(AT_FDCWD, path, room);
	if (below == NULL) {
		rc = real_mkdir(path, mode);
	} else {
		enum shim_fate fate = shim_decide(SHIM_OTHER);

		rc = shim_lets_through(fate) ? real_mkdir(path, mode) : -1;
		if (rc == 0) {
			shim_put_path(TRACE_MKDIR, 0, below, NULL);
		}
		if (fate == SHIM_DIES) {
			shim_die();
		}
	}
	shim_unlock();
	return rc;
}

static int
name_any(const char *from, const char *to, enum trace_op op,
	 int (*real)(const char *from, const char *to))
{
	char room[PATH_MAX], other[PATH_MAX];
	const char *a, *b;
	int rc;

	shim_lock();
	a = shim_below(AT_FDCWD, from, room);
	b = shim_below(AT_FDCWD, to, other);
	if (a == NULL || b == NULL) {
		rc = real(from, to);
	} else {
		enum shim_fate fate = shim_decide(SHIM_OTHER);

		rc = shim_lets_through(fate) ? real(from, to) : -1;
		if (rc == 0) {
			shim_put_path(op, 0, a, b);
		}
		if (fate == SHIM_DIES) {
			shim_die();
		}
	}
	shim_unlock();
	return rc;
}

int
rename(const char *from, const char *to)
{
	SHIM_REAL(rename)

	return name_any(from, to, TRACE_RENAME, real_rename);
}

int
link(const char *from, const char *to)
{
	SHIM_REAL(link)

	return name_any(from, to, TRACE_LINK, real_link);
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	char room[PATH_MAX];
	const char *below;
	int rc;
	SHIM_REAL(unlinkat)

	shim_lock();
	below = shim_below(dirfd, path, room);
	if (below == NULL || (flags & AT_REMOVEDIR) != 0) {
		rc = real_unlinkat(dirfd, path, flags);
	} else {
		enum shim_fate fate = shim_decide(SHIM_OTHER);

		rc = shim_lets_through(fate) ? real_unlinkat(dirfd, path, flags)
					     : -1;
		if (rc == 0) {
			shim_put_path(TRACE_UNLINK, 0, below, NULL);
		}
		if (fate == SHIM_DIES) {
			shim_die();
		}
	}
	shim_unlock();
	return rc;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

/*
 * The same where offsets have 64 bits in any case.
 */

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int dirfd, const char *path, int flags, ...)
    __attribute__((alias("openat")));
int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));
int __openat64_2(int dirfd, const char *path, int flags)
    __attribute__((alias("__openat_2")));
int mkostemp64(char *template, int flags) __attribute__((alias("mkostemp")));
