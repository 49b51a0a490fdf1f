/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/mailbox.h"

#include <stddef.h>

#include "base/error.h"

int
mailbox_init(struct mailbox *box, void (*wake)(void *), void *wake_arg)
{
	*box = (struct mailbox){.wake = wake, .wake_arg = wake_arg};
	box->end = &box->first;
	if (pthread_mutex_init(&box->lock, NULL) != 0) {
		return SECD_ENOMEM;
	}
	if (pthread_cond_init(&box->posted, NULL) != 0) {
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
		pthread_cond_signal(&box->posted);
	}
	pthread_mutex_unlock(&box->lock);
	if (!closed && was_empty && box->wake != NULL) {
		box->wake(box->wake_arg);
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

static void
run_all(struct letter *letter)
{
	while (letter != NULL) {
		struct letter *next = letter->next;

		letter->run(letter);
		letter = next;
	}
}

void
mailbox_run(struct mailbox *box)
{
	struct letter *all;

	pthread_mutex_lock(&box->lock);
	all = take_all(box);
	pthread_mutex_unlock(&box->lock);
	run_all(all);
}

void
mailbox_serve(struct mailbox *box)
{
	for (;;) {
		struct letter *all;

		pthread_mutex_lock(&box->lock);
		while (box->first == NULL && !box->closed) {
			pthread_cond_wait(&box->posted, &box->lock);
		}
		all = take_all(box);
		pthread_mutex_unlock(&box->lock);
		if (all == NULL) {
			return;
		}
		run_all(all);
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
