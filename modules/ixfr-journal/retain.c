/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/retain.h"

#include "base/error.h"
#include "base/octets.h"

/* Done in one transaction: some milliseconds. */
#define STEPS_MAX  256
#define PIECES_MAX 256

#define TRASH_LEN 17 /* of a key */

struct trim {
	const struct db *db;
	MDB_txn *txn;
	const uint8_t *apex;
	const struct zone_limits *limits;
	bool is_hard;
	int64_t oldest_ms; /* what is older goes */
	struct zone_record zone;
	struct segment segment; /* the oldest one */
	uint64_t steps, octets; /* of all segments */
	uint64_t wants_base;
};

static int
sum_up(struct trim *t)
{
	struct segment g;
	uint64_t at = UINT64_MAX;
	int rc;

	t->steps = t->octets = 0;
	while ((rc = db_segment_before(t->db, t->txn, t->zone.id, at, &g)) ==
	       SECD_OK) {
		t->steps += g.at_newest.steps - g.at_start.steps;
		t->octets += g.at_newest.octets - g.at_start.octets;
		t->segment = g;
		at = g.start;
		if (at == 0) {
			break;
		}
	}
	return rc == SECD_ENOTFOUND ? SECD_OK : rc;
}

static bool
is_newest_segment(const struct trim *t)
{
	return t->segment.start == t->zone.segment;
}

/* Must the oldest step go? */
static bool
is_too_much(const struct trim *t, const struct step *s)
{
	const struct zone_limits *l = t->limits;

	if (t->steps <= l->keep_steps) {
		return false;
	}
	return (l->steps != 0 && t->steps > l->steps) ||
	       (l->octets != 0 && t->octets > l->octets) ||
	       (l->age_ms != 0 && s->at < t->oldest_ms);
}

static int
put_trash(const struct trim *t, uint64_t seq)
{
	static const struct octets nothing;
	struct octets key;

	key_of_trash(t->zone.id, PIECE_BASE, seq, &key);
	return db_put(t->txn, t->db->trash, &key, &nothing);
}

/* The version that the oldest segment begins with goes. */
static int
forget_start(struct trim *t)
{
	struct segment *g = &t->segment;
	struct octets key;
	int rc = SECD_OK;

	if (g->base.seq == g->start) {
		rc = put_trash(t, g->base.seq);
		g->base = (struct base){.seq = 0};
	}
	key_of_serial(g->zone, g->start_serial, g->start, &key);
	if (rc == SECD_OK) {
		rc = db_delete(t->txn, t->db->serials, &key);
	}
	key_of_segment(g->zone, g->start, &key);
	return rc != SECD_OK ? rc : db_delete(t->txn, t->db->segments, &key);
}

/* The oldest step goes, and the version that it led from. */
static int
forget_step(struct trim *t, const struct step *s)
{
	struct segment *g = &t->segment;
	bool is_newest = is_newest_segment(t);
	struct octets key;
	uint32_t deleted;
	int rc = forget_start(t);

	key_of_step(g->zone, s->seq, &key);
	if (rc == SECD_OK) {
		rc = db_delete(t->txn, t->db->steps, &key);
	}
	if (rc == SECD_OK) {
		rc = db_delete_pieces(t->db, t->txn, g->zone, PIECE_STEP,
				      s->seq, 0, s->pieces, &deleted);
	}
	g->start = s->seq;
	g->start_serial = s->to;
	g->began_at = s->at;
	g->at_start = s->after;
	t->steps--;
	t->octets -= s->octets;
	if (rc == SECD_OK && is_newest) {
		t->zone.segment = g->start;
		rc = db_put_zone(t->db, t->txn, t->apex, &t->zone);
	}
	return rc != SECD_OK ? rc : db_put_segment(t->db, t->txn, g);
}

/*
 * One step further.
 *
 * Returns  SECD_MORE, SECD_OK: nothing is to be trimmed, or not now
 */
