/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/way.h"

#include "base/error.h"

#define OCTETS_MAX ((uint64_t)256 << 20) /* held at a time */

static int
put_step(const struct db *db, MDB_txn *txn, const struct step *s,
	 bool backwards, struct net *net)
{
	int rc = SECD_OK;

	for (uint32_t i = 0; i < s->pieces && rc == SECD_OK; i++) {
		const uint8_t *octets;
		size_t len;

		rc = db_get_piece(db, txn, s->zone, PIECE_STEP, s->seq, i,
				  &octets, &len);
		if (rc == SECD_OK) {
			rc = net_put(net, octets, len, backwards);
		}
	}
	return rc == SECD_EMALF ? SECD_EIO : rc;
}

int
way_collect(const struct db *db, MDB_txn *txn, const struct segment *g,
	    uint64_t from, uint64_t to, struct net *net)
{
	bool backwards = to < from;
	uint64_t at = backwards ? to : from, end = backwards ? from : to;
	struct totals before, after;
	int rc = db_totals_at(db, txn, g, at, &before);

	if (rc == SECD_OK) {
		rc = db_totals_at(db, txn, g, end, &after);
	}
	if (rc == SECD_OK && after.octets - before.octets > OCTETS_MAX) {
		rc = SECD_ELIMIT;
	}
	while (rc == SECD_OK && at < end) {
		struct step s;

		rc = db_step_after(db, txn, g->zone, at, &s);
		if (rc == SECD_OK) {
			rc = put_step(db, txn, &s, backwards, net);
		}
		at = rc == SECD_OK ? s.seq : end;
	}
	if (rc == SECD_OK) {
		net_cancel(net);
		net_sort(net);
	}
	return rc;
}
