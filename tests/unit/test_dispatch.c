/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/octets.h"
#include "front.h"
#include "server/transfer_stream.h"
#include "zonefile.h"

static struct front *f;
static uint8_t request[4096], response[65535];
static size_t request_len, response_len;
static struct transfer_stream *stream;
static int wait_ms;
static struct tsig_transaction tsig;

static int
start(void **state)
{
	int rc = front_setup(state);

	f = *state;
	stream = NULL;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	return rc;
}

static int
stop(void **state)
{
	transfer_stream_close(stream);
	tsig_transaction_fini(&tsig);
	return front_teardown(state);
}

static void
make(const char *name, uint16_t type)
{
	request_len = front_query(request, 0x1234, name, type);
}

static void
set_opcode(uint8_t opcode)
{
	request[2] = (uint8_t)(opcode << 3);
}

static void
sign(struct tsig_key *key)
{
	tsig_transaction_init(&tsig, key);
	assert_int_equal(tsig_sign_request(&tsig, request, &request_len,
					   sizeof(request), clock_wall_s()),
			 SECD_OK);
}

static void
sign_well(void)
{
	sign(f->conf->c->keys[0].key);
}

static enum tsig_verdict
verify(void)
{
	return tsig_verify_answer(&tsig, response, &response_len,
				  clock_wall_s());
}

static size_t
answer(const struct sockaddr_storage *from, bool is_tcp)
{
	struct request r = {
	    .msg = request,
	    .len = request_len,
	    .from = from,
	    .out = response,
	    .cap = is_tcp ? sizeof(response) : 4096,
	    .stream = is_tcp ? &stream : NULL,
	};

	dispatch_read(&f->dispatcher, &r, 1);
	return dispatch_answer(&f->dispatcher, &r);
}

static void
give(const char *from, bool is_tcp)
{
	struct sockaddr_storage a = front_address(from, 1234);

	response_len = answer(&a, is_tcp);
	if (response_len > 0) {
		assert_true(response_len >= 12);
		assert_int_equal(get_u16(response), 0x1234);
		assert_true(response[2] & 0x80);
	}
}

static unsigned
rcode(void)
{
	assert_true(response_len > 0);
	return response[3] & 15;
}

static unsigned
answers(void)
{
	return get_u16(response + 6);
}

/* ---- queries ---- */

static void
a_query_is_answered_and_counted(void **state)
{
	(void)state;
	make("www.example.", RR_TYPE_A);
	give("127.0.0.9", false);
	assert_int_equal(rcode(), RCODE_NOERROR);
	assert_int_equal(answers(), 1);
	assert_int_equal(front_value(&f->counters.queries), 1);
	assert_int_equal(front_value(&f->counters.answers[0]), 1);
}

static void
a_response_is_never_answered(void **state)
{
	(void)state;
	make("www.example.", RR_TYPE_A);
	request[2] |= 0x80;
	give("127.0.0.9", false);
	assert_int_equal(response_len, 0);
	request_len = 11;
	give("127.0.0.9", true);
	assert_int_equal(response_len, 0);
	request_len = 0;
	give("127.0.0.9", true);
	assert_int_equal(response_len, 0);
	assert_int_equal(front_value(&f->counters.ignored), 3);
}

static void
a_signed_query_gets_a_signed_answer(void **state)
{
	(void)state;
	make("www.example.", RR_TYPE_A);
	sign_well();
	give("127.0.0.9", false);
	assert_int_equal(verify(), TSIG_GOOD);
	assert_int_equal(rcode(), RCODE_NOERROR);
	assert_int_equal(answers(), 1);
}

static void
octets_before_a_tsig_that_are_no_record_are_a_format_error(void **state)
{
	(void)state;
	make("www.example.", RR_TYPE_A);
	memcpy(request + request_len, "more", 4);
	request_len += 4;
	sign_well();
	give("127.0.0.9", true);
	/* The TSIG cannot be found behind what is no record. */
	assert_int_equal(rcode(), RCODE_FORMERR);
}

static void
an_unknown_key_is_told_without_a_signature(void **state)
{
	uint8_t secret[32] = {1}, name[] = "\x07unknown";
	struct tsig_key *key;

	(void)state;
	assert_int_equal(
	    tsig_key_new(name, TSIG_HMAC_SHA256, secret, sizeof(secret), &key),
	    SECD_OK);
	make("www.example.", RR_TYPE_A);
	sign(key);
	give("127.0.0.9", false);
	assert_int_equal(rcode(), RCODE_NOTAUTH);
	assert_int_equal(answers(), 0);
	assert_int_equal(verify(), TSIG_REFUSED_BADKEY);
	tsig_key_unref(key);
}

