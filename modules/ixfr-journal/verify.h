/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify -- reads all there is of a zone and says whether it is what was
 * written: checksums, chains, sums, and the digest of what the base holds.
 */

#ifndef IXFR_JOURNAL_VERIFY_H
#define IXFR_JOURNAL_VERIFY_H

#include "ixfr-journal/db.h"

/* Where a verification is; zero-initialised it begins. */
struct verify_position {
	uint64_t zone;
	uint64_t segment; /* start of the one that is read */
	uint64_t seq;     /* the version reached */
	uint32_t piece;   /* of the base */
	uint32_t has_base;
	struct digest digest; /* of the base so far */
	/* Of all segments so far. */
	uint64_t versions, records, octets;
};

/**
 * Go on for a while.
 *
 * reason   room for SECD_REASON_LEN; what is wrong
 * Returns  SECD_MORE, SECD_OK (all is well), SECD_ENOTFOUND (no such zone),
 *          SECD_EMALF (reason), SECD_EIO, SECD_ENOMEM
 */
int verify_go_on(const struct db *db, MDB_txn *txn, const uint8_t *apex,
		 struct verify_position *p, char *reason);

/**
 * The newest version of a zone, if it is what was written: its own record, and
 * the step that leads to it. A read transaction of its own.
 *
 * Returns  SECD_OK, SECD_ENOTFOUND (none), SECD_EMALF, SECD_EIO, SECD_ENOMEM
 */
int verify_newest(const struct db *db, const uint8_t *apex, uint64_t *seq,
		  uint32_t *serial);

#endif
