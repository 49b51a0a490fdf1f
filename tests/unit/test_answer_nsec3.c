/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers with DNSSEC and NSEC3: the zone and the questions of RFC 5155
 * appendices A and B, with signatures that are none, and an opt-out zone whose
 * proofs are checked by hashing.
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
#include "zone/nsec3.h"

#define RRSIG(type, labels)                                                    \
	"RRSIG " #type " 5 " #labels                                           \
	" 3600 20300101000000 20200101000000 38519 example. AAAA\n"

/* The lines that an RRset's signature gives. */
#define AN_SIG(owner, type) "AN " owner " 3600 RRSIG " #type " 5 ...\n"
#define AU_SIG(owner, type) "AU " owner " 3600 RRSIG " #type " 5 ...\n"

#define SOA_RDATA "ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600"

#define AU_SOA "AU example. 3600 SOA " SOA_RDATA "\n" AU_SIG("example.", SOA)

#define H_EXAMPLE "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
#define H_NS1     "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
#define H_X_Y_W   "2vptu5timamqttgl4luu9kg21e0aor3s"
#define H_A       "35mthgpgcu1qg68fab165klnsnk3dpvl"
#define H_X_W     "b4um86eghhds6nea196smvmlo4ors995"
#define H_AI      "gjeqe526plbf1g8mklp59enfd789njgi"
#define H_Y_W     "ji6neoaepv8b5o6k4ev33abha8ht9fgc"
#define H_W       "k8udemvp1j2f7eg6jebps17vp3n8i58h"
#define H_H_NS1   "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"
#define H_NS2     "q04jkcevqvmu85r014c7dkba38o0ji5r"
#define H_STAR_W  "r53bq7cc2uvmubfu5ocmm6pers9tk9en"
#define H_XX      "t644ebqk9bibcna874givr6joj62mlhv"

#define NSEC3(hash, next, types)                                               \
	hash " NSEC3 1 1 12 aabbccdd " next " " types "\n" hash                \
	     " " RRSIG(NSEC3, 2)
#define AU_NSEC3(hash)                                                         \
	"AU " hash ".example. 3600 NSEC3 1 1 12 AABBCCDD ...\n" AU_SIG(        \
	    hash ".example.", NSEC3)

/* RFC 5155 appendix A. */
static const char rfc5155[] =
    "@ SOA " SOA_RDATA "\n"
    "@ " RRSIG(
	SOA,
	1) "@ NS ns1\n"
	   "@ NS ns2\n"
	   "@ " RRSIG(
	       NS,
	       1) "@ MX 1 xx\n"
		  "@ " RRSIG(
		      MX,
		      1) "@ NSEC3PARAM 1 0 12 aabbccdd\n"
			 "@ " RRSIG(NSEC3PARAM, 1) NSEC3(
			     H_EXAMPLE, H_NS1,
			     "MX NS SOA NSEC3PARAM RRSIG") NSEC3(H_NS1, H_X_Y_W,
								 "A RRSIG")
			     NSEC3(H_X_Y_W, H_A, "MX RRSIG") NSEC3(
				 H_A, H_X_W, "NS DS RRSIG") NSEC3(H_X_W, H_AI,
								  "MX RRSIG")
				 NSEC3(H_AI, H_Y_W, "A HINFO AAAA RRSIG") NSEC3(
				     H_Y_W, H_W, "") NSEC3(H_W, H_H_NS1, "")
				     NSEC3(H_H_NS1, H_NS2, "A RRSIG")
					 NSEC3(H_NS2, H_STAR_W, "A RRSIG")
					     NSEC3(H_STAR_W, H_XX, "MX RRSIG")
						 NSEC3(H_XX, H_EXAMPLE,
						       "A HINFO AAAA RRSIG")
						     H_NS1
    " A 192.0.2.127\n" H_NS1 " " RRSIG(
	A,
	2) "a NS ns1.a\n"
	   "a NS ns2.a\n"
	   "a DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C\n"
	   "a " RRSIG(
	       DS,
	       2) "ns1.a A 192.0.2.5\n"
		  "ns2.a A 192.0.2.6\n"
		  "ai A 192.0.2.9\n"
		  "ai " RRSIG(
		      A,
		      2) "c NS ns1.c\n"
			 "c NS ns2.c\n"
			 "ns1.c A 192.0.2.7\n"
			 "ns2.c A 192.0.2.8\n"
			 "ns1 A 192.0.2.1\n"
			 "ns1 " RRSIG(
			     A,
			     2) "ns2 A 192.0.2.2\n"
				"ns2 " RRSIG(
				    A,
				    2) "*.w MX 1 ai\n"
				       "*.w " RRSIG(
					   MX,
					   2) "x.w MX 1 xx\n"
					      "x.w " RRSIG(
						  MX,
						  3) "x.y.w MX 1 xx\n"
						     "x.y.w " RRSIG(
							 MX,
							 4) "xx A 192.0.2.10\n"
							    "xx " RRSIG(A, 2);

