/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/transfer_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/octets.h"
#include "front.h"
#include "past.h"
#include "secondaryd/module.h"
#include "server/condense.h"
#include "server/mailbox.h"
#include "transfer/xfr_in.h"

#define ID 0x1234

static struct front *f;
static struct past past;
static struct transfer_stream *stream;
static int wait_ms;
static struct tsig_transaction tsig;
static struct mailbox box;
static uint8_t request[512], response[65535];
static size_t response_len;

/* A zone of that serial, with names beside those that steps change. */
static void
publish(unsigned serial, unsigned names)
{
	size_t cap = 200 + (size_t)names * 40, len = 0;
	char *text = malloc(cap);

	assert_non_null(text);
	len += (size_t)snprintf(text, cap,
				"@ SOA ns.example. host %u 3600 600 86400 "
				"300\n@ NS ns.example.net.\n",
				serial);
	for (unsigned i = 0; i < names; i++) {
		len += (size_t)snprintf(text + len, cap - len,
					"name%u.y A 192.0.2.1\n", i);
	}
	front_publish(f, text);
	free(text);
}

static void
condense(const char *how)
{
	char line[64];

	snprintf(line, sizeof(line), "    ixfr-condense: %s\n", how);
	front_configure_zone(f, line);
}

static int
start(void **state)
{
	int rc = front_setup(state);

	f = *state;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	past_init(&past);
	past_add(&past, 7, 10, 2);
	f->frontend.history = past_history(&past);
	assert_int_equal(mailbox_init(&box, NULL, NULL), SECD_OK);
	assert_int_equal(condenser_start(&f->frontend.condenser), SECD_OK);
	f->dispatcher.box = &box;
	condense("off");
	publish(10, 100);
	return rc;
}

static int
stop(void **state)
{
	transfer_stream_close(stream);
	stream = NULL;
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 0);
	mailbox_close(&box);
	condenser_stop(f->frontend.condenser);
	letters_run(mailbox_take(&box));
	condenser_free(f->frontend.condenser);
	mailbox_fini(&box);
	tsig_transaction_fini(&tsig);
	past_fini(&past);
	return front_teardown(state);
}

static void
answer(const char *from, size_t len)
{
	struct sockaddr_storage a = front_address(from, 1234);
	struct request r = {
	    .msg = request,
	    .len = len,
	    .from = &a,
	    .out = response,
	    .cap = sizeof(response),
	    .stream = &stream,
	};

	dispatch_read(&f->dispatcher, &r, 1);
	response_len = dispatch_answer(&f->dispatcher, &r);
}

static void
be_ready(void *arg)
{
	(void)arg;
}

static void
ask(uint32_t serial)
{
	transfer_stream_close(stream);
	stream = NULL;
	answer("127.0.0.1", front_ixfr(request, ID, serial));
	assert_int_equal(response_len, 0);
	assert_non_null(stream);
	stream->ready = be_ready;
}

static int
next(void)
{
	return transfer_stream_next(stream, response, sizeof(response),
				    &response_len, &wait_ms);
}

/* The next message, while what it takes is done elsewhere. */
static void
next_in_time(void)
{
	int rc = next();

	while (rc == SECD_EAGAIN) {
		assert_int_equal(wait_ms, -1);
		letters_run(mailbox_wait(&box));
		rc = next();
	}
	assert_int_equal(rc, SECD_OK);
}

/* The whole answer, as a client takes it. */
static enum xfr_in_outcome
receive(uint32_t held)
{
	struct xfr_in_params p = {
	    .apex = (const uint8_t *)"\7example",
	    .id = ID,
	    .question = XFR_IN_ASK_IXFR,
	    .serial = held,
	    .spool_dir = "/tmp",
	    .spool_chunk = 1 << 20,
	};
	enum xfr_in_outcome outcome;
	enum xfr_in_verdict v;
	struct xfr_in *in;

	assert_int_equal(xfr_in_new(&p, &in), SECD_OK);
	do {
		next_in_time();
		v = xfr_in_message(in, response, response_len);
		if (v == XFR_IN_FAILED) {
			fail_msg("refused: %s", xfr_in_result(in)->text);
		}
		assert_int_equal(v == XFR_IN_DONE, stream->is_done);
	} while (!stream->is_done);
	outcome = xfr_in_result(in)->outcome;
	xfr_in_free(in);
	return outcome;
}

