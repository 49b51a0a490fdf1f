/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "base/secret.h"

/*
 * Strings with their NUL; counts, lengths and the time as 4 octets:
 *
 *     dir, adapter, time, settings { key, value }, keys { name, algorithm,
 *     secret with its length before }
 */

/* Writing: the first round, without memory, only counts. */
struct writer {
	uint8_t *at; /* NULL: counting */
	size_t len;
};

static void
put(struct writer *w, const void *octets, size_t len)
{
	if (w->at != NULL) {
		memcpy(w->at + w->len, octets, len);
	}
	w->len += len;
}

static void
put_string(struct writer *w, const char *s)
{
	put(w, s, strlen(s) + 1);
}

static void
put_number(struct writer *w, size_t n)
{
	uint8_t octets[4];

	put_u32(octets, (uint32_t)n);
	put(w, octets, sizeof(octets));
}

static void
put_all(struct writer *w, const struct request *r)
{
	put_string(w, r->dir);
	put_string(w, r->adapter->name);
	put_number(w, (size_t)r->timeout_ms);
	put_number(w, r->settings.count);
	for (size_t i = 0; i < r->settings.count; i++) {
		put_string(w, r->settings.said[i].key);
		put_string(w, r->settings.said[i].value);
	}
	put_number(w, r->key_count);
	for (size_t i = 0; i < r->key_count; i++) {
		put_string(w, r->keys[i].name);
		put_string(w, r->keys[i].algorithm);
		put_number(w, r->keys[i].secret_len);
		put(w, r->keys[i].secret, r->keys[i].secret_len);
	}
}

int
request_write(const struct request *r, uint8_t **out, size_t *len)
{
	struct writer w = {.at = NULL};

	put_all(&w, r);
	if (w.len > REQUEST_OCTETS_MAX) {
		return SECD_ELIMIT;
	}
	w.at = secret_new(w.len);
	if (w.at == NULL) {
		return SECD_ENOMEM;
	}
	*out = w.at;
	*len = w.len;
	w.len = 0;
	put_all(&w, r);
	return SECD_OK;
}

/* Reading: what is missing makes it malformed, and everything after. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool is_cut;
};

static const uint8_t *
get(struct reader *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->is_cut || len > r->left) {
		r->is_cut = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

static const char *
get_string(struct reader *r)
{
	const uint8_t *nul =
	    r->is_cut || r->left == 0 ? NULL : memchr(r->at, 0, r->left);
	const uint8_t *s =
	    get(r, nul == NULL ? SIZE_MAX : (size_t)(nul - r->at) + 1);

	return s == NULL ? "" : (const char *)s;
}

static uint32_t
get_number(struct reader *r)
{
	const uint8_t *octets = get(r, 4);

	return octets == NULL ? 0 : get_u32(octets);
}

/* So many things of at least `each` octets cannot be in what is left. */
static uint32_t
get_count(struct reader *r, size_t each)
{
	uint32_t count = get_number(r);

	if (count > r->left / each) {
		r->is_cut = true;
	}
	return r->is_cut ? 0 : count;
}

static int
read_settings(struct reader *r, struct request *out)
{
	uint32_t count = get_count(r, 2);

	out->said = calloc(count == 0 ? 1 : count, sizeof(*out->said));
	if (out->said == NULL) {
		return SECD_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		out->said[i].key = get_string(r);
		out->said[i].value = get_string(r);
	}
	out->settings.said = out->said;
	out->settings.count = count;
	return SECD_OK;
}

static int
read_keys(struct reader *r, struct request *out)
{
	uint32_t count = get_count(r, 6);

	out->key_list = calloc(count == 0 ? 1 : count, sizeof(*out->key_list));
	if (out->key_list == NULL) {
		return SECD_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct keytext_key *k = &out->key_list[i];

		k->name = get_string(r);
		k->algorithm = get_string(r);
		k->secret_len = get_number(r);
		k->secret = get(r, k->secret_len);
	}
	out->keys = out->key_list;
	out->key_count = count;
	return SECD_OK;
}

/* What is missing is an empty string, so that nothing is NULL here. */
static bool
is_sound(const struct reader *r, const struct request *out)
{
	return !r->is_cut && r->left == 0 && out->adapter != NULL &&
	       out->timeout_ms > 0;
}

int
request_read(const uint8_t *octets, size_t len, struct request *out)
{
	struct reader r = {.at = octets, .left = len};
	int rc;

	*out = (struct request){.dir = get_string(&r)};
	out->adapter = adapter_find(get_string(&r));
	out->timeout_ms = get_number(&r);
	if (out->adapter != NULL) {
		out->settings.adapter = out->adapter->name;
		out->settings.known = out->adapter->settings;
	}
	rc = read_settings(&r, out);
	if (rc == SECD_OK) {
		rc = read_keys(&r, out);
	}
	if (rc == SECD_OK && !is_sound(&r, out)) {
		rc = SECD_EMALF;
	}
	if (rc != SECD_OK) {
		request_fini(out);
	}
	return rc;
}

void
request_fini(struct request *r)
{
	free(r->said);
	free(r->key_list);
	*r = (struct request){.dir = ""};
}
