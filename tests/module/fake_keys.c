/* SPDX-License-Identifier: BSD-2-Clause */

#include "fake_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static struct fake_key *
find(struct fake_keys *k, const uint8_t *name, bool is_compared, uint64_t tag)
{
	for (size_t i = 0; i < k->count; i++) {
		struct fake_key *key = &k->list[i];

		if (name_equal(key->name, name) &&
		    key->is_compared == is_compared &&
		    (!is_compared || key->tag == tag)) {
			return key;
		}
	}
	return NULL;
}

int
fake_keys_put(struct fake_keys *k, const struct secd_key *key)
{
	bool is_compared = (key->flags & SECD_KEY_COMPARE) != 0;
	struct fake_key *to = find(k, key->name, is_compared, key->tag);

	if (is_compared && k->cannot_compare) {
		return SECD_ENOTSUP;
	}
	if (key->secret_len > FAKE_SECRET_MAX) {
		return SECD_EINVAL;
	}
	if (to == NULL) {
		if (k->count == FAKE_KEYS_MAX) {
			return SECD_ENOMEM;
		}
		to = &k->list[k->count++];
	}
	k->cuts += (key->flags & SECD_KEY_CUT) != 0;
	memcpy(to->name, key->name, name_len(key->name));
	memcpy(to->secret, key->secret, key->secret_len);
	to->len = key->secret_len;
	to->tag = key->tag;
	to->is_compared = is_compared;
	return SECD_OK;
}

int
fake_keys_drop(struct fake_keys *k, const struct secd_key *key)
{
	struct fake_key *from =
	    find(k, key->name, (key->flags & SECD_KEY_COMPARE) != 0, key->tag);

	if (from != NULL) {
		*from = k->list[--k->count];
	}
	return SECD_OK;
}

int
fake_keys_use(struct fake_keys *k, const uint8_t *configured,
	      const uint8_t *key)
{
	size_t i = 0;

	if (fake_keys_find(k, key) == NULL) {
		return SECD_ENOTFOUND;
	}
	while (i < k->use_count &&
	       !name_equal(k->uses[i].configured, configured)) {
		i++;
	}
	if (i == FAKE_KEYS_MAX) {
		return SECD_ENOMEM;
	}
	memcpy(k->uses[i].configured, configured, name_len(configured));
	memcpy(k->uses[i].key, key, name_len(key));
	k->use_count += i == k->use_count;
	return SECD_OK;
}

void
fake_keys_forget(struct fake_keys *k)
{
	k->count = k->use_count = 0;
}

const struct fake_key *
fake_keys_find(const struct fake_keys *k, const uint8_t *name)
{
	for (size_t i = 0; i < k->count; i++) {
		if (!k->list[i].is_compared &&
		    name_equal(k->list[i].name, name)) {
			return &k->list[i];
		}
	}
	return NULL;
}

const struct fake_key *
fake_keys_signer(const struct fake_keys *k, const uint8_t *configured)
{
	for (size_t i = 0; i < k->use_count; i++) {
		if (name_equal(k->uses[i].configured, configured)) {
			return fake_keys_find(k, k->uses[i].key);
		}
	}
	return fake_keys_find(k, configured);
}

static bool
fits(const struct fake_key *key, const uint8_t *secret, size_t len)
{
	return key->len == len && memcmp(key->secret, secret, len) == 0;
}

uint32_t
fake_keys_verify(const struct fake_keys *k, const uint8_t *name,
		 const uint8_t *secret, size_t len, uint64_t *tag)
{
	const struct fake_key *key = fake_keys_find(k, name);

	*tag = 0;
	if (key == NULL) {
		return 17; /* BADKEY */
	}
	if (fits(key, secret, len)) {
		*tag = key->tag;
		return 0;
	}
	for (size_t i = 0; i < k->count; i++) {
		if (k->list[i].is_compared && fits(&k->list[i], secret, len) &&
		    name_equal(k->list[i].name, name)) {
			*tag = k->list[i].tag;
		}
	}
	return 16; /* BADSIG */
}

void *
fake_keys_memory(struct fake_keys *k, size_t len)
{
	uint8_t *start =
	    k->memory_count < FAKE_MEMORY_MAX ? calloc(1, len) : NULL;

	if (start != NULL) {
		k->memory[k->memory_count].start = start;
		k->memory[k->memory_count++].len = len;
	}
	return start;
}

bool
fake_keys_free(struct fake_keys *k, void *secret, size_t len)
{
	for (size_t i = 0; i < k->memory_count; i++) {
		if (k->memory[i].start == secret && k->memory[i].len == len) {
			k->memory[i] = k->memory[--k->memory_count];
			memset(secret, 0, len);
			free(secret);
			return true;
		}
	}
	return false;
}

bool
fake_keys_owns(const struct fake_keys *k, const uint8_t *secret, size_t len)
{
	for (size_t i = 0; i < k->memory_count; i++) {
		if (secret >= k->memory[i].start &&
		    secret + len <= k->memory[i].start + k->memory[i].len) {
			return true;
		}
	}
	return false;
}
