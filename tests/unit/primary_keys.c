/* SPDX-License-Identifier: BSD-2-Clause */

#include "primary_keys.h"

#include "wire/name.h"

void
primary_keys_init(struct primary_keys *k)
{
	pthread_mutex_init(&k->lock, NULL);
	k->keys[0] = k->keys[1] = NULL;
}

void
primary_keys_fini(struct primary_keys *k)
{
	primary_keys_set(k, NULL, NULL);
	pthread_mutex_destroy(&k->lock);
}

void
primary_keys_set(struct primary_keys *k, struct tsig_key *a, struct tsig_key *b)
{
	struct tsig_key *keys[2] = {a, b};

	pthread_mutex_lock(&k->lock);
	for (int i = 0; i < 2; i++) {
		tsig_key_unref(k->keys[i]);
		k->keys[i] = keys[i] == NULL ? NULL : tsig_key_ref(keys[i]);
	}
	pthread_mutex_unlock(&k->lock);
}

bool
primary_keys_wanted(struct primary_keys *k)
{
	bool wanted;

	pthread_mutex_lock(&k->lock);
	wanted = k->keys[0] != NULL || k->keys[1] != NULL;
	pthread_mutex_unlock(&k->lock);
	return wanted;
}

struct tsig_key *
primary_keys_take(struct primary_keys *k, const struct tsig_place *place)
{
	struct tsig_key *found = NULL;

	pthread_mutex_lock(&k->lock);
	for (int i = 0; i < 2; i++) {
		if (place->present && k->keys[i] != NULL &&
		    name_equal(tsig_key_name(k->keys[i]), place->key)) {
			found = tsig_key_ref(k->keys[i]);
		}
	}
	pthread_mutex_unlock(&k->lock);
	return found;
}
