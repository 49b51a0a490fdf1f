/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/octets.h"
#include "wire/rr.h"
#include "zone_model.h"
#include "zonefile.h"

#define APEX                                                                   \
	"@ SOA ns.example. host.example. 7 3600 600 86400 300\n"               \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"
#define HEADER_LEN 12

static struct image *im;
static struct node_reader reader; /* 64 KiB */

static int
stop(void **state)
{
	(void)state;
	image_unref(im);
	im = NULL;
	return 0;
}

static const struct node *
make(const char *text, const char *name)
{
	const struct node *n;

	image_unref(im);
	im = zonefile_image("example.", text);
	n = zonefile_find(im, name);
	assert_non_null(n);
	assert_true(node_verify(n, n->len));
	return n;
}

/* A response as an answer would be: QNAME, then one rrset, patched. */
struct message {
	uint8_t octets[80000];
	size_t len;
	size_t qname_end;
	size_t rrs_at;
};

static void
put_question(struct message *m, const uint8_t *qname)
{
	memset(m->octets, 0, HEADER_LEN);
	memcpy(m->octets + HEADER_LEN, qname, name_len(qname));
	m->qname_end = HEADER_LEN + name_len(qname);
	memset(m->octets + m->qname_end, 0, 4);
	m->len = m->qname_end + 4;
	m->rrs_at = m->len;
}

static void
put_pointer(struct message *m, size_t at, size_t to)
{
	assert_true(to < 0x4000);
	put_u16(m->octets + at, (uint16_t)(0xc000 | to));
}

/* Point the owners of RRs in octets `from` to `to` to the owner's suffix. */
static void
patch_owners(struct message *m, size_t from, size_t to, size_t owner_at)
{
	while (from < to) {
		assert_int_equal(m->octets[from], 0xc0);
		assert_int_equal(m->octets[from + 1], 0x0c);
		put_pointer(m, from, owner_at);
		from += 12u + get_u16(m->octets + from + 10);
	}
	assert_int_equal(from, to);
}

/*
 * Copy an rrset for a QNAME that is the owner, or below it, or matched by it
 * if it is a wildcard.
 */
static void
put_rrset(struct message *m, const struct node *n, const struct rrset *s)
{
	const struct fixup *f = rrset_fixups(s);
	size_t owner_at = HEADER_LEN, glue_at, end;

	if (!name_is_wildcard(n->owner)) {
		owner_at = m->qname_end - n->owner_len;
	}
	memcpy(m->octets + m->len, rrset_wire(s),
	       (size_t)s->wire_len + s->glue_len + s->sig_len);
	glue_at = m->len + s->wire_len;
	end = glue_at + s->glue_len + s->sig_len;
	patch_owners(m, m->len, glue_at, owner_at);
	patch_owners(m, glue_at + s->glue_len, end, owner_at);
	for (unsigned i = 0; i < s->fixup_count; i++) {
		size_t to = f[i].target & ~FIXUP_IN_RRSET;

		assert_true(f[i].at + 2u <= (size_t)s->wire_len + s->glue_len);
		put_pointer(m, m->len + f[i].at,
			    (f[i].target & FIXUP_IN_RRSET) != 0
				? m->len + to
				: m->qname_end - to);
	}
	m->len = end;
}

/* Read it all back as a client does, and find each record in the model. */
static size_t
check_message(const struct message *m, const struct model *model,
	      const uint8_t *answered, const uint8_t *owner)
{
	static struct rr_reader r;
	struct rr rr;
	uint16_t class;
	size_t count = 0;

	rr_reader_init(&r, m->octets, m->len, m->rrs_at);
	while (r.pos < m->len) {
		size_t i = 0;

		assert_int_equal(rr_reader_next(&r, &rr, &class), 0);
		assert_int_equal(class, RR_CLASS_IN);
		for (; i < model->zone.count; i++) {
			const struct rr *o = &model->zone.rrs[i];

			if (rr_compare(o, &rr) == 0 && o->ttl == rr.ttl &&
			    (name_equal(o->owner, rr.owner) ||
			     (name_equal(rr.owner, answered) &&
			      name_equal(o->owner, owner)))) {
				break;
			}
		}
		assert_true(i < model->zone.count);
		count++;
	}
	return count;
}

static void
check_rrsets(const struct model *model, const struct node *n,
	     const uint8_t *qname)
{
	static struct message m;
	const struct rrset *s = node_rrsets(n);
	bool wildcard = name_is_wildcard(n->owner);

	for (unsigned i = 0; i < n->rrset_count; i++) {
		put_question(&m, qname);
		put_rrset(&m, n, s);
		assert_int_equal(check_message(&m, model,
					       wildcard ? qname : n->owner,
					       n->owner),
				 s->count + s->glue_count + s->sig_count);
		s = rrset_next(s);
	}
}

