/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_receive -- what an exchange brought: the refresh machine is told, a
 * transfer is built, and what was built is published. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_RECEIVE_H
#define SECD_SERVER_ZONE_RECEIVE_H

#include "server/zone_apply.h"

/** The exchange of the zone's `action` came to nothing. */
void zone_receive_failure(struct zone_entry *e,
			  const struct exchange_result *result);

/**
 * It has an answer. A transfer makes the zone's activity ZONE_BUILDING.
 *
 * built    is called with what comes out of a transfer
 */
void zone_receive_answer(struct zone_entry *e,
			 const struct exchange_result *result,
			 void (*built)(struct zone_entry *e,
				       struct zone_result *result));

/** Publish what was built, or report why not. */
void zone_receive_built(struct zone_entry *e, struct zone_result *result);

#endif
