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
#include <stdint.h>

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

/**
 * Take all letters, linked in order; the caller runs them.
 *
 * Returns  the first, or NULL: there is none now
 */
struct letter *mailbox_take(struct mailbox *box);

/** As mailbox_take, but waits; NULL: the box is closed and empty. */
struct letter *mailbox_wait(struct mailbox *box);

/**
 * As mailbox_wait, but no longer than `ms` milliseconds unless that is -1.
 *
 * is_open  receives false when the box is closed and empty
 * Returns  NULL also when the time is over
 */
struct letter *mailbox_wait_for(struct mailbox *box, int64_t ms, bool *is_open);

/** Wait for `ms` milliseconds, or until the box is closed. */
void mailbox_linger(struct mailbox *box, int64_t ms);

/** Have the owner run a function, and wait for it; the box is open, and the
 * caller not the owner. */
void mailbox_call(struct mailbox *box, void (*run)(void *arg), void *arg);

/** Run letters, each of which may free or post itself. */
void letters_run(struct letter *first);

/** No more letters; those in the box are still run. */
void mailbox_close(struct mailbox *box);

#endif
