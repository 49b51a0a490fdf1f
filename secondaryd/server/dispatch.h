/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dispatch -- what to do with a request, whatever it came over: plain queries
 * at once, everything else (TSIG, NOTIFY, AXFR, IXFR) by the rules of ACLs.
 *
 * Call inside a read section.
 */

#ifndef SECD_SERVER_DISPATCH_H
#define SECD_SERVER_DISPATCH_H

#include <stddef.h>
#include <stdint.h>

#include "server/frontend.h"
#include "wire/query.h"
#include "wire/tsig.h"

struct mailbox;
struct transfer_stream;

/* Lines that anybody's datagrams can cause: so many in a second, and then how
 * many were left out. */
struct log_budget {
	int64_t second;
	unsigned used;
	uint64_t left_out;
};

/* What a worker lends. */
struct dispatcher {
	struct frontend *frontend;
	struct frontend_counters *counters;
	const struct root *root; /* of this read section */
	struct mailbox *box;     /* of the worker's thread; NULL for UDP */
	struct log_budget budget;
};

/* One request on its way to its response. */
struct request {
	/* Of the caller: */
	uint8_t *msg; /* changed in place */
	size_t len;
	const struct sockaddr_storage *from;
	uint8_t *out; /* room for `cap` octets: 65535 for TCP */
	size_t cap;
	/* TCP: receives a transfer to be sent, when that is the answer (0 is
	 * returned then), else NULL; for UDP it is NULL itself */
	struct transfer_stream **stream;

	/* Of dispatch_read: */
	enum query_verdict verdict;
	struct query query;

	/* For dispatch.c alone: */
	struct dispatcher *d;
	bool is_signed;
	struct tsig_transaction tsig; /* where it is slow */
};

/* Of so many together: more gain nothing (measured: flat above 16 to 32). */
#define DISPATCH_READ_MAX 32

/**
 * Read requests that came together, up to DISPATCH_READ_MAX, and begin to
 * fetch from memory what answering them takes.
 */
void dispatch_read(const struct dispatcher *d, struct request *requests,
		   unsigned count);

/**
 * Answer a request that was read inside the same read section.
 *
 * Returns  octets of the response; 0: send nothing
 */
size_t dispatch_answer(struct dispatcher *d, struct request *r);

#endif
