/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/base.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Written at one tick: some milliseconds of work. */
#define TICK_OCTETS ((uint64_t)1024 * 1024)
/* How often a zone's walk is asked for in a row: then a later round does. */
#define TRIES_MAX 10

struct base_wish {
	struct base_wish *next;
	uint64_t at_least; /* seq */
	unsigned tries;    /* of walks that the host did not have */
	uint8_t apex[NAME_LEN_MAX];
};

static void
append(struct bases *b, struct base_wish *w)
{
	w->next = NULL;
	if (b->wishes == NULL) {
		b->wishes = w;
	} else {
		b->last_wish->next = w;
	}
	b->last_wish = w;
}

int
bases_want(struct bases *b, const uint8_t *apex, uint64_t at_least)
{
	struct base_wish *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return SECD_ENOMEM;
	}
	w->at_least = at_least;
	memcpy(w->apex, apex, name_len(apex));
	append(b, w);
	return SECD_OK;
}

static void
drop_first_wish(struct bases *b)
{
	struct base_wish *w = b->wishes;

	b->wishes = w->next;
	free(w);
}

/* The host does not have that version, or not yet: others first. */
static int
postpone_first_wish(struct bases *b)
{
	struct base_wish *w = b->wishes;

	if (++w->tries == TRIES_MAX) {
		drop_first_wish(b);
		return SECD_MORE;
	}
	b->wishes = w->next;
	append(b, w);
	return SECD_EBUSY;
}

static void
end_walk(struct bases *b)
{
	b->host->walk_end(b->walk);
	b->walk = NULL;
}

void
bases_fini(struct bases *b)
{
	if (b->walk != NULL) {
		end_walk(b);
	}
	while (b->wishes != NULL) {
		drop_first_wish(b);
	}
}

void
bases_undo(struct bases *b, const uint8_t *apex, uint64_t seq)
{
	size_t len = name_len(apex);

	if (b->walk != NULL && b->seq > seq &&
	    memcmp(b->apex, apex, len) == 0) {
		end_walk(b); /* the wish is still there */
	}
}

/* Is there room for a tick, and for so many octets? A base is what lets others
 * be trimmed: half of the reserve is for it. */
static int
check_room(const struct bases *b, uint64_t octets)
{
	uint64_t room, need = TICK_OCTETS + octets;
	int rc = db_room_for_bases(b->db, &room);

	return rc == SECD_OK && room < need + need / 4 ? SECD_ENOSPC : rc;
}

/* The newest segment of the zone that is walked, or would be. */
static int
newest_segment(const struct bases *b, MDB_txn *txn, struct segment *out)
{
	struct zone_record z;
	int rc = db_get_zone(b->db, txn, b->apex, &z);

	if (rc == SECD_OK && z.segment == 0) {
		rc = SECD_ENOTFOUND;
	}
	return rc != SECD_OK ? rc
			     : db_get_segment(b->db, txn, z.id, z.segment, out);
}

/* Pieces that are written before the base counts are rubbish until then. */
static int
begin_in(struct bases *b, MDB_txn *txn)
{
	static const struct octets nothing;
	struct octets key;
	struct segment g;
	MDB_val v;
	int rc = newest_segment(b, txn, &g);

	if (rc != SECD_OK) {
		return rc;
	}
	if (g.base.seq >= b->wishes->at_least || g.base.seq == g.newest) {
		return SECD_ENOTFOUND; /* it is there */
	}
	rc = check_room(b, g.base.octets); /* about as large as the last one */
	if (rc != SECD_OK) {
		return rc;
	}
	key_of_trash(g.zone, PIECE_BASE, g.newest, &key);
	rc = db_get(txn, b->db->trash, &key, &v);
	if (rc != SECD_ENOTFOUND) {
		return rc == SECD_OK ? SECD_EBUSY : rc; /* not deleted yet */
	}
	rc = db_put(txn, b->db->trash, &key, &nothing);
	if (rc == SECD_OK) {
		rc = b->host->walk_begin(b->host->ctx, b->apex, g.newest,
					 &b->walk);
		rc = rc == SECD_ENOTFOUND ? SECD_EAGAIN : rc;
	}
	b->zone = g.zone;
	b->seq = g.newest;
	b->index = 0;
	b->records = b->octets = 0;
	b->digest = (struct digest){{0}};
	return rc;
}

