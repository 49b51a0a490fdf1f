/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/derive.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/octets.h"
#include "wire/name.h"

/* Any change of these changes every key. */
static const char salt[] = "tsig-rotate/v1";
static const char label[] = "secondaryd tsig v1"; /* with its NUL */
static const uint8_t algorithm[] = {11,  'h', 'm', 'a', 'c', '-', 's',
				    'h', 'a', '2', '5', '6', 0};

#define INFO_MAX (sizeof(label) + 1 + NAME_LEN_MAX + sizeof(algorithm) + 12)

bool
derive_random(uint8_t *out, size_t len)
{
	return RAND_priv_bytes(out, (int)len) == 1;
}

static size_t
write_info(const uint8_t *name, uint32_t generation, uint64_t epoch,
	   uint8_t *info)
{
	size_t len = name_len(name);
	uint8_t *p = info;

	memcpy(p, label, sizeof(label));
	p += sizeof(label);
	*p++ = (uint8_t)len;
	memcpy(p, name, len);
	p += len;
	memcpy(p, algorithm, sizeof(algorithm));
	p += sizeof(algorithm);
	put_u32(p, generation);
	put_u64(p + 4, epoch);
	return (size_t)(p + 12 - info);
}

/* OpenSSL's parameters have no const; none of these is written to. */
static OSSL_PARAM
octets(const char *key, const void *data, size_t len)
{
	union {
		const void *in;
		void *out;
	} u = {.in = data};

	return OSSL_PARAM_construct_octet_string(key, u.out, len);
}

bool
derive_secret(const uint8_t *root, const uint8_t *name, uint32_t generation,
	      uint64_t epoch, uint8_t *out)
{
	char digest[] = "SHA256";
	uint8_t info[INFO_MAX];
	size_t info_len = write_info(name, generation, epoch, info);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
	    octets(OSSL_KDF_PARAM_SALT, salt, strlen(salt)),
	    octets(OSSL_KDF_PARAM_KEY, root, PAIR_SECRET_LEN),
	    octets(OSSL_KDF_PARAM_INFO, info, info_len),
	    OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool worked = ctx != NULL &&
		      EVP_KDF_derive(ctx, out, PAIR_SECRET_LEN, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return worked;
}

/* HMAC-SHA256(secret, text) */
static bool
digest_text(const uint8_t *secret, const char *text, uint8_t out[32])
{
	union {
		const char *in;
		const unsigned char *out;
	} u = {.in = text};
	size_t len = 0;

	return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret,
			 PAIR_SECRET_LEN, u.out, strlen(text), out, 32,
			 &len) != NULL &&
	       len == 32;
}

char *
derive_fingerprint(const uint8_t *secret, char *out)
{
	uint8_t mac[32];

	strcpy(out, "????????");
	if (digest_text(secret, "tsig-rotate fingerprint", mac)) {
		for (int i = 0; i < 4; i++) {
			snprintf(out + (ptrdiff_t)2 * i, 3, "%02x", mac[i]);
		}
	}
	explicit_bzero(mac, sizeof(mac));
	return out;
}

bool
derive_root_check(const uint8_t *root, uint8_t *out)
{
	uint8_t mac[32];
	bool worked = digest_text(root, "tsig-rotate root", mac);

	memcpy(out, mac, PAIR_CHECK_LEN);
	explicit_bzero(mac, sizeof(mac));
	return worked;
}
