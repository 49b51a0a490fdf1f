/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

int
textfile_open(const char *path, size_t octets_max, struct stat *st,
	      const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		*why = strerror(errno);
		return -1;
	}
	if (fstat(fd, st) != 0) {
		*why = strerror(errno);
	} else if (!S_ISREG(st->st_mode)) {
		*why = "not a regular file";
	} else if ((uintmax_t)st->st_size > octets_max) {
		*why = "too large";
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

int
textfile_read(int fd, char *text, size_t *len)
{
	size_t at = 0;

	while (at < *len) {
		ssize_t n = read(fd, text + at, *len - at);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return SECD_EIO;
		}
		if (n == 0) {
			break;
		}
		at += (size_t)n;
	}
	*len = at;
	return SECD_OK;
}
