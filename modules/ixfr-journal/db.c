/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/db.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/octets.h"

#define PIECE_SUM 8

/*
 * Values
 */

int
db_get(MDB_txn *txn, MDB_dbi dbi, const struct octets *key, MDB_val *out)
{
	MDB_val k = db_val(key->data, key->len);

	return db_error(mdb_get(txn, dbi, &k, out));
}

int
db_put(MDB_txn *txn, MDB_dbi dbi, const struct octets *key,
       const struct octets *value)
{
	MDB_val k = db_val(key->data, key->len);
	MDB_val v = db_val(value->data, value->len);

	return db_error(mdb_put(txn, dbi, &k, &v, 0));
}

int
db_delete(MDB_txn *txn, MDB_dbi dbi, const struct octets *key)
{
	MDB_val k = db_val(key->data, key->len);
	int rc = mdb_del(txn, dbi, &k, NULL);

	return rc == MDB_NOTFOUND ? SECD_OK : db_error(rc);
}

int
db_get_zone(const struct db *db, MDB_txn *txn, const uint8_t *apex,
	    struct zone_record *out)
{
	size_t len = name_len(apex);
	MDB_val k = db_val(apex, len), v;
	int rc = db_error(mdb_get(txn, db->zones, &k, &v));

	return rc != SECD_OK
		   ? rc
		   : zone_record_read(apex, len, v.mv_data, v.mv_size, out);
}

/* A key may be damaged, and whoever goes by it run in circles, or too far. */
static bool
is_name(const MDB_val *k)
{
	const uint8_t *name = k->mv_data;
	size_t at = 0;

	while (at < k->mv_size && name[at] != 0 && name[at] <= 63) {
		at += (size_t)1 + name[at];
	}
	return k->mv_size <= NAME_LEN_MAX && at + 1 == k->mv_size &&
	       name[at] == 0;
}

static int
zone_after(const struct db *db, MDB_txn *txn, const uint8_t *apex,
	   uint8_t *next)
{
	MDB_val before = {.mv_size = 0}, k, v;
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, db->zones, &c);

	if (rc != 0) {
		return db_error(rc);
	}
	if (apex != NULL) {
		before = db_val(apex, name_len(apex));
	}
	k = before;
	rc =
	    mdb_cursor_get(c, &k, &v, apex == NULL ? MDB_FIRST : MDB_SET_RANGE);
	while (rc == 0 &&
	       (!is_name(&k) ||
		(apex != NULL && mdb_cmp(txn, db->zones, &k, &before) <= 0))) {
		rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	if (rc == 0) {
		memcpy(next, k.mv_data, k.mv_size);
	}
	mdb_cursor_close(c);
	return db_error(rc);
}

int
db_zone_after(const struct db *db, const uint8_t *apex, uint8_t *next)
{
	MDB_txn *txn;
	int rc = db_begin_read(db, &txn);

	if (rc == SECD_OK) {
		rc = zone_after(db, txn, apex, next);
		mdb_txn_abort(txn);
	}
	return rc;
}

int
db_newest_segment(const struct db *db, const uint8_t *apex, struct segment *out)
{
	struct zone_record z;
	MDB_txn *txn;
	int rc = db_begin_read(db, &txn);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = db_get_zone(db, txn, apex, &z);
	if (rc == SECD_OK) {
		rc = z.segment == 0
			 ? SECD_ENOTFOUND
			 : db_get_segment(db, txn, z.id, z.segment, out);
	}
	mdb_txn_abort(txn);
	return rc;
}

int
db_put_zone(const struct db *db, MDB_txn *txn, const uint8_t *apex,
	    const struct zone_record *z)
{
	struct octets key = {.len = name_len(apex)}, value;

	memcpy(key.data, apex, key.len);
	zone_record_write(z, apex, key.len, &value);
	return db_put(txn, db->zones, &key, &value);
}

int
db_get_segment(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t start,
	       struct segment *out)
{
	struct octets key;
	MDB_val v;
	int rc;

	key_of_segment(zone, start, &key);
	rc = db_get(txn, db->segments, &key, &v);
	return rc != SECD_OK
		   ? rc
		   : segment_read(key.data, key.len, v.mv_data, v.mv_size, out);
}

int
db_put_segment(const struct db *db, MDB_txn *txn, const struct segment *s)
{
	struct octets key, value;

	key_of_segment(s->zone, s->start, &key);
	segment_write(s, &value);
	return db_put(txn, db->segments, &key, &value);
}

int
db_get_step(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t seq,
	    struct step *out)
{
	struct octets key;
	MDB_val v;
	int rc;

	key_of_step(zone, seq, &key);
	rc = db_get(txn, db->steps, &key, &v);
	return rc != SECD_OK
		   ? rc
		   : step_read(key.data, key.len, v.mv_data, v.mv_size, out);
}

