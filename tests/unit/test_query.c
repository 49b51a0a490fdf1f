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
#include "wire/query.h"
#include "wire/rr.h"

static const struct name_hash_key key = {{1, 2}};

/* A message in the making. */
struct message {
	uint8_t wire[2048];
	size_t len;
};

static void
add(struct message *m, const void *octets, size_t len)
{
	assert_true(len <= sizeof(m->wire) - m->len);
	memcpy(m->wire + m->len, octets, len);
	m->len += len;
}

static void
add_u16(struct message *m, unsigned value)
{
	uint8_t octets[2];

	put_u16(octets, (uint16_t)value);
	add(m, octets, sizeof(octets));
}

static void
add_name(struct message *m, const char *text)
{
	uint8_t name[NAME_LEN_MAX];

	assert_int_equal(name_from_text(text, name), SECD_OK);
	add(m, name, name_len(name));
}

static void
begin(struct message *m, unsigned flags, unsigned qdcount)
{
	m->len = 0;
	add_u16(m, 0x1234);
	add_u16(m, flags);
	add_u16(m, qdcount);
	add(m, "\0\0\0\0\0\0", 6);
}

static void
begin_question(struct message *m, unsigned flags, const char *name,
	       unsigned type, unsigned class)
{
	begin(m, flags, 1);
	add_name(m, name);
	add_u16(m, type);
	add_u16(m, class);
}

enum { ANSWER = 6, AUTHORITY = 8, ADDITIONAL = 10 };

/* Count one more record in a section. */
static void
count_one(struct message *m, unsigned section)
{
	put_u16(m->wire + section, (uint16_t)(get_u16(m->wire + section) + 1));
}

static void
add_record(struct message *m, unsigned section, const void *owner,
	   size_t owner_len, unsigned type, unsigned class, uint32_t ttl,
	   const void *rdata, size_t rdlen)
{
	add(m, owner, owner_len);
	add_u16(m, type);
	add_u16(m, class);
	add_u16(m, ttl >> 16);
	add_u16(m, ttl & 0xffff);
	add_u16(m, (unsigned)rdlen);
	add(m, rdata, rdlen);
	count_one(m, section);
}

static void
add_opt(struct message *m, uint32_t ttl, unsigned payload, const void *options,
	size_t len)
{
	add_record(m, ADDITIONAL, "", 1, RR_TYPE_OPT, payload, ttl, options,
		   len);
}

static void
add_address(struct message *m, unsigned section)
{
	add_record(m, section, "\xc0\x0c", 2, RR_TYPE_A, RR_CLASS_IN, 0,
		   "\xc0\x00\x02\x01", 4);
}

/* Give it memory of just its length, so that reading past its end is seen. */
static enum query_verdict
parse(struct query *q, const struct message *m)
{
	static uint8_t *copy;

	free(copy);
	copy = malloc(m->len > 0 ? m->len : 1);
	assert_non_null(copy);
	memcpy(copy, m->wire, m->len);
	memset(q, 0xa5, sizeof(*q));
	return query_parse(q, copy, m->len, &key);
}

static void
expect_error(const struct message *m, int rcode, bool has_question)
{
	struct query q;

	assert_int_equal(parse(&q, m), QUERY_ERROR);
	assert_int_equal(q.rcode, rcode);
	assert_int_equal(q.has_question, has_question);
	assert_int_equal(q.id, 0x1234);
}

static void
expect_plain(const struct message *m)
{
	struct query q;

	assert_int_equal(parse(&q, m), QUERY_PLAIN);
	assert_int_equal(q.rcode, RCODE_NOERROR);
	assert_true(q.has_question);
}

static void
a_plain_query_is_read(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, HEADER_RD, "WWW.Example.", RR_TYPE_AAAA,
		       RR_CLASS_IN);
	assert_int_equal(parse(&q, &m), QUERY_PLAIN);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.flags, HEADER_RD);
	assert_int_equal(q.opcode, OPCODE_QUERY);
	assert_int_equal(q.rcode, RCODE_NOERROR);
	assert_true(q.has_question);
	assert_int_equal(q.qtype, RR_TYPE_AAAA);
	assert_int_equal(q.qclass, RR_CLASS_IN);
	assert_int_equal(q.qname_len, 13);
	assert_memory_equal(q.lower, "\3www\7example", 13);
	assert_int_equal(q.hashes.count, 3);
	assert_int_equal(q.hashes.hash[0], name_hash(q.lower, &key));
	assert_int_equal(q.hashes.hash[1], name_hash(q.lower + 4, &key));
	assert_false(q.has_edns);
	assert_false(q.edns_do);
	assert_false(q.nsid);
	assert_false(q.has_tsig);
	(void)state;
}

