/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/xfr_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "secondaryd/module.h"
#include "sending.h"
#include "zone_model.h"

static struct sending t;

/* Changes, and how they come: in runs of whole entries, each in memory of its
 * own, which is gone at the next. */
static struct changes {
	struct changeset cs;
	size_t run_max;    /* octets of a run, as a rule */
	size_t at;         /* of cs: the next run */
	unsigned pulled;   /* runs */
	unsigned break_at; /* the run that does not come; 0: all do */
	int rc;            /* why */
	uint8_t *run;
} c;

static int
next(void *ctx, const uint8_t **octets, size_t *len)
{
	struct changes *changes = ctx;
	const uint8_t *from = changes->cs.octets.data + changes->at;
	size_t left = changes->cs.octets.len - changes->at, n = 0;
	struct secd_entry e;

	free(changes->run);
	changes->run = NULL;
	if (++changes->pulled == changes->break_at) {
		return changes->rc;
	}
	while (n < left && n < changes->run_max) {
		size_t entry = secd_entry_read(from + n, left - n, &e);

		/* Octets that are no entry come as they are. */
		n = entry == 0 ? left : n + entry;
	}
	changes->run = malloc(n > 0 ? n : 1);
	assert_non_null(changes->run);
	memcpy(changes->run, from, n);
	changes->at += n;
	*octets = changes->run;
	*len = n;
	return SECD_OK;
}

static const struct xfr_out_source source = {.ctx = &c, .next = next};

static int
start(void **state)
{
	(void)state;
	sending_init(&t);
	t.qtype = RR_TYPE_IXFR;
	t.kind = XFR_OUT_IXFR;
	memset(&c, 0, sizeof(c));
	c.run_max = SECD_CHUNK_MAX;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	sending_fini(&t);
	changeset_fini(&c.cs);
	free(c.run);
	return 0;
}

static void
hold(unsigned serial)
{
	char text[128];

	snprintf(text, sizeof(text), ZONEFILE_SOA "@ NS ns.example.\n", serial);
	sending_hold(&t, zonefile_image("example.", text));
}

static enum xfr_out_verdict
send_from(uint32_t serial)
{
	c.at = 0;
	c.pulled = 0;
	return sending_all(&t, &source, serial);
}

/* Out and in again, it is the same changeset, to the octet. */
static void
round_trip(const uint8_t *apex)
{
	struct changeset got;
	struct xfr_in *in;

	assert_int_equal(send_from(c.cs.from), XFR_OUT_DONE);
	assert_int_equal(sending_receive(&t, apex, c.cs.from, &in),
			 XFR_IN_IXFR);
	assert_int_equal(xfr_in_take_changeset(in, &got), SECD_OK);
	assert_int_equal(got.from, c.cs.from);
	assert_int_equal(got.to, c.cs.to);
	assert_int_equal(t.count.steps, c.cs.step_count);
	assert_int_equal(t.count.records,
			 2 + 2 * c.cs.step_count + c.cs.deleted + c.cs.added);
	assert_int_equal(got.octets.len, c.cs.octets.len);
	assert_memory_equal(got.octets.data, c.cs.octets.data, got.octets.len);
	changeset_fini(&got);
	xfr_in_free(in);
}

static const uint8_t example[] = "\7example";

/* ---------------------------------------------------------------- changes */

static void
a_step_goes_in_one_message(void **state)
{
#define SOA_TIMES "\0\0\x0e\x10\0\0\2\x58\0\1\x51\x80\0\0\1\x2c"
#define SOA_OF(serial)                                                         \
	"\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x2e"                                   \
	"\2ns\7example\0\4host\7example\0\0\0\0" serial SOA_TIMES
#define OPENING_SOA                                                            \
	"\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x20"                                   \
	"\2ns\xc0\x0c\4host\xc0\x0c\0\0\0\x8" SOA_TIMES
#define A_OF(owner, last) owner "\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2" last
#define HEAD              "\x12\x34\x84\0\0\1\0\x8\0\0\0\0\7example\0\0\xfb\0\1"
	static const uint8_t expected[] = HEAD OPENING_SOA SOA_OF("\7")
	    A_OF("\1a\xc0\x0c", "\1") SOA_OF("\x8") A_OF("\1A\xc0\x0c", "\1")
		A_OF("\xc0\xcb", "\2") A_OF("\1b\xc0\xcb", "\3") OPENING_SOA;

	(void)state;
	hold(8);
	zonefile_step(&c.cs, "example.", 7, "a A 192.0.2.1\n",
		      "A A 192.0.2.1\nA A 192.0.2.2\nb.A A 192.0.2.3\n");
	round_trip(example);
	assert_int_equal(t.count.messages, 1);
	assert_int_equal(t.stream.len, sizeof(expected) - 1 + 2);
	assert_memory_equal(t.stream.data + 2, expected, sizeof(expected) - 1);
}

