/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steps -- writes the records of one change, checking that they are the steps
 * of an IXFR that lead from one serial to another.
 */

#ifndef IXFR_JOURNAL_STEPS_H
#define IXFR_JOURNAL_STEPS_H

#include "ixfr-journal/db.h"

/**
 * Write the pieces of a step and what is to be said of them.
 *
 * c        has records
 * step     zone, seq, from, to are set; receives pieces, octets, deleted, added
 * delta    receives what it adds to the digest
 * room     octets that may be written; what is written is taken off
 * reason   room for SECD_REASON_LEN
 * Returns  as history_change
 */
int steps_write(const struct db *db, MDB_txn *txn, const struct secd_change *c,
		struct step *step, struct digest *delta, uint64_t *room,
		char *reason);

#endif
