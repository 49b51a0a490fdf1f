/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "zone/nsec3.h"
#include "zone_model.h"

static const uint8_t salt[] = {0xaa, 0xbb};
#define ITERATIONS 1

static uint16_t
covered(const struct rr *rr)
{
	return rr_covered_type(rr);
}

static bool
same_rrset(const struct rr *a, const struct rr *b)
{
	return a->type == b->type && covered(a) == covered(b) &&
	       name_equal(a->owner, b->owner);
}

static bool
same_record(const struct rr *a, const struct rr *b)
{
	return name_equal(a->owner, b->owner) && rr_compare(a, b) == 0;
}

bool
model_has(const struct model *m, const struct rr *rr)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		if (same_record(&m->zone.rrs[i], rr)) {
			return true;
		}
	}
	return false;
}

bool
model_add(struct model *m, const struct rr *rr)
{
	if (model_has(m, rr)) {
		return false;
	}
	for (size_t i = 0; i < m->zone.count; i++) {
		if (same_rrset(&m->zone.rrs[i], rr)) {
			m->zone.rrs[i].ttl = rr->ttl;
		}
	}
	for (size_t i = 0; i < m->zone.count; i++) {
		uint8_t *owner = (uint8_t *)(uintptr_t)m->zone.rrs[i].owner;

		if (name_equal(owner, rr->owner)) {
			memcpy(owner, rr->owner, name_len(owner));
		}
	}
	zonefile_add(&m->zone, rr);
	return true;
}

void
model_delete(struct model *m, size_t i)
{
	free((void *)(uintptr_t)m->zone.rrs[i].owner);
	m->zone.rrs[i] = m->zone.rrs[--m->zone.count];
}

void
model_fini(struct model *m)
{
	zonefile_free(&m->zone);
}

static void
parse_in(struct model *m, const char *text)
{
	char origin[NAME_TEXT_MAX];

	zonefile_parse(&m->zone, name_to_text(m->apex, origin), text);
}

void
model_init(struct model *m, const char *apex, enum model_signing signing)
{
	memset(m, 0, sizeof(*m));
	zonefile_name(apex, m->apex);
	m->serial = 100;
	m->signing = signing;
	parse_in(m, "@ SOA ns.example. host 100 3600 600 86400 300\n"
		    "@ NS ns\n@ NS b.example.\n");
	if (signing == MODEL_NSEC) {
		parse_in(m, "@ NSEC @ NS SOA\n");
	} else if (signing == MODEL_NSEC3) {
		parse_in(m, "@ NSEC3PARAM 1 0 1 aabb\n"
			    "@ NSEC3PARAM 1 0 7 cc\n");
	}
}

/* One label of few, so that names meet. */
static size_t
put_label(const struct model *m, struct rnd *r, uint8_t *out)
{
	static const char *const many[] = {"a",  "b", "c",  "d", "e",
					   "!x", "*", "ns", "N", "zz"};
	/* The last one is a hash, too. */
	static const char *const few[] = {
	    "a", "a", "b",  "B",
	    "*", "*", "ns", "00000000000000000000000000000000"};
	const char *label =
	    m->is_dense ? few[rnd_below(r, sizeof(few) / sizeof(*few))]
			: many[rnd_below(r, sizeof(many) / sizeof(*many))];

	out[0] = (uint8_t)strlen(label);
	memcpy(out + 1, label, out[0]);
	return out[0] + 1u;
}

static void
random_name(const struct model *m, struct rnd *r, uint8_t *name)
{
	unsigned labels = rnd_below(r, m->is_dense ? 4 : 5);
	size_t len = 0;

	while (labels-- > 0) {
		len += put_label(m, r, name + len);
	}
	memcpy(name + len, m->apex, name_len(m->apex));
}

static size_t
random_target(const struct model *m, struct rnd *r, uint8_t *out)
{
	if (rnd_below(r, 4) == 0) {
		zonefile_name("ns.elsewhere.", out);
	} else {
		random_name(m, r, out);
	}
	return name_len(out);
}

