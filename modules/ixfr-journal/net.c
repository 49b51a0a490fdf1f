/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "wire/name.h"

#define LABELS_MAX 128
#define OCTETS_MAX ((uint64_t)256 << 20) /* held at a time */

struct net_chunk {
	struct net_chunk *next;
	uint8_t octets[];
};

void
net_fini(struct net *net)
{
	while (net->chunks != NULL) {
		struct net_chunk *c = net->chunks;

		net->chunks = c->next;
		free(c);
	}
	free(net->records);
	*net = (struct net){.count = 0};
}

/*
 * Order
 */

/* By owners (RFC 4034 section 6.1), then by octets. */
static int
compare_octets(const uint8_t *a, size_t len_a, const uint8_t *b, size_t len_b)
{
	int order = name_compare(a, b);

	if (order == 0) {
		order = memcmp(a, b, len_a < len_b ? len_a : len_b);
	}
	return order != 0 ? order : (len_a > len_b) - (len_a < len_b);
}

static int
compare_records(const void *a, const void *b)
{
	const struct net_record *ra = a, *rb = b;

	return compare_octets(ra->octets, ra->len, rb->octets, rb->len);
}

/*
 * Collecting
 */

static int
put_record(struct net *net, const uint8_t *octets, size_t len, bool added)
{
	if (net->count == net->cap) {
		size_t cap = net->cap == 0 ? 256 : net->cap * 2;
		struct net_record *bigger =
		    reallocarray(net->records, cap, sizeof(*bigger));

		if (bigger == NULL) {
			return SECD_ENOMEM;
		}
		net->records = bigger;
		net->cap = cap;
	}
	net->records[net->count++] = (struct net_record){octets, len, added};
	return SECD_OK;
}

/* The piece is the database's, so it is copied. */
static int
put_piece(struct net *net, const uint8_t *octets, size_t len, bool backwards)
{
	struct net_chunk *c = malloc(sizeof(*c) + len);
	size_t at = 0;

	if (c == NULL) {
		return SECD_ENOMEM;
	}
	memcpy(c->octets, octets, len);
	c->next = net->chunks;
	net->chunks = c;
	while (at < len) {
		struct secd_entry e;
		size_t n = secd_entry_read(c->octets + at, len - at, &e);
		bool added = e.op == SECD_OP_SOA_TO || e.op == SECD_OP_ADD;
		int rc;

		if (n == 0) {
			return SECD_EIO;
		}
		rc = put_record(net, c->octets + at + 1, n - 1,
				added != backwards);
		if (rc != SECD_OK) {
			return rc;
		}
		at += n;
	}
	return SECD_OK;
}

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
			rc = put_piece(net, octets, len, backwards);
		}
	}
	return rc == SECD_EMALF ? SECD_EIO : rc;
}

/* Steps are exact: a record comes and goes in turns, so what there is of one
 * more than of the other is one at most. */
static void
cancel(struct net *net)
{
	size_t kept = 0, i = 0;

	qsort(net->records, net->count, sizeof(*net->records), compare_records);
	while (i < net->count) {
		const struct net_record *r = &net->records[i];
		int balance = 0;
		size_t n = 0;

		while (i + n < net->count && compare_records(r, r + n) == 0) {
			balance += r[n].added ? 1 : -1;
			n++;
		}
		if (balance != 0) {
			struct net_record left = *r;

			left.added = balance > 0;
			net->records[kept++] = left;
		}
		i += n;
	}
	net->count = kept;
}

int
net_collect(const struct db *db, MDB_txn *txn, const struct segment *g,
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
	if (rc == SECD_OK && net->count > 0) {
		cancel(net);
	}
	return rc;
}

bool
net_deletes(const struct net *net, const uint8_t *entry, size_t len)
{
	struct net_record key = {entry + 1, len - 1, false};
	const struct net_record *found;

	if (net->count == 0) {
		return false;
	}
	found = bsearch(&key, net->records, net->count, sizeof(key),
			compare_records);
	return found != NULL && !found->added;
}
