/* SPDX-License-Identifier: BSD-2-Clause */
/* What the witness is told of a zone: when it expires, and its keys. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/module_expiry.h"
#include "witnessing.h"

static void
a_zone_is_told_with_its_keys_and_its_time(void **state)
{
	struct module_expiry *x = module_expiry_new();
	const struct modules_zone zone = {.expiry = x};
	char expected[200];
	int64_t at;

	(void)state;
	witnessing_begin("", "");
	modules_zone_added(witnessing.modules, witnessing.apex, &zone);
	assert_string_equal(
	    witnessing_command("witness zone-keys example."),
	    "expired off\nexpires-at 0\nkey slot.\nkey fixed.\n");
	module_expiry_set(x, clock_boot_ms() + 100000, false);
	at = clock_wall_s() + 100;
	witnessing_command("witness zone-keys example.");
	snprintf(expected, sizeof(expected), "expires-at %lld\n",
		 (long long)at);
	if (strstr(witnessing.text, expected) == NULL) { /* rounded down */
		snprintf(expected, sizeof(expected), "expires-at %lld\n",
			 (long long)at - 1);
		assert_non_null(strstr(witnessing.text, expected));
	}
	module_expiry_set(x, clock_boot_ms() - 5000, true);
	assert_non_null(strstr(witnessing_command("witness zone-keys example."),
			       "expired on\n"));
	/* It outlives what the transfer thread has of the zone. */
	module_expiry_unref(x);
	assert_non_null(strstr(witnessing_command("witness zone-keys example."),
			       "expired on\n"));
	modules_zone_removed(witnessing.modules, witnessing.apex);
	witnessing_command("witness zone-keys example.");
	assert_string_equal(witnessing.text, "");
}

static void
a_zone_that_is_expired_is_added_as_such(void **state)
{
	struct module_expiry *x = module_expiry_new();
	const struct modules_zone zone = {.expiry = x};

	(void)state;
	witnessing_begin("", "");
	module_expiry_set(x, clock_boot_ms() - 5000, true);
	modules_zone_added(witnessing.modules, witnessing.apex, &zone);
	witnessing_wait("witness", "zone-added example. 0 expired\n");
	module_expiry_unref(x);
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, witnessing_start, witnessing_stop)
	const struct CMUnitTest tests[] = {
	    TEST(a_zone_is_told_with_its_keys_and_its_time),
	    TEST(a_zone_that_is_expired_is_added_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