static void
rrsets_patched_into_a_message_are_the_records(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rnd r = {seed};
		struct build_params p;
		struct build_report report;
		const struct node *n = NULL;
		struct model model;

		model_init(&model, seed % 4 == 0 ? "." : "example.",
			   MODEL_NSEC);
		p = zonefile_params(model.apex);
		model_fill(&model, &r, 150);
		assert_int_equal(
		    model_build(&model, &p, NULL, 1 << 20, &im, &report), 0);
		while ((n = image_next(im, n)) != NULL) {
			uint8_t below[NAME_LEN_MAX + 4] = "\3XyZ";
			bool star = name_is_wildcard(n->owner);
			const uint8_t *parent =
			    star ? name_strip(n->owner, 1) : n->owner;

			memcpy(below + 4, parent, name_len(parent));
			check_rrsets(&model, n, below);
			if (!star) {
				check_rrsets(&model, n, n->owner);
			}
		}
		image_unref(im);
		im = NULL;
		model_fini(&model);
	}
}

static void
names_are_compressed_against_the_owner_and_each_other(void **state)
{
	const struct rrset *s;

	(void)state;
	s = node_find(make(APEX "m MX 1 a.example.\nm MX 2 b.a.example.\n"
				"m MX 3 a.example.\nm MX 4 c.x.\n"
				"m MX 5 d.x.\nm MX 6 m\n",
			   "m.example."),
		      RR_TYPE_MX);
	/* a + pointer; b + pointer; pointer; c.x.; d + pointer; pointer */
	assert_int_equal(s->fixup_count, 5);
	assert_int_equal(s->wire_len, 6 * 14 + 4 + 4 + 2 + 5 + 4 + 2);
	assert_int_equal(rrset_fixups(s)[0].target, 9);
	assert_int_equal(rrset_fixups(s)[1].target, FIXUP_IN_RRSET | 14);
	assert_int_equal(rrset_fixups(s)[4].target, 11);
}

static void
a_star_is_never_pointed_to(void **state)
{
	const struct rrset *s;

	(void)state;
	s = node_find(make(APEX "*.w PTR a.*.w\n*.w PTR *.w\n", "*.w.example."),
		      RR_TYPE_PTR);
	assert_int_equal(s->fixup_count, 2);
	/* "*" + pointer to w.example.; "a" + pointer to the first one */
	assert_int_equal(rrset_fixups(s)[0].target, 11);
	assert_int_equal(rrset_fixups(s)[1].target, FIXUP_IN_RRSET | 12);
}

static void
case_is_kept_in_names_that_could_be_compressed(void **state)
{
	const struct node *n;
	struct rr rr;

	(void)state;
	n = make(APEX "PtR PTR A.Example.\n", "ptr.example.");
	assert_memory_equal(n->owner, "\3PtR\7example", 13);
	node_reader_init(&reader, n);
	assert_true(node_reader_next(&reader, &rr));
	assert_memory_equal(rr.rdata, "\1A\7Example", 11);
	assert_int_equal(rr.rdlen, 11);
	assert_false(node_reader_next(&reader, &rr));
	assert_false(node_reader_next(&reader, &rr));
}

static void
types_unknown_to_rfc1035_are_not_compressed(void **state)
{
	const struct node *n;

	(void)state;
	n = make(APEX "s SRV 1 2 3 s\ns DNAME s\ns NSEC s A\n", "s.example.");
	assert_int_equal(node_find(n, RR_TYPE_SRV)->fixup_count, 0);
	assert_int_equal(node_find(n, RR_TYPE_DNAME)->fixup_count, 0);
	assert_int_equal(node_find(n, RR_TYPE_NSEC)->fixup_count, 0);
}

static void
a_big_rrset_is_plain(void **state)
{
	char *text = malloc(200000), *p = text;
	const struct rrset *s;

	(void)state;
	/* 14 octets a head, 12 a name: 16000 at 615.4 records. */
	for (int more = 0; more < 2; more++) {
		p = text + sprintf(text, APEX);
		for (int i = 0; i < 615 + more; i++) {
			p += sprintf(p, "m MX %d aa.example.\n", i);
		}
		s = node_find(make(text, "m.example."), RR_TYPE_MX);
		assert_int_equal(s->count, 615 + more);
		assert_int_equal(rrset_is_plain(s), more);
		assert_int_equal(s->fixup_count, more ? 0 : 615);
	}
	free(text);
}

