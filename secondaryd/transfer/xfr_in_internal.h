/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of xfr_in share: xfr_in.c reads messages, xfr_in_record.c
 * knows which record may follow which.
 */

#ifndef SECD_TRANSFER_XFR_IN_INTERNAL_H
#define SECD_TRANSFER_XFR_IN_INTERNAL_H

#include "transfer/xfr_in.h"

/* What a SOA can have at most. */
#define XFR_IN_SOA_MAX (2 * NAME_LEN_MAX + 20)

/* What the next record may be. */
enum xfr_in_phase {
	PHASE_FIRST,  /* the opening SOA */
	PHASE_SECOND, /* of an answer to IXFR: it tells which manner */
	PHASE_AXFR,   /* records, up to the closing SOA */
	PHASE_DELETE, /* deleted records, up to the SOA after */
	PHASE_ADD, /* added records, up to the SOA of a next step or the end */
	PHASE_END, /* nothing */
	PHASE_FAILED,
};

struct xfr_in_soa {
	struct rr rr; /* points into the two below */
	uint8_t owner[NAME_LEN_MAX];
	uint8_t rdata[XFR_IN_SOA_MAX];
};

struct xfr_in {
	struct xfr_in_params params;
	uint8_t apex[NAME_LEN_MAX];
	enum xfr_in_phase phase;
	uint64_t size; /* octets of the records, uncompressed */
	struct xfr_in_soa opening;
	struct xfr_in_soa reached; /* the SOA after the last step */
	uint32_t step_from;        /* serial before the step that is read */
	struct spool *spool;
	struct changeset changes;
	struct xfr_in_result result;
	struct rr_reader reader; /* last: it is not initialised */
};

/** End with a failure and drop what was received. Always SECD_EMALF. */
int xfr_in_refuse(struct xfr_in *x, enum failure why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Take the next record of the answer; `rr` is changed. SECD_OK, SECD_EMALF. */
int xfr_in_record(struct xfr_in *x, struct rr *rr, uint16_t class);

#endif
