/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "placing.h"

#define ONE "aaaaaaaaaaaaaaaa"

static int
setup(void **state)
{
	placing_setup(state);
	placing_set("program",
		    placing_script("hook", "cat <&3 >got; echo $* >args"));
	return 0;
}

/* What it says, behind the program's name. */
static void
place(int rc, const char *said)
{
	char text[1000];

	snprintf(text, sizeof(text), "%.200s%s", placing_path("hook"), said);
	placing_expect(&adapter_command, ONE, rc, text);
}

static void
the_program_has_the_keys_on_a_descriptor(void **state)
{
	(void)state;
	placing.options[placing.option_count++] =
	    (struct secd_option){.key = "argument", .value = "--set"};
	placing.options[placing.option_count++] =
	    (struct secd_option){.key = "argument", .value = "one two"};
	place(SECD_OK, " has taken 2 keys");
	assert_string_equal(placing_contents("got"),
			    "p1-a. hmac-sha256 YWFhYWFhYWFhYWFhYWFhYQ==\n"
			    "p1-b. hmac-sha256 " PLACING_B "\n"
			    "end\n");
	assert_string_equal(placing_contents("args"), "--set one two\n");
}

static void
each_time_it_is_run_anew(void **state)
{
	(void)state;
	placing_script("hook", "echo x >>runs");
	place(SECD_OK, " has taken 2 keys");
	place(SECD_OK, " has taken 2 keys");
	assert_string_equal(placing_contents("runs"), "x\nx\n");
}

static void
its_last_line_is_what_it_says(void **state)
{
	(void)state;
	placing_script("hook", "echo one; echo two");
	place(SECD_OK, ": two");
	placing_script("hook", "echo no such server >&2; exit 7");
	place(SECD_EIO, ": exit code 7: no such server");
	placing_script("hook", "exit 1");
	place(SECD_EIO, ": exit code 1: it does not say why");
	placing_script("hook", "kill -9 $$");
	place(SECD_EIO, ": exit code 137: it does not say why");
}

static void
a_secret_that_it_says_is_masked(void **state)
{
	(void)state;
	placing_script("hook", "head -1 <&3");
	place(SECD_OK, ": p1-a. hmac-sha256 ************************");
}

static void
it_is_ended_when_time_is_up(void **state)
{
	(void)state;
	placing_script("hook", "sleep 60");
	placing.timeout_ms = 1000;
	place(SECD_ETIMEOUT, " did not end in time");
}

static void
one_that_cannot_be_run_is_said(void **state)
{
	FILE *f;

	(void)state;
	f = fopen(placing_path("hook"), "w");
	assert_non_null(f);
	fputs("#!/nonexistent/interpreter\n", f);
	fclose(f);
	place(SECD_ENOTFOUND, " cannot be run: No such file or directory");
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup, placing_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_program_has_the_keys_on_a_descriptor),
	    CASE(each_time_it_is_run_anew),
	    CASE(its_last_line_is_what_it_says),
	    CASE(a_secret_that_it_says_is_masked),
	    CASE(it_is_ended_when_time_is_up),
	    CASE(one_that_cannot_be_run_is_said),
	};

	return cmocka_run_group_tests_name("adapter_command", tests, NULL,
					   NULL);
}
