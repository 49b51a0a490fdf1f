/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IXFR over UDP: all of it in one datagram, or nothing of it.
 */

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
#include "server/transfer_stream.h"
#include "transfer/xfr_in.h"

#define ID        0x1234
#define SLOT_SIZE 4096 /* room that a UDP worker has */

static struct front *f;
static struct past past;
static struct tsig_transaction tsig;
static uint8_t request[512], *response;
static size_t response_len;
static struct transfer_stream *stream;
static int wait_ms;

static void
publish(unsigned serial)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "@ SOA ns.example. host %u 3600 600 86400 300\n"
		 "@ NS ns.example.net.\n",
		 serial);
	front_publish(f, text);
}

static int
start(void **state)
{
	int rc = front_setup(state);

	f = *state;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	past_init(&past);
	f->frontend.history = past_history(&past);
	return rc;
}

static int
stop(void **state)
{
	transfer_stream_close(stream);
	stream = NULL;
	free(response);
	response = NULL;
	tsig_transaction_fini(&tsig);
	past_fini(&past);
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 0);
	return front_teardown(state);
}

/* Ask, from where a signature is wanted or not. `edns`: 0: none. */
static void
ask(uint32_t serial, uint16_t edns, bool is_signed, bool is_tcp)
{
	struct sockaddr_storage from =
	    front_address(is_signed ? "127.0.0.3" : "127.0.0.1", 1234);
	size_t len = front_ixfr(request, ID, serial);
	struct request r = {
	    .msg = request,
	    .from = &from,
	    .cap = is_tcp ? 65535 : SLOT_SIZE,
	    .stream = is_tcp ? &stream : NULL,
	};

	if (edns > 0) {
		static const uint8_t opt[11] = {0, 0, 41};

		memcpy(request + len, opt, sizeof(opt));
		put_u16(request + len + 3, edns);
		put_u16(request + 10, 1);
		len += sizeof(opt);
	}
	tsig_transaction_fini(&tsig);
	tsig_transaction_init(&tsig,
			      is_signed ? f->conf->c->keys[0].key : NULL);
	assert_int_equal(tsig_sign_request(&tsig, request, &len,
					   sizeof(request), clock_wall_s()),
			 SECD_OK);
	free(response);
	response = malloc(r.cap); /* exactly, for the sanitizer */
	assert_non_null(response);
	r.out = response;
	r.len = len;
	dispatch_read(&f->dispatcher, &r, 1);
	response_len = dispatch_answer(&f->dispatcher, &r);
}

static enum xfr_in_outcome
judge(uint32_t held)
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

	assert_int_equal(
	    tsig_verify_answer(&tsig, response, &response_len, clock_wall_s()),
	    TSIG_GOOD);
	assert_int_equal(tsig_verify_end(&tsig), TSIG_GOOD);
	assert_int_equal(xfr_in_new(&p, &in), SECD_OK);
	v = xfr_in_message(in, response, response_len);
	if (v == XFR_IN_FAILED) {
		fail_msg("refused: %s", xfr_in_result(in)->text);
	}
	if (v == XFR_IN_MORE) {
		xfr_in_stop(in, FAILURE_TIMEOUT, NULL);
	}
	outcome = xfr_in_result(in)->outcome;
	xfr_in_free(in);
	return outcome;
}

/* The octets that the same answer has over TCP; more than 65535: more than one
 * message. */
static size_t
length_over_tcp(uint32_t serial, uint16_t edns, bool is_signed)
{
	size_t len;

	ask(serial, edns, is_signed, true);
	assert_non_null(stream);
	assert_int_equal(transfer_stream_next(stream, response, 65535,
					      &response_len, &wait_ms),
			 SECD_OK);
	assert_null(stream->ixfr.why);
	len = stream->is_done ? response_len : SIZE_MAX;
	transfer_stream_close(stream);
	stream = NULL;
	return len;
}

