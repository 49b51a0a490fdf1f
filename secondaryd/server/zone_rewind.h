/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_rewind -- an older version of a zone, made from a later one: what a
 * module knows of the way between them is gone backwards, in one step.
 *
 * Exact or not at all: each record that the way adds must be there, none that
 * it deletes, so a history that is not this zone's is refused. Any thread, and
 * long work; what lies between is held in memory.
 */

#ifndef SECD_SERVER_ZONE_REWIND_H
#define SECD_SERVER_ZONE_REWIND_H

#include "server/modules.h"
#include "zone/build.h"

#define ZONE_REWIND_REASON_LEN 384

/**
 * Make version `seq` from `base`.
 *
 * m        whose history it is; NULL: there are no modules
 * p        as for layering_make
 * seq      at most that of the base
 * out      receives a reference; of the base itself when that is version `seq`
 * reason   room for ZONE_REWIND_REASON_LEN; receives a phrase on failure
 * Returns  SECD_OK; SECD_ENOTSUP (no module keeps a history), SECD_ENOTFOUND,
 *          SECD_EBUSY (not yet: the base is not in the history), SECD_ELIMIT
 *          (too much lies between), SECD_EMISMATCH, SECD_EMALF (it does not
 *          lead there), SECD_EIO, SECD_ENOSPC, SECD_ENOMEM
 */
int zone_rewind(struct modules *m, const struct build_params *p,
		struct version *base, uint64_t seq, struct version **out,
		char *reason);

#endif
