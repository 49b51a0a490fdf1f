/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/octets.h"
#include "rnd.h"
#include "sending.h"
#include "stack.h"
#include "zone_model.h"
#include "zonefile.h"

#define SOA  "@ SOA ns. mail. 7 3600 900 604800 300\n"
#define BASE SOA "@ NS ns.example.net.\n"

static struct sending t;

static int
start(void **state)
{
	(void)state;
	sending_init(&t);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	sending_fini(&t);
	return 0;
}

static void
hold(struct image *im)
{
	sending_hold(&t, im);
}

static void
make_query(int64_t serial)
{
	sending_query(&t, serial);
}

static enum xfr_out_verdict
send_all(void)
{
	return sending_all(&t, NULL, 0);
}

/* Out and in again, it is an image of the zone, the same to the octet. */
static void
round_trip_of(const struct image *im)
{
	struct build_params p = zonefile_params(image_apex(im));
	struct build_report report;
	const uint8_t *before, *after;
	size_t before_len, after_len;
	struct image *copy;
	struct xfr_in *in;
	struct spool *s;
	uint64_t about = version_transfer_octets(t.version);

	assert_int_equal(send_all(), XFR_OUT_DONE);
	assert_int_equal(t.count.records, image_record_count(im) + 1);
	/* Of small zones, and in small messages, headers are most of it. */
	if (t.count.octets > 2000 && t.cap > 2000) {
		assert_in_range(100 * about / t.count.octets, 66, 150);
	}
	assert_int_equal(sending_receive(&t, image_apex(im), 0, &in),
			 XFR_IN_AXFR);
	s = xfr_in_take_spool(in);
	assert_non_null(s);
	xfr_in_free(in);
	if (build_from_spool(&p, s, &copy, &report) != SECD_OK) {
		fail_msg("refused: %s", report.reason);
	}
	before = image_octets(im, &before_len);
	after = image_octets(copy, &after_len);
	assert_int_equal(after_len, before_len);
	assert_memory_equal(after, before, before_len);
	image_unref(copy);
	spool_free(s);
}

static void
round_trip(void)
{
	round_trip_of(version_image(t.version));
}

/* -------------------------------------------------------------- small zones */

static void
a_small_zone_goes_in_one_message(void **state)
{
	static const uint8_t expected[] =
	    "\x12\x34\x84\0\0\1\0\5\0\0\0\0\007example\0\0\xfc\0\1"
	    "\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1e\2ns\0\4mail\0"
	    "\0\0\0\7\0\0\x0e\x10\0\0\3\x84\0\x09\x3a\x80\0\0\1\x2c"
	    "\xc0\x0c\0\2\0\1\0\0\x0e\x10\0\4\2ns\0"
	    "\1a\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2\1"
	    "\xc0\x53\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2\2"
	    "\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1e\2ns\0\4mail\0"
	    "\0\0\0\7\0\0\x0e\x10\0\0\3\x84\0\x09\x3a\x80\0\0\1\x2c";

	(void)state;
	hold(zonefile_image("example.", SOA "@ NS ns.\n"
					    "a A 192.0.2.1\na A 192.0.2.2\n"));
	round_trip();
	assert_int_equal(t.count.messages, 1);
	assert_int_equal(t.stream.len, sizeof(expected) - 1 + 2);
	assert_memory_equal(t.stream.data + 2, expected, sizeof(expected) - 1);
}

static void
the_soa_opens_and_closes_and_is_not_in_between(void **state)
{
	(void)state;
	hold(zonefile_image("example.", BASE "a A 192.0.2.1\n"));
	round_trip(); /* xfr_in would stop at a SOA in between */
	assert_int_equal(t.count.records, 4);
}

static void
a_zone_of_soa_and_ns_goes_out(void **state)
{
	(void)state;
	hold(zonefile_image("example.", BASE));
	round_trip();
}

