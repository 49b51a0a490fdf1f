/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_downstream -- what the servers behind this one hold of a zone, for the
 * operator. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_DOWNSTREAM_H
#define SECD_SERVER_ZONE_DOWNSTREAM_H

#include "base/buf.h"
#include "server/control.h"
#include "server/zone_entry.h"

/** Rows about each of them. */
void zone_downstream_put(const struct zone_entry *e, struct control_reply *r);

/**
 * Append a line for each that has a newer serial than the one that is served,
 * and so will not follow: '\n' before it, NUL behind the last.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int zone_downstream_put_ahead(const struct zone_entry *e, struct buf *lines);

#endif
