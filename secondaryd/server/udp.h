/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp -- a worker that answers datagrams in batches: one system call reads up
 * to 32, one sends their answers.
 */

#ifndef SECD_SERVER_UDP_H
#define SECD_SERVER_UDP_H

#include "server/frontend.h"
#include "server/listen.h"

struct udp_worker;

/**
 * sockets  `count` of them, this worker's alone; they outlive it
 * Returns  SECD_OK, SECD_ENOMEM, SECD_EIO
 */
int udp_start(const struct listen_socket *sockets, unsigned count,
	      struct frontend *f, struct udp_worker **out);

const struct frontend_counters *udp_counters(const struct udp_worker *w);

/** End the thread: what was received is answered first. NULL is fine. */
void udp_stop(struct udp_worker *w);

#endif
