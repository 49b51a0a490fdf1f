/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * db_env -- the journal's database as a whole: one LMDB environment in its
 * default sync mode, which survives kill -9 and power cuts with the last
 * commit whole. LMDB's ways and errors are known here and in db.
 *
 * One thread writes, in one transaction at a time; any number reads. A read
 * transaction lives for one call of the module, never longer: one that stays
 * keeps pages from being used again.
 */

#ifndef IXFR_JOURNAL_DB_ENV_H
#define IXFR_JOURNAL_DB_ENV_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "secondaryd/module.h"

struct db {
	const char *dir;
	MDB_env *env; /* NULL: not open */
	MDB_dbi meta, zones, segments, steps, pieces, serials, trash;
	uint64_t max_octets;
	uint64_t reserve; /* of these: what deleting needs when all is full */
	unsigned page_len;
	int unseen; /* errno of the lock file that a reader could not have */
	/* Why a commit failed: what is on the disk may be another thing than
	 * what the kernel shows. Nothing is written before db_reopen. */
	int suspect; /* SECD_OK: all is well */
};

/**
 * Open or create `DIR/journal.mdb`.
 *
 * dir         lent until db_close
 * read_only   another process may be writing it
 * max_octets  what the file may grow to
 * reason      room for SECD_REASON_LEN
 * Returns     SECD_OK, SECD_ENOTFOUND (read only, and there is none),
 *             SECD_EMALF (not a journal), SECD_ENOTSUP (of another format), SECD_EPERM,
 *             SECD_EIO, SECD_ENOSPC, SECD_ENOMEM
 */
int db_open(struct db *db, const char *dir, bool read_only, uint64_t max_octets,
	    char *reason);
void db_close(struct db *db);

/**
 * Open it once more, after it became suspect, and make sure that what it shows is on
 * the disk. Nobody may be reading.
 *
 * Returns  as db_open; then it is suspect still, but may be read from, if it
 *          could be opened at all
 */
int db_reopen(struct db *db, char *reason);

/** Begin a transaction; one that writes ends in db_commit or mdb_txn_abort, one
 * that reads in mdb_txn_abort. Returns SECD_OK, or a failure. */
int db_begin_read(const struct db *db, MDB_txn **txn);
int db_begin_write(struct db *db, MDB_txn **txn);
/** Make it durable. After a failure none of it counts, and the database may be
 * suspect. */
int db_commit(struct db *db, MDB_txn *txn);

/** Our error for LMDB's. */
int db_error(int mdb_rc);

/** Octets of the file in use: pages that hold something. */
int db_used(const struct db *db, MDB_txn *txn, uint64_t *used);

/** Octets that may be written before the reserve begins. */
int db_room(const struct db *db, uint64_t *room);

/** The same for bases, that others can be trimmed: half of the reserve is for
 * them. */
int db_room_for_bases(const struct db *db, uint64_t *room);

/** Give up what readers hold that ended without a word. */
void db_check_readers(const struct db *db);

static inline MDB_val
db_val(const void *data, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

#endif
