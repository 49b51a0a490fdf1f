/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ask.h"
#include "base/error.h"
#include "base/octets.h"

/* Shorter strings below: what most zones and negative answers have. */
#define SOA                                                                    \
	"@ 7200 SOA ns1 hostmaster 1 3600 600 604800 300\n"                    \
	"@ NS ns1\n"                                                           \
	"ns1 A 192.0.2.1\n"
#define NEGATIVE(zone)                                                         \
	"AU " zone " 300 SOA ns1." zone " hostmaster." zone                    \
	" 1 3600 600 604800 300\n"

static const char plain[] = SOA "@ NS ns.other.test.\n"
				"@ MX 10 mail\n"
				"mail A 192.0.2.3\n"
				"www A 192.0.2.10\n"
				"www A 192.0.2.11\n"
				"www AAAA 2001:db8::10\n"
				"www TXT \"text\"\n"
				"MiXed TXT \"case\"\n"
				"_sip._udp SRV 1 2 5060 sip\n"
				"sip A 192.0.2.12\n"
				"alias CNAME www\n"
				"weird TYPE65534 \\# 3 010203\n"
				"svc SVCB 1 www alpn=h2\n"
				"svc HTTPS 1 . alpn=h2\n";

static int
set_up(void **state)
{
	struct ask *a = ask_new();

	ask_add_zone(a, "example.", plain);
	*state = a;
	return 0;
}

static void
an_rrset_is_the_answer(void **state)
{
	ask_expect(*state, "www.example. A",
		   "NOERROR AA\n"
		   "AN www.example. 3600 A 192.0.2.10\n"
		   "AN www.example. 3600 A 192.0.2.11\n");
	ask_expect(*state, "example. SOA",
		   "NOERROR AA\n"
		   "AN example. 7200 SOA ns1.example. hostmaster.example. 1 "
		   "3600 600 604800 300\n");
}

static void
nothing_comes_with_an_answer_that_was_not_asked_for(void **state)
{
	ask_expect(*state, "example. MX",
		   "NOERROR AA\nAN example. 3600 MX 10 mail.example.\n");
	ask_expect(*state, "_sip._udp.example. SRV",
		   "NOERROR AA\n"
		   "AN _sip._udp.example. 3600 SRV 1 2 5060 sip.example.\n");
}

static void
servers_of_the_zone_come_with_their_addresses(void **state)
{
	ask_expect(*state, "example. NS",
		   "NOERROR AA\n"
		   "AN example. 3600 NS ns1.example.\n"
		   "AN example. 3600 NS ns.other.test.\n"
		   "AD ns1.example. 3600 A 192.0.2.1\n");
}

static void
unknown_and_new_types_are_answered(void **state)
{
	ask_expect(*state, "weird.example. TYPE65534",
		   "NOERROR AA\n"
		   "AN weird.example. 3600 TYPE65534 \\# 3 010203\n");
	ask_expect(*state, "svc.example. SVCB",
		   "NOERROR AA\n"
		   "AN svc.example. 3600 SVCB 1 www.example. alpn=h2\n");
	ask_expect(*state, "svc.example. HTTPS",
		   "NOERROR AA\nAN svc.example. 3600 HTTPS 1 . alpn=h2\n");
}

static void
a_type_that_is_not_there_gives_nodata(void **state)
{
	ask_expect(*state, "www.example. MX",
		   "NOERROR AA\n" NEGATIVE("example."));
	ask_expect(*state, "www.example. TYPE65534",
		   "NOERROR AA\n" NEGATIVE("example."));
}

static void
types_that_no_zone_holds_give_nodata(void **state)
{
	static const char *const types[] = {"TYPE0",   "OPT",      "TKEY",
					    "TSIG",    "TYPE253",  "TYPE254",
					    "TYPE128", "TYPE65535"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		char question[64];

		strcpy(question, "www.example. ");
		strcat(question, types[i]);
		ask_expect(*state, question,
			   "NOERROR AA\n" NEGATIVE("example."));
	}
}

static void
a_name_that_is_not_there_gives_nxdomain(void **state)
{
	ask_expect(*state, "nothing.example. A",
		   "NXDOMAIN AA\n" NEGATIVE("example."));
	ask_expect(*state, "a.b.c.www.example. A",
		   "NXDOMAIN AA\n" NEGATIVE("example."));
}

