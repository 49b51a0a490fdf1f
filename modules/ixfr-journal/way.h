/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * way -- what the steps between two versions of a segment come to.
 */

#ifndef IXFR_JOURNAL_WAY_H
#define IXFR_JOURNAL_WAY_H

#include "ixfr-journal/db.h"
#include "wire/net.h"

/**
 * Collect what leads from one version of a segment to another, which may be
 * the older one.
 *
 * net      zero-initialised; net_fini frees it, also after a failure
 * Returns  SECD_OK, SECD_ENOTFOUND, SECD_EIO (damaged), SECD_ELIMIT (too much
 *          lies between to be held), SECD_ENOMEM
 */
int way_collect(const struct db *db, MDB_txn *txn, const struct segment *g,
		uint64_t from, uint64_t to, struct net *net);

#endif
