/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "rr_maker.h"
#include "wire/rr.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

static struct rr_reader reader;

/* ------------------------------------------------------ one record by hand */

static int
read_one(uint16_t type, uint16_t class, const void *rdata, size_t rdlen)
{
	struct one one = one_record(type, class, rdata, rdlen);
	uint16_t got_class = 0;
	struct rr rr;
	int rc;

	rr_reader_init(&reader, one.msg, one.len, ONE_OWNER_AT);
	rc = rr_reader_next(&reader, &rr, &got_class);
	if (rc == SECD_OK) {
		assert_int_equal(reader.pos, one.len);
		assert_int_equal(rr.type, type);
		assert_int_equal(got_class, class);
		assert_int_equal(rr.ttl, 3600);
		assert_string_equal((const char *)rr.owner, "\001a\007example");
	} else {
		assert_int_equal(reader.pos, ONE_OWNER_AT);
		assert_int_equal(got_class, 0);
	}
	free(one.msg);
	return rc;
}

struct sample {
	uint16_t type;
	const char *rdata;
	size_t rdlen;
};

#define SAMPLE(type, octets)                                                   \
	{                                                                      \
		type, octets, sizeof(octets) - 1                               \
	}

/* The least RDATA of each type: an octet less is refused. */
static const struct sample least[] = {
    SAMPLE(RR_TYPE_A, "\300\000\002\001"),
    SAMPLE(RR_TYPE_NS, "\000"),
    SAMPLE(RR_TYPE_CNAME, "\001b\000"),
    SAMPLE(RR_TYPE_SOA, "\000\000"
			"\000\000\000\001\000\000\000\002\000\000\000\003"
			"\000\000\000\004\000\000\000\005"),
    SAMPLE(RR_TYPE_PTR, "\000"),
    SAMPLE(RR_TYPE_HINFO, "\000\000"),
    SAMPLE(14, "\000\000"), /* MINFO */
    SAMPLE(RR_TYPE_MX, "\000\012\000"),
    SAMPLE(RR_TYPE_TXT, "\000"),
    SAMPLE(17, "\000\000"),     /* RP */
    SAMPLE(18, "\000\001\000"), /* AFSDB */
    SAMPLE(RR_TYPE_KEY, "\001\000\003\015"),
    SAMPLE(RR_TYPE_AAAA, "0123456789abcdef"),
    SAMPLE(29, "\0000123456789abcde"), /* LOC */
    SAMPLE(RR_TYPE_SRV, "\000\001\000\002\000\065\000"),
    SAMPLE(35, "\000\001\000\002\000\000\000\000"), /* NAPTR */
    SAMPLE(36, "\000\001\000"),                     /* KX */
    SAMPLE(37, "\000\001\000\002\003"),             /* CERT */
    SAMPLE(RR_TYPE_DNAME, "\000"),
    SAMPLE(RR_TYPE_DS, "\000\001\015\002"),
    SAMPLE(44, "\001\001"), /* SSHFP */
    SAMPLE(RR_TYPE_RRSIG, "0123456789abcdefgh\000"),
    SAMPLE(RR_TYPE_NSEC, "\000"),
    SAMPLE(RR_TYPE_DNSKEY, "\001\001\003\015"),
    SAMPLE(49, "x"), /* DHCID */
    SAMPLE(RR_TYPE_NSEC3, "\001\000\000\000\000\001x"),
    SAMPLE(RR_TYPE_NSEC3PARAM, "\001\000\000\000\000"),
    SAMPLE(52, "\003\001\001"),             /* TLSA */
    SAMPLE(61, "x"),                        /* OPENPGPKEY */
    SAMPLE(62, "\000\000\000\001\000\003"), /* CSYNC */
    SAMPLE(RR_TYPE_ZONEMD, "\000\000\000\001\001\001"),
    SAMPLE(RR_TYPE_SVCB, "\000\000\000"),
    SAMPLE(RR_TYPE_HTTPS, "\000\001\000"),
    SAMPLE(99, "\000"),              /* SPF */
    SAMPLE(104, "\000\00112345678"), /* NID */
    SAMPLE(107, "\000\001\000"),     /* LP */
    SAMPLE(108, "123456"),           /* EUI48 */
    SAMPLE(RR_TYPE_TSIG, "\000tttttt\001\054\000\000\000\000\000\000\000\000"),
    SAMPLE(256, "\000\001\000\001"), /* URI */
    SAMPLE(257, "\000\000"),         /* CAA */
};

