/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * db_look -- opens a journal for who only reads it, beside its writer or without
 * one. Nothing is made or changed but an entry for this reader in the lock file,
 * which tells the writer what it must not use again.
 *
 * Where that file may not be written, or where there is none, nobody knows of
 * this reader: what it reads holds as long as the writer commits no more than
 * once meanwhile.
 */

#ifndef IXFR_JOURNAL_DB_LOOK_H
#define IXFR_JOURNAL_DB_LOOK_H

#include "ixfr-journal/db_env.h"

/** As mdb_env_open, with that path; db->unseen is set. */
int db_look_open(struct db *db, const char *path);

/** Is there a writer, perhaps, who does not see this reader? Then `reason` has
 * room for SECD_REASON_LEN and receives a sentence. */
bool db_look_warns(const struct db *db, char *reason);

/** May what this transaction read have been written over? */
bool db_look_is_torn(const struct db *db, MDB_txn *txn);

#endif
