/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * condense -- many steps from one version to another made one: what is added and
 * deleted again is not sent. All of them have to be in memory for that, so there
 * is a limit for all who condense together; and a thread of its own for what takes
 * more than a moment.
 */

#ifndef SECD_SERVER_CONDENSE_H
#define SECD_SERVER_CONDENSE_H

#include <stddef.h>
#include <stdint.h>

#include "server/history.h"
#include "server/mailbox.h"

struct condenser;

/** Start the thread. SECD_OK, SECD_ENOMEM. */
int condenser_start(struct condenser **out);

/** Finish what was begun, end the thread. Whoever began it has ended it, and
 * mailboxes are still there. NULL is fine. */
void condenser_stop(struct condenser *c);

/** When the letters of those mailboxes were run. NULL is fine. */
void condenser_free(struct condenser *c);

/* One answer that is condensed, or being condensed. */
struct condense;

/** Octets that condense_now may be given: a tenth of a millisecond of work. */
#define CONDENSE_NOW_MAX 65536

/**
 * Condense entries on the spot.
 *
 * Returns  SECD_OK, SECD_EMALF (they are no steps), SECD_ENOMEM
 */
int condense_now(const uint8_t *octets, size_t len, struct condense **out);

/**
 * Begin to condense a history.
 *
 * h        taken over on success
 * max      octets that all may hold together
 * reply    of the thread that calls condense_end
 * ready    called there once it is done, unless that was before
 * Returns  SECD_OK, SECD_ELIMIT (it would hold more), SECD_ENOMEM
 */
int condense_begin(struct condenser *c, struct history *h, uint64_t max,
		   struct mailbox *reply, void (*ready)(void *arg), void *arg,
		   struct condense **out);

bool condense_is_ready(const struct condense *c);

/**
 * What became of it, once it is ready.
 *
 * octets   receives the one step, as entries; lent until condense_end
 * Returns  SECD_OK, SECD_ELIMIT (it is larger than was thought), SECD_EMALF,
 *          SECD_ENOMEM, or why history broke off
 */
int condense_result(const struct condense *c, const uint8_t **octets,
		    size_t *len);

/** The step, and then the end: the `next` of a struct xfr_out_source. */
int condense_next(void *ctx, const uint8_t **octets, size_t *len);

/** Free it, ready or not: what is under way ends by itself. NULL is fine. */
void condense_end(struct condense *c);

#endif