static void
a_record_cut_short_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(least); i++) {
		struct one one = one_record(least[i].type, RR_CLASS_IN,
					    least[i].rdata, least[i].rdlen);

		for (size_t len = ONE_OWNER_AT; len <= one.len; len++) {
			uint8_t *cut = malloc(len);
			uint16_t class;
			struct rr rr;

			assert_non_null(cut);
			memcpy(cut, one.msg, len);
			rr_reader_init(&reader, cut, len, ONE_OWNER_AT);
			assert_int_equal(rr_reader_next(&reader, &rr, &class),
					 len == one.len ? SECD_OK : SECD_EMALF);
			free(cut);
		}
		free(one.msg);
	}
}

static void
rdata_shorter_than_its_type_needs_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(least); i++) {
		const struct sample *s = &least[i];

		assert_int_equal(
		    read_one(s->type, RR_CLASS_IN, s->rdata, s->rdlen),
		    SECD_OK);
		for (size_t len = 0; len < s->rdlen; len++) {
			if (read_one(s->type, RR_CLASS_IN, s->rdata, len) !=
			    SECD_EMALF) {
				fail_msg("type %u with %zu octets", s->type,
					 len);
			}
		}
	}
}

static void
octets_left_over_in_rdata_are_refused(void **state)
{
	/* Types that end with a name, a number or strings of known count. */
	static const uint16_t types[] = {1,  2,   5,   6,   12, 13, 14, 15,
					 17, 18,  28,  29,  33, 35, 36, 39,
					 51, 104, 107, 108, 47, 50, 62, 64};
	uint8_t rdata[64];
	unsigned tried = 0;

	(void)state;
	for (size_t i = 0; i < LEN(least); i++) {
		for (size_t j = 0; j < LEN(types); j++) {
			if (types[j] != least[i].type) {
				continue;
			}
			memcpy(rdata, least[i].rdata, least[i].rdlen);
			rdata[least[i].rdlen] = 'x';
			assert_int_equal(read_one(types[j], RR_CLASS_IN, rdata,
						  least[i].rdlen + 1),
					 SECD_EMALF);
			tried++;
		}
	}
	assert_int_equal(tried, LEN(types));
}

static void
strings_bitmaps_and_parameters_must_fit(void **state)
{
	static const struct {
		struct sample s;
		int rc;
	} rows[] = {
	    {SAMPLE(RR_TYPE_TXT, "\003abc\000\001x"), SECD_OK},
	    {SAMPLE(RR_TYPE_TXT, "\003ab"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_TXT, "\003abc\001"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_HINFO, "\003abc\001x"), SECD_OK},
	    {SAMPLE(RR_TYPE_HINFO, "\003abc\002x"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_NSEC, "\001b\000\000\001\100"), SECD_OK},
	    {SAMPLE(RR_TYPE_NSEC, "\000\000\001\100\001\002\000\001"), SECD_OK},
	    {SAMPLE(RR_TYPE_NSEC, "\000\000\000"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_NSEC, "\000\000\002\100"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_NSEC, "\000\001\001\100\001\001\100"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_NSEC, "\000\001\001\100\000\001\100"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_NSEC, "\000\000\0410123456789abcdef"
				  "0123456789abcdef0"),
	     SECD_EMALF},
	    {SAMPLE(RR_TYPE_NSEC, "\000\000\0400123456789abcdef"
				  "0123456789abcdef"),
	     SECD_OK},
	    {SAMPLE(RR_TYPE_NSEC3, "\001\001\000\001\002ss\002hh\000\001\100"),
	     SECD_OK},
	    {SAMPLE(RR_TYPE_NSEC3, "\001\001\000\001\002ss\000\000\001\100"),
	     SECD_EMALF},
	    {SAMPLE(RR_TYPE_NSEC3PARAM, "\001\000\000\001\002ss"), SECD_OK},
	    {SAMPLE(RR_TYPE_NSEC3PARAM, "\001\000\000\001\003ss"), SECD_EMALF},
	    {SAMPLE(RR_TYPE_SVCB, "\000\001\000\000\001\000\003\002h2"),
	     SECD_OK},
	    {SAMPLE(RR_TYPE_SVCB, "\000\001\000\000\002\000\000"), SECD_OK},
	    {SAMPLE(RR_TYPE_SVCB, "\000\001\000\000\001\000\004\002h2"),
	     SECD_EMALF},
	    {SAMPLE(RR_TYPE_SVCB, "\000\001\000\000\001\000"), SECD_EMALF},
	    {SAMPLE(257, "\000\005issueca.example"), SECD_OK},
	    {SAMPLE(257, "\000\005issu"), SECD_EMALF},
	    {SAMPLE(35, "\000\001\000\002\001s\001x\001!\001b\000"), SECD_OK},
	    {SAMPLE(35, "\000\001\000\002\001s\001x\004!\001b\000"),
	     SECD_EMALF},
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct sample *s = &rows[i].s;

		if (read_one(s->type, RR_CLASS_IN, s->rdata, s->rdlen) !=
		    rows[i].rc) {
			fail_msg("row %zu, type %u", i, s->type);
		}
	}
}

