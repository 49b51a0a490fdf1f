/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool -- connections to primaries: how many at a time in all and to each
 * address, who is next, and which ones are kept for the next use.
 *
 * Requests to one address are served in order, addresses in turn, so that a
 * primary which does not answer delays its own zones only.
 */

#ifndef SECD_SERVER_POOL_H
#define SECD_SERVER_POOL_H

#include <stdbool.h>

#include "server/link.h"

struct pool;
struct pool_host;

/* Embed it; zero-initialised. One use at a time. */
struct pool_request {
	struct pool_request *next, **prev; /* of the queue; prev NULL: not in */
	struct pool_host *host;            /* while queued or in use */
	/** A link is yours: link_use it now; give it back by pool_release. */
	void (*ready)(struct pool_request *r, struct link *l);
	/** There is no way to connect; `reason` is one phrase. */
	void (*failed)(struct pool_request *r, const char *reason);
};

/**
 * total, per_host   links in use at a time
 * Returns           SECD_OK, SECD_ENOMEM
 */
int pool_new(struct ev_loop *loop, unsigned total, unsigned per_host,
	     struct pool **out);

/** Close idle links, free. No request may be open. NULL is fine. */
void pool_free(struct pool *p);

/** Change the limits; those in use go on. */
void pool_set_limits(struct pool *p, unsigned total, unsigned per_host);

/**
 * Ask for a link; `ready` or `failed` is called from the loop.
 *
 * via      source address, or NULL
 * Returns  SECD_OK, SECD_ENOMEM
 */
int pool_ask(struct pool *p, struct pool_request *r,
	     const struct sockaddr_storage *to,
	     const struct sockaddr_storage *via);

/** Take a request back that is not ready yet. */
void pool_cancel(struct pool *p, struct pool_request *r);

/**
 * Give a link back.
 *
 * reusable  the last exchange ended as it should: the link may be kept for a
 *           few seconds; else it is closed
 */
void pool_release(struct pool *p, struct pool_request *r, struct link *l,
		  bool reusable);

#endif
