/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * include_file -- a file of ours that another server's configuration includes.
 *
 * It is replaced as a whole and durably, and the one before is kept until the
 * new one has proved good: a crash at any point leaves a whole file under its
 * name, and the next placement knows that it was not finished. The files beside
 * it begin with a dot, so that no pattern includes them. What does not begin
 * with our first line is somebody else's, and left alone.
 */

#ifndef SECD_PLACE_INCLUDE_FILE_H
#define SECD_PLACE_INCLUDE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define INCLUDE_FILE_REASON_MAX 300
#define INCLUDE_FILE_ID_MAX     96

struct include_file {
	const char *path;
	int dir;
	const char *name;
	char kept[NAME_MAX + 1], next[NAME_MAX + 1];
	gid_t group;
	bool has_group;
	bool is_there;
	bool has_kept; /* what is there was never proved good */
};

/**
 * Look at what is there.
 *
 * path     absolute; borrowed until include_file_close
 * group    may read it (mode 0640); "": nobody but its owner (0600)
 * reason   room for INCLUDE_FILE_REASON_MAX; receives one sentence on failure;
 *          of the functions below, too
 * Returns  SECD_OK, SECD_EINVAL (no such group, name too long), SECD_EPERM (not
 *          ours), SECD_EIO
 */
int include_file_open(struct include_file *f, const char *path,
		      const char *group, char *reason);
void include_file_close(struct include_file *f);

/** Are these the contents, with the mode and group that are wanted? */
bool include_file_is(const struct include_file *f, const char *text,
		     size_t len);

/**
 * Put other contents there, and keep the file before.
 *
 * Returns  SECD_OK, SECD_EPERM (directory, group), SECD_ENOSPC, SECD_EIO: the
 *          file is as it was
 */
int include_file_replace(struct include_file *f, const char *text, size_t len,
			 char *reason);

/** What is there is good: the one before is not kept any longer. */
int include_file_accept(struct include_file *f, char *reason);

/** Put the one before back, if one is kept. */
int include_file_restore(struct include_file *f, char *reason);

/**
 * Which file this is: another one after any change of its contents.
 *
 * id       receives it; "" when there is none
 */
void include_file_id(const struct include_file *f,
		     char id[INCLUDE_FILE_ID_MAX]);

#endif
