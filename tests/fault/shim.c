/* SPDX-License-Identifier: BSD-2-Clause */

#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_internal.h"

#define FDS_MAX 4096

const char *const shim_way_names[SHIM_WAYS] = {
    [SHIM_EIO] = "EIO",       [SHIM_EIO_LATE] = "EIO, late",
    [SHIM_ENOSPC] = "ENOSPC", [SHIM_CUT_SHORT] = "cut short",
    [SHIM_KILL] = "kill -9",
};

static struct {
	pthread_mutex_t lock;
	char dir[PATH_MAX]; /* "": nothing is watched */
	int trace;          /* -1: none */
	unsigned omissions;

	enum shim_way way;
	unsigned at, calls, failed;
	bool is_sticky, is_sparing;
	const char *while_file; /* NULL: none */

	struct shim_file files[FDS_MAX];
} shim = {.lock = PTHREAD_MUTEX_INITIALIZER, .trace = -1};

void
shim_real(void *out, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL) {
		abort();
	}
	memcpy(out, &p, sizeof(p));
}

void
shim_lock(void)
{
	pthread_mutex_lock(&shim.lock);
}

void
shim_unlock(void)
{
	pthread_mutex_unlock(&shim.lock);
}

/*
 * The trace. Written by system calls, which are nobody's.
 */

static void
put_octets(const void *octets, size_t len)
{
	const uint8_t *p = octets;

	while (len > 0) {
		long n = syscall(SYS_write, shim.trace, p, len);

		if (n <= 0) {
			abort(); /* a trace with a hole proves nothing */
		}
		p += n;
		len -= (size_t)n;
	}
}

void
shim_put(enum trace_op op, uint64_t ino, uint64_t at, const struct iovec *v,
	 size_t len)
{
	struct trace_head head = {
	    .op = (uint32_t)op, .len = (uint32_t)len, .ino = ino, .at = at};

	if (shim.trace < 0) {
		return;
	}
	put_octets(&head, sizeof(head));
	for (; len > 0; v++) {
		size_t n = v->iov_len < len ? v->iov_len : len;

		put_octets(v->iov_base, n);
		len -= n;
	}
}

void
shim_put_path(enum trace_op op, uint64_t ino, const char *path,
	      const char *other)
{
	char both[2 * PATH_MAX];
	size_t len = strlen(path);
	struct iovec v = {.iov_base = both};

	memcpy(both, path, len);
	if (other != NULL) {
		both[len++] = '\0';
		memcpy(both + len, other, strlen(other));
		len += strlen(other);
	}
	v.iov_len = len;
	shim_put(op, ino, 0, &v, len);
}

static void
put_mark(const char *text)
{
	const struct iovec v = {(void *)(uintptr_t)text, strlen(text)};

	shim_put(TRACE_MARK, 0, 0, &v, v.iov_len);
}

void
shim_mark(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	shim_lock();
	put_mark(text);
	shim_unlock();
}

