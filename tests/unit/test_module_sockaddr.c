/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sockaddr_storage
v4(void)
{
	struct sockaddr_storage a;
	struct sockaddr_in *in = (void *)&a;

	memset(&a, 0, sizeof(a));
	in->sin_family = AF_INET;
	in->sin_port = htons(53);
	inet_pton(AF_INET, "192.0.2.1", &in->sin_addr);
	return a;
}

static struct sockaddr_storage
v6(void)
{
	struct sockaddr_storage a;
	struct sockaddr_in6 *in6 = (void *)&a;

	memset(&a, 0, sizeof(a));
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(5300);
	in6->sin6_scope_id = 7;
	inet_pton(AF_INET6, "fe80::1", &in6->sin6_addr);
	return a;
}

static void
an_address_comes_back_as_it_was(void **state)
{
	struct sockaddr_storage in[2] = {v4(), v6()}, out;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct secd_address a = module_sockaddr_of(&in[i]);

		assert_int_equal(a.family, i == 0 ? 4 : 6);
		assert_int_equal(a.port, i == 0 ? 53 : 5300);
		assert_int_equal(a.scope, i == 0 ? 0 : 7);
		memset(&out, 0xff, sizeof(out));
		assert_true(module_sockaddr_to(&a, &out));
		assert_memory_equal(&out, &in[i], sizeof(out));
	}
}

static void
a_host_has_no_port(void **state)
{
	struct sockaddr_storage in = v4();
	struct secd_address a = module_sockaddr_host(&in);

	(void)state;
	assert_int_equal(a.port, 0);
	assert_memory_equal(a.octets, "\xc0\x00\x02\x01", 4);
}

static void
no_address_is_none(void **state)
{
	struct sockaddr_storage other, out;
	struct secd_address a = {.family = 5};

	(void)state;
	memset(&other, 0, sizeof(other));
	other.ss_family = AF_UNIX;
	assert_int_equal(module_sockaddr_of(NULL).family, 0);
	assert_int_equal(module_sockaddr_of(&other).family, 0);
	assert_false(module_sockaddr_to(&a, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_comes_back_as_it_was),
	    cmocka_unit_test(a_host_has_no_port),
	    cmocka_unit_test(no_address_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
