/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command_read -- commands that read records: diff, export, verify.
 */

#ifndef IXFR_JOURNAL_COMMAND_READ_H
#define IXFR_JOURNAL_COMMAND_READ_H

#include "ixfr-journal/ask.h"

int command_diff(struct ask *a);
int command_export(struct ask *a);
/** One zone, or all of them. */
int command_verify(struct ask *a);

/** Drop what is read, if nobody goes on with it. */
void command_read_tick(struct journal *j);
void command_read_drop(struct journal *j);

#endif
