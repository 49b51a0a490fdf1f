/* SPDX-License-Identifier: BSD-2-Clause */

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "temp_dir.h"
#include "zone/image.h"
#include "zone/nsec3.h"
#include "zone_model.h"
#include "zonefile.h"

#define APEX                                                                   \
	"@ SOA ns.example. host.example. 7 3600 600 86400 300\n"               \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"
#define APEX_NSEC3 APEX "@ NSEC3PARAM 1 0 1 aabb\n"

static struct image *im;
static uint8_t apex[NAME_LEN_MAX];
static struct build_params params;
static struct build_report report;

static int
start(void **state)
{
	(void)state;
	params = zonefile_params(zonefile_name("example.", apex));
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	image_unref(im);
	im = NULL;
	return 0;
}

static void
make(const char *text)
{
	int rc;

	image_unref(im);
	im = NULL;
	rc = zonefile_build(&params, text, &im, &report);
	if (rc != SECD_OK) {
		fail_msg("refused: %s", report.reason);
	}
	assert_int_equal(image_verify(im), SECD_OK);
}

static void
refuse(int rc, const char *text, const char *reason)
{
	image_unref(im);
	im = NULL;
	assert_int_equal(zonefile_build(&params, text, &im, &report), rc);
	assert_null(im);
	assert_string_equal(report.reason, reason);
}

static const struct node *
node_of(const char *name)
{
	const struct node *n = zonefile_find(im, name);

	if (n == NULL) {
		fail_msg("no node %s", name);
	}
	return n;
}

static void
assert_flags(const char *name, unsigned flags, unsigned barrier)
{
	assert_int_equal(node_of(name)->flags, flags);
	assert_int_equal(node_of(name)->barrier_labels, barrier);
}

static void
a_plain_zone_has_its_names_and_no_other(void **state)
{
	(void)state;
	make(APEX "WWW A 192.0.2.2\nwww A 192.0.2.3\n");
	assert_int_equal(image_serial(im), 7);
	assert_int_equal(image_record_count(im), 5);
	assert_int_equal(report.records, 5);
	assert_int_equal(image_node_count(im), 3);
	assert_int_equal(image_denial(im), IMAGE_UNSIGNED);
	assert_flags("example.", NODE_APEX, 0);
	assert_flags("www.example.", 0, 0);
	assert_int_equal(node_find(node_of("www.example."), RR_TYPE_A)->count,
			 2);
	assert_null(zonefile_find(im, "ww.example."));
	assert_null(zonefile_find(im, "org."));
}

static void
empty_non_terminals_are_made(void **state)
{
	(void)state;
	make(APEX "a.b.c A 192.0.2.2\nx.c A 192.0.2.2\n");
	assert_flags("c.example.", NODE_EMPTY, 0);
	assert_flags("b.c.example.", NODE_EMPTY, 0);
	assert_flags("a.b.c.example.", 0, 0);
	assert_int_equal(node_of("c.example.")->rrset_count, 0);
	assert_int_equal(image_node_count(im), 6);
}

static void
a_parent_knows_of_its_wildcard(void **state)
{
	(void)state;
	/* "!" (033) sorts before "*": the parent is written long before. */
	make(APEX "w A 192.0.2.2\n\\033.w A 192.0.2.2\nz.\\033.w A 192.0.2.2\n"
		  "*.w A 192.0.2.2\n*.e A 192.0.2.2\nx.*.f A 192.0.2.2\n");
	assert_flags("w.example.", NODE_WILDCARD_CHILD, 0);
	assert_flags("\\033.w.example.", 0, 0);
	assert_flags("*.w.example.", 0, 0);
	assert_flags("e.example.", NODE_EMPTY | NODE_WILDCARD_CHILD, 0);
	assert_flags("f.example.", NODE_EMPTY | NODE_WILDCARD_CHILD, 0);
	assert_flags("*.f.example.", NODE_EMPTY, 0);
	assert_flags("example.", NODE_APEX, 0);
}

