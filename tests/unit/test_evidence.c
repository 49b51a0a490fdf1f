/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/evidence.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "forge.h"
#include "front.h"
#include "wire/name.h"
#include "wire/tsig.h"

static struct evidence *e;
static unsigned wakes;

static int
start(void **state)
{
	(void)state;
	wakes = 0;
	return evidence_new(&e);
}

static int
stop(void **state)
{
	(void)state;
	evidence_free(e);
	return 0;
}

static void
on_wake(void *arg)
{
	(void)arg;
	wakes++;
}

static struct secd_key_used
outcome(uint32_t error, uint64_t tag, uint32_t peer)
{
	struct secd_key_used u = {
	    .way = SECD_WAY_IN,
	    .tsig_error = error,
	    .count = 1,
	    .name = (const uint8_t *)"\1k",
	    .tag = tag,
	    .peer = {.family = 4},
	    .at_ms = 1000,
	};

	put_u32(u.peer.octets, peer);
	return u;
}

static void
add(uint32_t error, uint64_t tag, uint32_t peer)
{
	struct secd_key_used u = outcome(error, tag, peer);

	evidence_add(e, &u);
}

static size_t with_tag; /* of those that were taken last */

/* How many items there are, and how often it was in all. */
static size_t
take(uint64_t *sum, uint64_t *left_out)
{
	struct evidence_item *all = evidence_take(e, left_out);
	size_t count = 0;

	*sum = with_tag = 0;
	for (struct evidence_item *i = all; i != NULL; i = i->next) {
		count++;
		with_tag += i->used.tag != 0;
		*sum += i->used.count;
	}
	evidence_items_free(all);
	return count;
}

static void
the_same_is_added_up(void **state)
{
	struct secd_key_used u = outcome(0, 7, 1);
	struct evidence_item *item;
	uint64_t left_out;

	(void)state;
	evidence_add(e, &u);
	u.at_ms = 2000;
	u.skew_ms = -3000;
	u.count = 4;
	evidence_add(e, &u);
	item = evidence_take(e, &left_out);
	assert_non_null(item);
	assert_null(item->next);
	assert_int_equal(item->used.size, sizeof(item->used));
	assert_int_equal(item->used.count, 5);
	assert_int_equal(item->used.at_ms, 2000);
	assert_int_equal(item->used.skew_ms, -3000);
	assert_int_equal(item->used.tag, 7);
	assert_ptr_equal(item->used.name, item->name);
	assert_true(name_equal(item->name, (const uint8_t *)"\1k"));
	evidence_items_free(item);
	assert_null(evidence_take(e, &left_out));
	assert_int_equal(left_out, 0);
}

static void
what_differs_is_kept_apart(void **state)
{
	struct secd_key_used u[7];
	uint64_t sum, left_out;

	(void)state;
	for (int i = 0; i < 7; i++) {
		u[i] = outcome(0, 7, 1);
	}
	u[1].way = SECD_WAY_OUT;
	u[2].tsig_error = TSIG_ERROR_BADTIME;
	u[3].name = (const uint8_t *)"\1l";
	u[4].tag = 8;
	u[5].peer.octets[0] = 9;
	u[6].peer.port = 53;
	for (int i = 0; i < 14; i++) {
		evidence_add(e, &u[i % 7]);
	}
	assert_int_equal(take(&sum, &left_out), 7);
	assert_int_equal(sum, 14);
}

static void
a_count_stays_at_its_end(void **state)
{
	struct secd_key_used u = outcome(0, 7, 1);
	uint64_t sum, left_out;

	(void)state;
	u.count = UINT32_MAX - 1;
	for (int i = 0; i < 3; i++) {
		evidence_add(e, &u);
	}
	assert_int_equal(take(&sum, &left_out), 1);
	assert_int_equal(sum, UINT32_MAX);
}

/* Whoever sends anything from everywhere, there is room for the others. */
static void
strangers_have_half_of_the_room(void **state)
{
	uint64_t sum, left_out;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		add(i % 2 == 0 ? TSIG_ERROR_BADSIG : TSIG_ERROR_BADKEY, 0, i);
	}
	for (uint32_t i = 0; i < EVIDENCE_MAX; i++) {
		add(0, 7, i);
	}
	/* What is there already is counted. */
	add(TSIG_ERROR_BADSIG, 0, 0);
	assert_int_equal(take(&sum, &left_out), EVIDENCE_MAX);
	assert_int_equal(with_tag, EVIDENCE_MAX - EVIDENCE_UNPROVED_MAX);
	assert_int_equal(sum, EVIDENCE_MAX + 1);
	assert_int_equal(left_out, 100000 - EVIDENCE_UNPROVED_MAX +
				       EVIDENCE_MAX -
				       (EVIDENCE_MAX - EVIDENCE_UNPROVED_MAX));
	/* And then there is room again. */
	add(TSIG_ERROR_BADSIG, 0, 5);
	assert_int_equal(take(&sum, &left_out), 1);
	assert_int_equal(left_out, 0);
}

static void
a_known_secret_is_no_stranger(void **state)
{
	uint64_t sum, left_out;

	(void)state;
	for (uint32_t i = 0; i < EVIDENCE_MAX; i++) {
		add(i % 8 == 0   ? TSIG_ERROR_BADTIME
		    : i % 8 == 1 ? TSIG_ERROR_BADTRUNC
				 : TSIG_ERROR_BADSIG,
		    i % 8 > 1 ? 9 : 7, i);
	}
	assert_int_equal(take(&sum, &left_out), EVIDENCE_MAX);
	assert_int_equal(left_out, 0);
}

