/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/octets.h"
#include "secondaryd/module.h"
#include "wire/name.h"

#define NAMES_COUNT 5

/* An entry of a record that a number tells from others. */
static void
put(struct buf *b, enum secd_op op, const char *owner, uint32_t ttl,
    uint8_t number)
{
	uint8_t entry[1 + NAME_LEN_MAX + 11] = {(uint8_t)op}, *p;
	size_t len;

	assert_int_equal(name_from_text(owner, entry + 1), SECD_OK);
	len = name_len(entry + 1);
	p = entry + 1 + len;
	put_u16(p, op == SECD_OP_SOA_FROM || op == SECD_OP_SOA_TO ? 6 : 1);
	put_u32(p + 2, ttl);
	put_u16(p + 6, 1);
	p[8] = number;
	assert_int_equal(buf_put(b, entry, len + 10), SECD_OK);
}

static void
is_record(const struct net *net, size_t i, const char *owner, uint8_t number,
	  bool added)
{
	uint8_t name[NAME_LEN_MAX];

	assert_true(i < net->count);
	assert_int_equal(name_from_text(owner, name), SECD_OK);
	assert_true(name_equal(net->records[i].octets, name));
	assert_int_equal(net->records[i].octets[net->records[i].len - 1],
			 number);
	assert_int_equal(net->records[i].added, added);
}

/* Two steps: b.example. comes and goes, c.example. goes and comes. */
static void
two_steps(struct buf *b)
{
	put(b, SECD_OP_SOA_FROM, "example.", 60, 1);
	put(b, SECD_OP_DELETE, "c.example.", 60, 3);
	put(b, SECD_OP_SOA_TO, "example.", 60, 2);
	put(b, SECD_OP_ADD, "b.example.", 60, 2);
	put(b, SECD_OP_ADD, "a.example.", 60, 1);
	put(b, SECD_OP_SOA_FROM, "example.", 60, 2);
	put(b, SECD_OP_DELETE, "b.example.", 60, 2);
	put(b, SECD_OP_SOA_TO, "example.", 60, 3);
	put(b, SECD_OP_ADD, "c.example.", 60, 3);
}

static void
what_comes_and_goes_is_not_left(void **state)
{
	struct net net = {.count = 0};
	struct buf b = {0};

	(void)state;
	two_steps(&b);
	assert_int_equal(net_put(&net, b.data, b.len, false), SECD_OK);
	net_cancel(&net);
	net_sort(&net);
	assert_int_equal(net.count, 3);
	is_record(&net, 0, "example.", 1, false);
	is_record(&net, 1, "example.", 3, true);
	is_record(&net, 2, "a.example.", 1, true);
	assert_int_equal(net.octets, b.len);
	net_fini(&net);
	buf_fini(&b);
}

static void
backwards_it_is_the_other_way_round(void **state)
{
	struct net net = {.count = 0};
	struct buf b = {0};

	(void)state;
	two_steps(&b);
	assert_int_equal(net_put(&net, b.data, b.len, true), SECD_OK);
	net_cancel(&net);
	net_sort(&net);
	assert_int_equal(net.count, 3);
	is_record(&net, 0, "example.", 1, true);
	is_record(&net, 1, "example.", 3, false);
	is_record(&net, 2, "a.example.", 1, false);
	net_fini(&net);
	buf_fini(&b);
}

static void
what_is_left_stays_in_its_order(void **state)
{
	struct net net = {.count = 0};
	struct buf b = {0};

	(void)state;
	two_steps(&b);
	put(&b, SECD_OP_ADD, "0.example.", 60, 1);
	assert_int_equal(net_put(&net, b.data, b.len, false), SECD_OK);
	net_cancel(&net);
	assert_int_equal(net.count, 4);
	is_record(&net, 0, "example.", 1, false);
	is_record(&net, 1, "a.example.", 1, true);
	is_record(&net, 2, "example.", 3, true);
	is_record(&net, 3, "0.example.", 1, true);
	net_sort(&net);
	is_record(&net, 1, "example.", 3, true);
	is_record(&net, 2, "0.example.", 1, true);
	is_record(&net, 3, "a.example.", 1, true);
	net_fini(&net);
	buf_fini(&b);
}

