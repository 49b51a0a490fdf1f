/* SPDX-License-Identifier: BSD-2-Clause */

#include "forge.h"

#include <libdnssec/error.h>
#include <libdnssec/tsig.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"

const uint8_t forge_secret[32] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
				  12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
				  23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
const char forge_owner[13] = "\003xfr\007example";

static const struct {
	const char *name;
	size_t mac_len;
	dnssec_tsig_algorithm_t library;
} algorithms[] = {
    [TSIG_HMAC_MD5] = {"\010hmac-md5\007sig-alg\003reg\003int", 16,
		       DNSSEC_TSIG_HMAC_MD5},
    [TSIG_HMAC_SHA1] = {"\011hmac-sha1", 20, DNSSEC_TSIG_HMAC_SHA1},
    [TSIG_HMAC_SHA224] = {"\013hmac-sha224", 28, DNSSEC_TSIG_HMAC_SHA224},
    [TSIG_HMAC_SHA256] = {"\013hmac-sha256", 32, DNSSEC_TSIG_HMAC_SHA256},
    [TSIG_HMAC_SHA384] = {"\013hmac-sha384", 48, DNSSEC_TSIG_HMAC_SHA384},
    [TSIG_HMAC_SHA512] = {"\013hmac-sha512", 64, DNSSEC_TSIG_HMAC_SHA512},
};

static void
put(struct message *m, const void *data, size_t len)
{
	if (len > sizeof(m->wire) - m->len) {
		abort();
	}
	if (len > 0) {
		memcpy(m->wire + m->len, data, len);
	}
	m->len += len;
}

