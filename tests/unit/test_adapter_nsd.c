/* SPDX-License-Identifier: BSD-2-Clause */
/* NSD by a control socket that behaves well and badly, and a check that is a
 * script. */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "placing.h"

#define ONE   "aaaaaaaaaaaaaaaa" /* YWFh... */
#define TWO   "cccccccccccccccc" /* Y2Nj... */
#define GOOD  "reconfig start, read nsd.conf\nok\n"
#define TAKEN "nsd has taken 2 keys"

static struct placing_server server;

static int
setup(void **state)
{
	placing_setup(state);
	placing_set("file", placing_path("keys.conf"));
	placing_set("group", "");
	placing_set("config", placing_path("nsd.conf"));
	placing_set("control", placing_path("ctl"));
	placing_set("check", placing_script("check", "echo $1 >>checked"));
	placing_server_start(&server, placing_path("ctl"), GOOD);
	return 0;
}

static int
teardown(void **state)
{
	placing_server_stop(&server);
	return placing_teardown(state);
}

static void
place(const char *secret, int rc, const char *text)
{
	placing_expect(&adapter_nsd, secret, rc, text);
}

static bool
file_has(const char *text)
{
	return strstr(placing_contents("keys.conf"), text) != NULL;
}

static void
keys_are_written_checked_and_taken(void **state)
{
	char checked[600];
	struct stat st;

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	assert_string_equal(
	    placing_contents("keys.conf"),
	    "# written by secondaryd; do not edit\n"
	    "key:\n\tname: \"p1-a.\"\n\talgorithm: hmac-sha256\n"
	    "\tsecret: \"YWFhYWFhYWFhYWFhYWFhYQ==\"\n"
	    "key:\n\tname: \"p1-b.\"\n\talgorithm: hmac-sha256\n"
	    "\tsecret: \"" PLACING_B "\"\n");
	snprintf(checked, sizeof(checked), "%s\n", placing_path("nsd.conf"));
	assert_string_equal(placing_contents("checked"), checked);
	assert_string_equal(server.got, "NSDCT1 reconfig\n");
	assert_int_equal(server.asked, 1);
	assert_int_equal(placing.result.needs_restart, 0);
	assert_int_equal(placing.result.was_asked, 1);
	assert_int_equal(stat(placing_path("keys.conf"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(placing_has(".keys.conf.kept"));
}

static void
asking_again_asks_nsd_only_for_what_is_new(void **state)
{
	(void)state;
	place(ONE, SECD_OK, TAKEN);
	place(ONE, SECD_OK, "nsd has 2 keys already");
	assert_int_equal(placing.result.was_asked, 0);
	assert_int_equal(server.asked, 1);
	place(TWO, SECD_OK, TAKEN);
	assert_int_equal(server.asked, 2);
	/* What somebody else wrote there is not what was taken. */
	assert_int_equal(unlink(placing_path("keys.conf")), 0);
	place(TWO, SECD_OK, TAKEN);
	assert_int_equal(server.asked, 3);
}

static void
what_does_not_pass_the_check_is_put_back_and_nsd_not_asked(void **state)
{
	char text[1000];

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	placing_script("check", "echo \"nsd.conf:3: at 'frob': error: syntax\";"
				"echo 'read failed: 1 errors' >&2; exit 1");
	snprintf(text, sizeof(text),
		 "%.100s refuses %.100s, so nsd was not asked: nsd.conf:3: at "
		 "'': error: syntax ... read failed: 1 errors",
		 placing_path("check"), placing_path("nsd.conf"));
	place(TWO, SECD_EMALF, text);
	assert_true(file_has("YWFh"));
	assert_false(file_has("Y2Nj"));
	assert_false(placing_has(".keys.conf.kept"));
	assert_int_equal(server.asked, 1);
	placing_script("check", "");
	place(TWO, SECD_OK, TAKEN);
	assert_true(file_has("Y2Nj"));
}

static void
a_check_that_hangs_or_is_missing_is_put_back_too(void **state)
{
	char text[600];

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	placing_script("check", "sleep 60");
	placing.timeout_ms = 1000;
	snprintf(text, sizeof(text), "%s did not end in time",
		 placing_path("check"));
	place(TWO, SECD_ETIMEOUT, text);
	assert_true(file_has("YWFh"));
	placing_script("check", "kill -9 $$");
	placing.timeout_ms = 20000;
	placing_place(&adapter_nsd, TWO);
	assert_int_equal(placing.result.rc, SECD_EMALF);
	assert_true(file_has("YWFh"));
	assert_int_equal(server.asked, 1);
}

static void
a_check_that_repeats_a_secret_is_masked(void **state)
{
	(void)state;
	placing_script("check", "grep -h secret: keys.conf | head -1 | "
				"tr -d '\"'; exit 1");
	placing_place(&adapter_nsd, ONE);
	assert_null(strstr(placing.result.text, "YWFh"));
	assert_non_null(strstr(placing.result.text, "secret: ****"));
}

static void
refused(const char *reply, const char *line)
{
	char text[600];

	server.reply = reply;
	snprintf(text, sizeof(text),
		 "nsd must be restarted: it cannot read its configuration "
		 "(%s); the keys are in its file",
		 line);
	place(TWO, SECD_EBUSY, text);
	assert_int_equal(placing.result.needs_restart, 1);
	assert_true(file_has("Y2Nj"));
	assert_false(placing_has(".keys.conf.kept"));
}

static void
start_again(const char *reply)
{
	struct stat before, after;

	assert_int_equal(stat(placing_path("ctl"), &before), 0);
	do { /* until the clock of the file system has gone on */
		placing_server_stop(&server);
		placing_server_start(&server, placing_path("ctl"), reply);
		assert_int_equal(stat(placing_path("ctl"), &after), 0);
	} while (before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		 before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}

static void
after_a_failed_reconfig_it_is_not_asked_until_it_was_restarted(void **state)
{
	static const char restart[] =
	    "nsd must be restarted: it failed to read its configuration once "
	    "and would not survive to be told again; the keys are in its file";

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	refused("reconfig start\nread nsd.conf failed: 1 errors\n",
		"read nsd.conf failed: 1 errors");
	assert_int_equal(server.asked, 2);
	server.reply = GOOD;
	place(ONE, SECD_EBUSY, restart);
	assert_int_equal(placing.result.needs_restart, 1);
	assert_true(file_has("YWFh"));
	place(TWO, SECD_EBUSY, restart);
	/* Nor for another file of the same server. */
	placing_set("file", placing_path("others.conf"));
	place(TWO, SECD_EBUSY, restart);
	assert_int_equal(server.asked, 2);
	placing_set("file", placing_path("keys.conf"));
	start_again(GOOD);
	place(TWO, SECD_OK, TAKEN);
	assert_int_equal(placing.result.needs_restart, 0);
	assert_int_equal(server.asked, 1);
}

static void
only_a_last_line_that_is_ok_is_well(void **state)
{
	static const char *const replies[][2] = {
	    {"ok\nerror 'x'\n", "error ''"},
	    {"reconfig start, read nsd.conf\n",
	     "reconfig start, read nsd.conf"}, /* it died */
	    {"reconfig start\no", "o"},
	    {"ok", "ok"},
	    {"ok then\n", "ok then"},
	    {" ok\n", " ok"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		refused(replies[i][0], replies[i][1]);
		start_again(GOOD);
	}
	server.reply = "ok\n\n";
	place(TWO, SECD_OK, TAKEN);
}

static void
an_answer_that_does_not_come_leaves_the_keys_in_the_file(void **state)
{
	(void)state;
	server.manner = PLACING_HANGS;
	server.reply = "reconfig start\n";
	placing.timeout_ms = 2000;
	place(ONE, SECD_ETIMEOUT,
	      "nsd does not say whether it has taken the keys: no answer in "
	      "time");
	assert_true(file_has("YWFh"));
	assert_false(placing_has(".keys.conf.kept"));
	placing.timeout_ms = 20000;
	server.manner = PLACING_ANSWERS;
	server.reply = "";
	place(TWO, SECD_ECLOSED,
	      "nsd does not say whether it has taken the keys: it hung up");
	server.reply = GOOD;
	place(TWO, SECD_OK, TAKEN);
	assert_int_equal(placing.result.needs_restart, 0);
}

static void
an_nsd_that_does_not_run_has_the_keys_when_it_starts(void **state)
{
	char text[600];

	(void)state;
	placing_server_stop(&server);
	snprintf(text, sizeof(text),
		 "nsd is not reached at %.150s (Connection refused); it has "
		 "the keys when it starts",
		 placing_path("ctl"));
	place(ONE, SECD_ECLOSED, text);
	assert_true(file_has("YWFh"));
	assert_int_equal(unlink(placing_path("ctl")), 0);
	snprintf(text, sizeof(text),
		 "nsd is not reached at %.150s (No such file or directory); it "
		 "has the keys when it starts",
		 placing_path("ctl"));
	place(ONE, SECD_ECLOSED, text);
	placing_server_start(&server, placing_path("ctl"), GOOD);
	place(ONE, SECD_OK, TAKEN);
}

static void
a_file_that_is_not_ours_is_left_alone(void **state)
{
	char text[600];
	FILE *f = fopen(placing_path("keys.conf"), "w");

	(void)state;
	assert_non_null(f);
	fputs("server:\n", f);
	fclose(f);
	snprintf(text, sizeof(text),
		 "%.160s: is not ours: its first line is not \"# written by "
		 "secondaryd; do not edit\"",
		 placing_path("keys.conf"));
	place(ONE, SECD_EPERM, text);
	assert_string_equal(placing_contents("keys.conf"), "server:\n");
	assert_int_equal(server.asked, 0);
	placing_set("group", "no-such-group");
	place(ONE, SECD_EINVAL, "there is no group no-such-group");
}

/* Whatever it was doing: the one after it is told of everything anew. */
static void
after_kill_9_in_the_check_the_next_one_finishes(void **state)
{
	pid_t pid;
	int fd;

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	assert_int_equal(mkfifo(placing_path("fifo"), 0600), 0);
	placing_script("check", "echo >fifo; sleep 60");
	pid = fork();
	if (pid == 0) {
		placing_place(&adapter_nsd, TWO);
		_exit(0);
	}
	fd = open(placing_path("fifo"), O_RDONLY); /* it is in the check */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	assert_true(placing_has(".keys.conf.kept"));
	/* The file is as wanted, but was never taken. */
	placing_script("check", "");
	place(TWO, SECD_OK, TAKEN);
	assert_int_equal(server.asked, 2);
	assert_false(placing_has(".keys.conf.kept"));
	/* And had it been bad, the one before it would be back. */
	placing_script("check", "echo >fifo; sleep 60");
	pid = fork();
	if (pid == 0) {
		placing_place(&adapter_nsd, ONE);
		_exit(0);
	}
	fd = open(placing_path("fifo"), O_RDONLY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	placing_script("check", "exit 1");
	placing_place(&adapter_nsd, ONE);
	assert_int_equal(placing.result.rc, SECD_EMALF);
	assert_true(file_has("Y2Nj"));
	assert_int_equal(server.asked, 2);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(keys_are_written_checked_and_taken),
	    CASE(asking_again_asks_nsd_only_for_what_is_new),
	    CASE(what_does_not_pass_the_check_is_put_back_and_nsd_not_asked),
	    CASE(a_check_that_hangs_or_is_missing_is_put_back_too),
	    CASE(a_check_that_repeats_a_secret_is_masked),
	    CASE(
		after_a_failed_reconfig_it_is_not_asked_until_it_was_restarted),
	    CASE(only_a_last_line_that_is_ok_is_well),
	    CASE(an_answer_that_does_not_come_leaves_the_keys_in_the_file),
	    CASE(an_nsd_that_does_not_run_has_the_keys_when_it_starts),
	    CASE(a_file_that_is_not_ours_is_left_alone),
	    CASE(after_kill_9_in_the_check_the_next_one_finishes),
	};

	return cmocka_run_group_tests_name("adapter_nsd", tests, NULL, NULL);
}