static int
set_up_nsec3(void **state)
{
	struct ask *a = ask_new();

	ask_add_zone(a, "example.", rfc5155);
	*state = a;
	return 0;
}

static void
b1_an_nsec3_name_error_has_three_records(void **state)
{
	ask_expect(*state, "a.c.x.w.example. A do",
		   "NXDOMAIN AA\n" AU_SOA AU_NSEC3(H_EXAMPLE) AU_NSEC3(H_X_W)
		       AU_NSEC3(H_A));
}

static void
b2_nsec3_no_data_shows_the_types(void **state)
{
	ask_expect(*state, "ns1.example. MX do",
		   "NOERROR AA\n" AU_SOA AU_NSEC3(H_NS1));
}

static void
b21_nsec3_no_data_of_an_empty_non_terminal(void **state)
{
	ask_expect(*state, "y.w.example. A do",
		   "NOERROR AA\n" AU_SOA AU_NSEC3(H_Y_W));
}

static void
b3_an_opt_out_referral_has_the_encloser_proof(void **state)
{
	ask_expect(
	    *state, "mc.c.example. MX do",
	    "NOERROR\n"
	    "AU c.example. 3600 NS ns1.c.example.\n"
	    "AU c.example. 3600 NS ns2.c.example.\n" AU_NSEC3(H_A)
		AU_NSEC3(H_EXAMPLE) "AD ns1.c.example. 3600 A 192.0.2.7\n"
				    "AD ns2.c.example. 3600 A 192.0.2.8\n");
}

static void
b4_an_nsec3_wildcard_answer_covers_the_next_closer_name(void **state)
{
	ask_expect(*state, "a.z.w.example. MX do",
		   "NOERROR AA\n"
		   "AN a.z.w.example. 3600 MX 1 ai.example.\n"
		   "AN a.z.w.example. 3600 RRSIG MX 5 2 ...\n" AU_NSEC3(H_NS2));
}

static void
b5_nsec3_wildcard_no_data_has_three_records(void **state)
{
	ask_expect(*state, "a.z.w.example. AAAA do",
		   "NOERROR AA\n" AU_SOA AU_NSEC3(H_W) AU_NSEC3(H_NS2)
		       AU_NSEC3(H_STAR_W));
}

static void
b6_nsec3_ds_of_the_apex_is_no_data(void **state)
{
	ask_expect(*state, "example. DS do",
		   "NOERROR AA\n" AU_SOA AU_NSEC3(H_EXAMPLE));
}

static void
ds_of_an_opt_out_cut_is_no_data_with_the_encloser_proof(void **state)
{
	ask_expect(*state, "c.example. DS do",
		   "NOERROR AA\n" AU_SOA AU_NSEC3(H_A) AU_NSEC3(H_EXAMPLE));
	ask_expect(
	    *state, "a.example. DS do",
	    "NOERROR AA\n"
	    "AN a.example. 3600 DS 58470 5 1 ...\n" AN_SIG("a.example.", DS));
}

static void
nsec3_owners_are_no_names(void **state)
{
	/* RFC 5155 section 7.2.8: only the hash is there under that name. */
	ask_question(*state, H_W ".example. NSEC3 do");
	assert_non_null(strstr(((struct ask *)*state)->text, "NXDOMAIN AA\n"));
	ask_question(*state, H_W ".example. A");
	assert_non_null(strstr(((struct ask *)*state)->text, "NXDOMAIN AA\n"));
}

static void
a_name_that_looks_like_a_hash_is_there_for_its_own_records(void **state)
{
	ask_expect(*state, H_NS1 ".example. A do",
		   "NOERROR AA\n"
		   "AN " H_NS1 ".example. 3600 A 192.0.2.127\n" AN_SIG(
		       H_NS1 ".example.", A));
	ask_expect(*state, H_NS1 ".example. MX do",
		   "NOERROR AA\n" AU_SOA AU_NSEC3(H_H_NS1));
}

/* ----------------------------------------- a chain made for the occasion */

#define CHAIN_MAX 32

struct link {
	char hash[33];
	const char *types;
};

static int
compare_links(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->hash,
		      ((const struct link *)b)->hash);
}

