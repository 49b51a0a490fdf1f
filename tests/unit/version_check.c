/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "version_check.h"
#include "zone/answer.h"
#include "zone/nsec3.h"

static bool
fail_at(char *failure, size_t size, const char *what, const uint8_t *owner)
{
	char text[NAME_TEXT_MAX];

	snprintf(failure, size, "%s at %s", what, name_to_text(owner, text));
	return false;
}

bool
version_check_image(const struct image *im, const struct image *expected,
		    char *failure, size_t size)
{
	size_t len, expected_len;
	const uint8_t *a = image_octets(im, &len);
	const uint8_t *b = image_octets(expected, &expected_len);

	if (len != expected_len || memcmp(a, b, len) != 0) {
		return fail_at(failure, size, "another image",
			       image_apex(expected));
	}
	return true;
}

static const struct node *
find(const struct version *v, const uint8_t *owner)
{
	uint8_t lower[NAME_LEN_MAX];

	name_lower(owner, lower);
	return version_find(v, lower, name_len(lower),
			    name_hash(lower, &zonefile_key));
}

static bool
is_same(const struct node *a, const struct node *b)
{
	return a != NULL && b != NULL && a->len == b->len &&
	       memcmp(a, b, a->len) == 0;
}

/* What is wrong with `n`, when it should be `expected`? */
static bool
fail_node(const struct node *n, const struct node *expected, char *failure,
	  size_t size)
{
	char text[100];

	if (n == NULL || expected == NULL) {
		return fail_at(failure, size,
			       n == NULL ? "no node" : "a node too many",
			       n == NULL ? expected->owner : n->owner);
	}
	if (!name_equal(n->owner, expected->owner)) {
		return fail_at(failure, size, "a node out of place", n->owner);
	}
	snprintf(text, sizeof(text),
		 "flags %x barrier %u len %u, expected %x %u %u,", n->flags,
		 n->barrier_labels, n->len, expected->flags,
		 expected->barrier_labels, expected->len);
	return fail_at(failure, size, text, n->owner);
}

/* Those strictly below an owner: in the version and in the image. */
static bool
check_below(const struct version *v, const struct image *im,
	    const struct node *top, char *failure, size_t size)
{
	const struct node *expected = image_next(im, top);
	struct version_cursor c;
	const struct node *n;

	version_cursor_below(&c, v, top->owner);
	while ((n = version_cursor_next(&c)) != NULL) {
		if (!is_same(n, expected)) {
			return fail_node(n, expected, failure, size);
		}
		expected = image_next(im, expected);
	}
	if (expected != NULL && name_is_in(expected->owner, top->owner)) {
		return fail_at(failure, size, "a short walk below", top->owner);
	}
	return true;
}

bool
version_check_same(const struct version *v, const struct image *expected,
		   char *failure, size_t size)
{
	const struct node *want = image_next(expected, NULL), *n;
	struct version_cursor c;

	version_cursor_start(&c, v);
	while ((n = version_cursor_next(&c)) != NULL || want != NULL) {
		if (!is_same(n, want)) {
			return fail_node(n, want, failure, size);
		}
		if (find(v, n->owner) != n) {
			return fail_at(failure, size, "another node is found",
				       n->owner);
		}
		if (!check_below(v, expected, want, failure, size)) {
			return false;
		}
		want = image_next(expected, want);
	}
	if (version_serial(v) != image_serial(expected) ||
	    version_denial(v) != image_denial(expected) ||
	    version_apex(v) != find(v, image_apex(expected))) {
		return fail_at(failure, size, "another SOA, denial or apex",
			       image_apex(expected));
	}
	return true;
}

static int
compare_records(const void *a, const void *b)
{
	const struct rr *ra = a, *rb = b;
	int order = name_compare(ra->owner, rb->owner);

	return order != 0 ? order : rr_compare(ra, rb);
}

static bool
is_record(const struct rr *rr, const struct rr *expected)
{
	return memcmp(rr->owner, expected->owner, name_len(rr->owner)) == 0 &&
	       rr->type == expected->type && rr->ttl == expected->ttl &&
	       rr->rdlen == expected->rdlen &&
	       memcmp(rr->rdata, expected->rdata, rr->rdlen) == 0;
}

/*
 * The records of a node stand next in the sorted array; without any, the next
 * name there is below it.
 */
static bool
check_records(const struct node *n, const struct rr *sorted, size_t left,
	      size_t *count)
{
	static struct node_reader reader; /* 64 KiB */
	struct rr rr;

	*count = 0;
	node_reader_init(&reader, n);
	while (node_reader_next(&reader, &rr)) {
		if (*count == left || !is_record(&rr, &sorted[*count])) {
			return false;
		}
		++*count;
	}
	if (*count == 0) {
		return left > 0 && name_is_in(sorted[0].owner, n->owner);
	}
	return *count == left || !name_equal(sorted[*count].owner, n->owner);
}

