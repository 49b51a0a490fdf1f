/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_verify -- reads every octet of the images that were mapped at the start,
 * on the build thread, while they are served already. A zone whose image is
 * damaged is no longer answered for, and is transferred again.
 */

#ifndef SECD_SERVER_ZONE_VERIFY_H
#define SECD_SERVER_ZONE_VERIFY_H

#include "server/zone_entry.h"

/** Have a loaded zone's image verified; small ones were when they were read. */
void zone_verify(struct zone_entry *e);

#endif
