/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that are not simply there: wildcards, CNAMEs, DNAMEs.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ask.h"
#include "base/octets.h"

/* The zone of RFC 4592 section 2.2.1. */
static const char rfc4592[] =
    "@ SOA ns.example.com. admin.example.com. 1 2 3 4 5\n"
    "@ NS ns.example.com.\n"
    "@ NS ns.example.net.\n"
    "* TXT \"this is a wildcard\"\n"
    "* MX 10 host1\n"
    "sub.* TXT \"this is not a wildcard\"\n"
    "host1 A 192.0.2.1\n"
    "_ssh._tcp.host1 SRV 1 2 3 host1\n"
    "_ssh._tcp.host2 SRV 1 2 3 host1\n"
    "subdel NS ns.example.com.\n"
    "subdel NS ns.example.net.\n";

#define SOA_4592                                                               \
	"AU example. 5 SOA ns.example.com. admin.example.com. 1 2 3 4 5\n"

#define ZONE                                                                   \
	"@ SOA ns1 h 1 2 3 4 5\n"                                              \
	"@ NS ns1\n"                                                           \
	"ns1 A 192.0.2.1\n"
#define SOA(zone) "AU " zone " 5 SOA ns1." zone " h." zone " 1 2 3 4 5\n"

static const char names[] = ZONE "www A 192.0.2.2\n"
				 "www TXT \"text\"\n"
				 "one CNAME two\n"
				 "two CNAME three.deep\n"
				 "three.deep CNAME www\n"
				 "dangling CNAME nothing\n"
				 "nodata CNAME deep\n"
				 "outside CNAME www.nowhere.\n"
				 "self CNAME self\n"
				 "loop1 CNAME loop2\n"
				 "loop2 CNAME loop1\n"
				 "tail CNAME loop1\n"
				 "incut CNAME www.cut\n"
				 "cut NS ns.cut\n"
				 "ns.cut A 192.0.2.3\n"
				 "www.cut A 192.0.2.4\n"
				 "*.star A 192.0.2.5\n"
				 "host.star TXT \"no\"\n"
				 "*.starcname CNAME www\n"
				 "*.starnx CNAME nothing\n"
				 "*.starstar CNAME x.star\n"
				 "tostar CNAME x.star\n"
				 "x.*.starent A 192.0.2.6\n"
				 "*.starns NS ns.nowhere.\n"
				 "*.stardname DNAME www\n"
				 "old DNAME new\n"
				 "www.new A 192.0.2.7\n"
				 "alias.new CNAME www\n"
				 "again.new CNAME www.old\n"
				 "old TXT \"old\"\n"
				 "toold CNAME www.old\n"
				 "away DNAME nowhere.\n"
				 "up DNAME .\n"
				 "ring1 DNAME ring2\n"
				 "ring2 DNAME ring1\n"
				 "grow DNAME x.grow\n"
				 "under NS ns.nowhere.\n"
				 "under DNAME www\n"
				 "hidden.old A 192.0.2.8\n"
				 "sub.hidden.old NS ns.nowhere.\n";

static int
set_up(void **state)
{
	struct ask *a = ask_new();

	ask_add_zone(a, "example.", rfc4592);
	ask_add_zone(a, "names.test.", names);
	*state = a;
	return 0;
}

static void
rfc_4592_names_that_a_wildcard_matches(void **state)
{
	ask_expect(*state, "host3.example. MX",
		   "NOERROR AA\nAN host3.example. 3600 MX 10 host1.example.\n");
	ask_expect(*state, "host3.example. A", "NOERROR AA\n" SOA_4592);
	ask_expect(*state, "foo.bar.example. TXT",
		   "NOERROR AA\n"
		   "AN foo.bar.example. 3600 TXT \"this is a wildcard\"\n");
}

static void
rfc_4592_names_that_no_wildcard_matches(void **state)
{
	ask_expect(*state, "host1.example. MX", "NOERROR AA\n" SOA_4592);
	ask_expect(*state, "sub.*.example. MX", "NOERROR AA\n" SOA_4592);
	ask_expect(*state, "_telnet._tcp.host1.example. SRV",
		   "NXDOMAIN AA\n" SOA_4592);
	ask_expect(*state, "host.subdel.example. A",
		   "NOERROR\n"
		   "AU subdel.example. 3600 NS ns.example.com.\n"
		   "AU subdel.example. 3600 NS ns.example.net.\n");
	ask_expect(*state, "ghost.*.example. MX", "NXDOMAIN AA\n" SOA_4592);
}

