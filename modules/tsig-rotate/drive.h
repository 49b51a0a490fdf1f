/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drive -- does what the machines of the pairs want to be done.
 */

#ifndef TSIG_ROTATE_DRIVE_H
#define TSIG_ROTATE_DRIVE_H

#include "tsig-rotate/rotate.h"

/**
 * Read a pair's root and state, and begin.
 *
 * reason   room for ROTATE_REASON_MAX
 * Returns  SECD_OK, or why not; what was taken is given back by drive_close
 */
int drive_open(struct rotate_pair *p, const struct secd_time *now,
	       char *reason);
/** Wipe and free. A pair that was never opened is fine. */
void drive_close(struct rotate_pair *p);

/** Everything that is to be done for a pair now. */
void drive_run(struct rotate_pair *p, const struct secd_time *now);

/** A probe's result, if it is this pair's. Returns whether it was. */
bool drive_probe_done(struct rotate_pair *p, const struct secd_time *now,
		      const struct secd_probe_result *result);

/** Read the root anew. Returns it, or NULL: root_reason says why. */
const uint8_t *drive_read_root(struct rotate_pair *p);

#endif
