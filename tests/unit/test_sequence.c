/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/sequence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/octets.h"
#include "secondaryd/module.h"

enum { FROM = 1, DEL, TO, ADD };

static const char *
take_soa(struct sequence *s, uint8_t op, uint32_t serial)
{
	uint8_t rdata[] = "\2ns\7example\0\4host\7example\0"
			  "....xxxxxxxxxxxxxxxx";

	put_u32(rdata + sizeof(rdata) - 1 - 20, serial);
	return sequence_take(s, op, 6, rdata, sizeof(rdata) - 1);
}

static const char *
take(struct sequence *s, uint8_t op)
{
	return sequence_take(s, op, 1, (const uint8_t *)"abcd", 4);
}

static void
steps_that_follow_each_other_fit(void **state)
{
	struct sequence s = {.serial = 5};

	(void)state;
	assert_false(sequence_is_complete(&s));
	assert_null(take_soa(&s, FROM, 5));
	assert_false(sequence_is_complete(&s));
	assert_null(take(&s, DEL));
	assert_null(take(&s, DEL));
	assert_false(sequence_is_complete(&s));
	assert_null(take_soa(&s, TO, 7));
	assert_true(sequence_is_complete(&s));
	assert_int_equal(s.serial, 7);
	assert_null(take(&s, ADD));
	assert_true(sequence_is_complete(&s));
	assert_null(take_soa(&s, FROM, 7));
	assert_false(sequence_is_complete(&s));
	assert_null(take_soa(&s, TO, UINT32_MAX));
	assert_null(take_soa(&s, FROM, UINT32_MAX));
	assert_null(take_soa(&s, TO, 2));
	assert_int_equal(s.serial, 2);
	assert_int_equal(s.count, 3);
}

/* Which operations may follow one, and the beginning. */
static void
every_other_order_is_refused(void **state)
{
	static const char *const follow[] = {
	    [0] = "f", [FROM] = "dt", [DEL] = "dt", [TO] = "fa", [ADD] = "fa"};
	static const char names[] = "?fdta";

	(void)state;
	for (uint8_t last = 0; last <= ADD; last++) {
		for (unsigned op = 0; op < 256; op++) {
			struct sequence s = {.serial = 5, .last = last};
			struct sequence before = s;
			bool is_soa = op == FROM || op == TO;
			bool fits = op >= FROM && op <= ADD &&
				    strchr(follow[last], names[op]) != NULL;

			assert_int_equal((is_soa
					      ? take_soa(&s, (uint8_t)op, 5)
					      : take(&s, (uint8_t)op)) == NULL,
					 fits);
			if (!fits) {
				assert_memory_equal(&s, &before, sizeof(s));
			}
			/* And no SOA elsewhere, or something in its place. */
			s = before;
			assert_non_null(is_soa ? take(&s, (uint8_t)op)
					       : take_soa(&s, (uint8_t)op, 5));
			assert_memory_equal(&s, &before, sizeof(s));
		}
	}
}

static void
a_step_begins_where_the_one_before_ended(void **state)
{
	struct sequence s = {.serial = 5};

	(void)state;
	assert_string_equal(take_soa(&s, FROM, 6),
			    "has steps that do not follow each other");
	assert_int_equal(s.last, 0);
	assert_null(take_soa(&s, FROM, 5));
	assert_null(take_soa(&s, TO, 6));
	assert_non_null(take_soa(&s, FROM, 5));
	assert_null(take_soa(&s, FROM, 6));
}

static void
a_soa_of_another_length_is_none(void **state)
{
	static const uint8_t octets[64];
	struct sequence s = {.serial = 0};

	(void)state;
	/* Two root names, and 20 octets behind them. */
	for (size_t len = 0; len < sizeof(octets); len++) {
		struct sequence t = s;

		assert_int_equal(
		    sequence_take(&t, FROM, 6, octets, len) == NULL, len == 22);
	}
	assert_non_null(sequence_take(
	    &s, FROM, 6, (const uint8_t *)"\377abcdefghijklmnopqr", 20));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steps_that_follow_each_other_fit),
	    cmocka_unit_test(every_other_order_is_refused),
	    cmocka_unit_test(a_step_begins_where_the_one_before_ended),
	    cmocka_unit_test(a_soa_of_another_length_is_none),
	};

	return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
