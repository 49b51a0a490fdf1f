/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command -- what an operator asks the journal: `secondaryctl journal ...`.
 */

#ifndef IXFR_JOURNAL_COMMAND_H
#define IXFR_JOURNAL_COMMAND_H

#include "ixfr-journal/journal.h"

/** As in secondaryd/module.h. */
int command_run(void *m, const struct secd_command *c, struct secd_reply *r);
/** Drop what a command left that nobody goes on with. */
void command_tick(struct journal *j);
/** Drop it in any case. */
void command_close(struct journal *j);
void command_status(void *m, struct secd_reply *r);

#endif
