/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/helper.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

static int
start(void **state)
{
	struct helper *h;

	if (helper_start(&h) != SECD_OK) {
		return -1;
	}
	*state = h;
	return 0;
}

static int
stop(void **state)
{
	helper_stop(*state);
	return 0;
}

static void
input_reaches_the_command_and_output_comes_back(void **state)
{
	const char *argv[] = {"/bin/cat", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, "secret", 6, 5000, &r),
			 SECD_OK);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.output, "secret");
}

static void
the_exit_code_comes_back(void **state)
{
	const char *argv[] = {"/bin/sh", "-c", "echo no >&2; exit 3", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, NULL, 0, 5000, &r), SECD_OK);
	assert_int_equal(r.status, 3);
	assert_string_equal(r.output, "no\n");
}

static void
a_command_that_takes_too_long_is_killed_with_its_children(void **state)
{
	const char *argv[] = {"/bin/sh", "-c", "sleep 60 & sleep 60", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, NULL, 0, 50, &r),
			 SECD_ETIMEOUT);
}

static void
a_missing_program_is_not_found(void **state)
{
	const char *argv[] = {"/nonexistent/program", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, NULL, 0, 5000, &r),
			 SECD_ENOTFOUND);
}

static void
a_relative_path_is_refused(void **state)
{
	const char *argv[] = {"cat", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, NULL, 0, 5000, &r),
			 SECD_EINVAL);
}

static void
more_output_than_fits_is_cut_and_the_command_ends(void **state)
{
	const char *argv[] = {"/bin/sh", "-c",
			      "head -c 200000 /dev/zero | tr '\\0' x", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, NULL, 0, 5000, &r), SECD_OK);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.output_len, HELPER_OUTPUT_MAX);
}

static void
the_environment_is_not_handed_on(void **state)
{
	const char *argv[] = {"/usr/bin/env", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, NULL, 0, 5000, &r), SECD_OK);
	assert_int_equal(strncmp(r.output, "PATH=", 5), 0);
	assert_ptr_equal(strchr(r.output, '\n'), strrchr(r.output, '\n'));
}

static void
it_becomes_another_user_for_good(void **state)
{
	const char *argv[] = {"/usr/bin/id", "-u", NULL};
	struct helper_result r;

	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(helper_become(*state, 65534, 65534), SECD_OK);
	assert_int_equal(helper_run(*state, argv, NULL, 0, 5000, &r), SECD_OK);
	assert_string_equal(r.output, "65534\n");
	assert_int_equal(helper_become(*state, 0, 0), SECD_EPERM);
}

static void
a_command_that_closes_its_output_has_its_time_all_the_same(void **state)
{
	const char *slow[] = {"/bin/sh", "-c", "exec >&- 2>&-; sleep 60", NULL};
	const char *quick[] = {"/bin/sh", "-c", "exec >&- 2>&-; exit 4", NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, slow, NULL, 0, 100, &r),
			 SECD_ETIMEOUT);
	assert_int_equal(helper_run(*state, quick, NULL, 0, 5000, &r), SECD_OK);
	assert_int_equal(r.status, 4);
}

static int
start_with_open_files(void **state)
{
	int rc;

	assert_int_equal(dup2(1, 200), 200);
	signal(SIGCHLD, SIG_IGN); /* as some who start us do */
	rc = start(state);
	signal(SIGCHLD, SIG_DFL);
	close(200);
	return rc;
}

static void
what_the_server_has_open_is_not_handed_on(void **state)
{
	const char *argv[] = {"/bin/sh", "-c",
			      "[ -e /proc/$PPID/fd/1 ] || exit 1;"
			      "[ ! -e /proc/$PPID/fd/200 ] || exit 2;"
			      "[ ! -e /proc/self/fd/200 ] || exit 3; exit 7",
			      NULL};
	struct helper_result r;

	assert_int_equal(helper_run(*state, argv, NULL, 0, 5000, &r), SECD_OK);
	assert_int_equal(r.status, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		input_reaches_the_command_and_output_comes_back, start, stop),
	    cmocka_unit_test_setup_teardown(the_exit_code_comes_back, start,
					    stop),
	    cmocka_unit_test_setup_teardown(
		a_command_that_takes_too_long_is_killed_with_its_children,
		start, stop),
	    cmocka_unit_test_setup_teardown(it_becomes_another_user_for_good,
					    start, stop),
	    cmocka_unit_test_setup_teardown(a_missing_program_is_not_found,
					    start, stop),
	    cmocka_unit_test_setup_teardown(a_relative_path_is_refused, start,
					    stop),
	    cmocka_unit_test_setup_teardown(
		more_output_than_fits_is_cut_and_the_command_ends, start, stop),
	    cmocka_unit_test_setup_teardown(the_environment_is_not_handed_on,
					    start, stop),
	    cmocka_unit_test_setup_teardown(
		a_command_that_closes_its_output_has_its_time_all_the_same,
		start, stop),
	    cmocka_unit_test_setup_teardown(
		what_the_server_has_open_is_not_handed_on,
		start_with_open_files, stop),
	};

	return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