static void
owners_keep_their_case_whatever_was_asked(void **state)
{
	struct rr_reader *r = malloc(sizeof(*r));
	unsigned upper = 0;
	struct rr rr;
	uint16_t class;

	(void)state;
	assert_non_null(r);
	hold(zonefile_image("ExAmPle.", BASE "WwW A 192.0.2.1\n"));
	t.qname = "eXaMPLE.";
	round_trip();
	rr_reader_init(r, t.stream.data + 2, t.stream.len - 2, 12 + 9 + 4);
	while (r->pos < r->len) {
		assert_int_equal(rr_reader_next(r, &rr, &class), SECD_OK);
		upper +=
		    memmem(rr.owner, name_len(rr.owner), "ExAmPle", 7) != NULL;
	}
	assert_int_equal(upper, 4);
	free(r);
}

static void
glue_goes_out_once_where_it_stands(void **state)
{
	(void)state;
	hold(zonefile_image("example.", BASE
			    "sub NS ns.sub\nsub NS ns2.sub\n"
			    "ns.sub A 192.0.2.1\nns2.sub AAAA 2001:db8::1\n"
			    "x.sub TXT occluded\n"));
	round_trip();
}

static void
rrsigs_without_their_rrset_go_out(void **state)
{
	(void)state;
	hold(zonefile_image(
	    "example.", BASE
	    "a RRSIG MX 8 2 3600 20300101000000 20200101000000 1 @ AAAA\n"
	    "b A 192.0.2.1\n"
	    "b RRSIG A 8 2 3600 20300101000000 20200101000000 1 @ AAAA\n"
	    "@ RRSIG SOA 8 1 3600 20300101000000 20200101000000 1 @ AAAA\n"));
	round_trip();
}

static void
the_root_zone_goes_out(void **state)
{
	(void)state;
	t.qname = ".";
	hold(zonefile_image(
	    ".", "@ SOA a.root-servers.net. nstld.verisign-grs.com. 7 1 1 1 1\n"
		 "@ NS a.root-servers.net.\n@ NS b.root-servers.net.\n"
		 "@ NS m.root-servers.net.\n@ MX 10 x.y.\n@ MX 11 z.x.y.\n"
		 "@ RRSIG NS 8 0 3600 20300101000000 20200101000000 1 . AAAA\n"
		 "com NS a.gtld-servers.net.\na.gtld-servers.net A 192.0.2.1\n"
		 "x.y A 192.0.2.3\n"));
	round_trip();
}

static void
only_the_soa_goes_out_when_that_is_all(void **state)
{
	(void)state;
	hold(zonefile_image("example.", BASE));
	t.kind = XFR_OUT_SOA_ONLY;
	t.qtype = RR_TYPE_IXFR;
	make_query(7);
	assert_int_equal(send_all(), XFR_OUT_DONE);
	assert_int_equal(t.count.records, 1);
	assert_int_equal(t.count.messages, 1);
}

static void
an_opt_that_was_asked_for_is_in_the_first_message(void **state)
{
	struct model m;
	struct rnd rnd = {5};

	(void)state;
	t.edns = true;
	model_init(&m, "example.", MODEL_UNSIGNED);
	model_fill(&m, &rnd, 2000);
	{
		struct build_params p = zonefile_params(m.apex);
		struct build_report report;
		struct image *im;

		assert_int_equal(
		    model_build(&m, &p, NULL, 1 << 20, &im, &report), SECD_OK);
		hold(im);
	}
	round_trip();
	assert_true(t.count.messages > 1);
	model_fini(&m);
}

static void
rd_is_given_back(void **state)
{
	uint8_t buf[512];
	struct xfr_out *x;
	size_t len;

	(void)state;
	hold(zonefile_image("example.", BASE));
	make_query(-1);
	t.query.flags |= HEADER_RD;
	assert_int_equal(xfr_out_new(t.version, &t.query, XFR_OUT_AXFR, &x),
			 SECD_OK);
	assert_int_equal(xfr_out_next(x, buf, sizeof(buf), 0, &len),
			 XFR_OUT_DONE);
	assert_int_equal(get_u16(buf + 2), 0x8500);
	/* Nothing follows the end. */
	assert_int_equal(xfr_out_next(x, buf, sizeof(buf), 0, &len),
			 XFR_OUT_FAILED);
	xfr_out_free(x);
}

