/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions that stand in for libc's.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
 * Writing
 */

static size_t
length(const struct iovec *v, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++) {
		len += v[i].iov_len;
	}
	return len;
}

/* The first `len` octets, at `at`. */
static ssize_t
write_some(int fd, const struct iovec *v, off_t at, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t n = v->iov_len < len - done ? v->iov_len : len - done;
		long got = syscall(SYS_pwrite64, fd, v->iov_base, n,
				   at + (off_t)done);

		if (got < 0) {
			return done > 0 ? (ssize_t)done : -1;
		}
		done += (size_t)got;
		if ((size_t)got < n) {
			break;
		}
		v++;
	}
	return (ssize_t)done;
}

static ssize_t
write_watched(const struct shim_file *f, int fd, const struct iovec *v,
	      int count, off_t at)
{
	enum shim_fate fate = shim_decide(SHIM_WRITE);
	enum trace_op op = f->is_through && !shim_omits(SHIM_OMITS_THROUGH)
			       ? TRACE_WRITE_THROUGH
			       : TRACE_WRITE;
	size_t len = length(v, count);
	ssize_t n;

	if (fate == SHIM_FAILS || (fate == SHIM_HALF && len < 2)) {
		return -1;
	}
	if (fate == SHIM_HALF || fate == SHIM_DIES) {
		len = len / 2;
	}
	if (fate == SHIM_DIES) {
		op = TRACE_WRITE;
	} else if (fate == SHIM_FAILS_LATE && f->is_through) {
		op = TRACE_WRITE_FAILED;
	}
	n = write_some(fd, v, at, len);
	if (n > 0) {
		shim_put(op, f->ino, (uint64_t)at, v, (size_t)n);
	}
	if (fate == SHIM_DIES) {
		shim_die();
	}
	if (fate == SHIM_FAILS_LATE) {
		errno = EIO;
		return -1;
	}
	return n;
}

/* at  -1: where the descriptor stands */
static ssize_t
write_any(int fd, const struct iovec *v, int count, off_t at, bool *is_watched)
{
	const struct shim_file *f;
	ssize_t n = -1;

	shim_lock();
	f = shim_find(fd);
	*is_watched = f != NULL;
	if (f != NULL) {
		bool moves = at == -1;

		if (moves) {
			at = lseek(fd, 0, SEEK_CUR);
		}
		n = write_watched(f, fd, v, count, at);
		if (moves && n > 0) {
			int error = errno;

			lseek(fd, at + n, SEEK_SET);
			errno = error;
		}
	}
	shim_unlock();
	return n;
}

ssize_t
write(int fd, const void *octets, size_t len)
{
	const struct iovec v = {(void *)(uintptr_t)octets, len};
	bool is_watched;
	ssize_t n = write_any(fd, &v, 1, -1, &is_watched);
	SHIM_REAL(write)

	return is_watched ? n : real_write(fd, octets, len);
}

ssize_t
pwrite(int fd, const void *octets, size_t len, off_t at)
{
	const struct iovec v = {(void *)(uintptr_t)octets, len};
	bool is_watched;
	ssize_t n = write_any(fd, &v, 1, at, &is_watched);
	SHIM_REAL(pwrite)

	return is_watched ? n : real_pwrite(fd, octets, len, at);
}

ssize_t
writev(int fd, const struct iovec *v, int count)
{
	bool is_watched;
	ssize_t n = write_any(fd, v, count, -1, &is_watched);
	SHIM_REAL(writev)

	return is_watched ? n : real_writev(fd, v, count);
}

ssize_t
pwritev(int fd, const struct iovec *v, int count, off_t at)
{
	bool is_watched;
	ssize_t n = write_any(fd, v, count, at, &is_watched);
	SHIM_REAL(pwritev)

	return is_watched ? n : real_pwritev(fd, v, count, at);
}

/*
 * Lengths, syncs, maps
 */

/* After a call that nothing is to be said of but its fate. */
static bool
is_let_through(enum shim_fate fate)
{
	return fate == SHIM_PASSES || fate == SHIM_DIES;
}

