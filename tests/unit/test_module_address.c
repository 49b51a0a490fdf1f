/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/module_address.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct secd_address
address(const char *text)
{
	struct secd_address a;

	assert_true(module_address_read(text, 53, &a));
	return a;
}

static void
what_is_read_is_written(void **state)
{
	static const char *const texts[][2] = {
	    {"192.0.2.1", "192.0.2.1@53"},
	    {"192.0.2.1@5300", "192.0.2.1@5300"},
	    {"2001:db8::1", "2001:db8::1@53"},
	    {"2001:db8::1@1", "2001:db8::1@1"},
	    {"::@65535", "::@65535"},
	};
	char text[MODULE_ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct secd_address a = address(texts[i][0]);

		assert_string_equal(module_address_text(&a, text), texts[i][1]);
	}
}

static void
any_port_and_no_address_are_written(void **state)
{
	struct secd_address a = address("192.0.2.1");
	char text[MODULE_ADDRESS_TEXT_MAX];

	(void)state;
	a.port = 0;
	assert_string_equal(module_address_text(&a, text), "192.0.2.1");
	a.family = 0;
	assert_string_equal(module_address_text(&a, text), "");
}

static void
anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "@53",
	    "192.0.2",
	    "192.0.2.1@",
	    "192.0.2.1@0",
	    "192.0.2.1@65536",
	    "192.0.2.1@5x",
	    "192.0.2.1:53",
	    "2001:db8::1%lo",
	    "name.example",
	    "192.0.2.1 ",
	    "192.0.2.1@53@53",
	    ("000000000000000000000000000000000"
	     "000000000000000000000000000000000"),
	};
	struct secd_address a = {.family = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(module_address_read(texts[i], 53, &a));
		assert_int_equal(a.family, 7);
	}
}

static void
a_host_is_known_again(void **state)
{
	struct secd_address v4 = address("192.0.2.1@1"), none = {0};
	struct secd_address same = address("192.0.2.1@2");
	struct secd_address mapped = address("::ffff:192.0.2.1");
	struct secd_address other = address("192.0.2.2@1");

	(void)state;
	assert_true(module_address_same_host(&v4, &same));
	assert_true(module_address_same_host(&v4, &mapped));
	assert_true(module_address_same_host(&mapped, &v4));
	assert_false(module_address_same_host(&v4, &other));
	assert_false(module_address_same_host(&v4, &none));
	assert_false(module_address_same_host(&none, &none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_read_is_written),
	    cmocka_unit_test(any_port_and_no_address_are_written),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(a_host_is_known_again),
	};

	return cmocka_run_group_tests_name("module_address", tests, NULL, NULL);
}
