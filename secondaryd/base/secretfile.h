/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secretfile -- opens a file with a secret in it, if nobody but its owner may
 * touch it.
 */

#ifndef SECD_BASE_SECRETFILE_H
#define SECD_BASE_SECRETFILE_H

#include <stddef.h>
#include <sys/types.h>

#define SECRETFILE_REASON_MAX 640 /* characters, the NUL included */

/**
 * Open a file for reading.
 *
 * path     symbolic links are refused in its last part only
 * uid      who must own it
 * fd       receives the descriptor
 * reason   room for SECRETFILE_REASON_MAX; receives, on failure, what is wrong
 *          with "the file", as "is ..." or "cannot be ...", and the command
 *          that mends owner or mode
 * Returns  SECD_OK, SECD_ENOTFOUND, SECD_EPERM (kind of file, owner, mode),
 *          SECD_EIO
 */
int secretfile_open(const char *path, uid_t uid, int *fd, char *reason);

/**
 * Read up to `cap` octets: one more than may be shows that there are too many.
 *
 * Returns  SECD_OK, SECD_EIO (reason)
 */
int secretfile_read(int fd, void *octets, size_t cap, size_t *len,
		    char *reason);

#endif
