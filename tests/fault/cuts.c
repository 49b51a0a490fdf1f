/* SPDX-License-Identifier: BSD-2-Clause */

#include "cuts.h"

#include <stdio.h>
#include <stdlib.h>

#include "rnd.h"

#define PER_TRACE   500 /* states of one recording, at most */
#define CONTROLS    100 /* states of a control */
#define CALLS       80  /* one of these fails */
#define NEAR        12  /* operations behind it, where power is cut */
#define PER_FAILURE 10  /* states of those */

static void
work_recorded(void *arg)
{
	const struct cuts *c = arg;

	shim_watch(c->frame->work);
	if (shim_record(c->frame->trace, c->omissions) != 0) {
		perror(c->frame->trace);
		exit(EXIT_FAILURE);
	}
	if (c->at != 0) {
		shim_fail(c->way, c->at, false);
	}
	c->work(c->arg);
}

static void
work_resumed(void *arg)
{
	const struct cuts *c = arg;

	shim_watch(c->frame->work);
	if (shim_record(c->frame->trace, c->omissions) != 0) {
		perror(c->frame->trace);
		exit(EXIT_FAILURE);
	}
	c->resume(c->arg);
}

/* Record, and look at so many states. */
static void
cut(struct cuts *c, unsigned states, bool is_control, struct replay_result *sum)
{
	struct frame *f = c->frame;
	struct replay_params p = {.dir = f->state,
				  .states = states,
				  .sector = f->seed % 2 == 0 ? 512 : 4096,
				  .seed = f->seed,
				  .check = c->look,
				  .arg = c->arg,
				  .behind_failure = c->at != 0 ? NEAR : 0,
				  .is_control = is_control};
	struct replay_result found;
	struct replay *r;

	frame_clean(f);
	c->begin(c->arg, f->seed++, c->at != 0 && c->way != SHIM_KILL);
	if (!frame_fork(f, work_recorded, c)) {
		frame_fork(f, work_resumed, c);
	}
	r = replay_read(f->trace);
	found = replay_run(r, &p);
	replay_free(r);
	sum->operations += found.operations;
	sum->states += found.states;
	sum->bad += found.bad;
}

static void
judge(const struct replay_result *found, bool is_control)
{
	frame_say("%u states within %u operations, %u of them bad",
		  found->states, found->operations, found->bad);
	if (found->states == 0 || is_control != (found->bad > 0)) {
		exit(EXIT_FAILURE);
	}
}

void
cuts_anywhere(struct cuts *c)
{
	struct replay_result sum = {.states = 0};

	c->at = 0;
	while (sum.states < c->frame->states) {
		unsigned left = c->frame->states - sum.states;

		cut(c, left < PER_TRACE ? left : PER_TRACE, false, &sum);
	}
	judge(&sum, false);
}

void
cuts_after_failures(struct cuts *c, const enum shim_way *ways, unsigned count)
{
	struct replay_result sum = {.states = 0};
	struct rnd r = {c->frame->seed};

	for (unsigned i = 0; sum.states < c->frame->states; i++) {
		c->way = ways[i % count];
		c->at = 1 + rnd_below(&r, CALLS);
		cut(c, PER_FAILURE, false, &sum);
	}
	judge(&sum, false);
}

void
cuts_without(struct cuts *c, unsigned omissions)
{
	struct replay_result sum = {.states = 0};

	c->at = 0;
	c->omissions = omissions;
	cut(c, CONTROLS, true, &sum);
	judge(&sum, true);
}
