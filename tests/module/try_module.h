/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * try_module -- what the tests of a module share.
 */

#ifndef TESTS_MODULE_TRY_MODULE_H
#define TESTS_MODULE_TRY_MODULE_H

#include "fake_host.h"

struct trial {
	const char *file;
	const char *config;
	unsigned rounds;
	const struct secd_module *module;
	const struct secd_options *options;
	char dir[256]; /* the test's own */
};

/** Open the module in the test's directory, and tell it of all zones. */
struct fake_host *trial_open(const struct trial *t, uint64_t seed);
/** Close it, and free the host. */
void trial_end(struct fake_host *h);

/* Tests that take a file of their own. */
void a_crash_loses_nothing_that_was_committed(const struct trial *t);
void changes_since_comes_from_any_thread(const struct trial *t);

#endif