static void
an_empty_non_terminal_gives_nodata(void **state)
{
	ask_expect(*state, "_udp.example. SRV",
		   "NOERROR AA\n" NEGATIVE("example."));
}

static void
a_negative_ttl_is_the_lower_of_two(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, "low.test.", "@ 60 SOA ns h 1 2 3 4 300\n@ NS ns\n");
	ask_expect(a, "x.low.test. A",
		   "NXDOMAIN AA\n"
		   "AU low.test. 60 SOA ns.low.test. h.low.test. 1 2 3 4 "
		   "300\n");
}

static void
the_case_of_the_question_comes_back(void **state)
{
	ask_expect(*state, "MIXED.exAMPle. TXT",
		   "NOERROR AA\nAN MIXED.exAMPle. 3600 TXT \"case\"\n");
	ask_expect(*state, "mixed.EXAMPLE. A",
		   "NOERROR AA\n"
		   "AU EXAMPLE. 300 SOA ns1.EXAMPLE. hostmaster.EXAMPLE. 1 "
		   "3600 600 604800 300\n");
}

static void
rd_and_cd_come_back(void **state)
{
	ask_expect(*state, "www.example. TXT rd cd",
		   "NOERROR AA RD CD\nAN www.example. 3600 TXT \"text\"\n");
}

static void
any_gets_one_rrset_over_udp(void **state)
{
	ask_expect(*state, "www.example. ANY",
		   "NOERROR AA\n"
		   "AN www.example. 3600 A 192.0.2.10\n"
		   "AN www.example. 3600 A 192.0.2.11\n");
	ask_expect(*state, "_udp.example. ANY",
		   "NOERROR AA\n" NEGATIVE("example."));
}

static void
any_gets_everything_over_tcp(void **state)
{
	ask_expect(*state, "www.example. ANY tcp",
		   "NOERROR AA\n"
		   "AN www.example. 3600 A 192.0.2.10\n"
		   "AN www.example. 3600 A 192.0.2.11\n"
		   "AN www.example. 3600 AAAA 2001:db8::10\n"
		   "AN www.example. 3600 TXT \"text\"\n");
}

static void
any_and_cname_do_not_follow_a_cname(void **state)
{
	static const char answer[] =
	    "NOERROR AA\nAN alias.example. 3600 CNAME www.example.\n";

	ask_expect(*state, "alias.example. CNAME", answer);
	ask_expect(*state, "alias.example. ANY", answer);
	ask_expect(*state, "alias.example. ANY tcp", answer);
}

static void
a_name_in_no_zone_is_refused(void **state)
{
	ask_expect(*state, "www.example.net. A", "REFUSED\n");
	ask_expect(*state, "www.example.net. A edns", "REFUSED EDE=20\n");
	ask_expect(*state, ". NS do", "REFUSED EDE=20\n");
}

static void
a_zone_without_version_is_servfail(void **state)
{
	ask_add_zone(*state, "new.test.", NULL);
	ask_expect(*state, "www.new.test. A", "SERVFAIL\n");
	ask_expect(*state, "www.new.test. A do", "SERVFAIL EDE=14\n");
}

static void
an_expired_zone_is_servfail(void **state)
{
	struct zone *z = ask_add_zone(*state, "old.test.", SOA);

	atomic_store(&z->expired, true);
	ask_expect(*state, "ns1.old.test. A edns", "SERVFAIL EDE=24\n");
	atomic_store(&z->expired, false);
	ask_expect(*state, "ns1.old.test. A edns",
		   "NOERROR AA\nAN ns1.old.test. 3600 A 192.0.2.1\n");
}

static void
the_longest_apex_answers(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, ".",
		     "@ SOA a. b. 1 2 3 4 5\n@ NS a.\nexample. NS "
		     "ns1.example.\nns1.example. A 192.0.2.77\n");
	ask_add_zone(a, "sub.example.", SOA "www A 192.0.2.99\n");
	ask_expect(a, "www.sub.example. A",
		   "NOERROR AA\nAN www.sub.example. 3600 A 192.0.2.99\n");
	ask_expect(a, "mail.example. A",
		   "NOERROR AA\nAN mail.example. 3600 A 192.0.2.3\n");
	ask_expect(a, "example.net. A",
		   "NXDOMAIN AA\nAU . 5 SOA a. b. 1 2 3 4 5\n");
}