static void
the_root_can_be_asked_for(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, 0, ".", RR_TYPE_NS, RR_CLASS_IN);
	assert_int_equal(parse(&q, &m), QUERY_PLAIN);
	assert_int_equal(q.qname_len, 1);
	assert_int_equal(q.lower[0], 0);
	assert_int_equal(q.hashes.count, 1);
	(void)state;
}

static void
every_class_is_plain(void **state)
{
	static const unsigned classes[] = {0, 1, 2, 3, 4, 254, 255, 65535};
	struct message m;
	struct query q;

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		begin_question(&m, 0, "a.example.", RR_TYPE_A, classes[i]);
		assert_int_equal(parse(&q, &m), QUERY_PLAIN);
		assert_int_equal(q.qclass, classes[i]);
	}
	(void)state;
}

static void
opt_is_read(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0x8000, 1400, "", 0);
	assert_int_equal(parse(&q, &m), QUERY_PLAIN);
	assert_true(q.has_edns);
	assert_true(q.edns_do);
	assert_int_equal(q.edns_payload, 1400);
	assert_false(q.nsid);

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0, 512, "\0\3\0\0", 4);
	assert_int_equal(parse(&q, &m), QUERY_PLAIN);
	assert_false(q.edns_do);
	assert_true(q.nsid);
	(void)state;
}

static void
unknown_options_flags_and_rcodes_are_ignored(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0x2a007fff, 0, "\xff\xfe\0\2ab\0\3\0\1x\0\xa\0\0", 15);
	assert_int_equal(parse(&q, &m), QUERY_PLAIN);
	assert_true(q.has_edns);
	assert_false(q.edns_do);
	assert_true(q.nsid);
	(void)state;
}

static void
header_bits_of_responses_are_ignored(void **state)
{
	struct message m;

	begin_question(&m, 0x07ff, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	expect_plain(&m);
	(void)state;
}

static void
records_that_mean_nothing_in_a_query_are_ignored(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_address(&m, ANSWER);
	add_address(&m, AUTHORITY);
	add_address(&m, ADDITIONAL);
	add_opt(&m, 0x8000, 1232, "", 0);
	add_address(&m, ADDITIONAL);
	assert_int_equal(parse(&q, &m), QUERY_PLAIN);
	assert_true(q.edns_do);
	(void)state;
}

static void
a_response_is_ignored(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, HEADER_QR, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	assert_int_equal(parse(&q, &m), QUERY_IGNORE);
	(void)state;
}

static void
less_than_a_header_is_ignored(void **state)
{
	struct message m;
	struct query q;

	begin(&m, 0, 1);
	for (m.len = 0; m.len < WIRE_HEADER_LEN; m.len++) {
		assert_int_equal(parse(&q, &m), QUERY_IGNORE);
	}
	(void)state;
}

static void
anything_but_one_question_is_formerr(void **state)
{
	struct message m;

	begin(&m, 0, 0);
	expect_error(&m, RCODE_FORMERR, false);
	begin(&m, 0, 1);
	expect_error(&m, RCODE_FORMERR, false);
	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	put_u16(m.wire + 4, 2);
	expect_error(&m, RCODE_FORMERR, false);
	(void)state;
}

static void
a_message_cut_anywhere_is_formerr(void **state)
{
	struct message m;
	struct query q;
	size_t len;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0x8000, 1232, "\0\3\0\0", 4);
	add_address(&m, ADDITIONAL);
	for (len = m.len; --m.len >= WIRE_HEADER_LEN;) {
		assert_int_equal(parse(&q, &m), QUERY_ERROR);
		assert_int_equal(q.rcode, RCODE_FORMERR);
	}
	m.len = len;
	expect_plain(&m);
	(void)state;
}

