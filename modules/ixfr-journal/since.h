/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * since -- the steps from one version to a later one, piece by piece. Any
 * thread: nothing is kept between calls but what the caller keeps.
 */

#ifndef IXFR_JOURNAL_SINCE_H
#define IXFR_JOURNAL_SINCE_H

#include "ixfr-journal/db.h"

/** As changes_since of secondaryd/module.h. */
int since_read(const struct db *db, struct secd_since *s);

#endif
