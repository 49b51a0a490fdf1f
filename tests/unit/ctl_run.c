/* SPDX-License-Identifier: BSD-2-Clause */

#include "ctl_run.h"

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

char ctl_output[1 << 18];

int
ctl_run(const char *arguments)
{
	const char *program = getenv("SECONDARYCTL");
	char command[1024];
	size_t len;
	FILE *pipe;
	int status;

	if (program == NULL || access(program, X_OK) != 0) {
		skip();
	}
	snprintf(command, sizeof(command), "'%s' %s 2>&1", program, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	len = fread(ctl_output, 1, sizeof(ctl_output) - 1, pipe);
	ctl_output[len] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void
ctl_assert_like(const char *pattern)
{
	if (fnmatch(pattern, ctl_output, 0) != 0) {
		print_error("no match:\n%s---\n%s", ctl_output, pattern);
		fail();
	}
}