static void
the_root_is_answered(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, ".",
		     "@ 86400 SOA a.root-servers.net. nstld.test. 1 2 3 4 "
		     "5\n"
		     "@ NS a.root-servers.net.\n"
		     "@ NS b.root-servers.net.\n"
		     "a.root-servers.net. A 198.51.100.1\n"
		     "b.root-servers.net. AAAA 2001:db8::2\n"
		     "net. NS a.gtld-servers.net.\n"
		     "a.gtld-servers.net. A 198.51.100.3\n");
	ask_expect(a, ". NS",
		   "NOERROR AA\n"
		   "AN . 3600 NS a.root-servers.net.\n"
		   "AN . 3600 NS b.root-servers.net.\n"
		   "AD a.root-servers.net. 3600 A 198.51.100.1\n"
		   "AD b.root-servers.net. 3600 AAAA 2001:db8::2\n");
	ask_expect(a, ". DS",
		   "NOERROR AA\n"
		   "AU . 5 SOA a.root-servers.net. nstld.test. 1 2 3 4 5\n");
	ask_expect(a, "www.example.net. A",
		   "NOERROR\n"
		   "AU net. 3600 NS a.gtld-servers.net.\n"
		   "AD a.gtld-servers.net. 3600 A 198.51.100.3\n");
	ask_expect(a, "nosuchtld. A",
		   "NXDOMAIN AA\n"
		   "AU . 5 SOA a.root-servers.net. nstld.test. 1 2 3 4 5\n");
}

static void
labels_may_hold_any_octet(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, "odd.test.",
		     SOA "a\\000b A 192.0.2.4\n"
			 "b.a A 192.0.2.5\n"
			 "\\001\\255\\032 A 192.0.2.6\n");
	ask_expect(a, "a\\000b.odd.test. A",
		   "NOERROR AA\nAN a\\000b.odd.test. 3600 A 192.0.2.4\n");
	ask_expect(a, "b.a.odd.test. A",
		   "NOERROR AA\nAN b.a.odd.test. 3600 A 192.0.2.5\n");
	ask_expect(a, "\\001\\255\\032.odd.test. A",
		   "NOERROR AA\n"
		   "AN \\001\\255\\032.odd.test. 3600 A 192.0.2.6\n");
}

static void
class_any_is_answered_without_authority(void **state)
{
	ask_expect(*state, "www.example. TXT class=ANY",
		   "NOERROR\nAN www.example. 3600 TXT \"text\"\n");
}

static void
other_classes_are_refused(void **state)
{
	ask_expect(*state, "www.example. A class=CH", "REFUSED\n");
	ask_expect(*state, "www.example. A class=CLASS4", "REFUSED\n");
	ask_expect(*state, "www.example. A class=NONE", "REFUSED\n");
	ask_expect(*state, "www.example. A class=CLASS77", "REFUSED\n");
}

static void
the_server_says_who_it_is_if_it_may(void **state)
{
	struct ask *a = *state;

	ask_expect(a, "version.bind. TXT class=CH", "REFUSED\n");
	ask_expect(a, "id.server. TXT class=CH", "REFUSED\n");
	a->identity.version = "one";
	a->identity.identity = "two";
	ask_expect(a, "version.bind. TXT class=CH",
		   "NOERROR\nAN version.bind. 0 TXT \"one\"\n");
	ask_expect(a, "VERSION.server. TXT class=CH do",
		   "NOERROR\nAN VERSION.server. 0 TXT \"one\"\n");
	ask_expect(a, "id.server. TXT class=CH",
		   "NOERROR\nAN id.server. 0 TXT \"two\"\n");
	ask_expect(a, "hostname.bind. TXT class=CH",
		   "NOERROR\nAN hostname.bind. 0 TXT \"two\"\n");
	ask_expect(a, "hostname.bind. A class=CH", "REFUSED\n");
	ask_expect(a, "authors.bind. TXT class=CH", "REFUSED\n");
}

