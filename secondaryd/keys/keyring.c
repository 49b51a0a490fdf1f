/* SPDX-License-Identifier: BSD-2-Clause */

#include "keys/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct use {
	uint8_t configured[NAME_LEN_MAX];
	uint8_t key[NAME_LEN_MAX];
};

/* Keys by name; of one name, the accepted one first, then by tag. */
struct keyring {
	size_t key_count, use_count;
	struct use *uses; /* by `configured` */
	struct keyring_key keys[];
};

static struct use no_uses[1];
static const struct keyring nothing = {.uses = no_uses};

static const struct keyring *
or_nothing(const struct keyring *r)
{
	return r == NULL ? &nothing : r;
}

/* Room for one more of each than there is in `r`; nothing is in it yet. */
static struct keyring *
keyring_new(const struct keyring *r)
{
	size_t keys = r->key_count + 1, uses = r->use_count + 1;
	struct keyring *k =
	    calloc(1, sizeof(*k) + keys * sizeof(struct keyring_key));

	if (k == NULL) {
		return NULL;
	}
	k->uses = calloc(uses, sizeof(*k->uses));
	if (k->uses == NULL) {
		free(k);
		return NULL;
	}
	return k;
}

void
keyring_free(struct keyring *r)
{
	if (r == NULL) {
		return;
	}
	for (size_t i = 0; i < r->key_count; i++) {
		tsig_key_unref(r->keys[i].key);
	}
	free(r->uses);
	free(r);
}

static void
append(struct keyring *r, const struct keyring_key *key)
{
	r->keys[r->key_count] = *key;
	tsig_key_ref(key->key);
	r->key_count++;
}

static void
append_uses(struct keyring *r, const struct use *uses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		r->uses[r->use_count++] = uses[i];
	}
}

/* Where a key stands among the others. */
struct place {
	const uint8_t *name;
	bool is_compared;
	uint64_t tag; /* 0 when it is accepted: there is one */
};

static int
compare_place(const struct place *p, const struct keyring_key *key)
{
	uint64_t tag = key->is_compared ? tsig_key_tag(key->key) : 0;
	int order = name_compare(p->name, tsig_key_name(key->key));

	if (order != 0) {
		return order;
	}
	if (p->is_compared != key->is_compared) {
		return p->is_compared ? 1 : -1;
	}
	return (p->tag > tag) - (p->tag < tag);
}

/* The first one that does not stand before that place. */
static size_t
find_place(const struct keyring *r, const struct place *p)
{
	size_t low = 0, high = r->key_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_place(p, &r->keys[mid]) > 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static bool
is_at(const struct keyring *r, size_t i, const struct place *p)
{
	return i < r->key_count && compare_place(p, &r->keys[i]) == 0;
}

const struct keyring_key *
keyring_any(const struct keyring *r, const uint8_t *name)
{
	const struct keyring *k = or_nothing(r);
	const struct place first = {.name = name};
	size_t i = find_place(k, &first);

	return i < k->key_count &&
		       name_equal(tsig_key_name(k->keys[i].key), name)
		   ? &k->keys[i]
		   : NULL;
}

int
keyring_with(const struct keyring *r, const struct keyring_key *key,
	     struct keyring **out)
{
	const struct keyring *old = or_nothing(r);
	const struct place p = {
	    .name = tsig_key_name(key->key),
	    .is_compared = key->is_compared,
	    .tag = key->is_compared ? tsig_key_tag(key->key) : 0,
	};
	const struct keyring_key *any = keyring_any(old, p.name);
	size_t at = find_place(old, &p);
	struct keyring *k;

	if (any != NULL && strcmp(any->owner, key->owner) != 0) {
		return SECD_EEXIST;
	}
	k = keyring_new(old);
	if (k == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < at; i++) {
		append(k, &old->keys[i]);
	}
	append(k, key);
	for (size_t i = at + is_at(old, at, &p); i < old->key_count; i++) {
		append(k, &old->keys[i]);
	}
	append_uses(k, old->uses, old->use_count);
	*out = k;
	return SECD_OK;
}

int
keyring_without(const struct keyring *r, const uint8_t *name, bool is_compared,
		uint64_t tag, const char *owner, struct keyring **out)
{
	const struct keyring *old = or_nothing(r);
	const struct place p = {.name = name,
				.is_compared = is_compared,
				.tag = is_compared ? tag : 0};
	size_t at = find_place(old, &p);
	struct keyring *k = keyring_new(old);

	if (k == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < old->key_count; i++) {
		if (i != at || !is_at(old, at, &p) ||
		    strcmp(old->keys[i].owner, owner) != 0) {
			append(k, &old->keys[i]);
		}
	}
	append_uses(k, old->uses, old->use_count);
	*out = k;
	return SECD_OK;
}

/* The first use that does not stand before that of this name. */
static size_t
find_use(const struct keyring *r, const uint8_t *configured)
{
	size_t low = 0, high = r->use_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (name_compare(configured, r->uses[mid].configured) > 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static bool
is_use_at(const struct keyring *r, size_t i, const uint8_t *configured)
{
	return i < r->use_count &&
	       name_equal(r->uses[i].configured, configured);
}

int
keyring_using(const struct keyring *r, const uint8_t *configured,
	      const uint8_t *key, struct keyring **out)
{
	const struct keyring *old = or_nothing(r);
	size_t at = find_use(old, configured), next;
	struct keyring *k = keyring_new(old);
	struct use use;

	if (k == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < old->key_count; i++) {
		append(k, &old->keys[i]);
	}
	next = at + is_use_at(old, at, configured);
	append_uses(k, old->uses, at);
	if (!name_equal(configured, key)) {
		memset(&use, 0, sizeof(use));
		name_lower(configured, use.configured);
		name_lower(key, use.key);
		append_uses(k, &use, 1);
	}
	append_uses(k, old->uses + next, old->use_count - next);
	*out = k;
	return SECD_OK;
}

const struct keyring_key *
keyring_find(const struct keyring *r, const uint8_t *name)
{
	const struct keyring *k = or_nothing(r);
	const struct place p = {.name = name};
	size_t i = find_place(k, &p);

	return is_at(k, i, &p) ? &k->keys[i] : NULL;
}

size_t
keyring_compared(const struct keyring *r, const uint8_t *name,
		 const struct keyring_key **first)
{
	const struct keyring *k = or_nothing(r);
	const struct place from = {.name = name, .is_compared = true};
	size_t i = find_place(k, &from), count = 0;

	*first = &k->keys[i];
	while (i + count < k->key_count &&
	       name_equal(tsig_key_name(k->keys[i + count].key), name)) {
		count++;
	}
	return count;
}

const uint8_t *
keyring_used(const struct keyring *r, const uint8_t *configured)
{
	const struct keyring *k = or_nothing(r);
	size_t i = find_use(k, configured);

	return is_use_at(k, i, configured) ? k->uses[i].key : configured;
}
