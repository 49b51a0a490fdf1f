/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers with DNSSEC and NSEC: the zone and the questions of RFC 4035
 * appendices A and B, with signatures that are none, and what they leave out.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ask.h"

#define RRSIG(type, labels)                                                    \
	"RRSIG " #type " 5 " #labels                                           \
	" 3600 20300101000000 20200101000000 38519 example. AAAA\n"

/* The lines that an RRset's signature gives. */
#define AN_SIG(owner, type) "AN " owner " 3600 RRSIG " #type " 5 ...\n"
#define AU_SIG(owner, type) "AU " owner " 3600 RRSIG " #type " 5 ...\n"

#define SOA_RDATA "ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600"

#define AU_SOA "AU example. 3600 SOA " SOA_RDATA "\n" AU_SIG("example.", SOA)

/* RFC 4035 appendix A. */
static const char rfc4035[] =
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
		      1) "@ NSEC a NS SOA MX RRSIG NSEC DNSKEY\n"
			 "@ " RRSIG(
			     NSEC,
			     1) "a NS ns1.a\n"
				"a NS ns2.a\n"
				"a DS 57855 5 1 "
				"B6DCD485719ADCA18E5F3D48A2331627FDD3636B\n"
				"a " RRSIG(
				    DS,
				    2) "a NSEC ai NS DS RRSIG NSEC\n"
				       "a " RRSIG(
					   NSEC,
					   2) "ns1.a A 192.0.2.5\n"
					      "ns2.a A 192.0.2.6\n"
					      "ai A 192.0.2.9\n"
					      "ai " RRSIG(
						  A, 2) "ai HINFO \"KLH-10\" "
							"\"ITS\"\n"
							"ai " RRSIG(
							    HINFO,
							    2) "ai AAAA "
							       "2001:db8::f00:"
							       "baa9\n"
							       "ai " RRSIG(
								   AAAA,
								   2) "ai NSEC "
								      "b A "
								      "HINFO "
								      "AAAA "
								      "RRSIG "
								      "NSEC\n"
								      "ai"
								      " " RRSIG(
									  NSEC,
									  2) "b"
									     " "
									     "N"
									     "S"
									     " "
									     "n"
									     "s"
									     "1"
									     "."
									     "b"
									     "\n"
									     "b"
									     " "
									     "N"
									     "S"
									     " "
									     "n"
									     "s"
									     "2"
									     "."
									     "b"
									     "\n"
									     "b"
									     " "
									     "N"
									     "S"
									     "E"
									     "C"
									     " "
									     "n"
									     "s"
									     "1"
									     " "
									     "N"
									     "S"
									     " "
									     "R"
									     "R"
									     "S"
									     "I"
									     "G"
									     " "
									     "N"
									     "S"
									     "E"
									     "C"
									     "\n"
									     "b"
									     " " RRSIG(
										 NSEC,
										 2) "ns1.b A 192.0.2.7\n"
										    "ns2.b A 192.0.2.8\n"
										    "ns1 A 192.0.2.1\n"
										    "ns1 " RRSIG(
											A, 2) "ns1 NSEC ns2 A RRSIG NSEC\n"
											      "ns1 " RRSIG(NSEC, 2) "ns2 A 192.0.2.2\n"
														    "ns2 " RRSIG(A, 2) "ns2 NSEC *.w A RRSIG NSEC\n"
																       "ns2 " RRSIG(NSEC, 2) "*.w MX 1 ai\n"
																			     "*.w " RRSIG(MX, 2) "*.w NSEC x.w MX RRSIG NSEC\n"
																						 "*.w " RRSIG(NSEC, 2) "x.w MX 1 xx\n"
																								       "x.w " RRSIG(MX, 3) "x.w NSEC x.y.w MX RRSIG NSEC\n"
																											   "x.w " RRSIG(NSEC, 3) "x.y.w MX 1 xx\n"
																														 "x.y.w " RRSIG(MX,
																																4) "x.y.w NSEC xx MX RRSIG NSEC\n"
																																   "x.y.w " RRSIG(NSEC, 4) "xx A 192.0.2.10\n"
																																			   "xx " RRSIG(
																																			       A,
																																			       2) "xx NSEC @ A HINFO AAAA RRSIG NSEC\n"
																																				  "xx " RRSIG(
																																				      NSEC,
																																				      2);

static int
set_up(void **state)
{
	struct ask *a = ask_new();

	ask_add_zone(a, "example.", rfc4035);
	*state = a;
	return 0;
}

static void
b1_an_answer_has_its_signature(void **state)
{
	ask_expect(*state, "x.w.example. MX do",
		   "NOERROR AA\n"
		   "AN x.w.example. 3600 MX 1 xx.example.\n" AN_SIG(
		       "x.w.example.", MX));
	ask_expect(*state, "x.w.example. MX edns",
		   "NOERROR AA\n"
		   "AN x.w.example. 3600 MX 1 xx.example.\n");
}

