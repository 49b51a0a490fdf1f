/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions that stand in for libc's: what is in files.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_internal.h"

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
		long got =
		    syscall(SYS_pwrite64, fd, v->iov_base, n, at + (off_t)done);

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
	if (fate == SHIM_HALF || (fate == SHIM_DIES && !f->is_through)) {
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

		rc = shim_lets_through(fate) ? real_ftruncate(fd, len) : -1;
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

		rc = shim_lets_through(fate) ? real_fallocate(fd, mode, at, len)
					     : -1;
		if (rc == 0 && fstat(fd, &st) == 0) {
			shim_put(TRACE_SIZE, f->ino, (uint64_t)st.st_size, NULL,
				 0);
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
		long got =
		    syscall(SYS_mmap, addr, len, protection, flags, fd, at);

		memcpy(&p, &got, sizeof(p));
	}
	return p;
}

/*
 * The same where offsets have 64 bits in any case.
 */

ssize_t pwrite64(int fd, const void *octets, size_t len, off64_t at)
    __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *v, int count, off64_t at)
    __attribute__((alias("pwritev")));
int ftruncate64(int fd, off64_t len) __attribute__((alias("ftruncate")));
int fallocate64(int fd, int mode, off64_t at, off64_t len)
    __attribute__((alias("fallocate")));
void *mmap64(void *addr, size_t len, int protection, int flags, int fd,
	     off64_t at) __attribute__((alias("mmap")));
