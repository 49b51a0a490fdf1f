/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "rr_maker.h"
#include "rr_oracle.h"
#include "wire/rr.h"
#include "wire/rr_layout.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

static struct rr_reader reader;

static void
random_records_read_as_they_were_made_and_as_libknot_reads_them(void **state)
{
	static struct made made[20];
	static struct maker m;
	unsigned seen[260] = {0}, kinds = 0;

	(void)state;
	m.rnd.state = 7;
	for (int round = 0; round < 2000; round++) {
		size_t at = 12;
		uint8_t *msg;

		m.len = at;
		m.suffix_count = 0;
		for (size_t i = 0; i < LEN(made); i++) {
			put_random_record(&m, random_type(&m.rnd), &made[i]);
		}
		msg = malloc(m.len);
		assert_non_null(msg);
		memcpy(msg, m.msg, m.len);
		for (size_t i = 0; i < LEN(made); i++) {
			size_t start = at;
			enum deviation why;
			uint16_t class;
			struct rr rr;

			assert_null(
			    oracle_read(msg, m.len, &at, &reader, &why));
			rr_reader_init(&reader, msg, m.len, start);
			assert_int_equal(rr_reader_next(&reader, &rr, &class),
					 SECD_OK);
			assert_int_equal(rr.type, made[i].type);
			assert_int_equal(class, made[i].class);
			assert_int_equal(rr.ttl, made[i].ttl);
			assert_memory_equal(rr.owner, made[i].owner,
					    name_len(made[i].owner));
			assert_int_equal(rr.rdlen, made[i].rdlen);
			assert_memory_equal(rr.rdata, made[i].rdata, rr.rdlen);
			seen[rr.type < 260 ? rr.type : 0]++;
			assert_true(why == DEVIATION_NONE);
		}
		assert_int_equal(at, m.len);
		free(msg);
	}
	for (uint16_t type = 0; type < 260; type++) {
		if (rr_layout(type)->block[0] != BLOCK_END) {
			assert_true(seen[type] > 100);
			kinds++;
		}
	}
	assert_true(kinds > 50);
}

static void
spoilt_messages_read_as_libknot_reads_them_or_for_a_known_reason_not(
    void **state)
{
	static struct made made;
	static struct maker m;
	unsigned refused = 0, read = 0;

	(void)state;
	m.rnd.state = 8;
	for (int round = 0; round < 40000; round++) {
		size_t at = 12, len;
		uint8_t *msg;

		m.len = at;
		m.suffix_count = 0;
		for (int i = 0; i < 4; i++) {
			put_random_record(&m, random_type(&m.rnd), &made);
		}
		for (unsigned n = rnd_below(&m.rnd, 4); n > 0; n--) {
			unsigned place = rnd_below(&m.rnd, (unsigned)m.len);

			m.msg[place] = rnd_below(&m.rnd, 3) == 0
					   ? 0xc0
					   : (uint8_t)rnd_next(&m.rnd);
		}
		len = m.len - (rnd_below(&m.rnd, 4) == 0
				   ? rnd_below(&m.rnd, (unsigned)m.len - 12)
				   : 0);
		msg = malloc(len);
		assert_non_null(msg);
		memcpy(msg, m.msg, len);
		while (at != 0 && at < len) {
			size_t start = at;
			enum deviation why;
			const char *wrong =
			    oracle_read(msg, len, &at, &reader, &why);

			if (wrong != NULL) {
				fail_msg("round %d, octet %zu: %s", round,
					 start, wrong);
			}
			read += at != 0;
			refused += at == 0;
		}
		free(msg);
	}
	assert_true(read > 1000 && refused > 1000);
}

