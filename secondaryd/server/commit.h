/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commit -- makes published versions durable, many zones in one transaction,
 * at most one transaction in `sync-interval`. The only writer of the store, and
 * the thread of the modules.
 */

#ifndef SECD_SERVER_COMMIT_H
#define SECD_SERVER_COMMIT_H

#include "server/mailbox.h"
#include "store/store.h"
#include "zone/version.h"

/* What to write about one zone; every part may be missing. Made with calloc,
 * given away with commit_post, back through `done`. */
struct commit_entry {
	struct letter letter;
	uint8_t apex[NAME_LEN_MAX];
	bool drop; /* forget what is stored of the zone, before anything else */
	uint64_t seq;
	struct version *version;  /* what is to be durable then; a reference */
	struct image *image;      /* a reference, or NULL */
	struct changeset changes; /* of version `seq`, when there is no image */
	struct buf state;         /* replaces the zone's state when not empty */

	int rc; /* result: SECD_OK, SECD_EIO, SECD_ENOSPC, SECD_ENOMEM... */
	/* Runs where `reply` is, and frees (commit_entry_free). */
	void (*done)(struct commit_entry *e);
	struct mailbox *reply;
	void *arg; /* the poster's */
};

void commit_entry_free(struct commit_entry *e);

struct commit;

/* What else the thread does for others; a NULL is not called. */
struct commit_hooks {
	void *ctx;
	/** Called before each transaction. */
	void (*flush)(void *ctx);
	/** Called between transactions. Returns after how many milliseconds
	 * it wants to be called again at the latest; -1: whenever. */
	int64_t (*turn)(void *ctx);
};

/** Start the thread on a store, which outlives it. SECD_OK, SECD_ENOMEM. */
int commit_start(struct store *store, int64_t sync_interval_ms,
		 const struct commit_hooks *hooks, struct commit **out);

/** Another interval, from the next transaction on. Any thread. */
void commit_set_sync_interval(struct commit *c, int64_t ms);

/** Hand an entry over; entries of one zone are written in this order. */
void commit_post(struct commit *c, struct commit_entry *e);

/** Have a letter run by the thread, before the entries that are posted behind
 * it are written. */
void commit_call(struct commit *c, struct letter *letter);

/** Have a function run by the thread, and wait for it. */
void commit_run(struct commit *c, void (*run)(void *arg), void *arg);

/** Write what was posted, end the thread. NULL is fine. */
void commit_stop(struct commit *c);

#endif
