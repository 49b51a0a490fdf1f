/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_conn -- one TCP connection of a client, on its worker's loop.
 */

#ifndef SECD_SERVER_TCP_CONN_H
#define SECD_SERVER_TCP_CONN_H

#include <ev.h>

#include "base/buf.h"
#include "server/dispatch.h"

#define TCP_MESSAGE_MAX 65535
/* Answers gathered for one send. */
#define TCP_OUT_MAX (4 * (2 + TCP_MESSAGE_MAX))

struct tcp_conn;

/* What connections of a worker share; no connection keeps any of it between
 * two calls of the loop. */
struct tcp_shared {
	struct ev_loop *loop;
	struct dispatcher dispatcher;
	struct request requests[DISPATCH_READ_MAX];
	atomic_uint *connections;
	struct tcp_conn *all; /* doubly linked */
	double idle_s, io_s;  /* timeouts */
	size_t out_len;
	uint8_t in[2 + TCP_MESSAGE_MAX];
	uint8_t out[TCP_OUT_MAX];
};

/** Serve an accepted socket; it is the connection's from now on. */
void tcp_conn_open(struct tcp_shared *shared, int fd,
		   const struct sockaddr_storage *peer);

void tcp_conn_close(struct tcp_conn *c);

/** Keys were taken back: end the transfers that run under them, with what the
 * system still has of these. */
void tcp_conn_cut(struct tcp_shared *shared);

#endif