static void
a_bad_signature_gets_no_data(void **state)
{
	(void)state;
	make("www.example.", RR_TYPE_A);
	sign_well();
	request[13] ^= 0x20; /* another case, another MAC */
	give("127.0.0.9", true);
	assert_int_equal(rcode(), RCODE_NOTAUTH);
	assert_int_equal(answers(), 0);
	assert_int_equal(verify(), TSIG_REFUSED_BADSIG);
}

/* ---- NOTIFY ---- */

static void
notify(const char *name, uint16_t type, const char *from)
{
	make(name, type);
	set_opcode(OPCODE_NOTIFY);
	give(from, false);
}

static void
a_notify_from_a_primary_or_an_acl_is_passed_on(void **state)
{
	(void)state;
	notify("example.", RR_TYPE_SOA, "192.0.2.1");
	assert_int_equal(rcode(), RCODE_NOERROR);
	assert_int_equal(response[2], 0x84 | OPCODE_NOTIFY << 3);
	assert_int_equal(atomic_load(&front_notified), 1);
	notify("example.", RR_TYPE_SOA, "127.0.0.2");
	assert_int_equal(rcode(), RCODE_NOERROR);
	assert_int_equal(atomic_load(&front_notified), 2);
	assert_int_equal(front_value(&f->counters.notifies), 2);
}

static void
a_notify_from_a_stranger_is_refused(void **state)
{
	(void)state;
	notify("example.", RR_TYPE_SOA, "127.0.0.9");
	assert_int_equal(rcode(), RCODE_REFUSED);
	notify("EXAMPLE.", RR_TYPE_SOA, "127.0.0.1");
	assert_int_equal(rcode(), RCODE_REFUSED);
	assert_int_equal(atomic_load(&front_notified), 0);
}

static void
a_notify_for_what_is_no_zone_is_not_for_us(void **state)
{
	(void)state;
	notify("www.example.", RR_TYPE_SOA, "192.0.2.1");
	assert_int_equal(rcode(), RCODE_NOTAUTH);
	notify("example.org.", RR_TYPE_SOA, "192.0.2.1");
	assert_int_equal(rcode(), RCODE_NOTAUTH);
	notify("example.", RR_TYPE_A, "192.0.2.1");
	assert_int_equal(rcode(), RCODE_NOTIMP);
	assert_int_equal(atomic_load(&front_notified), 0);
}

static void
a_notify_with_a_bad_signature_is_not_passed_on(void **state)
{
	(void)state;
	make("example.", RR_TYPE_SOA);
	set_opcode(OPCODE_NOTIFY);
	sign_well();
	request[13] ^= 0x20;
	give("192.0.2.1", false);
	assert_int_equal(rcode(), RCODE_NOTAUTH);
	assert_int_equal(atomic_load(&front_notified), 0);
}

/* ---- transfers ---- */

static void
ask_axfr(const char *from)
{
	make("example.", RR_TYPE_AXFR);
	give(from, true);
}

static void
an_allowed_transfer_is_a_stream(void **state)
{
	size_t len;

	(void)state;
	ask_axfr("127.0.0.1");
	assert_int_equal(response_len, 0);
	assert_non_null(stream);
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 1);
	assert_int_equal(transfer_stream_next(stream, response,
					      sizeof(response), &len, &wait_ms),
			 SECD_OK);
	assert_true(stream->is_done);
	assert_int_equal(answers(), 5);
	transfer_stream_close(stream);
	stream = NULL;
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 0);
	assert_int_equal(front_value(&f->counters.transfers), 1);
	assert_int_equal(front_value(&f->counters.transfers_done), 1);
}

static void
a_transfer_goes_on_with_its_version_whatever_comes(void **state)
{
	size_t len;

	(void)state;
	ask_axfr("127.0.0.1");
	front_publish(f, "@ SOA ns host 8 1 1 1 1\n@ NS ns.example.org.\n");
	front_configure(f, "");
	assert_int_equal(transfer_stream_next(stream, response,
					      sizeof(response), &len, &wait_ms),
			 SECD_OK);
	assert_int_equal(answers(), 5);
}

