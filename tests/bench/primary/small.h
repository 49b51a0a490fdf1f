/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small -- the zones z00000.test., z00001.test. and so on: ten records each.
 *
 * www of zone i has the address 10.0.0.0 + i in version 1, in version s the
 * address 172.16.0.0 + s.
 */

#ifndef BENCH_SMALL_H
#define BENCH_SMALL_H

#include <stdbool.h>
#include <stdint.h>

#include "primary/stream.h"

struct small;

struct small *small_new(uint32_t count);

/** The zone goes one serial on. Any thread. */
void small_change(struct small *z, uint32_t i);
/** 0: no such zone. */
uint32_t small_serial(const struct small *z, uint32_t i);

void small_send(const struct small *z, uint32_t i, struct stream *s);
/** False, and nothing is sent, when the client has not the version before. */
bool small_send_change(const struct small *z, uint32_t i, uint32_t since,
		       struct stream *s);

#endif