static void
b2_a_name_error_denies_name_and_wildcard(void **state)
{
	ask_expect(
	    *state, "ml.example. A do",
	    "NXDOMAIN AA\n" AU_SOA
	    "AU b.example. 3600 NSEC ns1.example. NS RRSIG NSEC\n" AU_SIG(
		"b.example.",
		NSEC) "AU example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC "
		      "DNSKEY\n" AU_SIG("example.", NSEC));
	ask_expect(*state, "ml.example. A",
		   "NXDOMAIN AA\nAU example. 3600 SOA " SOA_RDATA "\n");
}

static void
one_record_that_denies_both_is_there_once(void **state)
{
	ask_expect(*state, "0.example. A do",
		   "NXDOMAIN AA\n" AU_SOA
		   "AU example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC "
		   "DNSKEY\n" AU_SIG("example.", NSEC));
}

static void
the_last_record_covers_what_is_behind_it(void **state)
{
	ask_expect(
	    *state, "zz.example. A do",
	    "NXDOMAIN AA\n" AU_SOA
	    "AU xx.example. 3600 NSEC example. A HINFO AAAA RRSIG "
	    "NSEC\n" AU_SIG(
		"xx.example.",
		NSEC) "AU example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC "
		      "DNSKEY\n" AU_SIG("example.", NSEC));
}

static void
b3_no_data_shows_the_types(void **state)
{
	ask_expect(
	    *state, "ns1.example. MX do",
	    "NOERROR AA\n" AU_SOA
	    "AU ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC\n" AU_SIG(
		"ns1.example.", NSEC));
}

static void
an_empty_non_terminal_is_shown_by_what_covers_it(void **state)
{
	ask_expect(
	    *state, "y.w.example. A do",
	    "NOERROR AA\n" AU_SOA
	    "AU x.w.example. 3600 NSEC x.y.w.example. MX RRSIG NSEC\n" AU_SIG(
		"x.w.example.", NSEC));
}

static void
b4_a_referral_to_a_signed_zone_has_ds(void **state)
{
	ask_expect(
	    *state, "mc.a.example. MX do",
	    "NOERROR\n"
	    "AU a.example. 3600 NS ns1.a.example.\n"
	    "AU a.example. 3600 NS ns2.a.example.\n"
	    "AU a.example. 3600 DS 57855 5 1 ...\n" AU_SIG(
		"a.example.", DS) "AD ns1.a.example. 3600 A 192.0.2.5\n"
				  "AD ns2.a.example. 3600 A 192.0.2.6\n");
	ask_expect(*state, "mc.a.example. MX",
		   "NOERROR\n"
		   "AU a.example. 3600 NS ns1.a.example.\n"
		   "AU a.example. 3600 NS ns2.a.example.\n"
		   "AD ns1.a.example. 3600 A 192.0.2.5\n"
		   "AD ns2.a.example. 3600 A 192.0.2.6\n");
}

static void
b5_a_referral_to_an_unsigned_zone_denies_ds(void **state)
{
	ask_expect(
	    *state, "mc.b.example. MX do",
	    "NOERROR\n"
	    "AU b.example. 3600 NS ns1.b.example.\n"
	    "AU b.example. 3600 NS ns2.b.example.\n"
	    "AU b.example. 3600 NSEC ns1.example. NS RRSIG NSEC\n" AU_SIG(
		"b.example.", NSEC) "AD ns1.b.example. 3600 A 192.0.2.7\n"
				    "AD ns2.b.example. 3600 A 192.0.2.8\n");
}

static void
b6_a_wildcard_answer_denies_the_name(void **state)
{
	ask_expect(
	    *state, "a.z.w.example. MX do",
	    "NOERROR AA\n"
	    "AN a.z.w.example. 3600 MX 1 ai.example.\n"
	    "AN a.z.w.example. 3600 RRSIG MX 5 2 ...\n"
	    "AU x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC\n" AU_SIG(
		"x.y.w.example.", NSEC));
}

static void
b7_wildcard_no_data_shows_the_wildcard(void **state)
{
	ask_expect(
	    *state, "a.z.w.example. AAAA do",
	    "NOERROR AA\n" AU_SOA
	    "AU x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC\n" AU_SIG(
		"x.y.w.example.",
		NSEC) "AU *.w.example. 3600 NSEC x.w.example. MX RRSIG "
		      "NSEC\n" AU_SIG("*.w.example.", NSEC));
}

static void
b8_ds_of_the_apex_is_no_data(void **state)
{
	ask_expect(*state, "example. DS do",
		   "NOERROR AA\n" AU_SOA
		   "AU example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC "
		   "DNSKEY\n" AU_SIG("example.", NSEC));
}

static void
ds_of_a_cut_is_the_parents(void **state)
{
	ask_expect(
	    *state, "a.example. DS do",
	    "NOERROR AA\n"
	    "AN a.example. 3600 DS 57855 5 1 ...\n" AN_SIG("a.example.", DS));
	ask_expect(
	    *state, "b.example. DS do",
	    "NOERROR AA\n" AU_SOA
	    "AU b.example. 3600 NSEC ns1.example. NS RRSIG NSEC\n" AU_SIG(
		"b.example.", NSEC));
}