static void
what_is_below_a_cut_is_occluded(void **state)
{
	(void)state;
	make(APEX "sub NS ns.other.\nsub DNAME x.\nsub A 192.0.2.2\n"
		  "a.b.sub A 192.0.2.2\n*.sub A 192.0.2.2\nc.sub NS ns.c.sub\n"
		  "d.c.sub DNAME x.\nsuc A 192.0.2.2\n");
	assert_flags("sub.example.", NODE_CUT, 2);
	assert_flags("b.sub.example.", NODE_EMPTY | NODE_OCCLUDED, 2);
	assert_flags("a.b.sub.example.", NODE_OCCLUDED, 2);
	assert_flags("*.sub.example.", NODE_OCCLUDED, 2);
	assert_flags("c.sub.example.", NODE_OCCLUDED, 2);
	assert_flags("d.c.sub.example.", NODE_OCCLUDED, 2);
	assert_flags("suc.example.", 0, 0);
}

static void
what_is_below_a_dname_is_occluded(void **state)
{
	(void)state;
	make(APEX "d DNAME x.\nd A 192.0.2.2\na.d NS ns.a.d\n"
		  "b.a.d A 192.0.2.2\ne A 192.0.2.2\n");
	assert_flags("d.example.", NODE_DNAME, 0);
	assert_flags("a.d.example.", NODE_OCCLUDED, 2);
	assert_flags("b.a.d.example.", NODE_OCCLUDED, 2);
	assert_int_equal(
	    node_find(node_of("a.d.example."), RR_TYPE_NS)->glue_count, 0);
	assert_flags("e.example.", 0, 0);
}

static void
a_dname_at_the_apex_spares_hashes(void **state)
{
	(void)state;
	make(APEX_NSEC3 "@ DNAME x.\na A 192.0.2.2\n"
			"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 1 aabb "
			"2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n");
	assert_flags("example.", NODE_APEX | NODE_DNAME | NODE_OWN_HASH, 0);
	assert_flags("a.example.", NODE_OCCLUDED, 1);
	assert_flags("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.",
		     NODE_NSEC3_ONLY, 0);
	assert_int_equal(image_denial(im), IMAGE_NSEC3);
}

static void
an_rrsig_makes_no_cut(void **state)
{
	(void)state;
	make(APEX "a RRSIG NS 8 2 60 20300101000000 20200101000000 1 example. "
		  "AAAA\nb.a A 192.0.2.2\n");
	assert_flags("a.example.", 0, 0);
	assert_flags("b.a.example.", 0, 0);
	assert_int_equal(node_find(node_of("a.example."), RR_TYPE_NS)->count,
			 0);
	assert_int_equal(
	    node_find(node_of("a.example."), RR_TYPE_NS)->sig_count, 1);
}

/* Glue addresses of a cut as "owner TYPE last-octet" lines. */
static const char *
glue_of(const char *name)
{
	static char text[1024];
	const struct rrset *s = node_find(node_of(name), RR_TYPE_NS);
	const uint8_t *p = rrset_wire(s) + s->wire_len;
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < s->glue_count; i++) {
		unsigned rdlen = p[11];

		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%u:%u ", p[3], p[11 + rdlen]);
		p += 12 + rdlen;
	}
	assert_int_equal(p - rrset_wire(s), s->wire_len + s->glue_len);
	return text;
}

static void
a_cut_holds_the_addresses_at_and_below_it(void **state)
{
	(void)state;
	make(APEX "sub NS ns1.sub\nsub NS a.ns2.sub\nsub NS sub\n"
		  "sub NS ns.example.\nsub NS ns.sib\nsub NS none.sub\n"
		  "sub A 192.0.2.9\nns1.sub A 192.0.2.11\n"
		  "ns1.sub AAAA 2001:db8::c\nns1.sub A 192.0.2.10\n"
		  "a.ns2.sub AAAA 2001:db8::d\nother.sub A 192.0.2.14\n"
		  "sib NS ns.sib\nns.sib A 192.0.2.15\n");
	/* As the NS records are ordered: by their targets' octets. */
	assert_string_equal(glue_of("sub.example."),
			    "28:13 1:10 1:11 28:12 1:9 ");
	assert_string_equal(glue_of("sib.example."), "1:15 ");
}