static int
trim_one(struct trim *t)
{
	struct segment *g = &t->segment;
	struct step s;
	int rc;

	if (t->zone.pinned != 0 && t->zone.pinned <= g->start) {
		return SECD_OK;
	}
	if (g->start == g->newest && !is_newest_segment(t)) {
		rc = forget_start(t); /* nothing is left of this segment */
		if (rc == SECD_OK) {
			rc = sum_up(t);
		}
		return rc == SECD_OK ? SECD_MORE : rc;
	}
	if (g->start == g->newest) {
		return SECD_OK;
	}
	rc = db_step_after(t->db, t->txn, g->zone, g->start, &s);
	if (rc != SECD_OK || !is_too_much(t, &s)) {
		return rc;
	}
	if (is_newest_segment(t) && g->base.seq <= g->start) {
		/* Without a base behind it, what is left could not be read. */
		t->wants_base = g->base.seq != 0 ? g->newest : 1;
		if (!t->is_hard) {
			return SECD_OK;
		}
	}
	rc = forget_step(t, &s);
	return rc == SECD_OK ? SECD_MORE : rc;
}

/* Was it never read, or not to its end? SECD_MORE: go on. */
static int
find_base(struct trim *t)
{
	struct segment g;
	int rc = db_get_segment(t->db, t->txn, t->zone.id, t->zone.segment, &g);

	if (rc != SECD_OK) {
		return rc;
	}
	t->wants_base = g.base.seq == 0;
	return SECD_MORE;
}

static int
trim(struct trim *t)
{
	int rc = db_get_zone(t->db, t->txn, t->apex, &t->zone);

	if (rc == SECD_OK && t->zone.segment == 0) {
		rc = SECD_ENOTFOUND;
	}
	if (rc == SECD_OK) {
		rc = sum_up(t);
	}
	if (rc == SECD_OK) {
		rc = find_base(t);
	}
	for (unsigned i = 0; i < STEPS_MAX && rc == SECD_MORE; i++) {
		rc = trim_one(t);
	}
	return rc;
}

int
retain_zone(struct db *db, const uint8_t *apex,
	    const struct zone_limits *limits, bool is_hard, int64_t now_ms,
	    struct retained *out)
{
	struct trim t = {.db = db,
			 .apex = apex,
			 .limits = limits,
			 .is_hard = is_hard,
			 .oldest_ms = now_ms - limits->age_ms};
	int rc = db_begin_write(db, &t.txn), done;

	if (rc != SECD_OK) {
		return rc;
	}
	done = trim(&t);
	if (done != SECD_OK && done != SECD_MORE) {
		mdb_txn_abort(t.txn);
		return done;
	}
	rc = db_commit(db, t.txn);
	if (rc != SECD_OK) {
		return rc;
	}
	*out = (struct retained){t.octets, t.wants_base};
	return done;
}

/* Everything that bears the id of a zone without a past. */
static int
purge_zone(const struct db *db, MDB_txn *txn, uint64_t zone, uint32_t *deleted)
{
	const MDB_dbi all[] = {db->pieces, db->steps, db->serials,
			       db->segments};
	struct octets prefix;

	*deleted = 0;
	prefix.len = 8;
	put_u64(prefix.data, zone);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint32_t n;
		int rc = db_delete_prefix(txn, all[i], &prefix,
					  PIECES_MAX - *deleted, &n);

		*deleted += n;
		if (rc != SECD_OK || *deleted == PIECES_MAX) {
			return rc;
		}
	}
	return SECD_OK;
}

static int
purge_first(const struct db *db, MDB_txn *txn)
{
	struct octets key;
	uint32_t deleted = 0;
	int rc = db_first_key(txn, db->trash, &key);

	if (rc != SECD_OK) {
		return rc == SECD_ENOTFOUND ? SECD_OK : rc;
	}
	if (key.len == TRASH_LEN && key.data[8] == PIECE_ALL) {
		rc = purge_zone(db, txn, get_u64(key.data), &deleted);
	} else if (key.len == TRASH_LEN) {
		rc = db_delete_prefix(txn, db->pieces, &key, PIECES_MAX,
				      &deleted);
	}
	if (rc == SECD_OK && deleted < PIECES_MAX) {
		rc = db_delete(txn, db->trash, &key);
	}
	return rc == SECD_OK ? SECD_MORE : rc;
}

int
retain_purge(struct db *db)
{
	MDB_txn *txn;
	int rc = db_begin_write(db, &txn), done;

	if (rc != SECD_OK) {
		return rc;
	}
	done = purge_first(db, txn);
	if (done != SECD_MORE) {
		mdb_txn_abort(txn);
		return done;
	}
	rc = db_commit(db, txn);
	return rc != SECD_OK ? rc : done;
}
