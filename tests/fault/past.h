/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * past -- a process that works with ixfr-journal, and what others have to know
 * of it after its end: what it did, act by act, and what the journal had said
 * by then. It is in memory that both share.
 */

#ifndef TESTS_FAULT_PAST_H
#define TESTS_FAULT_PAST_H

#include "fake_host.h"

#define PAST_ACTS 512

/* Behind an act. */
struct moment {
	struct model_zone zones[FAKE_ZONES];
	/* What the journal said. */
	uint64_t newest[FAKE_ZONES]; /* seq; 0: none */
	uint64_t oldest[FAKE_ZONES];
	uint64_t pinned[FAKE_ZONES];
	bool is_whole[FAKE_ZONES]; /* the newest one can be exported */
};

struct past {
	struct fake_host host;
	bool has_failures; /* some acts may have failed */
	bool gives_orders; /* versions are pinned */
	unsigned begun, done;
	struct moment moments[PAST_ACTS + 1]; /* 0: before the first act */
};

/** In shared memory. */
struct past *past_new(void);
void past_free(struct past *p);

/** Begin: set up the host; the journal is not open yet. */
void past_begin(struct past *p, const struct secd_module *module,
		const char *dir, const struct secd_options *options,
		uint64_t seed);

/**
 * Open the journal, and do so many acts; each is marked in the trace: "started
 * N", "committed N".
 *
 * Returns  false when it could not be opened
 */
bool past_work(struct past *p, unsigned acts);

/** The same up to a call that fails, and a few acts more. */
void past_work_until_failure(struct past *p);

/**
 * After a process that was killed: open what it left, take what is there for
 * what the act that was begun came to, and do a few acts more.
 */
void past_resume(struct past *p);

/**
 * Nothing fails any more: a while later all is well, without anybody's help.
 * Closes the journal.
 */
void past_recover(struct past *p);

/** What is seen of the journal now. */
void past_look(struct fake_host *h, struct moment *out);

/** The newest version that the journal acknowledged; 0: none. */
uint64_t past_acknowledged(const struct moment *m, unsigned zone);

/** The newest version of a zone of the model; 0: none. */
uint64_t past_newest(const struct moment *m, unsigned zone);

/**
 * Check a journal that was found in `dir`, and go on with it. What is wrong
 * ends the process.
 *
 * old, new  it is at one of them, or between them
 * is_known  all of `new`; else only its zones
 */
void past_check(const struct past *p, const char *dir, const struct moment *old,
		const struct moment *new, bool is_known);

#endif
