/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay -- what a power cut may leave of a directory, by the trace of what was
 * done to it (trace.h).
 *
 * A state is made for a moment of the trace: what was synced is there; of what
 * was written since, some sectors are there and others are not, and file names
 * are as they were at some moment since their directory was synced. After a
 * sync that failed, what it should have written may be missing for good,
 * although the kernel showed it to the program: only writing it again, and
 * another sync, bring it to the disk. The kernel writes whole pages.
 */

#ifndef TESTS_FAULT_REPLAY_H
#define TESTS_FAULT_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct replay; /* a trace, read */

/** Read a trace; ends the process when it is none. */
struct replay *replay_read(const char *file);
void replay_free(struct replay *r);

/* The marks "started N" and "committed N" that came last. */
struct replay_moment {
	unsigned started, committed;
};

struct replay_params {
	const char *dir; /* made, filled and removed for each state */
	unsigned states; /* how many are wanted */
	unsigned sector; /* octets that are written together */
	uint64_t seed;
	/* Called in a child, with the state in `dir`: it returns when all is
	 * well, and ends the child otherwise (fake_wrong). */
	void (*check)(void *arg, const char *dir,
		      const struct replay_moment *at);
	void *arg;
	/* 0: all over the trace; else within so many operations behind a call
	 * that was made to fail. */
	unsigned behind_failure;
	bool is_control; /* it should be found bad: say nothing */
};

struct replay_result {
	unsigned operations, states, bad;
};

/** Make states, and have each checked. */
struct replay_result replay_run(const struct replay *r,
				const struct replay_params *p);

#endif
