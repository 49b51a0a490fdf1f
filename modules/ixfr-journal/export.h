/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * export -- reads one version whole: the base of its segment, less what the
 * steps between delete, and more what they add. In the order of a zone file:
 * the SOA first, then by owners.
 */

#ifndef IXFR_JOURNAL_EXPORT_H
#define IXFR_JOURNAL_EXPORT_H

#include "ixfr-journal/way.h"

struct export_reader {
	const struct db *db;
	uint64_t zone, seq; /* the version */
	uint64_t base;      /* seq */
	uint32_t pieces, piece;
	struct net net;
	size_t addition; /* the next one */
	bool began;
};

/* Receives the records of a version, one after the other. */
typedef int export_sink(void *arg, const uint8_t *entry, size_t len,
			const struct secd_entry *e);

/**
 * Begin with a version.
 *
 * out      zero-initialised; export_fini frees it, also after a failure
 * Returns  SECD_OK, SECD_ENOTFOUND (no such version), SECD_EBUSY (there is no
 *          base yet), SECD_EIO (damaged), SECD_ENOMEM
 */
int export_begin(const struct db *db, MDB_txn *txn, uint64_t zone, uint64_t seq,
		 struct export_reader *out);

/**
 * Hand out some more records.
 *
 * Returns  SECD_MORE, SECD_OK (that was all), SECD_ENOTFOUND (the base was
 *          replaced meanwhile: begin again), SECD_EIO, or what `sink` returned
 */
int export_go_on(struct export_reader *x, MDB_txn *txn, export_sink *sink,
		 void *arg);

void export_fini(struct export_reader *x);

#endif
