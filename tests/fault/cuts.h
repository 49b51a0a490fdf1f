/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cuts -- power cuts: a process works and is recorded, and whatever its
 * directory may look like after a power cut is looked at.
 */

#ifndef TESTS_FAULT_CUTS_H
#define TESTS_FAULT_CUTS_H

#include "frame.h"
#include "replay.h"

struct cuts {
	struct frame *frame;
	void *arg; /* of all of these: */
	/* Before each recording. fails: a call of the work will */
	void (*begin)(void *arg, uint64_t seed, bool fails);
	/* Work in frame->work, in a process of its own, and mark what is done:
	 * until shim_failed(), and a little more, if a call will fail. */
	void (*work)(void *arg);
	/* Go on a little after a process that was killed. */
	void (*resume)(void *arg);
	/* Look at a state, as in struct replay_params. */
	void (*look)(void *arg, const char *dir,
		     const struct replay_moment *at);

	unsigned omissions; /* of the recording */
	enum shim_way way;  /* of the call that fails */
	unsigned at;        /* which; 0: none does */
};

/** All over the work; the process ends badly when a state is bad. */
void cuts_anywhere(struct cuts *c);

/** Behind calls that fail in one of these ways. */
void cuts_after_failures(struct cuts *c, const enum shim_way *ways,
			 unsigned count);

/** A control: without what is omitted, bad states have to be found. */
void cuts_without(struct cuts *c, unsigned omissions);

#endif
