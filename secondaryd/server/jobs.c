/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/jobs.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/error.h"
#include "server/thread.h"

struct jobs {
	struct mailbox box;
	pthread_t thread;
	int nice;
};

static void
reply(struct letter *letter)
{
	struct job *job = (struct job *)letter;

	job->done(job);
}

static void
work(struct letter *letter)
{
	struct job *job = (struct job *)letter;

	job->work(job);
	job->letter.run = reply;
	if (!mailbox_post(job->reply, &job->letter)) {
		/* Whoever asked is ending and waits for nothing. */
		job->done(job);
	}
}

static void *
jobs_main(void *arg)
{
	struct jobs *j = arg;
	struct letter *letters;

	/* On Linux that is this thread alone. */
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + j->nice);
	while ((letters = mailbox_wait(&j->box)) != NULL) {
		letters_run(letters);
	}
	return NULL;
}

int
jobs_start(const char *name, int nice, struct jobs **out)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		return SECD_ENOMEM;
	}
	j->nice = nice;
	if (mailbox_init(&j->box, NULL, NULL) != SECD_OK) {
		free(j);
		return SECD_ENOMEM;
	}
	if (thread_start(name, jobs_main, j, &j->thread) != SECD_OK) {
		mailbox_fini(&j->box);
		free(j);
		return SECD_ENOMEM;
	}
	*out = j;
	return SECD_OK;
}

void
jobs_post(struct jobs *j, struct job *job)
{
	job->letter.run = work;
	if (!mailbox_post(&j->box, &job->letter)) {
		assert(false && "a job after jobs_stop");
	}
}

void
jobs_stop(struct jobs *j)
{
	if (j == NULL) {
		return;
	}
	mailbox_close(&j->box);
	pthread_join(j->thread, NULL);
	mailbox_fini(&j->box);
	free(j);
}