static void
nsid_comes_when_asked_for(void **state)
{
	struct ask *a = *state;

	ask_expect(a, "www.example. TXT nsid",
		   "NOERROR AA NSID=id\nAN www.example. 3600 TXT \"text\"\n");
	ask_expect(a, "www.example. TXT edns",
		   "NOERROR AA\nAN www.example. 3600 TXT \"text\"\n");
	ask_expect(a, "www.nowhere. TXT nsid", "REFUSED EDE=20 NSID=id\n");
	a->identity.nsid_len = 0;
	ask_expect(a, "www.example. TXT nsid",
		   "NOERROR AA\nAN www.example. 3600 TXT \"text\"\n");
}

/* A TXT RRset of `count` records with 100 octets in each. */
static void
add_big_zone(struct ask *a, unsigned count)
{
	static char text[65536];
	size_t len = (size_t)sprintf(text, "%s", SOA);

	for (unsigned i = 0; i < count; i++) {
		len += (size_t)sprintf(text + len, "big TXT \"%0100u\"\n", i);
	}
	sprintf(text + len, "alias CNAME big\n");
	ask_add_zone(a, "big.test.", text);
}

static void
an_rrset_that_does_not_fit_is_left_out(void **state)
{
	add_big_zone(*state, 5);
	ask_expect(*state, "big.big.test. TXT", "NOERROR AA TC\n");
	ask_expect(*state, "alias.big.test. TXT",
		   "NOERROR AA TC\n"
		   "AN alias.big.test. 3600 CNAME big.big.test.\n");
}

static void
udp_goes_as_far_as_both_sides_want(void **state)
{
	struct ask *a = *state;

	add_big_zone(a, 10);
	ask_expect(a, "big.big.test. TXT", "NOERROR AA TC\n");
	ask_expect(a, "big.big.test. TXT size=0", "NOERROR AA TC\n");
	ask_expect(a, "big.big.test. TXT size=1100", "NOERROR AA TC\n");
	ask_question(a, "big.big.test. TXT size=1232");
	assert_false(a->result.truncated);

	assert_int_equal(get_u16(a->wire + 6), 10);
}

static void
our_own_limit_holds_for_udp(void **state)
{
	add_big_zone(*state, 11);
	ask_expect(*state, "big.big.test. TXT size=65535", "NOERROR AA TC\n");
}

static void
tcp_takes_64_kilobytes(void **state)
{
	struct ask *a = *state;

	add_big_zone(a, 500);
	ask_question(a, "big.big.test. TXT tcp");
	assert_false(a->result.truncated);
	assert_int_equal(get_u16(a->wire + 6), 500);
	ask_expect(a, "big.big.test. TXT tcp cap=50000", "NOERROR AA TC\n");
}

static void
room_is_left_for_a_signature(void **state)
{
	struct ask *a = *state;

	add_big_zone(a, 3);
	ask_question(a, "big.big.test. TXT");
	assert_false(a->result.truncated);
	ask_expect(a, "big.big.test. TXT reserve=150", "NOERROR AA TC\n");
	ask_expect(a, "big.big.test. TXT edns reserve=900", "NOERROR AA TC\n");
}

static void
errors_of_the_parser_are_answered(void **state)
{
	struct ask *a = *state;
	struct answer_context ctx = {a->table, &a->identity};
	struct query q;
	uint8_t wire[] = {0x12, 0x34, 0x01, 0x10, 0, 1, 0, 0, 0, 0,
			  0,    0,    1,    'x',  0, 0, 1, 0, 1, 'y'};

	/* Octets left over: the question was read. */
	assert_int_equal(query_parse(&q, wire, sizeof(wire), &zonefile_key),
			 QUERY_ERROR);
	a->len =
	    answer_query(&ctx, &q, ANSWER_UDP, a->wire, 512, 0, &a->result);
	assert_int_equal(a->len, 19);
	assert_memory_equal(a->wire, "\x12\x34\x81\x11\0\1\0\0\0\0\0\0", 12);
	assert_memory_equal(a->wire + 12, wire + 12, 7);
	assert_int_equal(a->result.rcode, RCODE_FORMERR);

	/* It was not. */
	wire[12] = 0xc0;
	assert_int_equal(query_parse(&q, wire, sizeof(wire), &zonefile_key),
			 QUERY_ERROR);
	a->len =
	    answer_query(&ctx, &q, ANSWER_UDP, a->wire, 512, 0, &a->result);
	assert_int_equal(a->len, 12);
	assert_memory_equal(a->wire, "\x12\x34\x81\x11\0\0\0\0\0\0\0\0", 12);
}