static void
rdata_may_be_empty_in_opaque_types_and_in_updates_only(void **state)
{
	static const uint16_t opaque[] = {0,   10,  11,  38,    41,   42,
					  251, 252, 255, 65280, 65535};

	(void)state;
	for (size_t i = 0; i < LEN(opaque); i++) {
		assert_int_equal(read_one(opaque[i], RR_CLASS_IN, "", 0),
				 SECD_OK);
		assert_int_equal(read_one(opaque[i], RR_CLASS_IN, "x", 1),
				 SECD_OK);
	}
	for (size_t i = 0; i < LEN(least); i++) {
		uint16_t type = least[i].type;
		int rc = type == RR_TYPE_TSIG ? SECD_EMALF : SECD_OK;

		assert_int_equal(read_one(type, RR_CLASS_ANY, "", 0), rc);
		assert_int_equal(read_one(type, RR_CLASS_NONE, "", 0), rc);
		assert_int_equal(read_one(type, RR_CLASS_CH, "", 0),
				 SECD_EMALF);
	}
	assert_int_equal(read_one(RR_TYPE_A, RR_CLASS_NONE, "abc", 3),
			 SECD_EMALF);
	assert_int_equal(read_one(RR_TYPE_OPT, 1232, "", 0), SECD_OK);
	assert_int_equal(read_one(RR_TYPE_OPT, 1232, "\000\003\000\000", 4),
			 SECD_OK);
}

/* ------------------------------------------------------------- compression */

#define PTR  "\300\000" /* to "example." in one_record's message */
#define FULL "\007example\000"

static void
names_are_decompressed_where_rfc_3597_says(void **state)
{
	static const struct {
		struct sample packed, plain;
	} rows[] = {
	    {SAMPLE(2, PTR), SAMPLE(2, FULL)},
	    {SAMPLE(3, PTR), SAMPLE(3, FULL)},
	    {SAMPLE(4, PTR), SAMPLE(4, FULL)},
	    {SAMPLE(5, PTR), SAMPLE(5, FULL)},
	    {SAMPLE(7, PTR), SAMPLE(7, FULL)},
	    {SAMPLE(8, PTR), SAMPLE(8, FULL)},
	    {SAMPLE(9, PTR), SAMPLE(9, FULL)},
	    {SAMPLE(12, PTR), SAMPLE(12, FULL)},
	    {SAMPLE(15, "\000\012" PTR), SAMPLE(15, "\000\012" FULL)},
	    {SAMPLE(18, "\000\001" PTR), SAMPLE(18, "\000\001" FULL)},
	    {SAMPLE(21, "\000\001" PTR), SAMPLE(21, "\000\001" FULL)},
	    {SAMPLE(24, "0123456789abcdefgh" PTR "sig"),
	     SAMPLE(24, "0123456789abcdefgh" FULL "sig")},
	    {SAMPLE(30, PTR "\140"), SAMPLE(30, FULL "\140")},
	    {SAMPLE(33, "\000\001\000\002\000\065" PTR),
	     SAMPLE(33, "\000\001\000\002\000\065" FULL)},
	    {SAMPLE(35, "\000\001\000\002\001s\000\001x" PTR),
	     SAMPLE(35, "\000\001\000\002\001s\000\001x" FULL)},
	    {SAMPLE(36, "\000\001" PTR), SAMPLE(36, "\000\001" FULL)},
	    {SAMPLE(39, "\001b" PTR), SAMPLE(39, "\001b" FULL)},
	    {SAMPLE(6, PTR "\001h" PTR "0123456789abcdefghij"),
	     SAMPLE(6, FULL "\001h" FULL "0123456789abcdefghij")},
	    {SAMPLE(14, PTR PTR), SAMPLE(14, FULL FULL)},
	    {SAMPLE(17, PTR "\001h" PTR), SAMPLE(17, FULL "\001h" FULL)},
	    {SAMPLE(26, "\000\001" PTR PTR), SAMPLE(26, "\000\001" FULL FULL)},
	    {SAMPLE(14, "\001b\000" PTR), SAMPLE(14, "\001b\000" FULL)},
	    {SAMPLE(14, PTR "\001b\000"), SAMPLE(14, FULL "\001b\000")},
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct sample *in = &rows[i].packed;
		const struct sample *want = &rows[i].plain;
		struct one one =
		    one_record(in->type, RR_CLASS_IN, in->rdata, in->rdlen);
		uint16_t class;
		struct rr rr;

		rr_reader_init(&reader, one.msg, one.len, ONE_OWNER_AT);
		assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_OK);
		assert_int_equal(rr.rdlen, want->rdlen);
		assert_memory_equal(rr.rdata, want->rdata, want->rdlen);
		free(one.msg);
	}
}

