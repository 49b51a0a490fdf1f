/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/keys.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "base/container.h"
#include "base/error.h"

/* A keyring that readers may have. */
struct keys_put {
	struct rcu_head rcu;
	struct keyring *ring;
};

static void
free_put(struct keys_put *p)
{
	if (p != NULL) {
		keyring_free(p->ring);
		free(p);
	}
}

static void
free_later(struct rcu_head *head)
{
	free_put(container_of(head, struct keys_put, rcu));
}

const struct keyring *
keys_ring(const struct keys *k)
{
	/* As root_get. */
	const struct keys_put *p =
	    atomic_load_explicit(&k->current, memory_order_acquire);

	return p == NULL ? NULL : p->ring;
}

int
keys_publish_take(struct keys *k, struct keyring *ring)
{
	struct keys_put *p = calloc(1, sizeof(*p)), *old;

	if (p == NULL) {
		return SECD_ENOMEM;
	}
	p->ring = ring;
	old = atomic_exchange_explicit(&k->current, p, memory_order_acq_rel);
	if (old != NULL) {
		call_rcu(&old->rcu, free_later);
	}
	return SECD_OK;
}

void
keys_fini(struct keys *k)
{
	free_put(atomic_exchange(&k->current, NULL));
	rcu_barrier(); /* those before it */
}

struct tsig_key *
keys_of(const struct config_key *key, const struct keyring *ring)
{
	const struct keyring_key *put;

	if (key->module == NULL) {
		return key->key;
	}
	put = keyring_find(ring, key->name);
	return put != NULL && strcmp(put->owner, key->module) == 0 ? put->key
								   : NULL;
}

struct tsig_key *
keys_verifier(const struct config *c, const struct keyring *ring,
	      const uint8_t *name)
{
	const struct config_key *key = config_key_find(c, name);

	return key == NULL ? NULL : keys_of(key, ring);
}

struct tsig_key *
keys_find(const struct config *c, const struct keyring *ring,
	  const uint8_t *name)
{
	const struct config_key *key = config_key_find(c, name);
	const struct keyring_key *put;

	if (key != NULL) {
		return keys_of(key, ring);
	}
	put = keyring_find(ring, name);
	return put == NULL ? NULL : put->key;
}

const char *
keys_module(const struct config *c, const struct keyring *ring,
	    const uint8_t *name)
{
	const struct config_key *key = config_key_find(c, name);
	const struct keyring_key *put;

	if (key != NULL) {
		return key->module;
	}
	put = keyring_any(ring, name);
	return put == NULL ? NULL : put->owner;
}
