/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is copied must read as what the node holds, wherever in the message it
 * stands and wherever its owner stands: compared with the node's own reader.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ask.h"
#include "base/error.h"
#include "base/octets.h"
#include "rnd.h"
#include "zone/response.h"

#define RRSIG(type)                                                            \
	"RRSIG " #type " 5 2 3600 20300101000000 20200101000000 1 test. "      \
	"AAAA\n"

static const char text[] =
    "@ SOA ns1 h.ns1 1 2 3 4 5\n"
    "@ " RRSIG(
	SOA) "@ NS ns1\n"
	     "@ NS ns2\n"
	     "@ NS ns3.sub.ns2\n"
	     "@ " RRSIG(
		 NS) "mx.deep MX 10 a.mx.deep\n"
		     "mx.deep MX 20 b.a.mx.deep\n"
		     "mx.deep MX 30 deep\n"
		     "mx.deep MX 40 @\n"
		     "mx.deep MX 50 c.other.example.\n"
		     "mx.deep MX 60 d.c.other.example.\n"
		     "mx.deep MX 70 .\n"
		     "mx.deep " RRSIG(
			 MX) "mx.deep A 192.0.2.1\n"
			     "mx.deep A 192.0.2.2\n"
			     "mx.deep " RRSIG(
				 A) "*.wild MX 10 a.wild\n"
				    "*.wild MX 20 *.wild\n"
				    "cname.deep CNAME mx.deep\n"
				    "cname.deep " RRSIG(
					CNAME) "cut.deep NS ns.cut.deep\n"
					       "cut.deep NS cut.deep\n"
					       "cut.deep NS ns.cut.example.\n"
					       "ns.cut.deep A 192.0.2.3\n"
					       "ns.cut.deep AAAA 2001:db8::3\n"
					       "cut.deep A 192.0.2.4\n";

struct fixture {
	struct image *im;
	struct query query;
	uint8_t message[512]; /* the query */
	uint8_t wire[65536];  /* the response */
	struct response r;
	struct rr_reader reader;
	struct node_reader node;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->im = zonefile_image("test.", text);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	image_unref(f->im);
	free(f);
	return 0;
}

/* Begin a response to a question with that QNAME. */
static void
begin(struct fixture *f, const char *qname)
{
	static const struct answer_identity identity = {
	    .udp_max_payload = 1232,
	};
	uint8_t *p = f->message + WIRE_HEADER_LEN;

	memset(f->message, 0, sizeof(f->message));
	put_u16(f->message + 4, 1);
	zonefile_name(qname, p);
	p += name_len(p);
	put_u16(p, RR_TYPE_A);
	put_u16(p + 2, RR_CLASS_IN);
	assert_int_equal(query_parse(&f->query, f->message,
				     (size_t)(p + 4 - f->message),
				     &zonefile_key),
			 QUERY_PLAIN);
	memset(f->wire, 0xa5, sizeof(f->wire));
	response_begin(&f->r, &f->query, &identity, f->wire, 65535, 0);
}

/* The records from octet `at` on are the node's of that type. */
static void
expect_records(struct fixture *f, size_t at, const char *owner,
	       const struct node *n, uint16_t type, bool sigs)
{
	uint8_t name[NAME_LEN_MAX];
	struct rr got, rr;
	uint16_t class;

	zonefile_name(owner, name);
	rr_reader_init(&f->reader, f->wire, f->r.len, at);
	node_reader_init(&f->node, n);
	while (node_reader_next(&f->node, &rr)) {
		if (rr_covered_type(&rr) != type ||
		    (rr.type == RR_TYPE_RRSIG && !sigs)) {
			continue;
		}
		assert_int_equal(rr_reader_next(&f->reader, &got, &class),
				 SECD_OK);
		assert_true(name_equal(got.owner, name));
		assert_int_equal(class, RR_CLASS_IN);
		assert_int_equal(got.type, rr.type);
		assert_int_equal(got.ttl, rr.ttl);
		assert_int_equal(got.rdlen, rr.rdlen);
		assert_memory_equal(got.rdata, rr.rdata, rr.rdlen);
	}
	assert_int_equal(f->reader.pos, f->r.len);
}

static const struct node *
find(const struct fixture *f, const char *name)
{
	const struct node *n = zonefile_find(f->im, name);

	assert_non_null(n);
	return n;
}

/* Put one RRset of a node under a name, and compare. */
static void
put_and_compare(struct fixture *f, const char *name,
		const struct response_name *owner, const char *owner_text,
		uint16_t type, bool sigs)
{
	const struct node *n = find(f, name);
	size_t at = f->r.len;

	assert_true(response_put(&f->r, RESPONSE_ANSWER, n, node_find(n, type),
				 owner, sigs));
	expect_records(f, at, owner_text, n, type, sigs);
}

