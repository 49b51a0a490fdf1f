/* SPDX-License-Identifier: BSD-2-Clause */

#include "frame.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORK_S 60 /* work that takes longer hangs */

void
frame_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("       ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
}

void
frame_clean(struct frame *f)
{
	scratch_remove(f->work);
	unlink(f->trace);
	if (mkdir(f->work, 0700) != 0) {
		perror(f->work);
		exit(EXIT_FAILURE);
	}
}

bool
frame_fork(struct frame *f, void (*work)(void *arg), void *arg)
{
	int status = -1;
	pid_t child;

	*f->failed = 0;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(WORK_S);
		work(arg);
		*f->failed = shim_failed();
		_Exit(EXIT_SUCCESS);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		*f->failed = 1;
		return false;
	}
	if (status != 0) {
		if (WIFSIGNALED(status)) {
			frame_say("%s", strsignal(WTERMSIG(status)));
		}
		exit(EXIT_FAILURE);
	}
	return true;
}

/*
 * Calls that fail
 */

struct fault {
	struct frame *frame;
	enum shim_way way;
	unsigned at;
	bool is_sticky;
	void (*work)(void *arg);
	void *arg;
};

static void
work_with_fault(void *arg)
{
	const struct fault *x = arg;

	shim_watch(x->frame->work);
	shim_fail(x->way, x->at, x->is_sticky);
	x->work(x->arg);
}

/* What is going on, should it go wrong. */
static const struct fault *now;

static void
tell_fault(void)
{
	if (now != NULL) {
		frame_say("when call %u%s failed: %s", now->at,
			  now->is_sticky ? " and all behind it" : "",
			  shim_way_names[now->way]);
	}
}

/* Returns how many calls were made to fail. */
static unsigned
sweep_in_way(struct fault *x, void (*look)(void *arg, bool was_killed))
{
	struct frame *f = x->frame;
	unsigned count = 0;

	/* Another offset each time, so that all calls are met in some way. */
	x->at = 1 + (unsigned)(f->seed++ % f->stride);
	do {
		bool was_killed;

		frame_clean(f);
		was_killed = !frame_fork(f, work_with_fault, x);
		look(x->arg, was_killed);
		count += *f->failed > 0;
		x->at += f->stride;
	} while (*f->failed > 0);
	return count;
}

void
frame_sweep(struct frame *f, unsigned ways, void (*work)(void *arg),
	    void (*look)(void *arg, bool was_killed), void *arg)
{
	struct fault x = {.frame = f, .work = work, .arg = arg};
	unsigned count = 0;

	now = &x;
	atexit(tell_fault);
	for (unsigned way = 0; way < SHIM_WAYS; way++) {
		x.way = (enum shim_way)way;
		if ((ways >> way & 1) == 0) {
			continue;
		}
		x.is_sticky = false;
		count += sweep_in_way(&x, look);
		if (way != SHIM_KILL) {
			x.is_sticky = true;
			count += sweep_in_way(&x, look);
		}
	}
	now = NULL;
	frame_say("%u calls failed", count);
}

/*
 * Tests
 */

static bool
run(struct frame *f, const struct frame_test *test)
{
	int status = -1;
	pid_t child;

	if (!scratch_make("fault", f->dir)) {
		return false;
	}
	snprintf(f->work, sizeof(f->work), "%s/work", f->dir);
	snprintf(f->state, sizeof(f->state), "%s/state", f->dir);
	snprintf(f->trace, sizeof(f->trace), "%s/trace", f->dir);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		test->run(f);
		exit(EXIT_SUCCESS);
	}
	if (child > 0) {
		waitpid(child, &status, 0);
	}
	if (WIFSIGNALED(status)) {
		frame_say("%s", strsignal(WTERMSIG(status)));
	}
	scratch_remove(f->dir);
	printf("%s %s\n", status == 0 ? "ok    " : "FAILED", test->name);
	return status == 0;
}

int
frame_main(int argc, char **argv, const struct frame_test *tests)
{
	struct frame f = {.states = 300, .stride = 16, .seed = 1};
	unsigned counts[2] = {0};
	const char *only = "";
	int option;

	while ((option = getopt(argc, argv, "n:k:s:t:")) != -1) {
		if (option == 'n') {
			f.states = (unsigned)strtoul(optarg, NULL, 10);
		} else if (option == 'k') {
			f.stride = (unsigned)strtoul(optarg, NULL, 10);
		} else if (option == 's') {
			f.seed = strtoul(optarg, NULL, 10);
		} else if (option == 't') {
			only = optarg;
		} else {
			return 2;
		}
	}
	f.failed = mmap(NULL, sizeof(*f.failed), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f.failed == MAP_FAILED || f.stride == 0) {
		return 2;
	}
	for (; tests->name != NULL; tests++) {
		if (only[0] == '\0' || strcmp(only, tests->name) == 0) {
			counts[run(&f, tests)]++;
		}
	}
	printf("%u passed, %u failed, 0 skipped\n", counts[true],
	       counts[false]);
	return counts[false] > 0;
}
