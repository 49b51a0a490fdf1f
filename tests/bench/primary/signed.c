/* SPDX-License-Identifier: BSD-2-Clause */

#include <libdnssec/nsec.h>
#include <stdio.h>
#include <stdlib.h>

#include "primary/signed.h"
#include "primary/wire.h"

#define LABEL_FACTOR 0x9e3779b1u
#define HASH_LEN     20
#define HASH_TEXT    32
#define SIGNATURE    64
#define TTL          3600
#define ALGORITHM    13 /* ECDSAP256SHA256 */

/* Types of the apex in both zones, without the one that proves. */
#define APEX_TYPES                                                             \
	KNOT_RRTYPE_NS, KNOT_RRTYPE_SOA, KNOT_RRTYPE_RRSIG, KNOT_RRTYPE_DNSKEY

struct hashed {
	uint8_t hash[HASH_LEN];
	bool is_apex;
};

struct signed_zone {
	uint32_t count;
	bool nsec3;
	uint32_t *values; /* of the labels, in order */
	struct hashed *hashed;
	uint32_t hashed_count;
	uint8_t apex[16];
	size_t apex_len;
};

static const struct owner apex_owner;

/* The base point of P-256: a public key that nobody finds fault with. */
static const uint8_t dnskey[] = {
    1,    1,    3,    13,   0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47,
    0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81,
    0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a,
    0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
    0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static void
fill(uint8_t *p, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		p[i] = (uint8_t)(mix(seed + i / 8) >> i % 8 * 8);
	}
}

static bool
has_ds(uint32_t value)
{
	return mix(value) % 100 < 55;
}

static bool
has_glue(uint32_t value)
{
	return mix(value + 1) % 10 < 3;
}

static void
delegation_owner(uint32_t value, struct owner *o)
{
	o->len = (size_t)(wire_hex_label(o->labels, 'd', value) - o->labels);
}

static void
below_owner(const char *label, const struct owner *o, struct owner *out)
{
	uint8_t *p = wire_label(out->labels, label);

	memcpy(p, o->labels, o->len);
	out->len = (size_t)(p - out->labels) + o->len;
}

/* An owner with the apex: a name as it stands in RDATA. */
static size_t
whole_name(const struct signed_zone *z, const struct owner *o, uint8_t *out)
{
	memcpy(out, o->labels, o->len);
	memcpy(out + o->len, z->apex, z->apex_len);
	return o->len + z->apex_len;
}

/* The types are below 256 and end with 0; their order does not matter. */
static size_t
bitmap(uint8_t *out, const uint16_t *types)
{
	size_t len = 0;

	memset(out, 0, 34);
	for (; *types != 0; types++) {
		size_t octet = *types / 8;

		out[2 + octet] |= (uint8_t)(0x80 >> *types % 8);
		len = octet + 1 > len ? octet + 1 : len;
	}
	out[1] = (uint8_t)len;
	return 2 + len;
}

static void
put_rrsig(const struct signed_zone *z, struct stream *s,
	  const struct owner *owner, uint16_t covered, uint64_t seed)
{
	uint8_t rdata[18 + 16 + SIGNATURE];
	size_t len = 18;

	wire_u16(rdata, covered);
	rdata[2] = ALGORITHM;
	rdata[3] = owner->len == 0 ? 2 : 3;
	wire_u32(rdata + 4, TTL);
	wire_u32(rdata + 8, 2082758400);  /* expires in 2036 */
	wire_u32(rdata + 12, 1767225600); /* since 2026 */
	wire_u16(rdata + 16, 34567);
	len += whole_name(z, &apex_owner, rdata + len);
	fill(rdata + len, SIGNATURE, mix(seed * 65536 + covered));
	stream_put(s, owner, KNOT_RRTYPE_RRSIG, TTL, rdata, len + SIGNATURE);
}

static void
put_nsec(const struct signed_zone *z, struct stream *s,
	 const struct owner *owner, const struct owner *next,
	 const uint16_t *types, uint64_t seed)
{
	uint8_t rdata[160 + 34];
	size_t len = whole_name(z, next, rdata);

	len += bitmap(rdata + len, types);
	stream_put(s, owner, KNOT_RRTYPE_NSEC, TTL, rdata, len);
	put_rrsig(z, s, owner, KNOT_RRTYPE_NSEC, seed);
}

