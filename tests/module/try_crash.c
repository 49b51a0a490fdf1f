/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A crash: a child works on, is killed at any moment, and the parent looks at
 * what is left. They share the host, so that the parent knows what was
 * promised. SECD_CRASH_RUNS says how often, else ten times in each round.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "try_module.h"

_Noreturn static void
work_until_killed(struct fake_host *h)
{
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not opened after a crash");
	}
	fake_host_start(h);
	for (;;) {
		fake_host_group(h, 1 + rnd_below(&h->rnd, 3));
		if (rnd_below(&h->rnd, 4) == 0) {
			fake_host_settle(h);
		}
	}
}

/* The module may have more than was promised: what was on its way. */
static void
check_promises(const struct trial *t, const struct fake_host *shared)
{
	struct fake_host *h = trial_host(t, 8);

	memcpy(h->zones, shared->zones, sizeof(h->zones));
	memcpy(h->expected, shared->expected, sizeof(h->expected));
	memcpy(h->follows, shared->follows, sizeof(h->follows));
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not opened after a crash");
	}
	fake_host_start(h);
	for (unsigned i = 0; i < FAKE_ZONES && h->module->newest != NULL; i++) {
		struct secd_version out = {.size = sizeof(out)};
		int rc = h->module->newest(h->m, h->zones[i].apex, &out);

		if (h->expected[i] == 0 || h->expected[i] == FAKE_UNKNOWN) {
			continue;
		}
		/* It had been told to begin anew: then a walk may be due. */
		if (rc != SECD_OK && h->follows[i]) {
			fake_wrong("what was committed is gone");
		}
		if (rc == SECD_OK && h->follows[i] &&
		    out.seq < h->expected[i] &&
		    model_find(&h->zones[i], out.seq) != NULL) {
			fake_wrong("seq %llu, after a commit of %llu",
				   (unsigned long long)out.seq,
				   (unsigned long long)h->expected[i]);
		}
	}
	fake_host_close(h);
	free(h);
}

static unsigned
kills(const struct trial *t)
{
	const char *text = getenv("SECD_CRASH_RUNS");

	return text != NULL ? (unsigned)strtoul(text, NULL, 10)
			    : 10 * t->rounds;
}

/* Whatever it was doing when it was killed. */
static void
rest(struct fake_host *shared)
{
	shared->phase = FAKE_RESTS;
	shared->in_call = shared->in_open = false;
	shared->walks = 0;
	fake_keys_forget(&shared->keys);
	shared->keys.memory_count = 0;
	shared->pending_count = 0;
}

void
trial_kill_rounds(const struct trial *t, unsigned seed,
		  void (*look)(const struct trial *t, unsigned round,
			       struct fake_host *shared))
{
	struct fake_host *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rnd r = {seed};

	if (shared == MAP_FAILED) {
		fake_wrong("no memory");
	}
	fake_host_init(shared, t->module, t->dir, t->options, seed);
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		shared->zones[i].counts_on = true;
	}
	for (unsigned i = 0; i < kills(t); i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			work_until_killed(shared);
		}
		usleep(1000 + rnd_below(&r, 20000));
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		if (WIFEXITED(status)) {
			_Exit(1); /* it has said why */
		}
		look(t, i, shared);
		rest(shared);
	}
	munmap(shared, sizeof(*shared));
}

static void
look_after_promises(const struct trial *t, unsigned round,
		    struct fake_host *shared)
{
	static struct model_zone old[FAKE_ZONES], new[FAKE_ZONES];

	(void)round;
	fake_host_left(shared, old, new);
	memcpy(shared->zones, old, sizeof(old));
	if (shared->phase != FAKE_NOTES) {
		check_promises(t, shared);
	}
	/* The host was killed as well: its number goes on. */
	for (unsigned z = 0; z < FAKE_ZONES; z++) {
		shared->expected[z] = FAKE_UNKNOWN;
		shared->follows[z] = false;
	}
}

void
a_crash_loses_nothing_that_was_committed(const struct trial *t)
{
	trial_kill_rounds(t, 7, look_after_promises);
}
