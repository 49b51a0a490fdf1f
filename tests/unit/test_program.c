/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "place/program.h"
#include "temp_dir.h"

#define LONG_MS 20000

static struct program_result r;

static int
run_for(int64_t ms, int asker, const char *script, const void *input,
	size_t len)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	const struct limit l = {.until_ms = clock_awake_ms() + ms,
				.asker = asker};

	return program_run(argv, input, len, &l, &r);
}

static int
run(const char *script)
{
	return run_for(LONG_MS, -1, script, NULL, 0);
}

static void
the_exit_code_comes_back(void **state)
{
	(void)state;
	assert_int_equal(run("exit 3"), SECD_OK);
	assert_int_equal(r.status, 3);
	assert_int_equal(run("kill -9 $$"), SECD_OK);
	assert_int_equal(r.status, 128 + 9);
}

static void
its_first_and_last_line_come_back(void **state)
{
	(void)state;
	assert_int_equal(run("echo; echo ' one'; echo two >&2; echo three"),
			 SECD_OK);
	assert_string_equal(r.first, "one");
	assert_string_equal(r.last, "three");
	assert_int_equal(run("printf 'a\\tb\\351\\n\\nlast'"), SECD_OK);
	assert_string_equal(r.first, "a?b?");
	assert_string_equal(r.last, "last");
	assert_int_equal(run(":"), SECD_OK);
	assert_string_equal(r.first, "");
	assert_string_equal(r.last, "");
}

static void
what_is_too_long_is_cut_and_it_ends_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(run("head -c 300000 /dev/zero | tr '\\0' x; echo;"
			     "echo last"),
			 SECD_OK);
	assert_int_equal(strlen(r.first), PROGRAM_LINE_MAX);
	assert_string_equal(r.last, "last");
}

/* More than a pipe holds, so that both ways are in use at a time. */
static void
input_is_read_from_a_descriptor_of_its_own(void **state)
{
	static char input[300000];

	(void)state;
	memset(input, 'a', sizeof(input) - 1);
	input[sizeof(input) - 1] = '\n';
	assert_int_equal(run_for(LONG_MS, -1,
				 "cat <&3 | tail -c 5; wc -c </dev/stdin",
				 input, sizeof(input)),
			 SECD_OK);
	assert_string_equal(r.first, "aaaa");
	assert_string_equal(r.last, "0");
}

static void
a_program_need_not_read_its_input(void **state)
{
	static const char input[300000];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(
	    run_for(LONG_MS, -1, "exec 3<&-; exit 4", input, sizeof(input)),
	    SECD_OK);
	assert_int_equal(r.status, 4);
	signal(SIGPIPE, SIG_DFL);
}

static void
it_has_one_variable_and_three_descriptors(void **state)
{
	(void)state;
	assert_int_equal(dup2(1, 200), 200);
	setenv("SECRET", "x", 1);
	assert_int_equal(run("env | grep -v '^\\(PATH\\|PWD\\|_\\|SHLVL\\)='"),
			 SECD_OK);
	assert_string_equal(r.first, "");
	assert_int_equal(run("echo $PATH"), SECD_OK);
	assert_string_equal(r.first, "/usr/sbin:/usr/bin:/sbin:/bin");
	/* ls has one more, for the directory. */
	assert_int_equal(run("ls /proc/self/fd | tr '\\n' ' '"), SECD_OK);
	assert_string_equal(r.first, "0 1 2 3 4 ");
	close(200);
}

static void
signals_are_as_a_program_expects_them(void **state)
{
	sigset_t some;

	(void)state;
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigprocmask(SIG_BLOCK, &some, NULL);
	assert_int_equal(run("kill -USR1 $$"), SECD_OK);
	assert_int_equal(r.status, 128 + SIGUSR1);
	assert_int_equal(run("kill -PIPE $$"), SECD_OK);
	assert_int_equal(r.status, 128 + SIGPIPE);
	assert_int_equal(run("kill -TERM $$"), SECD_OK);
	assert_int_equal(r.status, 128 + SIGTERM);
	sigprocmask(SIG_UNBLOCK, &some, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

/* A FIFO that a script holds open, and its children: at its end they are all
 * gone. */
static char fifo[512];

static int
make_fifo(void **state)
{
	static char dir[TEMP_DIR_MAX];

	temp_dir_make(dir);
	*state = dir;
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	return mkfifo(fifo, 0600);
}

static int
remove_fifo(void **state)
{
	temp_dir_remove(*state);
	return 0;
}

static void
read_to_its_end(int fd)
{
	char c;

	fcntl(fd, F_SETFL, 0);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
}

static void
it_is_killed_with_its_children_when_time_is_up(void **state)
{
	int64_t began = clock_awake_ms();
	int fd = open(fifo, O_RDONLY | O_NONBLOCK);
	char script[600];

	(void)state;
	snprintf(script, sizeof(script),
		 "exec 4>%s; echo >&4; sleep 60 & sleep 60", fifo);
	assert_int_equal(run_for(1000, -1, script, NULL, 0), SECD_ETIMEOUT);
	read_to_its_end(fd);
	assert_true(clock_awake_ms() - began < LONG_MS);
}

static void
it_ends_with_whoever_started_it(void **state)
{
	char script[600];
	pid_t pid;
	int fd;

	(void)state;
	snprintf(script, sizeof(script), "exec 4>%s; echo >&4; exec sleep 60",
		 fifo);
	pid = fork();
	if (pid == 0) {
		run(script);
		_exit(0);
	}
	fd = open(fifo, O_RDONLY); /* when it is there */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fcntl(fd, F_SETFL, 0);
	while (read(fd, script, 1) > 0) {
	}
	close(fd);
}

static void
it_is_killed_when_nobody_waits_for_it(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	assert_int_equal(run_for(LONG_MS, pair[0], "sleep 60", NULL, 0),
			 SECD_ECLOSED);
	close(pair[0]);
}

static void
one_that_closes_its_output_has_its_time_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(run("exec >&- 2>&-; exit 4"), SECD_OK);
	assert_int_equal(r.status, 4);
	assert_int_equal(run_for(100, -1, "exec >&- 2>&-; sleep 60", NULL, 0),
			 SECD_ETIMEOUT);
}

static void
one_that_is_missing_is_not_found(void **state)
{
	const char *argv[] = {"/nonexistent/program", NULL};
	const struct limit l = {.until_ms = clock_awake_ms() + LONG_MS,
				.asker = -1};

	(void)state;
	assert_int_equal(program_run(argv, NULL, 0, &l, &r), SECD_ENOTFOUND);
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_exit_code_comes_back),
	    cmocka_unit_test(its_first_and_last_line_come_back),
	    cmocka_unit_test(what_is_too_long_is_cut_and_it_ends_all_the_same),
	    cmocka_unit_test(input_is_read_from_a_descriptor_of_its_own),
	    cmocka_unit_test(a_program_need_not_read_its_input),
	    cmocka_unit_test(it_has_one_variable_and_three_descriptors),
	    cmocka_unit_test(signals_are_as_a_program_expects_them),
	    cmocka_unit_test_setup_teardown(
		it_is_killed_with_its_children_when_time_is_up, make_fifo,
		remove_fifo),
	    cmocka_unit_test(it_is_killed_when_nobody_waits_for_it),
	    cmocka_unit_test(
		one_that_closes_its_output_has_its_time_all_the_same),
	    cmocka_unit_test(one_that_is_missing_is_not_found),
	    cmocka_unit_test_setup_teardown(it_ends_with_whoever_started_it,
					    make_fifo, remove_fifo),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
