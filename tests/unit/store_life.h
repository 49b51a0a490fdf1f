/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_life -- two zones that a store has one version of after the other,
 * both committed together: as images that are values and images that are
 * files, and as changesets. A version's serial, and its state, are its seq.
 */

#ifndef TESTS_STORE_LIFE_H
#define TESTS_STORE_LIFE_H

#include "store_dir.h"

/** Make what leads to a version, one at a time. */
void store_life_make(struct store_dir *d, uint64_t seq);
/** Commit it. Returns what the store said; nothing is left open. */
int store_life_commit(struct store_dir *d);

/** The seq that is stored, the same of both; 0: none. */
uint64_t store_life_held(struct store_dir *d);

/** All that is stored is this version, with its files and no others. */
void store_life_expect(struct store_dir *d, uint64_t seq);

#endif
