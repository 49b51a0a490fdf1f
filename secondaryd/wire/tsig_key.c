/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/secret.h"
#include "wire/tsig_internal.h"

/* libknot's struct for keys keeps the secret in ordinary memory: not used. */
struct tsig_key {
	atomic_uint refs;
	atomic_bool is_revoked;
	enum tsig_algorithm algorithm;
	uint8_t *secret; /* secret_new */
	size_t secret_len;
	uint64_t tag;
	uint8_t name[NAME_LEN_MAX]; /* lower-case */
};

struct algorithm {
	const char *text;
	const char *name; /* wire format, RFC 8945 section 6 */
	uint16_t mac_len;
};

static const struct algorithm algorithms[] = {
    [TSIG_HMAC_MD5] = {"hmac-md5",
		       "\x08"
		       "hmac-md5"
		       "\x07"
		       "sig-alg"
		       "\x03"
		       "reg"
		       "\x03"
		       "int",
		       16},
    [TSIG_HMAC_SHA1] = {"hmac-sha1", "\x09hmac-sha1", 20},
    [TSIG_HMAC_SHA224] = {"hmac-sha224", "\x0bhmac-sha224", 28},
    [TSIG_HMAC_SHA256] = {"hmac-sha256", "\x0bhmac-sha256", 32},
    [TSIG_HMAC_SHA384] = {"hmac-sha384", "\x0bhmac-sha384", 48},
    [TSIG_HMAC_SHA512] = {"hmac-sha512", "\x0bhmac-sha512", 64},
};

static bool
is_algorithm(enum tsig_algorithm algorithm)
{
	return algorithm >= TSIG_HMAC_MD5 && algorithm <= TSIG_HMAC_SHA512;
}

int
tsig_algorithm_from_text(const char *text, enum tsig_algorithm *out)
{
	for (unsigned i = TSIG_HMAC_MD5; i <= TSIG_HMAC_SHA512; i++) {
		if (strcasecmp(text, algorithms[i].text) == 0) {
			*out = (enum tsig_algorithm)i;
			return SECD_OK;
		}
	}
	return SECD_ENOTFOUND;
}

const char *
tsig_algorithm_text(enum tsig_algorithm algorithm)
{
	return is_algorithm(algorithm) ? algorithms[algorithm].text : "none";
}

int
tsig_key_new(const uint8_t *name, enum tsig_algorithm algorithm,
	     const uint8_t *secret, size_t secret_len, struct tsig_key **out)
{
	struct tsig_key *key;

	if (!is_algorithm(algorithm) || secret_len == 0) {
		return SECD_EINVAL;
	}
	key = calloc(1, sizeof(*key));
	if (key == NULL) {
		return SECD_ENOMEM;
	}
	key->secret = secret_new(secret_len);
	if (key->secret == NULL) {
		free(key);
		return SECD_ENOMEM;
	}
	memcpy(key->secret, secret, secret_len);
	key->secret_len = secret_len;
	key->algorithm = algorithm;
	name_lower(name, key->name);
	atomic_init(&key->refs, 1);
	*out = key;
	return SECD_OK;
}

struct tsig_key *
tsig_key_ref(struct tsig_key *key)
{
	/* Whoever passes the pointer holds a reference already. */
	atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
	return key;
}

void
tsig_key_unref(struct tsig_key *key)
{
	if (key == NULL) {
		return;
	}
	/* Uses by other threads come before the wipe. */
	if (atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) >
	    1) {
		return;
	}
	secret_free(key->secret, key->secret_len);
	free(key);
}

const uint8_t *
tsig_key_name(const struct tsig_key *key)
{
	return key->name;
}

enum tsig_algorithm
tsig_key_algorithm(const struct tsig_key *key)
{
	return key->algorithm;
}

void
tsig_key_set_tag(struct tsig_key *key, uint64_t tag)
{
	key->tag = tag;
}

uint64_t
tsig_key_tag(const struct tsig_key *key)
{
	return key->tag;
}

bool
tsig_octets_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t different = 0;

	for (size_t i = 0; i < len; i++) {
		different |= a[i] ^ b[i];
	}
	return different == 0;
}

bool
tsig_key_equal(const struct tsig_key *a, const struct tsig_key *b)
{
	return a->tag == b->tag && a->algorithm == b->algorithm &&
	       name_equal(a->name, b->name) && a->secret_len == b->secret_len &&
	       tsig_octets_equal(a->secret, b->secret, a->secret_len);
}

void
tsig_key_revoke(struct tsig_key *key)
{
	atomic_store_explicit(&key->is_revoked, true, memory_order_relaxed);
}

bool
tsig_key_is_revoked(const struct tsig_key *key)
{
	return key != NULL &&
	       atomic_load_explicit(&key->is_revoked, memory_order_relaxed);
}

const uint8_t *
tsig_key_secret(const struct tsig_key *key, size_t *len)
{
	*len = key->secret_len;
	return key->secret;
}

const uint8_t *
tsig_key_algorithm_name(const struct tsig_key *key)
{
	return (const uint8_t *)algorithms[key->algorithm].name;
}

uint16_t
tsig_key_mac_len(const struct tsig_key *key)
{
	return algorithms[key->algorithm].mac_len;
}