int
ftruncate(int fd, off_t len)
{
	const struct shim_file *f;
	int rc;
	SHIM_REAL(ftruncate)

	shim_lock();
	f = shim_find(fd);
	if (f == NULL) {
		rc = real_ftruncate(fd, len);
	} else {
		enum shim_fate fate = shim_decide(SHIM_OTHER);

		rc = is_let_through(fate) ? real_ftruncate(fd, len) : -1;
		if (rc == 0) {
			shim_put(TRACE_SIZE, f->ino, (uint64_t)len, NULL, 0);
		}
		if (fate == SHIM_DIES) {
			shim_die();
		}
	}
	shim_unlock();
	return rc;
}

int
fallocate(int fd, int mode, off_t at, off_t len)
{
	const struct shim_file *f;
	struct stat st;
	int rc;
	SHIM_REAL(fallocate)

	shim_lock();
	f = shim_find(fd);
	if (f == NULL) {
		rc = real_fallocate(fd, mode, at, len);
	} else {
		enum shim_fate fate = shim_decide(SHIM_OTHER);

		rc = is_let_through(fate) ? real_fallocate(fd, mode, at, len)
					  : -1;
		if (rc == 0 && fstat(fd, &st) == 0) {
			shim_put(TRACE_SIZE, f->ino, (uint64_t)st.st_size,
				 NULL, 0);
		}
		if (fate == SHIM_DIES) {
			shim_die();
		}
	}
	shim_unlock();
	return rc;
}

static int
sync_any(int fd, int (*real)(int fd))
{
	const struct shim_file *f;
	int rc;

	shim_lock();
	f = shim_find(fd);
	if (f == NULL) {
		rc = real(fd);
	} else {
		enum shim_fate fate = shim_decide(SHIM_SYNC);

		if (fate == SHIM_DIES) {
			shim_die();
		}
		rc = fate == SHIM_PASSES ? real(fd) : -1;
		if (f->is_dir && rc == 0 && !shim_omits(SHIM_OMITS_NAMES)) {
			shim_put_path(TRACE_SYNC_NAMES, 0, f->path, NULL);
		} else if (!f->is_dir && !shim_omits(SHIM_OMITS_SYNC)) {
			shim_put(rc == 0 ? TRACE_SYNC : TRACE_SYNC_FAILED,
				 f->ino, 0, NULL, 0);
		}
	}
	shim_unlock();
	return rc;
}

int
fsync(int fd)
{
	SHIM_REAL(fsync)

	return sync_any(fd, real_fsync);
}

int
fdatasync(int fd)
{
	SHIM_REAL(fdatasync)

	return sync_any(fd, real_fdatasync);
}

void *
mmap(void *addr, size_t len, int protection, int flags, int fd, off_t at)
{
	enum shim_fate fate = SHIM_PASSES;
	void *p = MAP_FAILED;

	if (fd >= 0) {
		shim_lock();
		if (shim_find(fd) != NULL) {
			fate = shim_decide(SHIM_OTHER);
		}
		shim_unlock();
	}
	if (fate == SHIM_DIES) {
		shim_die();
	}
	if (fate == SHIM_PASSES) {
		long got = syscall(SYS_mmap, addr, len, protection, flags, fd,
				   at);

		memcpy(&p, &got, sizeof(p));
	}
	return p;
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

		rc = is_let_through(fate) ? real_mkdir(path, mode) : -1;
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

		rc = is_let_through(fate) ? real(from, to) : -1;
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

		rc = is_let_through(fate) ? real_unlinkat(dirfd, path, flags)
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
int __open64_2(const char *path, int flags)
    __attribute__((alias("__open_2")));
int __openat64_2(int dirfd, const char *path, int flags)
    __attribute__((alias("__openat_2")));
int mkostemp64(char *template, int flags) __attribute__((alias("mkostemp")));
ssize_t pwrite64(int fd, const void *octets, size_t len, off64_t at)
    __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *v, int count, off64_t at)
    __attribute__((alias("pwritev")));
int ftruncate64(int fd, off64_t len) __attribute__((alias("ftruncate")));
int fallocate64(int fd, int mode, off64_t at, off64_t len)
    __attribute__((alias("fallocate")));
void *mmap64(void *addr, size_t len, int protection, int flags, int fd,
	     off64_t at) __attribute__((alias("mmap")));