/* An NSEC3 owner, of a name or of none, and RDATA of one of two chains. */
static size_t
random_nsec3(const struct model *m, struct rnd *r, uint8_t *owner,
	     uint8_t *rdata)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

	owner[0] = 32;
	for (size_t i = 1; i <= 32; i++) {
		owner[i] = (uint8_t)digits[rnd_below(r, 32)];
	}
	if (m->is_dense) {
		memset(owner + 1, digits[rnd_below(r, 8)], 31);
		owner[32] = (uint8_t)digits[rnd_below(r, 2)];
	}
	memcpy(owner + 33, m->apex, name_len(m->apex));
	rdata[0] = 1;
	rdata[1] = (uint8_t)rnd_below(r, 2); /* opt-out */
	put_u16(rdata + 2, rnd_below(r, 4) > 0 ? ITERATIONS : 7);
	rdata[4] = sizeof(salt);
	memcpy(rdata + 5, salt, sizeof(salt));
	rdata[7] = 20;
	rnd_fill(r, rdata + 8, 20);
	memcpy(rdata + 28, "\0\1\x40", 3);
	return 31;
}

static size_t
random_rrsig(const struct model *m, struct rnd *r, uint16_t type,
	     uint8_t *rdata)
{
	memset(rdata, 0, 18);
	put_u16(rdata, type);
	rdata[2] = 8;
	rdata[17] = (uint8_t)rnd_below(r, 2);
	memcpy(rdata + 18, m->apex, name_len(m->apex));
	memset(rdata + 18 + name_len(m->apex), 0x5a, 16);
	return 18 + name_len(m->apex) + 16;
}

static uint16_t
random_type(struct rnd *r)
{
	static const uint16_t types[] = {
	    RR_TYPE_A,     RR_TYPE_A,     RR_TYPE_A,     RR_TYPE_AAAA,
	    RR_TYPE_AAAA,  RR_TYPE_MX,    RR_TYPE_NS,    RR_TYPE_NS,
	    RR_TYPE_DNAME, RR_TYPE_CNAME, RR_TYPE_RRSIG, RR_TYPE_RRSIG,
	    RR_TYPE_NSEC3, RR_TYPE_NSEC,  RR_TYPE_DS,    65280,
	};

	return types[rnd_below(r, sizeof(types) / sizeof(*types))];
}

static size_t
random_rdata(const struct model *m, struct rnd *r, uint16_t type,
	     uint8_t *rdata)
{
	size_t len;

	switch (type) {
	case RR_TYPE_A:
		put_u32(rdata, 0xc0000200 + rnd_below(r, 4));
		return 4;
	case RR_TYPE_AAAA:
		memset(rdata, 0x20, 16);
		rdata[15] = (uint8_t)rnd_below(r, 3);
		return 16;
	case RR_TYPE_MX:
		put_u16(rdata, (uint16_t)rnd_below(r, 2));
		return 2 + random_target(m, r, rdata + 2);
	case RR_TYPE_NSEC:
		len = random_target(m, r, rdata);
		memcpy(rdata + len, "\0\1\x40", 3);
		return len + 3;
	case RR_TYPE_DS:
		memset(rdata, 1, 24);
		return 24;
	case RR_TYPE_NS:
	case RR_TYPE_DNAME:
	case RR_TYPE_CNAME:
		return random_target(m, r, rdata);
	default:
		rdata[0] = (uint8_t)rnd_below(r, 3);
		return rnd_below(r, 2);
	}
}

void
model_random_rr(struct model *m, struct rnd *r, struct rr *rr,
		uint8_t owner[NAME_LEN_MAX], uint8_t rdata[256])
{
	random_name(m, r, owner);
	rr->type = random_type(r);
	if (m->is_dense && rr->type == RR_TYPE_DNAME &&
	    name_equal(owner, m->apex) && rnd_below(r, 8) > 0) {
		rr->type = RR_TYPE_AAAA; /* not all of the zone all the time */
	}
	if (rr->type == RR_TYPE_NSEC3 && m->signing == MODEL_NSEC3) {
		rr->rdlen = (uint16_t)random_nsec3(m, r, owner, rdata);
	} else if (rr->type == RR_TYPE_RRSIG) {
		rr->rdlen = (uint16_t)random_rrsig(m, r, random_type(r), rdata);
	} else {
		rr->type = rr->type == RR_TYPE_NSEC3 ? RR_TYPE_A : rr->type;
		rr->rdlen = (uint16_t)random_rdata(m, r, rr->type, rdata);
	}
	if (m->is_dense && rr->type == RR_TYPE_NS && rnd_below(r, 2) > 0 &&
	    name_len(owner) + 4 < NAME_LEN_MAX) {
		/* One that needs glue. */
		size_t len = put_label(m, r, rdata);

		memcpy(rdata + len, owner, name_len(owner));
		rr->rdlen = (uint16_t)(len + name_len(owner));
	}
	rr->owner = owner;
	rr->rdata = rdata;
	rr->ttl = 60 * (1 + rnd_below(r, 4));
}

