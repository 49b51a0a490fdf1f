/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * db -- the journal's database: one LMDB environment in its default sync mode,
 * which survives kill -9 and power cuts with the last commit whole. Everything
 * that knows LMDB's ways and errors is here.
 *
 * One thread writes, in one transaction at a time; any number reads. A read
 * transaction lives for one call of the module, never longer: one that stays
 * keeps pages from being used again.
 */

#ifndef IXFR_JOURNAL_DB_H
#define IXFR_JOURNAL_DB_H

#include <lmdb.h>
#include <stdbool.h>

#include "ixfr-journal/record.h"

struct db {
	MDB_env *env; /* NULL: not open */
	MDB_dbi meta, zones, segments, steps, pieces, serials, trash;
	uint64_t max_octets;
	uint64_t reserve; /* of these: what deleting needs when all is full */
	unsigned page_len;
};

/**
 * Open or create `DIR/journal.mdb`.
 *
 * read_only   another process may be writing it
 * max_octets  what the file may grow to
 * reason      room for SECD_REASON_LEN
 * Returns     SECD_OK, SECD_ENOTFOUND (read only, and there is none),
 *             SECD_EMALF (not a journal, or of another format), SECD_EPERM,
 *             SECD_EIO, SECD_ENOSPC, SECD_ENOMEM
 */
int db_open(struct db *db, const char *dir, bool read_only, uint64_t max_octets,
	    char *reason);
void db_close(struct db *db);

/** Our error for LMDB's. */
int db_error(int mdb_rc);

/** Octets of the file in use: pages that hold something. */
int db_used(const struct db *db, MDB_txn *txn, uint64_t *used);

/** Octets that may be written before the reserve begins. */
int db_room(const struct db *db, uint64_t *room);

/** Give up what readers hold that ended without a word. */
void db_check_readers(const struct db *db);

/*
 * Single values. Each returns SECD_OK, SECD_ENOTFOUND, SECD_EMALF, SECD_EIO...
 */
int db_get(MDB_txn *txn, MDB_dbi dbi, const struct octets *key, MDB_val *out);
int db_put(MDB_txn *txn, MDB_dbi dbi, const struct octets *key,
	   const struct octets *value);
/** Not there is fine. */
int db_delete(MDB_txn *txn, MDB_dbi dbi, const struct octets *key);

int db_get_zone(const struct db *db, MDB_txn *txn, const uint8_t *apex,
		struct zone_record *out);
/** The zone whose apex sorts next behind this one's; NULL: the first. A read
 * transaction of its own; `next` may be `apex`. */
int db_zone_after(const struct db *db, const uint8_t *apex, uint8_t *next);
/** The newest segment of a zone, in a read transaction of its own. */
int db_newest_segment(const struct db *db, const uint8_t *apex,
		      struct segment *out);
int db_put_zone(const struct db *db, MDB_txn *txn, const uint8_t *apex,
		const struct zone_record *z);
int db_get_segment(const struct db *db, MDB_txn *txn, uint64_t zone,
		   uint64_t start, struct segment *out);
int db_put_segment(const struct db *db, MDB_txn *txn, const struct segment *s);
int db_get_step(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t seq,
		struct step *out);
/** The first step behind version `seq`. */
int db_step_after(const struct db *db, MDB_txn *txn, uint64_t zone,
		  uint64_t seq, struct step *out);
int db_put_step(const struct db *db, MDB_txn *txn, const struct step *s);

/** The segment that version `seq` is in. */
int db_segment_of(const struct db *db, MDB_txn *txn, uint64_t zone,
		  uint64_t seq, struct segment *out);

/** Sums up to a version of a segment, and its serial. */
int db_totals_at(const struct db *db, MDB_txn *txn, const struct segment *g,
		 uint64_t seq, struct totals *out);

/** The segment that begins last before version `start`. */
int db_segment_before(const struct db *db, MDB_txn *txn, uint64_t zone,
		      uint64_t start, struct segment *out);

/** The newest version up to `seq_max` with this serial. */
int db_seq_of_serial(const struct db *db, MDB_txn *txn, uint64_t zone,
		     uint32_t serial, uint64_t seq_max, uint64_t *seq);

/** One piece of a step or a base; its checksum is verified. */
int db_get_piece(const struct db *db, MDB_txn *txn, uint64_t zone,
		 enum piece_kind kind, uint64_t seq, uint32_t index,
		 const uint8_t **octets, size_t *len);
int db_put_piece(const struct db *db, MDB_txn *txn, uint64_t zone,
		 enum piece_kind kind, uint64_t seq, uint32_t index,
		 const uint8_t *octets, size_t len);
/**
 * Delete pieces from index `from` on, at most `max`.
 *
 * deleted  receives how many
 */
int db_delete_pieces(const struct db *db, MDB_txn *txn, uint64_t zone,
		     enum piece_kind kind, uint64_t seq, uint32_t from,
		     uint32_t max, uint32_t *deleted);

/** The first key there is. */
int db_first_key(MDB_txn *txn, MDB_dbi dbi, struct octets *out);

/** Delete up to `max` values whose keys begin with `prefix`. */
int db_delete_prefix(MDB_txn *txn, MDB_dbi dbi, const struct octets *prefix,
		     uint32_t max, uint32_t *deleted);

/** A number that was never given before. */
int db_next_id(const struct db *db, MDB_txn *txn, uint64_t *id);

static inline MDB_val
db_val(const void *data, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

#endif
