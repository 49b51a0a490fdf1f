/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_internal -- what the model of a disk is made of.
 */

#ifndef TESTS_FAULT_DISK_INTERNAL_H
#define TESTS_FAULT_DISK_INTERNAL_H

#include <stddef.h>

#include "disk.h"

#define DISK_PAGE 4096u

/* A part of a page that was written, and is on the disk or not. */
struct piece {
	uint64_t page;
	unsigned at, len; /* in the page */
	const uint8_t *octets;
	bool is_lost; /* a sync failed: the next one does not write it */
};

struct content {
	uint8_t *octets;
	size_t len, cap;
};

struct disk_file {
	struct disk_file *next;
	uint64_t ino;
	struct content cached;  /* what the program sees */
	struct content lasting; /* what is on the disk for sure */
	struct piece *pieces;   /* since; in order */
	size_t count, cap;
	bool has_new_len;
};

struct name {
	char *path;
	struct disk_file *file; /* NULL: a directory */
};

struct names {
	struct name *list;
	size_t count, cap;
};

/* A change to names that may have reached the disk. */
struct naming {
	enum trace_op op;
	char *path, *other;
	struct disk_file *file;
};

struct disk {
	struct disk_file *files; /* the newest of an inode number is first */
	struct names cached, lasting;
	struct naming *namings;
	size_t naming_count, naming_cap;
};

/** Write, and make longer if need be. */
void disk_put(struct content *c, size_t at, const uint8_t *octets, size_t len);
void disk_set_len(struct content *c, size_t len);

void disk_set_name(struct names *n, const char *path, struct disk_file *file);
void disk_do_naming(struct names *n, const struct naming *g);
void disk_free_names(struct names *n);

#endif