static void
a_compressed_name_is_refused_where_no_sender_may(void **state)
{
	(void)state;
	assert_int_equal(read_one(RR_TYPE_RRSIG, RR_CLASS_IN,
				  "0123456789abcdefgh\300\000s", 21),
			 SECD_EMALF);
	assert_int_equal(
	    read_one(RR_TYPE_NSEC, RR_CLASS_IN, "\300\000\000\001\100", 5),
	    SECD_EMALF);
	assert_int_equal(
	    read_one(RR_TYPE_SVCB, RR_CLASS_IN, "\000\001\300\000", 4),
	    SECD_EMALF);
	assert_int_equal(
	    read_one(RR_TYPE_HTTPS, RR_CLASS_IN, "\000\001\001b\300\000", 6),
	    SECD_EMALF);
	assert_int_equal(read_one(107, RR_CLASS_IN, "\000\001\300\000", 4),
			 SECD_EMALF);
	assert_int_equal(read_one(RR_TYPE_TSIG, RR_CLASS_ANY,
				  "\300\0000123456789abcdef", 18),
			 SECD_EMALF);
	/* Opaque types keep such octets: they are not names there. */
	assert_int_equal(read_one(65280, RR_CLASS_IN, "\300\000", 2), SECD_OK);
}

static void
a_name_may_not_leave_its_rdata(void **state)
{
	/* RDLENGTH ends inside of the name; the octets behind would fit. */
	struct one one = one_record(RR_TYPE_NS, RR_CLASS_IN, "\003abc\000", 5);
	uint16_t class;
	struct rr rr;

	(void)state;
	for (uint16_t rdlen = 0; rdlen < 5; rdlen++) {
		put_u16(one.msg + one.rdata - 2, rdlen);
		rr_reader_init(&reader, one.msg, one.len, ONE_OWNER_AT);
		assert_int_equal(rr_reader_next(&reader, &rr, &class),
				 SECD_EMALF);
	}
	free(one.msg);
	one = one_record(RR_TYPE_NS, RR_CLASS_IN, "\001b\300\000", 4);
	put_u16(one.msg + one.rdata - 2, 3);
	rr_reader_init(&reader, one.msg, one.len, ONE_OWNER_AT);
	assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_EMALF);
	free(one.msg);
}

static void
rdata_is_copied_only_when_something_was_compressed(void **state)
{
	struct one one =
	    one_record(RR_TYPE_MX, RR_CLASS_IN, "\000\012\001b\300\000", 6);
	uint16_t class;
	struct rr rr;

	(void)state;
	rr_reader_init(&reader, one.msg, one.len, ONE_OWNER_AT);
	assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_OK);
	assert_ptr_equal(rr.rdata, reader.rdata);
	free(one.msg);

	for (size_t i = 0; i < LEN(least); i++) {
		one = one_record(least[i].type, RR_CLASS_IN, least[i].rdata,
				 least[i].rdlen);
		rr_reader_init(&reader, one.msg, one.len, ONE_OWNER_AT);
		assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_OK);
		assert_ptr_equal(rr.rdata, one.msg + one.rdata);
		free(one.msg);
	}

	/* Compressed octet for octet as long as it is uncompressed: the root
	 * by a pointer is one more, "b." by a pointer one less. */
	static const char both[] = "\001b\000"
				   "\000\000\016\000\001\000\000\000\000\000"
				   "\004\300\002\300\000";
	rr_reader_init(&reader, (const uint8_t *)both, sizeof(both) - 1, 3);
	assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_OK);
	assert_ptr_equal(rr.rdata, reader.rdata);
	assert_int_equal(rr.rdlen, 4);
	assert_memory_equal(rr.rdata, "\000\001b\000", 4);
}

