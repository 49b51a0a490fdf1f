/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clients -- the sockets that clients reach us by and the threads that answer
 * on them: UDP workers in batches, TCP workers on loops of their own.
 */

#ifndef SECD_SERVER_CLIENTS_H
#define SECD_SERVER_CLIENTS_H

#include "config/config.h"
#include "server/frontend.h"

struct listeners;

/**
 * Bind every address for every worker (SO_REUSEPORT), UDP and TCP. Needs the
 * privilege for low ports; everything else comes later.
 *
 * reason   receives one sentence with the address on failure; room for 256
 * Returns  SECD_OK, SECD_EIO, SECD_EPERM, SECD_ENOMEM
 */
int listeners_open(const struct config_server *c, struct listeners **out,
		   char reason[256]);

/** After the threads ended. NULL is fine. */
void listeners_close(struct listeners *l);

struct clients;

/** Start the workers; the root is in place. SECD_OK, SECD_ENOMEM, SECD_EIO. */
int clients_start(struct listeners *l, struct frontend *f,
		  struct clients **out);

/** Stop accepting, close connections, end the threads. NULL is fine. */
void clients_stop(struct clients *c);

/** Keys were taken back: end the transfers that run under them. Any thread,
 * whether there are clients or not. */
void clients_cut(struct frontend *f);

/* Sums over all workers. */
struct clients_count {
	uint64_t queries_udp, queries_tcp;
	uint64_t answers[16]; /* by RCODE */
	uint64_t truncated, ignored, notifies;
	uint64_t transfers, transfers_done;
	uint64_t ixfr, ixfr_axfr_style, ixfr_condensed;
	uint64_t tcp_refused;
	unsigned tcp_connections; /* now */
};
void clients_count(const struct clients *c, struct clients_count *out);

#endif
