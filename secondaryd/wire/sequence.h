/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sequence -- the order of the records of a changeset: one or more difference
 * sequences that follow each other (RFC 1995 section 4).
 */

#ifndef SECD_WIRE_SEQUENCE_H
#define SECD_WIRE_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised but for the serial, which is where the first one begins. */
struct sequence {
	uint32_t serial; /* where they lead to so far */
	uint32_t count;  /* that have begun */
	uint8_t last;    /* enum secd_op; 0: nothing came yet */
};

/**
 * Take the next record. After a failure the object is as it was.
 *
 * op       any octet; of enum secd_op are those that fit
 * Returns  NULL, or what is wrong, as "has records out of order"
 */
const char *sequence_take(struct sequence *s, uint8_t op, uint16_t type,
			  const uint8_t *rdata, size_t rdlen);

/** May it end here? */
bool sequence_is_complete(const struct sequence *s);

#endif