int
shim_record(const char *file, unsigned omissions)
{
	int rc = 0;

	shim_lock();
	if (shim.trace >= 0) {
		syscall(SYS_close, shim.trace);
		shim.trace = -1;
	}
	if (file != NULL) {
		shim.trace = (int)syscall(
		    SYS_openat, AT_FDCWD, file,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		rc = shim.trace < 0 ? -1 : 0;
	}
	shim.omissions = omissions;
	shim_unlock();
	return rc;
}

bool
shim_omits(unsigned omission)
{
	return (shim.omissions & omission) != 0;
}

/*
 * What fails
 */

void
shim_fail(enum shim_way way, unsigned at, bool sticky)
{
	shim_lock();
	shim.way = way;
	shim.at = at;
	shim.is_sticky = sticky;
	shim.calls = shim.failed = 0;
	shim_unlock();
}

void
shim_heal(void)
{
	shim_lock();
	shim.at = 0;
	shim_unlock();
}

unsigned
shim_failed(void)
{
	return shim.failed;
}

void
shim_spare(bool is_on)
{
	shim_lock();
	shim.is_sparing = is_on;
	shim_unlock();
}

_Noreturn void
shim_die(void)
{
	kill(getpid(), SIGKILL);
	for (;;) {
		pause();
	}
}

/* Does the file say that such a call fails now, and how? */
static bool
is_told(enum shim_kind kind)
{
	static const char *const words[] = {"write ", "sync "};
	char text[32] = "";
	long fd, n;

	if (shim.while_file == NULL) {
		return false;
	}
	fd = syscall(SYS_openat, AT_FDCWD, shim.while_file,
		     O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	n = syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	shim.way = strstr(text, "enospc") != NULL ? SHIM_ENOSPC : SHIM_EIO;
	return n > 0 &&
	       (strncmp(text, "all ", 4) == 0 ||
		(kind != SHIM_OTHER &&
		 strncmp(text, words[kind], strlen(words[kind])) == 0));
}

static bool
is_due(enum shim_kind kind)
{
	if (shim.is_sparing) {
		return false;
	}
	shim.calls++;
	return is_told(kind) ||
	       (shim.at != 0 && (shim.calls == shim.at ||
				 (shim.is_sticky && shim.calls > shim.at)));
}

enum shim_fate
shim_decide(enum shim_kind kind)
{
	if (!is_due(kind)) {
		return SHIM_PASSES;
	}
	shim.failed++;
	put_mark("failed");
	switch (shim.way) {
	case SHIM_EIO_LATE:
		errno = EIO;
		return SHIM_FAILS_LATE;
	case SHIM_ENOSPC:
		errno = ENOSPC;
		return SHIM_FAILS;
	case SHIM_CUT_SHORT:
		errno = ENOSPC;
		return SHIM_HALF;
	case SHIM_KILL:
		return SHIM_DIES;
	case SHIM_EIO:
	case SHIM_WAYS:
	default:
		errno = EIO;
		return SHIM_FAILS;
	}
}

/*
 * What is watched
 */

void
shim_watch(const char *dir)
{
	shim_lock();
	snprintf(shim.dir, sizeof(shim.dir), "%s", dir == NULL ? "" : dir);
	shim_unlock();
}

const char *
shim_below(int dirfd, const char *path, char room[PATH_MAX])
{
	size_t len = strlen(shim.dir);

	if (len == 0) {
		return NULL;
	}
	if (path[0] != '/') {
		const struct shim_file *f =
		    dirfd == AT_FDCWD ? NULL : shim_find(dirfd);

		if (f == NULL || !f->is_dir) {
			return NULL;
		}
		if (strcmp(path, ".") == 0) {
			return f->path;
		}
		snprintf(room, PATH_MAX, "%s%s%s", f->path,
			 f->path[0] == '\0' ? "" : "/", path);
		return room;
	}
	if (strncmp(path, shim.dir, len) != 0 ||
	    (path[len] != '/' && path[len] != '\0')) {
		return NULL;
	}
	return path[len] == '/' ? path + len + 1 : path + len;
}

void
shim_note_open(int fd, int flags, const char *below)
{
	struct shim_file *f;
	struct stat st;

	if (fd < 0 || fd >= FDS_MAX) {
		return;
	}
	f = &shim.files[fd];
	free(f->path);
	*f = (struct shim_file){.is_watched = false};
	if (below == NULL || fstat(fd, &st) != 0) {
		return;
	}
	*f = (struct shim_file){
	    .is_watched = true,
	    .is_dir = S_ISDIR(st.st_mode),
	    .is_through = (flags & O_DSYNC) != 0,
	    .dev = st.st_dev,
	    .ino = st.st_ino,
	    .path = S_ISDIR(st.st_mode) ? strdup(below) : NULL,
	};
}

/* Descriptors are closed, and given again, where nobody looks. */
const struct shim_file *
shim_find(int fd)
{
	struct stat st;

	if (shim.dir[0] == '\0' || fd < 0 || fd >= FDS_MAX ||
	    !shim.files[fd].is_watched || fstat(fd, &st) != 0 ||
	    st.st_dev != shim.files[fd].dev ||
	    st.st_ino != shim.files[fd].ino) {
		return NULL;
	}
	return &shim.files[fd];
}

__attribute__((constructor)) static void
take_orders(void)
{
	const char *trace = getenv("SECD_FAULT_TRACE");

	shim_watch(getenv("SECD_FAULT_DIR"));
	shim.while_file = getenv("SECD_FAULT_WHILE");
	if (trace != NULL && shim_record(trace, SHIM_OMITS_NOTHING) != 0) {
		abort();
	}
}
