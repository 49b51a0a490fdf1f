/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offline -- looks into state files for a host that only reads, which has no
 * configuration: every pair that there is a file of.
 */

#ifndef TSIG_ROTATE_OFFLINE_H
#define TSIG_ROTATE_OFFLINE_H

#include "tsig-rotate/rotate.h"

/** Returns SECD_OK, SECD_EIO, SECD_ENOMEM, or as state_load, with a reason. */
int offline_open(struct rotate *r, const struct secd_time *now, char *reason);

#endif
