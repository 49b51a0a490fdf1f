/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* Written at once when the octets go to a file. */
#define WRITE_LEN ((size_t)256 * 1024)
#define COPY_LEN  ((size_t)64 * 1024)

/* What a failed system call means to the caller. */
static int
io_error(void)
{
	switch (errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return SECD_ENOSPC;
	case ENOMEM:
		return SECD_ENOMEM;
	default:
		return SECD_EIO;
	}
}

int
stream_pwrite(int fd, const void *octets, size_t len, uint64_t at)
{
	const uint8_t *p = octets;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n == 0 ? SECD_EIO : io_error();
		}
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return SECD_OK;
}

int
stream_pread(int fd, void *octets, size_t len, uint64_t at)
{
	uint8_t *p = octets;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return SECD_EIO;
		}
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return SECD_OK;
}

int
stream_temporary(const char *dir, int *fd, char **path)
{
	char *name;
	int got;

	if (path == NULL) {
		got = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (got >= 0) {
			*fd = got;
			return SECD_OK;
		}
		/* Not every file system can: a name for a moment, then. */
	}
	if (asprintf(&name, "%s/tmp-XXXXXX", dir) < 0) {
		return SECD_ENOMEM;
	}
	got = mkostemp(name, O_CLOEXEC);
	if (got < 0) {
		int rc = io_error();

		free(name);
		return rc;
	}
	if (path == NULL) {
		unlink(name);
		free(name);
	} else {
		*path = name;
	}
	*fd = got;
	return SECD_OK;
}

void
stream_init(struct stream *s, const char *dir, size_t memory_max, bool named)
{
	*s = (struct stream){
	    .dir = dir,
	    .memory_max = memory_max,
	    .named = named,
	    .fd = -1,
	};
}

void
stream_fini(struct stream *s)
{
	if (s->fd >= 0) {
		close(s->fd);
	}
	if (s->path != NULL) {
		unlink(s->path);
		free(s->path);
	}
	buf_fini(&s->mem);
	stream_init(s, s->dir, s->memory_max, s->named);
}

int
stream_flush(struct stream *s)
{
	int rc;

	if (s->fd < 0) {
		return SECD_OK;
	}
	rc = stream_pwrite(s->fd, s->mem.data, s->mem.len, s->written);
	if (rc != SECD_OK) {
		return rc;
	}
	s->written += s->mem.len;
	buf_clear(&s->mem);
	return SECD_OK;
}

static int
spill(struct stream *s)
{
	int rc;

	rc = stream_temporary(s->dir, &s->fd, s->named ? &s->path : NULL);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = stream_flush(s);
	buf_fini(&s->mem); /* it may have grown larger than a buffer is */
	return rc;
}

int
stream_put(struct stream *s, const void *octets, size_t len)
{
	int rc = SECD_OK;

	if (s->fd < 0) {
		if (s->mem.len + len <= s->memory_max) {
			return buf_put(&s->mem, octets, len);
		}
		rc = spill(s);
	} else if (s->mem.len + len > WRITE_LEN) {
		rc = stream_flush(s);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (len <= WRITE_LEN) {
		return buf_put(&s->mem, octets, len);
	}
	rc = stream_pwrite(s->fd, octets, len, s->written);
	if (rc == SECD_OK) {
		s->written += len;
	}
	return rc;
}

int
stream_align(struct stream *s, size_t alignment)
{
	static const uint8_t zeros[8];
	size_t over = (size_t)(stream_len(s) % alignment);

	return over == 0 ? SECD_OK : stream_put(s, zeros, alignment - over);
}

int
stream_patch(struct stream *s, uint64_t at, const void *octets, size_t len)
{
	if (at < s->written && at + len > s->written) {
		int rc = stream_flush(s);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	if (at < s->written) {
		return stream_pwrite(s->fd, octets, len, at);
	}
	memcpy(s->mem.data + (at - s->written), octets, len);
	return SECD_OK;
}

int
stream_get(struct stream *s, uint64_t at, size_t len, struct buf *scratch,
	   const uint8_t **out)
{
	int rc;

	if (at < s->written && at + len > s->written) {
		rc = stream_flush(s);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	if (at >= s->written) {
		*out = s->mem.data + (at - s->written);
		return SECD_OK;
	}
	buf_clear(scratch);
	rc = buf_reserve(scratch, len);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = stream_pread(s->fd, scratch->data, len, at);
	if (rc == SECD_OK) {
		scratch->len = len;
		*out = scratch->data;
	}
	return rc;
}

int
stream_append(struct stream *s, struct stream *from)
{
	uint64_t len = stream_len(from);
	struct buf scratch = {0};
	int rc = SECD_OK;

	for (uint64_t at = 0; at < len && rc == SECD_OK; at += COPY_LEN) {
		size_t n = len - at < COPY_LEN ? (size_t)(len - at) : COPY_LEN;
		const uint8_t *octets;

		rc = stream_get(from, at, n, &scratch, &octets);
		if (rc == SECD_OK) {
			rc = stream_put(s, octets, n);
		}
	}
	buf_fini(&scratch);
	return rc;
}