static void
many_steps_keep_their_order(void **state)
{
	(void)state;
	hold(1007);
	for (unsigned i = 7; i < 1007; i++) {
		char text[64];

		snprintf(text, sizeof(text), "n%u.x A 192.0.2.1\n", i);
		zonefile_step(&c.cs, "example.", i, text, text);
	}
	round_trip(example);
	assert_true(t.count.messages > 1);
	assert_true(t.longest <= XFR_OUT_FILL);
}

static void
runs_may_end_anywhere(void **state)
{
	struct buf whole = {0};

	(void)state;
	hold(10);
	for (unsigned i = 7; i < 10; i++) {
		zonefile_step(&c.cs, "example.", i,
			      "long.name.a A 192.0.2.1\n"
			      "long.name.a A 192.0.2.2\n",
			      "other.name.a A 192.0.2.1\nb A 192.0.2.1\n");
	}
	round_trip(example);
	assert_int_equal(buf_put(&whole, t.stream.data, t.stream.len), SECD_OK);
	for (c.run_max = 1; c.run_max < 400; c.run_max++) {
		round_trip(example);
		/* And names are compressed as well as without. */
		assert_int_equal(t.stream.len, whole.len);
		assert_memory_equal(t.stream.data, whole.data, whole.len);
	}
	buf_fini(&whole);
}

static void
random_changes_come_back_the_same(void **state)
{
	static const char *const apexes[] = {"example.", ".",
					     "a.rather.long.name.example."};
	struct rnd rnd = {7};
	unsigned good = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct build_report report;
		struct build_params p;
		struct model m;
		struct image *im;

		model_init(&m, apexes[i % 3], (enum model_signing)(i / 3 % 3));
		model_fill(&m, &rnd, 10 + rnd_below(&rnd, 800));
		changeset_fini(&c.cs);
		for (uint64_t n = 1 + rnd_below(&rnd, 20); n > 0; n--) {
			model_step(&m, &rnd, &c.cs);
		}
		p = zonefile_params(m.apex);
		if (model_build(&m, &p, &rnd, 1 << 20, &im, &report) !=
		    SECD_OK) {
			model_fini(&m);
			continue; /* some changes make it a bad zone */
		}
		good++;
		sending_hold(&t, im);
		t.qname = apexes[i % 3];
		t.edns = i % 2 == 0;
		t.cap = rnd_below(&rnd, 2) == 0 ? 65535
						: 2000 + rnd_below(&rnd, 20000);
		c.run_max = 1 + (size_t)rnd_below(&rnd, 5000);
		round_trip(m.apex);
		model_fini(&m);
	}
	assert_true(good > 20);
}

static void
nothing_of_the_version_is_held(void **state)
{
	struct xfr_out *x;
	uint8_t buf[512];
	size_t len;

	(void)state;
	hold(8);
	zonefile_step(&c.cs, "example.", 7, "", "a A 192.0.2.1\n");
	sending_query(&t, 7);
	assert_int_equal(xfr_out_new(t.version, &t.query, t.kind, &x), SECD_OK);
	xfr_out_set_changes(x, &source, 7);
	version_unref(t.version); /* freed: the sanitizer would tell */
	t.version = NULL;
	assert_int_equal(xfr_out_next(x, buf, sizeof(buf), 0, &len),
			 XFR_OUT_DONE);
	xfr_out_free(x);
}

static void
without_changes_it_is_the_zone(void **state)
{
	(void)state;
	hold(8);
	assert_int_equal(sending_all(&t, NULL, 0), XFR_OUT_DONE);
	assert_int_equal(t.count.records, 3);
	assert_int_equal(t.count.steps, 0);
}

/* ------------------------------------------------------------ long records */

/* Add a step with one record of so much RDATA between others. */
static void
step_with_long(size_t rdlen)
{
	uint8_t *rdata = calloc(1, rdlen);
	const struct rr rr = {
	    .owner = (const uint8_t *)"\4long\7example",
	    .rdata = rdata,
	    .rdlen = (uint16_t)rdlen,
	    .type = 65280,
	};
	struct changeset rest = {0};
	size_t pos = 0;
	enum changeset_op op;
	struct rr more;

	assert_non_null(rdata);
	changeset_fini(&c.cs);
	zonefile_step(&c.cs, "example.", 7, "a A 192.0.2.1\n",
		      "b A 192.0.2.1\n");
	assert_int_equal(changeset_put(&c.cs, CHANGESET_ADD, &rr), SECD_OK);
	/* Names behind it, which are too far away to be pointed to. */
	zonefile_step(&rest, "example.", 8, "x.y A 192.0.2.1\n",
		      "long A 192.0.2.1\nx.y A 192.0.2.2\nx.y A 192.0.2.3\n"
		      "z.x.y A 192.0.2.1\n");
	while (changeset_next(&rest, &pos, &op, &more)) {
		assert_int_equal(changeset_put(&c.cs, op, &more), SECD_OK);
	}
	changeset_fini(&rest);
	free(rdata);
}