static void
nsec_is_answered_like_another_type(void **state)
{
	ask_expect(*state, "ns1.example. NSEC",
		   "NOERROR AA\n"
		   "AN ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC\n");
	ask_expect(*state, "a.example. NSEC",
		   "NOERROR\n"
		   "AU a.example. 3600 NS ns1.a.example.\n"
		   "AU a.example. 3600 NS ns2.a.example.\n"
		   "AD ns1.a.example. 3600 A 192.0.2.5\n"
		   "AD ns2.a.example. 3600 A 192.0.2.6\n");
}

static void
rrsig_gets_all_signatures_of_a_name(void **state)
{
	ask_expect(*state, "ns1.example. RRSIG",
		   "NOERROR AA\n" AN_SIG("ns1.example.", A)
		       AN_SIG("ns1.example.", NSEC));
	ask_expect(*state, "foo.w.example. RRSIG do",
		   "NOERROR AA\n" AN_SIG("foo.w.example.", MX) AN_SIG(
		       "foo.w.example.",
		       NSEC) "AU *.w.example. 3600 NSEC x.w.example. MX RRSIG "
			     "NSEC\n" AU_SIG("*.w.example.", NSEC));
}

static void
any_has_the_signatures_too(void **state)
{
	ask_expect(*state, "ai.example. ANY do",
		   "NOERROR AA\nAN ai.example. 3600 A 192.0.2.9\n" AN_SIG(
		       "ai.example.", A));
}

static void
servers_of_the_zone_come_with_signed_addresses(void **state)
{
	ask_expect(*state, "example. NS do",
		   "NOERROR AA\n"
		   "AN example. 3600 NS ns1.example.\n"
		   "AN example. 3600 NS ns2.example.\n" AN_SIG(
		       "example.", NS) "AD ns1.example. 3600 A 192.0.2.1\n"
				       "AD ns1.example. 3600 RRSIG A 5 ...\n"
				       "AD ns2.example. 3600 A 192.0.2.2\n"
				       "AD ns2.example. 3600 RRSIG A 5 ...\n");
}

static void
the_negative_ttl_is_its_signatures_too(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, "ttl.example.",
		     "@ SOA ns h 1 2 3 4 300\n"
		     "@ " RRSIG(SOA, 2) "@ NS ns\n"
					"@ 900 NSEC @ NS SOA RRSIG NSEC\n"
					"@ 900 " RRSIG(NSEC, 2));
	ask_expect(a, "x.ttl.example. A do",
		   "NXDOMAIN AA\n"
		   "AU ttl.example. 300 SOA ns.ttl.example. h.ttl.example. 1 "
		   "2 3 4 300\n"
		   "AU ttl.example. 300 RRSIG SOA ...\n"
		   "AU ttl.example. 900 NSEC ttl.example. NS SOA RRSIG NSEC\n"
		   "AU ttl.example. 900 RRSIG NSEC ...\n");
}

static void
parent_and_child_on_one_server_each_say_their_part(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, "a.example.",
		     "@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.5\n");
	ask_expect(
	    a, "a.example. DS do",
	    "NOERROR AA\n"
	    "AN a.example. 3600 DS 57855 5 1 ...\n" AN_SIG("a.example.", DS));
	ask_expect(a, "a.example. SOA do",
		   "NOERROR AA\n"
		   "AN a.example. 3600 SOA ns1.a.example. h.a.example. 1 2 3 "
		   "4 5\n");
	ask_expect(a, "x.a.example. DS do",
		   "NXDOMAIN AA\n"
		   "AU a.example. 5 SOA ns1.a.example. h.a.example. 1 2 3 4 "
		   "5\n");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, ask_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(b1_an_answer_has_its_signature),
	    TEST(b2_a_name_error_denies_name_and_wildcard),
	    TEST(one_record_that_denies_both_is_there_once),
	    TEST(the_last_record_covers_what_is_behind_it),
	    TEST(b3_no_data_shows_the_types),
	    TEST(an_empty_non_terminal_is_shown_by_what_covers_it),
	    TEST(b4_a_referral_to_a_signed_zone_has_ds),
	    TEST(b5_a_referral_to_an_unsigned_zone_denies_ds),
	    TEST(b6_a_wildcard_answer_denies_the_name),
	    TEST(b7_wildcard_no_data_shows_the_wildcard),
	    TEST(b8_ds_of_the_apex_is_no_data),
	    TEST(ds_of_a_cut_is_the_parents),
	    TEST(nsec_is_answered_like_another_type),
	    TEST(rrsig_gets_all_signatures_of_a_name),
	    TEST(any_has_the_signatures_too),
	    TEST(servers_of_the_zone_come_with_signed_addresses),
	    TEST(the_negative_ttl_is_its_signatures_too),
	    TEST(parent_and_child_on_one_server_each_say_their_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