static void
an_asterisk_that_is_asked_for_is_a_label(void **state)
{
	ask_expect(*state, "*.example. MX",
		   "NOERROR AA\nAN *.example. 3600 MX 10 host1.example.\n");
	ask_expect(*state, "*.example. A", "NOERROR AA\n" SOA_4592);
	ask_expect(*state, "x.star.names.test. A",
		   "NOERROR AA\nAN x.star.names.test. 3600 A 192.0.2.5\n");
	ask_expect(*state, "*.host.star.names.test. A",
		   "NXDOMAIN AA\n" SOA("names.test."));
}

static void
a_wildcard_covers_all_that_is_below(void **state)
{
	ask_expect(*state, "a.b.C.star.names.test. A",
		   "NOERROR AA\n"
		   "AN a.b.C.star.names.test. 3600 A 192.0.2.5\n");
	ask_expect(*state, "a.host.star.names.test. A",
		   "NXDOMAIN AA\n" SOA("names.test."));
	ask_expect(*state, "host.star.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
	ask_expect(*state, "star.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
}

static void
a_wildcard_may_be_an_empty_non_terminal(void **state)
{
	ask_expect(*state, "foo.starent.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
	ask_expect(*state, "*.starent.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
	ask_expect(*state, "x.foo.starent.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
}

static void
ns_and_dname_of_a_wildcard_are_data(void **state)
{
	/* RFC 4592 sections 4.2 and 4.4: no delegation, no redirection. */
	ask_expect(*state, "foo.starns.names.test. NS",
		   "NOERROR AA\n"
		   "AN foo.starns.names.test. 3600 NS ns.nowhere.\n");
	ask_expect(*state, "foo.starns.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
	ask_expect(*state, "a.foo.stardname.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
	ask_expect(*state, "a.foo.stardname.names.test. DNAME",
		   "NOERROR AA\n"
		   "AN a.foo.stardname.names.test. 3600 DNAME "
		   "www.names.test.\n");
}

static void
a_chain_is_followed(void **state)
{
	ask_expect(*state, "one.names.test. A",
		   "NOERROR AA\n"
		   "AN one.names.test. 3600 CNAME two.names.test.\n"
		   "AN two.names.test. 3600 CNAME three.deep.names.test.\n"
		   "AN three.deep.names.test. 3600 CNAME www.names.test.\n"
		   "AN www.names.test. 3600 A 192.0.2.2\n");
}

static void
the_end_of_a_chain_gives_the_rcode(void **state)
{
	ask_expect(
	    *state, "dangling.names.test. A",
	    "NXDOMAIN AA\n"
	    "AN dangling.names.test. 3600 CNAME nothing.names.test.\n" SOA(
		"names.test."));
	ask_expect(*state, "nodata.names.test. A",
		   "NOERROR AA\n"
		   "AN nodata.names.test. 3600 CNAME deep.names.test.\n" SOA(
		       "names.test."));
	ask_expect(*state, "one.names.test. MX",
		   "NOERROR AA\n"
		   "AN one.names.test. 3600 CNAME two.names.test.\n"
		   "AN two.names.test. 3600 CNAME three.deep.names.test.\n"
		   "AN three.deep.names.test. 3600 CNAME www.names.test.\n" SOA(
		       "names.test."));
}

static void
a_chain_that_leaves_our_zones_ends(void **state)
{
	ask_expect(*state, "outside.names.test. A",
		   "NOERROR AA\n"
		   "AN outside.names.test. 3600 CNAME www.nowhere.\n");
}

static void
a_chain_goes_through_all_our_zones(void **state)
{
	struct ask *a = *state;
	struct zone *z;

	z = ask_add_zone(a, "other.test.",
			 ZONE "to CNAME www.names.test.\n"
			      "nx CNAME no.names.test.\n"
			      "star CNAME host3.example.\n");
	ask_expect(a, "to.other.test. A",
		   "NOERROR AA\n"
		   "AN to.other.test. 3600 CNAME www.names.test.\n"
		   "AN www.names.test. 3600 A 192.0.2.2\n");
	ask_expect(
	    a, "nx.other.test. A",
	    "NXDOMAIN AA\n"
	    "AN nx.other.test. 3600 CNAME no.names.test.\n" SOA("names.test."));
	ask_expect(a, "star.other.test. MX",
		   "NOERROR AA\n"
		   "AN star.other.test. 3600 CNAME host3.example.\n"
		   "AN host3.example. 3600 MX 10 host1.example.\n");
	/* A zone that cannot be answered from just ends it. */
	atomic_store(&a->zones[1].expired, true);
	ask_expect(a, "to.other.test. A edns",
		   "NOERROR AA\n"
		   "AN to.other.test. 3600 CNAME www.names.test.\n");
	(void)z;
}

static void
a_loop_ends_with_each_record_once(void **state)
{
	ask_expect(*state, "self.names.test. A",
		   "NOERROR AA\n"
		   "AN self.names.test. 3600 CNAME self.names.test.\n");
	ask_expect(*state, "tail.names.test. A",
		   "NOERROR AA\n"
		   "AN tail.names.test. 3600 CNAME loop1.names.test.\n"
		   "AN loop1.names.test. 3600 CNAME loop2.names.test.\n"
		   "AN loop2.names.test. 3600 CNAME loop1.names.test.\n");
}

static void
a_chain_has_an_end(void **state)
{
	struct ask *a = *state;
	char text[8192] = ZONE;
	size_t len = strlen(text);

	for (unsigned i = 0; i < 100; i++) {
		len += (size_t)sprintf(text + len, "n%u CNAME n%u\n", i, i + 1);
	}
	ask_add_zone(a, "long.test.", text);
	ask_question(a, "n0.long.test. A tcp");
	assert_int_equal(a->result.rcode, 0);
	assert_false(a->result.truncated);
	assert_int_equal(get_u16(a->wire + 6), 32);
	assert_int_equal(get_u16(a->wire + 8), 0);
}

static void
a_chain_into_a_cut_ends_in_a_referral(void **state)
{
	ask_expect(*state, "incut.names.test. A",
		   "NOERROR AA\n"
		   "AN incut.names.test. 3600 CNAME www.cut.names.test.\n"
		   "AU cut.names.test. 3600 NS ns.cut.names.test.\n"
		   "AD ns.cut.names.test. 3600 A 192.0.2.3\n");
}

static void
wildcards_and_cnames_go_together(void **state)
{
	ask_expect(*state, "X.starcname.names.test. A",
		   "NOERROR AA\n"
		   "AN X.starcname.names.test. 3600 CNAME www.names.test.\n"
		   "AN www.names.test. 3600 A 192.0.2.2\n");
	ask_expect(
	    *state, "x.starnx.names.test. A",
	    "NXDOMAIN AA\n"
	    "AN x.starnx.names.test. 3600 CNAME nothing.names.test.\n" SOA(
		"names.test."));
	ask_expect(*state, "y.starstar.names.test. A",
		   "NOERROR AA\n"
		   "AN y.starstar.names.test. 3600 CNAME x.star.names.test.\n"
		   "AN x.star.names.test. 3600 A 192.0.2.5\n");
	ask_expect(*state, "tostar.names.test. A",
		   "NOERROR AA\n"
		   "AN tostar.names.test. 3600 CNAME x.star.names.test.\n"
		   "AN x.star.names.test. 3600 A 192.0.2.5\n");
}

static void
types_beside_a_cname_are_its_own(void **state)
{
	ask_expect(*state, "one.names.test. NSEC",
		   "NOERROR AA\n" SOA("names.test."));
	ask_expect(*state, "one.names.test. RRSIG",
		   "NOERROR AA\n" SOA("names.test."));
}

static void
a_dname_redirects_what_is_below(void **state)
{
	ask_expect(*state, "www.old.names.test. A",
		   "NOERROR AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN www.old.names.test. 3600 CNAME www.new.names.test.\n"
		   "AN www.new.names.test. 3600 A 192.0.2.7\n");
	ask_expect(
	    *state, "A.b.OLD.names.test. A",
	    "NXDOMAIN AA\n"
	    "AN OLD.names.test. 3600 DNAME new.names.test.\n"
	    "AN A.b.OLD.names.test. 3600 CNAME A.b.new.names.test.\n" SOA(
		"names.test."));
	ask_expect(*state, "www.away.names.test. A",
		   "NOERROR AA\n"
		   "AN away.names.test. 3600 DNAME nowhere.\n"
		   "AN www.away.names.test. 3600 CNAME www.nowhere.\n");
	ask_expect(*state, "www.nowhere.up.names.test. A",
		   "NOERROR AA\n"
		   "AN up.names.test. 3600 DNAME .\n"
		   "AN www.nowhere.up.names.test. 3600 CNAME www.nowhere.\n");
}

static void
a_dname_does_not_redirect_its_owner(void **state)
{
	ask_expect(*state, "old.names.test. TXT",
		   "NOERROR AA\nAN old.names.test. 3600 TXT \"old\"\n");
	ask_expect(*state, "old.names.test. DNAME",
		   "NOERROR AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n");
	ask_expect(*state, "old.names.test. A",
		   "NOERROR AA\n" SOA("names.test."));
}

static void
what_is_below_a_dname_is_not_answered(void **state)
{
	ask_expect(*state, "hidden.old.names.test. A",
		   "NXDOMAIN AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN hidden.old.names.test. 3600 CNAME "
		   "hidden.new.names.test.\n" SOA("names.test."));
	ask_expect(*state, "a.sub.hidden.old.names.test. A",
		   "NXDOMAIN AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN a.sub.hidden.old.names.test. 3600 CNAME "
		   "a.sub.hidden.new.names.test.\n" SOA("names.test."));
}

static void
cname_and_dname_chains_mix(void **state)
{
	ask_expect(*state, "toold.names.test. A",
		   "NOERROR AA\n"
		   "AN toold.names.test. 3600 CNAME www.old.names.test.\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN www.old.names.test. 3600 CNAME www.new.names.test.\n"
		   "AN www.new.names.test. 3600 A 192.0.2.7\n");
	ask_expect(*state, "alias.old.names.test. TXT",
		   "NOERROR AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN alias.old.names.test. 3600 CNAME "
		   "alias.new.names.test.\n"
		   "AN alias.new.names.test. 3600 CNAME www.names.test.\n"
		   "AN www.names.test. 3600 TXT \"text\"\n");
}

static void
a_dname_that_leads_twice_is_there_once(void **state)
{
	ask_expect(*state, "again.old.names.test. A",
		   "NOERROR AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN again.old.names.test. 3600 CNAME "
		   "again.new.names.test.\n"
		   "AN again.new.names.test. 3600 CNAME www.old.names.test.\n"
		   "AN www.old.names.test. 3600 CNAME www.new.names.test.\n"
		   "AN www.new.names.test. 3600 A 192.0.2.7\n");
	ask_expect(*state, "x.ring1.names.test. A",
		   "NOERROR AA\n"
		   "AN ring1.names.test. 3600 DNAME ring2.names.test.\n"
		   "AN x.ring1.names.test. 3600 CNAME x.ring2.names.test.\n"
		   "AN ring2.names.test. 3600 DNAME ring1.names.test.\n"
		   "AN x.ring2.names.test. 3600 CNAME x.ring1.names.test.\n");
}

static void
a_dname_that_leads_below_itself_stops(void **state)
{
	ask_expect(*state, "a.grow.names.test. A",
		   "NOERROR AA\n"
		   "AN grow.names.test. 3600 DNAME x.grow.names.test.\n"
		   "AN a.grow.names.test. 3600 CNAME a.x.grow.names.test.\n");
}

static void
qtype_cname_below_a_dname_is_the_made_one(void **state)
{
	ask_expect(*state, "alias.old.names.test. CNAME",
		   "NOERROR AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN alias.old.names.test. 3600 CNAME "
		   "alias.new.names.test.\n");
	ask_expect(*state, "www.old.names.test. ANY",
		   "NOERROR AA\n"
		   "AN old.names.test. 3600 DNAME new.names.test.\n"
		   "AN www.old.names.test. 3600 CNAME www.new.names.test.\n"
		   "AN www.new.names.test. 3600 A 192.0.2.7\n");
}

#define L50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static void
a_name_that_grows_too_long_is_yxdomain(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, "yx.test.",
		     ZONE "d DNAME " L50 "." L50 "." L50 "." L50 "\n");
	/* 4 * 51 octets, yx.test. has 9: 42 are left. */
	ask_question(a, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx.d.yx.test. "
			"A");
	assert_int_equal(a->result.rcode, RCODE_NXDOMAIN);
	ask_expect(a, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddxy.d.yx.test. A",
		   "YXDOMAIN AA\n"
		   "AN d.yx.test. 3600 DNAME " L50 "." L50 "." L50 "." L50
		   ".yx.test.\n");
	ask_expect(a, "d.yx.test. DNAME",
		   "NOERROR AA\n"
		   "AN d.yx.test. 3600 DNAME " L50 "." L50 "." L50 "." L50
		   ".yx.test.\n");
}

static void
a_cut_counts_more_than_a_dname_at_its_owner(void **state)
{
	ask_expect(*state, "www.under.names.test. A",
		   "NOERROR\nAU under.names.test. 3600 NS ns.nowhere.\n");
}

static void
names_of_many_labels_are_looked_up(void **state)
{
	struct ask *a = *state;
	char question[512];
	size_t len = 0;

	ask_add_zone(a, "deep.test.",
		     ZONE "1.2.3.4.5.6.7.8.9.10.11.12.13 A 192.0.2.9\n"
			  "*.5.6.7.8.9.10.11.12.13 TXT \"five\"\n");
	for (unsigned i = 0; i < 100; i++) {
		question[len++] = 'x';
		question[len++] = '.';
	}
	strcpy(question + len, "deep.test. A");
	ask_expect(a, question, "NXDOMAIN AA\n" SOA("deep.test."));
	strcpy(question + len, "5.6.7.8.9.10.11.12.13.deep.test. TXT");
	ask_question(a, question);
	assert_non_null(strstr(a->text, "TXT \"five\""));
	strcpy(question + len, "4.5.6.7.8.9.10.11.12.13.deep.test. TXT");
	ask_expect(a, question, "NXDOMAIN AA\n" SOA("deep.test."));
	ask_expect(a, "3.4.5.6.7.8.9.10.11.12.13.deep.test. TXT",
		   "NOERROR AA\n" SOA("deep.test."));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, ask_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(rfc_4592_names_that_a_wildcard_matches),
	    TEST(rfc_4592_names_that_no_wildcard_matches),
	    TEST(an_asterisk_that_is_asked_for_is_a_label),
	    TEST(a_wildcard_covers_all_that_is_below),
	    TEST(a_wildcard_may_be_an_empty_non_terminal),
	    TEST(ns_and_dname_of_a_wildcard_are_data),
	    TEST(a_chain_is_followed),
	    TEST(the_end_of_a_chain_gives_the_rcode),
	    TEST(a_chain_that_leaves_our_zones_ends),
	    TEST(a_chain_goes_through_all_our_zones),
	    TEST(a_loop_ends_with_each_record_once),
	    TEST(a_chain_has_an_end),
	    TEST(a_chain_into_a_cut_ends_in_a_referral),
	    TEST(wildcards_and_cnames_go_together),
	    TEST(types_beside_a_cname_are_its_own),
	    TEST(a_dname_redirects_what_is_below),
	    TEST(a_dname_does_not_redirect_its_owner),
	    TEST(what_is_below_a_dname_is_not_answered),
	    TEST(cname_and_dname_chains_mix),
	    TEST(a_dname_that_leads_twice_is_there_once),
	    TEST(a_dname_that_leads_below_itself_stops),
	    TEST(qtype_cname_below_a_dname_is_the_made_one),
	    TEST(a_name_that_grows_too_long_is_yxdomain),
	    TEST(a_cut_counts_more_than_a_dname_at_its_owner),
	    TEST(names_of_many_labels_are_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
