/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_rekey -- what it means for a zone that keys have changed. Transfer
 * thread only.
 */

#ifndef SECD_SERVER_ZONE_REKEY_H
#define SECD_SERVER_ZONE_REKEY_H

#include "server/zone_entry.h"

/**
 * Ask, transfer and notify with the keys that are there now: what runs under
 * one that was taken back ends, and what waited for another one does not any
 * longer.
 */
void zone_rekey(struct zone_entry *e);

#endif