/* The hash of a name, in base32hex (RFC 4648 section 7). */
static void
hash_text(const char *name, char text[33])
{
	uint8_t wire[NAME_LEN_MAX], hash[NODE_NSEC3_HASH_LEN];

	assert_int_equal(name_from_text(name, wire), SECD_OK);
	name_lower(wire, wire);
	nsec3_hash(wire, 1, NULL, 0, hash);
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = i * 5, two = (unsigned)hash[bit / 8] << 8;

		if (bit / 8 + 1 < sizeof(hash)) {
			two |= hash[bit / 8 + 1];
		}
		text[i] =
		    "0123456789abcdefghijklmnopqrstuv"[two >> (11 - bit % 8) &
						       31];
	}
	text[32] = '\0';
}

/* Append an opt-out chain: names and types in turns, NULL at the end. */
static void
add_chain(char *text, const char *const *names)
{
	struct link links[CHAIN_MAX];
	unsigned count = 0;

	for (; *names != NULL; names += 2) {
		hash_text(names[0], links[count].hash);
		links[count++].types = names[1];
	}
	qsort(links, count, sizeof(*links), compare_links);
	for (unsigned i = 0; i < count; i++) {
		sprintf(text + strlen(text),
			"%s NSEC3 1 1 1 - %s %s\n%s " RRSIG(NSEC3, 2),
			links[i].hash, links[(i + 1) % count].hash,
			links[i].types, links[i].hash);
	}
}

/* Does the answer have an NSEC3 that matches, or else covers, a name? */
static bool
has_nsec3(const struct ask *a, const char *name, bool match)
{
	const char *line = a->text;
	char hash[33];

	hash_text(name, hash);
	while ((line = strstr(line, "\nAU ")) != NULL) {
		char owner[64], next[64];
		bool inside;

		line++;
		if (sscanf(line, "AU %32[^.].opt.test. 3600 NSEC3 1 1 1 - %63s",
			   owner, next) != 2) {
			continue;
		}
		for (char *p = next; *p != '\0'; p++) {
			*p = (char)(*p >= 'A' && *p <= 'V' ? *p + 32 : *p);
		}
		inside =
		    strcmp(owner, next) < 0
			? strcmp(owner, hash) < 0 && strcmp(hash, next) < 0
			: strcmp(owner, hash) < 0 || strcmp(hash, next) < 0;
		if (match ? strcmp(owner, hash) == 0 : inside) {
			return true;
		}
	}
	return false;
}

static unsigned
count_nsec3(const struct ask *a)
{
	const char *line = a->text;
	unsigned count = 0;

	while ((line = strstr(line, " NSEC3 1 1 1 ")) != NULL) {
		line++;
		count++;
	}
	return count;
}

static int
set_up_opt_out(void **state)
{
	static const char *const chain[] = {"opt.test.",
					    "NS SOA RRSIG NSEC3PARAM",
					    "ns.opt.test.",
					    "A RRSIG",
					    "www.opt.test.",
					    "A RRSIG",
					    "safe.opt.test.",
					    "NS DS RRSIG",
					    "w.opt.test.",
					    "",
					    "*.w.opt.test.",
					    "CNAME RRSIG",
					    "v.opt.test.",
					    "",
					    "*.v.opt.test.",
					    "CNAME RRSIG",
					    "d.opt.test.",
					    "DNAME RRSIG",
					    NULL};
	struct ask *a = ask_new();
	char text[16384] = "@ SOA ns h 1 2 3 4 3600\n"
			   "@ NS ns\n"
			   "@ NSEC3PARAM 1 0 1 -\n"
			   "ns A 192.0.2.1\n"
			   "www A 192.0.2.2\n"
			   "safe NS ns.safe\n"
			   "safe DS 1 5 1 "
			   "0000000000000000000000000000000000000000\n"
			   "ns.safe A 192.0.2.3\n"
			   "unsafe NS ns.unsafe\n"
			   "ns.unsafe A 192.0.2.4\n"
			   "cut.only NS ns.nowhere.\n"
			   "*.w CNAME x.v\n"
			   "*.v CNAME nothing\n"
			   "d DNAME nowhere.\n";

	add_chain(text, chain);
	ask_add_zone(a, "opt.test.", text);
	*state = a;
	return 0;
}

static void
no_data_of_an_insecure_empty_non_terminal(void **state)
{
	struct ask *a = *state;

	ask_question(a, "only.opt.test. A do");
	assert_non_null(strstr(a->text, "NOERROR AA\n"));
	assert_true(has_nsec3(a, "opt.test.", true));
	assert_true(has_nsec3(a, "only.opt.test.", false));
	assert_true(count_nsec3(a) <= 2);
}

static void
a_name_error_below_an_insecure_empty_non_terminal(void **state)
{
	struct ask *a = *state;

	ask_question(a, "x.only.opt.test. A do");
	assert_non_null(strstr(a->text, "NXDOMAIN AA\n"));
	assert_true(has_nsec3(a, "opt.test.", true));
	assert_true(has_nsec3(a, "only.opt.test.", false));
	assert_true(has_nsec3(a, "*.opt.test.", false));
	assert_true(count_nsec3(a) <= 3);
}

