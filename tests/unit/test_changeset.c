/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "zone/changeset.h"
#include "zone_model.h"
#include "zonefile.h"

static struct changeset cs;

static int
stop(void **state)
{
	(void)state;
	changeset_fini(&cs);
	return 0;
}

static int
put(enum changeset_op op, const char *text)
{
	struct zonefile z = {0};
	int rc;

	zonefile_parse(&z, "example.", text);
	assert_int_equal(z.count, 1);
	rc = changeset_put(&cs, op, &z.rrs[0]);
	zonefile_free(&z);
	return rc;
}

static int
from(unsigned serial)
{
	char text[64];

	snprintf(text, sizeof(text), "@ SOA a. b. %u 2 3 4 5\n", serial);
	return put(CHANGESET_SOA_FROM, text);
}

static int
to(unsigned serial)
{
	char text[64];

	snprintf(text, sizeof(text), "@ SOA a. b. %u 2 3 4 5\n", serial);
	return put(CHANGESET_SOA_TO, text);
}

static void
fill(void)
{
	assert_int_equal(from(4294967295u), SECD_OK);
	assert_int_equal(put(CHANGESET_DELETE, "a A 192.0.2.1\n"), SECD_OK);
	assert_int_equal(put(CHANGESET_DELETE, "b A 192.0.2.1\n"), SECD_OK);
	assert_int_equal(to(3), SECD_OK);
	assert_int_equal(put(CHANGESET_ADD, "c 7 MX 1 a\n"), SECD_OK);
	assert_int_equal(from(3), SECD_OK);
	assert_int_equal(to(5), SECD_OK);
	assert_int_equal(from(5), SECD_OK);
	assert_int_equal(put(CHANGESET_DELETE, "c MX 1 a\n"), SECD_OK);
	assert_int_equal(to(9), SECD_OK);
	assert_int_equal(put(CHANGESET_ADD, "d TYPE10 \\# 0\n"), SECD_OK);
	assert_int_equal(put(CHANGESET_ADD, "d A 192.0.2.1\n"), SECD_OK);
}

static void
steps_are_counted(void **state)
{
	(void)state;
	assert_false(changeset_is_complete(&cs));
	fill();
	assert_true(changeset_is_complete(&cs));
	assert_int_equal(cs.from, 4294967295u);
	assert_int_equal(cs.to, 9);
	assert_int_equal(cs.step_count, 3);
	assert_int_equal(cs.deleted, 3);
	assert_int_equal(cs.added, 3);
	assert_int_equal(cs.last, CHANGESET_ADD);
}

static void
what_was_put_is_what_is_walked_over(void **state)
{
	static const enum changeset_op ops[] = {
	    CHANGESET_SOA_FROM, CHANGESET_DELETE,   CHANGESET_DELETE,
	    CHANGESET_SOA_TO,   CHANGESET_ADD,      CHANGESET_SOA_FROM,
	    CHANGESET_SOA_TO,   CHANGESET_SOA_FROM, CHANGESET_DELETE,
	    CHANGESET_SOA_TO,   CHANGESET_ADD,      CHANGESET_ADD,
	};
	enum changeset_op op;
	size_t pos = 0, i = 0;
	struct rr rr;

	(void)state;
	fill();
	while (changeset_next(&cs, &pos, &op, &rr)) {
		assert_int_equal(op, ops[i]);
		if (i == 4) {
			assert_memory_equal(rr.owner, "\1c\7example", 11);
			assert_int_equal(rr.type, RR_TYPE_MX);
			assert_int_equal(rr.ttl, 7);
			assert_int_equal(rr.rdlen, 13);
			assert_memory_equal(rr.rdata, "\0\1\1a\7example", 13);
		}
		i++;
	}
	assert_int_equal(i, sizeof(ops) / sizeof(*ops));
	assert_int_equal(pos, cs.octets.len);
}

static void
order_is_kept(void **state)
{
	(void)state;
	assert_int_equal(put(CHANGESET_DELETE, "a A 192.0.2.1\n"), SECD_EMALF);
	assert_int_equal(put(CHANGESET_ADD, "a A 192.0.2.1\n"), SECD_EMALF);
	assert_int_equal(to(1), SECD_EMALF);
	assert_int_equal(cs.octets.len, 0);
	assert_int_equal(from(1), SECD_OK);
	assert_false(changeset_is_complete(&cs));
	assert_int_equal(from(1), SECD_EMALF);
	assert_int_equal(put(CHANGESET_ADD, "a A 192.0.2.1\n"), SECD_EMALF);
	assert_int_equal(put(CHANGESET_DELETE, "a A 192.0.2.1\n"), SECD_OK);
	assert_int_equal(from(1), SECD_EMALF);
	assert_int_equal(put(CHANGESET_ADD, "a A 192.0.2.1\n"), SECD_EMALF);
	assert_int_equal(to(2), SECD_OK);
	assert_true(changeset_is_complete(&cs));
	assert_int_equal(to(2), SECD_EMALF);
	assert_int_equal(put(CHANGESET_DELETE, "a A 192.0.2.1\n"), SECD_EMALF);
	assert_int_equal(put(CHANGESET_ADD, "a A 192.0.2.1\n"), SECD_OK);
	assert_int_equal(put(CHANGESET_DELETE, "a A 192.0.2.1\n"), SECD_EMALF);
	assert_int_equal(to(2), SECD_EMALF);
	assert_int_equal(put((enum changeset_op)0, "a A 192.0.2.1\n"),
			 SECD_EMALF);
	assert_int_equal(put((enum changeset_op)5, "a A 192.0.2.1\n"),
			 SECD_EMALF);
	assert_int_equal(cs.deleted, 1);
	assert_int_equal(cs.added, 1);
}

