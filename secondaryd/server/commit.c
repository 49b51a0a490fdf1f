/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/commit.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "server/thread.h"

struct commit {
	struct store *store;
	atomic_int_fast64_t sync_interval_ms;
	struct commit_hooks hooks;
	struct mailbox box;
	pthread_t thread;
};

void
commit_entry_free(struct commit_entry *e)
{
	version_unref(e->version);
	image_unref(e->image);
	changeset_fini(&e->changes);
	buf_fini(&e->state);
	free(e);
}

static int
put_entry(struct store *s, const struct commit_entry *e)
{
	int rc = SECD_OK;

	if (e->drop) {
		rc = store_drop(s, e->apex);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (e->image != NULL) {
		rc = store_put_image(s, e->apex, e->seq, e->image);
	} else if (e->changes.step_count > 0) {
		rc = store_put_changes(s, e->apex, e->seq, &e->changes);
	}
	if (rc == SECD_OK && e->state.len > 0) {
		rc = store_put_state(s, e->apex, e->state.data, e->state.len);
	}
	return rc;
}

/* Entries from `first` up to `end`, all or none. */
static int
write_group(struct store *s, struct letter *first, const struct letter *end)
{
	int rc = store_begin(s);

	if (rc != SECD_OK) {
		return rc;
	}
	for (struct letter *l = first; l != end; l = l->next) {
		rc = put_entry(s, (struct commit_entry *)l);
		if (rc != SECD_OK) {
			store_abort(s);
			return rc;
		}
	}
	return store_commit(s);
}

static void
write_all(struct store *s, struct letter *first)
{
	int rc = write_group(s, first, NULL);

	for (struct letter *l = first; l != NULL; l = l->next) {
		/* One zone's trouble (an image too large for the disk) must
		 * not keep the others from being durable. */
		((struct commit_entry *)l)->rc =
		    rc == SECD_OK || first->next == NULL
			? rc
			: write_group(s, l, l->next);
	}
}

static void
reply(struct letter *letter)
{
	struct commit_entry *e = (struct commit_entry *)letter;

	e->done(e);
}

static void
send_back(struct letter *first)
{
	while (first != NULL) {
		struct commit_entry *e = (struct commit_entry *)first;

		first = first->next;
		e->letter.run = reply;
		if (!mailbox_post(e->reply, &e->letter)) {
			commit_entry_free(e); /* the poster is ending */
		}
	}
}

/* Run the letters that are no entries. Returns the entries, in their order. */
static struct letter *
run_calls(struct letter *first)
{
	struct letter *entries = NULL, **end = &entries;

	while (first != NULL) {
		struct letter *next = first->next;

		if (first->run != NULL) {
			first->run(first);
		} else {
			first->next = NULL;
			*end = first;
			end = &first->next;
		}
		first = next;
	}
	return entries;
}

static void *
commit_main(void *arg)
{
	struct commit *c = arg;
	const struct commit_hooks *hooks = &c->hooks;
	bool is_open = true;

	while (is_open) {
		int64_t wait =
		    hooks->turn == NULL ? -1 : hooks->turn(hooks->ctx);
		struct letter *entries =
		    run_calls(mailbox_wait_for(&c->box, wait, &is_open));

		if (hooks->flush != NULL) {
			hooks->flush(hooks->ctx);
		}
		if (entries != NULL) {
			write_all(c->store, entries);
			send_back(entries);
			/* What comes in meanwhile shares the next
			 * transaction. */
			mailbox_linger(&c->box,
				       atomic_load(&c->sync_interval_ms));
		}
	}
	return NULL;
}

int
commit_start(struct store *store, int64_t sync_interval_ms,
	     const struct commit_hooks *hooks, struct commit **out)
{
	struct commit *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return SECD_ENOMEM;
	}
	c->store = store;
	c->hooks = *hooks;
	atomic_init(&c->sync_interval_ms, sync_interval_ms);
	if (mailbox_init(&c->box, NULL, NULL) != SECD_OK) {
		free(c);
		return SECD_ENOMEM;
	}
	if (thread_start("commit", commit_main, c, &c->thread) != SECD_OK) {
		mailbox_fini(&c->box);
		free(c);
		return SECD_ENOMEM;
	}
	*out = c;
	return SECD_OK;
}

void
commit_set_sync_interval(struct commit *c, int64_t ms)
{
	atomic_store(&c->sync_interval_ms, ms);
}

void
commit_post(struct commit *c, struct commit_entry *e)
{
	e->letter.run = NULL; /* an entry, no call */
	if (!mailbox_post(&c->box, &e->letter)) {
		assert(false && "an entry after commit_stop");
	}
}

void
commit_call(struct commit *c, struct letter *letter)
{
	if (!mailbox_post(&c->box, letter)) {
		assert(false && "a call after commit_stop");
	}
}

void
commit_run(struct commit *c, void (*run)(void *arg), void *arg)
{
	mailbox_call(&c->box, run, arg);
}

void
commit_stop(struct commit *c)
{
	if (c == NULL) {
		return;
	}
	mailbox_close(&c->box);
	pthread_join(c->thread, NULL);
	mailbox_fini(&c->box);
	free(c);
}
