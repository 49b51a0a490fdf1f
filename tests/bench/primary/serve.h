/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve -- a query, and what is sent back: SOA, AXFR and IXFR, each message
 * signed when the query was.
 *
 * The query's own signature is not verified; only secondaries that are being
 * measured ask here.
 */

#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H

#include <stdatomic.h>

#include "primary/flat.h"
#include "primary/signed.h"
#include "primary/small.h"

struct zones {
	struct flat *flat;
	struct signed_zone *nsec, *nsec3;
	struct small *small;
	knot_tsig_key_t key;
	/* Transfers of flat.test. that were sent. */
	atomic_uint axfr_count, ixfr_count;
};

/**
 * Answer one query.
 *
 * s      to work in; stays the caller's
 * peer   NULL: TCP; over UDP, IXFR is answered with the SOA alone
 *        (RFC 1995 section 2)
 */
void serve(struct zones *z, struct stream *s, int fd,
	   const struct sockaddr_in *peer, uint8_t *query, size_t len);

#endif