static void
it_is_told_once_until_it_is_expected(void **state)
{
	uint64_t sum, left_out;

	(void)state;
	add(0, 7, 1);
	evidence_set_wake(e, on_wake, NULL);
	assert_int_equal(wakes, 1);
	add(0, 7, 1);
	add(0, 7, 2);
	assert_int_equal(wakes, 1);
	evidence_expect(e);
	assert_int_equal(wakes, 1);
	take(&sum, &left_out);
	add(0, 7, 2);
	assert_int_equal(wakes, 2);
	evidence_set_wake(e, NULL, NULL);
	evidence_expect(e);
	add(0, 7, 3);
	assert_int_equal(wakes, 2);
	evidence_set_wake(e, on_wake, NULL);
	assert_int_equal(wakes, 3);
}

static void
answers_to_us_are_told_by_the_key_that_asked(void **state)
{
	static const struct {
		enum tsig_verdict verdict;
		uint32_t error;
		uint64_t tag;
	} cases[] = {
	    {TSIG_GOOD, 0, 7},
	    {TSIG_BADSIG, 16, 0},
	    {TSIG_BADTIME, 18, 7},
	    {TSIG_BADTRUNC, 22, 7},
	    {TSIG_REFUSED_BADKEY, 17, 0},
	    {TSIG_REFUSED_BADTIME, 18, 0},
	};
	static const enum tsig_verdict untold[] = {
	    TSIG_MISSING, TSIG_FORMERR, TSIG_TOO_LONG, TSIG_NO_MEMORY};
	struct sockaddr_storage peer = front_address("192.0.2.7", 53);
	struct tsig_key *key = forge_key(TSIG_HMAC_SHA256);
	struct evidence_item *item;
	uint64_t left_out;

	(void)state;
	evidence_add_answer(e, key, TSIG_GOOD, &peer, 0); /* nobody's */
	evidence_add_answer(e, NULL, TSIG_GOOD, &peer, 0);
	evidence_add_answer(NULL, key, TSIG_GOOD, &peer, 0);
	tsig_key_set_tag(key, 7);
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++) {
		evidence_add_answer(e, key, untold[i], &peer, 0);
	}
	assert_null(evidence_take(e, &left_out));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evidence_add_answer(e, key, cases[i].verdict, &peer, -3);
		item = evidence_take(e, &left_out);
		assert_non_null(item);
		assert_int_equal(item->used.way, SECD_WAY_OUT);
		assert_int_equal(item->used.tsig_error, cases[i].error);
		assert_int_equal(item->used.tag, cases[i].tag);
		assert_int_equal(item->used.peer.port, 53);
		assert_int_equal(item->used.skew_ms, -3000);
		assert_true(name_equal(item->name, tsig_key_name(key)));
		evidence_items_free(item);
	}
	tsig_key_unref(key);
}

static struct secd_address
peer_of(uint32_t n)
{
	return outcome(0, 0, n).peer;
}

static void
comparing_is_limited_for_a_peer_and_in_all(void **state)
{
	struct secd_address one = peer_of(1);
	unsigned allowed = 0;

	(void)state;
	for (int i = 0; i < EVIDENCE_COMPARED_PEER_MAX; i++) {
		assert_true(evidence_may_compare(e, &one, 10, 100));
	}
	assert_false(evidence_may_compare(e, &one, 10, 100));
	assert_true(evidence_may_compare(e, &one, 10, 101));
	for (uint32_t i = 0; i < 100000; i++) {
		struct secd_address peer = peer_of(i);

		allowed += evidence_may_compare(e, &peer, 10, 102);
	}
	assert_true(allowed >= 150);
	assert_int_equal(allowed, EVIDENCE_COMPARED_MAX / 10);
	/* However many there are to compare with, one request can be. */
	assert_true(evidence_may_compare(e, &one, SIZE_MAX / 2, 103));
}

#define THREADS 4
#define ADDS    20000

static void *
add_many(void *arg)
{
	uint32_t first = *(uint32_t *)arg;

	for (uint32_t i = 0; i < ADDS; i++) {
		add(i % 5 == 0 ? TSIG_ERROR_BADSIG : 0, i % 5 == 0 ? 0 : 7,
		    first + i % 10);
	}
	return NULL;
}

static void
nothing_is_lost_between_threads(void **state)
{
	uint32_t first[THREADS];
	pthread_t threads[THREADS];
	uint64_t sum, left_out, total = 0;

	(void)state;
	evidence_set_wake(e, on_wake, NULL);
	for (uint32_t i = 0; i < THREADS; i++) {
		first[i] = i * 5;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, add_many, &first[i]), 0);
	}
	while (total < (uint64_t)THREADS * ADDS) {
		evidence_expect(e);
		take(&sum, &left_out);
		assert_int_equal(left_out, 0);
		total += sum;
	}
	assert_int_equal(total, (uint64_t)THREADS * ADDS);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(the_same_is_added_up),
	    TEST(what_differs_is_kept_apart),
	    TEST(a_count_stays_at_its_end),
	    TEST(strangers_have_half_of_the_room),
	    TEST(a_known_secret_is_no_stranger),
	    TEST(it_is_told_once_until_it_is_expected),
	    TEST(answers_to_us_are_told_by_the_key_that_asked),
	    TEST(comparing_is_limited_for_a_peer_and_in_all),
	    TEST(nothing_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
