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
#include "forge.h"
#include "wire/tsig.h"

static struct message m;
static struct forge forge;

static int
start(void **state)
{
	(void)state;
	forge_init(&forge);
	forge_query(&m);
	return 0;
}

static void
no_tsig_is_no_error(void **state)
{
	struct tsig_place place = {.present = true};

	(void)state;
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	assert_false(place.present);
}

static void
a_bare_header_is_no_error(void **state)
{
	const uint8_t header[12] = {0};
	struct tsig_place place = {.present = true};

	(void)state;
	assert_int_equal(tsig_find(header, 12, &place), SECD_OK);
	assert_false(place.present);
	assert_int_equal(tsig_find(header, 11, &place), SECD_EMALF);
}

static void
the_last_additional_record_is_found(void **state)
{
	struct tsig_place place = {0};
	size_t at;

	(void)state;
	forge_record(&m, 1, 1);
	forge_record(&m, 2, 1);
	forge_record(&m, 3, 1);
	at = m.len;
	forge_sign(&forge, &m);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	assert_true(place.present);
	assert_int_equal(place.at, at);
	assert_memory_equal(place.key, forge_owner, sizeof(forge_owner));
}

static void
the_key_name_is_given_in_lower_case(void **state)
{
	struct tsig_place place = {0};

	(void)state;
	forge.owner = "\003xFR\007Example";
	forge_sign(&forge, &m);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	assert_memory_equal(place.key, forge_owner, sizeof(forge_owner));
}

static void
a_record_after_the_tsig_is_malformed(void **state)
{
	struct tsig_place place;

	(void)state;
	forge_sign(&forge, &m);
	forge_record(&m, 3, 41);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_EMALF);
}

static void
two_tsigs_are_malformed(void **state)
{
	struct tsig_place place;

	(void)state;
	forge_sign(&forge, &m);
	forge_sign(&forge, &m);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_EMALF);
}

static void
a_tsig_in_another_section_is_malformed(void **state)
{
	struct tsig_place place;

	(void)state;
	for (unsigned section = 1; section < 3; section++) {
		forge_query(&m);
		forge_sign(&forge, &m);
		put_u16(m.wire + 10, 0);
		put_u16(m.wire + 4 + 2 * section, 1);
		assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_EMALF);
	}
}

static void
a_question_for_tsig_is_not_a_tsig(void **state)
{
	struct tsig_place place;

	(void)state;
	put_u16(m.wire + m.len - 4, 250);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	assert_false(place.present);
}

static void
octets_after_the_last_record_are_malformed(void **state)
{
	struct tsig_place place;

	(void)state;
	m.wire[m.len] = 0;
	assert_int_equal(tsig_find(m.wire, m.len + 1, &place), SECD_EMALF);
	forge_sign(&forge, &m);
	m.wire[m.len] = 0;
	assert_int_equal(tsig_find(m.wire, m.len + 1, &place), SECD_EMALF);
}

static void
a_message_cut_anywhere_is_malformed(void **state)
{
	struct tsig_place place;

	(void)state;
	forge_record(&m, 3, 1);
	forge_sign(&forge, &m);
	for (size_t len = 0; len < m.len; len++) {
		/* Memory of its own, so that reading on is noticed. */
		uint8_t *copy = malloc(len > 0 ? len : 1);

		assert_non_null(copy);
		memcpy(copy, m.wire, len);
		assert_int_equal(tsig_find(copy, len, &place), SECD_EMALF);
		free(copy);
	}
}

static void
more_records_counted_than_there_are_is_malformed(void **state)
{
	struct tsig_place place;

	(void)state;
	forge_sign(&forge, &m);
	for (size_t field = 4; field < 12; field += 2) {
		uint16_t was = get_u16(m.wire + field);

		put_u16(m.wire + field, UINT16_MAX);
		assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_EMALF);
		put_u16(m.wire + field, was);
	}
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
}

static void
a_compressed_key_name_is_read(void **state)
{
	struct tsig_place place = {0};
	/* xfr, then a pointer to the question's name */
	const uint8_t record[] = {3, 'x', 'f', 'r', 0xc0, 12, 0, 250,
				  0, 255, 0,   0,   0,    0,  0, 0};

	(void)state;
	memcpy(m.wire + m.len, record, sizeof(record));
	put_u16(m.wire + 10, 1);
	assert_int_equal(tsig_find(m.wire, m.len + sizeof(record), &place),
			 SECD_OK);
	assert_memory_equal(place.key, forge_owner, sizeof(forge_owner));
}

static void
a_key_name_that_points_at_itself_is_malformed(void **state)
{
	struct tsig_place place;
	uint8_t record[] = {0xc0, 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0};

	(void)state;
	record[1] = (uint8_t)m.len;
	memcpy(m.wire + m.len, record, sizeof(record));
	put_u16(m.wire + 10, 1);
	assert_int_equal(tsig_find(m.wire, m.len + sizeof(record), &place),
			 SECD_EMALF);
}

static void
labels_of_unknown_kind_are_malformed(void **state)
{
	struct tsig_place place;

	(void)state;
	for (unsigned kind = 0x40; kind <= 0x80; kind += 0x40) {
		m.wire[12] = (uint8_t)(kind | 7);
		assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_EMALF);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(no_tsig_is_no_error, start),
	    cmocka_unit_test_setup(a_bare_header_is_no_error, start),
	    cmocka_unit_test_setup(the_last_additional_record_is_found, start),
	    cmocka_unit_test_setup(the_key_name_is_given_in_lower_case, start),
	    cmocka_unit_test_setup(a_record_after_the_tsig_is_malformed, start),
	    cmocka_unit_test_setup(two_tsigs_are_malformed, start),
	    cmocka_unit_test_setup(a_tsig_in_another_section_is_malformed,
				   start),
	    cmocka_unit_test_setup(a_question_for_tsig_is_not_a_tsig, start),
	    cmocka_unit_test_setup(octets_after_the_last_record_are_malformed,
				   start),
	    cmocka_unit_test_setup(a_message_cut_anywhere_is_malformed, start),
	    cmocka_unit_test_setup(
		more_records_counted_than_there_are_is_malformed, start),
	    cmocka_unit_test_setup(a_compressed_key_name_is_read, start),
	    cmocka_unit_test_setup(
		a_key_name_that_points_at_itself_is_malformed, start),
	    cmocka_unit_test_setup(labels_of_unknown_kind_are_malformed, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
