/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * failure -- why an exchange with a primary, or what came of it, is no use.
 *
 * The class alone decides what is tried next (refresh.h); the text that goes
 * with it is for people.
 */

#ifndef SECD_TRANSFER_FAILURE_H
#define SECD_TRANSFER_FAILURE_H

#include <stdint.h>

#define FAILURE_TEXT_MAX 160 /* octets, the NUL included */

enum failure {
	FAILURE_NONE = 0,
	FAILURE_CONNECT, /* no connection to the primary */
	FAILURE_TIMEOUT, /* no answer in time, or a transfer below its rate */
	FAILURE_CLOSED,  /* the connection ended before the answer did */
	FAILURE_RCODE,   /* the primary answered with an error */
	FAILURE_AUTH,    /* TSIG: ours was refused or theirs does not verify */
	FAILURE_MALFORMED, /* an answer that breaks its protocol */
	FAILURE_MISMATCH,  /* differences that do not fit what is held */
	FAILURE_STALE,     /* the primary has an older serial than is held */
	FAILURE_LIMIT,     /* a configured limit is exceeded */
	FAILURE_LOCAL,     /* our own: memory, disk, shutting down */
};

/** A few lower-case words, static, never NULL. */
const char *failure_text(enum failure failure);

/** "REFUSED" and so on; static, never NULL. */
const char *failure_rcode_text(uint8_t rcode);

/** The class of a negative result of zone/build.h. */
enum failure failure_of_build(int rc);

#endif
