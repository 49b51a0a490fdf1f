/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen -- the bound sockets: one of each address for each worker, so that
 * the kernel spreads the load (SO_REUSEPORT) and no worker shares a queue.
 */

#ifndef SECD_SERVER_LISTEN_H
#define SECD_SERVER_LISTEN_H

#include <stdbool.h>

#include "server/clients.h"

struct listen_socket {
	int fd;
	struct sockaddr_storage address;
	bool is_wildcard; /* answers must name their source (PKTINFO) */
};

struct listeners {
	unsigned address_count;
	unsigned udp_workers, tcp_workers;
	/* Of worker w and address a: [w * address_count + a]. */
	struct listen_socket *udp, *tcp;
};

#endif
