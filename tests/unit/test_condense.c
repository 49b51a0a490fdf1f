/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/condense.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "past.h"
#include "secondaryd/module.h"
#include "zonefile.h"

#define MUCH (UINT64_C(1) << 30)

static struct past past;
static struct frontend frontend;
static struct condenser *condenser;
static struct mailbox box;
static unsigned ready_count;

static int
start(void **state)
{
	(void)state;
	past_init(&past);
	past.piece_max = 2000;
	frontend.history = past_history(&past);
	ready_count = 0;
	assert_int_equal(mailbox_init(&box, NULL, NULL), SECD_OK);
	assert_int_equal(condenser_start(&condenser), SECD_OK);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	mailbox_close(&box);
	condenser_stop(condenser);
	letters_run(mailbox_take(&box));
	condenser_free(condenser);
	mailbox_fini(&box);
	past_fini(&past);
	return 0;
}

static void
ready(void *arg)
{
	assert_ptr_equal(arg, &box);
	ready_count++;
}

static int
begin(uint32_t from, uint64_t max, struct condense **out)
{
	struct history *h;
	int rc;

	assert_int_equal(
	    history_open(&frontend, (const uint8_t *)"\7example", from, 1, &h),
	    SECD_OK);
	rc = condense_begin(condenser, h, max, &box, ready, &box, out);
	if (rc != SECD_OK) {
		history_close(h);
	}
	return rc;
}

/* Begin, and wait for the end. Returns what became of it. */
static int
condense(uint32_t from, uint64_t max, struct condense **out)
{
	const uint8_t *octets;
	unsigned before = ready_count;
	size_t len;
	int rc = begin(from, max, out);

	if (rc != SECD_OK) {
		*out = NULL;
		return rc;
	}
	assert_false(condense_is_ready(*out));
	while (ready_count == before) { /* after those that were left */
		letters_run(mailbox_wait(&box));
	}
	assert_int_equal(ready_count, before + 1);
	assert_true(condense_is_ready(*out));
	return condense_result(*out, &octets, &len);
}

/* One step from one serial to another. */
static void
expect_step(struct condense *c, uint32_t from, uint32_t to, unsigned deleted,
	    unsigned added)
{
	struct changeset cs = {.from = 0};
	const uint8_t *octets;
	size_t len;

	assert_int_equal(condense_next(c, &octets, &len), SECD_OK);
	assert_int_equal(changeset_from_octets(octets, len, &cs), SECD_OK);
	assert_int_equal(cs.from, from);
	assert_int_equal(cs.to, to);
	assert_int_equal(cs.step_count, 1);
	assert_int_equal(cs.deleted, deleted);
	assert_int_equal(cs.added, added);
	changeset_fini(&cs);
	assert_int_equal(condense_next(c, &octets, &len), SECD_OK);
	assert_int_equal(len, 0);
}

static void
many_steps_become_one(void **state)
{
	struct condense *c;

	(void)state;
	past_add(&past, 7, 1007, 5);
	assert_int_equal(condense(7, MUCH, &c), SECD_OK);
	expect_step(c, 7, 1007, 5, 5);
	condense_end(c);
	assert_int_equal(condense(1000, MUCH, &c), SECD_OK);
	expect_step(c, 1000, 1007, 5, 5);
	condense_end(c);
	/* Also across the end of serials. */
	past_fini(&past);
	past_init(&past);
	past_add(&past, UINT32_MAX - 2, 5, 1);
	assert_int_equal(condense(UINT32_MAX - 2, MUCH, &c), SECD_OK);
	expect_step(c, UINT32_MAX - 2, 5, 1, 1);
	condense_end(c);
}

static void
on_the_spot_it_is_the_same(void **state)
{
	struct condense *c;

	(void)state;
	past_add(&past, 7, 17, 3);
	assert_int_equal(
	    condense_now(past.steps.octets.data, past.steps.octets.len, &c),
	    SECD_OK);
	assert_true(condense_is_ready(c));
	expect_step(c, 7, 17, 3, 3);
	condense_end(c);
	assert_int_equal(
	    condense_now(past.steps.octets.data, past.steps.octets.len - 1, &c),
	    SECD_EMALF);
	assert_int_equal(condense_now(past.steps.octets.data, 0, &c),
			 SECD_EMALF);
}

