/* SPDX-License-Identifier: BSD-2-Clause */

#include "serving.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "base/octets.h"

struct serving serving;

static void
on_wake(struct ev_loop *loop, ev_async *wake, int events)
{
	(void)loop;
	(void)wake;
	(void)events;
	letters_run(mailbox_take(&serving.box));
}

static void
wake_loop(void *arg)
{
	(void)arg;
	ev_async_send(serving.shared->loop, &serving.wake);
}

int
serving_setup(void **state)
{
	int rc = front_setup(state);

	serving.front = *state;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	serving.shared =
	    aligned_alloc(64, (sizeof(*serving.shared) + 63) / 64 * 64);
	assert_non_null(serving.shared);
	memset(serving.shared, 0, sizeof(*serving.shared));
	serving.shared->loop = ev_loop_new(EVFLAG_AUTO);
	serving.shared->dispatcher.frontend = &serving.front->frontend;
	serving.shared->dispatcher.counters = &serving.front->counters;
	ev_async_init(&serving.wake, on_wake);
	ev_async_start(serving.shared->loop, &serving.wake);
	assert_int_equal(mailbox_init(&serving.box, wake_loop, NULL), SECD_OK);
	assert_int_equal(condenser_start(&serving.front->frontend.condenser),
			 SECD_OK);
	serving.shared->dispatcher.box = &serving.box;
	serving.shared->connections = &serving.connections;
	serving.shared->idle_s = serving.shared->io_s = 60.0;
	atomic_store(&serving.connections, 0);
	serving.client_count = 0;
	peer_open(&serving.listener, 10);
	return rc;
}

int
serving_teardown(void **state)
{
	while (serving.shared->all != NULL) {
		tcp_conn_close(serving.shared->all);
	}
	/* As clients_stop has it. */
	mailbox_close(&serving.box);
	condenser_stop(serving.front->frontend.condenser);
	letters_run(mailbox_take(&serving.box));
	condenser_free(serving.front->frontend.condenser);
	mailbox_fini(&serving.box);
	assert_int_equal(atomic_load(&serving.connections), 0);
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 0);
	for (unsigned i = 0; i < serving.client_count; i++) {
		if (serving.clients[i] >= 0) {
			close(serving.clients[i]);
		}
	}
	ev_loop_destroy(serving.shared->loop);
	free(serving.shared);
	peer_close(&serving.listener);
	return front_teardown(state);
}

/* A client whose connection is served. */
int
serving_client(void)
{
	struct sockaddr_storage from = front_address("127.0.0.1", 1234);
	int fd = peer_connect(&serving.listener.address);
	int served = peer_accept(&serving.listener);

	assert_int_equal(fcntl(served, F_SETFL, O_NONBLOCK), 0);
	ev_now_update(serving.shared->loop);
	tcp_conn_open(serving.shared, served, &from);
	assert_true(serving.client_count < SERVING_CLIENTS_MAX);
	serving.clients[serving.client_count++] = fd;
	return fd;
}

void
serving_turn(void)
{
	peer_run_pending(serving.shared->loop);
}

void
serving_ask(int fd, uint16_t id, const char *name, uint16_t type)
{
	uint8_t query[300];
	size_t len = front_query(query, id, name, type);

	peer_write_message(fd, query, len);
}

bool
serving_has_octets(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* Read a message while the server goes on; false: the connection ended. */
bool
serving_read_answer(int fd, uint16_t id)
{
	long len;

	for (int i = 0; i < 5000 && !serving_has_octets(fd); i++) {
		peer_run_for(serving.shared->loop, 1);
	}
	len = peer_read_message(fd, serving.msg);
	if (len < 0) {
		return false;
	}
	assert_true(len >= 12);
	assert_int_equal(get_u16(serving.msg), id);
	return true;
}

/* Read from a client that is slow or late: the loop runs in between. */
static void
read_some(int fd, uint8_t *out, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = recv(fd, out + got, len - got, MSG_DONTWAIT);

		if (n > 0) {
			got += (size_t)n;
		} else {
			assert_true(n < 0);
			serving_turn();
		}
	}
}

bool
serving_read_slowly(int fd, uint16_t id)
{
	uint8_t prefix[2];

	read_some(fd, prefix, 2);
	read_some(fd, serving.msg, get_u16(prefix));
	assert_int_equal(get_u16(serving.msg), id);
	return true;
}

/* Records in the answer sections of a transfer, to its second SOA. */
unsigned
serving_read_transfer(int fd, uint16_t id, unsigned expected)
{
	unsigned count = 0;

	while (count < expected && serving_read_slowly(fd, id)) {
		count += get_u16(serving.msg + 6);
	}
	return count;
}

void
serving_run_until_closed(void)
{
	for (int i = 0; i < 5000 && atomic_load(&serving.connections) > 0;
	     i++) {
		peer_run_for(serving.shared->loop, 1);
	}
	assert_int_equal(atomic_load(&serving.connections), 0);
}

/* The only client goes away. */
void
serving_leave(void)
{
	close(serving.clients[--serving.client_count]);
	serving_run_until_closed();
}

void
serving_expect_end(int fd)
{
	for (int i = 0; i < 5000 && !serving_has_octets(fd); i++) {
		peer_run_for(serving.shared->loop, 1);
	}
	peer_expect_end(fd);
}
