/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys -- the keys in force: those of the configuration, and those that modules
 * put, which are found by one RCU pointer.
 *
 * One thread at a time changes what modules put (main at the start, then the
 * commit thread). Every other one reads, inside a read section, and takes a
 * reference to the key that it goes on with. The configuration comes first: a
 * key that has its secret there is that one, and a key that a module is to put
 * there is nobody else's.
 */

#ifndef SECD_SERVER_KEYS_H
#define SECD_SERVER_KEYS_H

#include "config/config.h"
#include "keys/keyring.h"

struct keys_put;

/* Zero-initialise it. */
struct keys {
	_Atomic(struct keys_put *) current; /* RCU; NULL: nothing */
};

/** What modules put, inside a read section. NULL, a keyring too: nothing. */
const struct keyring *keys_ring(const struct keys *k);

/**
 * Put another keyring in place; the old one is freed after a grace period.
 *
 * Returns  SECD_OK, SECD_ENOMEM (the ring stays the caller's)
 */
int keys_publish_take(struct keys *k, struct keyring *ring);

/** Nobody reads any more: all secrets are gone when this returns. */
void keys_fini(struct keys *k);

/** The key with its secret, or NULL: its module has not put it yet. */
struct tsig_key *keys_of(const struct config_key *key,
			 const struct keyring *ring);

/** What requests under a name are verified with, or NULL: there is no such
 * key. A name that only a module knows is none: no ACL has it. */
struct tsig_key *keys_verifier(const struct config *c,
			       const struct keyring *ring, const uint8_t *name);

/** Any key that there is under a name, or NULL. */
struct tsig_key *keys_find(const struct config *c, const struct keyring *ring,
			   const uint8_t *name);

/** The id of the module whose key this is, there or not; NULL: no module's. */
const char *keys_module(const struct config *c, const struct keyring *ring,
			const uint8_t *name);

#endif
