/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/octets.h"
#include "front.h"
#include "peer.h"

static struct front *f;
static struct listeners *listeners;
static struct clients *clients;
static char reason[256];
static unsigned port;

/* A port that is free for UDP and TCP now. */
static unsigned
free_port(void)
{
	struct peer p;
	unsigned got;

	peer_open(&p, 1);
	got = ntohs(((struct sockaddr_in *)(void *)&p.address)->sin_port);
	peer_close(&p);
	return got;
}

static int
start(void **state)
{
	int rc = front_setup(state);

	f = *state;
	port = free_port();
	return rc;
}

static int
stop(void **state)
{
	clients_stop(clients);
	listeners_close(listeners);
	clients = NULL;
	listeners = NULL;
	return front_teardown(state);
}

static int
bind_all(const char *addresses, struct listeners **out)
{
	char text[2048], listen[256];

	snprintf(listen, sizeof(listen), addresses, port, port, port);
	snprintf(text, sizeof(text),
		 "server:\n  listen: [ %s ]\n  udp-workers: 2\n"
		 "  tcp-workers: 2\n",
		 listen);
	return listeners_open(&conf_dir_accept(f->conf, text)->server, out,
			      reason);
}

static void
serve(const char *addresses)
{
	if (bind_all(addresses, &listeners) != SECD_OK) {
		fail_msg("%s", reason);
	}
	assert_int_equal(clients_start(listeners, &f->frontend, &clients),
			 SECD_OK);
}

static void
ask_udp(const char *address)
{
	struct sockaddr_storage to = front_address(address, (uint16_t)port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {10, 0};
	uint8_t msg[4096];
	size_t len = front_query(msg, 3, "www.example.", RR_TYPE_A);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	/* Connected: an answer from another address is not heard. */
	assert_int_equal(connect(fd, (void *)&to, address_len(&to)), 0);
	assert_int_equal(send(fd, msg, len, 0), len);
	assert_true(recv(fd, msg, sizeof(msg), 0) > 12);
	assert_int_equal(get_u16(msg), 3);
	close(fd);
}

static void
ask_tcp(const char *address)
{
	struct sockaddr_storage to = front_address(address, (uint16_t)port);
	int fd = peer_connect(&to);
	uint8_t msg[65535];
	size_t len = front_query(msg, 4, "www.example.", RR_TYPE_A);

	peer_write_message(fd, msg, len);
	assert_true(peer_read_message(fd, msg) > 12);
	assert_int_equal(get_u16(msg), 4);
	close(fd);
}

static void
every_address_answers_over_udp_and_tcp(void **state)
{
	struct clients_count n;

	(void)state;
	serve("127.0.0.1@%u, 127.0.0.2@%u, 127.0.0.3@%u");
	for (int i = 0; i < 20; i++) {
		ask_udp("127.0.0.1");
		ask_udp("127.0.0.2");
		ask_tcp("127.0.0.3");
	}
	clients_count(clients, &n);
	assert_int_equal(n.queries_udp, 40);
	assert_int_equal(n.queries_tcp, 20);
	assert_int_equal(n.answers[0], 60);
}

static void
one_address_answers_over_udp_and_tcp(void **state)
{
	(void)state;
	serve("127.0.0.1@%u");
	for (int i = 0; i < 20; i++) {
		ask_udp("127.0.0.1");
		ask_tcp("127.0.0.1");
	}
}

static void
an_address_that_is_taken_is_told(void **state)
{
	struct listeners *second = NULL;
	char expected[256];

	(void)state;
	serve("127.0.0.1@%u, 127.0.0.2@%u");
	assert_int_equal(bind_all("127.0.0.3@%u, 127.0.0.2@%u", &second),
			 SECD_EIO);
	assert_null(second);
	snprintf(expected, sizeof(expected),
		 "cannot listen on 127.0.0.2@%u (udp): Address already in use",
		 port);
	assert_string_equal(reason, expected);
}

static void
an_address_that_is_not_ours_is_told(void **state)
{
	struct listeners *second = NULL;

	(void)state;
	assert_int_equal(bind_all("127.0.0.1@%u, 192.0.2.1@%u", &second),
			 SECD_EIO);
	assert_null(second);
	assert_non_null(strstr(reason, "cannot listen on 192.0.2.1@"));
}

static void
clients_over_the_cap_are_turned_away(void **state)
{
	struct sockaddr_storage to = front_address("127.0.0.1", (uint16_t)port);
	struct clients_count n;
	uint8_t msg[65535];
	int fds[3];

	(void)state;
	serve("127.0.0.1@%u");
	front_configure(f, "  tcp-max-clients: 2\n");
	for (int i = 0; i < 2; i++) {
		size_t len = front_query(msg, 4, "www.example.", RR_TYPE_A);

		fds[i] = peer_connect(&to);
		peer_write_message(fds[i], msg, len);
		assert_true(peer_read_message(fds[i], msg) > 12);
	}
	fds[2] = peer_connect(&to);
	peer_expect_end(fds[2]);
	clients_count(clients, &n);
	assert_int_equal(n.tcp_connections, 2);
	assert_int_equal(n.tcp_refused, 1);
	/* The others go on. */
	for (int i = 0; i < 2; i++) {
		size_t len = front_query(msg, 5, "www.example.", RR_TYPE_A);

		peer_write_message(fds[i], msg, len);
		assert_true(peer_read_message(fds[i], msg) > 12);
	}
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
	}
}

