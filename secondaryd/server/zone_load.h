/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_load -- a zone begins with what the store has of it, if anything.
 */

#ifndef SECD_SERVER_ZONE_LOAD_H
#define SECD_SERVER_ZONE_LOAD_H

#include "server/zone_entry.h"

/**
 * Publish what the store has of a zone, and make its refresh machine. What is
 * damaged or cannot be read is told and done without: a primary has it. An
 * older version that is whole is better than none.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int zone_load(struct zone_entry *e);

#endif