static void
a_transfer_that_nobody_allows_is_refused(void **state)
{
	(void)state;
	ask_axfr("127.0.0.9");
	assert_int_equal(rcode(), RCODE_REFUSED);
	assert_null(stream);
	/* With an address and a key in the ACL it takes both. */
	ask_axfr("127.0.0.3");
	assert_int_equal(rcode(), RCODE_REFUSED);
	make("example.", RR_TYPE_AXFR);
	sign_well();
	give("127.0.0.9", true);
	assert_int_equal(verify(), TSIG_GOOD);
	assert_int_equal(rcode(), RCODE_REFUSED);
	assert_null(stream);
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 0);
}

static void
a_signed_transfer_is_signed(void **state)
{
	(void)state;
	make("example.", RR_TYPE_AXFR);
	sign_well();
	give("127.0.0.3", true);
	assert_non_null(stream);
	assert_int_equal(transfer_stream_next(stream, response,
					      sizeof(response), &response_len,
					      &wait_ms),
			 SECD_OK);
	assert_int_equal(verify(), TSIG_GOOD);
	assert_int_equal(tsig_verify_end(&tsig), TSIG_GOOD);
	assert_int_equal(answers(), 5);
}

static void
axfr_over_udp_is_a_format_error(void **state)
{
	(void)state;
	make("example.", RR_TYPE_AXFR);
	give("127.0.0.1", false);
	assert_int_equal(rcode(), RCODE_FORMERR);
}

static void
what_is_no_apex_is_not_transferred(void **state)
{
	(void)state;
	make("www.example.", RR_TYPE_AXFR);
	give("127.0.0.1", true);
	assert_int_equal(rcode(), RCODE_NOTAUTH);
	make(".", RR_TYPE_AXFR);
	give("127.0.0.1", true);
	assert_int_equal(rcode(), RCODE_NOTAUTH);
}

static void
an_expired_zone_is_not_transferred(void **state)
{
	(void)state;
	atomic_store(&f->zone.expired, true);
	ask_axfr("127.0.0.1");
	assert_int_equal(rcode(), RCODE_SERVFAIL);
	atomic_store(&f->zone.expired, false);
	zone_publish_take(&f->zone, NULL);
	ask_axfr("127.0.0.1");
	assert_int_equal(rcode(), RCODE_SERVFAIL);
	assert_null(stream);
}

static void
no_more_transfers_run_than_the_configuration_allows(void **state)
{
	struct transfer_stream *first;

	(void)state;
	front_configure(f, "  transfers-out: 1\n");
	ask_axfr("127.0.0.1");
	first = stream;
	assert_non_null(first);
	stream = NULL;
	ask_axfr("127.0.0.1");
	assert_int_equal(rcode(), RCODE_SERVFAIL);
	assert_null(stream);
	transfer_stream_close(first);
	ask_axfr("127.0.0.1");
	assert_non_null(stream);
}

static void
ask_ixfr(uint32_t serial, bool is_tcp)
{
	request_len = front_ixfr(request, 0x1234, serial);
	give("127.0.0.1", is_tcp);
}

static void
ixfr_of_what_is_held_gets_one_soa(void **state)
{
	(void)state;
	ask_ixfr(7, true);
	assert_int_equal(rcode(), RCODE_NOERROR);
	assert_int_equal(answers(), 1);
	assert_null(stream);
	ask_ixfr(6, false);
	assert_int_equal(rcode(), RCODE_NOERROR);
	assert_int_equal(answers(), 1);
	ask_ixfr(6, true);
	assert_non_null(stream);
}

/* ---- what downstreams hold ---- */

/* What is known of the zone now: "FROM SERIAL HOW KEY" each, the last first. */
static const char *
known(void)
{
	static char text[512];
	struct downstream all[DOWNSTREAMS_OF_ZONE];
	uint8_t apex[NAME_LEN_MAX];
	size_t count, at = 0;

	count = downstreams_list(f->frontend.downstreams,
				 zonefile_name("example.", apex), all);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char from[ADDRESS_TEXT_MAX], key[NAME_TEXT_MAX] = "-";

		address_text(&all[i].address, from, sizeof(from));
		if (all[i].is_signed) {
			name_to_text(all[i].key, key);
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "%s %u %s %s;", from, all[i].serial,
				       downstream_how_text(all[i].how), key);
	}
	return text;
}