bool
model_conflicts(const struct model *m, const struct rr *rr)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		const struct rr *o = &m->zone.rrs[i];
		uint16_t a = o->type, b = rr->type;

		if (!name_equal(o->owner, rr->owner) || a == RR_TYPE_RRSIG ||
		    b == RR_TYPE_RRSIG) {
			continue;
		}
		if ((a == RR_TYPE_CNAME && b != RR_TYPE_NSEC) ||
		    (b == RR_TYPE_CNAME && a != RR_TYPE_NSEC) ||
		    (a == RR_TYPE_DNAME && b == RR_TYPE_DNAME)) {
			return true;
		}
	}
	return false;
}

void
model_fill(struct model *m, struct rnd *r, size_t count)
{
	uint8_t owner[NAME_LEN_MAX], rdata[256];
	struct rr rr;

	for (size_t i = 0; i < count; i++) {
		model_random_rr(m, r, &rr, owner, rdata);
		if (!model_conflicts(m, &rr)) {
			model_add(m, &rr);
		}
	}
}

size_t
model_soa(const struct model *m)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		if (m->zone.rrs[i].type == RR_TYPE_SOA) {
			return i;
		}
	}
	fail_msg("no SOA");
	return 0;
}

void
model_raise_serial(struct model *m)
{
	struct rr soa = m->zone.rrs[model_soa(m)];
	uint8_t rdata[512];

	memcpy(rdata, soa.rdata, soa.rdlen);
	soa.rdata = rdata;
	m->serial++;
	put_u32(rdata + soa.rdlen - 20, m->serial);
	model_add(m, &soa);
	model_delete(m, model_soa(m));
}

static void
put(struct changeset *cs, enum changeset_op op, const struct rr *rr)
{
	assert_int_equal(changeset_put(cs, op, rr), SECD_OK);
}

static void
delete_some(struct model *m, struct rnd *r, struct changeset *cs)
{
	for (unsigned n = rnd_below(r, 4); n > 0; n--) {
		size_t i = rnd_below(r, (unsigned)m->zone.count);

		if (m->zone.rrs[i].type == RR_TYPE_SOA) {
			continue;
		}
		put(cs, CHANGESET_DELETE, &m->zone.rrs[i]);
		model_delete(m, i);
	}
}

static void
add_some(struct model *m, struct rnd *r, struct changeset *cs)
{
	uint8_t owner[NAME_LEN_MAX], rdata[256];
	struct rr rr;

	for (unsigned n = rnd_below(r, 4); n > 0; n--) {
		model_random_rr(m, r, &rr, owner, rdata);
		if (rnd_below(r, 20) > 0 && model_conflicts(m, &rr)) {
			continue;
		}
		if (model_add(m, &rr)) {
			put(cs, CHANGESET_ADD, &rr);
		}
	}
}

/* Take one record away and put it back with another TTL. */
static void
change_ttl(struct model *m, struct changeset *cs, struct rr *taken)
{
	taken->ttl += 1000;
	if (model_add(m, taken)) {
		put(cs, CHANGESET_ADD, taken);
	}
	free((void *)(uintptr_t)taken->owner);
	(void)cs;
}

void
model_step(struct model *m, struct rnd *r, struct changeset *cs)
{
	struct rr taken = {.owner = NULL};
	size_t i;

	put(cs, CHANGESET_SOA_FROM, &m->zone.rrs[model_soa(m)]);
	i = rnd_below(r, (unsigned)m->zone.count);
	if (rnd_below(r, 3) == 0 && m->zone.rrs[i].type != RR_TYPE_SOA) {
		taken = m->zone.rrs[i];
		put(cs, CHANGESET_DELETE, &taken);
		m->zone.rrs[i] = m->zone.rrs[--m->zone.count];
	}
	delete_some(m, r, cs);
	model_raise_serial(m);
	put(cs, CHANGESET_SOA_TO, &m->zone.rrs[model_soa(m)]);
	if (taken.owner != NULL) {
		change_ttl(m, cs, &taken);
	}
	add_some(m, r, cs);
}

static int
compare_canonical(const void *a, const void *b)
{
	const struct rr *ra = a, *rb = b;
	int order = name_compare(ra->owner, rb->owner);

	return order != 0 ? order : rr_compare(ra, rb);
}

