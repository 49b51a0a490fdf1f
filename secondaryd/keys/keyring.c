/* SPDX-License-Identifier: BSD-2-Clause */

#include "keys/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct keyring {
	size_t count;
	struct tsig_key *keys[]; /* by compare_names */
};

/* Any order will do. Both are lower-case and end with the root label, so the
   first difference comes no later than the end of the shorter one. */
static int
compare_names(const uint8_t *a, const uint8_t *b)
{
	size_t a_len = name_len(a), b_len = name_len(b);

	return memcmp(a, b, a_len < b_len ? a_len : b_len);
}

static int
compare_keys(const void *a, const void *b)
{
	return compare_names(tsig_key_name(*(struct tsig_key *const *)a),
			     tsig_key_name(*(struct tsig_key *const *)b));
}

static int
compare_to_key(const void *name, const void *key)
{
	return compare_names(name,
			     tsig_key_name(*(struct tsig_key *const *)key));
}

int
keyring_new(struct tsig_key *const *keys, size_t count, struct keyring **out)
{
	struct keyring *ring;

	if (count > SIZE_MAX / sizeof(struct tsig_key *) - 1) {
		return SECD_ENOMEM;
	}
	ring = calloc(1, sizeof(*ring) + count * sizeof(struct tsig_key *));
	if (ring == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		ring->keys[i] = keys[i];
	}
	if (count > 1) {
		qsort(ring->keys, count, sizeof(struct tsig_key *),
		      compare_keys);
	}
	for (size_t i = 1; i < count; i++) {
		if (compare_keys(&ring->keys[i - 1], &ring->keys[i]) == 0) {
			free(ring);
			return SECD_EEXIST;
		}
	}
	for (size_t i = 0; i < count; i++) {
		tsig_key_ref(ring->keys[i]);
	}
	ring->count = count;
	*out = ring;
	return SECD_OK;
}

struct tsig_key *
keyring_find(const struct keyring *ring, const uint8_t *name)
{
	struct tsig_key *const *found;

	found = bsearch(name, ring->keys, ring->count,
			sizeof(struct tsig_key *), compare_to_key);
	return found == NULL ? NULL : *found;
}

size_t
keyring_count(const struct keyring *ring)
{
	return ring->count;
}

void
keyring_free(struct keyring *ring)
{
	if (ring == NULL) {
		return;
	}
	for (size_t i = 0; i < ring->count; i++) {
		tsig_key_unref(ring->keys[i]);
	}
	free(ring);
}
