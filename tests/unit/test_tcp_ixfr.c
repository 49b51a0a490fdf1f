/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IXFR on a worker's loop.
 */

#include "server/tcp_conn.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "past.h"
#include "server/ixfr_out.h"
#include "serving.h"

static struct past past;

static int
start(void **state)
{
	past_init(&past);
	return serving_setup(state);
}

static int
stop(void **state)
{
	int rc = serving_teardown(state);

	past_fini(&past); /* others have read it until then */
	return rc;
}

#define SERIAL 3000u /* that is served */

static void
publish(unsigned names)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fprintf(f,
		"@ SOA ns host %u 3600 600 86400 300\n@ NS ns\n"
		"ns A 192.0.2.53\nwww A 192.0.2.80\n",
		SERIAL);
	for (unsigned i = 0; i < names; i++) {
		fprintf(f, "n%u TXT \"%0230u\"\n", i, i);
	}
	fclose(f);
	front_publish(serving.front, text);
	free(text);
}

/* Steps that lead to the version that is served, which is larger than they. */
static void
have_past(uint32_t steps, unsigned records)
{
	publish(50 + steps * (records + 6) / 4);
	past_add(&past, SERIAL - steps, SERIAL, records);
	serving.front->frontend.history = past_history(&past);
	front_configure_zone(serving.front, "    ixfr-condense: off\n");
}

static void
ask_ixfr(int fd, uint16_t id, uint32_t serial)
{
	uint8_t query[300];

	peer_write_message(fd, query, front_ixfr(query, id, serial));
}

static void
changes_go_out_and_what_was_asked_behind_them(void **state)
{
	int fd = serving_client();

	(void)state;
	have_past(300, 20);
	ask_ixfr(fd, 1, SERIAL - 300);
	serving_ask(fd, 2, "www.example.", RR_TYPE_A);
	assert_int_equal(serving_read_transfer(fd, 1, 2 + 300 * 42),
			 2 + 300 * 42);
	assert_true(serving_read_answer(fd, 2));
	assert_int_equal(front_value(&serving.front->counters.ixfr), 1);
}

static void
others_have_their_turn_after_each_piece(void **state)
{
	unsigned answered = 0, turns = 0;
	int fd = serving_client(), other = serving_client();

	(void)state;
	have_past(2000, 20);
	past.piece_max = 20000;
	ask_ixfr(fd, 1, SERIAL - 2000);
	/* The client takes at once whatever it can get. */
	while (answered < 50 || atomic_load(&past.calls) < 50) {
		unsigned calls = atomic_load(&past.calls);

		serving_ask(other, (uint16_t)answered, "www.example.",
			    RR_TYPE_A);
		ev_run(serving.shared->loop, EVRUN_NOWAIT);
		assert_true(atomic_load(&past.calls) - calls <= 1);
		if (serving_has_octets(other)) {
			assert_true(peer_read_message(other, serving.msg) > 0);
			answered++;
		}
		while (recv(fd, serving.msg, sizeof(serving.msg),
			    MSG_DONTWAIT) > 0) {
		}
		assert_true(++turns < 1000);
	}
}

static void
while_it_waits_for_the_commit_others_are_served(void **state)
{
	int fd = serving_client(), other = serving_client();

	(void)state;
	have_past(3, 1);
	past.busy = UINT32_MAX;
	ask_ixfr(fd, 1, SERIAL - 3);
	for (uint16_t i = 0; i < 20; i++) {
		serving_ask(other, i, "www.example.", RR_TYPE_A);
		assert_true(serving_read_answer(other, i));
	}
	assert_false(serving_has_octets(fd));
	past.busy = 0;
	assert_int_equal(serving_read_transfer(fd, 1, 2 + 3 * 4), 2 + 3 * 4);
}

static void
a_client_that_leaves_while_it_waits_is_noticed(void **state)
{
	int fd = serving_client();

	(void)state;
	have_past(3, 1);
	past.busy = UINT32_MAX;
	ask_ixfr(fd, 1, SERIAL - 3);
	for (int i = 0; i < 5000 && atomic_load(&past.calls) == 0; i++) {
		peer_run_for(serving.shared->loop, 1);
	}
	serving_leave();
	assert_int_equal(front_value(&serving.front->counters.transfers_done),
			 0);
}

