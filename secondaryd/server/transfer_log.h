/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transfer_log -- the one line about a transfer to somebody else.
 */

#ifndef SECD_SERVER_TRANSFER_LOG_H
#define SECD_SERVER_TRANSFER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "transfer/xfr_out.h"
#include "wire/tsig.h"

struct transfer_log {
	const uint8_t *apex;
	const char *peer;
	const char *transport; /* "tcp" */
	const struct tsig_key *key;
	uint32_t serial;
	bool is_ixfr;    /* asked for */
	uint32_t from;   /* the client's serial, of an IXFR */
	const char *why; /* an IXFR is answered with the zone, or NULL */
	uint32_t steps;  /* of an IXFR; 0: those that were sent */
	bool is_condensed;
	struct xfr_out_count count;
	int64_t took_ms;
	const char *broke; /* why it did not come to its end, "" or NULL */
};

void transfer_log(const struct transfer_log *t);

#endif
