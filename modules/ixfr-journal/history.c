/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/history.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "ixfr-journal/steps.h"

/* Versions that a host may have lost in a crash; it lost its storage if they
 * are more. */
#define UNDO_MAX 1000

/* One change on its way in. */
struct intake {
	const struct db *db;
	MDB_txn *txn; /* inside the group's */
	const struct secd_change *change;
	char *reason;
	uint64_t *room; /* the group's */
	uint64_t counts_to;
	struct zone_record zone;
	struct segment segment; /* the newest, if zone.segment is set */
	bool base_lost;         /* or there never was one */
};

static int
put_serial(const struct intake *in, uint32_t serial, uint64_t seq)
{
	static const struct octets nothing;
	struct octets key;

	key_of_serial(in->zone.id, serial, seq, &key);
	return db_put(in->txn, in->db->serials, &key, &nothing);
}

static int
put_trash(const struct intake *in, enum piece_kind kind, uint64_t seq)
{
	static const struct octets nothing;
	struct octets key;

	key_of_trash(in->zone.id, kind, seq, &key);
	return db_put(in->txn, in->db->trash, &key, &nothing);
}

/* Nothing of what there is of the zone counts any more: under a new id the
 * zone has no past, and what bears the old one is deleted bit by bit. */
static int
forget_zone(struct intake *in)
{
	int rc = put_trash(in, PIECE_ALL, 0);

	in->zone.segment = in->zone.pinned = 0;
	return rc != SECD_OK ? rc : db_next_id(in->db, in->txn, &in->zone.id);
}

static int
load(struct intake *in)
{
	int rc = db_get_zone(in->db, in->txn, in->change->apex, &in->zone);

	if (rc == SECD_ENOTFOUND) {
		in->zone = (struct zone_record){.id = 0};
		return db_next_id(in->db, in->txn, &in->zone.id);
	}
	if (rc == SECD_OK && in->zone.segment != 0) {
		rc = db_get_segment(in->db, in->txn, in->zone.id,
				    in->zone.segment, &in->segment);
	}
	/* A journal that is damaged there has no past for this zone. */
	return rc == SECD_EMALF || rc == SECD_ENOTFOUND ? forget_zone(in) : rc;
}

/* Undo the newest step. */
static int
drop_newest(struct intake *in)
{
	struct segment *g = &in->segment;
	struct octets key;
	uint32_t deleted;
	struct step s;
	int rc = db_get_step(in->db, in->txn, g->zone, g->newest, &s);

	if (rc != SECD_OK) {
		return rc;
	}
	key_of_step(g->zone, s.seq, &key);
	rc = db_delete(in->txn, in->db->steps, &key);
	if (rc == SECD_OK) {
		key_of_serial(g->zone, s.to, s.seq, &key);
		rc = db_delete(in->txn, in->db->serials, &key);
	}
	if (rc == SECD_OK) {
		/* Now, not later: another step may soon have this number. */
		rc = db_delete_pieces(in->db, in->txn, g->zone, PIECE_STEP,
				      s.seq, 0, s.pieces, &deleted);
	}
	if (rc == SECD_OK && g->base.seq == s.seq) {
		rc = put_trash(in, PIECE_BASE, s.seq);
		g->base = (struct base){.seq = 0};
		in->base_lost = true;
	}
	g->newest = s.from_seq;
	g->newest_serial = s.from;
	g->at_newest.steps--;
	g->at_newest.octets -= s.octets;
	digest_subtract(&g->at_newest.delta, &s.delta);
	return rc;
}