/* -------------------------------------------------------------- large zones */

static char *
repeat(const char *format, unsigned count)
{
	size_t cap = strlen(BASE) + count * (strlen(format) + 16) + 1;
	char *text = malloc(cap);
	size_t len = strlen(BASE);

	assert_non_null(text);
	strcpy(text, BASE);
	for (unsigned i = 0; i < count; i++) {
		len += (size_t)snprintf(text + len, cap - len, format, i);
		assert_true(len < cap);
	}
	return text;
}

static void
messages_are_filled(void **state)
{
	char *text = repeat("name%u A 192.0.2.1\n", 20000);
	size_t least = SIZE_MAX, pos = 0;

	(void)state;
	hold(zonefile_image("example.", text));
	round_trip();
	while (pos < t.stream.len) {
		size_t len = get_u16(t.stream.data + pos);

		pos += 2 + len;
		if (pos < t.stream.len && len < least) {
			least = len;
		}
	}
	assert_true(t.longest <= XFR_OUT_FILL);
	assert_true(least > XFR_OUT_FILL - 64);
	/* A pointer for the zone in each owner. */
	assert_true(t.count.octets / t.count.records < 27);
	free(text);
}

static void
a_reserve_is_left_free(void **state)
{
	char *text = repeat("name%u A 192.0.2.1\n", 20000);

	(void)state;
	hold(zonefile_image("example.", text));
	t.cap = 16484;
	t.reserve = 300;
	round_trip(); /* send_all asserts it */
	assert_true(t.longest > 16484 - 300 - 64);
	free(text);
}

static void
small_buffers_make_small_messages(void **state)
{
	char *text = repeat("name%u A 192.0.2.1\n", 1000);

	(void)state;
	hold(zonefile_image("example.", text));
	for (t.cap = 100; t.cap < 600; t.cap += 7) {
		round_trip();
	}
	free(text);
}

static void
an_rrset_longer_than_a_message_is_cut_between_records(void **state)
{
	char *text = repeat("big TXT \"%u 1234567890123456789012345678901234567"
			    "8901234567890\"\n",
			    3000);

	(void)state;
	hold(zonefile_image("example.", text));
	round_trip();
	assert_true(t.longest <= XFR_OUT_FILL);
	free(text);
}

static void
long_rrsets_of_names_are_cut_too(void **state)
{
	char *text = repeat("big PTR host%u.a.long.name.example.\n", 3000);

	(void)state;
	hold(zonefile_image("example.", text));
	round_trip();
	free(text);
}

/* One record of this much RDATA between others. */
static void
hold_long(size_t rdlen)
{
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p =
	    zonefile_params(zonefile_name("example.", apex));
	uint8_t *rdata = calloc(1, rdlen);
	struct rr rr = {
	    .owner = (const uint8_t *)"\4long\007example",
	    .rdata = rdata,
	    .rdlen = (uint16_t)rdlen,
	    .type = 65280,
	};
	struct build_report report;
	struct zonefile z = {0};
	struct image *im;
	struct spool *s;

	assert_non_null(rdata);
	zonefile_parse(&z, "example.",
		       BASE "a A 192.0.2.1\nz A 192.0.2.1\nz A 192.0.2.2\n");
	zonefile_add(&z, &rr);
	assert_int_equal(spool_new("/tmp", 1 << 20, &s), SECD_OK);
	for (size_t i = 0; i < z.count; i++) {
		assert_int_equal(spool_add(s, &z.rrs[i]), SECD_OK);
	}
	assert_int_equal(build_from_spool(&p, s, &im, &report), SECD_OK);
	spool_free(s);
	zonefile_free(&z);
	free(rdata);
	hold(im);
}

static void
a_record_longer_than_usual_gets_a_message_of_its_own(void **state)
{
	static const size_t sizes[] = {16300, 16340, 16350,
				       16384, 40000, 65400};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		hold_long(sizes[i]);
		round_trip();
	}
	assert_true(t.longest > 65400);
}

