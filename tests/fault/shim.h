/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shim -- stands between a program and the kernel, for the files of one
 * directory: writes down what is done to them (trace.h), and makes calls fail.
 *
 * It is a shared object. A program that links it drives it with the functions
 * below. Into any other program it comes by LD_PRELOAD, and its orders from
 * the environment:
 *
 *     SECD_FAULT_DIR    the directory; absolute
 *     SECD_FAULT_TRACE  write a trace to this file
 *     SECD_FAULT_WHILE  while this file exists, calls fail: each one that its
 *                       first word names, as "sync" or "write", or "all"; in
 *                       the way that the second one names: "eio", "enospc"
 *
 * Seen are open, mkostemp, write, writev, pwrite, pwritev, ftruncate,
 * fallocate, fsync, fdatasync, mmap, mkdir, rename, link and unlink, and their
 * variants. What is written into mapped memory is not seen: nothing here may
 * write in that way (LMDB's lock file does, which lasts no longer than its
 * processes).
 */

#ifndef TESTS_FAULT_SHIM_H
#define TESTS_FAULT_SHIM_H

#include <stdbool.h>

enum shim_way {
	SHIM_EIO,       /* nothing is done */
	SHIM_EIO_LATE,  /* it is done all the same, as far as one can see; only
			   the disk may not have it, and never will */
	SHIM_ENOSPC,    /* nothing is done */
	SHIM_CUT_SHORT, /* half of a write is; others: ENOSPC */
	SHIM_KILL,      /* half of a write, or all of another call but for what
			   waits for the disk, and the process is killed */
	SHIM_WAYS,
};

extern const char *const shim_way_names[SHIM_WAYS];

/* What is not written down although it is done: for controls. */
enum shim_omission {
	SHIM_OMITS_NOTHING = 0,
	SHIM_OMITS_SYNC = 1 << 0,    /* fsync, fdatasync */
	SHIM_OMITS_THROUGH = 1 << 1, /* O_DSYNC */
	SHIM_OMITS_NAMES = 1 << 2,   /* fsync of a directory */
};

/** Watch the files below a directory, by its absolute path; NULL: none. */
void shim_watch(const char *dir);

/**
 * Write down what is done, behind what the file has already; NULL: no more.
 * Returns 0, or -1 with errno.
 */
int shim_record(const char *file, unsigned omissions);

/** Write a mark into the trace. */
void shim_mark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * From now on calls are counted, and one fails.
 *
 * at      from 1
 * sticky  and so does each one behind it
 */
void shim_fail(enum shim_way way, unsigned at, bool sticky);
/** No call fails any more. */
void shim_heal(void);
/** Until it is ended, calls neither fail nor count. */
void shim_spare(bool is_on);

/** Calls since shim_fail that failed. */
unsigned shim_failed(void);

#endif
