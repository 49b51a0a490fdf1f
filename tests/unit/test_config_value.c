/* SPDX-License-Identifier: BSD-2-Clause */

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config_build.h"

static void
numbers_have_units(void **state)
{
	static const struct {
		const char *text;
		enum config_unit unit;
		uint64_t value;
	} good[] = {
	    {"0", CONFIG_PLAIN, 0},
	    {"007", CONFIG_PLAIN, 7},
	    {"18446744073709551615", CONFIG_PLAIN, UINT64_MAX},
	    {"5", CONFIG_TIME, 5},
	    {"5s", CONFIG_TIME, 5},
	    {"5m", CONFIG_TIME, 300},
	    {"5h", CONFIG_TIME, 18000},
	    {"5d", CONFIG_TIME, 432000},
	    {"5", CONFIG_TIME_MS, 5},
	    {"5ms", CONFIG_TIME_MS, 5},
	    {"5s", CONFIG_TIME_MS, 5000},
	    {"5", CONFIG_SIZE, 5},
	    {"5B", CONFIG_SIZE, 5},
	    {"5K", CONFIG_SIZE, 5120},
	    {"5M", CONFIG_SIZE, 5242880},
	    {"5G", CONFIG_SIZE, UINT64_C(5368709120)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t value = 1;

		assert_true(
		    config_build_number(good[i].text, good[i].unit, &value));
		assert_int_equal(value, good[i].value);
	}
}

static void
what_is_no_number_is_told(void **state)
{
	static const struct {
		const char *text;
		enum config_unit unit;
	} bad[] = {
	    {"", CONFIG_PLAIN},
	    {"-1", CONFIG_PLAIN},
	    {"+1", CONFIG_PLAIN},
	    {" 1", CONFIG_PLAIN},
	    {"1 ", CONFIG_PLAIN},
	    {"0x1", CONFIG_PLAIN},
	    {"1s", CONFIG_PLAIN},
	    {"1K", CONFIG_PLAIN},
	    {"18446744073709551616", CONFIG_PLAIN},
	    {"s", CONFIG_TIME},
	    {"1K", CONFIG_TIME},
	    {"1ms", CONFIG_TIME},
	    {"1sm", CONFIG_TIME},
	    {"1S", CONFIG_TIME},
	    {"18446744073709551615m", CONFIG_TIME},
	    {"1k", CONFIG_SIZE},
	    {"1m", CONFIG_SIZE},
	    {"18446744073709551615G", CONFIG_SIZE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t value = 42;

		assert_false(
		    config_build_number(bad[i].text, bad[i].unit, &value));
		assert_int_equal(value, 42);
	}
}

static void
assert_range(const char *text, sa_family_t family, const char *first,
	     const char *last)
{
	struct config_range r;
	size_t len = family == AF_INET ? 4 : 16;

	assert_true(config_build_range(text, &r));
	assert_int_equal(r.family, family);
	assert_memory_equal(r.first, first, len);
	assert_memory_equal(r.last, last, len);
}

static void
ranges_have_a_first_and_a_last_address(void **state)
{
	(void)state;
	assert_range("192.0.2.7", AF_INET, "\xc0\0\2\7", "\xc0\0\2\7");
	assert_range("192.0.2.7/24", AF_INET, "\xc0\0\2\0", "\xc0\0\2\xff");
	assert_range("192.0.2.7/31", AF_INET, "\xc0\0\2\6", "\xc0\0\2\7");
	assert_range("192.0.2.7/32", AF_INET, "\xc0\0\2\7", "\xc0\0\2\7");
	assert_range("192.0.2.7/0", AF_INET, "\0\0\0\0", "\xff\xff\xff\xff");
	assert_range("192.0.2.7-192.0.3.1", AF_INET, "\xc0\0\2\7",
		     "\xc0\0\3\1");
	assert_range("2001:db8::1/33", AF_INET6,
		     "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\0",
		     "\x20\1\xd\xb8\x7f\xff\xff\xff"
		     "\xff\xff\xff\xff\xff\xff\xff\xff");
	assert_range("::1-::2", AF_INET6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1",
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2");
}

static void
addresses_have_a_port(void **state)
{
	struct sockaddr_storage a;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;

	(void)state;
	assert_true(config_build_address("192.0.2.1", 53, &a));
	assert_int_equal(a.ss_family, AF_INET);
	assert_int_equal(ntohs(in->sin_port), 53);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0xc0000201);
	assert_true(config_build_address("2001:db8::1@65535", 53, &a));
	assert_int_equal(a.ss_family, AF_INET6);
	assert_int_equal(ntohs(in6->sin6_port), 65535);
	assert_false(config_build_address("192.0.2.1@0", 53, &a));
	assert_false(config_build_address(
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
	    53, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_have_units),
	    cmocka_unit_test(what_is_no_number_is_told),
	    cmocka_unit_test(ranges_have_a_first_and_a_last_address),
	    cmocka_unit_test(addresses_have_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
