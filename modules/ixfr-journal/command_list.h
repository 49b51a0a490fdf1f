/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command_list -- commands that say which versions there are: list, show.
 */

#ifndef IXFR_JOURNAL_COMMAND_LIST_H
#define IXFR_JOURNAL_COMMAND_LIST_H

#include "ixfr-journal/ask.h"

/** All zones, all versions of one, or its newest ones. */
int command_list(struct ask *a);
/** One version, with all that is known of it. */
int command_show(struct ask *a);

#endif
