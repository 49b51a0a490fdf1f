/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history -- takes changes in: the writing half of the journal.
 *
 * What the changes of one group write is in one transaction. A change that
 * breaks off or does not fit leaves nothing behind and the others whole.
 */

#ifndef IXFR_JOURNAL_HISTORY_H
#define IXFR_JOURNAL_HISTORY_H

#include "ixfr-journal/db.h"

struct history {
	struct db *db;
	MDB_txn *group; /* NULL: nothing was taken since the last commit */
	uint64_t room;  /* octets that the group may still write */
};

/**
 * Take a version in.
 *
 * counts_to  what there is of the zone above this seq never counted, whatever
 *            the change itself says of that; UINT64_MAX: all of it does
 * wants_base  receives whether history has no base now
 * reason   room for SECD_REASON_LEN; why it was not taken
 * Returns  SECD_OK, SECD_EINVAL, SECD_EMALF (the stream is not what it says),
 *          SECD_EMISMATCH (not the digest that the host says), SECD_ENOSPC, SECD_EIO,
 *          SECD_ENOMEM, or what the stream returned
 */
int history_change(struct history *h, const struct secd_change *c,
		   uint64_t counts_to, bool *wants_base, char *reason);

/** Make what was taken durable. Returns SECD_OK, SECD_EIO, SECD_ENOSPC. */
int history_commit(struct history *h);

/** What was taken does not count. */
void history_abort(struct history *h);

#endif
