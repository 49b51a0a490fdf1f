/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changing -- a zone in layers that is changed by a list of operations, and
 * compared after each change with images that are built of the same records,
 * and with the records themselves.
 *
 * An operation means something whatever came before it, so any part of a list
 * is a list too: one that fails can be made shorter.
 */

#ifndef TESTS_CHANGING_H
#define TESTS_CHANGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone_model.h"

enum changing_kind {
	/* Gathered into changesets: */
	CHANGING_ADD,    /* a random record */
	CHANGING_DELETE, /* one that is there */
	CHANGING_SWEEP,  /* all at and below a name */
	CHANGING_TTL,    /* the same record with another TTL */
	CHANGING_STEP,   /* begin another step */
	CHANGING_SPLIT,  /* begin another changeset */
	CHANGING_BAD,    /* one that is not there, or is there already */
	/* What a server does: */
	CHANGING_APPLY,
	CHANGING_FREEZE,  /* begin to compact */
	CHANGING_COMPACT, /* that has succeeded */
	CHANGING_THAW,    /* that has failed */
	CHANGING_LIMITS,  /* other ones from now on */
};

struct changing_op {
	enum changing_kind kind;
	uint64_t seed; /* what is random about it */
};

/* How a list was run. */
struct changing_result {
	size_t at;         /* the operation that failed */
	char failure[400]; /* empty: none */
	size_t applied;    /* versions made with layers */
	size_t refused;
	size_t rebuilt; /* of those that layers cannot do */
	size_t changes; /* records added and deleted */
	size_t folded;  /* versions with more than one layer */
};

/** Fill a list. */
void changing_make(uint64_t seed, struct changing_op *ops, size_t count);

/** Run a list. Returns whether nothing failed. */
bool changing_run(const char *apex, enum model_signing signing,
		  const struct changing_op *ops, size_t count,
		  struct changing_result *result);

/**
 * Leave out what a failure does not need.
 *
 * fails    tells whether a list still fails
 * Returns  how many operations are left at the start of `ops`
 */
size_t changing_shrink(struct changing_op *ops, size_t count,
		       bool (*fails)(const struct changing_op *ops,
				     size_t count, void *arg),
		       void *arg);

/** Print a list as C, to be run again. */
void changing_print(const struct changing_op *ops, size_t count);

#endif
