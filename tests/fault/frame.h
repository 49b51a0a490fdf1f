/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame -- runs the tests of one program, each in a process of its own, and
 * counts them. See run for what these tests are and how they work.
 */

#ifndef TESTS_FAULT_FRAME_H
#define TESTS_FAULT_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "scratch.h"
#include "shim.h"

#define FRAME_PATH_MAX (SCRATCH_MAX + 16)

/* A test. */
struct frame {
	unsigned states; /* that are wanted after power cuts */
	unsigned stride; /* each one of so many calls is made to fail */
	uint64_t seed;
	char dir[SCRATCH_MAX];      /* the test's own; and in it: */
	char work[FRAME_PATH_MAX];  /* what is watched */
	char state[FRAME_PATH_MAX]; /* what a power cut left */
	char trace[FRAME_PATH_MAX];
	unsigned *failed; /* calls of the last process; shared */
};

struct frame_test {
	const char *name; /* NULL: there are no more */
	/* Ends the process when something is wrong. */
	void (*run)(struct frame *f);
};

#define FRAME_TEST(f)                                                          \
	{                                                                      \
#f, f                                                          \
	}

/** From main: returns what main returns. */
int frame_main(int argc, char **argv, const struct frame_test *tests);

/** A figure, printed below the test's name. */
void frame_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The directory to be watched is empty, and there is no trace. */
void frame_clean(struct frame *f);

/**
 * Work in another process. It watches f->work once it is told to.
 *
 * Returns  false when it was killed: by SHIM_KILL. When it ended badly so does
 *          this one.
 */
bool frame_fork(struct frame *f, void (*work)(void *arg), void *arg);

/**
 * Do the same again and again, while another call fails each time: all calls,
 * or what the stride leaves of them, in every way.
 *
 * ways  bits: 1 << enum shim_way
 * work  in a process of its own; what it does in f->work is watched
 * look  afterwards
 */
void frame_sweep(struct frame *f, unsigned ways, void (*work)(void *arg),
		 void (*look)(void *arg, bool was_killed), void *arg);

#endif
