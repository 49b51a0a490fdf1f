/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault_store -- the server's own store after power cuts and kills; calls that
 * fail are tests/unit/test_store_io.
 *
 *     fault_store [OPTIONS: see run]
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/error.h"
#include "cuts.h"
#include "store_life.h"

#define VERSIONS       24 /* of a process whose power is cut */
#define SWEEP_VERSIONS 10 /* of one that is killed */
#define MORE           2

/* A process that works; shared with it. */
struct work {
	struct frame *frame;
	uint64_t begun, committed; /* seq */
	bool fails;                /* some call will */
};

static void
open_store(struct store_dir *d, const char *path)
{
	*d = (struct store_dir){.store = NULL};
	snprintf(d->path, sizeof(d->path), "%.255s", path);
	store_dir_reopen(d);
}

/* Making a version is not what may fail here. */
static void
commit_next(struct store_dir *d, struct work *w)
{
	w->begun = w->committed + 1;
	shim_mark("started %u", (unsigned)w->begun);
	shim_spare(w->fails);
	store_life_make(d, w->begun);
	shim_spare(false);
	if (store_life_commit(d) == SECD_OK) {
		w->committed = w->begun;
		shim_mark("committed %u", (unsigned)w->committed);
		return;
	}
	/* As when the server is started again: either may be there. */
	shim_spare(true);
	store_dir_reopen(d);
	shim_spare(false);
	w->committed = store_life_held(d);
	shim_mark("committed %u", (unsigned)w->committed);
}

static void
commit_some(struct work *w, struct store_dir *d, unsigned count)
{
	for (; count > 0; count--) {
		commit_next(d, w);
	}
}

static void
begin(void *arg, uint64_t seed, bool fails)
{
	struct work *w = arg;

	(void)seed;
	w->begun = w->committed = 0;
	w->fails = fails;
}

static void
work_anywhere(void *arg)
{
	struct work *w = arg;
	struct store_dir d;

	open_store(&d, w->frame->work);
	commit_some(w, &d, VERSIONS);
	store_close(d.store);
}

static void
work_until_failure(void *arg)
{
	struct work *w = arg;
	struct store_dir d;

	shim_spare(w->fails);
	open_store(&d, w->frame->work);
	shim_spare(false);
	while (shim_failed() == 0) {
		commit_next(&d, w);
	}
	commit_some(w, &d, MORE);
	store_close(d.store);
}

static void
resume(void *arg)
{
	struct work *w = arg;
	struct store_dir d;

	open_store(&d, w->frame->work);
	w->committed = store_life_held(&d);
	shim_mark("committed %u", (unsigned)w->committed);
	commit_some(w, &d, MORE);
	store_close(d.store);
}

/* What is there is one of them, and the next one can be committed. */
static void
check(const char *dir, uint64_t committed, uint64_t begun)
{
	struct store_dir d;
	uint64_t seq;

	open_store(&d, dir);
	seq = store_life_held(&d);
	if (seq < committed || seq > begun) {
		frame_say("version %u is stored", (unsigned)seq);
		exit(EXIT_FAILURE);
	}
	store_life_expect(&d, seq);
	store_life_make(&d, seq + 1);
	assert_int_equal(store_life_commit(&d), SECD_OK);
	store_dir_reopen(&d);
	store_life_expect(&d, seq + 1);
	store_close(d.store);
}

static void
look_after_cut(void *arg, const char *dir, const struct replay_moment *at)
{
	(void)arg;
	check(dir, at->committed, at->started);
}

static struct cuts
cuts_of(struct work *w)
{
	return (struct cuts){.frame = w->frame,
			     .arg = w,
			     .begin = begin,
			     .work = work_anywhere,
			     .resume = resume,
			     .look = look_after_cut};
}

static struct work *
work_new(struct frame *f)
{
	struct work *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED) {
		exit(EXIT_FAILURE);
	}
	w->frame = f;
	return w;
}

static void
a_power_cut_loses_nothing_that_was_committed(struct frame *f)
{
	struct cuts c = cuts_of(work_new(f));

	cuts_anywhere(&c);
}

static void
a_power_cut_after_an_error_loses_nothing_that_was_committed(struct frame *f)
{
	static const enum shim_way ways[] = {SHIM_EIO_LATE, SHIM_EIO_LATE,
					     SHIM_EIO, SHIM_CUT_SHORT};
	struct cuts c = cuts_of(work_new(f));

	c.work = work_until_failure;
	cuts_after_failures(&c, ways, 4);
}

static void
a_power_cut_after_a_kill_loses_nothing_that_was_committed(struct frame *f)
{
	static const enum shim_way way = SHIM_KILL;
	struct cuts c = cuts_of(work_new(f));

	c.work = work_until_failure;
	cuts_after_failures(&c, &way, 1);
}

static void
it_is_found_when_nothing_is_synced(struct frame *f)
{
	struct cuts c = cuts_of(work_new(f));

	cuts_without(&c, SHIM_OMITS_SYNC | SHIM_OMITS_THROUGH);
}

static void
it_is_found_when_names_are_not_synced(struct frame *f)
{
	struct cuts c = cuts_of(work_new(f));

	cuts_without(&c, SHIM_OMITS_NAMES);
}

static void
work_until_killed(void *arg)
{
	struct work *w = arg;
	struct store_dir d;

	begin(w, 0, false);
	open_store(&d, w->frame->work);
	commit_some(w, &d, SWEEP_VERSIONS);
	store_close(d.store);
}

static void
look_after_kill(void *arg, bool was_killed)
{
	const struct work *w = arg;

	check(w->frame->work, w->committed,
	      was_killed ? w->begun : w->committed);
}

static void
a_kill_at_any_call_loses_nothing_that_was_committed(struct frame *f)
{
	frame_sweep(f, 1u << SHIM_KILL, work_until_killed, look_after_kill,
		    work_new(f));
}

static const struct frame_test tests[] = {
    FRAME_TEST(a_power_cut_loses_nothing_that_was_committed),
    FRAME_TEST(a_power_cut_after_an_error_loses_nothing_that_was_committed),
    FRAME_TEST(a_power_cut_after_a_kill_loses_nothing_that_was_committed),
    FRAME_TEST(it_is_found_when_nothing_is_synced),
    FRAME_TEST(it_is_found_when_names_are_not_synced),
    FRAME_TEST(a_kill_at_any_call_loses_nothing_that_was_committed),
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
	return frame_main(argc, argv, tests);
}