static bool
check_sorted(const struct version *v, const struct rr *sorted, size_t total,
	     char *failure, size_t size)
{
	unsigned apex = name_label_count(version_apex(v)->owner);
	struct version_cursor c;
	const struct node *n;
	size_t at = 0;

	version_cursor_start(&c, v);
	while ((n = version_cursor_next(&c)) != NULL) {
		size_t count;

		if (!check_records(n, sorted + at, total - at, &count)) {
			return fail_at(failure, size, "other records",
				       n->owner);
		}
		if (n->label_count > apex &&
		    find(v, name_strip(n->owner, 1)) == NULL) {
			return fail_at(failure, size, "no parent", n->owner);
		}
		at += count;
	}
	return at == total ||
	       fail_at(failure, size, "no record", sorted[at].owner);
}

bool
version_check_records(const struct version *v, const struct model *m,
		      char *failure, size_t size)
{
	size_t total = m->zone.count;
	struct rr *sorted = calloc(total, sizeof(*sorted));
	bool good;

	assert_non_null(sorted);
	memcpy(sorted, m->zone.rrs, total * sizeof(*sorted));
	qsort(sorted, total, sizeof(*sorted), compare_records);
	good = check_sorted(v, sorted, total, failure, size);
	free(sorted);
	return good;
}

/* The version with the first `count` layers. */
static struct version *
below(const struct version *v, unsigned count)
{
	struct layer *layers[VERSION_LAYERS_MAX];
	struct version *out;

	for (unsigned i = 0; i < count; i++) {
		layers[i] = version_layer(v, i);
	}
	assert_int_equal(
	    version_new(0, (struct image *)(uintptr_t)version_image(v), layers,
			count, &out),
	    SECD_OK);
	return out;
}

static bool
check_layer(const struct layer *l, const struct version *under, char *failure,
	    size_t size)
{
	for (size_t i = 0; i < layer_node_count(l); i++) {
		const struct node *n = layer_node(l, i);
		const struct node *was = find(under, n->owner);

		if (was == NULL && (n->flags & NODE_TOMBSTONE) != 0) {
			return fail_at(failure, size, "a tombstone of nothing",
				       n->owner);
		}
		if (i > 0 && is_same(n, was)) {
			return fail_at(failure, size,
				       "what is the same in a layer", n->owner);
		}
	}
	return true;
}

bool
version_check_layers(const struct version *v, char *failure, size_t size)
{
	for (unsigned i = 0; i < version_layer_count(v); i++) {
		struct version *under = below(v, i);
		bool good =
		    check_layer(version_layer(v, i), under, failure, size);

		version_unref(under);
		if (!good) {
			return false;
		}
	}
	return true;
}

/*
 * Denial
 */

/* Is there a cut or DNAME above a name, as records tell? */
static bool
is_occluded(const struct model *m, const struct rr *of)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		const struct rr *rr = &m->zone.rrs[i];
		bool apex = name_equal(rr->owner, m->apex);

		if ((rr->type == RR_TYPE_DNAME ||
		     (rr->type == RR_TYPE_NS && !apex)) &&
		    name_is_in(of->owner, rr->owner) &&
		    !name_equal(of->owner, rr->owner)) {
			return true;
		}
	}
	return false;
}

static bool
has_dname_at_apex(const struct model *m)
{
	for (size_t i = 0; i < m->zone.count; i++) {
		if (m->zone.rrs[i].type == RR_TYPE_DNAME &&
		    name_equal(m->zone.rrs[i].owner, m->apex)) {
			return true;
		}
	}
	return false;
}

/* Is this record one that denies names here? */
static bool
denies(const struct model *m, const struct version *v, const struct rr *rr)
{
	const struct image_nsec3 *chain = version_nsec3(v);
	uint8_t hash[NODE_NSEC3_HASH_LEN];
	struct image_nsec3 got;

	if (version_denial(v) == IMAGE_NSEC) {
		return rr->type == RR_TYPE_NSEC && !is_occluded(m, rr);
	}
	return rr->type == RR_TYPE_NSEC3 &&
	       nsec3_hash_of_owner(rr->owner, hash) == SECD_OK &&
	       name_label_count(rr->owner) == name_label_count(m->apex) + 1 &&
	       nsec3_params_from_rdata(rr->rdata, rr->rdlen, &got) &&
	       nsec3_params_equal(&got, chain) && !is_occluded(m, rr);
}

static int
compare_owners(const void *a, const void *b)
{
	const uint8_t *const *na = a, *const *nb = b;

	return name_compare(*na, *nb);
}

/* Owners that deny, in order; NSEC3 owners sort like their hashes. */
static size_t
denying_owners(const struct model *m, const struct version *v,
	       const uint8_t **owners)
{
	size_t count = 0;

	for (size_t i = 0; i < m->zone.count; i++) {
		if (denies(m, v, &m->zone.rrs[i])) {
			owners[count++] = m->zone.rrs[i].owner;
		}
	}
	qsort(owners, count, sizeof(*owners), compare_owners);
	return count;
}

/* The last one that is not behind a name, else the last of all. */
static const uint8_t *
predecessor(const uint8_t **owners, size_t count, const uint8_t *name)
{
	const uint8_t *best = owners[count - 1];

	for (size_t i = 0; i < count; i++) {
		if (name_compare(owners[i], name) <= 0) {
			best = owners[i];
		}
	}
	return best;
}

