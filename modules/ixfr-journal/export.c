/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/export.h"

#include "base/error.h"
#include "wire/name.h"

#define TYPE_SOA 6

int
export_begin(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t seq,
	     struct export_reader *out)
{
	struct segment g;
	int rc = db_segment_of(db, txn, zone, seq, &g);

	if (rc != SECD_OK || g.base.seq == 0) {
		return rc != SECD_OK ? rc : SECD_EBUSY;
	}
	*out = (struct export_reader){.db = db,
				      .zone = zone,
				      .seq = seq,
				      .base = g.base.seq,
				      .pieces = g.base.pieces};
	return way_collect(db, txn, &g, g.base.seq, seq, &out->net);
}

void
export_fini(struct export_reader *x)
{
	net_fini(&x->net);
}

/* The entry that a record of the net difference came in stands around it. */
static int
put_addition(const struct net_record *r, export_sink *sink, void *arg)
{
	const uint8_t *entry = r->octets - 1;
	struct secd_entry e;

	if (secd_entry_read(entry, r->len + 1, &e) == 0) {
		return SECD_EIO;
	}
	return sink(arg, entry, r->len + 1, &e);
}

static bool
is_soa(const struct net_record *r)
{
	struct secd_entry e;

	return secd_entry_read(r->octets - 1, r->len + 1, &e) != 0 &&
	       e.type == TYPE_SOA;
}

/* Additions in front of an owner, or all that are left. */
static int
put_additions(struct export_reader *x, const uint8_t *owner, export_sink *sink,
	      void *arg)
{
	int rc = SECD_OK;

	while (rc == SECD_OK && x->addition < x->net.count) {
		const struct net_record *r = &x->net.records[x->addition];

		if (owner != NULL && name_compare(r->octets, owner) >= 0) {
			break;
		}
		x->addition++;
		if (r->added && !is_soa(r)) {
			rc = put_addition(r, sink, arg);
		}
	}
	return rc;
}

/* The SOA stands first in a base, and so it does in every version. */
static int
put_soa(struct export_reader *x, export_sink *sink, void *arg)
{
	x->began = true;
	for (size_t i = 0; i < x->net.count; i++) {
		if (x->net.records[i].added && is_soa(&x->net.records[i])) {
			return put_addition(&x->net.records[i], sink, arg);
		}
	}
	return SECD_OK;
}

static int
put_piece(struct export_reader *x, const uint8_t *octets, size_t len,
	  export_sink *sink, void *arg)
{
	size_t at = 0;
	int rc = SECD_OK;

	while (at < len && rc == SECD_OK) {
		struct secd_entry e;
		size_t n = secd_entry_read(octets + at, len - at, &e);

		if (n == 0) {
			return SECD_EIO;
		}
		rc = put_additions(x, e.owner, sink, arg);
		if (rc == SECD_OK && !net_deletes(&x->net, octets + at, n)) {
			rc = sink(arg, octets + at, n, &e);
		}
		at += n;
	}
	return rc;
}

int
export_go_on(struct export_reader *x, MDB_txn *txn, export_sink *sink,
	     void *arg)
{
	const uint8_t *octets;
	size_t len;
	int rc = SECD_OK;

	if (!x->began) {
		rc = put_soa(x, sink, arg);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (x->piece == x->pieces) {
		return put_additions(x, NULL, sink, arg);
	}
	rc = db_get_piece(x->db, txn, x->zone, PIECE_BASE, x->base, x->piece,
			  &octets, &len);
	if (rc != SECD_OK) {
		return rc == SECD_EMALF ? SECD_EIO : rc;
	}
	x->piece++;
	rc = put_piece(x, octets, len, sink, arg);
	return rc == SECD_OK ? SECD_MORE : rc;
}
