/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "secondaryd/module.h"
#include "wire/name.h"

/* Calls in a row that bring nothing: a module that makes more runs in circles. */
#define EMPTY_MAX 64

struct history {
	struct frontend_history source;
	struct secd_since since;
	int rc;        /* of the last call */
	bool is_fresh; /* what it brought was not given out yet */
	uint8_t apex[NAME_LEN_MAX];
	_Alignas(max_align_t) uint8_t position[SECD_POSITION_LEN];
	uint8_t piece[SECD_CHUNK_MAX];
};

/* One more piece, unless there is none. */
static int
pull(struct history *h)
{
	struct secd_since *s = &h->since;

	for (unsigned i = 0; i < EMPTY_MAX; i++) {
		s->len = 0;
		h->rc = h->source.changes_since(h->source.ctx, s);
		if (h->rc < 0) {
			return h->rc;
		}
		if (s->len > s->cap) {
			break; /* and more is damaged than that number */
		}
		if (s->len > 0 || h->rc == SECD_OK) {
			h->is_fresh = true;
			return SECD_OK;
		}
	}
	h->rc = SECD_EIO;
	return h->rc;
}

int
history_open(const struct frontend *f, const uint8_t *apex, uint32_t from,
	     uint64_t to_seq, struct history **out)
{
	struct history *h;
	int rc;

	if (f->history.changes_since == NULL) {
		return SECD_ENOTSUP;
	}
	h = malloc(sizeof(*h)); /* the piece is not to be cleared each time */
	if (h == NULL) {
		return SECD_ENOMEM;
	}
	h->source = f->history;
	memcpy(h->apex, apex, name_len(apex));
	memset(h->position, 0, sizeof(h->position));
	h->since = (struct secd_since){
	    .size = sizeof(h->since),
	    .from = from,
	    .apex = h->apex,
	    .to_seq = to_seq,
	    .position = h->position,
	    .buffer = h->piece,
	    .cap = sizeof(h->piece),
	};
	rc = pull(h);
	if (rc != SECD_OK) {
		history_close(h);
		return rc;
	}
	*out = h;
	return SECD_OK;
}

void
history_close(struct history *h)
{
	free(h);
}

void
history_size(const struct history *h, struct history_size *out)
{
	*out = (struct history_size){
	    .octets = h->rc == SECD_OK ? h->since.len : h->since.octets,
	    .steps = h->since.steps,
	    .is_one_piece = h->rc == SECD_OK,
	    .piece = h->piece,
	    .piece_len = h->since.len,
	};
}

int
history_next(void *ctx, const uint8_t **octets, size_t *len)
{
	struct history *h = ctx;

	if (!h->is_fresh && h->rc == SECD_MORE) {
		int rc = pull(h);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	if (h->rc < 0) {
		return h->rc;
	}
	*octets = h->piece;
	*len = h->is_fresh ? h->since.len : 0;
	h->is_fresh = false;
	return SECD_OK;
}
