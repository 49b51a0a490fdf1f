/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * db -- what is kept in the journal's database: values, and how they are
 * found. LMDB's ways and errors are known here and in db_env.
 */

#ifndef IXFR_JOURNAL_DB_H
#define IXFR_JOURNAL_DB_H

#include "ixfr-journal/db_env.h"
#include "ixfr-journal/record.h"

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

/** The first segment that begins behind version `seq`. */
int db_segment_after(const struct db *db, MDB_txn *txn, uint64_t zone,
		     uint64_t seq, struct segment *out);

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

/** How many values there are. */
int db_count(MDB_txn *txn, MDB_dbi dbi, uint64_t *count);

/** A number that was never given before. */
int db_next_id(const struct db *db, MDB_txn *txn, uint64_t *id);

#endif
