/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helper -- a process forked before there are threads, secrets or a sandbox. It
 * starts another process for each placement of keys (place/worker.h), and sees
 * nothing of them itself: request and result go over a socket between the
 * server and that process.
 *
 * The helper ends when the server does, however that ends, once the placements
 * have.
 */

#ifndef SECD_SERVER_HELPER_H
#define SECD_SERVER_HELPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "place/adapter.h"

struct helper;

/** Fork it. Before any thread. Returns SECD_OK, SECD_EIO, SECD_ENOMEM. */
int helper_start(struct helper **out);

/**
 * Have it give up its privileges as the server does (privileges_give_up), with
 * no way back: before the server reads anything from the network.
 *
 * user     NULL: it stays who it is
 * Returns  SECD_OK, SECD_EPERM, SECD_ECLOSED (the helper is gone)
 */
int helper_give_up(struct helper *h, const char *user, uid_t uid, gid_t gid);

/**
 * Have a placement's process started. Never waits.
 *
 * fd       receives a socket to it, for helper_place and then close; shutdown
 *          of it, from any thread, ends the placement early
 * Returns  SECD_OK, SECD_EBUSY (too many are being started), SECD_ECLOSED,
 *          SECD_EIO
 */
int helper_begin(struct helper *h, int *fd);

/**
 * Hand a request (request_write) over, and wait for the result.
 *
 * timeout_ms  of the request; somewhat more is waited
 * out         is set in any case
 */
void helper_place(int fd, const uint8_t *request, size_t len,
		  int64_t timeout_ms, struct adapter_result *out);

/** End it and wait. NULL is fine. */
void helper_stop(struct helper *h);

#endif
