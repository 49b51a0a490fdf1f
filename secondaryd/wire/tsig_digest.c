/* SPDX-License-Identifier: BSD-2-Clause */

#include <assert.h>
#include <libdnssec/error.h>
#include <libdnssec/tsig.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/tsig_internal.h"

static dnssec_tsig_algorithm_t
library_algorithm(enum tsig_algorithm algorithm)
{
	static const dnssec_tsig_algorithm_t map[] = {
	    [TSIG_HMAC_MD5] = DNSSEC_TSIG_HMAC_MD5,
	    [TSIG_HMAC_SHA1] = DNSSEC_TSIG_HMAC_SHA1,
	    [TSIG_HMAC_SHA224] = DNSSEC_TSIG_HMAC_SHA224,
	    [TSIG_HMAC_SHA256] = DNSSEC_TSIG_HMAC_SHA256,
	    [TSIG_HMAC_SHA384] = DNSSEC_TSIG_HMAC_SHA384,
	    [TSIG_HMAC_SHA512] = DNSSEC_TSIG_HMAC_SHA512,
	};

	return map[algorithm];
}

/* libdnssec's struct for octets lacks a const; it only reads them. */
static dnssec_binary_t
lend(const uint8_t *data, size_t len)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = {.in = data};

	return (dnssec_binary_t){.size = len, .data = u.out};
}

static void
add(struct tsig_digest *d, const uint8_t *data, size_t len)
{
	dnssec_binary_t octets = lend(data, len);

	if (d->failed || len == 0) {
		return;
	}
	d->failed = dnssec_tsig_add(d->ctx, &octets) != DNSSEC_EOK;
}

void
tsig_digest_begin(struct tsig_digest *d, const struct tsig_key *key,
		  const uint8_t *prior_mac, size_t prior_mac_len)
{
	uint8_t len_field[2];
	size_t secret_len;
	const uint8_t *secret = tsig_key_secret(key, &secret_len);
	dnssec_binary_t octets = lend(secret, secret_len);

	assert(d->ctx == NULL);
	d->failed =
	    dnssec_tsig_new(&d->ctx, library_algorithm(tsig_key_algorithm(key)),
			    &octets) != DNSSEC_EOK;
	if (prior_mac_len > 0) {
		put_u16(len_field, (uint16_t)prior_mac_len);
		add(d, len_field, sizeof(len_field));
		add(d, prior_mac, prior_mac_len);
	}
}

void
tsig_digest_message(struct tsig_digest *d, const uint8_t *msg, size_t len,
		    uint16_t original_id, uint16_t arcount)
{
	uint8_t header[TSIG_HEADER_LEN];

	assert(len >= sizeof(header));
	memcpy(header, msg, sizeof(header));
	put_u16(header, original_id);
	put_u16(header + 10, arcount);
	add(d, header, sizeof(header));
	add(d, msg + sizeof(header), len - sizeof(header));
}

/* Time signed and fudge. */
static void
put_timers(uint8_t out[8], const struct tsig_rdata *rdata)
{
	put_u16(out, (uint16_t)(rdata->time_signed >> 32));
	put_u32(out + 2, (uint32_t)rdata->time_signed);
	put_u16(out + 6, rdata->fudge);
}

void
tsig_digest_variables(struct tsig_digest *d, const struct tsig_key *key,
		      const struct tsig_rdata *rdata)
{
	const uint8_t *name = tsig_key_name(key);
	const uint8_t *algorithm = tsig_key_algorithm_name(key);
	uint8_t class_ttl[6] = {0}; /* ANY; the TTL is always 0 */
	uint8_t rest[12];

	put_u16(class_ttl, TSIG_CLASS);
	put_timers(rest, rdata);
	put_u16(rest + 8, rdata->error);
	put_u16(rest + 10, rdata->other_len);

	add(d, name, name_len(name));
	add(d, class_ttl, sizeof(class_ttl));
	add(d, algorithm, name_len(algorithm));
	add(d, rest, sizeof(rest));
	add(d, rdata->other, rdata->other_len);
}

void
tsig_digest_timers(struct tsig_digest *d, const struct tsig_rdata *rdata)
{
	uint8_t timers[8];

	put_timers(timers, rdata);
	add(d, timers, sizeof(timers));
}

int
tsig_digest_end(struct tsig_digest *d, uint8_t mac[TSIG_MAC_MAX])
{
	bool failed = d->failed;

	if (!failed) {
		failed = dnssec_tsig_write(d->ctx, mac) != DNSSEC_EOK;
	}
	tsig_digest_abandon(d);
	return failed ? SECD_ENOMEM : SECD_OK;
}

void
tsig_digest_abandon(struct tsig_digest *d)
{
	dnssec_tsig_free(d->ctx); /* wipes what it made of the secret */
	*d = (struct tsig_digest){0};
}