static void
what_breaks_off_is_told(void **state)
{
	static const int why[] = {SECD_ENOTFOUND, SECD_EIO, SECD_ENOTSUP};
	struct condense *c;

	(void)state;
	past_add(&past, 7, 107, 5);
	for (size_t i = 0; i < 3; i++) {
		atomic_store(&past.calls, 0);
		past.fail_at = 4;
		past.fail_rc = why[i];
		assert_int_equal(condense(7, MUCH, &c), why[i]);
		condense_end(c);
	}
}

/* Nothing of these goes away. */
static void
add_names(uint32_t from, uint32_t to)
{
	for (uint32_t serial = from; serial < to; serial++) {
		char text[64];

		snprintf(text, sizeof(text), "name%u A 192.0.2.1\n",
			 (unsigned)serial);
		zonefile_step(&past.steps, "example.", serial, "", text);
	}
}

static void
what_all_hold_together_is_bounded(void **state)
{
	struct condense *a, *b;
	const uint8_t *octets;
	size_t len;
	uint64_t max;

	(void)state;
	add_names(100, 900);
	assert_int_equal(condense(100, MUCH, &a), SECD_OK);
	assert_int_equal(condense_result(a, &octets, &len), SECD_OK);
	condense_end(a);
	/* As much as one of them takes at most. */
	max = past.steps.octets.len;
	while (condense(100, max, &a) != SECD_OK) {
		condense_end(a);
		max += 1000;
	}
	assert_in_range(max, 2 * past.steps.octets.len,
			6 * past.steps.octets.len);
	/* While the one is kept, there is no room for the other. */
	assert_int_equal(condense(100, max, &b), SECD_ELIMIT);
	condense_end(b);
	assert_int_equal(condense(100, max + len, &b), SECD_OK);
	condense_end(b);
	condense_end(a);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(condense(100, max, &a), SECD_OK);
		condense_end(a);
	}
}

static void
what_is_known_to_be_too_much_is_not_begun(void **state)
{
	struct condense *c;

	(void)state;
	past_add(&past, 7, 1007, 5);
	assert_int_equal(begin(7, 1000, &c), SECD_ELIMIT);
	assert_int_equal(atomic_load(&past.calls), 1);
	/* What is not known is found out. */
	past.says_size = false;
	assert_int_equal(condense(7, 100000, &c), SECD_ELIMIT);
	condense_end(c);
	assert_in_range(atomic_load(&past.calls), 5, 50);
}

static void
what_is_left_frees_itself(void **state)
{
	struct condense *c;

	(void)state;
	past_add(&past, 7, 1007, 5);
	for (unsigned i = 0; i < 50; i++) {
		atomic_store(&past.calls, 0);
		assert_int_equal(begin(7, MUCH, &c), SECD_OK);
		while (atomic_load(&past.calls) < i % 10) {
		}
		condense_end(c);
	}
	assert_int_equal(ready_count, 0);
	/* What it held is free again. */
	assert_int_equal(condense(7, 10 * past.steps.octets.len, &c), SECD_OK);
	condense_end(c);
}

static struct condense *left;

/* The one who waits for it leaves while it is worked on. */
static void
leave_at_the_third(void)
{
	if (atomic_load(&past.calls) == 3) {
		condense_end(left);
	}
}

static void
what_is_left_is_not_finished(void **state)
{
	struct condense *c;

	(void)state;
	past_add(&past, 7, 1007, 5);
	past.during = leave_at_the_third;
	assert_int_equal(begin(7, MUCH, &left), SECD_OK);
	while (atomic_load(&past.calls) < 3) {
	}
	/* Behind it, on the same thread. */
	assert_int_equal(condense(1006, MUCH, &c), SECD_OK);
	condense_end(c);
	assert_int_equal(atomic_load(&past.calls), 3 + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(many_steps_become_one),
	    TEST(on_the_spot_it_is_the_same),
	    TEST(what_breaks_off_is_told),
	    TEST(what_all_hold_together_is_bounded),
	    TEST(what_is_known_to_be_too_much_is_not_begun),
	    TEST(what_is_left_frees_itself),
	    TEST(what_is_left_is_not_finished),
	};

	return cmocka_run_group_tests_name("condense", tests, NULL, NULL);
}
