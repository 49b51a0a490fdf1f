/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record -- one record as octets, in a spool and in a changeset:
 *
 *     owner | type | TTL | RDLENGTH | RDATA
 *
 * in network order, with uncompressed names.
 */

#ifndef SECD_ZONE_RECORD_H
#define SECD_ZONE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/rr.h"

/** Octets that a record takes. */
size_t record_len(const struct rr *rr);

/** Append a record. Returns SECD_OK, SECD_ENOMEM. */
int record_put(struct buf *b, const struct rr *rr);

/** Read a record that record_put wrote. Returns its octets. */
size_t record_get(const uint8_t *octets, struct rr *rr);

/**
 * Read a record out of octets from outside, checking lengths, names and RDATA.
 * Returns its octets, or 0 when it is malformed.
 */
size_t record_get_checked(const uint8_t *octets, size_t left, struct rr *rr);

#endif