static void
finish_stream(void)
{
	size_t len;

	assert_non_null(stream);
	assert_int_equal(transfer_stream_next(stream, response,
					      sizeof(response), &len, &wait_ms),
			 SECD_OK);
	assert_true(stream->is_done);
	transfer_stream_close(stream);
	stream = NULL;
}

static void
what_went_out_whole_is_held_there(void **state)
{
	(void)state;
	assert_int_equal(downstreams_new(10, &f->frontend.downstreams),
			 SECD_OK);
	ask_axfr("127.0.0.1");
	assert_string_equal(known(), "");
	transfer_stream_close(stream); /* cut off */
	stream = NULL;
	assert_string_equal(known(), "");
	ask_axfr("127.0.0.1");
	finish_stream();
	assert_string_equal(known(), "127.0.0.1@0 7 AXFR -;");
	ask_ixfr(6, true);
	finish_stream();
	assert_string_equal(known(), "127.0.0.1@0 7 IXFR -;");
	make("EXAMPLE.", RR_TYPE_AXFR);
	sign_well();
	give("127.0.0.3", true);
	finish_stream();
	assert_string_equal(known(), "127.0.0.3@0 7 AXFR k.;"
				     "127.0.0.1@0 7 IXFR -;");
	downstreams_free(f->frontend.downstreams);
}

static void
who_asks_for_what_is_newer_holds_what_he_asks_with(void **state)
{
	(void)state;
	assert_int_equal(downstreams_new(10, &f->frontend.downstreams),
			 SECD_OK);
	/* Anybody may have sent this. */
	ask_ixfr(8, false);
	assert_int_equal(answers(), 1);
	assert_string_equal(known(), "");
	ask_ixfr(8, true);
	assert_int_equal(answers(), 1);
	assert_string_equal(known(), "127.0.0.1@0 8 asked -;");
	downstreams_free(f->frontend.downstreams);
}

/* ---- the rest ---- */

static void
random_octets_do_no_harm(void **state)
{
	struct sockaddr_storage from = front_address("127.0.0.1", 1);
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		bool is_tcp = rand_r(&seed) % 2 == 0;

		make("example.", (uint16_t)(rand_r(&seed) % 300));
		set_opcode((uint8_t)(rand_r(&seed) % 8));
		if (rand_r(&seed) % 2 == 0) {
			sign_well();
		}
		for (int n = rand_r(&seed) % 4; n > 0; n--) {
			request[(size_t)rand_r(&seed) % request_len] =
			    (uint8_t)rand_r(&seed);
		}
		if (rand_r(&seed) % 8 == 0) {
			request_len = (size_t)rand_r(&seed) % request_len;
		}
		response_len = answer(&from, is_tcp);
		assert_true(response_len <= (is_tcp ? sizeof(response) : 4096));
		transfer_stream_close(stream);
		stream = NULL;
		tsig_transaction_fini(&tsig);
	}
	assert_int_equal(atomic_load(&f->frontend.transfers_out), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_query_is_answered_and_counted),
	    TEST(a_response_is_never_answered),
	    TEST(a_signed_query_gets_a_signed_answer),
	    TEST(octets_before_a_tsig_that_are_no_record_are_a_format_error),
	    TEST(an_unknown_key_is_told_without_a_signature),
	    TEST(a_bad_signature_gets_no_data),
	    TEST(a_notify_from_a_primary_or_an_acl_is_passed_on),
	    TEST(a_notify_from_a_stranger_is_refused),
	    TEST(a_notify_for_what_is_no_zone_is_not_for_us),
	    TEST(a_notify_with_a_bad_signature_is_not_passed_on),
	    TEST(an_allowed_transfer_is_a_stream),
	    TEST(a_transfer_goes_on_with_its_version_whatever_comes),
	    TEST(a_transfer_that_nobody_allows_is_refused),
	    TEST(a_signed_transfer_is_signed),
	    TEST(axfr_over_udp_is_a_format_error),
	    TEST(what_is_no_apex_is_not_transferred),
	    TEST(an_expired_zone_is_not_transferred),
	    TEST(no_more_transfers_run_than_the_configuration_allows),
	    TEST(ixfr_of_what_is_held_gets_one_soa),
	    TEST(what_went_out_whole_is_held_there),
	    TEST(who_asks_for_what_is_newer_holds_what_he_asks_with),
	    TEST(random_octets_do_no_harm),
	};

	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
