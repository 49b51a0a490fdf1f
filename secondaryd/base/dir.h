/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dir -- names of files that last. What a file holds is on the disk once the
 * file is synced; that it is there at all, and under which name, once its
 * directory is.
 *
 * Each returns SECD_OK, or SECD_EIO: errno says why.
 */

#ifndef SECD_BASE_DIR_H
#define SECD_BASE_DIR_H

#include <sys/types.h>

/** Make the names in a directory last. */
int dir_sync(const char *path);

/** Make one name last, whatever it is of. */
int dir_sync_name(const char *path);

/** Make a directory, unless there is something of that name. It lasts. */
int dir_make(const char *path, mode_t mode);

/** Give a file another name, in the same directory. It lasts. */
int dir_rename(const char *from, const char *to);

#endif
