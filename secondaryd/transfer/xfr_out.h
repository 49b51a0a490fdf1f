/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xfr_out -- the answer to AXFR and IXFR requests, message by message.
 *
 * Sends a whole version, and holds a reference to it whatever is published
 * meanwhile; or the changes that lead to a version, which it pulls as they are
 * needed, and holds nothing. Copies the records of nodes and of entries as they
 * stand; owners are compressed against the one before, with case kept. Every
 * message has the question (but a rare one that needs its room); signing and
 * framing are the caller's.
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
	XFR_OUT_IXFR,     /* what has changed since, if that is known */
};

/**
 * What a request is to be answered with. A client that has our serial or a newer
 * one gets one SOA (RFC 1995 section 2).
 *
 * q        QTYPE AXFR or IXFR, class IN, TSIG stripped or not
 * serial   receives the client's, for IXFR; may be NULL
 * Returns  RCODE_NOERROR, RCODE_FORMERR (IXFR without a SOA of QNAME in the
 *          authority section; AXFR over UDP, RFC 5936 section 4.2)
 */
uint8_t xfr_out_choose(const struct version *v, const struct query *q,
		       bool is_udp, enum xfr_out_kind *kind, uint32_t *serial);

enum xfr_out_verdict {
	XFR_OUT_MORE,   /* a message was written, and there are more */
	XFR_OUT_DONE,   /* the last message was written */
	XFR_OUT_FAILED, /* close; see xfr_out_failure */
};

struct xfr_out_count {
	uint64_t messages, records,
	    octets;     /* octets without TSIG and framing */
	uint32_t steps; /* of changes, that have begun */
};

/* Where changes come from: runs of entries (secondaryd/module.h), the steps of
 * an IXFR. */
struct xfr_out_source {
	void *ctx; /* first argument */
	/**
	 * The next run, whole entries, lent until the next call; *len 0: the
	 * end.
	 *
	 * Returns  SECD_OK, or why it breaks off
	 */
	int (*next)(void *ctx, const uint8_t **octets, size_t *len);
};

struct xfr_out;

/**
 * v        a reference is taken
 * q        id and question are copied
 * kind     XFR_OUT_IXFR: the whole zone, until changes are set
 * Returns  SECD_OK, SECD_ENOMEM
 */
int xfr_out_new(struct version *v, const struct query *q,
		enum xfr_out_kind kind, struct xfr_out **out);
void xfr_out_free(struct xfr_out *x);

/**
 * Before the first message: send changes rather than the zone. The reference to
 * the version is given back.
 *
 * source   copied; outlives the object
 * from     serial at which the changes have to begin; where they end is known
 */
void xfr_out_set_changes(struct xfr_out *x, const struct xfr_out_source *source,
			 uint32_t from);

/**
 * About how many octets entries take in messages.
 *
 * apex_len  of the zone's apex, which owners have in common
 * Returns   0: they are no entries
 */
uint64_t xfr_out_about(const uint8_t *octets, size_t len, size_t apex_len);

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

/**
 * After FAILED: SECD_ENOSPC (a record does not fit into `cap`), SECD_EIO (the
 * image is damaged), SECD_EMALF (changes that are none, or lead elsewhere), or
 * what the source returned.
 */
int xfr_out_failure(const struct xfr_out *x);

#endif
