/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world_order -- what the world's witness orders, and what it is told.
 */

#ifndef TESTS_WORLD_ORDER_H
#define TESTS_WORLD_ORDER_H

#include "world.h"

/**
 * Have the witness give an order: serve this version, or the newest (0).
 *
 * Returns  the order's number; 0: the host refused it at once
 */
unsigned world_order(unsigned zone, uint64_t seq);
/** The code that the witness was told for an order, with a text in which that
 * is found. */
void world_expect_order(unsigned order, int rc, const char *text);
/** Order it, and see it done. */
void world_pin(unsigned zone, uint64_t seq);
/** What the witness wrote down since it was opened; static. */
const char *world_witnessed(void);
/** What the witness is told of a zone: "on|SEQ|SERIAL|" when it is pinned. */
const char *world_known(unsigned zone);

#endif
