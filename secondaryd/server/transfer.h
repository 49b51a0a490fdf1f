/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transfer -- the transfer thread: its loop, what it is asked from outside,
 * and the set of zones.
 */

#ifndef SECD_SERVER_TRANSFER_H
#define SECD_SERVER_TRANSFER_H

#include "server/server.h"

/**
 * Make the world of the transfer thread and load all zones from the store,
 * without starting anything: answers can be given as soon as this returns.
 *
 * config   a count is taken
 * store    borrowed; outlives the server
 * Returns  SECD_OK, SECD_ENOMEM, SECD_EIO (the reason is logged)
 */
int transfer_init(struct server *s, struct config *config, struct store *store);

/** Start the threads: build, apply, commit, transfer. SECD_OK, SECD_ENOMEM. */
int transfer_start(struct server *s);

/**
 * Run a function on the transfer thread and wait for it. Not from that thread,
 * and not after transfer_stop.
 */
void transfer_call(struct server *s, void (*run)(struct server *s, void *arg),
		   void *arg);

/**
 * End exchanges, write what is not durable yet, end the threads. Also after a
 * transfer_init or transfer_start that failed.
 */
void transfer_stop(struct server *s);

/** Free what is left, after transfer_stop. No worker may read the root any
 * more, and none of the caller's threads be online in the sense of RCU. */
void transfer_fini(struct server *s);

/**
 * Put another configuration in force, on the transfer thread.
 *
 * config   a count is taken on success
 * reason   receives one sentence on failure; room for 256
 * Returns  SECD_OK, SECD_ENOTSUP (needs a restart), SECD_ENOMEM: the old one
 *          stays in force
 */
int transfer_reload(struct server *s, struct config *config, char reason[256]);

#endif
