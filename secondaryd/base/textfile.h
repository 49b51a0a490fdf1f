/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textfile -- reads a configuration file as a whole.
 */

#ifndef SECD_BASE_TEXTFILE_H
#define SECD_BASE_TEXTFILE_H

#include <stddef.h>
#include <sys/stat.h>

/**
 * Open a regular file only: a FIFO would wait, a device never end.
 *
 * octets_max  a larger file is refused
 * st       receives what the file is
 * why      receives, on failure, a phrase
 * Returns  a descriptor, or -1
 */
int textfile_open(const char *path, size_t octets_max, struct stat *st,
		  const char **why);

/**
 * Read it. The file may shrink meanwhile: then *len does.
 *
 * text     room for *len octets
 * Returns  SECD_OK, SECD_EIO (errno says why)
 */
int textfile_read(int fd, char *text, size_t *len);

#endif