static void
an_insecure_referral_below_an_insecure_empty_non_terminal(void **state)
{
	struct ask *a = *state;

	ask_question(a, "x.cut.only.opt.test. A do");
	assert_non_null(strstr(a->text, "NOERROR\nAU cut.only.opt.test. "));
	assert_true(has_nsec3(a, "opt.test.", true));
	assert_true(has_nsec3(a, "only.opt.test.", false));
	assert_true(count_nsec3(a) <= 2);
}

static void
each_wildcard_of_a_chain_has_its_proof(void **state)
{
	struct ask *a = *state;

	ask_question(a, "a.w.opt.test. A do");
	assert_non_null(strstr(a->text, "NXDOMAIN AA\n"));
	assert_non_null(strstr(a->text, "AN a.w.opt.test. 3600 CNAME x.v"));
	assert_non_null(strstr(a->text, "AN x.v.opt.test. 3600 CNAME no"));
	assert_true(has_nsec3(a, "a.w.opt.test.", false));
	assert_true(has_nsec3(a, "x.v.opt.test.", false));
	assert_true(has_nsec3(a, "opt.test.", true));
	assert_true(has_nsec3(a, "nothing.opt.test.", false));
	assert_true(has_nsec3(a, "*.opt.test.", false));
}

static void
a_secure_referral_needs_no_nsec3(void **state)
{
	ask_expect(*state, "x.safe.opt.test. A do",
		   "NOERROR\n"
		   "AU safe.opt.test. 3600 NS ns.safe.opt.test.\n"
		   "AU safe.opt.test. 3600 DS 1 5 1 ...\n"
		   "AD ns.safe.opt.test. 3600 A 192.0.2.3\n");
}

static void
without_do_nothing_of_dnssec_is_sent(void **state)
{
	ask_expect(*state, "x.only.opt.test. A edns",
		   "NXDOMAIN AA\n"
		   "AU opt.test. 3600 SOA ns.opt.test. h.opt.test. 1 2 3 4 "
		   "3600\n");
	ask_expect(*state, "x.unsafe.opt.test. A",
		   "NOERROR\n"
		   "AU unsafe.opt.test. 3600 NS ns.unsafe.opt.test.\n"
		   "AD ns.unsafe.opt.test. 3600 A 192.0.2.4\n");
}

static void
a_proof_that_does_not_fit_sets_tc(void **state)
{
	struct ask *a = *state;

	ask_question(a, "x.only.opt.test. A do cap=512");
	assert_int_equal(a->result.rcode, RCODE_NXDOMAIN);
	assert_false(a->result.truncated);
	ask_question(a, "x.only.opt.test. A do cap=512 reserve=200");
	assert_true(a->result.truncated);
	assert_int_equal(a->result.rcode, RCODE_NXDOMAIN);
}

int
main(void)
{
#define NSEC3_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, set_up_nsec3, ask_tear_down)
#define OPT_TEST(f)                                                            \
	cmocka_unit_test_setup_teardown(f, set_up_opt_out, ask_tear_down)
	const struct CMUnitTest tests[] = {
	    NSEC3_TEST(b1_an_nsec3_name_error_has_three_records),
	    NSEC3_TEST(b2_nsec3_no_data_shows_the_types),
	    NSEC3_TEST(b21_nsec3_no_data_of_an_empty_non_terminal),
	    NSEC3_TEST(b3_an_opt_out_referral_has_the_encloser_proof),
	    NSEC3_TEST(b4_an_nsec3_wildcard_answer_covers_the_next_closer_name),
	    NSEC3_TEST(b5_nsec3_wildcard_no_data_has_three_records),
	    NSEC3_TEST(b6_nsec3_ds_of_the_apex_is_no_data),
	    NSEC3_TEST(ds_of_an_opt_out_cut_is_no_data_with_the_encloser_proof),
	    NSEC3_TEST(nsec3_owners_are_no_names),
	    NSEC3_TEST(
		a_name_that_looks_like_a_hash_is_there_for_its_own_records),
	    OPT_TEST(no_data_of_an_insecure_empty_non_terminal),
	    OPT_TEST(a_name_error_below_an_insecure_empty_non_terminal),
	    OPT_TEST(an_insecure_referral_below_an_insecure_empty_non_terminal),
	    OPT_TEST(each_wildcard_of_a_chain_has_its_proof),
	    OPT_TEST(a_secure_referral_needs_no_nsec3),
	    OPT_TEST(without_do_nothing_of_dnssec_is_sent),
	    OPT_TEST(a_proof_that_does_not_fit_sets_tc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