static void
a_cut_without_names_of_its_own_has_no_glue(void **state)
{
	(void)state;
	make(APEX "sub NS ns.sib\nns.sub A 192.0.2.1\nsib NS ns.sib\n"
		  "ns.sib A 192.0.2.15\n");
	assert_string_equal(glue_of("sub.example."), "");
}

static void
more_glue_than_a_response_holds_is_cut_short(void **state)
{
	char *text = malloc(200000), *p = text;

	(void)state;
	p += sprintf(p, APEX "sub NS ns.sub\n");
	for (int i = 0; i < 3000; i++) {
		p += sprintf(p, "ns.sub AAAA 2001:db8::%x\n", i);
	}
	make(text);
	assert_int_equal(
	    node_find(node_of("sub.example."), RR_TYPE_NS)->glue_count,
	    (65535 - 12 - 5) / 28);
	free(text);
}

static void
a_plain_ns_rrset_has_no_glue(void **state)
{
	char *text = malloc(200000), *p = text;

	(void)state;
	p += sprintf(p, APEX);
	for (int i = 0; i < 1000; i++) {
		p += sprintf(p, "sub NS a%d.sub\na%d.sub A 192.0.2.1\n", i, i);
	}
	make(text);
	assert_true(
	    rrset_is_plain(node_find(node_of("sub.example."), RR_TYPE_NS)));
	assert_string_equal(glue_of("sub.example."), "");
	assert_int_equal(
	    node_find(node_of("sub.example."), RR_TYPE_NS)->fixup_count, 0);
	free(text);
}

static void
nsec3_hashes_stand_where_denials_need_them(void **state)
{
	unsigned both = NODE_OWN_HASH | NODE_STAR_HASH;

	(void)state;
	make(
	    APEX_NSEC3
	    "cut NS ns.other.\nx.cut A 192.0.2.1\nd DNAME x.\nb.c A 192.0.2.1\n"
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 1 aabb "
	    "2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n"
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom RRSIG NSEC3 8 2 60 "
	    "20300101000000 20200101000000 1 example. AAAA\n");
	assert_flags("example.", NODE_APEX | both, 0);
	assert_flags("cut.example.", NODE_CUT | NODE_OWN_HASH, 2);
	assert_flags("x.cut.example.", NODE_OCCLUDED, 2);
	assert_flags("d.example.", NODE_DNAME | NODE_OWN_HASH, 0);
	assert_flags("c.example.", NODE_EMPTY | both, 0);
	assert_flags("b.c.example.", both, 0);
	assert_flags("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.",
		     NODE_NSEC3_ONLY, 0);
}

static void
a_name_without_room_for_a_star_has_no_hash_of_one(void **state)
{
	/* 253 octets: "*." fits; 254 and 255: it does not. */
	static const unsigned last[] = {50, 51, 52};
	char text[1024], label[64] = "";

	(void)state;
	memset(label, 'l', 60);
	for (size_t i = 0; i < 3; i++) {
		char name[300];

		snprintf(name, sizeof(name), "%.*s.%s.%s.%s", (int)last[i] + 10,
			 "oooooooooooooooooooooooooooooooooooooooooooooooooooo"
			 "ooooooooooo",
			 label, label, label);
		snprintf(text, sizeof(text), APEX_NSEC3 "%s A 192.0.2.1\n",
			 name);
		make(text);
		strcat(name, ".example.");
		assert_int_equal(node_of(name)->owner_len, 253 + i);
		assert_flags(
		    name,
		    i == 0 ? NODE_OWN_HASH | NODE_STAR_HASH : NODE_OWN_HASH, 0);
	}
}