static void
a_record_that_changes_its_ttl_or_case_is_another_one(void **state)
{
	struct net net = {.count = 0};
	struct buf b = {0};

	(void)state;
	put(&b, SECD_OP_DELETE, "a.example.", 60, 1);
	put(&b, SECD_OP_DELETE, "b.example.", 60, 1);
	put(&b, SECD_OP_ADD, "a.example.", 61, 1);
	put(&b, SECD_OP_ADD, "B.example.", 60, 1);
	assert_int_equal(net_put(&net, b.data, b.len, false), SECD_OK);
	net_cancel(&net);
	assert_int_equal(net.count, 4);
	net_fini(&net);
	buf_fini(&b);
}

static void
it_knows_what_was_deleted(void **state)
{
	struct net net = {.count = 0};
	struct buf b = {0}, other = {0};
	size_t len;

	(void)state;
	put(&b, SECD_OP_DELETE, "a.example.", 60, 1);
	len = b.len;
	put(&b, SECD_OP_ADD, "b.example.", 60, 1);
	put(&other, SECD_OP_ADD, "a.example.", 60, 2);
	assert_false(net_deletes(&net, b.data, len));
	assert_int_equal(net_put(&net, b.data, b.len, false), SECD_OK);
	net_cancel(&net);
	net_sort(&net);
	assert_true(net_deletes(&net, b.data, len));
	assert_false(net_deletes(&net, b.data + len, b.len - len));
	assert_false(net_deletes(&net, other.data, other.len));
	net_fini(&net);
	buf_fini(&b);
	buf_fini(&other);
}

static void
what_is_no_entry_is_refused(void **state)
{
	struct net net = {.count = 0};
	struct buf b = {0};

	(void)state;
	put(&b, SECD_OP_ADD, "a.example.", 60, 1);
	assert_int_equal(net_put(&net, b.data, b.len - 1, false), SECD_EMALF);
	b.data[0] = 9;
	assert_int_equal(net_put(&net, b.data, b.len, false), SECD_EMALF);
	net_fini(&net);
	buf_fini(&b);
}

/* Many random steps of a small zone: what is left is the difference of its
 * first and last state. */
static void
it_is_the_difference_of_the_ends(void **state)
{
	static const char *const names[NAMES_COUNT] = {
	    "a.example.", "b.example.", "x.a.example.", "*.example.",
	    "example."};
	struct net net = {.count = 0};
	bool first[NAMES_COUNT] = {true, false, true}, now[NAMES_COUNT];

	(void)state;
	srand(4);
	memcpy(now, first, sizeof(now));
	for (unsigned i = 0; i < 1000; i++) {
		unsigned n = (unsigned)rand() % NAMES_COUNT;
		struct buf b = {0};

		put(&b, now[n] ? SECD_OP_DELETE : SECD_OP_ADD, names[n], 60, 1);
		now[n] = !now[n];
		assert_int_equal(net_put(&net, b.data, b.len, false), SECD_OK);
		buf_fini(&b);
	}
	net_cancel(&net);
	net_sort(&net);
	for (size_t i = 1; i < net.count; i++) {
		assert_true(name_compare(net.records[i - 1].octets,
					 net.records[i].octets) < 0);
	}
	for (unsigned n = 0; n < NAMES_COUNT; n++) {
		uint8_t name[NAME_LEN_MAX];
		int change = 0;

		name_from_text(names[n], name);
		for (size_t i = 0; i < net.count; i++) {
			if (name_equal(net.records[i].octets, name)) {
				change += net.records[i].added ? 1 : -1;
			}
		}
		assert_int_equal(change, (int)now[n] - (int)first[n]);
	}
	net_fini(&net);
}

