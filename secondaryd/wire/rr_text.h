/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rr_text -- a record in presentation format, as a line of a zone file.
 */

#ifndef SECD_WIRE_RR_TEXT_H
#define SECD_WIRE_RR_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "wire/rr.h"

/**
 * Write "OWNER TTL TYPE RDATA", separated by spaces, without class and line end.
 * Types that this program does not know, and RDATA that is not what its type
 * says, are written as RFC 3597 has it.
 *
 * rr       from anywhere: the owner is whole, the RDATA is checked
 * now      wall clock, seconds: which 32-bit moments in RRSIGs are near
 * Returns  SECD_OK, SECD_EMALF (names in RDATA), SECD_ENOSPC (of out), SECD_ENOMEM
 */
int rr_text(const struct rr *rr, int64_t now, char *out, size_t cap);

#endif
