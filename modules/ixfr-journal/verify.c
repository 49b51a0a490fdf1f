/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/verify.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"

/* Read at one go: some milliseconds. */
#define TURN_OCTETS ((size_t)1024 * 1024)
#define TURN_STEPS  256

static int
wrong(char *reason, uint64_t seq, const char *what)
{
	snprintf(reason, SECD_REASON_LEN, "version @%" PRIu64 ": %s", seq,
		 what);
	return SECD_EMALF;
}

static void
count_piece(struct verify_position *p, const uint8_t *octets, size_t len,
	    struct digest *d)
{
	size_t at = 0, n;
	struct secd_entry e;

	while (at < len &&
	       (n = secd_entry_read(octets + at, len - at, &e)) != 0) {
		if (e.op == SECD_OP_SOA_FROM || e.op == SECD_OP_DELETE) {
			digest_subtract_entry(d, octets + at, n);
		} else {
			digest_add_entry(d, octets + at, n);
		}
		at += n;
		p->records++;
	}
	p->octets += len;
}

/* SECD_OK: the base is as it was. */
static int
verify_base(const struct db *db, MDB_txn *txn, const struct segment *g,
	    struct verify_position *p, char *reason)
{
	struct digest expected = g->base.origin;
	struct totals at;
	size_t read = 0;
	int rc;

	while (p->piece < g->base.pieces) {
		const uint8_t *octets;
		size_t len;

		if (read > TURN_OCTETS) {
			return SECD_MORE;
		}
		rc = db_get_piece(db, txn, g->zone, PIECE_BASE, g->base.seq,
				  p->piece, &octets, &len);
		if (rc == SECD_EMALF || rc == SECD_ENOTFOUND) {
			return wrong(reason, g->base.seq,
				     "its base is damaged");
		}
		if (rc != SECD_OK) {
			return rc;
		}
		count_piece(p, octets, len, &p->digest);
		read += len;
		p->piece++;
	}
	rc = db_totals_at(db, txn, g, g->base.seq, &at);
	if (rc != SECD_OK) {
		return wrong(reason, g->base.seq, "its base has no version");
	}
	digest_add(&expected, &at.delta);
	return digest_equal(&expected, &p->digest)
		   ? SECD_OK
		   : wrong(reason, g->base.seq,
			   "its base is not what its digest says");
}

/* Can a version be found by its serial? */
static bool
is_in_index(const struct db *db, MDB_txn *txn, uint64_t zone, uint32_t serial,
	    uint64_t seq)
{
	uint64_t found;

	return db_seq_of_serial(db, txn, zone, serial, seq, &found) ==
		   SECD_OK &&
	       found == seq;
}

static int
verify_step(const struct db *db, MDB_txn *txn, const struct segment *g,
	    struct verify_position *p, char *reason)
{
	struct digest delta = {{0}}, sum;
	struct totals before;
	struct step s;
	int rc = db_totals_at(db, txn, g, p->seq, &before);

	if (rc == SECD_OK) {
		rc = db_step_after(db, txn, g->zone, p->seq, &s);
	}
	if (rc != SECD_OK || s.from_seq != p->seq || s.from != before.serial) {
		return wrong(reason, p->seq, "nothing follows it");
	}
	for (uint32_t i = 0; i < s.pieces; i++) {
		const uint8_t *octets;
		size_t len;

		rc = db_get_piece(db, txn, g->zone, PIECE_STEP, s.seq, i,
				  &octets, &len);
		if (rc != SECD_OK) {
			return wrong(reason, s.seq, "its step is damaged");
		}
		count_piece(p, octets, len, &delta);
	}
	sum = before.delta;
	digest_add(&sum, &s.delta);
	if (!digest_equal(&delta, &s.delta) ||
	    !digest_equal(&sum, &s.after.delta) ||
	    s.after.steps != before.steps + 1 ||
	    s.after.octets != before.octets + s.octets) {
		return wrong(reason, s.seq, "its sums are wrong");
	}
	if (!is_in_index(db, txn, g->zone, s.to, s.seq)) {
		return wrong(reason, s.seq, "its serial is not in the index");
	}
	p->seq = s.seq;
	p->versions++;
	return SECD_OK;
}

