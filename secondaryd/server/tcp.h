/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp -- a worker that serves TCP connections (RFC 7766) on a loop of its own:
 * queries one after the other or pipelined, and outgoing transfers.
 *
 * A connection is closed when it is idle for tcp-idle-timeout, when a message
 * once begun does not arrive, or of an answer nothing is taken, for
 * tcp-io-timeout; also when either takes twelve times that in all, or a transfer
 * longer than transfer-max-time.
 * While answers wait to be taken nothing more is read. Responses go out in the
 * order of their queries.
 */

#ifndef SECD_SERVER_TCP_H
#define SECD_SERVER_TCP_H

#include "server/frontend.h"
#include "server/listen.h"

struct tcp_worker;

/**
 * sockets      `count` of them, this worker's alone; they outlive it
 * connections  how many there are, over all workers
 * Returns      SECD_OK, SECD_ENOMEM, SECD_EIO
 */
int tcp_start(const struct listen_socket *sockets, unsigned count,
	      struct frontend *f, atomic_uint *connections,
	      struct tcp_worker **out);

const struct frontend_counters *tcp_counters(const struct tcp_worker *w);

/** Keys were taken back: end the transfers that run under them. Any thread. */
void tcp_cut(struct tcp_worker *w);

/** Close all connections, end the thread. NULL is fine. */
void tcp_stop(struct tcp_worker *w);

/** After tcp_stop, when nobody writes letters to it any more. NULL is fine. */
void tcp_free(struct tcp_worker *w);

#endif
