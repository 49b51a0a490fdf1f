/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record -- what the journal keeps of zones, segments and steps, as values of
 * its database. Numbers are in network order; each value ends with a checksum
 * over itself and its key, so that one that stands in another's place is found.
 *
 *     zones     apex                     struct zone_record
 *     segments  zone, start              struct segment
 *     steps     zone, seq                struct step
 *     pieces    zone, kind, seq, index   entries, and their checksum
 *     serials   zone, serial, seq        nothing
 *     trash     zone, kind, seq          nothing: pieces to be deleted
 *
 * A segment is a run of steps that follow each other. Version `start` is where
 * it begins, step `seq` leads to version `seq`. In each segment one version,
 * the base, is kept whole. Steps are exact, so they are undone as well as done:
 * from the base every version of the segment can be made.
 */

#ifndef IXFR_JOURNAL_RECORD_H
#define IXFR_JOURNAL_RECORD_H

#include <stdint.h>

#include "ixfr-journal/digest.h"
#include "secondaryd/module.h"
#include "wire/name.h"

#define RECORD_ID_MAX 255 /* octets of a primary's id; longer ones are cut */

struct zone_record {
	uint64_t id;      /* ours, never used again */
	uint64_t segment; /* start of the newest one; 0: there is none */
	uint64_t pinned;  /* seq; 0: not pinned */
};

/* What a segment's base is, once it is complete. */
struct base {
	uint64_t seq; /* 0: there is none yet */
	uint32_t serial;
	uint32_t pieces;
	uint64_t records;
	uint64_t octets;
	/* The digest of any version of the segment is this plus the delta of
	 * its totals. */
	struct digest origin;
};

/* Sums over all steps since the segment's start, trimmed ones too: what lies
 * between two versions is the difference of theirs. */
struct totals {
	uint32_t serial; /* of the version; not stored */
	uint64_t steps;
	uint64_t octets;
	struct digest delta; /* of the digest */
};

struct segment {
	uint64_t zone, start; /* its key; start moves up when it is trimmed */
	uint32_t start_serial, newest_serial;
	uint64_t newest;  /* seq */
	int64_t began_at; /* wall clock, ms: version `start` */
	struct totals at_start, at_newest;
	struct base base;
};

struct step {
	uint64_t zone, seq; /* its key */
	uint64_t from_seq;
	uint32_t from, to;  /* serials */
	int64_t at;         /* wall clock, ms */
	uint32_t source;    /* enum secd_source */
	uint32_t transport; /* enum secd_transport */
	struct secd_address primary;
	uint32_t pieces;
	uint64_t octets;
	uint64_t deleted, added; /* records, SOAs not counted */
	struct digest delta;     /* what it adds to the digest */
	struct totals after;     /* this step included */
	uint8_t key_len;         /* 0: unsigned */
	uint8_t id_len;
	uint8_t key[NAME_LEN_MAX];
	char id[RECORD_ID_MAX]; /* the primary's; no NUL */
};

#define RECORD_KEY_MAX 255 /* LMDB's limit is above */
#define RECORD_MAX     1024

/* A key or a value in the works. */
struct octets {
	size_t len;
	uint8_t data[RECORD_MAX];
};

enum piece_kind {
	PIECE_BASE = 1,
	PIECE_STEP = 2,
	PIECE_ALL = 3, /* in `trash` only: whatever the zone's id has */
};

void key_of_segment(uint64_t zone, uint64_t start, struct octets *out);
void key_of_step(uint64_t zone, uint64_t seq, struct octets *out);
void key_of_piece(uint64_t zone, enum piece_kind kind, uint64_t seq,
		  uint32_t index, struct octets *out);
void key_of_trash(uint64_t zone, enum piece_kind kind, uint64_t seq,
		  struct octets *out);
void key_of_serial(uint64_t zone, uint32_t serial, uint64_t seq,
		   struct octets *out);

void zone_record_write(const struct zone_record *z, const uint8_t *apex,
		       size_t apex_len, struct octets *out);
void segment_write(const struct segment *s, struct octets *out);
void step_write(const struct step *s, struct octets *out);

/* Each returns SECD_OK, SECD_EMALF. */
int zone_record_read(const uint8_t *apex, size_t apex_len,
		     const uint8_t *octets, size_t len,
		     struct zone_record *out);
int segment_read(const uint8_t *key, size_t key_len, const uint8_t *octets,
		 size_t len, struct segment *out);
int step_read(const uint8_t *key, size_t key_len, const uint8_t *octets,
	      size_t len, struct step *out);

#endif