/* That were sent. */
static unsigned
count_steps(void)
{
	struct xfr_out_count c;

	xfr_out_count(stream->out, &c);
	return c.steps;
}

static void
expect_whole(uint32_t held, const char *why)
{
	uint64_t before = front_value(&f->counters.ixfr_axfr_style);

	ask(held);
	assert_int_equal(receive(held), XFR_IN_AXFR_STYLE);
	assert_string_equal(stream->ixfr.why, why);
	assert_int_equal(front_value(&f->counters.ixfr_axfr_style), before + 1);
}

static void
changes_go_out_where_history_has_them(void **state)
{
	(void)state;
	for (uint32_t serial = 7; serial < 10; serial++) {
		ask(serial);
		assert_int_equal(receive(serial), XFR_IN_IXFR);
		assert_null(stream->ixfr.why);
	}
	transfer_stream_close(stream);
	stream = NULL;
	assert_int_equal(front_value(&f->counters.transfers), 3);
	assert_int_equal(front_value(&f->counters.transfers_done), 3);
	assert_int_equal(front_value(&f->counters.ixfr), 3);
	assert_int_equal(front_value(&f->counters.ixfr_axfr_style), 0);
}

static void
a_history_that_does_not_say_how_long_it_is_will_do(void **state)
{
	(void)state;
	past.says_size = false;
	past.piece_max = 1;
	ask(7);
	assert_int_equal(receive(7), XFR_IN_IXFR);
}

static void
without_history_the_zone_goes_out(void **state)
{
	(void)state;
	expect_whole(6, "no history from there");
	past.fail_at = 1;
	atomic_store(&past.calls, 0);
	past.fail_rc = SECD_ENOTSUP;
	expect_whole(7, "no module keeps history");
	atomic_store(&past.calls, 0);
	past.fail_rc = SECD_EIO;
	expect_whole(7, "history cannot be read");
	atomic_store(&past.calls, 0);
	past.fail_rc = SECD_ECLOSED;
	expect_whole(7, "history cannot be read");
	atomic_store(&past.calls, 0);
	past.fail_rc = SECD_ENOMEM;
	expect_whole(7, "no memory for history");
	f->frontend.history = (struct frontend_history){.ctx = NULL};
	expect_whole(7, "no module keeps history");
	assert_int_equal(front_value(&f->counters.ixfr), 0);
}

static void
changes_that_are_larger_than_the_zone_are_not_sent(void **state)
{
	(void)state;
	publish(10, 0);
	expect_whole(7, "the changes are larger than the zone");
	/* Also when only a part of them is seen. */
	past.piece_max = 1;
	expect_whole(7, "the changes are larger than the zone");
	publish(10, 50);
	ask(7);
	assert_int_equal(receive(7), XFR_IN_IXFR);
}

static void
without_provide_ixfr_nobody_is_asked(void **state)
{
	(void)state;
	front_configure_zone(f, "    provide-ixfr: off\n");
	expect_whole(7, "provide-ixfr is off");
	assert_int_equal(atomic_load(&past.calls), 0);
}

static void
it_waits_for_the_commit(void **state)
{
	(void)state;
	past.busy = 5;
	ask(7);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(next(), SECD_EAGAIN);
	}
	assert_int_equal(receive(7), XFR_IN_IXFR);
	assert_int_equal(atomic_load(&past.calls), 6);
}

static void
but_not_for_ever(void **state)
{
	(void)state;
	past.busy = UINT32_MAX;
	ask(7);
	assert_int_equal(next(), SECD_EAGAIN);
	stream->ixfr.asked_ms -= 900;
	assert_int_equal(next(), SECD_EAGAIN);
	stream->ixfr.asked_ms -= 101;
	assert_int_equal(receive(7), XFR_IN_AXFR_STYLE);
	assert_string_equal(stream->ixfr.why, "history is not written yet");
}

