/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "config/config_build.h"
#include "keys/keyfile.h"

/* 128 bits: what cannot be found by trying. */
#define SECRET_LEN_GOOD 16

/* What an entry says, until the key is made. */
struct said {
	enum tsig_algorithm algorithm;
	const struct config_item *algorithm_item; /* NULL: not said */
	const struct config_item *secret;
	const struct config_item *secret_file;
	const struct config_item *module;
};

static int
set_algorithm(struct config_build *b, const struct config_item *it,
	      void *object)
{
	struct said *said = object;

	if (tsig_algorithm_from_text(it->value, &said->algorithm) != SECD_OK) {
		return config_build_bad(b, it,
					"hmac-sha224, hmac-sha256, "
					"hmac-sha384 or hmac-sha512");
	}
	said->algorithm_item = it;
	return SECD_OK;
}

static int
set_secret(struct config_build *b, const struct config_item *it, void *object)
{
	(void)b;
	((struct said *)object)->secret = it;
	return SECD_OK;
}

static int
set_secret_file(struct config_build *b, const struct config_item *it,
		void *object)
{
	(void)b;
	((struct said *)object)->secret_file = it;
	return SECD_OK;
}

static int
set_module(struct config_build *b, const struct config_item *it, void *object)
{
	(void)b;
	((struct said *)object)->module = it;
	return SECD_OK;
}

const struct config_keyword config_key_keywords[] = {
    {"algorithm", .kind = CONFIG_SPECIAL, .set = set_algorithm},
    {"secret", .kind = CONFIG_SPECIAL, .set = set_secret},
    {"secret-file", .kind = CONFIG_SPECIAL, .set = set_secret_file},
    {"module", .kind = CONFIG_SPECIAL, .set = set_module},
    {.name = NULL},
};

static int
secret_inline(struct config_build *b, const struct config_item *it,
	      uint8_t **secret, size_t *len)
{
	int rc;

	if (b->tree.files[it->place.file].others) {
		rc = config_build_warn(b, it->place,
				       "others may read this file and the "
				       "secret in it: use \"secret-file\", or "
				       "mode 0600");
		if (rc != SECD_OK) {
			return rc;
		}
	}
	rc = keyfile_decode(it->value, it->len, secret, len);
	if (rc == SECD_EMALF) { /* without the value */
		return config_build_fail(b, it->place,
					 "\"secret\" is not base64");
	}
	return rc;
}

static int
secret_from_file(struct config_build *b, const struct config_item *it,
		 uint8_t **secret, size_t *len)
{
	char reason[KEYFILE_REASON_MAX];
	char *path;
	int rc;

	if (b->closed) {
		return config_build_fail(
		    b, it->place, "\"secret-file\" is not possible here");
	}
	path = config_tree_path(&b->tree, it->place, b->tree.arena, it->value);
	if (path == NULL) {
		return SECD_ENOMEM;
	}
	rc = keyfile_read(path, b->c->server.uid, secret, len, reason);
	if (rc != SECD_OK && rc != SECD_ENOMEM) {
		config_build_fail(b, it->place, "\"%.256s\" %s", path, reason);
	}
	return rc == SECD_ENOTFOUND ? SECD_EIO : rc;
}

static int
check_length(struct config_build *b, const struct config_entry *e,
	     const struct config_item *it, size_t len)
{
	if (len >= SECRET_LEN_GOOD) {
		return SECD_OK;
	}
	return config_build_warn(b, it->place,
				 "the secret of key \"%.300s\" has %zu octets: "
				 "it should have at least %d",
				 e->id, len, SECRET_LEN_GOOD);
}

/* The key that an entry describes, with a count of one. */
static int
make_key(struct config_build *b, const struct config_entry *e,
	 const struct said *said, const uint8_t *name, struct tsig_key **out)
{
	const struct config_item *it =
	    said->secret != NULL ? said->secret : said->secret_file;
	uint8_t *secret;
	size_t len;
	int rc;

	rc = it == said->secret ? secret_inline(b, it, &secret, &len)
				: secret_from_file(b, it, &secret, &len);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = check_length(b, e, it, len);
	if (rc != SECD_OK) {
		secret_free(secret, len);
		return rc;
	}
	rc = tsig_key_new(name, said->algorithm, secret, len, out);
	secret_free(secret, len);
	if (rc == SECD_EINVAL) {
		return config_build_fail(
		    b, e->place, "key \"%.300s\" cannot be used", e->id);
	}
	return rc;
}

/* Is there a module of that id, as far as the files go? */
static bool
has_module(const struct config_build *b, const char *id)
{
	const struct config_entry *e = b->tree.sections[CONFIG_MODULE].first;

	while (e != NULL && strcmp(e->id, id) != 0) {
		e = e->next;
	}
	return e != NULL;
}

