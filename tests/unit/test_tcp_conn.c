/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/tcp_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/octets.h"
#include "serving.h"

/* More than the kernel takes for a client that does not read. */
#define MANY_NAMES 60000u

/* Stands in for libc's, by which libev reads the wall clock. */
static int wall_step_s;

int
gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec t;
	int rc = clock_gettime(CLOCK_REALTIME, &t);

	(void)zone;
	tv->tv_sec = t.tv_sec + wall_step_s;
	tv->tv_usec = t.tv_nsec / 1000;
	return rc;
}

/* ---- queries ---- */

static void
a_query_is_answered(void **state)
{
	int fd = serving_client();

	(void)state;
	serving_ask(fd, 1, "www.example.", RR_TYPE_A);
	assert_true(serving_read_answer(fd, 1));
	assert_int_equal(get_u16(serving.msg + 6), 1);
}

static void
pipelined_queries_are_answered_in_order(void **state)
{
	int fd = serving_client();

	(void)state;
	for (uint16_t i = 0; i < 500; i++) {
		serving_ask(fd, i, i % 3 == 0 ? "example." : "none.example.",
			    RR_TYPE_SOA);
	}
	for (uint16_t i = 0; i < 500; i++) {
		assert_true(serving_read_answer(fd, i));
	}
	assert_false(serving_has_octets(fd));
}

static void
a_query_may_come_octet_by_octet(void **state)
{
	uint8_t octets[600];
	size_t len = front_query(octets + 2, 1, "www.example.", RR_TYPE_A);
	int fd = serving_client();

	(void)state;
	put_u16(octets, (uint16_t)len);
	memcpy(octets + len + 2, octets, len + 2);
	for (size_t i = 0; i < 2 * (len + 2); i++) {
		peer_write(fd, octets + i, 1);
		serving_turn();
	}
	assert_true(serving_read_answer(fd, 1));
	assert_true(serving_read_answer(fd, 1));
}

static void
a_client_that_ends_its_side_gets_all_its_answers(void **state)
{
	int fd = serving_client();

	(void)state;
	front_publish(serving.front, front_large_zone());
	for (uint16_t i = 0; i < 200; i++) {
		serving_ask(fd, i, "large.example.", RR_TYPE_TXT);
	}
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	for (uint16_t i = 0; i < 200; i++) {
		assert_true(serving_read_slowly(fd, i));
		assert_int_equal(get_u16(serving.msg + 6), 240);
	}
	serving_expect_end(fd);
	serving_turn();
	assert_int_equal(atomic_load(&serving.connections), 0);
}

static void
a_client_that_does_not_read_is_not_read_from(void **state)
{
	int fd = serving_client();
	uint16_t sent = 0, i;

	(void)state;
	front_publish(serving.front, front_large_zone());
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		uint8_t query[300];
		size_t len =
		    front_query(query + 2, sent, "large.example.", RR_TYPE_TXT);

		put_u16(query, (uint16_t)len);
		/* Small messages that fit whole or not at all. */
		if (sent == 60000 || send(fd, query, len + 2, MSG_NOSIGNAL) !=
					 (ssize_t)len + 2) {
			break;
		}
		sent++;
		if (sent % 100 == 0) {
			serving_turn();
		}
	}
	/* Far from all was worked on: the rest waits in the kernel. */
	assert_true(front_value(&serving.front->counters.queries) < 500);
	assert_true(front_value(&serving.front->counters.queries) < sent);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	for (i = 0; i < 400 && i < sent; i++) {
		assert_true(serving_read_slowly(fd, i));
	}
}

static void
what_is_no_request_gets_no_answer(void **state)
{
	uint8_t query[300];
	size_t len = front_query(query, 1, "www.example.", RR_TYPE_A);
	int fd = serving_client();

	(void)state;
	peer_write(fd, "\0\0", 2);
	query[2] |= 0x80;
	peer_write_message(fd, query, len);
	peer_write_message(fd, query, 5);
	serving_ask(fd, 2, "www.example.", RR_TYPE_A);
	assert_true(serving_read_answer(fd, 2));
	assert_false(serving_has_octets(fd));
}

static void
an_end_in_the_midst_of_a_message_closes(void **state)
{
	int fd = serving_client();

	(void)state;
	serving_ask(fd, 1, "www.example.", RR_TYPE_A);
	peer_write(fd, "\0\x20half", 6);
	shutdown(fd, SHUT_WR);
	assert_true(serving_read_answer(fd, 1));
	serving_expect_end(fd);
}

/* ---- time ---- */

static void
an_idle_connection_is_closed(void **state)
{
	int fd;

	(void)state;
	serving.shared->idle_s = 0.02;
	fd = serving_client();
	peer_run_for(serving.shared->loop, 60);
	peer_expect_end(fd);
}

static void
a_step_of_the_wall_clock_keeps_no_connection(void **state)
{
	int fd;

	(void)state;
	serving.shared->idle_s =
	    0.7; /* the loop looks at that clock in between */
	fd = serving_client();
	wall_step_s = -3600;
	serving_run_until_closed();
	wall_step_s = 0;
	peer_expect_end(fd);
}