static void
a_version_that_waits_is_the_one_that_was_asked_for(void **state)
{
	(void)state;
	past.busy = 1;
	ask(7);
	assert_int_equal(next(), SECD_EAGAIN);
	publish(11, 100);
	assert_int_equal(receive(7), XFR_IN_IXFR);
	past.busy = UINT32_MAX;
	publish(10, 100);
	ask(7);
	publish(11, 100);
	stream->ixfr.asked_ms -= 2000;
	assert_int_equal(receive(7), XFR_IN_AXFR_STYLE);
	assert_int_equal(stream->serial, 10);
}

static void
a_piece_ends_a_turn(void **state)
{
	unsigned turns = 0;

	(void)state;
	past_add(&past, 10, 500, 20);
	publish(500, 100000);
	past.piece_max = 30000;
	ask(7);
	while (!stream->is_done) {
		unsigned before = atomic_load(&past.calls);

		stream->is_turn_over = false;
		while (!stream->is_turn_over && !stream->is_done) {
			assert_int_equal(next(), SECD_OK);
		}
		assert_true(atomic_load(&past.calls) - before <= 1);
		turns++;
	}
	assert_true(turns > 10);
	assert_true(turns >= atomic_load(&past.calls));
}

static void
history_that_goes_halfway_ends_the_transfer(void **state)
{
	static const int why[] = {SECD_ENOTFOUND, SECD_ENOTSUP, SECD_ENOMEM};

	(void)state;
	past_add(&past, 10, 500, 20);
	publish(500, 100000);
	past.piece_max = 30000;
	for (size_t i = 0; i < 3; i++) {
		int rc;

		past.fail_at = 5;
		past.fail_rc = why[i];
		atomic_store(&past.calls, 0);
		ask(7);
		while ((rc = next()) == SECD_OK) {
		}
		assert_int_not_equal(rc, SECD_EAGAIN);
		assert_false(stream->is_done);
		assert_int_equal(xfr_out_failure(stream->out), why[i]);
	}
	/* It comes again, and gets what there is. */
	past.fail_at = 1;
	past.fail_rc = SECD_ENOTFOUND;
	atomic_store(&past.calls, 0);
	expect_whole(7, "no history from there");
}

static void
who_met_damage_gets_the_zone_next_time(void **state)
{
	int rc;

	(void)state;
	past_add(&past, 10, 500, 20);
	publish(500, 100000);
	past.piece_max = 30000;
	past.fail_at = 5;
	past.fail_rc = SECD_EIO;
	ask(9);
	while ((rc = next()) == SECD_OK) {
	}
	past.fail_at = 0;
	expect_whole(9, "history from there is damaged");
	/* Older ones have the same way before them, newer ones may not. */
	expect_whole(8, "history from there is damaged");
	ask(10);
	assert_int_equal(receive(10), XFR_IN_IXFR);
}

static void
damage_that_is_seen_in_time_is_no_trouble(void **state)
{
	(void)state;
	past.fail_at = 1;
	past.fail_rc = SECD_EIO;
	expect_whole(9, "history cannot be read");
	ask(9);
	assert_int_equal(receive(9), XFR_IN_IXFR);
}

static void
several_steps_are_one(void **state)
{
	(void)state;
	condense("auto");
	ask(7);
	assert_int_equal(next(), SECD_OK); /* on the spot */
	ask(7);
	assert_int_equal(receive(7), XFR_IN_IXFR);
	assert_true(stream->ixfr.is_condensed);
	assert_int_equal(stream->ixfr.steps, 3);
	assert_int_equal(count_steps(), 1);
	assert_int_equal(front_value(&f->counters.ixfr_condensed), 2);
	/* One step is as it is, but for those who say so. */
	ask(9);
	assert_int_equal(receive(9), XFR_IN_IXFR);
	assert_false(stream->ixfr.is_condensed);
	condense("on");
	ask(9);
	assert_int_equal(receive(9), XFR_IN_IXFR);
	assert_true(stream->ixfr.is_condensed);
}

