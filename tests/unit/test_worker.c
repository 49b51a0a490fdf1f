/* SPDX-License-Identifier: BSD-2-Clause */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "ordering.h"
#include "place/worker.h"
#include "placing.h"

static pid_t worker;
static int fd = -1;

static int
start(void **state)
{
	int pair[2];

	placing_setup(state);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		return -1;
	}
	worker = fork();
	if (worker == 0) {
		close(pair[0]);
		worker_run(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	fd = pair[0];
	return 0;
}

static int
stop(void **state)
{
	close(fd);
	kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);
	return placing_teardown(state);
}

static void
expect(int rc, const char *text)
{
	struct adapter_result r;
	char more;

	assert_int_equal(recv(fd, &r, sizeof(r), MSG_WAITALL), sizeof(r));
	assert_string_equal(r.text, text);
	assert_int_equal(r.rc, rc);
	assert_int_equal(recv(fd, &more, 1, 0), 0);
}

static void
a_request_is_done_and_its_result_comes_back(void **state)
{
	uint8_t *octets;
	size_t len;

	(void)state;
	ordering_octets("hook", "cat <&3 >got; echo fine", &octets, &len);
	/* Octet by octet: it waits for the end. */
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(send(fd, octets + i, 1, MSG_NOSIGNAL), 1);
	}
	shutdown(fd, SHUT_WR);
	strcat(strcpy(placing.result.text, placing_path("hook")), ": fine");
	expect(SECD_OK, placing.result.text);
	assert_non_null(strstr(placing_contents("got"), "p1-a. hmac-sha256 "));
	secret_free(octets, len);
}

static void
a_secret_that_comes_out_is_masked(void **state)
{
	uint8_t *octets;
	size_t len;

	(void)state;
	ordering_octets("hook", "head -1 <&3", &octets, &len);
	assert_int_equal(send(fd, octets, len, MSG_NOSIGNAL), len);
	shutdown(fd, SHUT_WR);
	strcat(strcpy(placing.result.text, placing_path("hook")),
	       ": p1-a. hmac-sha256 ************************");
	expect(SECD_OK, placing.result.text);
	secret_free(octets, len);
}

static void
a_request_that_is_cut_is_refused(void **state)
{
	uint8_t *octets;
	size_t len;

	(void)state;
	ordering_octets("hook", "echo >ran", &octets, &len);
	assert_int_equal(send(fd, octets, len - 1, MSG_NOSIGNAL), len - 1);
	shutdown(fd, SHUT_WR);
	expect(SECD_EMALF, "the request did not get through whole");
	assert_false(placing_has("ran"));
	secret_free(octets, len);
}

static void
one_that_is_empty_too(void **state)
{
	(void)state;
	shutdown(fd, SHUT_WR);
	expect(SECD_EMALF, "the request did not get through whole");
}

/* The FIFO tells when the hook runs, and when it has ended. */
static void
when_nobody_waits_any_more_it_gives_up(void **state)
{
	uint8_t *octets;
	size_t len;
	int fifo;
	char c;

	(void)state;
	assert_int_equal(mkfifo(placing_path("fifo"), 0600), 0);
	ordering_octets("hook", "exec 4>fifo; sleep 60", &octets, &len);
	assert_int_equal(send(fd, octets, len, MSG_NOSIGNAL), len);
	shutdown(fd, SHUT_WR);
	secret_free(octets, len);
	fifo = open(placing_path("fifo"), O_RDONLY);
	close(fd);
	fd = -1;
	assert_int_equal(read(fifo, &c, 1), 0);
	close(fifo);
	assert_int_equal(waitpid(worker, NULL, 0), worker);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_request_is_done_and_its_result_comes_back),
	    CASE(a_secret_that_comes_out_is_masked),
	    CASE(a_request_that_is_cut_is_refused),
	    CASE(one_that_is_empty_too),
	    CASE(when_nobody_waits_any_more_it_gives_up),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
