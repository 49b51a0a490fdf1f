/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/mailbox.h"

#include <stddef.h>
#include <time.h>

#include "base/error.h"

int
mailbox_init(struct mailbox *box, void (*wake)(void *), void *wake_arg)
{
	pthread_condattr_t attr;
	int rc;

	*box = (struct mailbox){.wake = wake, .wake_arg = wake_arg};
	box->end = &box->first;
	if (pthread_mutex_init(&box->lock, NULL) != 0) {
		return SECD_ENOMEM;
	}
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = pthread_cond_init(&box->posted, &attr);
	pthread_condattr_destroy(&attr);
	if (rc != 0) {
		pthread_mutex_destroy(&box->lock);
		return SECD_ENOMEM;
	}
	return SECD_OK;
}

void
mailbox_fini(struct mailbox *box)
{
	pthread_cond_destroy(&box->posted);
	pthread_mutex_destroy(&box->lock);
}

static void
wake(struct mailbox *box)
{
	if (box->wake != NULL) {
		box->wake(box->wake_arg);
	} else {
		pthread_cond_signal(&box->posted);
	}
}

bool
mailbox_post(struct mailbox *box, struct letter *letter)
{
	bool was_empty, closed;

	letter->next = NULL;
	pthread_mutex_lock(&box->lock);
	closed = box->closed;
	was_empty = box->first == NULL;
	if (!closed) {
		*box->end = letter;
		box->end = &letter->next;
	}
	pthread_mutex_unlock(&box->lock);
	if (!closed && was_empty) {
		/* Not before the lock is free, which the owner needs next. */
		wake(box);
	}
	return !closed;
}

static struct letter *
take_all(struct mailbox *box)
{
	struct letter *all = box->first;

	box->first = NULL;
	box->end = &box->first;
	return all;
}

struct letter *
mailbox_take(struct mailbox *box)
{
	struct letter *all;

	pthread_mutex_lock(&box->lock);
	all = take_all(box);
	pthread_mutex_unlock(&box->lock);
	return all;
}

struct letter *
mailbox_wait(struct mailbox *box)
{
	bool is_open;

	return mailbox_wait_for(box, -1, &is_open);
}

static struct timespec
from_now(int64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

struct letter *
mailbox_wait_for(struct mailbox *box, int64_t ms, bool *is_open)
{
	struct timespec until = {0};
	struct letter *all;
	int rc = 0;

	if (ms >= 0) {
		until = from_now(ms);
	}
	pthread_mutex_lock(&box->lock);
	while (box->first == NULL && !box->closed && rc == 0) {
		rc = ms < 0 ? pthread_cond_wait(&box->posted, &box->lock)
			    : pthread_cond_timedwait(&box->posted, &box->lock,
						     &until);
	}
	all = take_all(box);
	*is_open = all != NULL || !box->closed;
	pthread_mutex_unlock(&box->lock);
	return all;
}

void
mailbox_linger(struct mailbox *box, int64_t ms)
{
	struct timespec until = from_now(ms);

	pthread_mutex_lock(&box->lock);
	while (!box->closed &&
	       pthread_cond_timedwait(&box->posted, &box->lock, &until) == 0) {
		/* A letter, or nothing at all: neither ends the time. */
	}
	pthread_mutex_unlock(&box->lock);
}

struct call {
	struct letter letter; /* first */
	void (*run)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
};

static void
run_call(struct letter *letter)
{
	struct call *c = (struct call *)letter;

	c->run(c->arg);
	pthread_mutex_lock(&c->lock);
	c->is_done = true;
	pthread_cond_signal(&c->done);
	pthread_mutex_unlock(&c->lock);
}

void
mailbox_call(struct mailbox *box, void (*run)(void *arg), void *arg)
{
	struct call c = {
	    .letter = {.run = run_call},
	    .run = run,
	    .arg = arg,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .done = PTHREAD_COND_INITIALIZER,
	};

	mailbox_post(box, &c.letter);
	pthread_mutex_lock(&c.lock);
	while (!c.is_done) {
		pthread_cond_wait(&c.done, &c.lock);
	}
	pthread_mutex_unlock(&c.lock);
	pthread_cond_destroy(&c.done);
	pthread_mutex_destroy(&c.lock);
}

void
letters_run(struct letter *first)
{
	while (first != NULL) {
		struct letter *next = first->next;

		first->run(first);
		first = next;
	}
}

void
mailbox_close(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->closed = true;
	pthread_cond_broadcast(&box->posted);
	pthread_mutex_unlock(&box->lock);
	if (box->wake != NULL) {
		box->wake(box->wake_arg);
	}
}
