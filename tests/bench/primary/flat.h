/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flat -- the zone flat.test.: many names, each with an A, every second one
 * with an AAAA too, and a history of changes.
 *
 * Name number i is the letter n and i times 0x9e3779b1, modulo 2^32, in
 * hexadecimal; its address is 10.0.0.0 + i, its AAAA 2001:db8:: + i. A
 * change gives some names another address: 172.16.0.0 + the new serial. Which
 * ones: see flat_changed. run's zone.py says the same in Python.
 */

#ifndef BENCH_FLAT_H
#define BENCH_FLAT_H

#include <stdbool.h>
#include <stdint.h>

#include "primary/stream.h"

struct flat;

struct flat *flat_new(uint32_t count);

/** The zone goes one serial on; `width` names change. Any thread. */
void flat_change(struct flat *f, uint32_t width);
/** No IXFR from what was before. */
void flat_forget(struct flat *f);
/** Send names in no order that helps anybody. */
void flat_shuffle(struct flat *f);

/** Number j of the names that change as the zone gets a serial. */
uint32_t flat_changed(uint32_t serial, uint32_t j, uint32_t width,
		      uint32_t count);

uint32_t flat_serial(struct flat *f);

/** The whole zone; its state at the time of the call. */
void flat_send(struct flat *f, struct stream *s);
/** What changed since a serial; false, and nothing is sent: not kept. */
bool flat_send_changes(struct flat *f, uint32_t since, struct stream *s);

#endif