/* The segment says of its newest version what its last step says. */
static int
verify_end(const struct db *db, MDB_txn *txn, const struct segment *g,
	   char *reason)
{
	struct totals at;

	if (db_totals_at(db, txn, g, g->newest, &at) != SECD_OK ||
	    at.serial != g->newest_serial || at.steps != g->at_newest.steps ||
	    at.octets != g->at_newest.octets ||
	    !digest_equal(&at.delta, &g->at_newest.delta)) {
		return wrong(reason, g->newest, "its segment ends otherwise");
	}
	return SECD_OK;
}

static int
verify_segment(const struct db *db, MDB_txn *txn, const struct segment *g,
	       struct verify_position *p, char *reason)
{
	int rc = SECD_OK;

	if (p->seq == g->start &&
	    !is_in_index(db, txn, g->zone, g->start_serial, g->start)) {
		return wrong(reason, g->start,
			     "its serial is not in the index");
	}
	if (p->has_base != 0) {
		rc = verify_base(db, txn, g, p, reason);
		p->has_base = rc == SECD_MORE;
	}
	for (unsigned i = 0; rc == SECD_OK && p->seq != g->newest; i++) {
		if (i == TURN_STEPS) {
			return SECD_MORE;
		}
		rc = verify_step(db, txn, g, p, reason);
	}
	return rc == SECD_OK ? verify_end(db, txn, g, reason) : rc;
}

/* From the newest segment to the oldest. */
static int
next_segment(const struct db *db, MDB_txn *txn, const uint8_t *apex,
	     struct verify_position *p, struct segment *out)
{
	struct zone_record z = {.id = p->zone};
	int rc = SECD_OK;

	if (p->zone == 0) {
		rc = db_get_zone(db, txn, apex, &z);
	}
	if (rc == SECD_OK) {
		rc = db_segment_before(
		    db, txn, z.id, p->zone == 0 ? UINT64_MAX : p->segment, out);
	}
	if (rc == SECD_OK) {
		*p = (struct verify_position){.zone = z.id,
					      .segment = out->start,
					      .seq = out->start,
					      .has_base = out->base.seq != 0,
					      .versions = p->versions + 1,
					      .records = p->records,
					      .octets = p->octets};
	}
	return rc;
}

int
verify_go_on(const struct db *db, MDB_txn *txn, const uint8_t *apex,
	     struct verify_position *p, char *reason)
{
	struct segment g;
	int rc;

	if (p->zone == 0) {
		rc = next_segment(db, txn, apex, p, &g);
	} else {
		rc = db_get_segment(db, txn, p->zone, p->segment, &g);
	}
	if (rc == SECD_ENOTFOUND && p->zone != 0) {
		/* Trimmed meanwhile: from the beginning. */
		*p = (struct verify_position){.zone = 0};
		return SECD_MORE;
	}
	if (rc == SECD_EMALF) {
		return wrong(reason, p->segment, "its segment is damaged");
	}
	if (rc == SECD_OK) {
		rc = verify_segment(db, txn, &g, p, reason);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	rc = next_segment(db, txn, apex, p, &g);
	return rc == SECD_ENOTFOUND ? SECD_OK : rc == SECD_OK ? SECD_MORE : rc;
}

static int
newest_in(const struct db *db, MDB_txn *txn, const uint8_t *apex, uint64_t *seq,
	  uint32_t *serial)
{
	char reason[SECD_REASON_LEN];
	struct verify_position p;
	struct zone_record z;
	struct segment g;
	struct step s;
	int rc = db_get_zone(db, txn, apex, &z);

	if (rc == SECD_OK) {
		rc = z.segment == 0
			 ? SECD_ENOTFOUND
			 : db_get_segment(db, txn, z.id, z.segment, &g);
	}
	if (rc == SECD_OK && g.newest != g.start) {
		rc = db_get_step(db, txn, g.zone, g.newest, &s);
		if (rc == SECD_OK) {
			p = (struct verify_position){.seq = s.from_seq};
			rc = verify_step(db, txn, &g, &p, reason);
		}
	}
	if (rc == SECD_OK) {
		rc = verify_end(db, txn, &g, reason);
		*seq = g.newest;
		*serial = g.newest_serial;
	}
	return rc;
}

int
verify_newest(const struct db *db, const uint8_t *apex, uint64_t *seq,
	      uint32_t *serial)
{
	MDB_txn *txn;
	int rc = db_begin_read(db, &txn);

	if (rc == SECD_OK) {
		rc = newest_in(db, txn, apex, seq, serial);
		mdb_txn_abort(txn);
	}
	return rc;
}