static void
put_apex(const struct signed_zone *z, struct stream *s)
{
	static const uint8_t ns[2][14] = {"\3ns1\3nic\4test",
					  "\3ns2\3nic\4test"};
	static const uint8_t nsec3param[] = {1, 0, 0, 0, 0};
	static const uint16_t types[] = {APEX_TYPES, KNOT_RRTYPE_NSEC, 0};
	struct owner next;

	stream_put_soa(s, SIGNED_SERIAL);
	put_rrsig(z, s, &apex_owner, KNOT_RRTYPE_SOA, 0);
	for (int i = 0; i < 2; i++) {
		stream_put(s, &apex_owner, KNOT_RRTYPE_NS, TTL, ns[i],
			   sizeof(ns[i]));
	}
	put_rrsig(z, s, &apex_owner, KNOT_RRTYPE_NS, 0);
	stream_put(s, &apex_owner, KNOT_RRTYPE_DNSKEY, TTL, dnskey,
		   sizeof(dnskey));
	put_rrsig(z, s, &apex_owner, KNOT_RRTYPE_DNSKEY, 0);
	if (z->nsec3) {
		stream_put(s, &apex_owner, KNOT_RRTYPE_NSEC3PARAM, TTL,
			   nsec3param, sizeof(nsec3param));
		put_rrsig(z, s, &apex_owner, KNOT_RRTYPE_NSEC3PARAM, 0);
	} else {
		delegation_owner(z->values[0], &next);
		put_nsec(z, s, &apex_owner, &next, types, 0);
	}
}

static void
put_name_server(const struct signed_zone *z, struct stream *s,
		const struct owner *owner, const char *label, uint32_t value)
{
	uint8_t name[160], *p = wire_label(name, label);
	char host[16];

	if (has_glue(value)) {
		p += whole_name(z, owner, p);
	} else {
		snprintf(host, sizeof(host), "host%u", value % 1000);
		p = wire_label(wire_label(p, host), "example");
		*p++ = 0;
	}
	stream_put(s, owner, KNOT_RRTYPE_NS, TTL, name, (size_t)(p - name));
}

static void
put_glue(struct stream *s, const struct owner *delegation, const char *label,
	 uint32_t value)
{
	uint8_t rdata[16];
	struct owner o;

	below_owner(label, delegation, &o);
	wire_u32(rdata, 0x0a000000 | (value & 0xffffff));
	stream_put(s, &o, KNOT_RRTYPE_A, TTL, rdata, 4);
	wire_ipv6(rdata, value);
	stream_put(s, &o, KNOT_RRTYPE_AAAA, TTL, rdata, 16);
}

static void
put_ds(const struct signed_zone *z, struct stream *s, const struct owner *owner,
       uint32_t value)
{
	uint8_t rdata[36];

	wire_u16(rdata, value & 0xffff);
	rdata[2] = ALGORITHM;
	rdata[3] = 2; /* SHA-256 */
	fill(rdata + 4, 32, value);
	stream_put(s, owner, KNOT_RRTYPE_DS, TTL, rdata, sizeof(rdata));
	put_rrsig(z, s, owner, KNOT_RRTYPE_DS, value);
}

static void
put_delegation(const struct signed_zone *z, struct stream *s, uint32_t k)
{
	static const uint16_t with_ds[] = {KNOT_RRTYPE_NS, KNOT_RRTYPE_DS,
					   KNOT_RRTYPE_RRSIG, KNOT_RRTYPE_NSEC,
					   0};
	static const uint16_t plain[] = {KNOT_RRTYPE_NS, KNOT_RRTYPE_RRSIG,
					 KNOT_RRTYPE_NSEC, 0};
	uint32_t value = z->values[k];
	struct owner owner, next = {.len = 0};

	delegation_owner(value, &owner);
	put_name_server(z, s, &owner, "ns1", value);
	put_name_server(z, s, &owner, "ns2", value);
	if (has_ds(value)) {
		put_ds(z, s, &owner, value);
	}
	if (!z->nsec3) {
		if (k + 1 < z->count) {
			delegation_owner(z->values[k + 1], &next);
		}
		put_nsec(z, s, &owner, &next, has_ds(value) ? with_ds : plain,
			 value);
	}
	if (has_glue(value)) {
		put_glue(s, &owner, "ns1", value);
		put_glue(s, &owner, "ns2", value);
	}
}