static void
a_message_that_does_not_arrive_closes(void **state)
{
	int fd;

	(void)state;
	serving.shared->io_s = 0.03;
	fd = serving_client();
	peer_write(fd, "\0\x20", 2);
	serving_turn();
	/* An octet now and then does not help. */
	for (int i = 0; i < 10; i++) {
		send(fd, "x", 1, MSG_NOSIGNAL);
		peer_run_for(serving.shared->loop, 6);
	}
	peer_expect_end(fd);
}

static void
an_answer_that_is_not_taken_closes(void **state)
{
	int fd;

	(void)state;
	serving.shared->io_s = 0.05;
	front_publish(serving.front, front_large_zone());
	fd = serving_client();
	for (uint16_t i = 0; i < 300; i++) {
		serving_ask(fd, i, "large.example.", RR_TYPE_TXT);
	}
	serving_run_until_closed();
}

#define BUSY_LIMIT_MS 20

/*
 * Keep half a query out for longer than one message may take in all. False:
 * this process stood still for as long as ends a connection rightly, which
 * happens where others use the processor too, and says nothing.
 */
static bool
is_kept_open_while_busy(void)
{
	uint8_t octets[600];
	size_t len = front_query(octets + 2, 1, "www.example.", RR_TYPE_A) + 2;
	int fd = serving_client();
	int64_t wrote_at = clock_awake_ms(), before;

	put_u16(octets, (uint16_t)(len - 2));
	memcpy(octets + len, octets, len);
	peer_write(fd, octets, len / 2);
	for (int i = 0; i < 60; i++) {
		bool is_open;

		peer_run_for(serving.shared->loop, 6);
		if (clock_awake_ms() - wrote_at >= BUSY_LIMIT_MS - 1) {
			return false;
		}
		before = wrote_at;
		wrote_at = clock_awake_ms();
		peer_write(fd, octets + len / 2, len);
		is_open = serving_read_answer(fd, 1);
		/* The limit ran from the query before, until this one came. */
		if (clock_awake_ms() - before >= BUSY_LIMIT_MS - 1) {
			return false;
		}
		assert_true(is_open);
	}
	return true;
}

static void
a_busy_client_is_not_closed_though_it_always_has_half_a_query_out(void **state)
{
	bool is_kept = false;

	(void)state;
	serving.shared->io_s = serving.shared->idle_s = BUSY_LIMIT_MS / 1000.0;
	for (int i = 0; i < 200 && !is_kept; i++) {
		is_kept = is_kept_open_while_busy();
		serving_leave();
	}
	if (!is_kept) {
		print_message("the processor is never there in time\n");
		skip();
	}
}

/* ---- transfers ---- */

static void
publish_long_zone(unsigned names)
{
	char *text = front_long_zone(names);

	front_publish(serving.front, text);
	free(text);
}

static void
a_whole_zone_is_streamed(void **state)
{
	int fd = serving_client();

	(void)state;
	publish_long_zone(2000);
	serving_ask(fd, 9, "example.", RR_TYPE_AXFR);
	assert_int_equal(serving_read_transfer(fd, 9, 2005), 2005);
	assert_false(serving_has_octets(fd));
	serving_turn();
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 0);
	assert_int_equal(front_value(&serving.front->counters.transfers_done),
			 1);
}

static void
what_was_asked_behind_a_transfer_is_answered_behind_it(void **state)
{
	int fd = serving_client();

	(void)state;
	publish_long_zone(2000);
	serving_ask(fd, 1, "www.example.", RR_TYPE_A);
	serving_ask(fd, 2, "example.", RR_TYPE_AXFR);
	serving_ask(fd, 3, "www.example.", RR_TYPE_A);
	serving_ask(fd, 4, "example.", RR_TYPE_AXFR);
	serving_ask(fd, 5, "www.example.", RR_TYPE_A);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(serving_read_slowly(fd, 1));
	assert_int_equal(serving_read_transfer(fd, 2, 2005), 2005);
	assert_true(serving_read_slowly(fd, 3));
	assert_int_equal(serving_read_transfer(fd, 4, 2005), 2005);
	assert_true(serving_read_slowly(fd, 5));
	serving_expect_end(fd);
}

static void
a_transfer_leaves_others_their_turn(void **state)
{
	int taker = serving_client(), other = serving_client();

	(void)state;
	publish_long_zone(4000);
	serving_ask(taker, 1, "example.", RR_TYPE_AXFR);
	/* The kernel would take all of it at once. */
	ev_run(serving.shared->loop, EVRUN_ONCE);
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 1);
	serving_ask(other, 2, "www.example.", RR_TYPE_A);
	ev_run(serving.shared->loop, EVRUN_ONCE);
	assert_true(serving_has_octets(other));
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 1);
	assert_int_equal(serving_read_transfer(taker, 1, 4005), 4005);
}