/* Begin the walk that was wished for first. SECD_ENOTFOUND: needless by now;
 * SECD_EAGAIN: the host does not have it. */
static int
begin(struct bases *b)
{
	MDB_txn *txn;
	int rc;

	memcpy(b->apex, b->wishes->apex, sizeof(b->apex));
	rc = db_begin_write(b->db, &txn);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = begin_in(b, txn);
	if (rc != SECD_OK) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = db_commit(b->db, txn);
	if (rc != SECD_OK) {
		end_walk(b);
	}
	return rc;
}

static int
put_piece(struct bases *b, MDB_txn *txn, const uint8_t *octets, size_t len)
{
	size_t at = 0;

	while (at < len) {
		struct secd_entry e;
		size_t n = secd_entry_read(octets + at, len - at, &e);

		if (n == 0 || e.op != SECD_OP_ADD) {
			return SECD_EMALF;
		}
		digest_add_entry(&b->digest, octets + at, n);
		b->records++;
		at += n;
	}
	b->octets += len;
	return db_put_piece(b->db, txn, b->zone, PIECE_BASE, b->seq, b->index++,
			    octets, len);
}

/* The base before is not needed any more. */
static int
discard(const struct bases *b, MDB_txn *txn, const struct base *old)
{
	static const struct octets nothing;
	struct octets key;

	if (old->seq == 0) {
		return SECD_OK;
	}
	key_of_trash(b->zone, PIECE_BASE, old->seq, &key);
	return db_put(txn, b->db->trash, &key, &nothing);
}

/* All of it is there: from now on it counts, if its version does. */
static int
finish(struct bases *b, MDB_txn *txn)
{
	struct octets key;
	struct totals at;
	struct segment g;
	int rc = db_segment_of(b->db, txn, b->zone, b->seq, &g);

	if (rc == SECD_OK) {
		rc = db_totals_at(b->db, txn, &g, b->seq, &at);
	}
	if (rc == SECD_OK) {
		rc = discard(b, txn, &g.base);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	g.base = (struct base){.seq = b->seq,
			       .serial = at.serial,
			       .pieces = b->index,
			       .records = b->records,
			       .octets = b->octets,
			       .origin = b->digest};
	digest_subtract(&g.base.origin, &at.delta);
	key_of_trash(b->zone, PIECE_BASE, b->seq, &key);
	rc = db_delete(txn, b->db->trash, &key);
	return rc != SECD_OK ? rc : db_put_segment(b->db, txn, &g);
}

/* Write for one tick. SECD_OK: the base is complete. */
static int
write_some(struct bases *b, MDB_txn *txn)
{
	uint64_t until = b->octets + TICK_OCTETS;

	while (b->octets < until) {
		const uint8_t *octets;
		size_t len;
		int rc = b->host->walk_next(b->walk, &octets, &len);

		if (rc != SECD_OK) {
			return rc;
		}
		if (len == 0) {
			return finish(b, txn);
		}
		rc = put_piece(b, txn, octets, len);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_MORE;
}

static int
go_on(struct bases *b)
{
	MDB_txn *txn;
	int rc = check_room(b, 0), done;

	if (rc == SECD_OK) {
		rc = db_begin_write(b->db, &txn);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	done = write_some(b, txn);
	if (done != SECD_OK && done != SECD_MORE) {
		mdb_txn_abort(txn);
		return done;
	}
	rc = db_commit(b->db, txn);
	return rc != SECD_OK ? rc : done;
}

int
bases_go_on(struct bases *b)
{
	int rc;

	if (b->walk == NULL && b->wishes == NULL) {
		return SECD_OK;
	}
	if (b->walk == NULL) {
		rc = begin(b);
		if (rc == SECD_ENOTFOUND) {
			drop_first_wish(b);
			return SECD_MORE;
		}
		if (rc == SECD_EAGAIN) {
			return postpone_first_wish(b);
		}
		return rc == SECD_OK ? SECD_MORE : rc;
	}
	rc = go_on(b);
	if (rc == SECD_MORE) {
		return rc;
	}
	end_walk(b);
	if (rc == SECD_OK || rc == SECD_ENOTFOUND) {
		drop_first_wish(b); /* it is complete, or nobody needs it */
		return SECD_MORE;
	}
	return rc; /* the wish stays: another walk, from the beginning */
}
