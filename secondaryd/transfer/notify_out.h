/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify_out -- telling one server of a zone's new version until it says that
 * it heard (RFC 1996), over UDP.
 *
 * One object for each zone and target. Makes the message, checks the answer,
 * says when to send again: after 1, 2, 4, 8 and 16 seconds, then it gives up
 * and says so. A newer version starts afresh. Moments are CLOCK_BOOTTIME in
 * milliseconds.
 */

#ifndef SECD_TRANSFER_NOTIFY_OUT_H
#define SECD_TRANSFER_NOTIFY_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transfer/failure.h"
#include "wire/rr.h"
#include "wire/tsig.h"

#define NOTIFY_OUT_TRIES_MAX   6
#define NOTIFY_OUT_MESSAGE_MAX 1400 /* octets that any fits in */

enum notify_out_state {
	NOTIFY_OUT_IDLE,    /* nothing was announced yet */
	NOTIFY_OUT_SENDING, /* due at due_ms */
	NOTIFY_OUT_HEARD,   /* acknowledged */
	NOTIFY_OUT_REFUSED, /* answered with an error: asking again is vain */
	NOTIFY_OUT_GIVEN_UP,
};
const char *notify_out_state_text(enum notify_out_state state);

struct notify_out {
	/* To be read only. */
	enum notify_out_state state;
	uint32_t serial; /* announced last */
	unsigned tries;  /* sent for it */
	int64_t due_ms;  /* in NOTIFY_OUT_SENDING, else INT64_MAX */
	uint8_t rcode;   /* in NOTIFY_OUT_REFUSED */
	char error[FAILURE_TEXT_MAX]; /* why an answer did not count, or "" */

	/* The last call of notify_out_answer was given an answer to what was
	 * sent, and this is the verdict on its signature. */
	bool is_judged;
	enum tsig_verdict verdict;

	/* Private. */
	const uint8_t *apex;
	struct tsig_transaction tsig;
	bool is_asked; /* `id` and `tsig` belong to a message that was sent */
	uint16_t id;
};

/** apex  borrowed as long as `n` is used */
void notify_out_init(struct notify_out *n, const uint8_t *apex);
void notify_out_fini(struct notify_out *n);

/** There is something to tell; its NOTIFY is due at a moment, as a rule now. */
void notify_out_announce(struct notify_out *n, uint32_t serial, int64_t due_ms);

/**
 * It is now now_ms: is a message due? Gives up when the last one was not
 * answered. Call at due_ms.
 */
bool notify_out_is_due(struct notify_out *n, int64_t now_ms);

/**
 * Write the message and count it as a try. Only when notify_out_is_due.
 *
 * soa      the version's SOA (owner, uncompressed RDATA); borrowed
 * key      a reference is taken; NULL: unsigned
 * id       random and unpredictable; a new one for each message
 * buf      at least NOTIFY_OUT_MESSAGE_MAX octets
 * Returns  SECD_OK, SECD_EINVAL (not due), SECD_ENOSPC, SECD_ENOMEM: the try
 *          counts all the same, and due_ms moves on
 */
int notify_out_message(struct notify_out *n, const struct rr *soa,
		       struct tsig_key *key, uint16_t id, uint8_t *buf,
		       size_t cap, size_t *len, int64_t now_ms, int64_t wall_s);

/** The message that is due cannot be made, since ...: the try counts. */
void notify_out_miss(struct notify_out *n, const char *why, int64_t now_ms);

/** The next message is due now, if there is to be one. */
void notify_out_hasten(struct notify_out *n, int64_t now_ms);

/** The key that the last message was signed with, or NULL. */
const struct tsig_key *notify_out_key(const struct notify_out *n);
/** The target's clock minus ours, in seconds, as far as `verdict` tells. */
int64_t notify_out_skew(const struct notify_out *n);

/**
 * Take a datagram from the target.
 *
 * msg      changed in place
 * Returns  true: it was the answer, see state; false: it was not, `error`
 *          says why, and the retries go on
 */
bool notify_out_answer(struct notify_out *n, uint8_t *msg, size_t len,
		       int64_t wall_s);

#endif
