/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/downstreams.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/error.h"
#include "front.h"
#include "zonefile.h"

static struct downstreams *d;
static struct downstream all[DOWNSTREAMS_OF_ZONE];
static size_t count;
static uint8_t apex[NAME_LEN_MAX], other[NAME_LEN_MAX];
static const uint8_t key[] = "\1k";

static int
start(void **state)
{
	(void)state;
	zonefile_name("example.", apex);
	zonefile_name("example.org.", other);
	return downstreams_new(1000, &d);
}

static int
stop(void **state)
{
	(void)state;
	downstreams_free(d);
	return 0;
}

static void
note(const char *from, enum downstream_how how, uint32_t serial)
{
	struct sockaddr_storage a = front_address(from, 1234);

	downstreams_note(d, apex, &a, how, serial, NULL);
}

static struct sockaddr_storage
address6(const char *text, uint32_t scope)
{
	struct sockaddr_storage a = {.ss_family = AF_INET6};
	struct sockaddr_in6 *in6 = (void *)&a;

	assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	in6->sin6_port = htons(99);
	in6->sin6_scope_id = scope;
	return a;
}

static void
list(void)
{
	count = downstreams_list(d, apex, all);
}

static const char *
text_of(size_t i)
{
	static char text[ADDRESS_TEXT_MAX + 64];
	char address[ADDRESS_TEXT_MAX];

	assert_true(i < count);
	snprintf(text, sizeof(text), "%s %u %s",
		 address_text(&all[i].address, address, sizeof(address)),
		 all[i].serial, downstream_how_text(all[i].how));
	return text;
}

static void
the_last_word_of_each_counts(void **state)
{
	struct sockaddr_storage a = front_address("192.0.2.1", 53);

	(void)state;
	list();
	assert_int_equal(count, 0);
	note("192.0.2.1", DOWNSTREAM_AXFR, 5);
	note("192.0.2.2", DOWNSTREAM_IXFR, 6);
	downstreams_note(d, apex, &a, DOWNSTREAM_ASKED, 4, key);
	downstreams_note(d, other, &a, DOWNSTREAM_AXFR, 9, NULL);
	list();
	assert_int_equal(count, 2);
	assert_string_equal(text_of(0), "192.0.2.1@0 4 asked");
	assert_true(all[0].is_signed);
	assert_memory_equal(all[0].key, key, sizeof(key));
	assert_true(all[0].at > 0);
	assert_string_equal(text_of(1), "192.0.2.2@0 6 IXFR");
	assert_false(all[1].is_signed);
}

static void
addresses_are_those_of_hosts(void **state)
{
	struct sockaddr_storage mapped = address6("::ffff:192.0.2.1", 0);
	struct sockaddr_storage first = address6("fe80::1", 1);
	struct sockaddr_storage second = address6("fe80::1", 2);

	(void)state;
	note("192.0.2.1", DOWNSTREAM_AXFR, 5);
	downstreams_note(d, apex, &mapped, DOWNSTREAM_AXFR, 6, NULL);
	downstreams_note(d, apex, &first, DOWNSTREAM_AXFR, 7, NULL);
	downstreams_note(d, apex, &second, DOWNSTREAM_AXFR, 8, NULL);
	list();
	assert_int_equal(count, 3);
	assert_int_equal(
	    ((struct sockaddr_in6 *)(void *)&all[0].address)->sin6_scope_id, 2);
	assert_int_equal(all[1].serial, 7);
	assert_string_equal(text_of(2), "192.0.2.1@0 6 AXFR");
}

static void
of_too_many_those_heard_of_last_are_known(void **state)
{
	char from[32];

	(void)state;
	for (unsigned i = 0; i < 2 * DOWNSTREAMS_OF_ZONE; i++) {
		snprintf(from, sizeof(from), "192.0.2.%u", i);
		note(from, DOWNSTREAM_AXFR, i);
		/* One is heard of all the time. */
		note("198.51.100.1", DOWNSTREAM_ASKED, 1000 + i);
	}
	list();
	assert_int_equal(count, DOWNSTREAMS_OF_ZONE);
	for (size_t i = 1; i < count; i++) {
		assert_int_equal(all[i].serial,
				 2 * DOWNSTREAMS_OF_ZONE - (unsigned)i);
	}
	assert_string_equal(text_of(0), "198.51.100.1@0 1063 asked");
}

static void
of_all_zones_no_more_are_known_than_wanted(void **state)
{
	struct sockaddr_storage a = front_address("192.0.2.1", 53);
	struct downstreams *few;
	uint8_t name[NAME_LEN_MAX];
	char text[32];

	(void)state;
	assert_int_equal(downstreams_new(100, &few), SECD_OK);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "z%u.example.", i);
		downstreams_note(few, zonefile_name(text, name), &a,
				 DOWNSTREAM_AXFR, i, NULL);
	}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "z%u.example.", i);
		assert_int_equal(
		    downstreams_list(few, zonefile_name(text, name), all),
		    i < 900 ? 0 : 1);
	}
	downstreams_free(few);
}

static void
what_is_forgotten_is_gone(void **state)
{
	struct sockaddr_storage a = front_address("192.0.2.1", 53);

	(void)state;
	downstreams_note(d, other, &a, DOWNSTREAM_AXFR, 9, NULL);
	note("192.0.2.1", DOWNSTREAM_AXFR, 5);
	note("192.0.2.2", DOWNSTREAM_AXFR, 5);
	downstreams_forget(d, apex);
	list();
	assert_int_equal(count, 0);
	assert_int_equal(downstreams_list(d, other, all), 1);
	downstreams_forget(d, apex);
	note("192.0.2.2", DOWNSTREAM_AXFR, 6);
	list();
	assert_int_equal(count, 1);
}

static void
where_nobody_wants_to_know_nothing_is_known(void **state)
{
	struct sockaddr_storage a = front_address("192.0.2.1", 53);

	(void)state;
	downstreams_note(NULL, apex, &a, DOWNSTREAM_AXFR, 5, NULL);
	assert_int_equal(downstreams_list(NULL, apex, all), 0);
	downstreams_forget(NULL, apex);
	downstreams_free(NULL);
}

static void *
note_many(void *arg)
{
	unsigned of = *(unsigned *)arg;

	for (unsigned i = 0; i < 2000; i++) {
		char from[32];

		snprintf(from, sizeof(from), "192.0.%u.%u", of, i % 50);
		note(from, DOWNSTREAM_AXFR, i);
	}
	return NULL;
}

static void
any_thread_may_note(void **state)
{
	pthread_t threads[4];
	unsigned numbers[4] = {0, 1, 2, 3};

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(
		    pthread_create(&threads[i], NULL, note_many, &numbers[i]),
		    0);
	}
	for (int i = 0; i < 200; i++) {
		list();
		assert_true(count <= DOWNSTREAMS_OF_ZONE);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
	}
	list();
	assert_int_equal(count, DOWNSTREAMS_OF_ZONE);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(the_last_word_of_each_counts),
	    TEST(addresses_are_those_of_hosts),
	    TEST(of_too_many_those_heard_of_last_are_known),
	    TEST(of_all_zones_no_more_are_known_than_wanted),
	    TEST(what_is_forgotten_is_gone),
	    TEST(where_nobody_wants_to_know_nothing_is_known),
	    TEST(any_thread_may_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
