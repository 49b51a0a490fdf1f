/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is fetched ahead must change nothing: requests of all kinds are
 * answered together, and each once more alone.
 */

#include "zone/answer_ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/octets.h"
#include "front.h"
#include "rnd.h"

#define ROUNDS 4000
#define COUNT  DISPATCH_READ_MAX

static const char zone_text[] = "@ SOA ns host 7 3600 600 86400 300\n"
				"@ NS ns\n"
				"@ NSEC ns NS SOA RRSIG NSEC\n"
				"ns A 192.0.2.53\n"
				"ns NSEC www A NSEC\n"
				"www A 192.0.2.80\n"
				"www NSEC a.b.c.d A NSEC\n"
				"a.b.c.d TXT \"deep\"\n"
				"a.b.c.d NSEC *.wild TXT NSEC\n"
				"*.wild MX 10 www\n"
				"*.wild NSEC cut MX NSEC\n"
				"cut NS ns.cut\n"
				"ns.cut AAAA 2001:db8::53\n"
				"cut NSEC alias NS NSEC\n"
				"alias CNAME www.wild\n"
				"alias NSEC away CNAME NSEC\n"
				"away DNAME d\n"
				"away NSEC @ DNAME NSEC\n";

static const char *const names[] = {
    "example.",
    "ns.example.",
    "www.example.",
    "WWW.Example.",
    "d.example.",
    "a.b.c.d.example.",
    "x.b.c.d.example.",
    "wild.example.",
    "x.y.wild.example.",
    "cut.example.",
    "x.cut.example.",
    "x.y.z.cut.example.",
    "alias.example.",
    "away.example.",
    "a.b.c.away.example.",
    "nothing.example.",
    "other.test.",
    ".",
    "test.",
    "0.example.",
    "a.b.c.d.e.f.g.h.i.j.example.",
};

static const uint16_t types[] = {
    RR_TYPE_A,   RR_TYPE_AAAA, RR_TYPE_NS,   RR_TYPE_SOA,  RR_TYPE_MX,
    RR_TYPE_TXT, RR_TYPE_DS,   RR_TYPE_NSEC, RR_TYPE_AXFR, RR_TYPE_ANY,
};

static struct front *f;
static struct request requests[COUNT], single;
static uint8_t octets[COUNT][512], alone[512];
static uint8_t out[COUNT][4096], out_alone[4096];
static struct sockaddr_storage from;

static int
start(void **state)
{
	int rc = front_setup(state);

	f = *state;
	front_publish(f, zone_text);
	from = front_address("127.0.0.2", 1);
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	return rc;
}

static size_t
add_opt(uint8_t *msg, size_t len, bool is_do)
{
	uint8_t opt[11] = {0, 0, RR_TYPE_OPT, 4, 0xd0};

	opt[7] = is_do ? 0x80 : 0;
	memcpy(msg + len, opt, sizeof(opt));
	msg[11]++;
	return len + sizeof(opt);
}

/* Mostly a query; now and then something else, or nothing that can be read. */
static size_t
make(struct rnd *rnd, uint8_t *msg)
{
	size_t len =
	    front_query(msg, (uint16_t)rnd_next(rnd),
			names[rnd_below(rnd, sizeof(names) / sizeof(*names))],
			types[rnd_below(rnd, sizeof(types) / sizeof(*types))]);

	if (rnd_below(rnd, 2) == 0) {
		len = add_opt(msg, len, rnd_below(rnd, 2) == 0);
	}
	switch (rnd_below(rnd, 16)) {
	case 0:
		msg[2] = (uint8_t)rnd_next(rnd); /* QR, opcode */
		break;
	case 1:
		len = rnd_below(rnd, (unsigned)len);
		break;
	case 2:
		msg[rnd_below(rnd, (unsigned)len)] = (uint8_t)rnd_next(rnd);
		break;
	default:
		break;
	}
	return len;
}

static void
fill(struct rnd *rnd, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct request *r = &requests[i];

		r->msg = octets[i];
		r->from = &from;
		r->out = out[i];
		r->cap = sizeof(out[i]);
		r->stream = NULL;
		if (i > 0 && rnd_below(rnd, 8) == 0) {
			r->len = requests[i - 1].len;
			memcpy(octets[i], octets[i - 1], r->len);
		} else {
			r->len = make(rnd, octets[i]);
		}
	}
}

static size_t
answer_alone(const struct request *r)
{
	single = *r;
	memcpy(alone, r->msg, r->len);
	single.msg = alone;
	single.out = out_alone;
	dispatch_read(&f->dispatcher, &single, 1);
	return dispatch_answer(&f->dispatcher, &single);
}

static void
check(unsigned count)
{
	dispatch_read(&f->dispatcher, requests, count);
	for (unsigned i = 0; i < count; i++) {
		size_t len = answer_alone(&requests[i]);

		assert_int_equal(dispatch_answer(&f->dispatcher, &requests[i]),
				 len);
		assert_memory_equal(out[i], out_alone, len);
	}
}

static void
requests_that_come_together_are_answered_as_if_they_came_alone(void **state)
{
	struct rnd rnd = {1};
	unsigned sum = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned count = 1 + rnd_below(&rnd, COUNT);

		fill(&rnd, count);
		check(count);
		sum += count;
	}
	assert_int_equal(front_value(&f->counters.queries), 2 * sum);
	assert_true(front_value(&f->counters.ignored) > sum / 100);
	for (unsigned rcode = RCODE_NOERROR; rcode <= RCODE_REFUSED; rcode++) {
		assert_true(rcode == RCODE_SERVFAIL ||
			    front_value(&f->counters.answers[rcode]) >
				sum / 100);
	}
}

static void
zones_without_a_version_are_passed_over(void **state)
{
	struct rnd rnd = {2};

	(void)state;
	zone_publish_take(&f->zone, NULL);
	fill(&rnd, COUNT);
	check(COUNT);
	assert_true(front_value(&f->counters.answers[RCODE_SERVFAIL]) > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, front_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		requests_that_come_together_are_answered_as_if_they_came_alone),
	    TEST(zones_without_a_version_are_passed_over),
	};

	return cmocka_run_group_tests_name("answer_ahead", tests, NULL, NULL);
}