static void
what_fits_goes_out_whole_and_nothing_else_does(void **state)
{
	static const uint16_t payloads[] = {0, 100, 512, 700, 1232, 4096};
	unsigned whole = 0, one = 0;

	(void)state;
	/* Of a large zone, for which any change is smaller. */
	for (unsigned n = 0; n < 6 * 60; n++) {
		uint16_t edns = payloads[n % 6];
		bool is_signed = n / 6 % 2 == 1;
		unsigned records = n / 8;
		uint16_t max = n % 7 == 0 ? 4096 : 1232;
		size_t limit = edns < 512 ? 512 : edns < max ? edns : max;
		uint32_t held = n % 5 < 3 ? 6 : 5;
		char *text = front_long_zone(100);
		char line[64];
		size_t len;

		past_fini(&past);
		past_init(&past);
		past_add(&past, held, 7, records);
		front_publish(f, text);
		free(text);
		snprintf(line, sizeof(line), "  udp-max-payload: %u\n", max);
		front_configure(f, line);
		len = length_over_tcp(held, edns, is_signed);
		ask(held, edns, is_signed, false);
		assert_true(response_len <= limit);
		assert_int_equal(get_u16(response + 6) > 1, len <= limit);
		if (get_u16(response + 6) > 1) {
			assert_int_equal(response_len, len);
			whole++;
		} else {
			one++;
		}
	}
	if (whole < 50 || one < 50) {
		fail_msg("%u whole, %u not", whole, one);
	}
}

static void
a_client_can_use_it(void **state)
{
	(void)state;
	past_add(&past, 5, 8, 2);
	publish(8);
	for (unsigned n = 0; n < 4; n++) {
		uint32_t serial = n % 2 == 0 ? 5 : 7;

		/* One step fits without EDNS. */
		ask(serial, n % 2 == 0 ? 1232 : 0, n / 2 == 1, false);
		assert_int_equal(judge(serial), XFR_IN_IXFR);
	}
	assert_int_equal(front_value(&f->counters.ixfr), 4);
	assert_int_equal(front_value(&f->counters.transfers), 4);
	assert_int_equal(front_value(&f->counters.transfers_done), 4);
	assert_int_equal(front_value(&f->counters.answers[0]), 4);
}

static void
expect_one_soa(void)
{
	ask(5, 1232, false, false);
	assert_int_equal(judge(5), XFR_IN_USE_AXFR);
}

static void
what_cannot_be_had_is_one_soa(void **state)
{
	static const int why[] = {SECD_ENOTFOUND, SECD_EIO, SECD_ENOTSUP};

	(void)state;
	past_add(&past, 5, 8, 2);
	publish(8);
	for (size_t i = 0; i < 3; i++) {
		past.fail_at = 1;
		past.fail_rc = why[i];
		atomic_store(&past.calls, 0);
		expect_one_soa();
	}
	past.busy = UINT32_MAX;
	expect_one_soa();
	assert_int_equal(atomic_load(&past.calls), 2); /* once each */
	past.busy = 0;
	past.fail_at = 0;
	/* What leads elsewhere is found out in time. */
	publish(9);
	expect_one_soa();
	/* Up to date. */
	publish(8);
	ask(8, 1232, false, false);
	assert_int_equal(judge(8), XFR_IN_UP_TO_DATE);
	front_configure_zone(f, "    provide-ixfr: off\n");
	atomic_store(&past.calls, 0);
	expect_one_soa();
	assert_int_equal(atomic_load(&past.calls), 0);
	f->frontend.history.changes_since = NULL;
	expect_one_soa();
	assert_int_equal(front_value(&f->counters.transfers), 0);
}

static void
no_more_than_a_piece_is_read(void **state)
{
	(void)state;
	past_add(&past, 5, 8, 2);
	publish(8);
	past.piece_max = 1;
	expect_one_soa();
	assert_int_equal(atomic_load(&past.calls), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_fits_goes_out_whole_and_nothing_else_does),
	    TEST(a_client_can_use_it),
	    TEST(what_cannot_be_had_is_one_soa),
	    TEST(no_more_than_a_piece_is_read),
	};

	return cmocka_run_group_tests_name("dispatch_transfer", tests, NULL,
					   NULL);
}
