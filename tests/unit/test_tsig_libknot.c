/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire/tsig.h against libknot's own signatures, in both directions. libknot
 * reads the clock, so these tests do as well.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libknot/libknot.h>
#include <libknot/tsig-op.h>

#include "base/error.h"
#include "base/octets.h"
#include "forge.h"
#include "wire/tsig.h"

static struct message m, all;
static struct tsig_key *key;
static struct tsig_transaction t;
static knot_tsig_key_t theirs;
static uint8_t secret[32], owner[13];
static knot_pkt_t *pkt;

static void
use_algorithm(enum tsig_algorithm algorithm)
{
	memcpy(secret, forge_secret, sizeof(secret));
	memcpy(owner, forge_owner, sizeof(owner));
	theirs = (knot_tsig_key_t){
	    .algorithm = dnssec_tsig_algorithm_from_dname(
		(const uint8_t *)forge_algorithm(algorithm)),
	    .name = owner,
	    .secret = {.size = sizeof(secret), .data = secret},
	};
	tsig_transaction_fini(&t);
	tsig_key_unref(key);
	key = forge_key(algorithm);
	tsig_transaction_init(&t, key);
	forge_query(&m);
}

static int
start(void **state)
{
	(void)state;
	use_algorithm(TSIG_HMAC_SHA256);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	knot_pkt_free(pkt);
	pkt = NULL;
	tsig_transaction_fini(&t);
	tsig_key_unref(key);
	key = NULL;
	return 0;
}

static int64_t
now(void)
{
	return (int64_t)time(NULL);
}

/* libknot's view of the message; it strips the TSIG from m. */
static const knot_rrset_t *
parse(void)
{
	knot_pkt_free(pkt);
	pkt = knot_pkt_new(m.wire, (uint16_t)m.len, NULL);
	assert_non_null(pkt);
	assert_int_equal(knot_pkt_parse(pkt, KNOT_PF_NOCANON), KNOT_EOK);
	assert_non_null(pkt->tsig_rr);
	m.len = pkt->size;
	return pkt->tsig_rr;
}

static void
sign_request(void)
{
	assert_int_equal(
	    tsig_sign_request(&t, m.wire, &m.len, sizeof(m.wire), now()),
	    SECD_OK);
}

static void
our_request_is_good_for_libknot(void **state)
{
	(void)state;
	for (int a = TSIG_HMAC_MD5; a <= TSIG_HMAC_SHA512; a++) {
		const knot_rrset_t *rr;

		use_algorithm((enum tsig_algorithm)a);
		sign_request();
		rr = parse();
		assert_int_equal(
		    knot_tsig_server_check(rr, m.wire, m.len, &theirs),
		    KNOT_EOK);
	}
}

static void
a_request_of_libknot_is_good(void **state)
{
	(void)state;
	for (int a = TSIG_HMAC_MD5; a <= TSIG_HMAC_SHA512; a++) {
		uint8_t mac[64];
		size_t mac_len = sizeof(mac);
		struct tsig_place place;

		use_algorithm((enum tsig_algorithm)a);
		assert_int_equal(knot_tsig_sign(m.wire, &m.len, sizeof(m.wire),
						NULL, 0, mac, &mac_len, &theirs,
						0, 0),
				 KNOT_EOK);
		assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
		tsig_transaction_fini(&t);
		assert_int_equal(
		    tsig_verify_request(&t, key, m.wire, &m.len, &place, now()),
		    TSIG_GOOD);
	}
}

/* Each of libknot's answers covers `gap` unsigned ones before it. */
static void
hear_stream(unsigned gap)
{
	uint8_t mac[64];
	size_t mac_len;

	sign_request();
	mac_len = t.mac_len;
	memcpy(mac, t.mac, mac_len);
	forge_answer(&m, 0);
	assert_int_equal(knot_tsig_sign(m.wire, &m.len, sizeof(m.wire), mac,
					mac_len, mac, &mac_len, &theirs, 0, 0),
			 KNOT_EOK);
	assert_int_equal(tsig_verify_answer(&t, m.wire, &m.len, now()),
			 TSIG_GOOD);
	for (unsigned i = 0; i < 4; i++) {
		size_t capacity = sizeof(mac);

		all.len = 0;
		for (unsigned j = 0; j <= gap; j++) {
			forge_answer(&m, (uint8_t)j);
			memcpy(all.wire + all.len, m.wire, m.len);
			all.len += m.len;
			if (j < gap) {
				assert_int_equal(tsig_verify_answer(
						     &t, m.wire, &m.len, now()),
						 TSIG_GOOD);
			}
		}
		assert_int_equal(
		    knot_tsig_sign_next(m.wire, &m.len, sizeof(m.wire), mac,
					mac_len, mac, &capacity, &theirs,
					all.wire, all.len),
		    KNOT_EOK);
		mac_len = capacity;
		assert_int_equal(tsig_verify_answer(&t, m.wire, &m.len, now()),
				 TSIG_GOOD);
	}
	assert_int_equal(tsig_verify_end(&t), TSIG_GOOD);
}

static void
a_stream_of_libknot_is_good(void **state)
{
	(void)state;
	for (int a = TSIG_HMAC_MD5; a <= TSIG_HMAC_SHA512; a++) {
		use_algorithm((enum tsig_algorithm)a);
		hear_stream(0);
	}
}

static void
a_stream_of_libknot_with_unsigned_answers_is_good(void **state)
{
	(void)state;
	for (unsigned gap = 1; gap < 99; gap += 7) {
		use_algorithm(TSIG_HMAC_SHA512);
		hear_stream(gap);
	}
}