static void
nsec3_parameters_with_flags_or_another_algorithm_are_not_used(void **state)
{
	(void)state;
	make(APEX "@ NSEC3PARAM 1 1 1 aabb\n@ NSEC3PARAM 2 0 1 aabb\n"
		  "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 1 aabb "
		  "2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n");
	assert_int_equal(image_denial(im), IMAGE_UNSIGNED);
	assert_null(image_nsec3(im));
	assert_flags("example.", NODE_APEX, 0);
}

static void
nsec3_parameters_without_a_chain_leave_nsec_in_force(void **state)
{
	(void)state;
	make(APEX_NSEC3 "@ NSEC ns SOA NS\nns NSEC @ A\n");
	assert_int_equal(image_denial(im), IMAGE_NSEC);
	make(APEX_NSEC3 "@ NSEC ns SOA NS\nns NSEC @ A\n"
			"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 1 aabb "
			"2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n");
	assert_int_equal(image_denial(im), IMAGE_NSEC3);
	assert_int_equal(image_nsec3(im)->iterations, 1);
	assert_int_equal(image_nsec3(im)->salt_len, 2);
	assert_memory_equal(image_nsec3(im)->salt, "\xaa\xbb", 2);
}

static void
duplicates_are_merged_and_ttls_level(void **state)
{
	const struct rrset *s;

	(void)state;
	make(APEX "m 300 MX 1 a.example.\nm 200 MX 1 A.example.\n"
		  "m 400 MX 2 a.example.\nm 50 TXT x\n"
		  "m 70 RRSIG MX 8 2 60 20300101000000 20200101000000 1 "
		  "example. AAAA\n"
		  "m 60 RRSIG MX 8 2 60 20300101000000 20200101000000 2 "
		  "example. AAAA\n");
	s = node_find(node_of("m.example."), RR_TYPE_MX);
	assert_int_equal(s->count, 2);
	assert_int_equal(s->sig_count, 2);
	assert_int_equal(rrset_ttl(s), 200);
	/* Every record says so, and RRSIGs have a TTL of their own. */
	assert_int_equal(rrset_wire(s)[9], 200);
	assert_int_equal(rrset_wire(s)[s->wire_len + 9], 60);
	assert_int_equal(image_record_count(im), 8);
}

static void
a_ttl_with_the_top_bit_is_zero(void **state)
{
	struct zonefile z = {0};
	struct spool *s;

	(void)state;
	zonefile_parse(&z, "example.", APEX "a A 192.0.2.1\n");
	z.rrs[3].ttl = 0x80000001;
	assert_int_equal(spool_new("/tmp", 4096, &s), SECD_OK);
	for (size_t i = 0; i < z.count; i++) {
		assert_int_equal(spool_add(s, &z.rrs[i]), SECD_OK);
	}
	assert_int_equal(spool_record_count(s), 4);
	assert_int_equal(build_from_spool(&params, s, &im, &report), SECD_OK);
	assert_int_equal(rrset_ttl(node_find(node_of("a.example."), RR_TYPE_A)),
			 0);
	spool_free(s);
	zonefile_free(&z);
}

static void
a_zone_without_soa_or_ns_at_its_apex_is_refused(void **state)
{
	(void)state;
	refuse(SECD_EMALF, "", "no SOA at example.");
	refuse(SECD_EMALF, "a A 192.0.2.1\n", "no SOA at example.");
	refuse(SECD_EMALF, "@ NS ns\n", "no SOA at example.");
	refuse(SECD_EMALF, "@ SOA a. b. 1 2 3 4 5\n", "no NS at example.");
	refuse(SECD_EMALF,
	       "@ SOA a. b. 1 2 3 4 5\n@ RRSIG NS 8 2 60 20300101000000 "
	       "20200101000000 1 example. AAAA\n",
	       "no NS at example.");
}

