/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * difference -- what leads from one version of a zone to another, as one step
 * of a changeset, record by record.
 *
 * It is exact: a record is deleted and added when any octet of it, its TTL or
 * the case of a name differ. So it can be undone. Nothing is kept but one owner
 * at a time, whatever the zone's size; nodes that both versions share are
 * passed over.
 */

#ifndef SECD_ZONE_DIFFERENCE_H
#define SECD_ZONE_DIFFERENCE_H

#include "base/buf.h"
#include "zone/changeset.h"
#include "zone/version.h"

struct difference;

/**
 * Begin before the first operation.
 *
 * from, to  of one zone; references are taken
 * owners   names, one behind the other, in any order, often or once: they
 *          differ nowhere else. NULL: look everywhere. Copied
 * Returns  SECD_OK, SECD_ENOMEM
 */
int difference_new(struct version *from, struct version *to,
		   const struct buf *owners, struct difference **out);

/**
 * The next operation, in the order of a changeset.
 *
 * rr       valid until the next call
 * Returns  SECD_OK, SECD_ENOTFOUND (that was all), SECD_EIO (an image is
 *          damaged: what came may be wrong)
 */
int difference_next(struct difference *d, enum changeset_op *op, struct rr *rr);

/** NULL is fine. */
void difference_free(struct difference *d);

/**
 * Note the owners of all operations for difference_new.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int difference_owners(const struct changeset *cs, struct buf *owners);

#endif