/* The first value at or behind a key of a zone's. */
static int
first_from(MDB_txn *txn, MDB_dbi dbi, const struct octets *key, MDB_val *k,
	   MDB_val *v)
{
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, dbi, &c);

	if (rc != 0) {
		return db_error(rc);
	}
	*k = db_val(key->data, key->len);
	rc = db_error(mdb_cursor_get(c, k, v, MDB_SET_RANGE));
	if (rc == SECD_OK &&
	    (k->mv_size != key->len || memcmp(k->mv_data, key->data, 8) != 0)) {
		rc = SECD_ENOTFOUND;
	}
	mdb_cursor_close(c);
	return rc;
}

int
db_step_after(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t seq,
	      struct step *out)
{
	struct octets key;
	MDB_val k, v;
	int rc;

	key_of_step(zone, seq + 1, &key);
	rc = first_from(txn, db->steps, &key, &k, &v);
	return rc != SECD_OK
		   ? rc
		   : step_read(k.mv_data, k.mv_size, v.mv_data, v.mv_size, out);
}

int
db_put_step(const struct db *db, MDB_txn *txn, const struct step *s)
{
	struct octets key, value;
	int rc;

	key_of_step(s->zone, s->seq, &key);
	step_write(s, &value);
	rc = db_put(txn, db->steps, &key, &value);
	if (rc == SECD_OK) {
		key_of_serial(s->zone, s->to, s->seq, &key);
		value.len = 0;
		rc = db_put(txn, db->serials, &key, &value);
	}
	return rc;
}

int
db_totals_at(const struct db *db, MDB_txn *txn, const struct segment *g,
	     uint64_t seq, struct totals *out)
{
	struct step s;
	int rc;

	if (seq == g->start) {
		*out = g->at_start;
		out->serial = g->start_serial;
		return SECD_OK;
	}
	rc = db_get_step(db, txn, g->zone, seq, &s);
	if (rc == SECD_OK) {
		*out = s.after;
		out->serial = s.to;
	}
	return rc;
}

/*
 * The last key at or before one that begins with the same octets.
 *
 * prefix   octets that must be the same
 */
static int
last_before(MDB_txn *txn, MDB_dbi dbi, const struct octets *key, size_t prefix,
	    struct octets *found, MDB_val *val)
{
	MDB_val k = db_val(key->data, key->len);
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, dbi, &c);

	if (rc != 0) {
		return db_error(rc);
	}
	rc = mdb_cursor_get(c, &k, val, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND) {
		rc = mdb_cursor_get(c, &k, val, MDB_LAST);
	} else if (rc == 0 && (k.mv_size != key->len ||
			       memcmp(k.mv_data, key->data, key->len) != 0)) {
		rc = mdb_cursor_get(c, &k, val, MDB_PREV);
	}
	if (rc == 0 && (k.mv_size != key->len ||
			memcmp(k.mv_data, key->data, prefix) != 0)) {
		rc = MDB_NOTFOUND;
	}
	if (rc == 0) {
		found->len = k.mv_size;
		memcpy(found->data, k.mv_data, k.mv_size);
	}
	mdb_cursor_close(c);
	return db_error(rc);
}

int
db_segment_before(const struct db *db, MDB_txn *txn, uint64_t zone,
		  uint64_t start, struct segment *out)
{
	struct octets key, found;
	MDB_val v;
	int rc;

	key_of_segment(zone, start - 1, &key);
	rc = last_before(txn, db->segments, &key, 8, &found, &v);
	return rc != SECD_OK ? rc
			     : segment_read(found.data, found.len, v.mv_data,
					    v.mv_size, out);
}

int
db_segment_after(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t seq,
		 struct segment *out)
{
	struct octets key;
	MDB_val k, v;
	int rc;

	key_of_segment(zone, seq + 1, &key);
	rc = first_from(txn, db->segments, &key, &k, &v);
	return rc != SECD_OK ? rc
			     : segment_read(k.mv_data, k.mv_size, v.mv_data,
					    v.mv_size, out);
}

int
db_segment_of(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t seq,
	      struct segment *out)
{
	int rc = db_segment_before(db, txn, zone, seq + 1, out);

	return rc == SECD_OK && out->newest < seq ? SECD_ENOTFOUND : rc;
}

int
db_seq_of_serial(const struct db *db, MDB_txn *txn, uint64_t zone,
		 uint32_t serial, uint64_t seq_max, uint64_t *seq)
{
	struct octets key, found;
	MDB_val v;
	int rc;

	key_of_serial(zone, serial, seq_max, &key);
	rc = last_before(txn, db->serials, &key, 12, &found, &v);
	if (rc == SECD_OK) {
		*seq = get_u64(found.data + 12);
	}
	return rc;
}

/*
 * Pieces
 */