/* What is left, as octets. Returns SECD_OK or why not. */
static int
write_step(struct buf *b, struct buf *out)
{
	struct net net = {.count = 0};
	size_t len;
	int rc;

	assert_int_equal(net_put(&net, b->data, b->len, false), SECD_OK);
	net_cancel(&net);
	len = net_step_len(&net);
	buf_clear(out);
	assert_int_equal(buf_reserve(out, len + 1), SECD_OK);
	out->data[len] = 77;
	rc = net_write_step(&net, out->data);
	assert_int_equal(out->data[len], 77);
	out->len = len;
	net_fini(&net);
	return rc;
}

static void
what_is_left_is_a_step(void **state)
{
	struct buf b = {0}, out = {0}, expected = {0};

	(void)state;
	two_steps(&b);
	put(&b, SECD_OP_SOA_FROM, "example.", 60, 3);
	put(&b, SECD_OP_DELETE, "z.example.", 60, 1);
	put(&b, SECD_OP_DELETE, "example.", 60, 9);
	put(&b, SECD_OP_SOA_TO, "example.", 60, 4);
	assert_int_equal(write_step(&b, &out), SECD_OK);
	put(&expected, SECD_OP_SOA_FROM, "example.", 60, 1);
	put(&expected, SECD_OP_DELETE, "z.example.", 60, 1);
	put(&expected, SECD_OP_DELETE, "example.", 60, 9);
	put(&expected, SECD_OP_SOA_TO, "example.", 60, 4);
	put(&expected, SECD_OP_ADD, "a.example.", 60, 1);
	assert_int_equal(out.len, expected.len);
	assert_memory_equal(out.data, expected.data, out.len);
	buf_fini(&b);
	buf_fini(&out);
	buf_fini(&expected);
}

static void
without_one_soa_of_each_it_is_none(void **state)
{
	struct buf b = {0}, out = {0};

	(void)state;
	assert_int_equal(write_step(&b, &out), SECD_EMALF);
	put(&b, SECD_OP_SOA_FROM, "example.", 60, 1);
	assert_int_equal(write_step(&b, &out), SECD_EMALF);
	put(&b, SECD_OP_SOA_TO, "example.", 60, 2);
	assert_int_equal(write_step(&b, &out), SECD_OK);
	put(&b, SECD_OP_SOA_TO, "example.", 60, 3);
	assert_int_equal(write_step(&b, &out), SECD_EMALF);
	buf_fini(&b);
	buf_fini(&out);
}

/* Many: more than any digit of their hashes tells apart. */
static void
many_records_are_told_apart(void **state)
{
	enum { COUNT = 300000 } /* some have the same half of a hash */;
	struct net net = {.count = 0};
	struct buf b = {0};
	char name[32];

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "n%u.example.", i);
		put(&b, SECD_OP_ADD, name, 60, 1);
		if (i % 3 != 0) {
			put(&b, SECD_OP_DELETE, name, 60, 1);
		}
		if (i % 3 == 2) {
			put(&b, SECD_OP_ADD, name, 60, 1);
		}
	}
	assert_int_equal(net_put(&net, b.data, b.len, false), SECD_OK);
	assert_true(net_memory(&net) > b.len);
	net_cancel(&net);
	assert_int_equal(net.count, COUNT - (COUNT + 1) / 3);
	for (size_t i = 0; i < net.count; i++) {
		assert_true(net.records[i].added);
		assert_true(i == 0 ||
			    net.records[i - 1].octets < net.records[i].octets);
	}
	net_fini(&net);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_comes_and_goes_is_not_left),
	    cmocka_unit_test(backwards_it_is_the_other_way_round),
	    cmocka_unit_test(what_is_left_stays_in_its_order),
	    cmocka_unit_test(
		a_record_that_changes_its_ttl_or_case_is_another_one),
	    cmocka_unit_test(it_knows_what_was_deleted),
	    cmocka_unit_test(what_is_no_entry_is_refused),
	    cmocka_unit_test(it_is_the_difference_of_the_ends),
	    cmocka_unit_test(what_is_left_is_a_step),
	    cmocka_unit_test(without_one_soa_of_each_it_is_none),
	    cmocka_unit_test(many_records_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
