/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net -- what many steps come to: the records that are in one version and not
 * in another, each once, in canonical order of owners. In memory: as large as
 * the steps between them at most.
 */

#ifndef IXFR_JOURNAL_NET_H
#define IXFR_JOURNAL_NET_H

#include "ixfr-journal/db.h"

struct net_record {
	const uint8_t *octets; /* an entry without its op */
	size_t len;
	bool added; /* else deleted */
};

struct net {
	struct net_record *records;
	size_t count;
	/* Private. */
	size_t cap;
	struct net_chunk *chunks;
};

/**
 * Collect what leads from one version of a segment to another, which may be
 * the older one.
 *
 * net      zero-initialised; net_fini frees it, also after a failure
 * Returns  SECD_OK, SECD_ENOTFOUND, SECD_EIO (damaged), SECD_ELIMIT (too much
 *          lies between to be held), SECD_ENOMEM
 */
int net_collect(const struct db *db, MDB_txn *txn, const struct segment *g,
		uint64_t from, uint64_t to, struct net *net);

void net_fini(struct net *net);

/** Was this entry, as it travels, deleted? */
bool net_deletes(const struct net *net, const uint8_t *entry, size_t len);

#endif
