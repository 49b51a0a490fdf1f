/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

int
dir_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc, error;

	if (fd < 0) {
		return SECD_EIO;
	}
	rc = fsync(fd);
	error = errno;
	close(fd);
	errno = error;
	/* EINVAL: this file system knows no such thing. */
	return rc == 0 || errno == EINVAL ? SECD_OK : SECD_EIO;
}

int
dir_sync_name(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return SECD_EIO;
	}
	return dir_sync(dirname(copy));
}

int
dir_make(const char *path, mode_t mode)
{
	/* One that is there may have been made a moment before a crash. */
	return mkdir(path, mode) == 0 || errno == EEXIST ? dir_sync_name(path)
							 : SECD_EIO;
}

int
dir_rename(const char *from, const char *to)
{
	return rename(from, to) == 0 ? dir_sync_name(to) : SECD_EIO;
}
