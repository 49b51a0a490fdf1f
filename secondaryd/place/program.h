/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * program -- another program, run and waited for: with fixed arguments, one
 * environment variable, a time limit, and what is secret on a descriptor.
 */

#ifndef SECD_PLACE_PROGRAM_H
#define SECD_PLACE_PROGRAM_H

#include <stddef.h>

#include "place/limit.h"

#define PROGRAM_LINE_MAX 200 /* characters of a line that are kept */
#define PROGRAM_INPUT_FD 3   /* where the program reads its input */

struct program_result {
	int status; /* exit code, or 128 + signal */
	/* Of what it wrote to standard output and error, the first and the
	 * last line with anything in it, as program_printable has them. */
	char first[PROGRAM_LINE_MAX + 1], last[PROGRAM_LINE_MAX + 1];
};

/** A character as it may be shown: what is not printable ASCII is a question
 * mark. */
static inline char
program_printable(char c)
{
	static const char unknown = '?';

	return c >= ' ' && c <= '~' ? c : unknown;
}

/**
 * Run a program to its end. When time is up it is killed, with what it
 * started as long as that stays in its process group. SIGPIPE is ignored by the
 * caller: a program need not read its input.
 *
 * argv     argv[0] is an absolute path; ends with NULL
 * input    octets that it can read from descriptor PROGRAM_INPUT_FD; NULL:
 *          it has none. Standard input is empty
 * out      wiped by whoever must not keep what a program may have repeated
 * Returns  SECD_OK (see status), SECD_ENOTFOUND (cannot be executed, errno
 *          says why), SECD_ETIMEOUT, SECD_ECLOSED (as of limit_poll: killed
 *          too), SECD_EIO
 */
int program_run(const char *const *argv, const void *input, size_t input_len,
		const struct limit *l, struct program_result *out);

#endif
