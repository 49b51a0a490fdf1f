/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers whose names are shortest when they point to all of the QNAME, to an
 * alias or to each other: what they say, and in how many octets. A record with
 * pointers in it is counted as owner + 10 + RDATA.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ask.h"

static const char zone[] = "@ SOA ns1 h.ns1 1 2 3 4 5\n"
			   "@ NS ns1\n"
			   "ns1 A 192.0.2.1\n"
			   "cut NS ns1.cut\n"
			   "cut NS ns2.ns1.cut\n"
			   "cut NS a.xns1.cut\n"
			   "ns1.cut A 192.0.2.2\n"
			   "ns2.ns1.cut AAAA 2001:db8::2\n"
			   "alias CNAME second.far\n"
			   "second.far CNAME third.far\n"
			   "third.far MX 10 alias\n"
			   "third.far MX 20 mail.far\n";

static const char root[] = ". SOA a.nic. h.nic. 1 2 3 4 5\n"
			   ". NS a.nic.\n"
			   ". NS b.nic.\n"
			   ". RRSIG NS 5 0 3600 20300101000000 20200101000000 "
			   "1 . AAAA\n"
			   "a.nic. A 192.0.2.1\n"
			   "b.nic. A 192.0.2.2\n";

static int
set_up(void **state)
{
	struct ask *a = ask_new();

	ask_add_zone(a, "test.", zone);
	*state = a;
	return 0;
}

static int
tear_down(void **state)
{
	ask_free(*state);
	return 0;
}

static void
a_server_asked_for_by_name_points_to_the_question(void **state)
{
	struct ask *a = *state;
	size_t question = 12 + 14 + 4;

	ask_expect(a, "ns1.cut.test. A",
		   "NOERROR\n"
		   "AU cut.test. 3600 NS ns1.cut.test.\n"
		   "AU cut.test. 3600 NS ns2.ns1.cut.test.\n"
		   "AU cut.test. 3600 NS a.xns1.cut.test.\n"
		   "AD ns1.cut.test. 3600 A 192.0.2.2\n"
		   "AD ns2.ns1.cut.test. 3600 AAAA 2001:db8::2\n");
	assert_int_equal(a->len, question + (12 + 2) + (12 + 4 + 2) +
				     (12 + 2 + 5 + 2) + (12 + 4) + (12 + 16));
}

static void
letters_of_another_case_are_pointed_to_as_well(void **state)
{
	struct ask *a = *state;

	ask_expect(a, "NS1.cut.test. A",
		   "NOERROR\n"
		   "AU cut.test. 3600 NS NS1.cut.test.\n"
		   "AU cut.test. 3600 NS ns2.NS1.cut.test.\n"
		   "AU cut.test. 3600 NS a.xns1.cut.test.\n"
		   "AD NS1.cut.test. 3600 A 192.0.2.2\n"
		   "AD ns2.NS1.cut.test. 3600 AAAA 2001:db8::2\n");
}

static void
a_label_that_only_looks_like_the_questions_is_none(void **state)
{
	struct ask *a = *state;

	/* 0x11 and "1" are equal but for the bit of case. */
	ask_expect(a, "ns\\017.cut.test. NS",
		   "NOERROR\n"
		   "AU cut.test. 3600 NS ns1.cut.test.\n"
		   "AU cut.test. 3600 NS ns2.ns1.cut.test.\n"
		   "AU cut.test. 3600 NS a.xns1.cut.test.\n"
		   "AD ns1.cut.test. 3600 A 192.0.2.2\n"
		   "AD ns2.ns1.cut.test. 3600 AAAA 2001:db8::2\n");
}

static void
a_soa_points_to_the_question_and_has_its_ttl(void **state)
{
	struct ask *a = *state;

	ask_expect(a, "ns1.test. AAAA",
		   "NOERROR AA\n"
		   "AU test. 5 SOA ns1.test. h.ns1.test. 1 2 3 4 5\n");
	assert_int_equal(a->len, 12 + 10 + 4 + 12 + 2 + (2 + 2) + 20);
}

static void
what_an_alias_leads_to_points_to_every_alias(void **state)
{
	struct ask *a = *state;

	ask_expect(a, "alias.test. MX",
		   "NOERROR AA\n"
		   "AN alias.test. 3600 CNAME second.far.test.\n"
		   "AN second.far.test. 3600 CNAME third.far.test.\n"
		   "AN third.far.test. 3600 MX 10 alias.test.\n"
		   "AN third.far.test. 3600 MX 20 mail.far.test.\n");
	assert_int_equal(a->len, 12 + 12 + 4 + (12 + 7 + 4 + 2) + (12 + 6 + 2) +
				     (12 + 2 + 2) + (12 + 2 + 5 + 2));
}

static void
servers_of_the_root_have_owners_of_one_octet(void **state)
{
	struct ask *a = *state;

	ask_add_zone(a, ".", root);
	ask_expect(a, ". NS do",
		   "NOERROR AA\n"
		   "AN . 3600 NS a.nic.\n"
		   "AN . 3600 NS b.nic.\n"
		   "AN . 3600 RRSIG NS 5 0 3600 20300101000000 "
		   "20200101000000 1 . AAAA\n"
		   "AD a.nic. 3600 A 192.0.2.1\n"
		   "AD b.nic. 3600 A 192.0.2.2\n");
	assert_int_equal(a->len, 12 + 5 + (11 + 7) + (11 + 4) + (11 + 19 + 3) +
				     2 * (12 + 4) + 11);
	ask_expect(a, ". RRSIG do",
		   "NOERROR AA\n"
		   "AN . 3600 RRSIG NS 5 0 3600 20300101000000 "
		   "20200101000000 1 . AAAA\n");
	assert_int_equal(a->len, 12 + 5 + (11 + 19 + 3) + 11);
}

static void
what_does_not_fit_is_left_out_as_a_whole(void **state)
{
	struct ask *a = *state;

	for (unsigned reserve = 380; reserve < 480; reserve++) {
		char question[64];

		snprintf(question, sizeof(question),
			 "ns1.cut.test. A reserve=%u", reserve);
		ask_question(a, question);
		assert_true(a->len <= 512 - reserve || a->len == 30);
		assert_int_equal(a->result.truncated, a->len < 127);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_server_asked_for_by_name_points_to_the_question),
	    TEST(letters_of_another_case_are_pointed_to_as_well),
	    TEST(a_label_that_only_looks_like_the_questions_is_none),
	    TEST(a_soa_points_to_the_question_and_has_its_ttl),
	    TEST(what_an_alias_leads_to_points_to_every_alias),
	    TEST(servers_of_the_root_have_owners_of_one_octet),
	    TEST(what_does_not_fit_is_left_out_as_a_whole),
	};

	return cmocka_run_group_tests_name("response_tight", tests, NULL, NULL);
}
