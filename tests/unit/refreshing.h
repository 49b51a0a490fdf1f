/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refreshing -- a zone's refresh machine with a clock of its own, for tests.
 *
 * SOA: refresh 3600, retry 900, expire 604800, unless a test says otherwise.
 */

#ifndef TESTS_REFRESHING_H
#define TESTS_REFRESHING_H

#include "transfer/refresh.h"

#define SECOND INT64_C(1000)
#define DAY    (86400 * SECOND)
#define WALL   INT64_C(1700000000) /* seconds, when the clock is START */
#define START  INT64_C(5000000)    /* milliseconds */

/* Set up again for each test: two primaries, nothing held. */
extern struct refreshing {
	struct refresh_config cfg;
	struct rr_soa soa; /* for what is held, and what is applied */
	struct refresh *r;
	int64_t now;
	struct refresh_action action; /* the last one */
} t;

/* For cmocka. */
int refreshing_start(void **state);
int refreshing_stop(void **state);

/** Make the machine: with nothing, or with a serial confirmed just now. */
void begin_empty(void);
void begin_with(uint32_t serial);
/** The same, and the first round confirms it: the machine waits. */
void begin_settled(uint32_t serial);

/** Let time pass; to the next moment that matters, and not a start before. */
void pass(int64_t ms);
void sleep_until_due(void);

struct refresh_status status(void);

/** This step must be started, now. */
void assert_asks(enum refresh_step step, unsigned primary);
/** It waits, so long. */
void assert_waits(int64_t least_ms, int64_t most_ms);
void assert_reason(const char *words);

/* How the step in flight ends. */
void answer_soa(uint32_t serial);
bool answer(enum xfr_in_outcome outcome, uint32_t serial);
void fails(enum failure failure);
void fails_with(uint8_t rcode);
void applied(uint32_t serial);
void apply_fails(enum failure failure);

#endif
