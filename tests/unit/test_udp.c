/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/octets.h"
#include "front.h"

#define SOCKETS_MAX 3

static struct front *f;
static struct listen_socket sockets[SOCKETS_MAX];
static struct udp_worker *worker;
static int client;

static void
open_socket(struct listen_socket *s, const char *address)
{
	struct sockaddr_in *in = (void *)&s->address;
	socklen_t len = sizeof(*in);
	int one = 1;

	s->address = front_address(address, 0);
	s->is_wildcard = in->sin_addr.s_addr == INADDR_ANY;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(
	    setsockopt(s->fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)), 0);
	assert_int_equal(bind(s->fd, (void *)in, len), 0);
	assert_int_equal(getsockname(s->fd, (void *)in, &len), 0);
}

static int
start(void **state)
{
	struct timeval limit = {10, 0};
	int rc = front_setup(state);

	f = *state;
	for (int i = 0; i < SOCKETS_MAX; i++) {
		open_socket(&sockets[i], "127.0.0.1");
	}
	client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(client >= 0);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return rc;
}

static void
serve(unsigned count)
{
	assert_int_equal(udp_start(sockets, count, &f->frontend, &worker), 0);
}

static int
stop(void **state)
{
	udp_stop(worker);
	worker = NULL;
	for (int i = 0; i < SOCKETS_MAX; i++) {
		close(sockets[i].fd);
	}
	close(client);
	return front_teardown(state);
}

static void
ask(unsigned socket, const char *address, uint16_t id)
{
	struct sockaddr_storage to = front_address(
	    address,
	    ntohs(((struct sockaddr_in *)(void *)&sockets[socket].address)
		      ->sin_port));
	uint8_t query[300];
	size_t len = front_query(query, id, "www.example.", RR_TYPE_A);

	assert_int_equal(
	    sendto(client, query, len, 0, (void *)&to, address_len(&to)), len);
}

static void
expect_answer(uint16_t id, const char *from)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	uint8_t answer[4096];

	assert_true(recvfrom(client, answer, sizeof(answer), 0, (void *)&peer,
			     &len) > 12);
	assert_int_equal(get_u16(answer), id);
	assert_int_equal(get_u16(answer + 6), 1);
	assert_string_equal(inet_ntoa(peer.sin_addr), from);
}

static void
a_query_is_answered(void **state)
{
	(void)state;
	serve(1);
	ask(0, "127.0.0.1", 7);
	expect_answer(7, "127.0.0.1");
	assert_int_equal(front_value(&udp_counters(worker)->queries), 1);
}

static void
a_worker_answers_on_all_of_its_sockets(void **state)
{
	(void)state;
	serve(SOCKETS_MAX);
	for (uint16_t i = 0; i < 30; i++) {
		ask(i % SOCKETS_MAX, "127.0.0.1", i);
		expect_answer(i, "127.0.0.1");
	}
}

static void
what_was_received_is_answered_before_the_end(void **state)
{
	(void)state;
	for (unsigned count = 1; count <= SOCKETS_MAX; count += 2) {
		/* More than a batch. */
		for (uint16_t i = 0; i < 100; i++) {
			ask(i % count, "127.0.0.1", i);
		}
		serve(count);
		udp_stop(worker);
		worker = NULL;
		for (uint16_t i = 0; i < 100; i++) {
			uint8_t answer[512];

			assert_true(recv(client, answer, sizeof(answer), 0) >
				    0);
		}
		close(sockets[0].fd); /* it was shut down */
		open_socket(&sockets[0], "127.0.0.1");
	}
}

static void
datagrams_without_a_request_do_no_harm(void **state)
{
	struct sockaddr_storage to = sockets[0].address;
	static const uint8_t zeros[5000];

	(void)state;
	serve(1);
	for (size_t len = 0; len <= 5000; len += 250) {
		assert_int_equal(sendto(client, zeros, len, 0, (void *)&to,
					address_len(&to)),
				 len);
	}
	for (uint16_t i = 0; i < 40; i++) {
		assert_int_equal(
		    sendto(client, zeros, 0, 0, (void *)&to, address_len(&to)),
		    0);
	}
	ask(0, "127.0.0.1", 9);
	/* What is long enough gets an error first. */
	for (;;) {
		uint8_t answer[4096];

		assert_true(recv(client, answer, sizeof(answer), 0) >= 12);
		if (get_u16(answer) == 9) {
			break;
		}
		assert_int_equal(answer[3] & 15, RCODE_FORMERR);
	}
}

static void
answers_leave_from_the_address_that_was_asked(void **state)
{
	(void)state;
	close(sockets[0].fd);
	open_socket(&sockets[0], "0.0.0.0");
	serve(1);
	ask(0, "127.0.0.1", 1);
	expect_answer(1, "127.0.0.1");
	ask(0, "127.0.0.77", 2);
	expect_answer(2, "127.0.0.77");
}

static void
a_new_root_is_seen_and_the_old_one_goes(void **state)
{
	(void)state;
	serve(1);
	for (uint16_t i = 0; i < 20; i++) {
		ask(0, "127.0.0.1", i);
		expect_answer(i, "127.0.0.1");
		front_configure(f, i % 2 == 0 ? "  identity: a\n"
					      : "  identity: b\n");
		front_publish(f, FRONT_ZONE);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_query_is_answered),
	    TEST(a_worker_answers_on_all_of_its_sockets),
	    TEST(what_was_received_is_answered_before_the_end),
	    TEST(datagrams_without_a_request_do_no_harm),
	    TEST(answers_leave_from_the_address_that_was_asked),
	    TEST(a_new_root_is_seen_and_the_old_one_goes),
	};

	return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