static void
badvers_is_answered_with_the_version_we_know(void **state)
{
	static const uint8_t wire[] = {
	    0x12, 0x34, 0, 0, 0, 1, 0,  0, 0,    0, 0, 1,    1, 'x', 0,
	    0,    1,    0, 1, 0, 0, 41, 4, 0xd0, 0, 1, 0x80, 0, 0,   0};
	struct ask *a = *state;
	struct answer_context ctx = {a->table, &a->identity};
	struct query q;

	assert_int_equal(query_parse(&q, wire, sizeof(wire), &zonefile_key),
			 QUERY_ERROR);
	a->len =
	    answer_query(&ctx, &q, ANSWER_UDP, a->wire, 512, 0, &a->result);
	assert_int_equal(a->result.rcode, RCODE_BADVERS);
	assert_int_equal(a->len, sizeof(wire));
	assert_memory_equal(a->wire + 2, "\x80\0\0\1\0\0\0\0\0\1", 10);
	assert_memory_equal(a->wire + 19, "\0\0\x29\x04\xd0\1\0\x80\0\0\0", 11);
}

static void
a_bare_response_says_what_was_decided_elsewhere(void **state)
{
	struct ask *a = *state;
	struct query q;

	ask_question(a, "www.example. A edns");
	assert_int_equal(query_parse(&q, a->query, a->query_len, &zonefile_key),
			 QUERY_PLAIN);
	a->len = answer_rcode(&a->identity, &q, HEADER_AA, RCODE_NOTAUTH, 18,
			      a->wire, 512);
	assert_int_equal(a->len, a->query_len + 6);
	assert_int_equal(get_u16(a->wire + 2), 0x8409);
	assert_memory_equal(a->wire + 12, a->query + 12, 17);
	assert_memory_equal(a->wire + a->len - 8, "\0\6\0\xf\0\2\0\x12", 8);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, ask_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(an_rrset_is_the_answer),
	    TEST(nothing_comes_with_an_answer_that_was_not_asked_for),
	    TEST(servers_of_the_zone_come_with_their_addresses),
	    TEST(unknown_and_new_types_are_answered),
	    TEST(a_type_that_is_not_there_gives_nodata),
	    TEST(types_that_no_zone_holds_give_nodata),
	    TEST(a_name_that_is_not_there_gives_nxdomain),
	    TEST(an_empty_non_terminal_gives_nodata),
	    TEST(a_negative_ttl_is_the_lower_of_two),
	    TEST(the_case_of_the_question_comes_back),
	    TEST(rd_and_cd_come_back),
	    TEST(any_gets_one_rrset_over_udp),
	    TEST(any_gets_everything_over_tcp),
	    TEST(any_and_cname_do_not_follow_a_cname),
	    TEST(a_name_in_no_zone_is_refused),
	    TEST(a_zone_without_version_is_servfail),
	    TEST(an_expired_zone_is_servfail),
	    TEST(the_longest_apex_answers),
	    TEST(the_root_is_answered),
	    TEST(labels_may_hold_any_octet),
	    TEST(class_any_is_answered_without_authority),
	    TEST(other_classes_are_refused),
	    TEST(the_server_says_who_it_is_if_it_may),
	    TEST(nsid_comes_when_asked_for),
	    TEST(an_rrset_that_does_not_fit_is_left_out),
	    TEST(udp_goes_as_far_as_both_sides_want),
	    TEST(our_own_limit_holds_for_udp),
	    TEST(tcp_takes_64_kilobytes),
	    TEST(room_is_left_for_a_signature),
	    TEST(errors_of_the_parser_are_answered),
	    TEST(badvers_is_answered_with_the_version_we_know),
	    TEST(a_bare_response_says_what_was_decided_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