static void
our_stream_is_good_for_libknot(void **state)
{
	uint8_t mac[64];
	size_t mac_len;
	struct tsig_place place;
	const knot_rrset_t *rr;

	(void)state;
	sign_request();
	mac_len = t.mac_len;
	memcpy(mac, t.mac, mac_len);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	tsig_transaction_fini(&t);
	assert_int_equal(
	    tsig_verify_request(&t, key, m.wire, &m.len, &place, now()),
	    TSIG_GOOD);
	for (unsigned i = 0; i < 5; i++) {
		forge_answer(&m, (uint8_t)i);
		assert_int_equal(
		    tsig_sign_answer(&t, m.wire, &m.len, sizeof(m.wire), now()),
		    SECD_OK);
		rr = parse();
		assert_int_equal(
		    i == 0 ? knot_tsig_client_check(rr, m.wire, m.len, mac,
						    mac_len, &theirs, 0)
			   : knot_tsig_client_check_next(rr, m.wire, m.len, mac,
							 mac_len, &theirs, 0),
		    KNOT_EOK);
		mac_len = knot_tsig_rdata_mac_length(rr);
		memcpy(mac, knot_tsig_rdata_mac(rr), mac_len);
	}
}

static void
a_badtime_of_libknot_is_understood(void **state)
{
	uint8_t mac[64];
	size_t mac_len;
	int64_t client_now = now() - 5000;

	(void)state;
	assert_int_equal(
	    tsig_sign_request(&t, m.wire, &m.len, sizeof(m.wire), client_now),
	    SECD_OK);
	mac_len = t.mac_len;
	memcpy(mac, t.mac, mac_len);
	forge_answer(&m, 1);
	forge_rcode(&m, 9);
	assert_int_equal(knot_tsig_sign(m.wire, &m.len, sizeof(m.wire), mac,
					mac_len, mac, &mac_len, &theirs,
					KNOT_RCODE_BADTIME,
					(uint64_t)client_now),
			 KNOT_EOK);
	assert_int_equal(tsig_verify_answer(&t, m.wire, &m.len, client_now),
			 TSIG_REFUSED_BADTIME);
	assert_in_range(t.skew_s, 5000, 5005);
}

static void
our_badtime_is_understood_by_libknot(void **state)
{
	uint8_t mac[64];
	size_t mac_len;
	struct tsig_place place;
	struct message request;
	const knot_rrset_t *rr;

	(void)state;
	sign_request();
	mac_len = t.mac_len;
	memcpy(mac, t.mac, mac_len);
	request = m;
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	tsig_transaction_fini(&t);
	assert_int_equal(
	    tsig_verify_request(&t, key, m.wire, &m.len, &place, now() + 5000),
	    TSIG_BADTIME);
	forge_answer(&m, 1);
	forge_rcode(&m, 9);
	assert_int_equal(tsig_sign_error(&t, TSIG_BADTIME, request.wire,
					 request.len, &place, m.wire, &m.len,
					 sizeof(m.wire), now() + 5000),
			 SECD_OK);
	rr = parse();
	assert_int_equal(
	    knot_tsig_client_check(rr, m.wire, m.len, mac, mac_len, &theirs, 0),
	    KNOT_EOK);
	assert_int_equal(knot_tsig_rdata_error(pkt->tsig_rr),
			 KNOT_RCODE_BADTIME);
}

static void
an_unsigned_refusal_of_libknot_is_understood(void **state)
{
	const struct {
		uint16_t error;
		enum tsig_verdict verdict;
	} cases[] = {
	    {KNOT_RCODE_BADKEY, TSIG_REFUSED_BADKEY},
	    {KNOT_RCODE_BADSIG, TSIG_REFUSED_BADSIG},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const knot_rrset_t *rr;

		use_algorithm(TSIG_HMAC_SHA384);
		sign_request();
		rr = parse();
		forge_answer(&all, 1);
		forge_rcode(&all, 9);
		assert_int_equal(knot_tsig_add(all.wire, &all.len,
					       sizeof(all.wire), cases[i].error,
					       rr),
				 KNOT_EOK);
		assert_int_equal(
		    tsig_verify_answer(&t, all.wire, &all.len, now()),
		    cases[i].verdict);
	}
}

/* The hole that wire/tsig.h closes: libknot takes it, we do not. */
static void
libknot_takes_another_algorithm_and_we_do_not(void **state)
{
	static struct forge forge;
	const knot_rrset_t *rr;
	struct tsig_place place;
	struct message copy;

	(void)state;
	forge_init(&forge);
	forge.time_signed = (uint64_t)now();
	forge.algorithm = forge_algorithm(TSIG_HMAC_MD5);
	forge.mac_len = 16;
	forge_sign(&forge, &m);
	copy = m;
	assert_int_equal(tsig_find(copy.wire, copy.len, &place), SECD_OK);
	tsig_transaction_fini(&t);
	assert_int_equal(
	    tsig_verify_request(&t, key, copy.wire, &copy.len, &place, now()),
	    TSIG_BADKEY);
	rr = parse();
	assert_int_equal(knot_tsig_server_check(rr, m.wire, m.len, &theirs),
			 KNOT_EOK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(our_request_is_good_for_libknot),
	    CASE(a_request_of_libknot_is_good),
	    CASE(a_stream_of_libknot_is_good),
	    CASE(a_stream_of_libknot_with_unsigned_answers_is_good),
	    CASE(our_stream_is_good_for_libknot),
	    CASE(a_badtime_of_libknot_is_understood),
	    CASE(our_badtime_is_understood_by_libknot),
	    CASE(an_unsigned_refusal_of_libknot_is_understood),
	    CASE(libknot_takes_another_algorithm_and_we_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