static void
an_owner_may_be_the_qname(void **state)
{
	struct fixture *f = *state;
	struct response_name owner;

	begin(f, "mx.deep.test.");
	owner = response_qname(&f->query);
	put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.", RR_TYPE_MX,
			true);
	put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.", RR_TYPE_A,
			true);
	put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.", RR_TYPE_MX,
			false);
	assert_int_equal(f->r.counts[RESPONSE_ANSWER], 8 + 3 + 7);
}

static void
an_owner_may_be_an_ancestor_of_the_qname(void **state)
{
	struct fixture *f = *state;
	struct response_name qname, owner;

	begin(f, "x.y.mx.deep.test.");
	qname = response_qname(&f->query);
	owner = response_suffix(&f->r, &qname, 14);
	put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.", RR_TYPE_MX,
			true);
	owner = response_suffix(&f->r, &qname, 6);
	put_and_compare(f, "test.", &owner, "test.", RR_TYPE_SOA, true);
	put_and_compare(f, "test.", &owner, "test.", RR_TYPE_NS, true);
}

static void
an_owner_may_be_matched_by_a_wildcard(void **state)
{
	struct fixture *f = *state;
	struct response_name owner;

	begin(f, "some.very.long-name.wild.test.");
	owner = response_qname(&f->query);
	put_and_compare(f, "*.wild.test.", &owner,
			"some.very.long-name.wild.test.", RR_TYPE_MX, true);
}

static void
an_owner_may_be_the_target_of_a_cname(void **state)
{
	struct fixture *f = *state;
	struct response_name owner, apex;
	uint8_t buffer[NAME_LEN_MAX];
	size_t at;

	begin(f, "cname.deep.test.");
	at = f->r.len;
	owner = response_qname(&f->query);
	put_and_compare(f, "cname.deep.test.", &owner, "cname.deep.test.",
			RR_TYPE_CNAME, true);
	/* Its first label is in the RDATA, the rest in the question. */
	owner = response_name_at(&f->r, response_rdata_at(&f->r, at), buffer);
	assert_int_equal(owner.len, 14);
	put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.", RR_TYPE_MX,
			true);
	apex = response_suffix(&f->r, &owner, 6);
	assert_int_equal(apex.at, WIRE_HEADER_LEN + 11);
	put_and_compare(f, "test.", &apex, "test.", RR_TYPE_SOA, true);
}

static void
an_owner_of_its_own_is_compressed_against_what_is_near(void **state)
{
	struct fixture *f = *state;
	struct response_name qname;
	const struct response_name *near[] = {&qname};
	const struct node *n = find(f, "mx.deep.test.");
	size_t at;

	begin(f, "a.deep.test.");
	qname = response_qname(&f->query);
	at = f->r.len;
	assert_true(response_put_own(&f->r, RESPONSE_AUTHORITY, n,
				     node_find(n, RR_TYPE_MX), near, 1, true));
	expect_records(f, at, "mx.deep.test.", n, RR_TYPE_MX, true);
	assert_memory_equal(f->wire + at, "\2mx\xc0\x0e\0\xf", 7);

	begin(f, "mx.deep.test.example.");
	qname = response_qname(&f->query);
	at = f->r.len;
	assert_true(response_put_own(&f->r, RESPONSE_AUTHORITY, n,
				     node_find(n, RR_TYPE_MX), near, 1, true));
	expect_records(f, at, "mx.deep.test.", n, RR_TYPE_MX, true);
	assert_memory_equal(f->wire + at, "\2mx\4deep\4test\0\0\xf", 16);
}

static void
glue_points_to_the_names_of_servers(void **state)
{
	struct fixture *f = *state;
	struct response_name qname, owner;
	const struct node *n = find(f, "cut.deep.test.");
	const struct rrset *ns = node_find(n, RR_TYPE_NS);
	uint8_t name[NAME_LEN_MAX];
	struct rr rr;
	uint16_t class;
	size_t at;

	begin(f, "x.y.cut.deep.test.");
	qname = response_qname(&f->query);
	owner = response_suffix(&f->r, &qname, 15);
	at = f->r.len;
	put_and_compare(f, "cut.deep.test.", &owner, "cut.deep.test.",
			RR_TYPE_NS, false);
	/* Something between the two. */
	put_and_compare(f, "mx.deep.test.", &qname, "x.y.cut.deep.test.",
			RR_TYPE_A, true);
	rr_reader_init(&f->reader, f->wire, 0, f->r.len);
	assert_true(response_can_put_glue(&f->r, ns, at));
	assert_true(response_put_glue(&f->r, ns, at, &owner));
	f->reader.len = f->r.len;
	assert_int_equal(f->r.counts[RESPONSE_ADDITIONAL], 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rr_reader_next(&f->reader, &rr, &class),
				 SECD_OK);
		zonefile_name(rr.rdata[3] == 4 ? "cut.deep.test."
					       : "ns.cut.deep.test.",
			      name);
		assert_true(name_equal(rr.owner, name));
	}
	assert_int_equal(f->reader.pos, f->r.len);
}

