/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exchange -- one question to a primary and its answer, over TCP.
 *
 * Makes the request, signs it, verifies every message of the answer and the
 * stream's end, and holds the result back until then: before EXCHANGE_DONE
 * nothing can be taken. Any number of exchanges may follow each other on one
 * connection. It knows no sockets; whoever drives it owns connection, framing,
 * timeouts and the minimum rate, and tells it with exchange_stop when those
 * end it.
 *
 *     new -> request -> message ... message -> DONE: take, free
 *                                           -> FAILED: result, free
 *
 * A connection is fit for another exchange only after EXCHANGE_DONE, and not
 * after XFR_IN_USE_AXFR.
 */

#ifndef SECD_TRANSFER_EXCHANGE_H
#define SECD_TRANSFER_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/failure.h"
#include "transfer/xfr_in.h"
#include "wire/tsig.h"

/* Octets that every request fits in: header, question, SOA, TSIG. */
#define EXCHANGE_REQUEST_MAX 1280

/* How long to wait for a next message while exchange_may_end. */
#define EXCHANGE_PAUSE_MS 2000

struct exchange_params {
	/* question, apex, id (random, unpredictable), serial, policy, limits,
	 * spool */
	struct xfr_in_params in;
	struct tsig_key *key; /* a reference is taken; NULL: unsigned */
};

enum exchange_verdict {
	EXCHANGE_MORE, /* wait for the next message */
	EXCHANGE_DONE,
	EXCHANGE_FAILED,
};

struct exchange_result {
	const struct xfr_in_result *in; /* failure, rcode and text too */
	enum tsig_verdict tsig;         /* for FAILURE_AUTH */
	bool has_skew;                  /* a TSIG of the primary was seen */
	int64_t skew_s;                 /* its clock minus ours */
};

struct exchange;

/** Returns SECD_OK, SECD_ENOMEM. */
int exchange_new(const struct exchange_params *p, struct exchange **out);
void exchange_free(struct exchange *x);

/**
 * Write the request: RD clear, no OPT; for IXFR a SOA with our serial in the
 * authority section (RFC 1995 section 3). Call once.
 *
 * buf      at least EXCHANGE_REQUEST_MAX octets
 * len      receives the octets of the message; framing is the caller's
 * now      wall clock, seconds
 * Returns  SECD_OK, SECD_ENOSPC, SECD_ENOMEM
 */
int exchange_request(struct exchange *x, uint8_t *buf, size_t cap, size_t *len,
		     int64_t now);

/**
 * Take one message of the answer, without its length prefix.
 *
 * msg      changed in place (the TSIG is cut off)
 * now      wall clock, seconds
 */
enum exchange_verdict exchange_message(struct exchange *x, uint8_t *msg,
				       size_t len, int64_t now);

/** As xfr_in_stop: end of connection, deadline, rate, shutdown. */
enum exchange_verdict exchange_stop(struct exchange *x, enum failure why,
				    const char *text);

/** Wait no longer than EXCHANGE_PAUSE_MS, then exchange_stop(TIMEOUT). */
bool exchange_may_end(const struct exchange *x);

/** The key that it runs under, or NULL. */
const struct tsig_key *exchange_key(const struct exchange *x);

/** What is known now. */
void exchange_result(const struct exchange *x, struct exchange_result *out);

/** As xfr_in_take_spool; NULL before EXCHANGE_DONE. */
struct spool *exchange_take_spool(struct exchange *x);

/** As xfr_in_take_changeset; SECD_ENOTFOUND before EXCHANGE_DONE. */
int exchange_take_changeset(struct exchange *x, struct changeset *out);

#endif
