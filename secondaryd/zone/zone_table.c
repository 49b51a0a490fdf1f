/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/version.h"

struct entry {
	uint64_t hash;
	struct zone *zone; /* NULL: free */
};

struct zone_table {
	struct name_hash_key key;
	/* Does any apex have that many labels? Most suffixes of a name need
	 * no look at the table. */
	bool has_labels[NAME_LABEL_MAX + 1];
	uint64_t mask; /* slots - 1; slots are a power of two */
	struct entry entries[];
};

static uint64_t
slot_count(size_t zones)
{
	uint64_t slots = 8;

	while (slots < 2 * (uint64_t)zones) {
		slots *= 2;
	}
	return slots;
}

/* The slot of a zone, or the free one where it would be. */
static uint64_t
find_slot(const struct zone_table *t, const uint8_t *lower, size_t len,
	  uint64_t hash)
{
	uint64_t i = hash & t->mask;

	for (;; i = (i + 1) & t->mask) {
		const struct entry *e = &t->entries[i];

		if (e->zone == NULL ||
		    (e->hash == hash && e->zone->apex_len == len &&
		     memcmp(e->zone->apex, lower, len) == 0)) {
			return i;
		}
	}
}

int
zone_table_new(struct zone *const *zones, size_t count,
	       const struct name_hash_key *key, struct zone_table **out)
{
	uint64_t slots = slot_count(count);
	struct zone_table *t;

	t = calloc(1, sizeof(*t) + (size_t)slots * sizeof(*t->entries));
	if (t == NULL) {
		return SECD_ENOMEM;
	}
	t->key = *key;
	t->mask = slots - 1;
	for (size_t i = 0; i < count; i++) {
		struct zone *z = zones[i];
		uint64_t hash = name_hash(z->apex, key);
		uint64_t slot = find_slot(t, z->apex, z->apex_len, hash);

		if (t->entries[slot].zone != NULL) {
			free(t);
			return SECD_EEXIST;
		}
		t->entries[slot] = (struct entry){.hash = hash, .zone = z};
		t->has_labels[name_label_count(z->apex)] = true;
	}
	*out = t;
	return SECD_OK;
}

void
zone_table_free(struct zone_table *t)
{
	free(t);
}

void
zone_table_prefetch(const struct zone_table *t,
		    const struct name_hashes *hashes)
{
	for (unsigned i = 0; i < hashes->count; i++) {
		if (t->has_labels[hashes->count - 1 - i]) {
			__builtin_prefetch(
			    &t->entries[hashes->hash[i] & t->mask]);
		}
	}
}

struct zone *
zone_table_find(const struct zone_table *t, const uint8_t *lower,
		const struct name_hashes *hashes, unsigned from,
		unsigned *label)
{
	size_t len = (size_t)hashes->offset[hashes->count - 1] + 1;

	for (unsigned i = from; i < hashes->count; i++) {
		size_t offset = hashes->offset[i];
		uint64_t slot;

		if (!t->has_labels[hashes->count - 1 - i]) {
			continue;
		}
		slot =
		    find_slot(t, lower + offset, len - offset, hashes->hash[i]);
		if (t->entries[slot].zone != NULL) {
			if (label != NULL) {
				*label = i;
			}
			return t->entries[slot].zone;
		}
	}
	return NULL;
}

const struct name_hash_key *
zone_table_key(const struct zone_table *t)
{
	return &t->key;
}