static void
put16(struct message *m, unsigned value)
{
	uint8_t octets[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	put(m, octets, 2);
}

static void
put48(struct message *m, uint64_t value)
{
	put16(m, (unsigned)(value >> 32) & 0xffff);
	put16(m, (unsigned)(value >> 16) & 0xffff);
	put16(m, (unsigned)value & 0xffff);
}

static void
put_name(struct message *m, const char *name)
{
	put(m, name, strlen(name) + 1);
}

static void
count_up(struct message *m, unsigned section)
{
	uint8_t *field = m->wire + 4 + 2 * section;

	put_u16(field, (uint16_t)(get_u16(field) + 1));
}

static void
put_header(struct message *m, unsigned flags)
{
	m->len = 0;
	put16(m, FORGE_ID);
	put16(m, flags);
	put48(m, 0);
	put16(m, 0);
	put_name(m, "\007example");
	put16(m, 6); /* SOA */
	put16(m, 1);
	count_up(m, 0);
}

void
forge_query(struct message *m)
{
	put_header(m, 0x0000);
}

void
forge_answer(struct message *m, uint8_t n)
{
	const uint8_t rdata[4] = {192, 0, 2, n};

	put_header(m, 0x8400);
	put16(m, 0xc00c); /* the question's name */
	put16(m, 1);
	put16(m, 1);
	put48(m, 3600 << 16 | sizeof(rdata)); /* TTL and length */
	put(m, rdata, sizeof(rdata));
	count_up(m, 1);
}

void
forge_record(struct message *m, unsigned section, uint16_t type)
{
	put_name(m, "\007example");
	put16(m, type);
	put16(m, 1);
	put48(m, 2);
	put16(m, 0xabcd);
	count_up(m, section);
}

void
forge_rcode(struct message *m, uint8_t rcode)
{
	m->wire[3] = (uint8_t)((m->wire[3] & 0xf0) | rcode);
}

const char *
forge_algorithm(enum tsig_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

size_t
forge_mac_len(enum tsig_algorithm algorithm)
{
	return algorithms[algorithm].mac_len;
}

void
forge_init(struct forge *f)
{
	f->owner = forge_owner;
	f->algorithm = algorithms[TSIG_HMAC_SHA256].name;
	f->compute = TSIG_HMAC_SHA256;
	f->secret = forge_secret;
	f->secret_len = sizeof(forge_secret);
	f->time_signed = (uint64_t)FORGE_NOW;
	f->fudge = 300;
	f->error = 0;
	f->other = NULL;
	f->other_len = 0;
	f->original_id = -1;
	f->mac_len = -1;
	f->class = 255;
	f->ttl = 0;
	f->prior_len = 0;
	f->timers_only = false;
	f->before.len = 0;
}

void
forge_reply_to(struct forge *f, const uint8_t *mac, size_t mac_len)
{
	memcpy(f->prior, mac, mac_len);
	f->prior_len = mac_len;
	f->timers_only = false;
	f->before.len = 0;
}

void
forge_skip(struct forge *f, const struct message *m)
{
	put(&f->before, m->wire, m->len);
}

/* Everything that the MAC is computed over, in one piece. */
static void
assemble(const struct forge *f, const struct message *m, struct message *all)
{
	size_t at;

	all->len = 0;
	if (f->prior_len > 0) {
		put16(all, (unsigned)f->prior_len);
		put(all, f->prior, f->prior_len);
	}
	put(all, f->before.wire, f->before.len);
	at = all->len;
	put(all, m->wire, m->len);
	if (f->original_id >= 0) {
		put_u16(all->wire + at, (uint16_t)f->original_id);
	}
	if (!f->timers_only) {
		at = all->len;
		put_name(all, f->owner);
		name_lower(all->wire + at, all->wire + at);
		put16(all, 255);
		put16(all, 0); /* TTL */
		put16(all, 0);
		at = all->len;
		put_name(all, f->algorithm);
		name_lower(all->wire + at, all->wire + at);
	}
	put48(all, f->time_signed);
	put16(all, f->fudge);
	if (!f->timers_only) {
		put16(all, f->error);
		put16(all, f->other_len);
		put(all, f->other, f->other_len);
	}
}

static size_t
compute(const struct forge *f, struct message *all, uint8_t mac[64])
{
	uint8_t secret[256];
	dnssec_binary_t key = {.size = f->secret_len, .data = secret};
	dnssec_binary_t octets = {.size = all->len, .data = all->wire};
	dnssec_tsig_ctx_t *ctx = NULL;

	memcpy(secret, f->secret, f->secret_len);
	if (dnssec_tsig_new(&ctx, algorithms[f->compute].library, &key) !=
		DNSSEC_EOK ||
	    dnssec_tsig_add(ctx, &octets) != DNSSEC_EOK ||
	    dnssec_tsig_write(ctx, mac) != DNSSEC_EOK) {
		abort();
	}
	dnssec_tsig_free(ctx);
	return algorithms[f->compute].mac_len;
}

void
forge_sign(struct forge *f, struct message *m)
{
	static struct message all;
	uint8_t mac[64 + 65535] = {0};
	size_t mac_len;
	uint16_t id = get_u16(m->wire);

	assemble(f, m, &all);
	mac_len = compute(f, &all, mac);
	if (f->mac_len >= 0) {
		mac_len = (size_t)f->mac_len;
	}
	put_name(m, f->owner);
	put16(m, 250);
	put16(m, f->class);
	put48(m, (uint64_t)f->ttl << 16 |
		     (strlen(f->algorithm) + 17 + mac_len + f->other_len));
	put_name(m, f->algorithm);
	put48(m, f->time_signed);
	put16(m, f->fudge);
	put16(m, (unsigned)mac_len);
	put(m, mac, mac_len);
	put16(m, f->original_id >= 0 ? (unsigned)f->original_id : id);
	put16(m, f->error);
	put16(m, f->other_len);
	put(m, f->other, f->other_len);
	count_up(m, 3);

	if (mac_len <= sizeof(f->prior)) {
		memcpy(f->prior, mac, mac_len);
		f->prior_len = mac_len;
	}
	f->timers_only = true;
	f->before.len = 0;
}

struct tsig_key *
forge_key(enum tsig_algorithm algorithm)
{
	struct tsig_key *key = NULL;

	if (tsig_key_new((const uint8_t *)forge_owner, algorithm, forge_secret,
			 sizeof(forge_secret), &key) != SECD_OK) {
		abort();
	}
	return key;
}

bool
forge_is_free(const struct message *m, size_t at, size_t octet, unsigned bit)
{
	uint8_t c = m->wire[octet];
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	size_t owner_end = at + sizeof(forge_owner);
	size_t algorithm = owner_end + 10;
	bool in_name = (octet > at && octet < owner_end) ||
		       (octet > algorithm && octet < algorithm + 12);

	return octet < 2 || (in_name && letter && bit == 5);
}
