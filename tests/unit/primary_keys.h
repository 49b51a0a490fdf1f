/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * primary_keys -- the keys that a primary of the tests takes, which its thread
 * reads while a test changes them.
 */

#ifndef TESTS_PRIMARY_KEYS_H
#define TESTS_PRIMARY_KEYS_H

#include <pthread.h>

#include "wire/tsig.h"

struct primary_keys {
	pthread_mutex_t lock;
	struct tsig_key *keys[2];
};

void primary_keys_init(struct primary_keys *k);
void primary_keys_fini(struct primary_keys *k);

/** These from now on; NULL for both: it asks for none. Takes references. */
void primary_keys_set(struct primary_keys *k, struct tsig_key *a,
		      struct tsig_key *b);

bool primary_keys_wanted(struct primary_keys *k);

/** The one that signed a request, by name: a reference; NULL: none of them. */
struct tsig_key *primary_keys_take(struct primary_keys *k,
				   const struct tsig_place *place);

#endif
