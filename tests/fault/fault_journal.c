/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault_journal -- ixfr-journal after power cuts, kills and calls that fail.
 *
 *     fault_journal [OPTIONS: see run] MODULE
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "cuts.h"
#include "past.h"

#define ACTS       60 /* of a process whose power is cut */
#define SWEEP_ACTS 16 /* of one whose calls fail */

static const struct secd_module *module;

/* A process that works, and what is known of it. */
struct work {
	struct frame *frame;
	struct past *past;
	struct options *options;
};

static const char trimmed[] = "journal:\n  max-size: 64M\n"
			      "zone:\n  - id: default\n    max-steps: 9\n"
			      "    keep-steps: 2\n";
static const char all_kept[] = "journal:\n  max-size: 64M\n";

static struct work
work_new(struct frame *f, const char *options)
{
	char reason[SECD_REASON_LEN];
	struct work w = {.frame = f, .past = past_new()};

	if (options_load_text("journal.conf", options, strlen(options),
			      &w.options, reason) != SECD_OK) {
		fake_wrong("%s", reason);
	}
	return w;
}

static void
work_free(struct work *w)
{
	options_free(w->options);
	past_free(w->past);
}

static void
begin(struct work *w, uint64_t seed)
{
	past_begin(w->past, module, w->frame->work, options_get(w->options),
		   seed);
}

static void
end(struct work *w)
{
	if (w->past->host.m != NULL) {
		fake_host_close(&w->past->host);
	}
}

/*
 * Power cuts
 */

static void
begin_cut(void *arg, uint64_t seed, bool fails)
{
	struct work *w = arg;

	begin(w, seed);
	w->past->has_failures = w->past->host.is_steady = fails;
}

static void
work_anywhere(void *arg)
{
	struct work *w = arg;

	if (!past_work(w->past, ACTS)) {
		fake_wrong("it cannot be opened");
	}
	end(w);
}

static void
work_until_failure(void *arg)
{
	struct work *w = arg;

	w->past->gives_orders = false;
	past_work_until_failure(w->past);
	end(w);
}

static void
resume(void *arg)
{
	struct work *w = arg;

	past_resume(w->past);
	end(w);
}

static void
look_after_cut(void *arg, const char *dir, const struct replay_moment *at)
{
	const struct work *w = arg;
	const struct past *p = w->past;

	past_check(p, dir, &p->moments[at->committed], &p->moments[at->started],
		   true);
}

static struct cuts
cuts_of(struct work *w)
{
	return (struct cuts){.frame = w->frame,
			     .arg = w,
			     .begin = begin_cut,
			     .work = work_anywhere,
			     .resume = resume,
			     .look = look_after_cut};
}

static void
a_power_cut_loses_nothing_that_was_committed(struct frame *f)
{
	struct work w = work_new(f, trimmed);
	struct cuts c = cuts_of(&w);

	cuts_anywhere(&c);
	work_free(&w);
}

static void
cut_after(struct frame *f, const enum shim_way *ways, unsigned count)
{
	struct work w = work_new(f, trimmed);
	struct cuts c = cuts_of(&w);

	c.work = work_until_failure;
	cuts_after_failures(&c, ways, count);
	work_free(&w);
}

static void
a_power_cut_after_an_error_loses_nothing_that_was_committed(struct frame *f)
{
	static const enum shim_way ways[] = {SHIM_EIO_LATE, SHIM_EIO_LATE,
					     SHIM_EIO_LATE, SHIM_EIO,
					     SHIM_CUT_SHORT};

	cut_after(f, ways, 5);
}

static void
a_power_cut_after_a_kill_loses_nothing_that_was_committed(struct frame *f)
{
	static const enum shim_way way = SHIM_KILL;

	cut_after(f, &way, 1);
}

/* The controls: the same work, on a disk that does not do what it is told. */

static void
find_without(struct frame *f, unsigned omissions)
{
	struct work w = work_new(f, trimmed);
	struct cuts c = cuts_of(&w);

	cuts_without(&c, omissions);
	work_free(&w);
}

static void
it_is_found_when_nothing_is_synced(struct frame *f)
{
	find_without(f, SHIM_OMITS_SYNC | SHIM_OMITS_THROUGH);
}

static void
it_is_found_when_pages_are_not_synced(struct frame *f)
{
	find_without(f, SHIM_OMITS_SYNC);
}

static void
it_is_found_when_the_last_write_is_not_synced(struct frame *f)
{
	find_without(f, SHIM_OMITS_THROUGH);
}

static void
it_is_found_when_names_are_not_synced(struct frame *f)
{
	find_without(f, SHIM_OMITS_NAMES);
}

/*
 * Calls that fail
 */

static void
work_with_errors(void *arg)
{
	struct work *w = arg;

	begin(w, 1);
	w->past->has_failures = w->past->host.is_steady = true;
	w->past->host.keeps_all = true;
	w->past->gives_orders = false;
	past_work(w->past, SWEEP_ACTS);
	shim_heal();
	past_recover(w->past);
}

static void
look_after_errors(void *arg, bool was_killed)
{
	const struct work *w = arg;
	const struct moment *last = &w->past->moments[w->past->done];

	(void)was_killed;
	past_check(w->past, w->frame->work, last, last, true);
}

static void
a_call_that_fails_costs_nothing_that_was_committed(struct frame *f)
{
	struct work w = work_new(f, all_kept);

	frame_sweep(f,
		    1u << SHIM_EIO | 1u << SHIM_EIO_LATE | 1u << SHIM_ENOSPC |
			1u << SHIM_CUT_SHORT,
		    work_with_errors, look_after_errors, &w);
	work_free(&w);
}

static void
work_until_killed(void *arg)
{
	struct work *w = arg;

	begin(w, 2);
	if (!past_work(w->past, SWEEP_ACTS)) {
		fake_wrong("it cannot be opened");
	}
	end(w);
}

static void
look_after_kill(void *arg, bool was_killed)
{
	const struct work *w = arg;
	const struct past *p = w->past;
	struct moment old = p->moments[p->done], new = old;

	fake_host_left(&p->host, old.zones, new.zones);
	past_check(p, w->frame->work, &old, &new, !was_killed);
}

static void
a_kill_at_any_call_loses_nothing_that_was_committed(struct frame *f)
{
	struct work w = work_new(f, trimmed);

	frame_sweep(f, 1u << SHIM_KILL, work_until_killed, look_after_kill, &w);
	work_free(&w);
}

static const struct frame_test tests[] = {
    FRAME_TEST(a_power_cut_loses_nothing_that_was_committed),
    FRAME_TEST(a_power_cut_after_an_error_loses_nothing_that_was_committed),
    FRAME_TEST(a_power_cut_after_a_kill_loses_nothing_that_was_committed),
    FRAME_TEST(it_is_found_when_nothing_is_synced),
    FRAME_TEST(it_is_found_when_pages_are_not_synced),
    FRAME_TEST(it_is_found_when_the_last_write_is_not_synced),
    FRAME_TEST(it_is_found_when_names_are_not_synced),
    FRAME_TEST(a_call_that_fails_costs_nothing_that_was_committed),
    FRAME_TEST(a_kill_at_any_call_loses_nothing_that_was_committed),
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
	void *so = argc < 2 ? NULL : dlopen(argv[argc - 1], RTLD_NOW);

	module = so == NULL ? NULL : dlsym(so, "secd_module");
	if (module == NULL) {
		fprintf(stderr, "%s\n",
			argc < 2 ? "no module is named" : dlerror());
		return 2;
	}
	return frame_main(argc, argv, tests);
}
