/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream -- octets that are appended, in memory while they are few and in a
 * temporary file from then on: how the build keeps its memory bounded.
 *
 * A temporary file is unlinked at once, unless it is to become an image.
 */

#ifndef SECD_ZONE_STREAM_H
#define SECD_ZONE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct stream {
	const char *dir;   /* borrowed; where the file goes */
	size_t memory_max; /* octets that stay in memory */
	bool named;        /* the file keeps a name: `path` */
	int fd;            /* -1 while all is in memory */
	char *path;        /* owned; NULL: no file, or one without a name */
	uint64_t written;  /* octets in the file, the first ones */
	struct buf mem;    /* the octets that follow those */
};

void stream_init(struct stream *s, const char *dir, size_t memory_max,
		 bool named);

/** Close and free; a named file is unlinked too. */
void stream_fini(struct stream *s);

/** Octets put so far. */
static inline uint64_t
stream_len(const struct stream *s)
{
	return s->written + s->mem.len;
}

/** Append. Returns SECD_OK, SECD_ENOMEM, SECD_EIO, SECD_ENOSPC. */
int stream_put(struct stream *s, const void *octets, size_t len);

/** Append zeros up to the next multiple of `alignment` (at most 8). */
int stream_align(struct stream *s, size_t alignment);

/** Overwrite octets that were put. Returns as stream_put. */
int stream_patch(struct stream *s, uint64_t at, const void *octets, size_t len);

/**
 * Read octets that were put.
 *
 * scratch  used when they are not in memory in one piece
 * out      receives a pointer, good until the stream or scratch changes
 * Returns  SECD_OK, SECD_ENOMEM, SECD_EIO, SECD_ENOSPC
 */
int stream_get(struct stream *s, uint64_t at, size_t len, struct buf *scratch,
	       const uint8_t **out);

/** Append all of `from`. Returns as stream_put. */
int stream_append(struct stream *s, struct stream *from);

/** Write what is in memory to the file, if there is one. */
int stream_flush(struct stream *s);

/**
 * Open a new temporary file in a directory.
 *
 * path     NULL: the file has no name; else receives one, which the caller
 *          frees after it has renamed or unlinked the file
 * Returns  SECD_OK, SECD_EIO, SECD_ENOSPC, SECD_ENOMEM
 */
int stream_temporary(const char *dir, int *fd, char **path);

/** Write or read all octets at a position. */
int stream_pwrite(int fd, const void *octets, size_t len, uint64_t at);
int stream_pread(int fd, void *octets, size_t len, uint64_t at);

#endif
