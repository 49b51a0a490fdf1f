/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask -- one call of a command: who asks, what for, and where answers go.
 */

#ifndef IXFR_JOURNAL_ASK_H
#define IXFR_JOURNAL_ASK_H

#include "ixfr-journal/journal.h"
#include "ixfr-journal/text.h"

struct ask {
	struct journal *j;
	const struct secd_command *c;
	struct secd_reply *r;
	MDB_txn *txn;               /* reads */
	uint8_t apex[NAME_LEN_MAX]; /* of the zone that it is about */
	char zone[NAME_TEXT_MAX];
	struct zone_record record;
};

/** Say why not: `format` has one %s, for `what`. Returns rc. */
int ask_fail(const struct ask *a, int rc, const char *format, const char *what);

/** The same, by the code alone. */
int ask_fail_code(const struct ask *a, int rc);

/** Read a whole number, without sign, of `len` octets. */
bool ask_number(const char *text, size_t len, uint64_t max, uint64_t *out);

/** Find the zone that a text names. Returns SECD_OK, or it has said why not. */
int ask_zone(struct ask *a, const char *name);
/** The same, also of one that the journal does not have, or cannot read: then
 * its record is empty. */
int ask_any_zone(struct ask *a, const char *name);

/**
 * The version that `len` octets of a text name: the newest one with a serial, or
 * by "@" and a number any one. Returns SECD_OK, or it has said why not.
 */
int ask_version(const struct ask *a, const char *text, size_t len,
		uint64_t *seq);

/* A version, with what is known of it. */
struct ask_found {
	uint64_t seq;
	uint32_t serial;
	int64_t at;
	bool begins; /* a segment: no step leads to it */
	struct segment segment;
	struct step step;
	struct totals totals;
};

/** Look a version up. Returns SECD_OK, or it has said why not. */
int ask_find(const struct ask *a, uint64_t seq, struct ask_found *out);

#endif
