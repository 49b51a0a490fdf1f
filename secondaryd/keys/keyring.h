/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyring -- the keys in force, found by name.
 *
 * Never changes once made, so any number of threads may look into it without
 * a lock: a reload or a rotation makes another one. Whoever keeps a key for
 * longer than the keyring is lent to him takes a reference (tsig_key_ref).
 */

#ifndef SECD_KEYS_KEYRING_H
#define SECD_KEYS_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "wire/tsig.h"

struct keyring;

/**
 * Make a keyring.
 *
 * keys     a reference is taken to each; in any order
 * count    may be 0
 * Returns  SECD_OK, SECD_EEXIST (two keys of one name), SECD_ENOMEM
 */
int keyring_new(struct tsig_key *const *keys, size_t count,
		struct keyring **out);

/**
 * Find a key.
 *
 * name     lower-case, as in struct tsig_place
 * Returns  the key, lent; NULL when there is none
 */
struct tsig_key *keyring_find(const struct keyring *ring, const uint8_t *name);

size_t keyring_count(const struct keyring *ring);

/** Drop the references to the keys, and free. NULL is fine. */
void keyring_free(struct keyring *ring);

#endif