/* Each deviation from libknot, by the least example of it. */
static void
the_known_deviations_from_libknot_are_still_there(void **state)
{
	static const struct {
		enum deviation why;
		uint16_t type, class;
		const char *rdata;
		size_t rdlen;
	} rows[] = {
	    {DEVIATION_POINTERS, 2, 1, "\004\001x\000y\300\030", 7},
	    {DEVIATION_UNCOMPRESSIBLE, 47, 1, "\300\000\000\001\100", 5},
	    {DEVIATION_UNCOMPRESSIBLE, 46, 1, "0123456789abcdefgh\300\000", 20},
	    {DEVIATION_UNCOMPRESSIBLE, 250, 255, "\300\0000123456789abcdef",
	     18},
	    {DEVIATION_LEFT_OVER, 2, 1, "\300\000x", 3},
	    {DEVIATION_LEFT_OVER, 15, 1, "\000\001\300\000x", 5},
	    {DEVIATION_LAYOUT, 16, 1, "\003ab", 3},
	    {DEVIATION_LAYOUT, 47, 1, "\000\000\000", 3},
	    {DEVIATION_EMPTY_OTHER_CLASS, 1, 3, "", 0},
	    {DEVIATION_EMPTY_OTHER_CLASS, 250, 255, "", 0},
	    {DEVIATION_EMPTY_OPAQUE, 10, 1, "", 0},
	    {DEVIATION_EMPTY_OPAQUE, 252, 1, "", 0},
	    {DEVIATION_SHRUNK, 2, 1, "\300\010", 2},
	    {DEVIATION_SHRUNK, 33, 1, "\000\001\000\001\000\001\300\010", 8},
	    {DEVIATION_SHRUNK, 14, 1, "\300\010\003abc\000", 7},
	    {DEVIATION_NONE, 14, 1, "\300\010\300\000", 4},
	};
	unsigned seen[DEVIATION_COUNT] = {0};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct one one = one_record(rows[i].type, rows[i].class,
					    rows[i].rdata, rows[i].rdlen);
		size_t at = ONE_OWNER_AT;
		enum deviation why;
		const char *wrong =
		    oracle_read(one.msg, one.len, &at, &reader, &why);

		if (wrong != NULL || why != rows[i].why) {
			fail_msg("row %zu: %s; seen: %s; listed: %s", i,
				 wrong != NULL ? wrong : "",
				 deviation_texts[why],
				 deviation_texts[rows[i].why]);
		}
		seen[why]++;
		free(one.msg);
	}
	for (int i = DEVIATION_NONE + 1; i < DEVIATION_COUNT; i++) {
		assert_true(seen[i] > 0);
	}
}

/* Canonical form by hand: fold the spans, then compare octets. */
static int
model_order(const struct rr *a, const struct rr *b)
{
	static uint8_t folded[2][4096];
	const struct rr *both[] = {a, b};
	size_t len = a->rdlen < b->rdlen ? a->rdlen : b->rdlen;
	int order;

	for (int i = 0; i < 2; i++) {
		struct rr_span spans[2];
		int count = rr_names(both[i]->type, both[i]->rdata,
				     both[i]->rdlen, spans, 2);

		memcpy(folded[i], both[i]->rdata, both[i]->rdlen);
		if (!knot_rrtype_should_be_lowercased(both[i]->type)) {
			continue;
		}
		for (int j = 0; j < count; j++) {
			name_lower(folded[i] + spans[j].at,
				   folded[i] + spans[j].at);
		}
	}
	order = memcmp(folded[0], folded[1], len);
	order = order != 0 ? order : (int)a->rdlen - (int)b->rdlen;
	return (order > 0) - (order < 0);
}

static struct rr
record_of(const struct made *made)
{
	struct rr rr = {
	    .owner = made->owner,
	    .rdata = made->rdata,
	    .ttl = made->ttl,
	    .type = made->type,
	    .rdlen = (uint16_t)made->rdlen,
	};

	return rr;
}

static void
random_rdata_compares_as_its_canonical_form(void **state)
{
	static struct made a, b;
	static struct maker m;
	unsigned same = 0, other = 0;

	(void)state;
	m.rnd.state = 9;
	for (int round = 0; round < 60000; round++) {
		struct rr ra, rb;
		int order, want;
		uint16_t type = random_type(&m.rnd);

		m.len = 12;
		m.suffix_count = 0;
		put_random_record(&m, type, &a);
		if (type == RR_TYPE_RRSIG) {
			put_u16(a.rdata, 1);
		}
		b = a;
		if (rnd_below(&m.rnd, 3) == 0) {
			put_random_record(&m, type, &b);
			if (type == RR_TYPE_RRSIG) {
				put_u16(b.rdata, 1);
			}
		} else {
			/* A twin whose letters are in another case. */
			struct rr_span s[2] = {{0}};

			if (rr_names(type, a.rdata, a.rdlen, s, 2) > 0) {
				for (size_t i = 0; i < s[0].len; i++) {
					uint8_t *c = &b.rdata[s[0].at + i];

					if ((*c | 32) >= 'a' &&
					    (*c | 32) <= 'z') {
						*c ^= 32;
					}
				}
			}
		}
		ra = record_of(&a);
		rb = record_of(&b);
		want = model_order(&ra, &rb);
		order = rr_compare(&ra, &rb);
		assert_int_equal((order > 0) - (order < 0), want);
		order = rr_compare(&rb, &ra);
		assert_int_equal((order > 0) - (order < 0), -want);
		same += want == 0;
		other += want != 0;
	}
	assert_true(same > 1000 && other > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		random_records_read_as_they_were_made_and_as_libknot_reads_them),
	    cmocka_unit_test(
		spoilt_messages_read_as_libknot_reads_them_or_for_a_known_reason_not),
	    cmocka_unit_test(the_known_deviations_from_libknot_are_still_there),
	    cmocka_unit_test(random_rdata_compares_as_its_canonical_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