static void
a_second_soa_is_refused(void **state)
{
	(void)state;
	refuse(SECD_EMALF, APEX "@ SOA a. b. 1 2 3 4 5\n",
	       "more than one SOA at example.");
	refuse(SECD_EMALF, APEX "a SOA a. b. 1 2 3 4 5\n",
	       "SOA below the apex at a.example.");
	refuse(SECD_EMALF, APEX "a NS b.\nb.a SOA a. b. 1 2 3 4 5\n",
	       "SOA below the apex at b.a.example.");
}

static void
a_record_outside_of_the_zone_is_refused(void **state)
{
	(void)state;
	refuse(SECD_EMALF, APEX "a.org. A 192.0.2.1\n",
	       "record outside of the zone at a.org.");
	refuse(SECD_EMALF, APEX "com. A 192.0.2.1\n",
	       "record outside of the zone at com.");
	refuse(SECD_EMALF, APEX "badexample. A 192.0.2.1\n",
	       "record outside of the zone at badexample.");
	refuse(SECD_EMALF, APEX ". A 192.0.2.1\n",
	       "record outside of the zone at .");
}

static void
a_cname_stands_alone_but_for_dnssec(void **state)
{
	(void)state;
	refuse(SECD_EMALF, APEX "c CNAME a.\nc A 192.0.2.1\n",
	       "CNAME beside other data at c.example.");
	refuse(SECD_EMALF, APEX "c CNAME a.\nc CNAME b.\n",
	       "more than one CNAME at c.example.");
	refuse(SECD_EMALF, APEX "d DNAME a.\nd DNAME b.\n",
	       "more than one DNAME at d.example.");
	make(APEX "c CNAME a.\nc CNAME A.\nc NSEC d CNAME\nc KEY 0 3 5 AAAA\n"
		  "c RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 "
		  "example. AAAA\n"
		  "c RRSIG A 8 2 60 20300101000000 20200101000000 1 "
		  "example. AAAA\n");
	assert_int_equal(node_of("c.example.")->rrset_count, 4);
}

static void
types_that_are_no_data_are_refused(void **state)
{
	(void)state;
	refuse(SECD_EMALF, APEX "m TYPE41 \\# 0\n",
	       "type OPT, which is no data, at m.example.");
	refuse(SECD_EMALF, APEX "m TYPE128 \\# 0\n",
	       "type TYPE128, which is no data, at m.example.");
	refuse(SECD_EMALF, APEX "m TYPE255 \\# 0\n",
	       "type ANY, which is no data, at m.example.");
	make(APEX "m TYPE65280 \\# 0\nm TYPE127 \\# 1 00\n");
}

static void
limits_are_kept(void **state)
{
	(void)state;
	params.limits.records = 4;
	make(APEX "a A 192.0.2.1\n");
	refuse(SECD_ELIMIT, APEX "a A 192.0.2.1\nb A 192.0.2.1\n",
	       "more than 4 records at ns.example.");
	params.limits.records = 0;
	params.limits.rrset_records = 2;
	refuse(SECD_ELIMIT,
	       APEX "a A 192.0.2.1\na A 192.0.2.2\na A 192.0.2.3\n",
	       "more than 2 records of type A at a.example.");
	params.limits.rrset_records = 0;
	params.limits.owner_types = 2;
	refuse(SECD_ELIMIT, APEX "a A 192.0.2.1\na AAAA ::1\na TXT x\n",
	       "more than 2 types at a.example.");
	params.limits.owner_types = 0;
	params.limits.nsec3_iterations = 100;
	refuse(SECD_ELIMIT, APEX "@ NSEC3PARAM 1 0 101 -\n",
	       "101 NSEC3 iterations, limit 100, at example.");
	make(APEX "@ NSEC3PARAM 1 0 100 -\n");
}