static void
connections_are_closed_at_the_end(void **state)
{
	struct sockaddr_storage to = front_address("127.0.0.1", (uint16_t)port);
	int fd;

	(void)state;
	serve("127.0.0.1@%u");
	ask_tcp("127.0.0.1");
	fd = peer_connect(&to);
	clients_stop(clients);
	clients = NULL;
	listeners_close(listeners);
	listeners = NULL;
	peer_expect_end(fd);
	close(fd);
}

/* The zone does not fit into what the system takes for a client. */
static int
begin_transfer(struct tsig_key *key)
{
	struct sockaddr_storage to = front_address("127.0.0.1", (uint16_t)port);
	int fd = peer_connect(&to);
	struct tsig_transaction t;
	uint8_t msg[65535];
	size_t len = front_query(msg, 4, "example.", RR_TYPE_AXFR);

	tsig_transaction_init(&t, key);
	assert_int_equal(
	    tsig_sign_request(&t, msg, &len, sizeof(msg), clock_wall_s()),
	    SECD_OK);
	tsig_transaction_fini(&t);
	peer_write_message(fd, msg, len);
	assert_true(peer_read_message(fd, msg) > 12);
	return fd;
}

static void
transfers_under_a_key_that_is_taken_back_end_at_once(void **state)
{
	const struct root *root;
	struct tsig_key *key;
	char octets[4096], *text = front_long_zone(60000);
	struct pollfd reset = {.events = 0};
	ssize_t n = 1;
	int fd;

	(void)state;
	clients_cut(&f->frontend); /* there are none */
	front_publish(f, text);
	free(text);
	serve("127.0.0.1@%u, 127.0.0.2@%u");
	root = root_get(&f->frontend.root);
	key = root->config->keys[0].key;
	reset.fd = fd = begin_transfer(key);
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 1);
	tsig_key_revoke(key);
	clients_cut(&f->frontend);
	/* It takes nothing, so that nothing else goes on. */
	assert_int_equal(poll(&reset, 1, 5000), 1);
	while (n > 0) {
		n = recv(fd, octets, sizeof(octets), 0);
	}
	assert_int_equal(n, -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 0);
	close(fd);
	clients_stop(clients);
	clients = NULL;
	clients_cut(&f->frontend);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_address_answers_over_udp_and_tcp),
	    TEST(one_address_answers_over_udp_and_tcp),
	    TEST(an_address_that_is_taken_is_told),
	    TEST(an_address_that_is_not_ours_is_told),
	    TEST(clients_over_the_cap_are_turned_away),
	    TEST(connections_are_closed_at_the_end),
	    TEST(transfers_under_a_key_that_is_taken_back_end_at_once),
	};

	return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
