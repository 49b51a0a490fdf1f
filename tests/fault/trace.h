/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace -- what a program did to the files of one directory, in order: the
 * form of the file that the shim writes and replay reads.
 *
 * Each record is a head and `len` octets behind it. Files are told apart by
 * their inode number; one that is created is another file from then on. Paths
 * are relative to the directory.
 */

#ifndef TESTS_FAULT_TRACE_H
#define TESTS_FAULT_TRACE_H

#include <stdint.h>

enum trace_op {
	TRACE_MARK = 1, /* octets: the program's own words, or "failed": a call
			   that was made to fail is next */

	TRACE_WRITE,         /* ino, at, octets: in the kernel's cache */
	TRACE_WRITE_THROUGH, /* the same with O_DSYNC: on the disk as well */
	TRACE_WRITE_FAILED,  /* O_DSYNC, and an error: on the disk or not */
	TRACE_SIZE,          /* ino; at: the new length */
	TRACE_SYNC,          /* ino: what was written is on the disk */
	TRACE_SYNC_FAILED,   /* ino: it is or it is not, and stays so */

	TRACE_CREATE,     /* ino; octets: the path */
	TRACE_MKDIR,      /* octets: the path */
	TRACE_LINK,       /* octets: a path, NUL, the new one */
	TRACE_RENAME,     /* the same */
	TRACE_UNLINK,     /* octets: the path */
	TRACE_SYNC_NAMES, /* octets: the directory, "" for the top */
};

struct trace_head {
	uint32_t op;
	uint32_t len;
	uint64_t ino;
	uint64_t at;
};

#endif