static uint64_t
piece_sum(const struct octets *key, const uint8_t *octets, size_t len)
{
	return checksum64(checksum64(CHECKSUM_START, key->data, key->len),
			  octets, len);
}

int
db_get_piece(const struct db *db, MDB_txn *txn, uint64_t zone,
	     enum piece_kind kind, uint64_t seq, uint32_t index,
	     const uint8_t **octets, size_t *len)
{
	struct octets key;
	MDB_val v;
	int rc;

	key_of_piece(zone, kind, seq, index, &key);
	rc = db_get(txn, db->pieces, &key, &v);
	if (rc != SECD_OK) {
		return rc;
	}
	if (v.mv_size < PIECE_SUM) {
		return SECD_EMALF;
	}
	*octets = (const uint8_t *)v.mv_data + PIECE_SUM;
	*len = v.mv_size - PIECE_SUM;
	return get_u64(v.mv_data) == piece_sum(&key, *octets, *len)
		   ? SECD_OK
		   : SECD_EMALF;
}

int
db_put_piece(const struct db *db, MDB_txn *txn, uint64_t zone,
	     enum piece_kind kind, uint64_t seq, uint32_t index,
	     const uint8_t *octets, size_t len)
{
	struct octets key;
	MDB_val k, v = {.mv_size = PIECE_SUM + len};
	int rc;

	key_of_piece(zone, kind, seq, index, &key);
	k = db_val(key.data, key.len);
	rc = mdb_put(txn, db->pieces, &k, &v, MDB_RESERVE);
	if (rc == 0) {
		put_u64(v.mv_data, piece_sum(&key, octets, len));
		memcpy((uint8_t *)v.mv_data + PIECE_SUM, octets, len);
	}
	return db_error(rc);
}

int
db_delete_pieces(const struct db *db, MDB_txn *txn, uint64_t zone,
		 enum piece_kind kind, uint64_t seq, uint32_t from,
		 uint32_t max, uint32_t *deleted)
{
	struct octets key;

	*deleted = 0;
	while (*deleted < max) {
		MDB_val k;
		int rc;

		key_of_piece(zone, kind, seq, from + *deleted, &key);
		k = db_val(key.data, key.len);
		rc = mdb_del(txn, db->pieces, &k, NULL);
		if (rc == MDB_NOTFOUND) {
			break;
		}
		if (rc != 0) {
			return db_error(rc);
		}
		++*deleted;
	}
	return SECD_OK;
}

int
db_first_key(MDB_txn *txn, MDB_dbi dbi, struct octets *out)
{
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(txn, dbi, &c);

	if (rc != 0) {
		return db_error(rc);
	}
	rc = mdb_cursor_get(c, &k, &v, MDB_FIRST);
	if (rc == 0) {
		out->len = k.mv_size;
		memcpy(out->data, k.mv_data, k.mv_size);
	}
	mdb_cursor_close(c);
	return db_error(rc);
}

int
db_delete_prefix(MDB_txn *txn, MDB_dbi dbi, const struct octets *prefix,
		 uint32_t max, uint32_t *deleted)
{
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, dbi, &c);

	*deleted = 0;
	if (rc != 0) {
		return db_error(rc);
	}
	while (*deleted < max) {
		MDB_val k = db_val(prefix->data, prefix->len), v;

		rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
		if (rc != 0 || k.mv_size < prefix->len ||
		    memcmp(k.mv_data, prefix->data, prefix->len) != 0) {
			break;
		}
		rc = mdb_cursor_del(c, 0);
		if (rc != 0) {
			break;
		}
		++*deleted;
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? SECD_OK : db_error(rc);
}

int
db_next_id(const struct db *db, MDB_txn *txn, uint64_t *id)
{
	MDB_val key = db_val("next-id", 7), val;
	uint8_t octets[16];
	int rc = mdb_get(txn, db->meta, &key, &val);

	if (rc != 0 && rc != MDB_NOTFOUND) {
		return db_error(rc);
	}
	if (rc == 0 && (val.mv_size != sizeof(octets) ||
			get_u64((const uint8_t *)val.mv_data + 8) !=
			    checksum64(CHECKSUM_START, val.mv_data, 8))) {
		return SECD_EMALF;
	}
	*id = rc == 0 ? get_u64(val.mv_data) : 1;
	put_u64(octets, *id + 1);
	put_u64(octets + 8, checksum64(CHECKSUM_START, octets, 8));
	val = db_val(octets, sizeof(octets));
	return db_error(mdb_put(txn, db->meta, &key, &val, 0));
}

int
db_count(MDB_txn *txn, MDB_dbi dbi, uint64_t *count)
{
	MDB_stat stat;
	int rc = db_error(mdb_stat(txn, dbi, &stat));

	if (rc == SECD_OK) {
		*count = stat.ms_entries;
	}
	return rc;
}