/* More than is done on the spot. */
static void
have_many(void)
{
	past_add(&past, 10, 500, 20);
	publish(500, 1000);
}

static void
many_steps_are_one_after_a_while(void **state)
{
	(void)state;
	have_many();
	condense("auto");
	ask(7);
	assert_int_equal(next(), SECD_EAGAIN);
	assert_int_equal(wait_ms, -1);
	assert_int_equal(receive(7), XFR_IN_IXFR);
	assert_true(stream->ixfr.is_condensed);
	assert_int_equal(stream->ixfr.steps, 493);
	assert_int_equal(count_steps(), 1);
}

static void
what_is_smaller_only_when_condensed_is_sent(void **state)
{
	(void)state;
	have_many();
	publish(500, 200);
	expect_whole(7, "the changes are larger than the zone");
	condense("auto");
	ask(7);
	assert_int_equal(receive(7), XFR_IN_IXFR);
	publish(500, 0);
	expect_whole(7, "the changes are larger than the zone");
}

static void
without_memory_it_is_step_by_step_or_the_zone(void **state)
{
	static const char *const limits[] = {"0", "10000", "300000"};

	(void)state;
	have_many();
	publish(500, 100000);
	for (size_t i = 0; i < 3; i++) {
		for (unsigned says_size = 0; says_size < 2; says_size++) {
			char line[64];

			past.says_size = says_size == 1;
			snprintf(line, sizeof(line), "  condense-memory: %s\n",
				 limits[i]);
			front_configure(f, line);
			ask(7);
			assert_int_equal(receive(7), XFR_IN_IXFR);
			assert_false(stream->ixfr.is_condensed);
			assert_int_equal(count_steps(), 493);
			front_configure_both(f, line,
					     "    ixfr-condense: on\n");
			expect_whole(7, "the changes cannot be condensed");
		}
	}
	front_configure(f, "  condense-memory: 100M\n");
	ask(7);
	assert_int_equal(receive(7), XFR_IN_IXFR);
	assert_true(stream->ixfr.is_condensed);
}

/* NSD refuses them, and asks again for ever. */
static void
several_steps_do_not_go_across_the_end_of_serials(void **state)
{
	(void)state;
	past_fini(&past);
	past_init(&past);
	past_add(&past, UINT32_MAX - 3, 4, 2);
	publish(4, 100);
	ask(UINT32_MAX - 3);
	assert_int_equal(receive(UINT32_MAX - 3), XFR_IN_IXFR);
	assert_int_equal(count_steps(), 1);
	assert_int_equal(stream->ixfr.steps, 8);
	ask(0);
	assert_int_equal(receive(0), XFR_IN_IXFR);
	assert_int_equal(count_steps(), 4);
	past_add(&past, 4, 500, 20);
	publish(500, 100000);
	front_configure_both(f, "  condense-memory: 0\n",
			     "    ixfr-condense: off\n");
	expect_whole(UINT32_MAX, "the changes cannot be condensed");
	ask(0);
	assert_int_equal(receive(0), XFR_IN_IXFR);
	assert_int_equal(count_steps(), 500);
}

static void
history_that_breaks_off_meanwhile_is_none(void **state)
{
	(void)state;
	have_many();
	condense("auto");
	past.piece_max = 30000;
	past.fail_at = 5;
	past.fail_rc = SECD_ENOTFOUND;
	expect_whole(7, "no history from there");
	atomic_store(&past.calls, 0);
	past.fail_rc = SECD_EIO;
	expect_whole(7, "history cannot be read");
	atomic_store(&past.calls, 0);
	past.fail_rc = SECD_ENOTSUP;
	expect_whole(7, "no module keeps history");
}