static void
a_slow_client_holds_little_of_a_transfer(void **state)
{
	int fd = serving_client();

	(void)state;
	publish_long_zone(MANY_NAMES);
	serving_ask(fd, 1, "example.", RR_TYPE_AXFR);
	serving_turn();
	serving_turn();
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 1);
	assert_int_equal(serving_read_transfer(fd, 1, MANY_NAMES + 5),
			 MANY_NAMES + 5);
}

static void
a_client_that_goes_away_ends_its_transfer(void **state)
{
	int fd = serving_client();

	(void)state;
	publish_long_zone(MANY_NAMES);
	serving_ask(fd, 1, "example.", RR_TYPE_AXFR);
	serving_turn();
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 1);
	peer_reset(fd);
	serving.clients[0] = -1;
	serving_turn();
	assert_int_equal(atomic_load(&serving.connections), 0);
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 0);
	assert_int_equal(front_value(&serving.front->counters.transfers_done),
			 0);
}

static void
a_transfer_that_is_not_taken_ends(void **state)
{
	int fd;

	(void)state;
	serving.shared->io_s = 0.05;
	fd = serving_client();
	publish_long_zone(MANY_NAMES);
	serving_ask(fd, 1, "example.", RR_TYPE_AXFR);
	serving_run_until_closed();
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 0);
}

static void
ask_signed(int fd, uint16_t id, struct tsig_key *key)
{
	struct tsig_transaction t;
	uint8_t query[600];
	size_t len = front_query(query, id, "example.", RR_TYPE_AXFR);

	tsig_transaction_init(&t, key);
	assert_int_equal(
	    tsig_sign_request(&t, query, &len, sizeof(query), clock_wall_s()),
	    SECD_OK);
	tsig_transaction_fini(&t);
	peer_write_message(fd, query, len);
}

static void
a_key_that_is_taken_back_ends_its_transfers_and_no_others(void **state)
{
	struct tsig_key *key = serving.front->conf->c->keys[0].key;
	int cut = serving_client(), other = serving_client(),
	    idle = serving_client();
	char octets[4096];
	ssize_t n = 1;

	(void)state;
	publish_long_zone(MANY_NAMES);
	ask_signed(cut, 1, key);
	serving_ask(other, 2, "example.", RR_TYPE_AXFR);
	serving_turn();
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 2);
	tcp_conn_cut(serving.shared);
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 2);
	tsig_key_revoke(key);
	tcp_conn_cut(serving.shared);
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 1);
	assert_int_equal(atomic_load(&serving.connections), 2);
	/* What the system had of it is lost, too. */
	while (n > 0) {
		n = recv(cut, octets, sizeof(octets), 0);
	}
	assert_int_equal(n, -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(serving_read_transfer(other, 2, MANY_NAMES + 5),
			 MANY_NAMES + 5);
	serving_ask(idle, 3, "www.example.", RR_TYPE_A);
	assert_true(serving_read_answer(idle, 3));
}

/* Between the look at the request and the first message. */
static void
nothing_is_sent_under_a_key_that_is_taken_back(void **state)
{
	struct tsig_key *key = serving.front->conf->c->keys[0].key;
	int fd = serving_client();

	(void)state;
	publish_long_zone(2000);
	tsig_key_revoke(key);
	ask_signed(fd, 1, key);
	serving_run_until_closed();
	assert_int_equal(atomic_load(&serving.front->frontend.transfers_out),
			 0);
	assert_int_equal(front_value(&serving.front->counters.transfers_done),
			 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, serving_setup, serving_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_query_is_answered),
	    TEST(pipelined_queries_are_answered_in_order),
	    TEST(a_query_may_come_octet_by_octet),
	    TEST(a_client_that_ends_its_side_gets_all_its_answers),
	    TEST(a_client_that_does_not_read_is_not_read_from),
	    TEST(what_is_no_request_gets_no_answer),
	    TEST(an_end_in_the_midst_of_a_message_closes),
	    TEST(an_idle_connection_is_closed),
	    TEST(a_step_of_the_wall_clock_keeps_no_connection),
	    TEST(a_message_that_does_not_arrive_closes),
	    TEST(an_answer_that_is_not_taken_closes),
	    TEST(
		a_busy_client_is_not_closed_though_it_always_has_half_a_query_out),
	    TEST(a_whole_zone_is_streamed),
	    TEST(what_was_asked_behind_a_transfer_is_answered_behind_it),
	    TEST(a_transfer_leaves_others_their_turn),
	    TEST(a_slow_client_holds_little_of_a_transfer),
	    TEST(a_client_that_goes_away_ends_its_transfer),
	    TEST(a_transfer_that_is_not_taken_ends),
	    TEST(a_key_that_is_taken_back_ends_its_transfers_and_no_others),
	    TEST(nothing_is_sent_under_a_key_that_is_taken_back),
	};

	return cmocka_run_group_tests_name("tcp_conn", tests, NULL, NULL);
}
