/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jobs -- a thread that does long work for others, one job after the other,
 * and sends each back as a letter when it is done.
 */

#ifndef SECD_SERVER_JOBS_H
#define SECD_SERVER_JOBS_H

#include "server/mailbox.h"

/* Embed it first. `work` runs on the jobs' thread, `done` where `reply` is. */
struct job {
	struct letter letter;
	void (*work)(struct job *job);
	void (*done)(struct job *job); /* owns the job again */
	struct mailbox *reply;
};

struct jobs;

/**
 * Start the thread.
 *
 * name     for `ps -L`
 * nice     how far it stands back behind other threads, 0 to 19
 * Returns  SECD_OK, SECD_ENOMEM
 */
int jobs_start(const char *name, int nice, struct jobs **out);

/** Hand a job over. */
void jobs_post(struct jobs *j, struct job *job);

/** Finish what was posted, end the thread. NULL is fine. */
void jobs_stop(struct jobs *j);

#endif
