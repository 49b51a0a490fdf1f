/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xfr_in -- the grammar of what a primary answers to SOA, AXFR (RFC 5936) and
 * IXFR (RFC 1995) queries over TCP.
 *
 * Takes whole messages, TSIG already verified and stripped; yields a spool
 * (AXFR) or a changeset (IXFR) and says when the answer is complete. Whatever
 * the grammar does not allow ends it. It knows nothing of TSIG: what it
 * collected counts only when the caller knows that the end was verified, so
 * use it through exchange.h.
 *
 * Accepted: any number of messages and records in each; the question absent
 * after the first message; an answer to IXFR in the manner of AXFR (the second
 * record is not a SOA), of one SOA, of one or several difference sequences,
 * also condensed and empty ones.
 * Refused: wrong id, opcode, question or class; QR clear, TC set; octets left
 * over; no record in a message; owners outside of the zone; SOA elsewhere
 * than at the apex; types that are not data; a closing SOA unlike the opening
 * one; sequences that do not start at our serial, do not follow each other,
 * do not advance, or end elsewhere than announced; records after the end; more
 * octets or records than the limits. AA is reported, not required. Authority
 * and additional records must be well formed and are not looked at.
 * A TTL above 2^31 - 1 becomes 0 (RFC 2181 section 8).
 */

#ifndef SECD_TRANSFER_XFR_IN_H
#define SECD_TRANSFER_XFR_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/failure.h"
#include "wire/rr.h"
#include "zone/build.h"
#include "zone/changeset.h"

enum xfr_in_question {
	XFR_IN_ASK_SOA,
	XFR_IN_ASK_IXFR,
	XFR_IN_ASK_AXFR,
};

/** The QTYPE of it. */
uint16_t xfr_in_qtype(enum xfr_in_question question);

/* Which opening serials of an AXFR are worth receiving. */
enum xfr_in_policy {
	XFR_IN_NEWER,          /* than `serial`, else FAILURE_STALE */
	XFR_IN_NEWER_OR_EQUAL, /* an operator asked for a retransfer */
	XFR_IN_ANY,            /* nothing is held, or an operator forces it */
};

struct xfr_in_limits {   /* 0: not limited */
	uint64_t octets; /* of messages, and of records uncompressed */
	uint64_t records;
	uint64_t changeset_octets; /* an IXFR is held in memory */
};

struct xfr_in_params {
	const uint8_t *apex; /* copied */
	uint16_t id;
	enum xfr_in_question question;
	uint32_t serial;           /* held; IXFR, and AXFR unless XFR_IN_ANY */
	enum xfr_in_policy policy; /* AXFR; an IXFR is always XFR_IN_NEWER */
	struct xfr_in_limits limits;
	const char *spool_dir; /* spool_new; must outlive the object */
	size_t spool_chunk;
};

enum xfr_in_outcome {
	XFR_IN_NOTHING, /* not complete, or failed */
	XFR_IN_SOA,     /* the answer to a SOA query */
	/* To IXFR, one SOA that is not newer; refresh.h tells equal from
	 * older. */
	XFR_IN_UP_TO_DATE,
	XFR_IN_USE_AXFR,   /* to IXFR, nothing but one SOA that is newer */
	XFR_IN_IXFR,       /* take the changeset */
	XFR_IN_AXFR,       /* take the spool */
	XFR_IN_AXFR_STYLE, /* answer to IXFR: take the spool */
};
const char *xfr_in_outcome_text(enum xfr_in_outcome outcome);

struct xfr_in_result {
	enum xfr_in_outcome outcome;
	bool has_soa;
	struct rr_soa soa; /* the first SOA */
	bool aa;           /* of the first message */
	uint64_t messages;
	uint64_t octets;  /* of the messages */
	uint64_t records; /* in answer sections */
	enum failure failure;
	uint8_t rcode;               /* for FAILURE_RCODE */
	char text[FAILURE_TEXT_MAX]; /* of the failure, else "" */
};

enum xfr_in_verdict {
	XFR_IN_MORE,
	XFR_IN_DONE,
	XFR_IN_FAILED, /* nothing more is accepted */
};

struct xfr_in;

/** Returns SECD_OK, SECD_ENOMEM. Allocates some 70 KiB. */
int xfr_in_new(const struct xfr_in_params *p, struct xfr_in **out);
void xfr_in_free(struct xfr_in *x);

/**
 * Take the next message. Once the answer is complete or has failed, nothing
 * is taken any more and the same verdict comes again.
 */
enum xfr_in_verdict xfr_in_message(struct xfr_in *x, const uint8_t *msg,
				   size_t len);

/**
 * No further message will come. What an IXFR got so far may be complete: one
 * newer SOA in a message of its own can be the whole answer or its beginning.
 *
 * why      FAILURE_TIMEOUT, FAILURE_CLOSED, FAILURE_LOCAL...
 * text     of the failure; NULL: failure_text
 * Returns  XFR_IN_DONE (XFR_IN_USE_AXFR, or it was done before), else
 *          XFR_IN_FAILED
 */
enum xfr_in_verdict xfr_in_stop(struct xfr_in *x, enum failure why,
				const char *text);

/**
 * End it from outside: whatever was received does not count.
 *
 * text     copied; NULL: failure_text
 */
void xfr_in_fail(struct xfr_in *x, enum failure why, const char *text);

/** True when the answer may end here, so that waiting long makes no sense. */
bool xfr_in_may_end(const struct xfr_in *x);

/** What is known now; valid until the next call. */
const struct xfr_in_result *xfr_in_result(const struct xfr_in *x);

/**
 * After XFR_IN_AXFR or XFR_IN_AXFR_STYLE: the spool, the caller's from now
 * on. NULL when there is none.
 */
struct spool *xfr_in_take_spool(struct xfr_in *x);

/**
 * After XFR_IN_IXFR: move the changeset out.
 *
 * out      overwritten; changeset_fini it
 * Returns  SECD_OK, SECD_ENOTFOUND (there is none)
 */
int xfr_in_take_changeset(struct xfr_in *x, struct changeset *out);

#endif
