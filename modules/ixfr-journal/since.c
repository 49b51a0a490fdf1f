/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/since.h"

#include <string.h>

#include "base/error.h"

/* Versions of one serial that are compared: more work is no longer bounded. */
#define TWINS_MAX 64

/* What stands in the caller's position between calls. */
struct position {
	uint64_t zone;  /* 0: the first call */
	uint64_t seq;   /* of the step that is being read */
	uint32_t index; /* its next piece */
	uint32_t pieces;
};

_Static_assert(sizeof(struct position) <= SECD_POSITION_LEN,
	       "a position has to fit");

/* Is there a version of that seq with the same contents? Of versions that no
 * way joins, the digests tell; while one is not known, they may differ. */
static int
is_same(const struct db *db, MDB_txn *txn, uint64_t seq,
	const struct segment *g, const struct totals *t, bool *same)
{
	struct digest ours = t->delta, theirs;
	struct segment other;
	struct totals then;
	int rc = db_segment_of(db, txn, g->zone, seq, &other);

	if (rc == SECD_OK) {
		rc = db_totals_at(db, txn, &other, seq, &then);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	theirs = then.delta;
	*same = true;
	if (other.start != g->start) {
		*same = other.base.seq != 0 && g->base.seq != 0;
		digest_add(&ours, &g->base.origin);
		digest_add(&theirs, &other.base.origin);
	}
	*same = *same && digest_equal(&ours, &theirs);
	return SECD_OK;
}

/*
 * A serial may be that of several versions, as after a transfer that was ordered
 * though the serial was the same: then it does not say what the client has, and
 * a way from one of them would make another zone of the others.
 */
static int
check_twins(const struct db *db, MDB_txn *txn, const struct secd_since *s,
	    const struct segment *g, uint64_t from, const struct totals *t)
{
	uint64_t seq = from;
	bool same = true;

	for (unsigned n = 0; n < TWINS_MAX && same; n++) {
		int rc =
		    db_seq_of_serial(db, txn, g->zone, s->from, seq - 1, &seq);

		if (rc != SECD_OK) {
			return rc == SECD_ENOTFOUND ? SECD_OK : rc;
		}
		rc = is_same(db, txn, seq, g, t, &same);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_ENOTFOUND;
}

static int
find_start(const struct db *db, MDB_txn *txn, struct secd_since *s,
	   struct position *p)
{
	struct totals before, after;
	uint64_t from = s->from_seq;
	struct zone_record z;
	struct segment g;
	int rc = db_get_zone(db, txn, s->apex, &z);

	if (rc == SECD_OK && z.segment == 0) {
		rc = SECD_ENOTFOUND;
	}
	if (rc == SECD_OK) {
		rc = db_get_segment(db, txn, z.id, z.segment, &g);
	}
	if (rc == SECD_OK && s->to_seq > g.newest) {
		return SECD_EBUSY;
	}
	if (rc == SECD_OK && from == 0) {
		rc = db_seq_of_serial(db, txn, z.id, s->from, s->to_seq - 1,
				      &from);
	}
	if (rc != SECD_OK || from < g.start || from >= s->to_seq) {
		return rc != SECD_OK ? rc : SECD_ENOTFOUND;
	}
	rc = db_totals_at(db, txn, &g, from, &before);
	if (rc == SECD_OK && s->from_seq == 0 && before.serial != s->from) {
		rc = SECD_EIO; /* the index is damaged */
	}
	if (rc == SECD_OK && s->from_seq == 0) {
		rc = check_twins(db, txn, s, &g, from, &before);
	}
	if (rc == SECD_OK) {
		rc = db_totals_at(db, txn, &g, s->to_seq, &after);
	}
	if (rc == SECD_OK) {
		s->octets = after.octets - before.octets;
		s->steps = (uint32_t)(after.steps - before.steps);
		*p = (struct position){.zone = z.id, .seq = from};
	}
	return rc;
}

/* The step behind the one that was read. */
static int
next_step(const struct db *db, MDB_txn *txn, struct position *p)
{
	struct step s;
	int rc = db_step_after(db, txn, p->zone, p->seq, &s);

	if (rc == SECD_OK && s.from_seq != p->seq) {
		return SECD_ENOTFOUND;
	}
	if (rc == SECD_OK) {
		p->seq = s.seq;
		p->index = 0;
		p->pieces = s.pieces;
	}
	return rc;
}

static int
fill(const struct db *db, MDB_txn *txn, struct secd_since *s,
     struct position *p)
{
	for (;;) {
		const uint8_t *octets;
		size_t len;
		int rc;

		if (p->index == p->pieces) {
			if (p->seq == s->to_seq) {
				return SECD_OK;
			}
			rc = next_step(db, txn, p);
			if (rc != SECD_OK) {
				return rc;
			}
		}
		rc = db_get_piece(db, txn, p->zone, PIECE_STEP, p->seq,
				  p->index, &octets, &len);
		if (rc != SECD_OK) {
			return rc;
		}
		if (len > s->cap - s->len) {
			return SECD_MORE;
		}
		memcpy(s->buffer + s->len, octets, len);
		s->len += len;
		p->index++;
	}
}

int
since_read(const struct db *db, struct secd_since *s)
{
	struct position p;
	MDB_txn *txn;
	int rc = db_begin_read(db, &txn);

	if (rc != SECD_OK) {
		return rc;
	}
	memcpy(&p, s->position, sizeof(p));
	s->len = 0;
	if (p.zone == 0) {
		rc = find_start(db, txn, s, &p);
	}
	if (rc == SECD_OK) {
		rc = fill(db, txn, s, &p);
	}
	mdb_txn_abort(txn);
	memcpy(s->position, &p, sizeof(p));
	return rc == SECD_EMALF ? SECD_EIO : rc;
}
