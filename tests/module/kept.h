/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept -- is what the journal keeps what the model says? And orders to pin a
 * version. Whatever is wrong ends the process.
 */

#ifndef TESTS_MODULE_KEPT_H
#define TESTS_MODULE_KEPT_H

#include "answer.h"

/** `verify` finds nothing. */
void kept_check_verify(struct fake_host *h);
/** The versions of a zone: which ones they are, each whole, and in pairs. */
void kept_check_zone(struct fake_host *h, const struct model_zone *z);
/** Both, of all zones. */
void kept_check_all(struct fake_host *h);

/**
 * Zones as they were or as they should be, whichever the journal is at: all of
 * them the one or all the other.
 *
 * newest  seqs that the journal has; 0: none
 */
void kept_choose(const struct model_zone old[FAKE_ZONES],
		 const struct model_zone new[FAKE_ZONES],
		 const uint64_t newest[FAKE_ZONES],
		 struct model_zone out[FAKE_ZONES]);
/** The seq of the newest version that the journal has of a zone; 0: none. */
uint64_t kept_newest(struct fake_host *h, unsigned zone);

/** A version that others were made of, and that has a serial of its own. */
bool kept_find_old(struct fake_host *h, unsigned *zone, struct listed *old);
/** Say how the order ended that was given. */
void kept_answer_order(struct fake_host *h, int rc, const char *text);
/** Give the order `word`, and say that it was done. serial  or NULL */
void kept_order(struct fake_host *h, const char *word, unsigned zone,
		const char *serial);

#endif
