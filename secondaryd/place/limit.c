/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/limit.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* How long one poll may take: no longer than is left, and than is wanted. */
static int
wait_of(const struct limit *l, int most_ms)
{
	int64_t left = l->until_ms - clock_awake_ms();

	if (left <= 0) {
		return 0;
	}
	if (most_ms >= 0 && most_ms < left) {
		return most_ms;
	}
	return left < INT_MAX ? (int)left : INT_MAX;
}

int
limit_poll(const struct limit *l, struct pollfd *fds, unsigned count,
	   int most_ms)
{
	struct pollfd all[LIMIT_FDS_MAX + 1] = {{.fd = l->asker}};
	int got;

	assert(count <= LIMIT_FDS_MAX);
	for (unsigned i = 0; i < count; i++) {
		all[i + 1] = fds[i];
	}
	do {
		got = poll(all, count + 1, wait_of(l, most_ms));
	} while (got < 0 && errno == EINTR && clock_awake_ms() < l->until_ms);
	for (unsigned i = 0; i < count; i++) {
		fds[i].revents = 0;
		if (got > 0) {
			fds[i].revents = all[i + 1].revents;
		}
	}
	if (got > 0 && (all[0].revents & (POLLHUP | POLLERR)) != 0) {
		return SECD_ECLOSED;
	}
	return clock_awake_ms() >= l->until_ms ? SECD_ETIMEOUT : SECD_OK;
}

struct limit
limit_within(const struct limit *l, int64_t ms)
{
	struct limit sooner = *l;
	int64_t until = clock_awake_ms() + ms;

	if (until < sooner.until_ms) {
		sooner.until_ms = until;
	}
	return sooner;
}
