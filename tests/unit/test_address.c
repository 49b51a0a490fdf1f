/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage
make(const char *text, unsigned port)
{
	struct sockaddr_storage a;
	struct sockaddr_in6 *v6 = (void *)&a;
	struct sockaddr_in *v4 = (void *)&a;

	memset(&a, 0, sizeof(a));
	if (strchr(text, ':') != NULL) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
	}
	return a;
}

static bool
same_host(const char *x, const char *y)
{
	struct sockaddr_storage a = make(x, 1), b = make(y, 2);

	return address_same_host(&a, &b) && address_same_host(&b, &a);
}

static bool
equal(const char *x, unsigned x_port, const char *y, unsigned y_port)
{
	struct sockaddr_storage a = make(x, x_port), b = make(y, y_port);

	return address_equal(&a, &b) && address_equal(&b, &a);
}

static void
expect_text(const char *address, unsigned port, const char *expected)
{
	struct sockaddr_storage a = make(address, port);
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_text(&a, text, sizeof(text)), expected);
}

static void
the_text_has_address_and_port(void **state)
{
	struct sockaddr_storage local = {.ss_family = AF_UNIX};
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	expect_text("192.0.2.1", 53, "192.0.2.1@53");
	expect_text("2001:db8::1", 65535, "2001:db8::1@65535");
	expect_text("2001:db8:1111:2222:3333:4444:5555:6666", 5300,
		    "2001:db8:1111:2222:3333:4444:5555:6666@5300");
	address_text(&local, text, sizeof(text));
	assert_int_equal(text[0], '?');
}

static void
the_port_counts_for_equality(void **state)
{
	(void)state;
	assert_true(equal("192.0.2.1", 53, "192.0.2.1", 53));
	assert_false(equal("192.0.2.1", 53, "192.0.2.1", 54));
	assert_false(equal("192.0.2.1", 53, "192.0.2.2", 53));
	assert_true(equal("2001:db8::1", 53, "2001:db8::1", 53));
	assert_false(equal("2001:db8::1", 53, "2001:db8::1", 54));
	assert_false(equal("2001:db8::1", 53, "2001:db8::2", 53));
	assert_false(equal("::ffff:192.0.2.1", 53, "192.0.2.1", 53));
}

static void
the_scope_counts_for_equality(void **state)
{
	struct sockaddr_storage a = make("fe80::1", 53), b = a;

	(void)state;
	((struct sockaddr_in6 *)(void *)&b)->sin6_scope_id = 2;
	assert_false(address_equal(&a, &b));
}

static void
what_is_not_set_equals_what_is_not_set(void **state)
{
	struct sockaddr_storage a = {.ss_family = AF_UNSPEC}, b = a;
	struct sockaddr_storage c = make("192.0.2.1", 53);

	(void)state;
	assert_true(address_equal(&a, &b));
	assert_false(address_equal(&a, &c));
	assert_false(address_same_host(&a, &b));
}

static void
the_port_does_not_count_for_the_host(void **state)
{
	(void)state;
	assert_true(same_host("192.0.2.1", "192.0.2.1"));
	assert_false(same_host("192.0.2.1", "192.0.2.2"));
	assert_true(same_host("2001:db8::1", "2001:db8::1"));
	assert_false(same_host("2001:db8::1", "2001:db8::2"));
}

static void
a_mapped_address_is_the_same_host(void **state)
{
	(void)state;
	assert_true(same_host("::ffff:192.0.2.1", "192.0.2.1"));
	assert_false(same_host("::ffff:192.0.2.1", "192.0.2.2"));
	assert_false(same_host("::192.0.2.1", "192.0.2.1"));
}

static void
the_length_is_the_familys(void **state)
{
	struct sockaddr_storage a = make("192.0.2.1", 1);
	struct sockaddr_storage b = make("2001:db8::1", 1);

	(void)state;
	assert_int_equal(address_len(&a), sizeof(struct sockaddr_in));
	assert_int_equal(address_len(&b), sizeof(struct sockaddr_in6));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_text_has_address_and_port),
	    cmocka_unit_test(the_port_counts_for_equality),
	    cmocka_unit_test(the_scope_counts_for_equality),
	    cmocka_unit_test(what_is_not_set_equals_what_is_not_set),
	    cmocka_unit_test(the_port_does_not_count_for_the_host),
	    cmocka_unit_test(a_mapped_address_is_the_same_host),
	    cmocka_unit_test(the_length_is_the_familys),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
