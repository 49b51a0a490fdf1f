/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyring -- the keys that modules put, and which key signs in another's place.
 *
 * Immutable: a change makes another keyring, and both have the keys that they
 * share. So any number of threads may read one, and who changes it decides when
 * the others see that. Each name belongs to the module that put it first. NULL
 * is a keyring in which nothing is.
 */

#ifndef SECD_KEYS_KEYRING_H
#define SECD_KEYS_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/tsig.h"

#define KEYRING_OWNER_MAX 64 /* octets of a module's id, its NUL included */

struct keyring;

/* A key as it was put. */
struct keyring_key {
	struct tsig_key *key; /* with its tag; a reference is taken */
	/* Nothing is accepted that it signed: it tells by which secret of that
	 * name a request was signed that no other fits. Any number of a name,
	 * each with another tag. */
	bool is_compared;
	char owner[KEYRING_OWNER_MAX];
};

/**
 * The keyring with a key in it. It replaces the one of the same name or, when
 * it is compared, of the same name and tag.
 *
 * Returns  SECD_OK, SECD_EEXIST (the name is another owner's), SECD_ENOMEM
 */
int keyring_with(const struct keyring *r, const struct keyring_key *key,
		 struct keyring **out);

/**
 * The keyring without the key of a name or, with is_compared, the one of that
 * name and tag. Not there, or another owner's: all is as it was.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int keyring_without(const struct keyring *r, const uint8_t *name,
		    bool is_compared, uint64_t tag, const char *owner,
		    struct keyring **out);

/**
 * The keyring with another name to sign with in place of one.
 *
 * key      the same as `configured`: none
 * Returns  SECD_OK, SECD_ENOMEM
 */
int keyring_using(const struct keyring *r, const uint8_t *configured,
		  const uint8_t *key, struct keyring **out);

/** No reader may have it any more. NULL is fine. */
void keyring_free(struct keyring *r);

/** The key of that name that is accepted, or NULL. */
const struct keyring_key *keyring_find(const struct keyring *r,
				       const uint8_t *name);

/** Those of that name that are compared, in a row. Returns their number. */
size_t keyring_compared(const struct keyring *r, const uint8_t *name,
			const struct keyring_key **first);

/** Some key of that name, accepted or not, or NULL: to see whose it is. */
const struct keyring_key *keyring_any(const struct keyring *r,
				      const uint8_t *name);

/** What signs in place of that name: itself, if nothing else was said. */
const uint8_t *keyring_used(const struct keyring *r, const uint8_t *configured);

#endif
