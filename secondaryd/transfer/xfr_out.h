/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xfr_out -- the answer to AXFR and IXFR requests, message by message.
 *
 * Holds a reference to the version that it sends, whatever is published
 * meanwhile. Copies the records of nodes as they stand; names are compressed
 * against the owner before and the owner's own suffixes, with case kept. Every
 * message has the question (but a rare one that needs its room); signing and framing are the caller's. IXFR
 * requests are answered in the manner of AXFR, or with one SOA when the client
 * has our serial or a newer one (RFC 1995 section 2).
 */

#ifndef SECD_TRANSFER_XFR_OUT_H
#define SECD_TRANSFER_XFR_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/query.h"
#include "zone/version.h"

/* Messages are filled up to here: pointers reach no further (RFC 1035). */
#define XFR_OUT_FILL 16384

enum xfr_out_kind {
	XFR_OUT_AXFR,     /* the whole zone */
	XFR_OUT_SOA_ONLY, /* one SOA: up to date, or ask again over TCP */
};

/**
 * What a request is to be answered with.
 *
 * q        QTYPE AXFR or IXFR, class IN, TSIG stripped or not
 * is_udp   an IXFR that is not up to date gets the SOA only; an AXFR FORMERR
 * serial   receives the client's, for IXFR; may be NULL
 * Returns  RCODE_NOERROR, RCODE_FORMERR (IXFR without a SOA of QNAME in the
 *          authority section; AXFR over UDP, RFC 5936 section 4.2)
 */
uint8_t xfr_out_choose(const struct version *v, const struct query *q,
		       bool is_udp, enum xfr_out_kind *kind, uint32_t *serial);

enum xfr_out_verdict {
	XFR_OUT_MORE,   /* a message was written, and there are more */
	XFR_OUT_DONE,   /* the last message was written */
	XFR_OUT_FAILED, /* a record does not fit into `cap`, or the image is
			   damaged: close */
};

struct xfr_out_count {
	uint64_t messages, records,
	    octets; /* octets without TSIG and framing */
};

struct xfr_out;

/**
 * v        a reference is taken
 * q        id and question are copied
 * Returns  SECD_OK, SECD_ENOMEM
 */
int xfr_out_new(struct version *v, const struct query *q,
		enum xfr_out_kind kind, struct xfr_out **out);
void xfr_out_free(struct xfr_out *x);

/**
 * Write the next message. Not to be called after DONE or FAILED.
 *
 * buf      room for `cap` octets: 65535, so that every record fits
 * reserve  octets of it to leave free for a TSIG (tsig_room)
 * len      receives the octets written
 */
enum xfr_out_verdict xfr_out_next(struct xfr_out *x, uint8_t *buf, size_t cap,
				  size_t reserve, size_t *len);

void xfr_out_count(const struct xfr_out *x, struct xfr_out_count *out);

#endif