static void
an_rrset_beyond_what_a_node_counts_is_refused(void **state)
{
	char *text = malloc(4 << 20), *p = text;

	(void)state;
	p += sprintf(p, APEX);
	for (int i = 0; i < 65536; i++) {
		p += sprintf(p, "a A 10.%d.%d.1\n", i / 256, i % 256);
	}
	refuse(SECD_ELIMIT, text,
	       "more than 65535 records of type A at "
	       "a.example.");
	free(text);
}

static void
the_root_zone_is_a_zone(void **state)
{
	uint8_t root[] = {0};

	(void)state;
	params = zonefile_params(root);
	make("@ SOA a. b. 1 2 3 4 5\n@ NS a.\na.b NS a.b\na.b A 192.0.2.1\n"
	     "* A 192.0.2.2\n");
	assert_flags(".", NODE_APEX | NODE_WILDCARD_CHILD, 0);
	assert_flags("b.", NODE_EMPTY, 0);
	assert_flags("a.b.", NODE_CUT, 2);
	assert_string_equal(glue_of("a.b."), "1:1 ");
}

static void
the_longest_names_are_fine(void **state)
{
	char text[2048], label[64], deep[260] = "";

	(void)state;
	memset(label, 'x', 63);
	label[63] = '\0';
	for (int i = 0; i < 123; i++) {
		strcat(deep, "a.");
	}
	snprintf(text, sizeof(text),
		 "@ SOA a. b. 1 2 3 4 5\n@ NS %.51s.%s.%s.%s\n"
		 "%.51s.%s.%s.%s NS %.51s.%s.%s.%s\n"
		 "%.51s.%s.%s.%s A 192.0.2.1\n%.246sexample. A 192.0.2.1\n",
		 label, label, label, label, label, label, label, label, label,
		 label, label, label, label, label, label, label, deep);
	make(text);
	assert_int_equal(image_node_count(im), 1 + 4 + 123);
}

/* How many files are in a folder. */
static unsigned
file_count(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;
	struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		count += e->d_name[0] != '.';
	}
	closedir(dir);
	return count;
}

static void
add(struct spool *s, const char *owner, uint16_t type, const void *rdata,
    size_t rdlen)
{
	uint8_t name[NAME_LEN_MAX];
	struct rr rr = {
	    .owner = zonefile_name(owner, name),
	    .rdata = rdata,
	    .ttl = 60,
	    .type = type,
	    .rdlen = (uint16_t)rdlen,
	};

	assert_int_equal(spool_add(s, &rr), SECD_OK);
}

#define MANY 70000 /* names: more than lists keep in memory */

static struct spool *
many_names(const char *suffix)
{
	struct zonefile z = {0};
	struct spool *s;
	char text[100];

	zonefile_parse(&z, "example.",
		       APEX "cut NS a.cut\ncut NS z.cut\nz.cut AAAA ::1\n");
	assert_int_equal(spool_new("/tmp", 1 << 20, &s), SECD_OK);
	for (size_t i = 0; i < z.count; i++) {
		assert_int_equal(spool_add(s, &z.rrs[i]), SECD_OK);
	}
	zonefile_free(&z);
	add(s, "a.cut.example.", RR_TYPE_A, "abcd", 4);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "n%d.%s", i, suffix);
		add(s, text, RR_TYPE_A, "abcd", 4);
	}
	return s;
}

static void
find_many(const char *suffix)
{
	char text[100];

	assert_int_equal(image_verify(im), SECD_OK);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "n%d.%s", i, suffix);
		assert_non_null(zonefile_find(im, text));
		snprintf(text, sizeof(text), "m%d.%s", i, suffix);
		assert_null(zonefile_find(im, text));
	}
}