static void
a_broken_qname_is_formerr(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
	} names[] = {
	    {"\x01\x61\xc0\x0c", 4}, /* a pointer to itself */
	    {"\xc0\x00", 2},         /* one into the header */
	    {"\x40\x61\x00", 3},     /* a label of a kind never used */
	    {"\x80\x61\x00", 3},
	    {"\x05\x61\x62", 3}, /* a label longer than the message */
	};
	struct message m;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		begin(&m, 0, 1);
		add(&m, names[i].octets, names[i].len);
		if (i < 4) {
			add(&m, "\0\1\0\1", 4);
		}
		expect_error(&m, RCODE_FORMERR, false);
	}
	(void)state;
}

/* A name of 4 * 50 + 2 + last octets and the root. */
static void
begin_long(struct message *m, uint8_t last)
{
	uint8_t label[64];

	memset(label, 'a', sizeof(label));
	begin(m, 0, 1);
	label[0] = 49;
	for (unsigned i = 0; i < 4; i++) {
		add(m, label, 50);
	}
	label[0] = last;
	add(m, label, last + 1u);
	add(m, "\0\0\1\0\1", 5);
}

static void
a_qname_may_have_255_octets_and_no_more(void **state)
{
	struct message m;
	struct query q;

	begin_long(&m, 53);
	assert_int_equal(parse(&q, &m), QUERY_PLAIN);
	assert_int_equal(q.qname_len, 255);
	begin_long(&m, 54);
	expect_error(&m, RCODE_FORMERR, false);
	(void)state;
}

static void
octets_left_over_are_formerr(void **state)
{
	struct message m;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add(&m, "x", 1);
	expect_error(&m, RCODE_FORMERR, true);
	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0, 1232, "", 0);
	add(&m, "\0", 1);
	expect_error(&m, RCODE_FORMERR, true);
	(void)state;
}

static void
a_second_or_misplaced_opt_is_formerr(void **state)
{
	struct message m;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0, 1232, "", 0);
	add_opt(&m, 0, 1232, "", 0);
	expect_error(&m, RCODE_FORMERR, true);

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_record(&m, ANSWER, "", 1, RR_TYPE_OPT, 1232, 0, "", 0);
	expect_error(&m, RCODE_FORMERR, true);

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_record(&m, AUTHORITY, "", 1, RR_TYPE_OPT, 1232, 0, "", 0);
	expect_error(&m, RCODE_FORMERR, true);

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_record(&m, ADDITIONAL, "\1a", 3, RR_TYPE_OPT, 1232, 0, "", 0);
	expect_error(&m, RCODE_FORMERR, true);
	(void)state;
}

static void
a_broken_option_is_formerr(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
	} options[] = {
	    {"\0", 1}, {"\0\3\0", 3}, {"\0\3\0\1", 4}, {"\0\3\0\0\0", 5}};
	struct message m;
	struct query q;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
		add_opt(&m, 0, 1232, options[i].octets, options[i].len);
		expect_error(&m, RCODE_FORMERR, true);
		assert_int_equal(parse(&q, &m), QUERY_ERROR);
		assert_false(q.has_edns);
	}
	(void)state;
}

static void
another_edns_version_is_badvers(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0x00018000, 1232, "what", 4);
	assert_int_equal(parse(&q, &m), QUERY_ERROR);
	assert_int_equal(q.rcode, RCODE_BADVERS);
	assert_true(q.has_question);
	assert_true(q.has_edns);
	assert_true(q.edns_do);
	add(&m, "x", 1);
	expect_error(&m, RCODE_FORMERR, true);
	(void)state;
}

static void
bad_pointers_of_owners_are_formerr(void **state)
{
	static const char *const owners[] = {"\xc0\x30", "\xff\xff", "\x41x"};
	struct message m;

	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
		add_record(&m, ADDITIONAL, owners[i], 2, RR_TYPE_A, 1, 0, "",
			   0);
		expect_error(&m, RCODE_FORMERR, true);
	}
	(void)state;
}