static void
rdata_above_65535_octets_once_decompressed_is_refused(void **state)
{
	/* A long name, then a SIG whose signer is a pointer to it. */
	static uint8_t msg[70000];
	const size_t owner = 255, rdata = owner + 1 + 10;
	uint16_t class;
	struct rr rr;

	(void)state;
	for (size_t i = 0; i < 127; i++) {
		msg[2 * i] = 1;
		msg[2 * i + 1] = 'a';
	}
	put_u16(msg + owner + 1, RR_TYPE_SIG);
	put_u16(msg + owner + 3, RR_CLASS_IN);
	put_u16(msg + rdata + 18, 0xc000);
	for (unsigned more = 65530; more <= 65540; more++) {
		/* 2 octets become 255. */
		size_t rdlen = more - 253;

		put_u16(msg + rdata - 2, (uint16_t)rdlen);
		rr_reader_init(&reader, msg, rdata + rdlen, owner);
		assert_int_equal(rr_reader_next(&reader, &rr, &class),
				 more <= RR_RDATA_MAX ? SECD_OK : SECD_EMALF);
		if (more <= RR_RDATA_MAX) {
			assert_int_equal(rr.rdlen, more);
		}
	}
}

static void
a_position_outside_of_the_message_is_refused(void **state)
{
	static const uint8_t msg[12] = {0};
	uint16_t class;
	struct rr rr;

	(void)state;
	rr_reader_init(&reader, msg, sizeof(msg), sizeof(msg));
	assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_EMALF);
	rr_reader_init(&reader, msg, sizeof(msg), 4000);
	assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_EMALF);
	rr_reader_init(&reader, NULL, 0, 0);
	assert_int_equal(rr_reader_next(&reader, &rr, &class), SECD_EMALF);
}

/* --------------------------------------------------------- names in RDATA */

static void
spans_tell_where_names_are(void **state)
{
	struct rr_span s[2] = {{0}};

	(void)state;
	assert_int_equal(
	    rr_names(RR_TYPE_MX, (const uint8_t *)"\000\012\001b", 5, s, 2), 1);
	assert_int_equal(s[0].at, 2);
	assert_int_equal(s[0].len, 3);
	assert_int_equal(
	    rr_names(RR_TYPE_SOA,
		     (const uint8_t *)"\001a\000\002bc\00001234567890123456789",
		     27, s, 2),
	    2);
	assert_int_equal(s[0].at, 0);
	assert_int_equal(s[0].len, 3);
	assert_int_equal(s[1].at, 3);
	assert_int_equal(s[1].len, 4);
	assert_int_equal(
	    rr_names(35, (const uint8_t *)"\0\1\0\2\1s\2xy\0\1b", 13, s, 2), 1);
	assert_int_equal(s[0].at, 10);
	assert_int_equal(s[0].len, 3);
	assert_int_equal(
	    rr_names(RR_TYPE_RRSIG,
		     (const uint8_t *)"0123456789abcdefgh\001b\000sig", 24, s,
		     2),
	    1);
	assert_int_equal(s[0].at, 18);
	assert_int_equal(s[0].len, 3);
	assert_int_equal(
	    rr_names(RR_TYPE_SVCB, (const uint8_t *)"\0\1\1b", 5, s, 2), 1);
	assert_int_equal(s[0].at, 2);
}

static void
spans_beyond_the_room_are_counted_only(void **state)
{
	struct rr_span s[2] = {{7, 7}, {7, 7}};

	(void)state;
	assert_int_equal(
	    rr_names(14, (const uint8_t *)"\001a\000\001b", 6, s, 1), 2);
	assert_int_equal(s[0].at, 0);
	assert_int_equal(s[1].at, 7);
	assert_int_equal(
	    rr_names(14, (const uint8_t *)"\001a\000\001b", 6, NULL, 0), 2);
}