static void
more_names_than_lists_keep_in_memory_are_all_found(void **state)
{
	struct spool *s = many_names("example.");

	(void)state;
	params.memory_max = 4096;
	assert_int_equal(build_from_spool(&params, s, &im, &report), SECD_OK);
	spool_free(s);
	assert_int_equal(image_record_count(im), MANY + 7);
	find_many("example.");
}

static void
a_cut_waits_for_glue_behind_more_than_memory_holds(void **state)
{
	struct spool *s = many_names("cut.example.");

	(void)state;
	params.memory_max = 4096;
	assert_int_equal(build_from_spool(&params, s, &im, &report), SECD_OK);
	spool_free(s);
	assert_string_equal(glue_of("cut.example."), "1:100 28:1 ");
	assert_flags("n1.cut.example.", NODE_OCCLUDED, 2);
	find_many("cut.example.");
}

static void
no_room_is_told_and_nothing_left_behind(void **state)
{
	char dir[TEMP_DIR_MAX];
	struct rlimit old, small;
	unsigned failures = 0;
	struct model m;
	struct rnd r = {1};

	(void)state;
	temp_dir_make(dir);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	model_init(&m, "example.", MODEL_UNSIGNED);
	model_fill(&m, &r, 400);
	params = zonefile_params(m.apex);
	params.dir = dir;
	params.memory_max = 1000;
	/* Out of room at one place after another, until there is enough. */
	for (rlim_t room = 0; im == NULL; room += 1500) {
		int rc;

		small.rlim_cur = room;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		rc = model_build(&m, &params, &r, 1 << 20, &im, &report);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		if (rc != SECD_OK) {
			assert_int_equal(rc, SECD_ENOSPC);
			assert_string_equal(report.reason,
					    "no room for temporary files");
			assert_int_equal(file_count(dir), 0);
			failures++;
		}
	}
	assert_in_range(failures, 10, 100);
	assert_true(image_is_file(im));
	model_check(&m, im);
	assert_int_equal(file_count(dir), 1);
	image_unref(im);
	im = NULL;
	assert_int_equal(file_count(dir), 0);
	model_fini(&m);
	rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_plain_zone_has_its_names_and_no_other),
	    TEST(empty_non_terminals_are_made),
	    TEST(a_parent_knows_of_its_wildcard),
	    TEST(what_is_below_a_cut_is_occluded),
	    TEST(what_is_below_a_dname_is_occluded),
	    TEST(a_dname_at_the_apex_spares_hashes),
	    TEST(an_rrsig_makes_no_cut),
	    TEST(a_cut_holds_the_addresses_at_and_below_it),
	    TEST(a_cut_without_names_of_its_own_has_no_glue),
	    TEST(more_glue_than_a_response_holds_is_cut_short),
	    TEST(a_plain_ns_rrset_has_no_glue),
	    TEST(nsec3_hashes_stand_where_denials_need_them),
	    TEST(a_name_without_room_for_a_star_has_no_hash_of_one),
	    TEST(nsec3_parameters_with_flags_or_another_algorithm_are_not_used),
	    TEST(nsec3_parameters_without_a_chain_leave_nsec_in_force),
	    TEST(duplicates_are_merged_and_ttls_level),
	    TEST(a_ttl_with_the_top_bit_is_zero),
	    TEST(a_zone_without_soa_or_ns_at_its_apex_is_refused),
	    TEST(a_second_soa_is_refused),
	    TEST(a_record_outside_of_the_zone_is_refused),
	    TEST(a_cname_stands_alone_but_for_dnssec),
	    TEST(types_that_are_no_data_are_refused),
	    TEST(limits_are_kept),
	    TEST(an_rrset_beyond_what_a_node_counts_is_refused),
	    TEST(the_root_zone_is_a_zone),
	    TEST(the_longest_names_are_fine),
	    TEST(more_names_than_lists_keep_in_memory_are_all_found),
	    TEST(a_cut_waits_for_glue_behind_more_than_memory_holds),
	    TEST(no_room_is_told_and_nothing_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