static void
a_record_that_fits_no_message_ends_the_transfer(void **state)
{
	(void)state;
	hold_long(65535);
	assert_int_equal(send_all(), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_ENOSPC);
	hold_long(65400);
	t.reserve = 200;
	assert_int_equal(send_all(), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_ENOSPC);
}

/*
 * The longest rrset with compressed names, at the longest owner, which shares
 * nothing with a question in another case: beside it it does not fit, and it
 * cannot be cut.
 */
static void
a_full_rrset_beside_a_long_question_goes_without_it(void **state)
{
	char label[64], upper[64], apex[NAME_TEXT_MAX], qname[NAME_TEXT_MAX];
	unsigned without = 0;
	size_t pos = 0;
	char *text;

	(void)state;
	memset(label, 'a', 63);
	memset(upper, 'A', 63);
	label[63] = upper[63] = '\0';
	snprintf(apex, sizeof(apex), "%s.%s.%s.%.57s.e.", label, label, label,
		 label);
	snprintf(qname, sizeof(qname), "%s.%s.%s.%.57s.E.", upper, upper, upper,
		 upper);
	t.qname = qname;
	text = repeat("b MX %u .\n", 1064);
	strcat(text, "b MX 2000 z.e.\n");
	hold(zonefile_image(apex, text));
	round_trip();
	while (pos < t.stream.len) {
		without += get_u16(t.stream.data + pos + 2 + 4) == 0;
		pos += 2u + get_u16(t.stream.data + pos);
	}
	assert_int_equal(without, 1);
	free(text);
}

static void
random_zones_come_back_the_same(void **state)
{
	static const char *const apexes[] = {"example.", ".",
					     "a.rather.long.name.example."};
	struct rnd rnd = {99};

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		const char *apex = apexes[i % 3];
		struct build_params p;
		struct build_report report;
		struct model m;
		struct image *im;

		model_init(&m, apex, (enum model_signing)(i / 3 % 3));
		model_fill(&m, &rnd, 10 + rnd_below(&rnd, 1500));
		p = zonefile_params(m.apex);
		assert_int_equal(
		    model_build(&m, &p, &rnd, 1 << 20, &im, &report), SECD_OK);
		hold(im);
		t.qname = apex;
		t.cap = rnd_below(&rnd, 2) == 0 ? 65535
						: 2000 + rnd_below(&rnd, 20000);
		round_trip();
		model_fini(&m);
	}
}

static void
a_zone_in_layers_goes_out_as_one(void **state)
{
	static struct stack stack;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		stack_init(&stack, seed, "example.",
			   (enum model_signing)(seed % 3), 200);
		while (stack.layer_count < VERSION_LAYERS_MAX &&
		       stack_push(&stack)) {
		}
		version_unref(t.version);
		t.version = version_ref(stack.version);
		round_trip_of(stack.fresh);
		stack_fini(&stack);
	}
}

static void
a_damaged_zone_does_not_go_out_as_if_it_were_whole(void **state)
{
	struct image *im =
	    zonefile_image("example.", BASE "a A 192.0.2.1\nb A 192.0.2.1\n");
	const struct node *n = zonefile_find(im, "b.example.");

	(void)state;
	((struct node *)(uintptr_t)n)->len++;
	hold(im);
	assert_int_equal(send_all(), XFR_OUT_FAILED);
	assert_int_equal(t.failure, SECD_EIO);
}

/* ------------------------------------------------------------------ requests */

static void
an_axfr_over_udp_is_a_format_error(void **state)
{
	enum xfr_out_kind kind;

	(void)state;
	hold(zonefile_image("example.", BASE));
	make_query(-1);
	assert_int_equal(
	    xfr_out_choose(t.version, &t.query, false, &kind, NULL),
	    RCODE_NOERROR);
	assert_int_equal(kind, XFR_OUT_AXFR);
	assert_int_equal(xfr_out_choose(t.version, &t.query, true, &kind, NULL),
			 RCODE_FORMERR);
}

