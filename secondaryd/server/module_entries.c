/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_entries.h"

#include <stdlib.h>

#include "base/error.h"
#include "zone/record.h"

/* A piece ends behind the entry that reaches this. */
#define PIECE_LEN (SECD_CHUNK_MAX - 66000)

_Static_assert((int)SECD_OP_SOA_FROM == (int)CHANGESET_SOA_FROM &&
		   (int)SECD_OP_DELETE == (int)CHANGESET_DELETE &&
		   (int)SECD_OP_SOA_TO == (int)CHANGESET_SOA_TO &&
		   (int)SECD_OP_ADD == (int)CHANGESET_ADD,
	       "entries are operations of changesets");

static int
put(struct buf *piece, enum changeset_op op, const struct rr *rr)
{
	uint8_t code = (uint8_t)op;
	int rc = buf_put(piece, &code, 1);

	return rc == SECD_OK ? record_put(piece, rr) : rc;
}

/*
 * Differences
 */

static int
fill(struct module_stream *s)
{
	int rc = SECD_OK;

	buf_clear(&s->piece);
	while (rc == SECD_OK && !s->is_over && s->piece.len < PIECE_LEN) {
		enum changeset_op op;
		struct rr rr;

		rc = difference_next(s->difference, &op, &rr);
		if (rc == SECD_ENOTFOUND) {
			s->is_over = true;
			rc = SECD_OK;
		} else if (rc == SECD_OK) {
			rc = put(&s->piece, op, &rr);
		}
	}
	return rc;
}

static int
next_piece(struct secd_stream *api, const uint8_t **octets, size_t *len)
{
	struct module_stream *s = (struct module_stream *)api;
	int rc = SECD_OK;

	if (s->difference == NULL) {
		rc = difference_new(s->from, s->to, s->owners, &s->difference);
	}
	if (rc == SECD_OK) {
		rc = fill(s);
	}
	*octets = s->piece.data;
	*len = rc == SECD_OK ? s->piece.len : 0;
	return rc;
}

void
module_stream_init(struct module_stream *s, struct version *from,
		   struct version *to, const struct buf *owners)
{
	*s = (struct module_stream){
	    .api = {.size = sizeof(s->api), .next = next_piece},
	    .from = from,
	    .to = to,
	    .owners = owners,
	};
}

void
module_stream_fini(struct module_stream *s)
{
	difference_free(s->difference);
	buf_fini(&s->piece);
}

/*
 * Whole zones
 */

struct module_walk {
	struct version *version;
	struct version_cursor cursor;
	struct node_reader reader;
	bool has_begun, in_node, is_over;
	struct buf piece;
};

int
module_walk_new(struct version *v, struct module_walk **out)
{
	struct module_walk *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return SECD_ENOMEM;
	}
	w->version = version_ref(v);
	*out = w;
	return SECD_OK;
}

void
module_walk_free(struct module_walk *w)
{
	if (w != NULL) {
		version_unref(w->version);
		buf_fini(&w->piece);
		free(w);
	}
}

/* The SOA comes before anything else, and not again. */
static int
begin(struct module_walk *w)
{
	struct rr rr;

	node_reader_init(&w->reader, version_apex(w->version));
	while (node_reader_next(&w->reader, &rr)) {
		if (rr.type == RR_TYPE_SOA) {
			break;
		}
	}
	version_cursor_start(&w->cursor, w->version);
	w->has_begun = true;
	return put(&w->piece, CHANGESET_ADD, &rr);
}

/* The next record that is no SOA. */
static int
next_record(struct module_walk *w, struct rr *rr)
{
	for (;;) {
		const struct node *n;

		while (w->in_node && node_reader_next(&w->reader, rr)) {
			if (rr->type != RR_TYPE_SOA) {
				return SECD_OK;
			}
		}
		n = version_cursor_next(&w->cursor);
		if (n == NULL) {
			return version_cursor_is_whole(&w->cursor)
				   ? SECD_ENOTFOUND
				   : SECD_EIO;
		}
		node_reader_init(&w->reader, n);
		w->in_node = true;
	}
}

int
module_walk_next(struct module_walk *w, const uint8_t **octets, size_t *len)
{
	int rc = SECD_OK;

	buf_clear(&w->piece);
	if (!w->has_begun) {
		rc = begin(w);
	}
	while (rc == SECD_OK && !w->is_over && w->piece.len < PIECE_LEN) {
		struct rr rr;

		rc = next_record(w, &rr);
		if (rc == SECD_ENOTFOUND) {
			w->is_over = true;
			rc = SECD_OK;
		} else if (rc == SECD_OK) {
			rc = put(&w->piece, CHANGESET_ADD, &rr);
		}
	}
	*octets = w->piece.data;
	*len = rc == SECD_OK ? w->piece.len : 0;
	return rc;
}
