/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe -- one signed SOA query to a server, to see what it makes of a key.
 *
 * Makes the message, takes what comes back, and says when to send it again and
 * when it is over. Over UDP, and over TCP after an answer that is truncated; or
 * over TCP at once. Anybody may send a datagram that says BADKEY, or one that
 * is signed wrongly: such an answer counts only when no better one comes within
 * a moment (RFC 8945 section 5.4). Moments are CLOCK_BOOTTIME in milliseconds.
 */

#ifndef SECD_TRANSFER_PROBE_H
#define SECD_TRANSFER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/tsig.h"

#define PROBE_MESSAGE_MAX 1024 /* octets that any fits in: two long names */

/* As secondaryd/module.h has them. */
enum probe_outcome {
	PROBE_VERIFIED = 1, /* an answer whose MAC verifies */
	PROBE_REFUSED,      /* tsig_error says what the peer objects to */
	PROBE_UNSIGNED,     /* an answer without TSIG */
	PROBE_WRONG,        /* a signature that does not verify here */
	PROBE_SILENT,       /* nothing in time */
	PROBE_UNREACHABLE,
	PROBE_FAILED, /* of our own */
};

struct probe_result {
	enum probe_outcome outcome;
	uint8_t rcode;
	/* What the peer objects to, or what is wrong with its signature. */
	enum tsig_error tsig_error;
	bool has_serial;
	uint32_t serial;
	int64_t skew_s; /* the peer's clock minus ours; 0 when unknown */
	int64_t took_ms;
};

struct probe {
	/* To be read only. */
	bool is_tcp;    /* how the message is to be sent */
	int64_t due_ms; /* of the next probe_turn */
	size_t len;     /* of the message */
	uint8_t msg[PROBE_MESSAGE_MAX];
	struct probe_result result; /* once it is over */

	/* Private. */
	uint8_t zone[NAME_LEN_MAX]; /* lower-case */
	struct tsig_key *key;
	struct tsig_transaction tsig;
	uint16_t id, next_id;
	bool has_answer; /* in `result`, but one that anybody may have sent */
	unsigned tries;
	int64_t started_ms, deadline_ms;
};

enum probe_want {
	PROBE_WAIT, /* for an answer, until due_ms */
	PROBE_SEND, /* the message, by is_tcp */
	PROBE_OVER,
};

/**
 * Begin: the message is to be sent.
 *
 * zone     copied
 * key      a reference is taken
 * random   unpredictable
 * wall_s   for the signature
 * Returns  SECD_OK, SECD_ENOMEM; probe_fini in any case
 */
int probe_init(struct probe *p, const uint8_t *zone, struct tsig_key *key,
	       bool is_tcp, int64_t timeout_ms, uint32_t random, int64_t now_ms,
	       int64_t wall_s);
void probe_fini(struct probe *p);

/**
 * Take a message from the peer.
 *
 * msg      changed in place
 */
enum probe_want probe_take(struct probe *p, uint8_t *msg, size_t len,
			   int64_t now_ms, int64_t wall_s);

/** It is now due_ms. */
enum probe_want probe_turn(struct probe *p, int64_t now_ms);

/** It ends for a reason that is not in a message. */
void probe_end(struct probe *p, enum probe_outcome outcome, int64_t now_ms);

#endif