static void
an_ixfr_is_answered_by_what_the_client_has(void **state)
{
	static const struct {
		uint32_t serial;
		bool is_udp;
		enum xfr_out_kind kind;
	} cases[] = {
	    {6, false, XFR_OUT_IXFR},
	    {6, true, XFR_OUT_IXFR},
	    {7, false, XFR_OUT_SOA_ONLY},
	    {8, false, XFR_OUT_SOA_ONLY},
	    {UINT32_MAX, false, XFR_OUT_IXFR},
	    {7u + (1u << 31), false, XFR_OUT_SOA_ONLY},
	};

	(void)state;
	hold(zonefile_image("example.", BASE));
	t.qtype = RR_TYPE_IXFR;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum xfr_out_kind kind;
		uint32_t serial;

		make_query(cases[i].serial);
		assert_int_equal(xfr_out_choose(t.version, &t.query,
						cases[i].is_udp, &kind,
						&serial),
				 RCODE_NOERROR);
		assert_int_equal(kind, cases[i].kind);
		assert_int_equal(serial, cases[i].serial);
	}
}

static void
an_ixfr_without_its_soa_is_a_format_error(void **state)
{
	enum xfr_out_kind kind;

	(void)state;
	hold(zonefile_image("example.", BASE));
	t.qtype = RR_TYPE_IXFR;
	make_query(-1);
	assert_int_equal(
	    xfr_out_choose(t.version, &t.query, false, &kind, NULL),
	    RCODE_FORMERR);
	make_query(6);
	t.request[12 + 9 + 4 + 3] = 1; /* an A record */
	assert_int_equal(
	    xfr_out_choose(t.version, &t.query, false, &kind, NULL),
	    RCODE_FORMERR);
	make_query(6);
	t.request[12 + 9 + 4 + 11]--; /* RDLENGTH */
	assert_int_equal(
	    xfr_out_choose(t.version, &t.query, false, &kind, NULL),
	    RCODE_FORMERR);
}

static void
an_answer_to_ixfr_has_the_question_as_asked(void **state)
{
	(void)state;
	hold(zonefile_image("example.", BASE));
	t.qtype = RR_TYPE_IXFR;
	assert_int_equal(send_all(), XFR_OUT_DONE);
	assert_int_equal(get_u16(t.stream.data + 2 + 12 + 9), RR_TYPE_IXFR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_small_zone_goes_in_one_message),
	    TEST(the_soa_opens_and_closes_and_is_not_in_between),
	    TEST(a_zone_of_soa_and_ns_goes_out),
	    TEST(owners_keep_their_case_whatever_was_asked),
	    TEST(glue_goes_out_once_where_it_stands),
	    TEST(rrsigs_without_their_rrset_go_out),
	    TEST(the_root_zone_goes_out),
	    TEST(only_the_soa_goes_out_when_that_is_all),
	    TEST(an_opt_that_was_asked_for_is_in_the_first_message),
	    TEST(rd_is_given_back),
	    TEST(messages_are_filled),
	    TEST(a_reserve_is_left_free),
	    TEST(small_buffers_make_small_messages),
	    TEST(an_rrset_longer_than_a_message_is_cut_between_records),
	    TEST(long_rrsets_of_names_are_cut_too),
	    TEST(a_record_longer_than_usual_gets_a_message_of_its_own),
	    TEST(a_record_that_fits_no_message_ends_the_transfer),
	    TEST(a_full_rrset_beside_a_long_question_goes_without_it),
	    TEST(random_zones_come_back_the_same),
	    TEST(a_zone_in_layers_goes_out_as_one),
	    TEST(a_damaged_zone_does_not_go_out_as_if_it_were_whole),
	    TEST(an_axfr_over_udp_is_a_format_error),
	    TEST(an_ixfr_is_answered_by_what_the_client_has),
	    TEST(an_ixfr_without_its_soa_is_a_format_error),
	    TEST(an_answer_to_ixfr_has_the_question_as_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