/* Undo a segment without steps. Then the one before it is the newest. */
static int
drop_segment(struct intake *in)
{
	struct segment *g = &in->segment;
	struct octets key;
	int rc = SECD_OK;

	if (g->base.seq != 0) {
		rc = put_trash(in, PIECE_BASE, g->base.seq);
	}
	key_of_serial(g->zone, g->start_serial, g->start, &key);
	if (rc == SECD_OK) {
		rc = db_delete(in->txn, in->db->serials, &key);
	}
	key_of_segment(g->zone, g->start, &key);
	if (rc == SECD_OK) {
		rc = db_delete(in->txn, in->db->segments, &key);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	rc = db_segment_before(in->db, in->txn, g->zone, g->start, g);
	in->zone.segment = rc == SECD_OK ? g->start : 0;
	in->base_lost = rc == SECD_OK && g->base.seq == 0;
	return rc == SECD_ENOTFOUND ? SECD_OK : rc;
}

/*
 * What has a number above `seq` never counted. A host that lost its storage
 * counts from the beginning: then that is all there is.
 */
static int
forget_above(struct intake *in, uint64_t seq)
{
	unsigned undone = 0;
	int rc = SECD_OK;

	while (rc == SECD_OK && in->zone.segment != 0 &&
	       in->segment.newest > seq) {
		if (++undone > UNDO_MAX) {
			return forget_zone(in);
		}
		rc = in->segment.newest > in->segment.start ? drop_newest(in)
							    : drop_segment(in);
	}
	return rc;
}

/* Where no way leads on from what there is, another segment begins. */
static int
begin_segment(struct intake *in)
{
	const struct secd_change *c = in->change;
	bool from_nothing = c->from_seq == 0;
	int rc = SECD_OK;

	if (in->zone.segment != 0) {
		/* Some of its steps may be undone. */
		rc = db_put_segment(in->db, in->txn, &in->segment);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	in->base_lost = true;
	in->segment = (struct segment){
	    .zone = in->zone.id,
	    .start = from_nothing ? c->seq : c->from_seq,
	    .start_serial = from_nothing ? c->to : c->from,
	    .began_at = c->at_ms,
	};
	in->segment.newest = in->segment.start;
	in->segment.newest_serial = in->segment.start_serial;
	in->zone.segment = in->segment.start;
	return put_serial(in, in->segment.start_serial, in->segment.start);
}

static void
describe(const struct secd_change *c, struct step *s)
{
	size_t len = strlen(c->primary_id);

	s->at = c->at_ms;
	s->source = c->source;
	s->transport = c->transport;
	s->primary = c->primary;
	s->id_len = (uint8_t)(len > RECORD_ID_MAX ? RECORD_ID_MAX : len);
	memcpy(s->id, c->primary_id, s->id_len);
	if (c->key != NULL) {
		s->key_len = (uint8_t)name_len(c->key);
		memcpy(s->key, c->key, s->key_len);
	}
}

static int
append(struct intake *in)
{
	const struct secd_change *c = in->change;
	struct segment *g = &in->segment;
	struct step s = {.zone = g->zone,
			 .seq = c->seq,
			 .from_seq = c->from_seq,
			 .from = c->from,
			 .to = c->to};
	int rc;

	describe(c, &s);
	rc =
	    steps_write(in->db, in->txn, c, &s, &s.delta, in->room, in->reason);
	if (rc != SECD_OK) {
		return rc;
	}
	g->newest = c->seq;
	g->newest_serial = c->to;
	g->at_newest.steps++;
	g->at_newest.octets += s.octets;
	digest_add(&g->at_newest.delta, &s.delta);
	s.after = g->at_newest;
	return db_put_step(in->db, in->txn, &s);
}

/* When both sides know what the version is made of, they agree. */
static int
check_digest(const struct intake *in)
{
	struct digest ours = in->segment.base.origin, theirs;

	if (in->change->digest == NULL || in->segment.base.seq == 0) {
		return SECD_OK;
	}
	digest_add(&ours, &in->segment.at_newest.delta);
	digest_read(in->change->digest, &theirs);
	if (!digest_equal(&ours, &theirs)) {
		snprintf(in->reason, SECD_REASON_LEN,
			 "the change to serial %u makes another zone than the "
			 "one that is served",
			 (unsigned)in->change->to);
		return SECD_EMISMATCH;
	}
	return SECD_OK;
}

static bool
follows(const struct intake *in)
{
	const struct secd_change *c = in->change;

	return in->zone.segment != 0 && c->from_seq != 0 &&
	       in->segment.newest == c->from_seq &&
	       in->segment.newest_serial == c->from;
}

/* Forget what never counted, and what the change contradicts. */
static int
go_back(struct intake *in)
{
	const struct secd_change *c = in->change;
	uint64_t start = c->from_seq != 0 ? c->from_seq : c->seq;
	uint64_t last = c->from_seq != 0 ? start : start - 1;
	int rc = forget_above(in, last < in->counts_to ? last : in->counts_to);

	if (rc == SECD_OK && !follows(in)) {
		/* Two segments never share a version. */
		rc = forget_above(in, start - 1);
	}
	if (rc == SECD_EMALF || rc == SECD_ENOTFOUND) {
		rc = forget_zone(in); /* damaged: it cannot be undone */
	}
	if (rc == SECD_OK &&
	    (in->zone.segment == 0 || in->zone.pinned > in->segment.newest)) {
		in->zone.pinned = 0; /* it is gone */
	}
	return rc;
}

static int
take(struct intake *in, bool *wants_base)
{
	const struct secd_change *c = in->change;
	int rc = load(in);

	if (rc == SECD_OK) {
		rc = go_back(in);
	}
	if (rc == SECD_OK && !follows(in)) {
		rc = begin_segment(in);
	}
	if (rc == SECD_OK && c->from_seq != 0) {
		rc = append(in);
	}
	*wants_base = in->base_lost;
	if (rc == SECD_OK) {
		rc = check_digest(in);
	}
	if (rc == SECD_OK) {
		rc = db_put_segment(in->db, in->txn, &in->segment);
	}
	return rc != SECD_OK ? rc
			     : db_put_zone(in->db, in->txn, c->apex, &in->zone);
}

static int
begin_group(struct history *h)
{
	int rc = db_room(h->db, &h->room);

	return rc != SECD_OK ? rc : db_begin_write(h->db, &h->group);
}

/* The group's first change writes in the group's transaction, and takes it along
 * when it fails. Those behind it have one of their own inside, for each of which
 * LMDB takes 3 MiB of memory and gives it back. */
static int
begin_change(struct history *h, MDB_txn **txn)
{
	int rc;

	if (h->group != NULL) {
		return db_error(mdb_txn_begin(h->db->env, h->group, 0, txn));
	}
	rc = begin_group(h);
	*txn = h->group;
	return rc;
}

int
history_change(struct history *h, const struct secd_change *c,
	       uint64_t counts_to, bool *wants_base, char *reason)
{
	struct intake in = {.db = h->db,
			    .change = c,
			    .reason = reason,
			    .room = &h->room,
			    .counts_to = counts_to};
	int rc;

	reason[0] = '\0';
	if (c->seq <= c->from_seq || (c->from_seq != 0 && c->records == NULL)) {
		return SECD_EINVAL;
	}
	rc = begin_change(h, &in.txn);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = take(&in, wants_base);
	if (in.txn != h->group && rc == SECD_OK) {
		return db_error(mdb_txn_commit(in.txn));
	}
	if (in.txn != h->group) {
		mdb_txn_abort(in.txn);
	} else if (rc != SECD_OK) {
		history_abort(h);
	}
	return rc;
}

int
history_commit(struct history *h)
{
	MDB_txn *group = h->group;

	h->group = NULL;
	return group == NULL ? SECD_OK : db_commit(h->db, group);
}

void
history_abort(struct history *h)
{
	if (h->group != NULL) {
		mdb_txn_abort(h->group);
		h->group = NULL;
	}
}