static const struct node *
ask_denial(const struct version *v, const uint8_t *lower)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN];
	bool match;

	if (version_denial(v) == IMAGE_NSEC) {
		return version_nsec_for(v, lower);
	}
	assert_int_equal(nsec3_hash_of_owner(lower, hash), SECD_OK);
	return version_nsec3_for(v, hash, &match);
}

/* A name that may be in the zone, or an NSEC3's. */
static void
random_name(const struct model *m, const struct version *v, struct rnd *r,
	    uint8_t name[NAME_LEN_MAX])
{
	uint8_t owner[NAME_LEN_MAX], rdata[256];
	struct model copy = *m;
	struct rr rr;

	model_random_rr(&copy, r, &rr, owner, rdata);
	name_lower(owner, name);
	if (version_denial(v) == IMAGE_NSEC3) {
		static const uint8_t digits[] = "01234567v";

		name[0] = 32;
		memset(name + 1, digits[rnd_below(r, 9)], 32);
		name[32] = digits[rnd_below(r, 9)];
		memcpy(name + 33, m->apex, name_len(m->apex));
	}
}

bool
version_check_denial(const struct version *v, const struct model *m,
		     struct rnd *r, char *failure, size_t size)
{
	const uint8_t **owners;
	bool good = true;
	size_t count;

	/* Of what an apex's DNAME leaves, the build's own test tells. */
	if (version_denial(v) == IMAGE_UNSIGNED || has_dname_at_apex(m)) {
		return true;
	}
	owners = calloc(m->zone.count, sizeof(const uint8_t *));
	assert_non_null(owners);
	count = denying_owners(m, v, owners);
	for (unsigned i = 0; i < 10 && good; i++) {
		uint8_t name[NAME_LEN_MAX];
		const struct node *n;

		random_name(m, v, r, name);
		n = ask_denial(v, name);
		if (n == NULL || count == 0 ||
		    !name_equal(n->owner, predecessor(owners, count, name))) {
			good =
			    fail_at(failure, size, "another one denies", name);
		}
	}
	free(owners);
	return good;
}

/*
 * Answers
 */

#define ANSWER_MAX 4096

static size_t
put_question(const uint8_t *name, struct rnd *r, uint8_t *out)
{
	static const uint16_t types[] = {
	    RR_TYPE_A,  RR_TYPE_AAAA,  RR_TYPE_NS,  RR_TYPE_MX,    65280,
	    RR_TYPE_DS, RR_TYPE_DNAME, RR_TYPE_SOA, RR_TYPE_NSEC3, RR_TYPE_ANY,
	};
	static const uint8_t opt[] = {0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0};
	size_t at = 12;

	memset(out, 0, 12);
	out[5] = 1;
	memcpy(out + at, name, name_len(name));
	at += name_len(name);
	put_u16(out + at, types[rnd_below(r, sizeof(types) / sizeof(*types))]);
	put_u16(out + at + 2, RR_CLASS_IN);
	at += 4;
	if (rnd_below(r, 4) > 0) {
		out[11] = 1;
		memcpy(out + at, opt, sizeof(opt));
		at += sizeof(opt);
	}
	return at;
}

static size_t
answer(struct version *v, const uint8_t *apex, const struct query *q,
       uint8_t *out)
{
	static const struct answer_identity identity = {.udp_max_payload =
							    1232};
	struct zone zone = {.apex_len = (uint8_t)name_len(apex), .version = v};
	struct zone *zones[] = {&zone};
	struct answer_context context = {.identity = &identity};
	struct answer_result result;
	struct zone_table *table;
	size_t len;

	name_lower(apex, zone.apex);
	assert_int_equal(zone_table_new(zones, 1, &zonefile_key, &table),
			 SECD_OK);
	context.zones = table;
	len =
	    answer_query(&context, q, ANSWER_UDP, out, ANSWER_MAX, 0, &result);
	zone_table_free(table);
	return len;
}

bool
version_check_answers(const struct version *v, struct image *expected,
		      struct rnd *r, char *failure, size_t size)
{
	uint8_t one[ANSWER_MAX], other[ANSWER_MAX], wire[512];
	struct model names = {.is_dense = true};
	struct version *whole;
	bool good = true;

	memcpy(names.apex, image_apex(expected),
	       name_len(image_apex(expected)));
	assert_int_equal(version_new(1, expected, NULL, 0, &whole), SECD_OK);
	for (unsigned i = 0; i < 6 && good; i++) {
		uint8_t owner[NAME_LEN_MAX], rdata[256];
		size_t len, expected_len;
		struct query q;
		struct rr rr;

		model_random_rr(&names, r, &rr, owner, rdata);
		len = put_question(owner, r, wire);
		assert_int_equal(query_parse(&q, wire, len, &zonefile_key),
				 QUERY_PLAIN);
		len =
		    answer((struct version *)(uintptr_t)v, names.apex, &q, one);
		expected_len = answer(whole, names.apex, &q, other);
		if (len != expected_len || memcmp(one, other, len) != 0) {
			good = fail_at(failure, size, "another answer", owner);
		}
	}
	version_unref(whole);
	return good;
}