/* The module says all about it but the name. */
static int
check_module(struct config_build *b, const struct config_entry *e,
	     const struct said *said)
{
	const struct config_item *too_much = said->secret != NULL ? said->secret
					     : said->secret_file != NULL
						 ? said->secret_file
						 : said->algorithm_item;

	if (too_much != NULL) {
		return config_build_fail(
		    b, too_much->place,
		    "key \"%.300s\" has \"%s\", which its \"module\" gives it",
		    e->id, too_much->keyword->name);
	}
	if (!has_module(b, said->module->value)) {
		return config_build_fail(b, said->module->place,
					 "module \"%.128s\" is not defined",
					 said->module->value);
	}
	return SECD_OK;
}

static int
check_said(struct config_build *b, const struct config_entry *e,
	   const struct said *said)
{
	if (said->module != NULL) {
		return check_module(b, e, said);
	}
	if (said->secret == NULL && said->secret_file == NULL) {
		return config_build_fail(b, e->place,
					 "key \"%.300s\" has no \"secret\", "
					 "\"secret-file\" or \"module\"",
					 e->id);
	}
	if (said->secret != NULL && said->secret_file != NULL) {
		return config_build_fail(b, said->secret_file->place,
					 "key \"%.300s\" has both \"secret\" "
					 "and \"secret-file\"",
					 e->id);
	}
	if ((said->algorithm == TSIG_HMAC_MD5 ||
	     said->algorithm == TSIG_HMAC_SHA1) &&
	    (b->c->server.tsig_weak & 1u << said->algorithm) == 0) {
		return config_build_fail(
		    b, said->algorithm_item->place,
		    "%s is weak: allow it by \"tsig-weak\" "
		    "in \"server\" if it must be",
		    tsig_algorithm_text(said->algorithm));
	}
	return SECD_OK;
}

static int
build_key(struct config_build *b, const struct config_entry *e,
	  struct config_key *key)
{
	struct said said = {.algorithm = TSIG_HMAC_SHA256};
	uint8_t name[NAME_LEN_MAX];
	int rc;

	if (name_from_text(e->id, name) != SECD_OK) {
		return config_build_fail(b, e->place,
					 "\"%.300s\" is no domain name", e->id);
	}
	rc = config_build_apply(b, e, config_key_keywords, &said);
	if (rc == SECD_OK) {
		rc = check_said(b, e, &said);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	name_lower(name, name);
	key->name = arena_copy_octets(b->arena, name, name_len(name));
	if (key->name == NULL) {
		return SECD_ENOMEM;
	}
	if (said.module != NULL) {
		key->module = arena_copy_octets(b->arena, said.module->value,
						said.module->len);
		return key->module == NULL ? SECD_ENOMEM : SECD_OK;
	}
	return make_key(b, e, &said, name, &key->key);
}

static int
compare_keys(const void *a, const void *b)
{
	const struct config_key *x = a, *y = b;

	return name_compare(x->name, y->name);
}

static const uint8_t *
find_twin(const struct config_key *keys, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (name_equal(keys[i - 1].name, keys[i].name)) {
			return keys[i].name;
		}
	}
	return NULL;
}

/* The last entry of that name, or NULL. */
static const struct config_entry *
find_entry(const struct config_build *b, const uint8_t *wanted)
{
	const struct config_entry *e, *last = NULL;

	for (e = b->tree.sections[CONFIG_KEY].first; e != NULL; e = e->next) {
		uint8_t name[NAME_LEN_MAX];

		if (name_from_text(e->id, name) == SECD_OK &&
		    name_equal(name, wanted)) {
			last = e;
		}
	}
	return last;
}

/* The last entry of that name is the one to complain about. */
static int
fail_twice(struct config_build *b, const uint8_t *twin)
{
	const struct config_entry *last = find_entry(b, twin);

	return config_build_fail(b, last->place,
				 "key \"%.300s\" is there twice", last->id);
}

int
config_build_keys(struct config_build *b)
{
	const struct config_entries *list = &b->tree.sections[CONFIG_KEY];
	const struct config_entry *e;
	struct config_key *keys;
	const uint8_t *twin;
	int rc;

	keys = arena_alloc(b->arena, list->count * sizeof(*keys));
	if (keys == NULL) {
		return SECD_ENOMEM;
	}
	/* Counted as they are made: a failure frees those made so far. */
	b->c->keys = keys;
	for (e = list->first; e != NULL; e = e->next) {
		rc = build_key(b, e, &keys[b->c->key_count]);
		if (config_build_ends(b, rc)) {
			return rc;
		}
		b->c->key_count += rc == SECD_OK ? 1 : 0;
	}
	qsort(keys, b->c->key_count, sizeof(*keys), compare_keys);
	twin = find_twin(keys, b->c->key_count);
	return twin == NULL ? SECD_OK : fail_twice(b, twin);
}

int
config_build_key_of(struct config_build *b, const struct config_item *it,
		    const struct config_key **out)
{
	uint8_t name[NAME_LEN_MAX];
	const struct config_key *key = NULL;
	bool is_wrong = false;

	if (name_from_text(it->value, name) == SECD_OK) {
		key = config_key_find(b->c, name);
		is_wrong = key == NULL && find_entry(b, name) != NULL;
	}
	if (key == NULL && !is_wrong) {
		return config_build_fail(
		    b, it->place, "key \"%.300s\" is not defined", it->value);
	}
	*out = key;
	return SECD_OK;
}
