/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history -- the way from the version that a client has to the one that is
 * served, as a module remembers it: steps, in pieces that are pulled one by one.
 * Between two pieces it holds the last one and nothing else, so whoever pulls may
 * take as long as he likes; history that is trimmed meanwhile is gone.
 */

#ifndef SECD_SERVER_HISTORY_H
#define SECD_SERVER_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/frontend.h"

struct history;

/**
 * Find the way, and its first piece.
 *
 * apex     lower-case; copied
 * from     the client's serial
 * to_seq   of the version that is served
 * Returns  SECD_OK, SECD_ENOTFOUND (there is none), SECD_ENOTSUP (nobody
 *          remembers), SECD_EBUSY (the version is not committed yet: ask again
 *          soon), SECD_EIO, SECD_ENOMEM, or what else a module may say
 */
int history_open(const struct frontend *f, const uint8_t *apex, uint32_t from,
		 uint64_t to_seq, struct history **out);

/** NULL is fine. */
void history_close(struct history *h);

/* What is known from the beginning. */
struct history_size {
	uint64_t octets; /* of all entries; 0: unknown */
	uint32_t steps;
	bool is_one_piece;    /* the first piece is all */
	const uint8_t *piece; /* the first one, lent until history_next */
	size_t piece_len;
};
/** Before history_next. */
void history_size(const struct history *h, struct history_size *out);

/**
 * The next piece, as the `next` of a struct xfr_out_source; of the first one
 * history_open has seen to it. Bounded work.
 *
 * ctx      the struct history
 * Returns  SECD_OK, SECD_ENOTFOUND (gone), SECD_EIO, or as history_open
 */
int history_next(void *ctx, const uint8_t **octets, size_t *len);

#endif