/* Every place around the last octet that a pointer reaches. */
static void
names_beyond_the_reach_of_pointers_are_written_out(void **state)
{
	struct fixture *f = *state;
	struct response_name owner;
	bool in_full = false;

	for (size_t start = 16384 - 300; start < 16384 + 20; start++) {
		begin(f, "mx.deep.test.");
		owner = response_qname(&f->query);
		f->r.len = start;
		put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.",
				RR_TYPE_MX, true);
		in_full = f->wire[start] != 0xc0;
		put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.",
				RR_TYPE_A, true);
	}
	assert_true(in_full);
}

static void
an_owner_beyond_the_reach_of_pointers_is_written_out(void **state)
{
	struct fixture *f = *state;
	struct response_name owner, apex;
	uint8_t buffer[NAME_LEN_MAX];

	for (size_t start = 16384 - 40; start < 16384 + 20; start++) {
		begin(f, "cname.deep.test.");
		owner = response_qname(&f->query);
		f->r.len = start;
		put_and_compare(f, "cname.deep.test.", &owner,
				"cname.deep.test.", RR_TYPE_CNAME, true);
		owner = response_name_at(&f->r, response_rdata_at(&f->r, start),
					 buffer);
		assert_int_equal(owner.len, 14);
		put_and_compare(f, "mx.deep.test.", &owner, "mx.deep.test.",
				RR_TYPE_MX, true);
		apex = response_suffix(&f->r, &owner, 6);
		put_and_compare(f, "test.", &apex, "test.", RR_TYPE_SOA, true);
	}
}

static void
signatures_alone_are_copied(void **state)
{
	struct fixture *f = *state;
	const struct node *n = find(f, "mx.deep.test.");
	const struct rrset *s = node_find(n, RR_TYPE_MX);
	struct response_name owner;
	struct rr rr;
	uint16_t class;

	for (unsigned i = 0; i < 2; i++) {
		begin(f, "mx.deep.test.");
		owner = response_qname(&f->query);
		owner.at = i == 0 ? owner.at : 0;
		rr_reader_init(&f->reader, f->wire, 0, f->r.len);
		assert_true(
		    response_put_sigs(&f->r, RESPONSE_ANSWER, n, s, &owner));
		f->reader.len = f->r.len;
		assert_int_equal(f->r.counts[RESPONSE_ANSWER], 1);
		assert_int_equal(rr_reader_next(&f->reader, &rr, &class),
				 SECD_OK);
		assert_int_equal(rr.type, RR_TYPE_RRSIG);
		assert_int_equal(get_u16(rr.rdata), RR_TYPE_MX);
		assert_true(name_equal(rr.owner, owner.name));
		assert_int_equal(f->reader.pos, f->r.len);
	}
}

static void
a_ttl_is_set_in_all_records(void **state)
{
	struct fixture *f = *state;
	struct response_name qname, owner;
	struct rr rr;
	uint16_t class;
	size_t at;

	begin(f, "x.test.");
	qname = response_qname(&f->query);
	owner = response_suffix(&f->r, &qname, 6);
	at = f->r.len;
	put_and_compare(f, "test.", &owner, "test.", RR_TYPE_SOA, true);
	response_set_ttl(&f->r, at, 77);
	rr_reader_init(&f->reader, f->wire, f->r.len, at);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rr_reader_next(&f->reader, &rr, &class),
				 SECD_OK);
		assert_int_equal(rr.ttl, 77);
	}
}

static void
what_does_not_fit_changes_nothing(void **state)
{
	struct fixture *f = *state;
	const struct node *n = find(f, "mx.deep.test.");
	const struct rrset *s = node_find(n, RR_TYPE_MX);
	const struct response_name *near[1];
	struct response_name owner;
	size_t len;

	begin(f, "mx.deep.test.");
	owner = response_qname(&f->query);
	near[0] = &owner;
	len = f->r.len;
	f->r.limit = len + s->wire_len - 1;
	assert_false(response_put(&f->r, RESPONSE_ANSWER, n, s, &owner, false));
	assert_false(
	    response_put_own(&f->r, RESPONSE_ANSWER, n, s, near, 1, false));
	f->r.limit = len + s->wire_len;
	assert_false(response_put(&f->r, RESPONSE_ANSWER, n, s, &owner, true));
	owner.at = 0;
	assert_false(response_put(&f->r, RESPONSE_ANSWER, n, s, &owner, false));
	f->r.limit = len + s->sig_len - 1;
	assert_false(response_put_sigs(&f->r, RESPONSE_ANSWER, n, s, &owner));
	assert_int_equal(f->r.len, len);
	assert_int_equal(f->r.counts[RESPONSE_ANSWER], 0);
	for (size_t i = len + s->wire_len; i < sizeof(f->wire); i++) {
		assert_int_equal(f->wire[i], 0xa5);
	}
}

