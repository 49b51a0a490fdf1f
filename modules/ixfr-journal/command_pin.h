/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command_pin -- an older version is served by an operator's order: pin, unpin.
 * What is pinned is written down before the host is asked, so that it is not
 * trimmed; one order at a time. The command goes on until the host has answered,
 * and says what it answered.
 */

#ifndef IXFR_JOURNAL_COMMAND_PIN_H
#define IXFR_JOURNAL_COMMAND_PIN_H

#include "ixfr-journal/ask.h"

int command_pin(struct ask *a);
int command_unpin(struct ask *a);

/** The host says how it ended. */
void command_pinned(struct journal *j, const struct secd_pinned *p);
/** The host says what it serves. */
void command_zone_added(struct journal *j, const struct secd_zone *z);

#endif
