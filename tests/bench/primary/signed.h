/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signed -- the zones nsec.test. and nsec3.test.: delegations, as of a
 * top-level domain.
 *
 * Delegation number i is the letter d and i times 0x9e3779b1, modulo 2^32,
 * in hexadecimal. Three of ten have name servers below themselves, with
 * glue; 55 of 100 have a DS. nsec3.test. has opt-out. The signatures have the
 * size of ECDSA's and nothing else of it: no secondary verifies them.
 */

#ifndef BENCH_SIGNED_H
#define BENCH_SIGNED_H

#include <stdbool.h>
#include <stdint.h>

#include "primary/stream.h"

struct signed_zone;

struct signed_zone *signed_new(uint32_t count, bool nsec3);
void signed_send(const struct signed_zone *z, struct stream *s);

#define SIGNED_SERIAL 1

#endif
