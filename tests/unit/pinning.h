/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pinning -- a world with a zone of which an older version may be pinned, and
 * what is to be seen of it then. Orders come from the witness (world_order.h);
 * ixfr-journal, as it was built, has the history.
 */

#ifndef TESTS_PINNING_H
#define TESTS_PINNING_H

#include "world_order.h"

#define PINNING_SMALL 0
#define PINNING_LARGE 3 /* a zone whose image is a file */

/** What the primary has. */
extern uint32_t pinning_serial;

/** A server with the zones whose bit is set. */
void pinning_start_with(unsigned zones);
void pinning_restart(unsigned zones);
/** A server with a zone that has versions 1 to 5, with these serials. */
void pinning_begin(unsigned zone);

/** Version by version up to that serial. */
void pinning_follow(unsigned zone, uint32_t until);
/** Until it is the newest one, and stored. */
void pinning_await_newest(unsigned zone, uint32_t serial);
/** Until that is the newest version's number. */
void pinning_await_seq(unsigned zone, uint64_t seq);

/** A version has the records that the primary had with a serial, no others. */
void pinning_expect_contents(const struct version *v, uint32_t of);
/** A serial is pinned and served, with its contents; another one is the
 * newest. */
void pinning_expect_pinned(unsigned zone, uint32_t pinned, uint32_t newest);
void pinning_expect_not_pinned(unsigned zone, uint32_t newest);
/** What was pinned is lost, and the newest one is served. */
void pinning_expect_lost(unsigned zone, uint32_t newest);

#endif
