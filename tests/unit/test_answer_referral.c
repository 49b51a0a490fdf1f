/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Referrals and glue (RFC 9471).
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

static const char zone[] = "@ SOA ns1 h 1 2 3 4 5\n"
			   "@ NS ns1\n"
			   "ns1 A 192.0.2.1\n"
			   "in NS ns1.in\n"
			   "in NS ns2.deep.in\n"
			   "in NS ns.outside.example.\n"
			   "ns1.in A 192.0.2.2\n"
			   "ns1.in AAAA 2001:db8::2\n"
			   "ns1.in TXT \"not an address\"\n"
			   "ns2.deep.in A 192.0.2.3\n"
			   "ns2.deep.in A 192.0.2.4\n"
			   "deep.in NS ns1.in\n"
			   "www.in A 192.0.2.5\n"
			   "self NS self\n"
			   "self A 192.0.2.6\n"
			   "sibling NS ns1.in\n"
			   "sibling NS NS2.Deep.In\n"
			   "sibling NS missing.in\n"
			   "own NS ns1\n"
			   "own NS ns1.in\n"
			   "out NS ns.outside.example.\n"
			   "alias NS cname.in\n"
			   "cname.in CNAME ns1.in\n"
			   "Mixed NS NS.mIXED\n"
			   "ns.mixed A 192.0.2.7\n";

#define IN                                                                     \
	"NOERROR\n"                                                            \
	"AU in.test. 3600 NS ns1.in.test.\n"                                   \
	"AU in.test. 3600 NS ns2.deep.in.test.\n"                              \
	"AU in.test. 3600 NS ns.outside.example.\n"                            \
	"AD ns1.in.test. 3600 A 192.0.2.2\n"                                   \
	"AD ns1.in.test. 3600 AAAA 2001:db8::2\n"                              \
	"AD ns2.deep.in.test. 3600 A 192.0.2.3\n"                              \
	"AD ns2.deep.in.test. 3600 A 192.0.2.4\n"

static int
set_up(void **state)
{
	struct ask *a = ask_new();

	ask_add_zone(a, "test.", zone);
	*state = a;
	return 0;
}

static void
all_at_and_below_a_cut_is_referred(void **state)
{
	ask_expect(*state, "in.test. A", IN);
	ask_expect(*state, "in.test. NS", IN);
	ask_expect(*state, "in.test. SOA", IN);
	ask_expect(*state, "in.test. ANY", IN);
	ask_expect(*state, "in.test. TXT tcp", IN);
	ask_expect(*state, "nothing.in.test. A", IN);
	ask_expect(*state, "a.b.c.in.test. A", IN);
}

static void
what_is_below_a_cut_is_never_the_answer(void **state)
{
	ask_expect(*state, "www.in.test. A", IN);
	ask_expect(*state, "ns1.in.test. A", IN);
	ask_expect(*state, "ns1.in.test. ANY", IN);
	ask_expect(*state, "www.in.test. DS", IN);
}

static void
a_cut_below_a_cut_does_not_count(void **state)
{
	ask_expect(*state, "deep.in.test. A", IN);
	ask_expect(*state, "ns2.deep.in.test. A", IN);
	ask_expect(*state, "x.deep.in.test. DS", IN);
	ask_expect(*state, "deep.in.test. DS", IN);
}

static void
ds_at_a_cut_is_answered_by_the_parent(void **state)
{
	ask_expect(*state, "in.test. DS",
		   "NOERROR AA\n"
		   "AU test. 5 SOA ns1.test. h.test. 1 2 3 4 5\n");
}

static void
a_server_may_have_the_name_of_the_cut(void **state)
{
	ask_expect(*state, "x.self.test. A",
		   "NOERROR\n"
		   "AU self.test. 3600 NS self.test.\n"
		   "AD self.test. 3600 A 192.0.2.6\n");
}

static void
glue_of_siblings_is_added(void **state)
{
	ask_expect(*state, "x.sibling.test. A",
		   "NOERROR\n"
		   "AU sibling.test. 3600 NS ns1.in.test.\n"
		   "AU sibling.test. 3600 NS NS2.Deep.In.test.\n"
		   "AU sibling.test. 3600 NS missing.in.test.\n"
		   "AD ns1.in.test. 3600 A 192.0.2.2\n"
		   "AD ns1.in.test. 3600 AAAA 2001:db8::2\n"
		   "AD NS2.Deep.In.test. 3600 A 192.0.2.3\n"
		   "AD NS2.Deep.In.test. 3600 A 192.0.2.4\n");
}

