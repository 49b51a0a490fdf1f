/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transfer_stream -- an outgoing transfer, message by message. Holds all that it
 * needs: no read section, and it outlives a reload.
 */

#ifndef SECD_SERVER_TRANSFER_STREAM_H
#define SECD_SERVER_TRANSFER_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "server/frontend.h"
#include "transfer/xfr_out.h"
#include "wire/tsig.h"

struct transfer_stream {
	struct frontend *frontend;
	struct frontend_counters *counters;
	struct xfr_out *out;
	struct tsig_transaction tsig;
	bool is_done;
	bool is_ixfr; /* what was asked; the answer is whole all the same */
	uint32_t serial;
	uint8_t apex[NAME_LEN_MAX];   /* lower-case */
	struct sockaddr_storage from; /* the client */
	int64_t started_ms;
	int64_t deadline_ms;
	char zone[NAME_TEXT_MAX];
	char peer[64];
};

/**
 * The next message of a transfer.
 *
 * Returns  SECD_OK (see is_done), SECD_EAUTH (its key was taken back),
 *          SECD_ENOSPC, SECD_ENOMEM: close
 */
int transfer_stream_next(struct transfer_stream *s, uint8_t *out, size_t cap,
			 size_t *len);

/** End it, whole or not; logs its one line. NULL is fine. */
void transfer_stream_close(struct transfer_stream *s);

#endif