int
model_build(const struct model *m, const struct build_params *p, struct rnd *r,
	    size_t chunk, struct image **out, struct build_report *report)
{
	size_t count = m->zone.count;
	struct rr *rrs = calloc(count, sizeof(*rrs));
	struct spool *s;
	int rc;

	assert_non_null(rrs);
	memcpy(rrs, m->zone.rrs, count * sizeof(*rrs));
	qsort(rrs, count, sizeof(*rrs), compare_canonical);
	for (size_t i = 0; r != NULL && i < count; i++) {
		size_t j = rnd_below(r, (unsigned)count);
		struct rr swap = rrs[i];

		rrs[i] = rrs[j];
		rrs[j] = swap;
	}
	assert_int_equal(spool_new(p->dir, chunk, &s), SECD_OK);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(spool_add(s, &rrs[i]), SECD_OK);
	}
	rc = build_from_spool(p, s, out, report);
	spool_free(s);
	free(rrs);
	return rc;
}

/*
 * What nodes have to be
 */

static bool
has_type(const struct model *m, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		if (m->zone.rrs[i].type == type &&
		    name_equal(m->zone.rrs[i].owner, owner)) {
			return true;
		}
	}
	return false;
}

static size_t
records_at(const struct model *m, const uint8_t *owner)
{
	size_t count = 0;

	for (size_t i = 0; i < m->zone.count; i++) {
		count += name_equal(m->zone.rrs[i].owner, owner);
	}
	return count;
}

static bool
nsec3_only(const struct model *m, const uint8_t *owner)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		if (name_equal(m->zone.rrs[i].owner, owner) &&
		    covered(&m->zone.rrs[i]) != RR_TYPE_NSEC3) {
			return false;
		}
	}
	return records_at(m, owner) > 0;
}

static bool
exists(const struct model *m, const uint8_t *name)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		if (name_is_in(m->zone.rrs[i].owner, name)) {
			return true;
		}
	}
	return false;
}

/* Labels of the topmost cut at or above, or DNAME above, a name; -1: none. */
static int
barrier_of(const struct model *m, const uint8_t *name)
{
	unsigned labels = name_label_count(name);
	unsigned apex = name_label_count(m->apex);

	for (unsigned n = apex; n <= labels; n++) {
		const uint8_t *above = name_strip(name, labels - n);

		if (n > apex && has_type(m, above, RR_TYPE_NS)) {
			return (int)n;
		}
		if (n < labels && has_type(m, above, RR_TYPE_DNAME) &&
		    !(n == apex && labels == apex + 1 && nsec3_only(m, name))) {
			return (int)n;
		}
	}
	return -1;
}

static bool
is_occluded(const struct model *m, const uint8_t *name)
{
	int barrier = barrier_of(m, name);

	/* At a cut itself there is one at it, not above it. */
	return barrier >= 0 && barrier < (int)name_label_count(name);
}

/* RDATA of the NSEC3PARAM in force, or NULL. */
static const uint8_t *
chain(const struct model *m)
{
	const struct rr *first = NULL;

	for (size_t i = 0; i < m->zone.count; i++) {
		const struct rr *rr = &m->zone.rrs[i];

		if (rr->type == RR_TYPE_NSEC3PARAM &&
		    name_equal(rr->owner, m->apex) &&
		    (first == NULL || rr_compare(rr, first) < 0)) {
			first = rr;
		}
	}
	return first != NULL ? first->rdata : NULL;
}

static unsigned
flags_of(const struct model *m, const uint8_t *name)
{
	bool apex = name_equal(name, m->apex);
	uint8_t star[NAME_LEN_MAX + 2] = {1, '*'};
	unsigned flags = apex ? NODE_APEX : 0;

	flags |= records_at(m, name) == 0 ? NODE_EMPTY : 0;
	flags |= nsec3_only(m, name) ? NODE_NSEC3_ONLY : 0;
	if (is_occluded(m, name)) {
		return flags | NODE_OCCLUDED;
	}
	if (!apex && has_type(m, name, RR_TYPE_NS)) {
		flags |= NODE_CUT;
	} else if (has_type(m, name, RR_TYPE_DNAME)) {
		flags |= NODE_DNAME;
	}
	memcpy(star + 2, name, name_len(name));
	if (name_len(star) <= NAME_LEN_MAX && exists(m, star) &&
	    !is_occluded(m, star)) {
		flags |= NODE_WILDCARD_CHILD;
	}
	if (chain(m) != NULL && (flags & NODE_NSEC3_ONLY) == 0) {
		flags |= NODE_OWN_HASH;
		if ((flags & (NODE_CUT | NODE_DNAME)) == 0) {
			flags |= NODE_STAR_HASH;
		}
	}
	return flags;
}

