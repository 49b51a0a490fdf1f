/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asking -- a transfer in of "example." for tests: one struct xfr_in, and the
 * message that it is given next.
 */

#ifndef TESTS_ASKING_H
#define TESTS_ASKING_H

#include "talk.h"
#include "transfer/xfr_in.h"

/* Set up again for each test; serial 5 is held. */
extern struct asking {
	struct xfr_in_params params; /* for asking_ask */
	struct xfr_in *x;
	struct message m;
	uint8_t apex[NAME_LEN_MAX];
} asking;

/* For cmocka. */
int asking_start(void **state);
int asking_stop(void **state);

/** Begin, with the parameters as they are now. */
void asking_ask(enum xfr_in_question question);
/** Give it the message. */
enum xfr_in_verdict asking_give(void);
/** talk_say it. */
enum xfr_in_verdict asking_say(uint16_t qtype, const char *text);

enum xfr_in_outcome asking_outcome(void);
/** It failed, and the reason has these words. */
void asking_assert_refused(enum failure failure, const char *text);

#endif
