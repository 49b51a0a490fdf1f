/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * try_module -- what the tests of a module share.
 */

#ifndef TESTS_MODULE_TRY_MODULE_H
#define TESTS_MODULE_TRY_MODULE_H

#include "fake_host.h"
#include "scratch.h"

struct trial {
	const char *file;
	const char *config;
	unsigned rounds;
	const struct secd_module *module;
	const struct secd_options *options;
	char dir[SCRATCH_MAX]; /* the test's own */
};

struct trial_test {
	const char *name; /* NULL: there are no more */
	void (*run)(const struct trial *t);
};

#define TRIAL(f)                                                               \
	{                                                                      \
#f, f                                                          \
	}

/** A host that did not open the module yet. */
struct fake_host *trial_host(const struct trial *t, uint64_t seed);
/** Open the module in the test's directory, and tell it of all zones. */
struct fake_host *trial_open(const struct trial *t, uint64_t seed);
/** Close it, and free the host. */
void trial_end(struct fake_host *h);

/* Tests that take a file of their own. */
void a_crash_loses_nothing_that_was_committed(const struct trial *t);
void changes_since_comes_from_any_thread(const struct trial *t);
/**
 * Rounds in which a child works with the module and is killed at some moment.
 *
 * look     called after each, with what the child had promised
 */
void trial_kill_rounds(const struct trial *t, unsigned seed,
		       void (*look)(const struct trial *t, unsigned round,
				    struct fake_host *shared));

/* What only ixfr-journal has to do: what it keeps, what its commands say. */
extern const struct trial_test trial_journal_tests[];
extern const struct trial_test trial_command_tests[];
extern const struct trial_test trial_behind_tests[];
extern const struct trial_test trial_serial_tests[];
extern const struct trial_test trial_room_tests[];

/* What only tsig-rotate has to do: how keys go, what it says and refuses. */
extern const struct trial_test trial_rotate_tests[];
extern const struct trial_test trial_rotate_operator_tests[];
extern const struct trial_test trial_rotate_canary_tests[];

#endif
