/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_reply -- the rows of one command's reply, until they are sent, or, in
 * secondaryctl, shown. Known to those who do that; everybody else has control.h.
 */

#ifndef SECD_SERVER_CONTROL_REPLY_H
#define SECD_SERVER_CONTROL_REPLY_H

#include "base/buf.h"
#include "server/control.h"

struct control_reply {
	struct buf rows; /* of each: type, then four strings with their NULs */
	char error[512]; /* "" while all is well */
	bool has_overflowed; /* no memory for a row */
	uint32_t pause_ms;   /* before the next turn */
};

void control_reply_fini(struct control_reply *r);

/**
 * Hand out the rows, and forget them; the error stays.
 *
 * take     borrows each for the call; a failure ends it
 * Returns  what `take` returned last; SECD_ENOMEM when a row got lost
 */
int control_reply_drain(struct control_reply *r,
			int (*take)(void *ctx, const struct control_row *row),
			void *ctx);

/**
 * Send the rows, and forget them; the error stays.
 *
 * Returns  as control_row_send; SECD_ENOMEM when a row got lost
 */
int control_reply_flush(struct control_reply *r, knot_ctl_t *ctl);

#endif
