/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailbox -- how threads ask each other for something: letters are functions
 * to be run by the thread that owns the mailbox, in the order of posting.
 *
 * Any thread posts; one thread takes. Posting never waits longer than the
 * other poster's few instructions.
 */

#ifndef SECD_SERVER_MAILBOX_H
#define SECD_SERVER_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

/* Embed it first in what the function needs; whoever runs it owns it. */
struct letter {
	struct letter *next;
	void (*run)(struct letter *letter);
};

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t posted;
	struct letter *first, **end;
	bool closed;
	/* Wakes the owner when the box was empty; NULL: he waits on it. */
	void (*wake)(void *wake_arg);
	void *wake_arg;
};

int mailbox_init(struct mailbox *box, void (*wake)(void *), void *wake_arg);
/** The box must be empty and unused. */
void mailbox_fini(struct mailbox *box);

/** Post a letter. It stays the poster's when the box is closed: false. */
bool mailbox_post(struct mailbox *box, struct letter *letter);

/** Run all letters that are there now. For owners that have a loop. */
void mailbox_run(struct mailbox *box);

/**
 * Wait for letters and run them until mailbox_close was called and the box is
 * empty. For owners without a loop.
 */
void mailbox_serve(struct mailbox *box);

/** No more letters; those in the box are still run. */
void mailbox_close(struct mailbox *box);

#endif
