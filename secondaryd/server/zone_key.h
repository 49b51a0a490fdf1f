/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_key -- which key signs what goes to a server, where more than one may.
 *
 * The first choice is the key that a module wants used in place of one that is
 * configured; then come those that are configured, in their order, without
 * those that are not there. When a primary refuses one, the same question is
 * asked with the next, and what it took is the first choice from then on, until
 * keys change. Nothing goes unsigned because a key is missing.
 * Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_KEY_H
#define SECD_SERVER_ZONE_KEY_H

#include "server/zone_entry.h"

/** How many choices there are now. */
unsigned zone_key_count(const struct server *s, const struct config_target *t);

/**
 * One of the choices.
 *
 * n        from 0; behind the last one it begins anew
 * out      receives a reference, or NULL: unsigned, as it is configured
 * Returns  SECD_OK, SECD_ENOTFOUND (none of the keys is there)
 */
int zone_key_take(const struct server *s, const struct config_target *t,
		  unsigned n, struct tsig_key **out);

/** What is wrong when none is there. Returns text. */
char *zone_key_missing(const struct config_target *t, char *text, size_t cap);

/** The key that a primary is asked with. As zone_key_take. */
int zone_key_of_primary(const struct zone_entry *e, unsigned primary,
			struct tsig_key **out);

/* Of the action's primary: */

/** The key of the step. As zone_key_take. */
int zone_key_of_action(const struct zone_entry *e, struct tsig_key **out);
/**
 * The key that it was asked with is refused. True: ask again, with the next one
 * or, when keys have changed meanwhile, from the first on; false: no other one
 * is left in this step.
 */
bool zone_key_refused(struct zone_entry *e, const struct tsig_key *key);
/** It is taken; logs when another one was refused before. */
void zone_key_taken(struct zone_entry *e, const struct tsig_key *key);

/** Keys changed: all primaries begin with their first choice again. */
void zone_key_forget(struct zone_entry *e);

#endif
