/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * places -- puts keys into other servers' stores: all keys of all pairs that
 * name a place, each time, and one such order for a place at a time.
 */

#ifndef TSIG_ROTATE_PLACES_H
#define TSIG_ROTATE_PLACES_H

#include "tsig-rotate/rotate.h"

/** Ask for what is due. Returns the boot time of the next attempt. */
int64_t places_run(struct rotate *r, const struct secd_time *now);

/** An order is done. */
void places_done(struct rotate *r, const struct secd_time *now,
		 const struct secd_placed *placed);

#endif
