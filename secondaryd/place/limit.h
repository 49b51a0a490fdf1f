/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit -- how long something may take: until a moment, and no longer than
 * somebody waits for it.
 */

#ifndef SECD_PLACE_LIMIT_H
#define SECD_PLACE_LIMIT_H

#include <poll.h>
#include <stdint.h>

struct limit {
	int64_t until_ms; /* clock_awake_ms */
	int asker;        /* a socket whose other end waits; -1: none */
};

#define LIMIT_FDS_MAX 4

/**
 * Wait for one of `count` descriptors, as poll does.
 *
 * count    at most LIMIT_FDS_MAX; 0: only wait
 * most_ms  come back after that long all the same; -1: not before the limit
 * Returns  SECD_OK (see `revents`, which may all be 0 when `most_ms` is over),
 *          SECD_ETIMEOUT, SECD_ECLOSED (nobody waits any more)
 */
int limit_poll(const struct limit *l, struct pollfd *fds, unsigned count,
	       int most_ms);

/** The same limit, or one that is `ms` from now if that is sooner. */
struct limit limit_within(const struct limit *l, int64_t ms);

#endif