static void
other_opcodes_are_notimp_whatever_follows(void **state)
{
	struct message m;
	struct query q;

	for (unsigned opcode = 1; opcode < 16; opcode++) {
		if (opcode == OPCODE_NOTIFY) {
			continue;
		}
		begin_question(&m, opcode << 11, "example.", RR_TYPE_SOA,
			       RR_CLASS_IN);
		add_opt(&m, 0, 1232, "", 0);
		expect_error(&m, RCODE_NOTIMP, true);
		assert_int_equal(parse(&q, &m), QUERY_ERROR);
		assert_int_equal(q.opcode, opcode);
		assert_true(q.has_edns);
		add(&m, "\xff", 1);
		expect_error(&m, RCODE_NOTIMP, true);
		begin(&m, opcode << 11, 3);
		expect_error(&m, RCODE_NOTIMP, false);
	}
	(void)state;
}

static void
notify_goes_the_other_way(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, OPCODE_NOTIFY << 11, "Example.", RR_TYPE_SOA,
		       RR_CLASS_IN);
	add_address(&m, ANSWER);
	assert_int_equal(parse(&q, &m), QUERY_OTHER);
	assert_int_equal(q.opcode, OPCODE_NOTIFY);
	assert_memory_equal(q.lower, "\7example", 9);
	assert_int_equal(q.hashes.hash[0], name_hash(q.lower, &key));
	(void)state;
}

static void
transfers_go_the_other_way(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, 0, "example.", RR_TYPE_AXFR, RR_CLASS_IN);
	assert_int_equal(parse(&q, &m), QUERY_OTHER);
	begin_question(&m, 0, "example.", RR_TYPE_IXFR, RR_CLASS_IN);
	add_address(&m, AUTHORITY);
	assert_int_equal(parse(&q, &m), QUERY_OTHER);
	(void)state;
}

static void
a_signed_query_goes_the_other_way(void **state)
{
	struct message m;
	struct query q;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_opt(&m, 0x8000, 1232, "", 0);
	add_record(&m, ADDITIONAL, "\3key", 5, RR_TYPE_TSIG, RR_CLASS_ANY, 0,
		   "?", 1);
	assert_int_equal(parse(&q, &m), QUERY_OTHER);
	assert_true(q.has_tsig);
	assert_true(q.edns_do);
	(void)state;
}

static void
tsig_is_last_and_in_the_additional_section(void **state)
{
	struct message m;

	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_record(&m, ADDITIONAL, "\3key", 5, RR_TYPE_TSIG, RR_CLASS_ANY, 0,
		   "?", 1);
	add_opt(&m, 0, 1232, "", 0);
	expect_error(&m, RCODE_FORMERR, true);
	begin_question(&m, 0, "a.example.", RR_TYPE_A, RR_CLASS_IN);
	add_record(&m, AUTHORITY, "\3key", 5, RR_TYPE_TSIG, RR_CLASS_ANY, 0,
		   "?", 1);
	expect_error(&m, RCODE_FORMERR, true);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_query_is_read),
	    cmocka_unit_test(the_root_can_be_asked_for),
	    cmocka_unit_test(every_class_is_plain),
	    cmocka_unit_test(opt_is_read),
	    cmocka_unit_test(unknown_options_flags_and_rcodes_are_ignored),
	    cmocka_unit_test(header_bits_of_responses_are_ignored),
	    cmocka_unit_test(records_that_mean_nothing_in_a_query_are_ignored),
	    cmocka_unit_test(a_response_is_ignored),
	    cmocka_unit_test(less_than_a_header_is_ignored),
	    cmocka_unit_test(anything_but_one_question_is_formerr),
	    cmocka_unit_test(a_message_cut_anywhere_is_formerr),
	    cmocka_unit_test(a_broken_qname_is_formerr),
	    cmocka_unit_test(a_qname_may_have_255_octets_and_no_more),
	    cmocka_unit_test(octets_left_over_are_formerr),
	    cmocka_unit_test(a_second_or_misplaced_opt_is_formerr),
	    cmocka_unit_test(a_broken_option_is_formerr),
	    cmocka_unit_test(another_edns_version_is_badvers),
	    cmocka_unit_test(bad_pointers_of_owners_are_formerr),
	    cmocka_unit_test(other_opcodes_are_notimp_whatever_follows),
	    cmocka_unit_test(notify_goes_the_other_way),
	    cmocka_unit_test(transfers_go_the_other_way),
	    cmocka_unit_test(a_signed_query_goes_the_other_way),
	    cmocka_unit_test(tsig_is_last_and_in_the_additional_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
