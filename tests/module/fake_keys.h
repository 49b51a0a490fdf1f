/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_keys -- the keyring of the fake host: what a module put there, and what
 * is signed with what. And its memory for secrets, which is where every secret
 * that a module hands over has to be.
 */

#ifndef TESTS_MODULE_FAKE_KEYS_H
#define TESTS_MODULE_FAKE_KEYS_H

#include <stdbool.h>

#include "secondaryd/module.h"
#include "wire/name.h"

#define FAKE_KEYS_MAX   256
#define FAKE_SECRET_MAX 64
#define FAKE_MEMORY_MAX 128

struct fake_key {
	uint8_t name[NAME_LEN_MAX];
	uint8_t secret[FAKE_SECRET_MAX];
	size_t len;
	uint64_t tag;
	bool is_compared;
};

/* A name, and the one that signs in its place. */
struct fake_use {
	uint8_t configured[NAME_LEN_MAX];
	uint8_t key[NAME_LEN_MAX];
};

struct fake_keys {
	struct fake_key list[FAKE_KEYS_MAX];
	size_t count;
	struct fake_use uses[FAKE_KEYS_MAX];
	size_t use_count;
	unsigned cuts; /* how often running transfers were ended */
	bool cannot_compare;
	/* What secret_new gave. */
	struct {
		uint8_t *start;
		size_t len;
	} memory[FAKE_MEMORY_MAX];
	size_t memory_count;
};

int fake_keys_put(struct fake_keys *k, const struct secd_key *key);
int fake_keys_drop(struct fake_keys *k, const struct secd_key *key);
int fake_keys_use(struct fake_keys *k, const uint8_t *configured,
		  const uint8_t *key);
/** As after a restart: none of it is there. */
void fake_keys_forget(struct fake_keys *k);

/** The key that is accepted under this name, or NULL. */
const struct fake_key *fake_keys_find(const struct fake_keys *k,
				      const uint8_t *name);
/** The key that signs where this one is configured, or NULL. */
const struct fake_key *fake_keys_signer(const struct fake_keys *k,
					const uint8_t *configured);

/**
 * A request is signed with this. Returns the TSIG error, and the tag of the
 * secret that fits.
 */
uint32_t fake_keys_verify(const struct fake_keys *k, const uint8_t *name,
			  const uint8_t *secret, size_t len, uint64_t *tag);

/** NULL: there is none. */
void *fake_keys_memory(struct fake_keys *k, size_t len);
/** The length must be what it was. Returns whether it was there. */
bool fake_keys_free(struct fake_keys *k, void *secret, size_t len);
bool fake_keys_owns(const struct fake_keys *k, const uint8_t *secret,
		    size_t len);

#endif
