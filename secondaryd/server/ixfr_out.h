/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ixfr_out -- what a request for IXFR is answered with: the changes since the
 * client's version, step by step or condensed into one, or the whole zone, and
 * why.
 */

#ifndef SECD_SERVER_IXFR_OUT_H
#define SECD_SERVER_IXFR_OUT_H

#include "config/config.h"
#include "server/condense.h"
#include "server/history.h"
#include "transfer/xfr_out.h"

struct ixfr_out_params {
	const struct frontend *frontend;
	const uint8_t *apex; /* lower-case; outlives the object */
	uint32_t from;       /* the client's serial */
	uint32_t to;         /* the serial that is served */
	uint64_t seq;        /* of that version */
	/* About what the zone takes: changes are not to take more. */
	uint64_t zone_octets;
	enum config_condense condense;
	uint64_t condense_memory;
	/* Who is told when to go on; NULL: it is done on the spot, with one
	 * piece of history, or not at all. */
	struct mailbox *reply;
	void (*ready)(void *arg);
	void *arg;
};

/* How soon to ask again: mostly a version is committed 2 ms after it is served,
 * and to ask takes some microseconds. */
#define IXFR_OUT_WAIT_MS 1

struct ixfr_out {
	struct ixfr_out_params params; /* of the caller; the rest is zero */

	/* Read-only. */
	bool is_decided;
	const char *why;   /* the answer is the zone; NULL: it is not */
	uint32_t steps;    /* of changes; 0: unknown */
	bool is_condensed; /* into one */
	bool wants_call;   /* of ixfr_out_decide again; else of `ready` */

	/* Private. */
	int64_t asked_ms; /* first */
	bool is_tried;    /* to be condensed, and it was too much */
	struct history *history;
	struct condense *condense;
};

/**
 * Decide, or go on with it.
 *
 * Returns  SECD_OK: is_decided; SECD_EAGAIN: call again in IXFR_OUT_WAIT_MS, or
 *          when `ready` was called
 */
int ixfr_out_decide(struct ixfr_out *o);

/** The answer is the zone. */
void ixfr_out_give_up(struct ixfr_out *o, const char *why);

/** Where the changes come from, that were decided for. */
struct xfr_out_source ixfr_out_source(struct ixfr_out *o);

void ixfr_out_fini(struct ixfr_out *o);

#endif