static void
what_are_no_steps_is_not_condensed(void **state)
{
	struct secd_entry e;
	size_t len;

	(void)state;
	condense("auto");
	len =
	    secd_entry_read(past.steps.octets.data, past.steps.octets.len, &e);
	past.steps.octets.data[len] = 9; /* the second one's operation */
	expect_whole(7, "history cannot be read");
	have_many();
	expect_whole(7, "history cannot be read");
	ask(8);
	assert_int_equal(receive(8), XFR_IN_IXFR);
}

static void
it_may_be_closed_at_any_moment(void **state)
{
	(void)state;
	have_many();
	condense("auto");
	past.piece_max = 2000;
	for (unsigned i = 0; i < 200; i++) {
		atomic_store(&past.calls, 0);
		ask(7);
		assert_int_equal(next(), SECD_EAGAIN);
		/* Before, while or after it is worked on. */
		if (i % 3 == 0) {
			while (atomic_load(&past.calls) < 1 + i) {
			}
		} else if (i % 3 == 1 && i % 9 == 1) {
			letters_run(mailbox_wait(&box));
		}
		transfer_stream_close(stream);
		stream = NULL;
		letters_run(mailbox_take(&box));
	}
}

/* For changes that are many messages. */
static void
ask_signed(void)
{
	size_t len = front_ixfr(request, ID, 7);

	past_add(&past, 10, 500, 20);
	publish(500, 100000);
	tsig_transaction_init(&tsig, f->conf->c->keys[0].key);
	assert_int_equal(tsig_sign_request(&tsig, request, &len,
					   sizeof(request), clock_wall_s()),
			 SECD_OK);
	answer("127.0.0.3", len);
	assert_non_null(stream);
}

static void
each_message_is_signed(void **state)
{
	unsigned messages = 0;

	(void)state;
	ask_signed();
	while (!stream->is_done) {
		size_t before;

		assert_int_equal(next(), SECD_OK);
		before = response_len;
		assert_int_equal(tsig_verify_answer(&tsig, response,
						    &response_len,
						    clock_wall_s()),
				 TSIG_GOOD);
		assert_true(response_len < before);
		messages++;
	}
	assert_int_equal(tsig_verify_end(&tsig), TSIG_GOOD);
	assert_true(messages > 10);
	assert_null(stream->ixfr.why);
}

static void
under_a_key_that_is_taken_back_there_is_no_other_message(void **state)
{
	(void)state;
	ask_signed();
	assert_int_equal(next(), SECD_OK);
	tsig_key_revoke(f->conf->c->keys[0].key);
	assert_int_equal(next(), SECD_EAUTH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(changes_go_out_where_history_has_them),
	    TEST(a_history_that_does_not_say_how_long_it_is_will_do),
	    TEST(without_history_the_zone_goes_out),
	    TEST(changes_that_are_larger_than_the_zone_are_not_sent),
	    TEST(without_provide_ixfr_nobody_is_asked),
	    TEST(it_waits_for_the_commit),
	    TEST(but_not_for_ever),
	    TEST(a_version_that_waits_is_the_one_that_was_asked_for),
	    TEST(a_piece_ends_a_turn),
	    TEST(history_that_goes_halfway_ends_the_transfer),
	    TEST(who_met_damage_gets_the_zone_next_time),
	    TEST(damage_that_is_seen_in_time_is_no_trouble),
	    TEST(each_message_is_signed),
	    TEST(under_a_key_that_is_taken_back_there_is_no_other_message),
	    TEST(several_steps_are_one),
	    TEST(many_steps_are_one_after_a_while),
	    TEST(what_is_smaller_only_when_condensed_is_sent),
	    TEST(without_memory_it_is_step_by_step_or_the_zone),
	    TEST(several_steps_do_not_go_across_the_end_of_serials),
	    TEST(history_that_breaks_off_meanwhile_is_none),
	    TEST(what_are_no_steps_is_not_condensed),
	    TEST(it_may_be_closed_at_any_moment),
	};

	return cmocka_run_group_tests_name("transfer_stream", tests, NULL,
					   NULL);
}
