/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_pin -- an older version is served by an operator's order, which comes
 * through a module, until another order says otherwise.
 *
 * The version is made on the build thread; then the store is told what is
 * pinned; then readers see it; then the order is answered. So a crash leaves
 * the zone as it was, or pinned. Newer versions come, are stored and offered to
 * modules as ever, and nobody sees or is told of them. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_PIN_H
#define SECD_SERVER_ZONE_PIN_H

#include "server/modules.h"
#include "server/zone_entry.h"

/** Set up what it keeps in a new entry. */
void zone_pin_init(struct zone_entry *e);

/** Carry out an order of a module; it is answered by modules_pin_done. */
void zone_pin_take(struct zone_entry *e, struct modules_pin *order);

/**
 * At the start, before anybody sees the zone: make the version that was pinned
 * from the newest one. Where that cannot be, the newest one is served, and the
 * operator told.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int zone_pin_restore(struct zone_entry *e, const struct zone_pin *stored);

/** What is pinned cannot be trusted: the newest version is served, if there is
 * one, and the operator told. Nothing pinned is fine. */
void zone_pin_lose(struct zone_entry *e, const char *reason);

/** The zone is retired: an order that is carried out has no effect. */
void zone_pin_cancel(struct zone_entry *e);

#endif
