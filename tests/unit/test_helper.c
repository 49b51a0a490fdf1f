/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/helper.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "ordering.h"
#include "placing.h"

static struct helper *helper;
static struct adapter_result result;

static int
start(void **state)
{
	placing_setup(state);
	return helper_start(&helper) == SECD_OK ? 0 : -1;
}

static int
stop(void **state)
{
	helper_stop(helper);
	helper = NULL;
	return placing_teardown(state);
}

/* Begin a placement: the script runs. */
static int
begin(const char *name, const char *body, uint8_t **octets, size_t *len)
{
	int fd;

	ordering_octets(name, body, octets, len);
	assert_int_equal(helper_begin(helper, &fd), SECD_OK);
	return fd;
}

static void
place(const char *name, const char *body)
{
	uint8_t *octets;
	size_t len;
	int fd = begin(name, body, &octets, &len);

	helper_place(fd, octets, len, placing.timeout_ms, &result);
	close(fd);
	secret_free(octets, len);
}

/* What the script says, behind the program's name. */
static void
expect(const char *body, const char *said)
{
	char text[600];

	place("hook", body);
	snprintf(text, sizeof(text), "%s: %s", placing_path("hook"), said);
	assert_string_equal(result.text, text);
}

static void
a_placement_is_done_and_its_result_comes_back(void **state)
{
	(void)state;
	expect("wc -l <&3", "3");
	assert_int_equal(result.rc, SECD_OK);
	expect("echo no; exit 1", "exit code 1: no");
	assert_int_equal(result.rc, SECD_EIO);
}

/* Each ends only when the other one has begun. */
static void
several_run_at_a_time(void **state)
{
	uint8_t *octets[2];
	size_t len[2];
	int fd[2];

	(void)state;
	assert_int_equal(mkfifo(placing_path("fifo"), 0600), 0);
	fd[0] = begin("one", "echo x >fifo; echo a", &octets[0], &len[0]);
	assert_int_equal(send(fd[0], octets[0], len[0], MSG_NOSIGNAL), len[0]);
	shutdown(fd[0], SHUT_WR);
	fd[1] = begin("two", "cat <fifo", &octets[1], &len[1]);
	helper_place(fd[1], octets[1], len[1], placing.timeout_ms, &result);
	assert_non_null(strstr(result.text, "/two: x"));
	assert_int_equal(recv(fd[0], &result, sizeof(result), MSG_WAITALL),
			 sizeof(result));
	assert_non_null(strstr(result.text, "/one: a"));
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		secret_free(octets[i], len[i]);
	}
}

static void
a_process_that_dies_is_said(void **state)
{
	(void)state;
	/* The hook's parent. */
	place("hook", "kill -9 $PPID; sleep 60");
	assert_string_equal(result.text,
			    "the placement's process ended too soon");
	assert_int_equal(result.rc, SECD_ECLOSED);
	expect("echo fine", "fine");
}

static int
start_with_cores(void **state)
{
	static const struct rlimit core = {4096, 4096};

	setrlimit(RLIMIT_CORE, &core);
	return start(state);
}

static void
a_placement_has_no_core_and_no_new_privileges(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		expect("ulimit -c", "8");
	}
	assert_int_equal(helper_give_up(helper, NULL, 0, 0), SECD_OK);
	expect("grep -c '^NoNewPrivs:.*1' /proc/$PPID/status", "1");
	expect("ulimit -c", "0");
	expect("umask", "0077");
	if (geteuid() != 0) {
		expect("grep '^CapEff:' /proc/self/status | tr -d '\t'",
		       "CapEff:0000000000000000");
	}
}

/* In a directory that everybody can get to. */
static void
place_as_another(const char *dir, const char *script)
{
	struct request r = *ordering_request("unused", "");
	const struct secd_option said[] = {
	    {.key = "program", .value = "/bin/sh"},
	    {.key = "argument", .value = "-c"},
	    {.key = "argument", .value = script}};
	uint8_t *octets;
	size_t len;
	int fd;

	r.dir = dir;
	r.settings.said = said;
	r.settings.count = 3;
	assert_int_equal(request_write(&r, &octets, &len), SECD_OK);
	assert_int_equal(helper_begin(helper, &fd), SECD_OK);
	helper_place(fd, octets, len, r.timeout_ms, &result);
	close(fd);
	secret_free(octets, len);
}

/* What must not be dumped has files in /proc that are root's, and the one that
 * would show its memory is for root alone. */
static void
it_becomes_another_user_for_good_and_is_read_by_nobody(void **state)
{
	char dir[] = "/tmp/secondaryd-helper.XXXXXX";

	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(helper_give_up(helper, "nobody", 65534, 65534),
			 SECD_OK);
	assert_int_equal(helper_give_up(helper, "root", 0, 0), SECD_EPERM);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chown(dir, 65534, 65534), 0);
	place_as_another(dir, "echo $(id -u) $(id -G)"
			      "$(cat /proc/self/environ >/dev/null && echo +)"
			      "$(cat /proc/$PPID/environ >/dev/null && echo -)"
			      " 2>/dev/null");
	temp_dir_remove(dir);
	assert_string_equal(result.text, "/bin/sh: 65534 65534+");
}

static int
start_with_open_files(void **state)
{
	int rc;

	assert_int_equal(dup2(1, 200), 200);
	rc = start(state);
	close(200);
	return rc;
}

static void
what_the_server_has_open_is_not_handed_on(void **state)
{
	(void)state;
	expect("[ -e /proc/$PPID/fd/1 ] || exit 1;"
	       "[ ! -e /proc/$PPID/fd/200 ] || exit 2; echo fine",
	       "fine");
}

/* What a service manager sends to all of us is for the server. */
static void
it_ends_when_the_server_ends_it_and_gives_up_what_runs(void **state)
{
	uint8_t *octets;
	size_t len;
	int fd, fifo;
	char c;

	(void)state;
	assert_int_equal(mkfifo(placing_path("fifo"), 0600), 0);
	expect("ppid() { sed 's/.*) . //;s/ .*//' /proc/$1/stat; };"
	       "kill -TERM $PPID $(ppid $PPID); echo fine",
	       "fine");
	fd = begin("hook", "exec 4>fifo; exec sleep 60", &octets, &len);
	assert_int_equal(send(fd, octets, len, MSG_NOSIGNAL), len);
	shutdown(fd, SHUT_WR);
	secret_free(octets, len);
	fifo = open(placing_path("fifo"), O_RDONLY);
	close(fd);
	helper_stop(helper);
	helper = NULL;
	/* It was waited for: none of its children was left to die later. */
	fcntl(fifo, F_SETFL, O_NONBLOCK);
	assert_int_equal(read(fifo, &c, 1), 0);
	close(fifo);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_placement_is_done_and_its_result_comes_back),
	    CASE(several_run_at_a_time),
	    CASE(a_process_that_dies_is_said),
	    cmocka_unit_test_setup_teardown(
		a_placement_has_no_core_and_no_new_privileges, start_with_cores,
		stop),
	    CASE(it_becomes_another_user_for_good_and_is_read_by_nobody),
	    cmocka_unit_test_setup_teardown(
		what_the_server_has_open_is_not_handed_on,
		start_with_open_files, stop),
	    CASE(it_ends_when_the_server_ends_it_and_gives_up_what_runs),
	};

	return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