static void
types_without_names_have_none_and_broken_ones_are_told(void **state)
{
	const uint8_t none[1] = {0};
	struct rr_span s[2];

	(void)state;
	assert_int_equal(rr_names(RR_TYPE_A, (const uint8_t *)"xx", 2, s, 2),
			 0);
	assert_int_equal(rr_names(65280, (const uint8_t *)"xx", 2, s, 2), 0);
	assert_int_equal(rr_names(RR_TYPE_TXT, none, 0, s, 2), 0);
	assert_int_equal(rr_names(RR_TYPE_NS, none, 0, s, 2), SECD_EMALF);
	assert_int_equal(
	    rr_names(RR_TYPE_NS, (const uint8_t *)"\003ab", 3, s, 2),
	    SECD_EMALF);
	assert_int_equal(
	    rr_names(RR_TYPE_NS, (const uint8_t *)"\300\000", 2, s, 2),
	    SECD_EMALF);
}

static void
only_types_of_rfc_1035_leave_compressed(void **state)
{
	static const uint16_t yes[] = {2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15};
	unsigned count = 0;

	(void)state;
	for (unsigned type = 0; type < 65536; type++) {
		count += rr_is_compressible((uint16_t)type);
	}
	assert_int_equal(count, LEN(yes));
	for (size_t i = 0; i < LEN(yes); i++) {
		assert_true(rr_is_compressible(yes[i]));
	}
}

/* ------------------------------------------------------------------- order */

static struct rr
record(uint16_t type, const char *rdata, size_t rdlen)
{
	struct rr rr = {
	    .owner = (const uint8_t *)"",
	    .rdata = (const uint8_t *)rdata,
	    .type = type,
	    .rdlen = (uint16_t)rdlen,
	};

	return rr;
}

#define RECORD(type, octets) record(type, octets, sizeof(octets) - 1)

static int
order_of(struct rr a, struct rr b)
{
	int forth = rr_compare(&a, &b), back = rr_compare(&b, &a);

	assert_true((forth > 0) == (back < 0) && (forth < 0) == (back > 0));
	return (forth > 0) - (forth < 0);
}

static void
rdata_compares_as_octets_and_a_prefix_comes_first(void **state)
{
	(void)state;
	assert_int_equal(order_of(RECORD(1, "\001\002\003\004"),
				  RECORD(1, "\001\002\003\004")),
			 0);
	assert_int_equal(order_of(RECORD(1, "\001\002\003\004"),
				  RECORD(1, "\001\002\003\377")),
			 -1);
	assert_int_equal(order_of(RECORD(16, "\003abc"), RECORD(16, "\003abd")),
			 -1);
	assert_int_equal(order_of(RECORD(65280, "ab"), RECORD(65280, "abc")),
			 -1);
	assert_int_equal(order_of(RECORD(65280, ""), RECORD(65280, "a")), -1);
	assert_int_equal(order_of(RECORD(65280, ""), RECORD(65280, "")), 0);
	assert_int_equal(order_of(RECORD(16, "\001A"), RECORD(16, "\001a")),
			 -1);
}

static void
types_come_in_order_and_signatures_behind_what_they_cover(void **state)
{
	static const char sig_a[] = "\000\0010123456789abcdef\000s";
	static const char sig_ns[] = "\000\0020123456789abcdef\000s";
	static const char sig_nsec[] = "\000\0570123456789abcdef\000s";
	struct rr rrs[] = {
	    RECORD(1, "\001\002\003\004"),  RECORD(46, sig_a),
	    RECORD(2, "\001a\000"),         RECORD(46, sig_ns),
	    RECORD(28, "0123456789abcdef"), RECORD(47, "\000"),
	    RECORD(46, sig_nsec),           RECORD(48, "\001\000\003\015"),
	};

	(void)state;
	for (size_t i = 0; i < LEN(rrs); i++) {
		for (size_t j = 0; j < LEN(rrs); j++) {
			assert_int_equal(order_of(rrs[i], rrs[j]),
					 (i > j) - (i < j));
		}
	}
	assert_int_equal(rr_covered_type(&rrs[0]), RR_TYPE_A);
	assert_int_equal(rr_covered_type(&rrs[3]), RR_TYPE_NS);
	assert_int_equal(rr_covered_type(&rrs[5]), RR_TYPE_NSEC);
}

