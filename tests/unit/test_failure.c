/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "transfer/failure.h"
#include "transfer/notify_out.h"
#include "transfer/refresh.h"
#include "transfer/xfr_in.h"

static void
what_a_build_refuses_is_the_primarys_fault(void **state)
{
	(void)state;
	assert_int_equal(failure_of_build(SECD_OK), FAILURE_NONE);
	assert_int_equal(failure_of_build(SECD_EMALF), FAILURE_MALFORMED);
	assert_int_equal(failure_of_build(SECD_EMISMATCH), FAILURE_MISMATCH);
	assert_int_equal(failure_of_build(SECD_ELIMIT), FAILURE_LIMIT);
}

static void
what_a_build_cannot_do_is_ours(void **state)
{
	static const int codes[] = {SECD_ENOMEM, SECD_EIO, SECD_ENOSPC,
				    SECD_EPERM};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_int_equal(failure_of_build(codes[i]), FAILURE_LOCAL);
	}
}

static void
rcodes_have_names(void **state)
{
	(void)state;
	assert_string_equal(failure_rcode_text(0), "NOERROR");
	assert_string_equal(failure_rcode_text(9), "NOTAUTH");
	assert_string_equal(failure_rcode_text(10), "NOTZONE");
	assert_string_equal(failure_rcode_text(11), "an unknown RCODE");
	assert_string_equal(failure_rcode_text(255), "an unknown RCODE");
}

/* Each text differs from the one of a value that is none. */
static void
assert_named(const char *text, const char *of_none)
{
	assert_true(text[0] != '\0');
	assert_string_not_equal(text, of_none);
}

static void
every_value_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i <= FAILURE_LOCAL; i++) {
		assert_named(failure_text((enum failure)i),
			     failure_text((enum failure)99));
	}
	for (int i = 0; i <= XFR_IN_AXFR_STYLE; i++) {
		assert_named(xfr_in_outcome_text((enum xfr_in_outcome)i),
			     xfr_in_outcome_text((enum xfr_in_outcome)99));
	}
	for (int i = 0; i <= REFRESH_BROKEN; i++) {
		assert_named(refresh_health_text((enum refresh_health)i),
			     refresh_health_text((enum refresh_health)99));
	}
	for (int i = 0; i <= REFRESH_AXFR; i++) {
		assert_named(refresh_step_text((enum refresh_step)i),
			     refresh_step_text((enum refresh_step)99));
	}
	for (int i = 0; i <= NOTIFY_OUT_GIVEN_UP; i++) {
		assert_named(notify_out_state_text((enum notify_out_state)i),
			     notify_out_state_text((enum notify_out_state)99));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_build_refuses_is_the_primarys_fault),
	    cmocka_unit_test(what_a_build_cannot_do_is_ours),
	    cmocka_unit_test(rcodes_have_names),
	    cmocka_unit_test(every_value_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
