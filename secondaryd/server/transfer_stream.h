/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transfer_stream -- an outgoing transfer over TCP, message by message. Holds all
 * that it needs: no read section, and it outlives a reload.
 *
 * A request for IXFR is answered with the changes since the client's version, if
 * history leads from there to the version that is served, and they are not larger
 * than the zone; else in the manner of AXFR.
 */

#ifndef SECD_SERVER_TRANSFER_STREAM_H
#define SECD_SERVER_TRANSFER_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "server/frontend.h"
#include "server/ixfr_out.h"
#include "transfer/xfr_out.h"
#include "wire/tsig.h"

struct transfer_stream {
	bool is_done;
	/* A piece of history was read: others have a turn before the next. To be
	 * reset by the caller. */
	bool is_turn_over;
	int64_t deadline_ms; /* clock_awake_ms: then it is closed */
	/* Called when there may be something to send again; the caller's. */
	void (*ready)(void *arg);
	void *arg;

	/* Private. */
	struct frontend *frontend;
	struct frontend_counters *counters;
	struct xfr_out *out;
	struct tsig_transaction tsig;
	int64_t started_ms;
	uint32_t serial;
	bool is_ixfr;   /* what was asked */
	bool has_begun; /* with a message */
	struct ixfr_out ixfr;
	uint8_t apex[NAME_LEN_MAX];
	struct sockaddr_storage client;
	char peer[64]; /* in words */
};

struct transfer_stream_params {
	struct frontend *frontend;
	struct frontend_counters *counters;
	struct version *version;
	const struct query *query;
	const uint8_t *apex;
	const struct sockaddr_storage *peer;
	int64_t time_ms; /* that it may take */
	/* Of an IXFR. */
	bool is_ixfr;
	uint32_t from;   /* the client's serial */
	const char *why; /* it is answered with the zone, or NULL */
	enum config_condense condense;
	uint64_t condense_memory;
	struct mailbox *reply;         /* of this thread */
	struct tsig_transaction *tsig; /* taken over on success */
};

/** Returns SECD_OK, SECD_ENOMEM. */
int transfer_stream_new(const struct transfer_stream_params *p,
			struct transfer_stream **out);

/**
 * The next message of a transfer. Inside a read section.
 *
 * wait_ms  receives how long to wait after SECD_EAGAIN; -1: until `ready` is
 *          called
 * Returns  SECD_OK (see is_done), SECD_EAGAIN (not yet: call again then),
 *          SECD_EAUTH (its key was taken back), SECD_EIO or another
 *          failure: close
 */
int transfer_stream_next(struct transfer_stream *s, uint8_t *out, size_t cap,
			 size_t *len, int *wait_ms);

/** End it, whole or not; logs its one line. NULL is fine. */
void transfer_stream_close(struct transfer_stream *s);

#endif