static void
addresses_that_are_no_glue_are_not_added(void **state)
{
	ask_expect(*state, "x.own.test. A",
		   "NOERROR\n"
		   "AU own.test. 3600 NS ns1.test.\n"
		   "AU own.test. 3600 NS ns1.in.test.\n"
		   "AD ns1.in.test. 3600 A 192.0.2.2\n"
		   "AD ns1.in.test. 3600 AAAA 2001:db8::2\n");
	ask_expect(*state, "x.out.test. A",
		   "NOERROR\nAU out.test. 3600 NS ns.outside.example.\n");
	ask_expect(*state, "x.alias.test. A",
		   "NOERROR\nAU alias.test. 3600 NS cname.in.test.\n");
}

static void
names_in_rdata_keep_the_case_of_the_zone(void **state)
{
	ask_expect(*state, "www.MIXED.test. A",
		   "NOERROR\n"
		   "AU MIXED.test. 3600 NS NS.mIXED.test.\n"
		   "AD NS.mIXED.test. 3600 A 192.0.2.7\n");
}

/* `count` servers below the cut with one address each. */
static void
add_big_cut(struct ask *a, unsigned count)
{
	static char text[65536];
	size_t len = (size_t)sprintf(text, "@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\n");

	for (unsigned i = 0; i < count; i++) {
		len += (size_t)sprintf(text + len,
				       "big NS ns%03u.big\n"
				       "ns%03u.big A 192.0.2.%u\n"
				       "ns%03u.big A 198.51.100.%u\n"
				       "brother NS ns%03u.big\n",
				       i, i, i % 256, i, i % 256, i);
	}
	ask_add_zone(a, "big.test.", text);
}

static unsigned
count_lines(const struct ask *a, const char *what)
{
	const char *line = a->text;
	unsigned count = 0;

	while ((line = strstr(line, what)) != NULL) {
		line++;
		count++;
	}
	return count;
}

static void
glue_that_is_missing_sets_tc(void **state)
{
	struct ask *a = *state;

	add_big_cut(a, 9);
	/* 9 NS of 20 octets, 18 A of 16 octets. */
	ask_question(a, "www.big.big.test. A");
	assert_false(a->result.truncated);
	assert_int_equal(count_lines(a, "\nAD "), 18);
	ask_question(a, "www.big.big.test. A cap=512 reserve=20");
	assert_true(a->result.truncated);
	assert_int_equal(count_lines(a, "\nAU "), 9);
	/* RRsets stay whole: two addresses go. */
	assert_int_equal(count_lines(a, "\nAD "), 16);
}

static void
sibling_glue_that_is_missing_does_not_set_tc(void **state)
{
	struct ask *a = *state;

	add_big_cut(a, 12);
	ask_question(a, "www.brother.big.test. A");
	assert_false(a->result.truncated);
	assert_int_equal(count_lines(a, "\nAU "), 12);
	assert_true(count_lines(a, "\nAD ") < 24);
	assert_int_equal(count_lines(a, "\nAD ") % 2, 0);
}

static void
servers_that_do_not_fit_set_tc(void **state)
{
	struct ask *a = *state;

	add_big_cut(a, 100);
	ask_expect(a, "www.big.big.test. A edns", "NOERROR TC\n");
	ask_question(a, "www.big.big.test. A tcp");
	assert_false(a->result.truncated);
	assert_int_equal(count_lines(a, "\nAD "), 200);
}

static void
a_huge_cut_is_referred_with_all_its_glue(void **state)
{
	struct ask *a = *state;

	/* More than 16000 octets of NS: no name in them is compressed, and
	 * glue is looked up. */
	add_big_cut(a, 600);
	ask_question(a, "www.big.big.test. A tcp");
	assert_false(a->result.truncated);
	assert_int_equal(count_lines(a, "\nAU big.big.test."), 600);
	assert_int_equal(count_lines(a, "\nAD ns"), 1200);
	ask_question(a, "www.big.big.test. A tcp cap=30000");
	assert_true(a->result.truncated);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, ask_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(all_at_and_below_a_cut_is_referred),
	    TEST(what_is_below_a_cut_is_never_the_answer),
	    TEST(a_cut_below_a_cut_does_not_count),
	    TEST(ds_at_a_cut_is_answered_by_the_parent),
	    TEST(a_server_may_have_the_name_of_the_cut),
	    TEST(glue_of_siblings_is_added),
	    TEST(addresses_that_are_no_glue_are_not_added),
	    TEST(names_in_rdata_keep_the_case_of_the_zone),
	    TEST(glue_that_is_missing_sets_tc),
	    TEST(sibling_glue_that_is_missing_does_not_set_tc),
	    TEST(servers_that_do_not_fit_set_tc),
	    TEST(a_huge_cut_is_referred_with_all_its_glue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
