/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shim_internal -- what the calls of the shim share: which files are watched,
 * what becomes of a call, and the trace.
 */

#ifndef TESTS_FAULT_SHIM_INTERNAL_H
#define TESTS_FAULT_SHIM_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shim.h"
#include "trace.h"

enum shim_kind { SHIM_WRITE, SHIM_SYNC, SHIM_OTHER };

enum shim_fate {
	SHIM_PASSES,
	SHIM_FAILS,      /* errno is set */
	SHIM_FAILS_LATE, /* do it, then fail */
	SHIM_HALF,       /* half of a write; others fail: errno is set */
	SHIM_DIES,
};

/* An open file that is watched. */
struct shim_file {
	bool is_watched, is_dir;
	bool is_through; /* O_DSYNC */
	uint64_t dev, ino;
	char *path; /* of a directory */
};

/** One call at a time, from its fate to its record. */
void shim_lock(void);
void shim_unlock(void);

/** What becomes of a call on something that is watched? */
enum shim_fate shim_decide(enum shim_kind kind);
/** Is it done, of a call that can only be done or not? */
static inline bool
shim_lets_through(enum shim_fate fate)
{
	return fate == SHIM_PASSES || fate == SHIM_DIES;
}
_Noreturn void shim_die(void);

/** The path below the directory that is watched, "" for itself; NULL: it is
 * not in there. `room` is what is returned, if it has to be made. */
const char *shim_below(int dirfd, const char *path, char room[PATH_MAX]);

/** A descriptor was opened; `below` NULL: nothing to be watched. */
void shim_note_open(int fd, int flags, const char *below);
/** What a descriptor is, or NULL: not watched. */
const struct shim_file *shim_find(int fd);

/** Write a record, with up to `len` octets of `v`. */
void shim_put(enum trace_op op, uint64_t ino, uint64_t at,
	      const struct iovec *v, size_t len);
/** Write a record about one path or two. */
void shim_put_path(enum trace_op op, uint64_t ino, const char *path,
		   const char *other);
bool shim_omits(unsigned omission);

/** libc's own. `out` is a pointer to a pointer to a function. */
void shim_real(void *out, const char *name);

#define SHIM_REAL(name)                                                        \
	static __typeof__(name) *real_##name;                                  \
	if (real_##name == NULL) {                                             \
		shim_real(&real_##name, #name);                                \
	}

#endif