static void
a_step_starts_where_the_one_before_ended(void **state)
{
	(void)state;
	assert_int_equal(from(1), SECD_OK);
	assert_int_equal(to(2), SECD_OK);
	assert_int_equal(from(1), SECD_EMALF);
	assert_int_equal(from(3), SECD_EMALF);
	assert_int_equal(cs.step_count, 1);
	assert_int_equal(from(2), SECD_OK);
	assert_int_equal(cs.step_count, 2);
	assert_int_equal(cs.from, 1);
}

static void
soas_have_their_places_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(put(CHANGESET_SOA_FROM, "a A 192.0.2.1\n"),
			 SECD_EMALF);
	assert_int_equal(from(1), SECD_OK);
	assert_int_equal(put(CHANGESET_DELETE, "@ SOA a. b. 1 2 3 4 5\n"),
			 SECD_EMALF);
	assert_int_equal(put(CHANGESET_SOA_TO, "a A 192.0.2.1\n"), SECD_EMALF);
	assert_int_equal(to(2), SECD_OK);
	assert_int_equal(put(CHANGESET_ADD, "@ SOA a. b. 1 2 3 4 5\n"),
			 SECD_EMALF);
}

static void
stored_octets_are_taken_as_they_were(void **state)
{
	struct changeset again = {{0}, 0, 0, 0, 0, 0, 0};

	(void)state;
	fill();
	assert_int_equal(
	    changeset_from_octets(cs.octets.data, cs.octets.len, &again),
	    SECD_OK);
	assert_int_equal(again.from, cs.from);
	assert_int_equal(again.to, cs.to);
	assert_int_equal(again.step_count, cs.step_count);
	assert_int_equal(again.deleted, cs.deleted);
	assert_int_equal(again.added, cs.added);
	assert_int_equal(again.last, cs.last);
	assert_int_equal(again.octets.len, cs.octets.len);
	assert_memory_equal(again.octets.data, cs.octets.data, cs.octets.len);
	changeset_fini(&again);
}

static void
octets_cut_off_are_refused_unless_a_step_ends_there(void **state)
{
	struct changeset again = {{0}, 0, 0, 0, 0, 0, 0};
	unsigned good = 0;

	(void)state;
	fill();
	for (size_t len = 0; len < cs.octets.len; len++) {
		uint8_t *cut = malloc(len + 1);
		int rc;

		memcpy(cut, cs.octets.data, len);
		rc = changeset_from_octets(cut, len, &again);
		if (rc == SECD_OK) {
			good++;
			changeset_fini(&again);
		} else {
			assert_int_equal(rc, SECD_EMALF);
			assert_int_equal(again.octets.len, 0);
		}
		free(cut);
	}
	/* After each SOA_TO and ADD but the last. */
	assert_int_equal(good, 5);
}

static void
damaged_octets_do_no_harm(void **state)
{
	struct changeset again = {{0}, 0, 0, 0, 0, 0, 0};

	(void)state;
	fill();
	for (size_t bit = 0; bit < cs.octets.len * 8; bit++) {
		uint8_t *copy = malloc(cs.octets.len);

		memcpy(copy, cs.octets.data, cs.octets.len);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (changeset_from_octets(copy, cs.octets.len, &again) ==
		    SECD_OK) {
			changeset_fini(&again);
		}
		free(copy);
	}
}

static void
rdata_that_does_not_fit_its_type_is_refused(void **state)
{
	struct changeset again = {{0}, 0, 0, 0, 0, 0, 0};
	uint8_t *octets;
	size_t pos = 0;

	(void)state;
	fill();
	octets = malloc(cs.octets.len);
	/* The last octets: an A record behind 1 + 11 + 8 octets. */
	memcpy(octets, cs.octets.data, cs.octets.len);
	pos = cs.octets.len - 12;
	assert_int_equal(get_u16(octets + pos), RR_TYPE_A);
	put_u16(octets + pos, RR_TYPE_MX);
	assert_int_equal(changeset_from_octets(octets, cs.octets.len, &again),
			 SECD_EMALF);
	put_u16(octets + pos, RR_TYPE_RRSIG);
	assert_int_equal(changeset_from_octets(octets, cs.octets.len, &again),
			 SECD_EMALF);
	put_u16(octets + pos, RR_TYPE_SOA);
	assert_int_equal(changeset_from_octets(octets, cs.octets.len, &again),
			 SECD_EMALF);
	free(octets);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(steps_are_counted),
	    TEST(what_was_put_is_what_is_walked_over),
	    TEST(order_is_kept),
	    TEST(a_step_starts_where_the_one_before_ended),
	    TEST(soas_have_their_places_and_no_other),
	    TEST(stored_octets_are_taken_as_they_were),
	    TEST(octets_cut_off_are_refused_unless_a_step_ends_there),
	    TEST(damaged_octets_do_no_harm),
	    TEST(rdata_that_does_not_fit_its_type_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
