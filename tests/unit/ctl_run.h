/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl_run -- runs secondaryctl, for the tests of what it prints.
 */

#ifndef TESTS_CTL_RUN_H
#define TESTS_CTL_RUN_H

/* What a wrong call ends with. */
#define TRY "try secondaryctl --help\n"

/* Of the last run: both of its streams. */
extern char ctl_output[1 << 18];

/** Run it with these words, as a shell has them. Returns its exit status; skips
 * the test when there is no secondaryctl. */
int ctl_run(const char *arguments);

/** The output matches a pattern of the shell. */
void ctl_assert_like(const char *pattern);

#endif
