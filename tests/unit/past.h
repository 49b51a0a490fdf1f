/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * past -- a history for tests: steps that lead to one version, given out in
 * pieces as a module does, with whatever may go wrong.
 */

#ifndef TESTS_PAST_H
#define TESTS_PAST_H

#include <stdatomic.h>

#include "server/frontend.h"
#include "zone/changeset.h"

struct past {
	struct changeset steps; /* a source of entries */
	size_t piece_max;       /* octets, as a rule; one entry at least */
	bool says_size;         /* else octets and steps are unknown */
	/* Calls, over all; each of these is answered before the steps. */
	atomic_uint calls;
	unsigned busy; /* so many of the first calls find no commit */
	/* The call that fails; 0: none does. */
	unsigned fail_at;
	int fail_rc;
	unsigned empty; /* so many calls bring nothing, before each piece */
	/* Called in each call, if not NULL. */
	void (*during)(void);
};

/** Steps that are said as a whole, in pieces of the usual size. */
void past_init(struct past *p);
void past_fini(struct past *p);

/** What a frontend asks. */
struct frontend_history past_history(struct past *p);

/** Add steps of example.: one for each serial, which add and delete names.
 *
 * records  of each step
 */
void past_add(struct past *p, uint32_t from, uint32_t to, unsigned records);

#endif