static void
check_hashes(const struct model *m, const struct node *n)
{
	uint8_t lower[NAME_LEN_MAX + 2] = {1, '*'};
	uint8_t hash[NODE_NSEC3_HASH_LEN];
	const uint8_t *p = chain(m);

	name_lower(n->owner, lower + 2);
	if (node_own_hash(n) != NULL) {
		nsec3_hash(lower + 2, get_u16(p + 2), p + 5, p[4], hash);
		assert_memory_equal(node_own_hash(n), hash, sizeof(hash));
	}
	if (node_star_hash(n) != NULL) {
		nsec3_hash(lower, get_u16(p + 2), p + 5, p[4], hash);
		assert_memory_equal(node_star_hash(n), hash, sizeof(hash));
	}
}

/* Each address at or below the cut that its NS records name, and no other. */
static void
check_glue(const struct model *m, const struct node *n)
{
	const struct rrset *ns = node_find(n, RR_TYPE_NS);
	unsigned glue = 0;

	for (size_t i = 0; i < m->zone.count; i++) {
		const struct rr *a = &m->zone.rrs[i];

		if ((a->type != RR_TYPE_A && a->type != RR_TYPE_AAAA) ||
		    !name_is_in(a->owner, n->owner)) {
			continue;
		}
		for (size_t j = 0; j < m->zone.count; j++) {
			const struct rr *t = &m->zone.rrs[j];

			glue += t->type == RR_TYPE_NS &&
				name_equal(t->owner, n->owner) &&
				name_equal(t->rdata, a->owner);
		}
	}
	assert_int_equal(ns->glue_count, glue);
}

static void
check_node(const struct model *m, const struct node *n)
{
	static struct node_reader r; /* 64 KiB */
	size_t count = 0;
	struct rr rr;

	assert_int_equal(n->flags, flags_of(m, n->owner));
	assert_int_equal(n->barrier_labels, barrier_of(m, n->owner) < 0
						? 0
						: barrier_of(m, n->owner));
	check_hashes(m, n);
	if ((n->flags & NODE_CUT) != 0) {
		check_glue(m, n);
	}
	node_reader_init(&r, n);
	while (node_reader_next(&r, &rr)) {
		size_t i = 0;

		while (i < m->zone.count &&
		       !same_record(&m->zone.rrs[i], &rr)) {
			i++;
		}
		assert_true(i < m->zone.count);
		assert_int_equal(rr.ttl, m->zone.rrs[i].ttl);
		assert_int_equal(rr.rdlen, m->zone.rrs[i].rdlen);
		assert_memory_equal(rr.rdata, m->zone.rrs[i].rdata, rr.rdlen);
		count++;
	}
	assert_int_equal(count, records_at(m, n->owner));
}

static void
check_found(const struct image *im, const struct node *n)
{
	struct name_hashes hashes;
	uint8_t lower[NAME_LEN_MAX];

	name_lower(n->owner, lower);
	name_hash_all(lower, &zonefile_key, &hashes);
	assert_ptr_equal(image_find(im, lower, n->owner_len, hashes.hash[0]),
			 n);
}

/* Each owner and each name above one, down to the apex. */
static void
check_all_found(const struct model *m, const struct image *im)
{
	unsigned apex = name_label_count(m->apex);

	for (size_t i = 0; i < m->zone.count; i++) {
		const uint8_t *name = m->zone.rrs[i].owner;
		char text[NAME_TEXT_MAX];

		for (; name_label_count(name) >= apex && *name != 0;
		     name = name_strip(name, 1)) {
			assert_non_null(
			    zonefile_find(im, name_to_text(name, text)));
		}
	}
}

void
model_check(const struct model *m, const struct image *im)
{
	const struct node *n = NULL, *last = NULL;

	assert_int_equal(image_verify(im), SECD_OK);
	assert_int_equal(image_serial(im), m->serial);
	assert_int_equal(image_record_count(im), m->zone.count);
	while ((n = image_next(im, n)) != NULL) {
		if (last != NULL) {
			assert_true(name_compare(last->owner, n->owner) < 0);
		}
		check_node(m, n);
		check_found(im, n);
		last = n;
	}
	check_all_found(m, im);
}
