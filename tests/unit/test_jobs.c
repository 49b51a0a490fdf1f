/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/error.h"

#define JOBS 500
#define NICE 3

struct task {
	struct job job; /* first */
	unsigned number;
	pthread_t worked_on;
	int priority;
};

static struct mailbox box;
static struct jobs *jobs;
static unsigned worked, done_count;
static int last_priority;

static int
start(void **state)
{
	(void)state;
	worked = done_count = 0;
	return mailbox_init(&box, NULL, NULL) == SECD_OK &&
		       jobs_start("test", NICE, &jobs) == SECD_OK
		   ? 0
		   : -1;
}

static int
stop(void **state)
{
	(void)state;
	mailbox_fini(&box);
	return 0;
}

static void
work(struct job *job)
{
	struct task *t = (struct task *)job;

	assert_int_equal(t->number, worked);
	worked++; /* by one thread only */
	t->worked_on = pthread_self();
	t->priority = getpriority(PRIO_PROCESS, 0);
}

static void
done(struct job *job)
{
	struct task *t = (struct task *)job;

	assert_int_equal(t->number, done_count);
	done_count++;
	assert_false(pthread_equal(pthread_self(), t->worked_on));
	last_priority = t->priority;
	free(t);
}

static void
post(unsigned number)
{
	struct task *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->job.work = work;
	t->job.done = done;
	t->job.reply = &box;
	t->number = number;
	jobs_post(jobs, &t->job);
}

static void
jobs_are_done_in_order_and_come_back_to_who_asked(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		post(i);
	}
	while (done_count < JOBS) {
		letters_run(mailbox_wait(&box));
	}
	assert_int_equal(worked, JOBS);
	jobs_stop(jobs);
}

static void
its_thread_alone_stands_back(void **state)
{
	int before = getpriority(PRIO_PROCESS, 0);

	(void)state;
	post(0);
	jobs_stop(jobs);
	letters_run(mailbox_take(&box));
	assert_int_equal(last_priority,
			 before + NICE < 19 ? before + NICE : 19);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

static void
what_was_posted_is_finished_before_the_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		post(i);
	}
	jobs_stop(jobs);
	assert_int_equal(worked, JOBS);
	letters_run(mailbox_take(&box));
	assert_int_equal(done_count, JOBS);
}

static void
discard(struct job *job)
{
	free(job);
}

static void
a_job_whose_poster_is_gone_is_still_cleaned_up(void **state)
{
	struct task *t = calloc(1, sizeof(*t));

	(void)state;
	assert_non_null(t);
	/* Its `done` runs on the jobs' own thread then. */
	t->job.work = work;
	t->job.done = discard;
	t->job.reply = &box;
	mailbox_close(&box);
	jobs_post(jobs, &t->job);
	jobs_stop(jobs);
	assert_int_equal(worked, 1);
}

static void
stopping_nothing_is_fine(void **state)
{
	(void)state;
	jobs_stop(jobs);
	jobs_stop(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(jobs_are_done_in_order_and_come_back_to_who_asked),
	    TEST(its_thread_alone_stands_back),
	    TEST(what_was_posted_is_finished_before_the_end),
	    TEST(a_job_whose_poster_is_gone_is_still_cleaned_up),
	    TEST(stopping_nothing_is_fine),
	};

	return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