/* Whatever the limit, an answer is whole or says that it is not. */
static void
every_limit_gives_a_right_answer(void **state)
{
	static const char *const questions[] = {
	    "mx.deep.test. MX do",
	    "cname.deep.test. MX do",
	    "x.cut.deep.test. A do",
	    "nothing.deep.test. A do",
	    "test. NS do",
	    "a.wild.test. MX",
	    "cname.deep.test. RRSIG do",
	    "mx.deep.test. ANY do tcp",
	};
	struct ask *a = ask_new();

	ask_add_zone(a, "test.", text);
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		char question[128], *whole;
		size_t len;

		ask_question(a, questions[i]);
		assert_false(a->result.truncated);
		whole = strdup(a->text);
		len = a->len;
		for (size_t less = 0; less <= 512; less++) {
			snprintf(question, sizeof(question),
				 "%s cap=512 reserve=%zu", questions[i], less);
			if (less + 60 > 512) {
				break; /* not even question and OPT fit */
			}
			ask_question(a, question);
			if (a->result.truncated) {
				assert_true(len > 512 - less);
			} else if (strcmp(a->text, whole) != 0) {
				/* Addresses beside NS may be left out. */
				assert_true(i == 4 && a->len < len);
			}
		}
		free(whole);
	}
	ask_free(a);
	(void)state;
}

/* The octets of all nodes but the apex, which is checked when it is loaded. */
static uint8_t *
node_octets(const struct image *im, size_t *len)
{
	const struct node *n = image_next(im, image_apex_node(im));
	const uint8_t *start = (const uint8_t *)n, *end = start;

	for (; n != NULL; n = image_next(im, n)) {
		end = (const uint8_t *)n + n->len;
	}
	*len = (size_t)(end - start);
	return (uint8_t *)(uintptr_t)start;
}

static void
damage_is_survived(void **state)
{
	static const char *const questions[] = {
	    "mx.deep.test. MX do",
	    "cname.deep.test. MX do tcp",
	    "x.cut.deep.test. A do",
	    "nothing.deep.test. A do",
	    "test. NS do",
	    "a.wild.test. MX",
	    "x.old.test. A do",
	    "mx.deep.test. ANY do tcp",
	    "cname.deep.test. RRSIG",
	};
	char signed_text[4096];
	struct ask *a = ask_new();
	struct answer_context ctx;
	struct rnd rnd = {.state = 1};
	uint8_t *octets, *wire = malloc(65535);
	size_t len;

	snprintf(signed_text, sizeof(signed_text),
		 "%sold DNAME new\n@ NSEC mx.deep NS SOA\nmx.deep NSEC @ MX\n",
		 text);
	ask_add_zone(a, "test.", signed_text);
	octets = node_octets(version_image(a->zones[0].version), &len);
	ctx = (struct answer_context){a->table, &a->identity};
	for (unsigned i = 0; i < 20000; i++) {
		size_t at = rnd_below(&rnd, (unsigned)len);
		uint8_t was = octets[at];

		octets[at] = (uint8_t)rnd_below(&rnd, 256);
		for (size_t j = 0; j < sizeof(questions) / sizeof(*questions);
		     j++) {
			struct query q;

			ask_query(a, questions[j], &q);
			answer_query(&ctx, &q,
				     strstr(questions[j], "tcp") ? ANSWER_TCP
								 : ANSWER_UDP,
				     wire, 65535, 0, &a->result);
		}
		octets[at] = was;
	}
	free(wire);
	ask_free(a);
	(void)state;
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(an_owner_may_be_the_qname),
	    TEST(an_owner_may_be_an_ancestor_of_the_qname),
	    TEST(an_owner_may_be_matched_by_a_wildcard),
	    TEST(an_owner_may_be_the_target_of_a_cname),
	    TEST(an_owner_of_its_own_is_compressed_against_what_is_near),
	    TEST(glue_points_to_the_names_of_servers),
	    TEST(names_beyond_the_reach_of_pointers_are_written_out),
	    TEST(an_owner_beyond_the_reach_of_pointers_is_written_out),
	    TEST(signatures_alone_are_copied),
	    TEST(a_ttl_is_set_in_all_records),
	    TEST(what_does_not_fit_changes_nothing),
	    TEST(every_limit_gives_a_right_answer),
	    TEST(damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
