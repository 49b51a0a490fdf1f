/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * placer -- placements of keys into other servers that wait or run, on the
 * commit thread.
 *
 * Into one server there runs one at a time, in the order of asking; what waits
 * is replaced by what is asked later, since that names all keys, and ends as
 * that does. Between two that a server had to read its configuration for is
 * its `interval`, unless the matter is urgent. Several servers are served at a
 * time: one that hangs holds up no other.
 */

#ifndef SECD_SERVER_PLACER_H
#define SECD_SERVER_PLACER_H

#include <stdbool.h>

#include "place/request.h"
#include "server/commit.h"
#include "server/helper.h"

struct placer;

/**
 * helper   borrowed
 * done     is told what came of a placement: on the commit thread, not within
 *          placer_add
 * Returns  SECD_OK, SECD_ENOMEM
 */
int placer_new(struct helper *helper,
	       void (*done)(void *owner, uint64_t id,
			    const struct adapter_result *result),
	       struct placer **out);

/** On that thread, or once it has ended with NULL. Nothing is begun before. */
void placer_attach(struct placer *p, struct commit *commit);

/**
 * Place keys. `done` is called once for each that was added, unless the placer
 * ends before.
 *
 * owner    whose ids these are; only his placements replace one another
 * request  checked; borrowed
 * is_urgent  do not wait for the interval
 * Returns  SECD_OK, SECD_EBUSY (too many wait), SECD_ELIMIT (too large),
 *          SECD_ENOMEM
 */
int placer_add(struct placer *p, void *owner, uint64_t id,
	       const struct request *request, bool is_urgent);

/** Begin what is due. Returns milliseconds until something will be; -1: no
 * more than waits for what runs. */
int64_t placer_turn(struct placer *p);

/** Give up what runs, begin nothing more. On the commit thread. */
void placer_end(struct placer *p);

/** After placer_end, if it was attached. NULL is fine. */
void placer_free(struct placer *p);

#endif
