/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frontend -- what the threads that talk to clients need from the rest of the
 * server, and what they count.
 */

#ifndef SECD_SERVER_FRONTEND_H
#define SECD_SERVER_FRONTEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/downstreams.h"
#include "server/keys.h"
#include "server/root.h"

struct clients;
struct evidence;

/* Each worker has its own, on cache lines of its own, read by others for
 * status: relaxed atomics. */
struct frontend_counters {
	_Alignas(64) atomic_uint_fast64_t queries;
	atomic_uint_fast64_t answers[16]; /* by RCODE */
	atomic_uint_fast64_t truncated;
	atomic_uint_fast64_t ignored; /* responses, fragments of headers */
	atomic_uint_fast64_t notifies;
	atomic_uint_fast64_t transfers;      /* out, begun */
	atomic_uint_fast64_t transfers_done; /* out, to their end */
	/* Of those begun, answers to IXFR: with changes, and with the zone. */
	atomic_uint_fast64_t ixfr, ixfr_axfr_style;
	atomic_uint_fast64_t ixfr_condensed; /* of ixfr */
	atomic_uint_fast64_t tcp_refused;    /* over a cap */
};

/** Only the worker itself writes its counters: no locked instruction is
 * needed. */
static inline void
frontend_count(atomic_uint_fast64_t *counter)
{
	atomic_store_explicit(
	    counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

struct condenser;
struct secd_since;

/* Who remembers how zones have changed. */
struct frontend_history {
	void *ctx; /* first argument */
	/** As changes_since of secondaryd/module.h. Any thread. NULL: nobody
	 * remembers. */
	int (*changes_since)(void *ctx, struct secd_since *s);
};

struct frontend {
	struct root_pointer root;
	struct keys keys;
	struct evidence *evidence; /* NULL: nobody wants to know */
	/**
	 * A NOTIFY that is allowed came in for this zone. Called inside a
	 * read section, from any worker; never waits.
	 */
	void (*notified)(struct zone *zone, const struct sockaddr_storage *from,
			 bool has_serial, uint32_t serial);
	struct frontend_history history;
	struct condenser *condenser; /* NULL: only what is done on the spot */
	atomic_uint transfers_out;   /* running, bounded by the configuration */
	struct clients *clients;     /* for clients.c alone */
	struct downstreams *downstreams; /* NULL: nobody wants to know */
};

#endif
