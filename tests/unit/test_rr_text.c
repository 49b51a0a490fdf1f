/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "rnd.h"
#include "wire/rr_text.h"
#include "zonefile.h"

#define NOW 1790000000

static const char *const records[] = {
    "example. 3600 SOA ns.example. host.example. 1 2 3 4 5",
    "a.example. 60 A 192.0.2.1",
    "a.example. 60 AAAA 2001:db8::1",
    "b\\.c.example. 60 MX 10 mx.example.",
    "\\000.example. 0 NS Ns.Example.",
    "t.example. 60 TXT \"a b\" \"\\\"\\\\ \\001\"",
    "_x._tcp.example. 60 SRV 1 2 3 host.example.",
    "s.example. 60 DS 1 13 2 "
    "0101010101010101010101010101010101010101010101010101010101010101",
    "s.example. 60 RRSIG A 13 2 60 20260101000000 20250101000000 7 "
    "example. AAAA",
    "s.example. 60 NSEC a.example. A NS TYPE65280",
    "s.example. 60 DNSKEY 257 3 13 AAAA",
    "s.example. 60 NSEC3PARAM 1 0 5 AABB",
    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 60 NSEC3 1 1 12 AABBCCDD "
    "2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
    "s.example. 60 TYPE65280 \\# 3 010203",
    "s.example. 60 TYPE65281 \\# 0",
};

static void
what_is_written_reads_back_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct zonefile z = {0}, again = {0};
		char out[1024];

		zonefile_parse(&z, ".", records[i]);
		assert_int_equal(z.count, 1);
		assert_int_equal(rr_text(&z.rrs[0], NOW, out, sizeof(out)),
				 SECD_OK);
		zonefile_parse(&again, ".", out);
		assert_int_equal(again.count, 1);
		assert_true(name_equal(z.rrs[0].owner, again.rrs[0].owner));
		assert_int_equal(z.rrs[0].ttl, again.rrs[0].ttl);
		assert_int_equal(z.rrs[0].type, again.rrs[0].type);
		assert_int_equal(z.rrs[0].rdlen, again.rrs[0].rdlen);
		assert_memory_equal(z.rrs[0].rdata, again.rrs[0].rdata,
				    z.rrs[0].rdlen);
		zonefile_free(&z);
		zonefile_free(&again);
	}
}

static void
a_plain_record_is_one_line_with_tabs(void **state)
{
	struct zonefile z = {0};
	char out[256];

	(void)state;
	zonefile_parse(&z, ".", records[1]);
	assert_int_equal(rr_text(&z.rrs[0], NOW, out, sizeof(out)), SECD_OK);
	assert_string_equal(out, "a.example. 60 A 192.0.2.1");
	assert_int_equal(rr_text(&z.rrs[0], NOW, out, 12), SECD_ENOSPC);
	assert_int_equal(rr_text(&z.rrs[0], NOW, out, 24), SECD_ENOSPC);
	zonefile_free(&z);
}

static void
what_is_no_record_does_no_harm(void **state)
{
	static const uint8_t owner[] = "\1a";
	struct rnd r = {3};
	char out[400];

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		uint16_t len = (uint16_t)rnd_below(&r, 40);
		uint8_t *rdata = malloc(len + 1u);
		struct rr rr = {.owner = owner, .rdata = rdata, .rdlen = len};
		int rc;

		assert_non_null(rdata);
		rnd_fill(&r, rdata, len);
		rr.type = (uint16_t)rnd_below(&r, 70);
		rc = rr_text(&rr, NOW, out, sizeof(out));
		assert_true(rc == SECD_OK || rc == SECD_EMALF ||
			    rc == SECD_ENOSPC);
		if (rc == SECD_OK) {
			assert_null(strchr(out, '\n'));
		}
		free(rdata);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_reads_back_as_it_was),
	    cmocka_unit_test(a_plain_record_is_one_line_with_tabs),
	    cmocka_unit_test(what_is_no_record_does_no_harm),
	};

	return cmocka_run_group_tests_name("rr_text", tests, NULL, NULL);
}
