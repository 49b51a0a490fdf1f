/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/owner_set.h"
#include "zonefile.h"

#define SIG(type)                                                              \
	" RRSIG " type " 8 2 60 20300101000000 20200101000000 1 example. "     \
	"AAAA\n"

static struct owner_set set;

static int
stop(void **state)
{
	(void)state;
	owner_set_fini(&set);
	return 0;
}

static void
make(const char *text)
{
	struct zonefile z = {0};

	zonefile_parse(&z, "example.", text);
	owner_set_start(&set, z.rrs[0].owner);
	for (size_t i = 0; i < z.count; i++) {
		assert_int_equal(owner_set_add(&set, &z.rrs[i]), SECD_OK);
	}
	zonefile_free(&z);
	assert_int_equal(owner_set_seal(&set), SECD_OK);
}

static void
assert_rrset(size_t i, uint16_t type, size_t first, size_t count,
	     size_t sig_count)
{
	assert_true(i < set.rrset_count);
	assert_int_equal(set.rrsets[i].type, type);
	assert_int_equal(set.rrsets[i].first, first);
	assert_int_equal(set.rrsets[i].count, count);
	assert_int_equal(set.rrsets[i].sig_count, sig_count);
}

static void
rrsets_come_by_type_with_their_signatures(void **state)
{
	(void)state;
	make("a" SIG("TXT") "a TXT x\na A 192.0.2.2\na" SIG(
	    "A") "a MX 1 b\na A 192.0.2.1\na" SIG("AAAA"));
	assert_int_equal(set.count, 7);
	assert_int_equal(set.rrset_count, 4);
	assert_rrset(0, RR_TYPE_A, 0, 2, 1);
	assert_rrset(1, RR_TYPE_MX, 3, 1, 0);
	assert_rrset(2, RR_TYPE_TXT, 4, 1, 1);
	assert_rrset(3, RR_TYPE_AAAA, 6, 0, 1);
	assert_int_equal(set.rrs[0].rdata[3], 1);
	assert_int_equal(set.rrs[1].rdata[3], 2);
	assert_ptr_equal(owner_set_find(&set, RR_TYPE_MX), &set.rrsets[1]);
	assert_null(owner_set_find(&set, RR_TYPE_AAAA));
	assert_null(owner_set_find(&set, RR_TYPE_NS));
}

static void
signatures_of_signatures_are_without_an_rrset(void **state)
{
	(void)state;
	make("a" SIG("RRSIG") "a TXT x\n");
	assert_int_equal(set.rrset_count, 2);
	assert_rrset(1, RR_TYPE_RRSIG, 1, 0, 1);
}

static void
the_lowest_ttl_is_everyone_s(void **state)
{
	(void)state;
	make("a 50 A 192.0.2.1\na 40 A 192.0.2.1\na 60 A 192.0.2.2\n"
	     "a 30 MX 1 b\n");
	assert_int_equal(set.count, 3);
	assert_int_equal(set.rrs[0].ttl, 40);
	assert_int_equal(set.rrs[1].ttl, 40);
	assert_int_equal(set.rrs[2].ttl, 30);
}

static void
lower_case_stays(void **state)
{
	(void)state;
	make("A MX 1 b.C.\na MX 1 B.c.\nA MX 1 B.C.\n");
	assert_memory_equal(set.owner, "\1a", 2);
	assert_int_equal(set.count, 1);
	assert_memory_equal(set.rrs[0].rdata, "\0\1\1b\1C", 7);
}

static void
a_set_is_used_again(void **state)
{
	(void)state;
	make("a A 192.0.2.1\na A 192.0.2.2\na MX 1 b\n");
	make("b TXT x\n");
	assert_int_equal(set.count, 1);
	assert_int_equal(set.rrset_count, 1);
	assert_memory_equal(set.owner, "\1b\7example", 10);
	assert_memory_equal(set.rrs[0].rdata, "\1x", 2);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(rrsets_come_by_type_with_their_signatures),
	    TEST(signatures_of_signatures_are_without_an_rrset),
	    TEST(the_lowest_ttl_is_everyone_s),
	    TEST(lower_case_stays),
	    TEST(a_set_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
