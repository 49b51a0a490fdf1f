/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that commits versions is killed at any point, again and again,
 * also while it opens what the one before left. What is found afterwards is
 * whole: nothing that was committed is lost, and nothing that was not begun
 * is there. SECD_CRASH_RUNS says how often (200).
 */

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "rnd.h"
#include "store_life.h"

/* What the process that is killed says on its way. */
struct event {
	uint64_t begun, committed;
};

static void
commit_until_killed(struct store_dir *d, int out)
{
	struct event e;

	store_dir_reopen(d);
	e.begun = e.committed = store_life_held(d);
	for (;;) {
		e.begun++;
		assert_int_equal(write(out, &e, sizeof(e)), sizeof(e));
		store_life_make(d, e.begun);
		assert_int_equal(store_life_commit(d), SECD_OK);
		e.committed = e.begun;
		assert_int_equal(write(out, &e, sizeof(e)), sizeof(e));
	}
}

/* Start one, let it go on for a while, kill it. */
static struct event
run_and_kill(struct store_dir *d, struct rnd *r)
{
	struct timespec a_moment = {0, 1000 * rnd_below(r, 2000)};
	unsigned events = rnd_below(r, 12);
	struct event e = {0, 0}, last = {0, 0};
	int pair[2], status;
	pid_t pid;

	assert_int_equal(pipe(pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		commit_until_killed(d, pair[1]);
	}
	close(pair[1]);
	for (unsigned i = 0;
	     i < events && read(pair[0], &e, sizeof(e)) == sizeof(e); i++) {
		last = e;
	}
	nanosleep(&a_moment, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(pair[0], &e, sizeof(e)) == sizeof(e)) {
		last = e;
	}
	close(pair[0]);
	return last;
}

static void
a_killed_process_leaves_whole_versions(void **state)
{
	struct store_dir *d = *state;
	const char *text = getenv("SECD_CRASH_RUNS");
	int runs = text == NULL ? 200 : atoi(text);
	struct rnd r = {1};
	uint64_t before = 0, seq;

	for (int i = 0; i < runs; i++) {
		struct event e;

		store_close(d->store);
		d->store = NULL;
		e = run_and_kill(d, &r);
		store_dir_reopen(d);
		seq = store_life_held(d);
		assert_true(seq >= before && seq >= e.committed);
		assert_true(seq <= (e.begun > before ? e.begun : before));
		store_life_expect(d, seq);
		before = seq;
	}
	print_message("%d kills, %llu versions\n", runs,
		      (unsigned long long)before);
	assert_true(before > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_killed_process_leaves_whole_versions, store_dir_setup,
		store_dir_teardown),
	};

	return cmocka_run_group_tests_name("store_crash", tests, NULL, NULL);
}
