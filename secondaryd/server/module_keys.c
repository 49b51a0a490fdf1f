/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that modules put: another keyring each time, made and put in place by
 * the one thread that modules are called on.
 */

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "server/modules_internal.h"

/* What can be found by trying is no secret; more than any hash takes in at once
 * is a mistake. */
#define SECRET_LEN_MIN 16
#define SECRET_LEN_MAX 512

#define KEY_FLAGS ((uint32_t)SECD_KEY_COMPARE | (uint32_t)SECD_KEY_CUT)

static const struct keyring *
ring_of(const struct modules *m)
{
	/* Nobody else replaces it: no read section is needed here. */
	return keys_ring(&m->frontend->keys);
}

static bool
is_name(const uint8_t *name)
{
	return name != NULL && name_check(name, NAME_LEN_MAX) > 0;
}

static bool
is_compared(const struct secd_key *key)
{
	return (key->flags & SECD_KEY_COMPARE) != 0;
}

static int
read_algorithm(const struct modules *m, const char *text,
	       enum tsig_algorithm *out)
{
	if (text == NULL || tsig_algorithm_from_text(text, out) != SECD_OK) {
		return SECD_EINVAL;
	}
	if ((*out == TSIG_HMAC_MD5 || *out == TSIG_HMAC_SHA1) &&
	    (m->config->server.tsig_weak & 1u << *out) == 0) {
		return SECD_EINVAL;
	}
	return SECD_OK;
}

int
modules_key_make(const struct modules *m, const uint8_t *name,
		 const char *algorithm, const uint8_t *secret, size_t len,
		 struct tsig_key **out)
{
	enum tsig_algorithm a;
	int rc = read_algorithm(m, algorithm, &a);

	if (rc != SECD_OK || !is_name(name) || secret == NULL ||
	    len < SECRET_LEN_MIN || len > SECRET_LEN_MAX) {
		return SECD_EINVAL;
	}
	return tsig_key_new(name, a, secret, len, out);
}

/* The configuration has another idea of who gives this key. */
static bool
is_taken(const struct module_instance *i, const uint8_t *name)
{
	const struct config_key *k = config_key_find(i->modules->config, name);

	return k != NULL &&
	       (k->module == NULL || strcmp(k->module, i->id) != 0);
}

/* Put a keyring in place; `old` is not in force any more, and what runs under it
 * ends on demand. */
static int
replace_take(struct modules *m, struct keyring *ring, struct tsig_key *old,
	     bool is_cut)
{
	int rc = keys_publish_take(&m->frontend->keys, ring);

	if (rc != SECD_OK) {
		keyring_free(ring);
		return rc;
	}
	is_cut = is_cut && old != NULL;
	if (is_cut) {
		/* From now on nobody begins anything under it. */
		tsig_key_revoke(old);
	}
	if (m->rekey != NULL) {
		m->rekey(m->rekey_ctx, is_cut);
	}
	return SECD_OK;
}

/* The same for keys that are compared, which nothing runs under. */
static int
replace_quietly_take(struct modules *m, struct keyring *ring)
{
	int rc = keys_publish_take(&m->frontend->keys, ring);

	if (rc != SECD_OK) {
		keyring_free(ring);
	}
	return rc;
}

/* The key of that name as it was put, as a reference; NULL: none. */
static struct tsig_key *
take_old(const struct modules *m, const uint8_t *name)
{
	const struct keyring_key *old = keyring_find(ring_of(m), name);

	return old == NULL ? NULL : tsig_key_ref(old->key);
}

static int
put(struct module_instance *i, const struct secd_key *key, struct tsig_key *new)
{
	struct modules *m = i->modules;
	struct keyring_key k = {.key = new, .is_compared = is_compared(key)};
	struct tsig_key *old;
	struct keyring *ring;
	int rc;

	snprintf(k.owner, sizeof(k.owner), "%s", i->id);
	tsig_key_set_tag(new, key->tag);
	if (k.is_compared) {
		rc = keyring_with(ring_of(m), &k, &ring);
		return rc == SECD_OK ? replace_quietly_take(m, ring) : rc;
	}
	old = take_old(m, key->name);
	if (old != NULL && tsig_key_equal(old, new)) {
		tsig_key_unref(old); /* as after a reload */
		return SECD_OK;
	}
	rc = keyring_with(ring_of(m), &k, &ring);
	if (rc == SECD_OK) {
		rc = replace_take(m, ring, old,
				  (key->flags & SECD_KEY_CUT) != 0);
	}
	tsig_key_unref(old);
	return rc;
}

int
modules_key_put(void *ctx, const struct secd_key *key)
{
	struct module_instance *i = ctx;
	struct tsig_key *new;
	int rc;

	if ((key->flags & ~KEY_FLAGS) != 0) {
		return SECD_ENOTSUP;
	}
	if (key->tag == 0) {
		return SECD_EINVAL;
	}
	rc = modules_key_make(i->modules, key->name, key->algorithm,
			      key->secret, key->secret_len, &new);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = is_taken(i, key->name) ? SECD_EEXIST : put(i, key, new);
	tsig_key_unref(new);
	return rc;
}

/* Is there what is to be dropped, and is it this module's? */
static bool
has_put(const struct module_instance *i, const struct secd_key *key)
{
	const struct keyring *ring = ring_of(i->modules);
	const struct keyring_key *k = keyring_find(ring, key->name);
	size_t count = k == NULL ? 0 : 1;

	if (is_compared(key)) {
		count = keyring_compared(ring, key->name, &k);
	}
	for (size_t n = 0; n < count; n++) {
		if (strcmp(k[n].owner, i->id) == 0 &&
		    (!is_compared(key) || tsig_key_tag(k[n].key) == key->tag)) {
			return true;
		}
	}
	return false;
}

int
modules_key_drop(void *ctx, const struct secd_key *key)
{
	struct module_instance *i = ctx;
	struct modules *m = i->modules;
	struct tsig_key *old;
	struct keyring *ring;
	int rc;

	if (!is_name(key->name) || !has_put(i, key)) {
		return SECD_OK;
	}
	rc = keyring_without(ring_of(m), key->name, is_compared(key), key->tag,
			     i->id, &ring);
	if (rc != SECD_OK) {
		return rc;
	}
	if (is_compared(key)) {
		return replace_quietly_take(m, ring);
	}
	old = take_old(m, key->name);
	rc = replace_take(m, ring, old, (key->flags & SECD_KEY_CUT) != 0);
	tsig_key_unref(old);
	return rc;
}

int
modules_key_use(void *ctx, const uint8_t *configured, const uint8_t *key)
{
	struct module_instance *i = ctx;
	struct modules *m = i->modules;
	struct keyring *ring;
	int rc;

	if (!is_name(configured) || !is_name(key) ||
	    (!name_equal(configured, key) &&
	     keys_find(m->config, ring_of(m), key) == NULL)) {
		return SECD_ENOTFOUND;
	}
	if (name_equal(keyring_used(ring_of(m), configured), key)) {
		return SECD_OK;
	}
	rc = keyring_using(ring_of(m), configured, key, &ring);
	return rc == SECD_OK ? replace_take(m, ring, NULL, false) : rc;
}