static void
hash_owner(const uint8_t *hash, struct owner *o)
{
	uint8_t *p = o->labels;

	*p++ = HASH_TEXT;
	for (unsigned bit = 0; bit < HASH_LEN * 8; bit += 5) {
		unsigned two = (unsigned)hash[bit / 8] << 8;

		two |= bit / 8 + 1 < HASH_LEN ? hash[bit / 8 + 1] : 0;
		*p++ = (uint8_t) "0123456789abcdefghijklmnopqrstuv"
		    [two >> (11 - bit % 8) & 31];
	}
	o->len = 1 + HASH_TEXT;
}

static void
put_nsec3(const struct signed_zone *z, struct stream *s, uint32_t k)
{
	static const uint16_t apex_types[] = {APEX_TYPES,
					      KNOT_RRTYPE_NSEC3PARAM, 0};
	static const uint16_t types[] = {KNOT_RRTYPE_NS, KNOT_RRTYPE_DS,
					 KNOT_RRTYPE_RRSIG, 0};
	const struct hashed *h = &z->hashed[k];
	/* SHA-1, opt-out, no further iterations, no salt */
	uint8_t rdata[6 + HASH_LEN + 34] = {1, 1, 0, 0, 0, HASH_LEN};
	size_t len = 6 + HASH_LEN;
	struct owner owner;

	memcpy(rdata + 6, z->hashed[(k + 1) % z->hashed_count].hash, HASH_LEN);
	len += bitmap(rdata + len, h->is_apex ? apex_types : types);
	hash_owner(h->hash, &owner);
	stream_put(s, &owner, KNOT_RRTYPE_NSEC3, TTL, rdata, len);
	put_rrsig(z, s, &owner, KNOT_RRTYPE_NSEC3, k);
}

void
signed_send(const struct signed_zone *z, struct stream *s)
{
	put_apex(z, s);
	for (uint32_t k = 0; k < z->count && !s->failed; k++) {
		put_delegation(z, s, k);
	}
	for (uint32_t k = 0; k < z->hashed_count && !s->failed; k++) {
		put_nsec3(z, s, k);
	}
	stream_put_soa(s, SIGNED_SERIAL);
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int
by_hash(const void *a, const void *b)
{
	return memcmp(((const struct hashed *)a)->hash,
		      ((const struct hashed *)b)->hash, HASH_LEN);
}

static void
add_hash(struct signed_zone *z, const struct owner *o)
{
	const dnssec_nsec3_params_t params = {.algorithm =
						  DNSSEC_NSEC3_ALGORITHM_SHA1};
	struct hashed *h = &z->hashed[z->hashed_count++];
	uint8_t name[160];
	dnssec_binary_t in = {.data = name}, out = {0};

	in.size = whole_name(z, o, name);
	if (dnssec_nsec3_hash(&in, &params, &out) != 0) {
		abort();
	}
	memcpy(h->hash, out.data, HASH_LEN);
	h->is_apex = o->len == 0;
	dnssec_binary_free(&out);
}

static void
hash_all(struct signed_zone *z)
{
	struct owner o;

	add_hash(z, &apex_owner);
	for (uint32_t k = 0; k < z->count; k++) {
		if (has_ds(z->values[k])) {
			delegation_owner(z->values[k], &o);
			add_hash(z, &o);
		}
	}
	qsort(z->hashed, z->hashed_count, sizeof(z->hashed[0]), by_hash);
}

struct signed_zone *
signed_new(uint32_t count, bool nsec3)
{
	struct signed_zone *z = calloc(1, sizeof(*z));
	uint8_t *end;

	if (z == NULL) {
		return NULL;
	}
	z->count = count;
	z->nsec3 = nsec3;
	end = wire_label(wire_label(z->apex, nsec3 ? "nsec3" : "nsec"), "test");
	z->apex_len = (size_t)(end + 1 - z->apex);
	z->values = calloc(count + 1, sizeof(*z->values));
	z->hashed = calloc(count + 1, sizeof(*z->hashed));
	if (z->values == NULL || z->hashed == NULL) {
		return NULL; /* the caller ends */
	}
	for (uint32_t i = 0; i < count; i++) {
		z->values[i] = i * LABEL_FACTOR;
	}
	qsort(z->values, count, sizeof(*z->values), by_value);
	if (nsec3) {
		hash_all(z);
	}
	return z;
}
