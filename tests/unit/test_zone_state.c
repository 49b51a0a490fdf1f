/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

static void
a_state_is_read_as_it_was_written(void **state)
{
	const struct refresh_saved saved = {.has_zone = true,
					    .expired = true,
					    .confirmed_at = INT64_C(1) << 33,
					    .soa = {.serial = 7, .expire = 9}};
	const struct zone_pin pins[] = {
	    {.seq = 0},
	    {.seq = UINT64_C(1) << 40, .serial = 5, .at = INT64_C(1) << 34},
	    {.seq = 1, .serial = 4294967295, .at = 3, .is_lost = true}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t octets[ZONE_STATE_LEN_MAX];
		size_t len = zone_state_write(&saved, &pins[i], octets);
		struct refresh_saved back;
		struct zone_pin pin;

		assert_int_equal(zone_state_read(octets, len, &back, &pin),
				 SECD_OK);
		assert_int_equal(back.confirmed_at, saved.confirmed_at);
		assert_int_equal(back.soa.serial, 7);
		assert_int_equal(back.soa.expire, 9);
		assert_true(back.expired);
		assert_int_equal(pin.seq, pins[i].seq);
		assert_int_equal(pin.serial, pins[i].serial);
		assert_int_equal(pin.at, pins[i].at);
		assert_int_equal(pin.is_lost, pins[i].is_lost);
		for (size_t cut = 0; cut < len; cut++) {
			assert_int_equal(
			    zone_state_read(octets, cut, &back, &pin),
			    SECD_EMALF);
		}
		octets[3] = 3; /* a later format */
		assert_int_equal(zone_state_read(octets, len, &back, &pin),
				 SECD_EMALF);
	}
}

/* As a version before pins wrote it, and as it is still without one. */
static void
a_state_without_a_pin_is_that_of_before(void **state)
{
	const struct refresh_saved saved = {.has_zone = true,
					    .confirmed_at = 0x0102030405,
					    .soa = {1, 2, 3, 4, 5}};
	const struct zone_pin none = {.seq = 0};
	static const uint8_t before[40] = {
	    0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 1,
	    0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 0};
	uint8_t octets[ZONE_STATE_LEN_MAX];

	(void)state;
	assert_int_equal(zone_state_write(&saved, &none, octets), 40);
	assert_memory_equal(octets, before, 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_state_is_read_as_it_was_written),
	    cmocka_unit_test(a_state_without_a_pin_is_that_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