static void
a_record_longer_than_usual_gets_a_message_of_its_own(void **state)
{
	static const size_t sizes[] = {16300, 16340, 16350,
				       16384, 40000, 65400};

	(void)state;
	hold(9);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		step_with_long(sizes[i]);
		round_trip(example);
	}
	assert_true(t.longest > 65400);
}

static void
a_record_that_fits_no_message_ends_the_transfer(void **state)
{
	(void)state;
	hold(9);
	step_with_long(65535);
	assert_int_equal(send_from(7), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_ENOSPC);
	step_with_long(65400);
	t.reserve = 200;
	assert_int_equal(send_from(7), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_ENOSPC);
}

static void
room_that_is_too_small_for_any_message_ends_it(void **state)
{
	/* Header, question, and the SOA with its names spelled out. */
	const size_t least = 12 + 13 + 2 + 10 + (12 + 14 + 20);

	(void)state;
	hold(8);
	zonefile_step(&c.cs, "example.", 7, "", "a A 192.0.2.1\n");
	for (t.cap = 12; t.cap < 200; t.cap++) {
		enum xfr_out_verdict v = send_from(7);

		assert_int_equal(v,
				 t.cap < least ? XFR_OUT_FAILED : XFR_OUT_DONE);
		assert_int_equal(t.failure,
				 t.cap < least ? SECD_ENOSPC : SECD_OK);
	}
}

/* --------------------------------------------------------------- failures */

static void
a_source_that_breaks_off_ends_the_transfer(void **state)
{
	static const int why[] = {SECD_ENOTFOUND, SECD_EIO, SECD_ENOTSUP};

	(void)state;
	hold(1007);
	for (unsigned i = 7; i < 1007; i++) {
		char text[64];

		snprintf(text, sizeof(text), "n%u.x A 192.0.2.1\n", i);
		zonefile_step(&c.cs, "example.", i, text, text);
	}
	c.run_max = 5000;
	for (c.break_at = 1; c.break_at <= 30; c.break_at++) {
		c.rc = why[c.break_at % 3];
		assert_int_equal(send_from(7), XFR_OUT_FAILED);
		assert_int_equal(t.failure, c.rc);
	}
	assert_true(t.count.messages > 3);
}

/* Octets behind some good ones. */
static void
refuse(const void *octets, size_t len)
{
	struct buf *b = &c.cs.octets;
	size_t good = b->len;

	assert_int_equal(buf_put(b, octets, len), SECD_OK);
	assert_int_equal(send_from(7), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_EMALF);
	b->len = good;
}

static void
what_are_no_steps_from_there_to_here_ends_the_transfer(void **state)
{
	static const uint8_t add[] = "\4\1x\7example\0\0\1\0\0\0\1\0\4abcd";
	uint8_t first[sizeof(add)];

	(void)state;
	hold(9);
	zonefile_step(&c.cs, "example.", 7, "a A 192.0.2.1\n", "");
	/* They do not lead to 9. */
	refuse("", 0);
	zonefile_step(&c.cs, "example.", 8, "", "b A 192.0.2.1\n");
	round_trip(example);
	refuse("\5", 1);
	refuse(add, 5);
	memcpy(first, add, sizeof(add));
	first[0] = SECD_OP_DELETE;
	refuse(first, sizeof(add) - 1);
	/* They begin elsewhere. */
	assert_int_equal(send_from(6), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_EMALF);
	/* There are none. */
	buf_clear(&c.cs.octets);
	assert_int_equal(send_from(7), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_EMALF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_step_goes_in_one_message),
	    TEST(many_steps_keep_their_order),
	    TEST(runs_may_end_anywhere),
	    TEST(random_changes_come_back_the_same),
	    TEST(nothing_of_the_version_is_held),
	    TEST(without_changes_it_is_the_zone),
	    TEST(a_record_longer_than_usual_gets_a_message_of_its_own),
	    TEST(a_record_that_fits_no_message_ends_the_transfer),
	    TEST(room_that_is_too_small_for_any_message_ends_it),
	    TEST(a_source_that_breaks_off_ends_the_transfer),
	    TEST(what_are_no_steps_from_there_to_here_ends_the_transfer),
	};

	return cmocka_run_group_tests_name("xfr_out_entries", tests, NULL,
					   NULL);
}