static void
what_it_says_while_it_waits_is_answered_afterwards(void **state)
{
	int fd = serving_client();
	unsigned calls;

	(void)state;
	have_past(3, 1);
	past.busy = UINT32_MAX;
	ask_ixfr(fd, 1, SERIAL - 3);
	for (int i = 0; i < 5000 && atomic_load(&past.calls) == 0; i++) {
		peer_run_for(serving.shared->loop, 1);
	}
	serving_ask(fd, 2, "www.example.", RR_TYPE_A);
	/* It does not spin meanwhile. */
	calls = atomic_load(&past.calls);
	peer_run_for(serving.shared->loop, 100);
	assert_in_range(atomic_load(&past.calls) - calls, 1,
			150 / IXFR_OUT_WAIT_MS);
	past.busy = 0;
	assert_int_equal(serving_read_transfer(fd, 1, 2 + 3 * 4), 2 + 3 * 4);
	assert_true(serving_read_answer(fd, 2));
}

static void
waiting_is_not_held_against_the_client(void **state)
{
	int fd = serving_client();

	(void)state;
	have_past(3, 1);
	past.busy = UINT32_MAX;
	serving.shared->io_s = 0.05;
	ask_ixfr(fd, 1, SERIAL - 3);
	peer_run_for(serving.shared->loop, 400);
	past.busy = 0;
	assert_int_equal(serving_read_transfer(fd, 1, 2 + 3 * 4), 2 + 3 * 4);
}

static void
history_that_is_gone_closes_the_connection(void **state)
{
	int fd = serving_client();

	(void)state;
	have_past(2000, 20);
	past.fail_at = 5;
	past.fail_rc = SECD_ENOTFOUND;
	ask_ixfr(fd, 1, SERIAL - 2000);
	for (int i = 0; i < 5000 && atomic_load(&serving.connections) > 0;
	     i++) {
		peer_run_for(serving.shared->loop, 1);
		while (recv(fd, serving.msg, sizeof(serving.msg),
			    MSG_DONTWAIT) > 0) {
		}
	}
	assert_int_equal(atomic_load(&serving.connections), 0);
}

static void
many_steps_come_as_one_while_others_are_served(void **state)
{
	int fd = serving_client(), other = serving_client();

	(void)state;
	have_past(2000, 20);
	front_configure(serving.front, "");
	ask_ixfr(fd, 1, SERIAL - 2000);
	for (uint16_t i = 0; i < 20; i++) {
		serving_ask(other, i, "www.example.", RR_TYPE_A);
		assert_true(serving_read_answer(other, i));
	}
	assert_int_equal(serving_read_transfer(fd, 1, 2 + 42), 2 + 42);
	assert_int_equal(front_value(&serving.front->counters.ixfr_condensed),
			 1);
}

static void
a_client_may_leave_while_they_are_condensed(void **state)
{
	(void)state;
	have_past(2000, 20);
	front_configure(serving.front, "");
	past.piece_max = 500;
	for (unsigned i = 0; i < 20; i++) {
		unsigned calls = atomic_load(&past.calls);
		int fd = serving_client();

		ask_ixfr(fd, 1, SERIAL - 2000);
		while (atomic_load(&past.calls) < calls + 2) {
			peer_run_for(serving.shared->loop, 1);
		}
		serving_leave();
	}
	/* And the end may come meanwhile. */
	ask_ixfr(serving_client(), 1, SERIAL - 2000);
	serving_turn();
	peer_run_for(serving.shared->loop, 5);
}

static atomic_bool is_over;

/* A history whose second piece is a long time coming. */
static void
wait_for_the_end(void)
{
	while (atomic_load(&past.calls) > 1 && !atomic_load(&is_over)) {
		sched_yield();
	}
}

static void
the_deadline_holds_while_they_are_condensed(void **state)
{
	int fd = serving_client();
	int64_t began = clock_awake_ms();

	(void)state;
	have_past(2000, 20);
	front_configure_zone(serving.front, "    transfer-max-time: 1s\n");
	past.piece_max = 500;
	past.during = wait_for_the_end;
	atomic_store(&is_over, false);
	serving.shared->io_s = 0.2;
	ask_ixfr(fd, 1, SERIAL - 2000);
	serving_run_until_closed();
	/* And not a shorter one: it is not the client who is late. */
	assert_true(clock_awake_ms() - began >= 1000);
	atomic_store(&is_over, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(changes_go_out_and_what_was_asked_behind_them),
	    TEST(others_have_their_turn_after_each_piece),
	    TEST(while_it_waits_for_the_commit_others_are_served),
	    TEST(a_client_that_leaves_while_it_waits_is_noticed),
	    TEST(what_it_says_while_it_waits_is_answered_afterwards),
	    TEST(waiting_is_not_held_against_the_client),
	    TEST(history_that_is_gone_closes_the_connection),
	    TEST(many_steps_come_as_one_while_others_are_served),
	    TEST(a_client_may_leave_while_they_are_condensed),
	    TEST(the_deadline_holds_while_they_are_condensed),
	};

	return cmocka_run_group_tests_name("tcp_ixfr", tests, NULL, NULL);
}