static void
rrsigs_follow_what_they_cover(void **state)
{
	static const uint16_t order[] = {RR_TYPE_A, RR_TYPE_RRSIG, RR_TYPE_MX,
					 RR_TYPE_RRSIG};
	const struct node *n;
	struct rr rr;
	size_t i = 0;

	(void)state;
	n = make(APEX "x MX 1 a.\nx A 192.0.2.1\n"
		      "x RRSIG MX 8 2 60 20300101000000 20200101000000 1 "
		      "example. AAAA\n"
		      "x RRSIG TXT 8 2 60 20300101000000 20200101000000 1 "
		      "example. AAAA\n"
		      "x RRSIG A 8 2 60 20300101000000 20200101000000 1 "
		      "example. AAAA\n",
		 "x.example.");
	node_reader_init(&reader, n);
	for (; i < 4; i++) {
		assert_true(node_reader_next(&reader, &rr));
		assert_int_equal(rr.type, order[i]);
		assert_int_equal(rr_covered_type(&rr), order[i & 2]);
	}
	assert_true(node_reader_next(&reader, &rr));
	assert_int_equal(rr_covered_type(&rr), RR_TYPE_TXT);
	assert_false(node_reader_next(&reader, &rr));
	assert_int_equal(node_find(n, RR_TYPE_TXT)->count, 0);
	assert_null(node_find(n, RR_TYPE_RRSIG));
	assert_null(node_find(n, RR_TYPE_AAAA));
	assert_null(node_find(n, 0));
	assert_null(node_find(n, 65535));
}

static void
a_record_of_full_length_is_read_back(void **state)
{
	struct build_params p;
	struct build_report report;
	struct model m;
	uint8_t owner[NAME_LEN_MAX], *rdata = malloc(RR_RDATA_MAX);
	struct rr rr = {
	    .owner = zonefile_name("n.example.", owner),
	    .rdata = memset(rdata, 0xc5, RR_RDATA_MAX),
	    .type = RR_TYPE_NULL,
	    .rdlen = RR_RDATA_MAX,
	};

	(void)state;
	model_init(&m, "example.", MODEL_UNSIGNED);
	model_add(&m, &rr);
	rdata[0] = 1;
	model_add(&m, &rr);
	p = zonefile_params(m.apex);
	assert_int_equal(model_build(&m, &p, NULL, 4096, &im, &report), 0);
	model_check(&m, im);
	model_fini(&m);
	free(rdata);
}

/* The node's octets in memory of exactly that length. */
static struct node *
copy_of(const struct node *n)
{
	struct node *copy = malloc(n->len);

	assert_non_null(copy);
	return memcpy(copy, n, n->len);
}

static void
a_node_that_is_cut_off_is_not_sound(void **state)
{
	const struct node *n;

	(void)state;
	n = make(APEX "x A 192.0.2.1\nx MX 1 a\n", "x.example.");
	for (size_t room = 0; room < n->len; room++) {
		assert_false(node_is_sound(n, room));
	}
	assert_true(node_is_sound(n, n->len));
	for (uint32_t len = 0; len < n->len; len++) {
		struct node *copy = copy_of(n);

		copy->len = len;
		assert_false(node_is_sound(copy, n->len));
		free(copy);
	}
}

/* Whatever bit is wrong: reading ends, and stays inside of the node. */
static void
a_damaged_node_is_read_without_harm(void **state)
{
	const struct node *n;

	(void)state;
	n = make(APEX "x NS ns.x\nx NS b.ns.x\nns.x A 192.0.2.1\n"
		      "x MX 1 a\nx MX 2 b.a\n",
		 "x.example.");
	for (size_t bit = 0; bit < (size_t)n->len * 8; bit++) {
		struct node *copy = copy_of(n);
		unsigned count = 0, sum = 0;
		struct rr rr;

		((uint8_t *)copy)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (node_is_sound(copy, n->len)) {
			assert_true(node_has_owner(copy, n->len));
			node_reader_init(&reader, copy);
			while (node_reader_next(&reader, &rr)) {
				for (size_t i = 0; i < rr.rdlen; i++) {
					sum += rr.rdata[i];
				}
				count++;
			}
			assert_true(count < 70000 && sum < UINT32_MAX);
		}
		node_verify(copy, n->len);
		free(copy);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(rrsets_patched_into_a_message_are_the_records),
	    TEST(names_are_compressed_against_the_owner_and_each_other),
	    TEST(a_star_is_never_pointed_to),
	    TEST(case_is_kept_in_names_that_could_be_compressed),
	    TEST(types_unknown_to_rfc1035_are_not_compressed),
	    TEST(a_big_rrset_is_plain),
	    TEST(rrsigs_follow_what_they_cover),
	    TEST(a_record_of_full_length_is_read_back),
	    TEST(a_node_that_is_cut_off_is_not_sound),
	    TEST(a_damaged_node_is_read_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
