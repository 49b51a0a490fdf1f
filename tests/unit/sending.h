/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sending -- one answer of xfr_out to a request, as octets that libknot can read,
 * and as what xfr_in takes it for.
 */

#ifndef TESTS_SENDING_H
#define TESTS_SENDING_H

#include "base/buf.h"
#include "transfer/xfr_in.h"
#include "transfer/xfr_out.h"

struct sending {
	struct version *version;
	const char *qname; /* as sent */
	uint16_t qtype;
	bool edns;
	size_t cap, reserve;
	enum xfr_out_kind kind;

	uint8_t request[512];
	struct query query;

	/* What came out. */
	enum xfr_out_verdict verdict;
	int failure;
	struct buf stream; /* with two octets of length before each */
	struct xfr_out_count count;
	size_t longest;
};

/** An AXFR of example., without EDNS, with all room that TCP has. */
void sending_init(struct sending *t);
void sending_fini(struct sending *t);

/** What is sent; taken over. */
void sending_hold(struct sending *t, struct image *im);

/** serial: in the authority section of an IXFR, or -1. */
void sending_query(struct sending *t, int64_t serial);

/**
 * Run to the end, and look at each message.
 *
 * source   of changes since the serial `from`, or NULL
 */
enum xfr_out_verdict sending_all(struct sending *t,
				 const struct xfr_out_source *source,
				 uint32_t from);

/**
 * The other side: what a client makes of it, who asked for what was asked, and
 * holds the serial `held`.
 *
 * in       receives the client; xfr_in_free it
 */
enum xfr_in_outcome sending_receive(const struct sending *t,
				    const uint8_t *apex, uint32_t held,
				    struct xfr_in **in);

#endif