static void
ttl_and_owner_do_not_count(void **state)
{
	struct rr a = RECORD(1, "\001\002\003\004"), b = a;

	(void)state;
	b.ttl = 77;
	b.owner = (const uint8_t *)"\001x";
	assert_int_equal(order_of(a, b), 0);
}

static void
case_counts_in_names_of_newer_types_and_nsec_only(void **state)
{
	static const char sig_lower[] = "\000\0010123456789abcdef\001b\000s";
	static const char sig_upper[] = "\000\0010123456789abcdef\001B\000s";
	static const char sig_other[] = "\000\0010123456789Abcdef\001b\000s";

	(void)state;
	assert_int_equal(
	    order_of(RECORD(2, "\001b\000"), RECORD(2, "\001B\000")), 0);
	assert_int_equal(order_of(RECORD(33, "\0\1\0\2\0\3\001b\000"),
				  RECORD(33, "\0\1\0\2\0\3\001B\000")),
			 0);
	assert_int_equal(
	    order_of(RECORD(39, "\001b\000"), RECORD(39, "\001B\000")), 0);
	assert_int_equal(order_of(RECORD(46, sig_lower), RECORD(46, sig_upper)),
			 0);
	assert_int_equal(order_of(RECORD(46, sig_lower), RECORD(46, sig_other)),
			 1);
	/* RFC 6840 section 5.1 */
	assert_int_equal(
	    order_of(RECORD(47, "\001b\000"), RECORD(47, "\001B\000")), 1);
	assert_int_equal(order_of(RECORD(64, "\000\001\001b\000"),
				  RECORD(64, "\000\001\001B\000")),
			 1);
	/* Around the name, case is data. */
	assert_int_equal(order_of(RECORD(15, "\000a\001b\000"),
				  RECORD(15, "\000A\001b\000")),
			 1);
	assert_int_equal(order_of(RECORD(35, "\0\1\0\2\1s\0\0\001b\000"),
				  RECORD(35, "\0\1\0\2\1S\0\0\001b\000")),
			 1);
}

static void
soa_numbers_are_read_from_behind_its_names(void **state)
{
	struct rr soa = RECORD(RR_TYPE_SOA, "\001a\000\002bc\000"
					    "\000\000\000\001\000\000\000\002"
					    "\000\000\000\003\000\000\000\004"
					    "\377\000\000\005");
	struct rr_soa got;

	(void)state;
	rr_soa_get(&soa, &got);
	assert_int_equal(got.serial, 1);
	assert_int_equal(got.refresh, 2);
	assert_int_equal(got.retry, 3);
	assert_int_equal(got.expire, 4);
	assert_int_equal(got.minimum, 0xff000005);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_cut_short_anywhere_is_refused),
	    cmocka_unit_test(rdata_shorter_than_its_type_needs_is_refused),
	    cmocka_unit_test(octets_left_over_in_rdata_are_refused),
	    cmocka_unit_test(strings_bitmaps_and_parameters_must_fit),
	    cmocka_unit_test(
		rdata_may_be_empty_in_opaque_types_and_in_updates_only),
	    cmocka_unit_test(names_are_decompressed_where_rfc_3597_says),
	    cmocka_unit_test(a_compressed_name_is_refused_where_no_sender_may),
	    cmocka_unit_test(a_name_may_not_leave_its_rdata),
	    cmocka_unit_test(
		rdata_is_copied_only_when_something_was_compressed),
	    cmocka_unit_test(
		rdata_above_65535_octets_once_decompressed_is_refused),
	    cmocka_unit_test(a_position_outside_of_the_message_is_refused),
	    cmocka_unit_test(spans_tell_where_names_are),
	    cmocka_unit_test(spans_beyond_the_room_are_counted_only),
	    cmocka_unit_test(
		types_without_names_have_none_and_broken_ones_are_told),
	    cmocka_unit_test(only_types_of_rfc_1035_leave_compressed),
	    cmocka_unit_test(rdata_compares_as_octets_and_a_prefix_comes_first),
	    cmocka_unit_test(
		types_come_in_order_and_signatures_behind_what_they_cover),
	    cmocka_unit_test(ttl_and_owner_do_not_count),
	    cmocka_unit_test(case_counts_in_names_of_newer_types_and_nsec_only),
	    cmocka_unit_test(soa_numbers_are_read_from_behind_its_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
