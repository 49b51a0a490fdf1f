/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * primary -- a primary on a thread of its own, for tests: for every zone that
 * it is asked for it has the same few records, all with its serial.
 *
 * To IXFR it answers with the difference from the serial before, or with the
 * whole zone when the client is further behind. A zone whose name begins with
 * an x is large: its image is a file.
 */

#ifndef TESTS_PRIMARY_H
#define TESTS_PRIMARY_H

#include <stdatomic.h>

#include "peer.h"
#include "wire/tsig.h"

enum primary_mood {
	PRIMARY_ANSWERS,
	/* Takes connections and questions; drops them when the mood passes. */
	PRIMARY_IS_SILENT,
	PRIMARY_CLOSES, /* upon a question */
	PRIMARY_REFUSES,
	PRIMARY_LIES, /* transfers without a NS record */
	/* Answers a question when the mood passes, even to this one again. */
	PRIMARY_WAITS,
};

struct primary;

struct primary *primary_new(void);
/** Close everything, end the thread. */
void primary_free(struct primary *p);

const struct sockaddr_storage *primary_address(const struct primary *p);

void primary_set_serial(struct primary *p, uint32_t serial);
uint32_t primary_serial(struct primary *p);
void primary_set_mood(struct primary *p, enum primary_mood mood);

/**
 * From now on it answers only what is signed with one of these keys, signed; to
 * all else it says NOTAUTH. It takes references; NULL for both: unsigned again.
 */
void primary_set_keys(struct primary *p, struct tsig_key *a,
		      struct tsig_key *b);

/** Questions that it said NOTAUTH to. */
unsigned primary_refusals(struct primary *p);

/** Questions that came in so far. */
unsigned primary_questions(struct primary *p);

#endif
