/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "forging.h"

/* Our request is signed and the forger knows its MAC. */
static void
request(void)
{
	assert_int_equal(
	    tsig_sign_request(&t, m.wire, &m.len, sizeof(m.wire), FORGE_NOW),
	    SECD_OK);
	forge_reply_to(&forge, t.mac, t.mac_len);
}

static enum tsig_verdict
hear(void)
{
	return tsig_verify_answer(&t, m.wire, &m.len, FORGE_NOW);
}

static enum tsig_verdict
hear_signed(void)
{
	forge_answer(&m, 1);
	forge_sign(&forge, &m);
	return hear();
}

static enum tsig_verdict
hear_unsigned(uint8_t n)
{
	forge_answer(&m, n);
	forge_skip(&forge, &m);
	return hear();
}

static void
a_good_answer_is_stripped(void **state)
{
	struct message plain;

	(void)state;
	request();
	forge_answer(&plain, 1);
	assert_int_equal(hear_signed(), TSIG_GOOD);
	assert_int_equal(m.len, plain.len);
	assert_memory_equal(m.wire, plain.wire, plain.len);
	assert_int_equal(tsig_verify_end(&t), TSIG_GOOD);
}

static void
a_stream_of_signed_answers_is_good(void **state)
{
	(void)state;
	request();
	for (unsigned i = 0; i < 1000; i++) {
		forge.time_signed = (uint64_t)FORGE_NOW + i / 10;
		assert_int_equal(hear_signed(), TSIG_GOOD);
	}
	assert_int_equal(tsig_verify_end(&t), TSIG_GOOD);
}

static void
unsigned_answers_in_between_are_covered(void **state)
{
	(void)state;
	request();
	for (unsigned run = 0; run < 5; run++) {
		assert_int_equal(hear_signed(), TSIG_GOOD);
		for (unsigned i = 0; i < run; i++) {
			assert_int_equal(hear_unsigned((uint8_t)i), TSIG_GOOD);
			assert_int_equal(tsig_verify_end(&t), TSIG_MISSING);
		}
	}
	assert_int_equal(hear_signed(), TSIG_GOOD);
	assert_int_equal(tsig_verify_end(&t), TSIG_GOOD);
}

static void
unsigned_run(unsigned count, enum tsig_verdict last)
{
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	for (unsigned i = 1; i <= count; i++) {
		assert_int_equal(hear_unsigned((uint8_t)i),
				 i < count ? TSIG_GOOD : last);
	}
}

static void
ninety_eight_unsigned_answers_are_good(void **state)
{
	(void)state;
	unsigned_run(98, TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_GOOD);
}

static void
ninety_nine_unsigned_answers_are_good(void **state)
{
	(void)state;
	unsigned_run(99, TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_GOOD);
	assert_int_equal(tsig_verify_end(&t), TSIG_GOOD);
}

static void
a_hundred_unsigned_answers_are_too_long(void **state)
{
	(void)state;
	unsigned_run(100, TSIG_TOO_LONG);
	assert_int_equal(tsig_verify_end(&t), TSIG_MISSING);
}

static void
nothing_is_taken_after_too_long(void **state)
{
	(void)state;
	unsigned_run(100, TSIG_TOO_LONG);
	assert_int_equal(hear_unsigned(101), TSIG_BADSIG);
	assert_int_equal(hear_signed(), TSIG_BADSIG);
}

static void
the_last_answer_unsigned_is_missing_its_tsig(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	assert_int_equal(hear_unsigned(1), TSIG_GOOD);
	assert_int_equal(tsig_verify_end(&t), TSIG_MISSING);
}

static void
no_answer_at_all_is_missing_its_tsig(void **state)
{
	(void)state;
	request();
	assert_int_equal(tsig_verify_end(&t), TSIG_MISSING);
}

static void
the_first_answer_unsigned_is_missing_its_tsig(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_unsigned(1), TSIG_MISSING);
	assert_int_equal(tsig_verify_end(&t), TSIG_MISSING);
}

static void
a_changed_unsigned_answer_is_badsig(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge_answer(&m, 1);
	forge_skip(&forge, &m);
	m.wire[m.len - 1] ^= 1;
	assert_int_equal(hear(), TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_BADSIG);
}

static void
an_unsigned_answer_slipped_in_is_badsig(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge_answer(&m, 66);
	assert_int_equal(hear(), TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_BADSIG);
}

static void
swapped_unsigned_answers_are_badsig(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge_answer(&m, 1);
	forge_skip(&forge, &m);
	forge_answer(&m, 2);
	forge_skip(&forge, &m);
	assert_int_equal(hear(), TSIG_GOOD);
	forge_answer(&m, 1);
	assert_int_equal(hear(), TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_BADSIG);
}

static void
a_lost_answer_is_badsig(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge_answer(&m, 1);
	forge_sign(&forge, &m); /* never heard */
	assert_int_equal(hear_signed(), TSIG_BADSIG);
}

static void
a_repeated_answer_is_badsig(void **state)
{
	static struct message again;

	(void)state;
	request();
	forge_answer(&m, 1);
	forge_sign(&forge, &m);
	again = m;
	assert_int_equal(hear(), TSIG_GOOD);
	m = again;
	assert_int_equal(hear(), TSIG_BADSIG);
}

/* A caller that goes on regardless must not be led astray. */
static void
nothing_is_taken_after_a_wrong_answer(void **state)
{
	static struct forge copy;

	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	copy = forge;
	forge_answer(&m, 66);
	assert_int_equal(hear(), TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_BADSIG);
	forge = copy;
	assert_int_equal(hear_signed(), TSIG_BADSIG);
	assert_int_equal(tsig_verify_end(&t), TSIG_MISSING);
}

/* RFC 8945 section 5.4: over UDP anybody may send rubbish first. */
static void
a_wrong_first_answer_leaves_time_for_the_right_one(void **state)
{
	static struct forge copy;
	const uint8_t other[32] = {1};

	(void)state;
	request();
	copy = forge;
	forge.secret = other;
	assert_int_equal(hear_signed(), TSIG_BADSIG);
	assert_int_equal(hear_unsigned(1), TSIG_MISSING);
	forge = copy;
	assert_int_equal(hear_signed(), TSIG_GOOD);
}

static void
an_answer_to_another_request_is_badsig(void **state)
{
	(void)state;
	request();
	forge.prior[0] ^= 1;
	assert_int_equal(hear_signed(), TSIG_BADSIG);
}

static void
our_request_is_not_its_own_answer(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear(), TSIG_FORMERR);
	m.wire[2] |= 0x80;
	assert_int_equal(hear(), TSIG_BADSIG);
}

static void
an_answer_with_another_id_is_formerr(void **state)
{
	(void)state;
	request();
	forge_answer(&m, 1);
	m.wire[0] ^= 1;
	forge_sign(&forge, &m);
	assert_int_equal(hear(), TSIG_FORMERR);
}

static void
an_id_changed_in_the_stream_is_formerr(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge_answer(&m, 1);
	m.wire[1] ^= 1;
	forge_skip(&forge, &m);
	assert_int_equal(hear(), TSIG_FORMERR);
}

/* A forwarder between us and the primary changes ids. */
static void
a_stream_through_a_forwarder_is_good(void **state)
{
	(void)state;
	request();
	forge.original_id = 0x4321;
	assert_int_equal(hear_signed(), TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge_answer(&m, 7);
	put_u16(m.wire, 0x4321);
	forge_skip(&forge, &m);
	put_u16(m.wire, FORGE_ID);
	assert_int_equal(hear(), TSIG_GOOD);
	assert_int_equal(hear_signed(), TSIG_GOOD);
}

static void
an_original_id_changed_in_the_stream_is_formerr(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge.original_id = 0x4321;
	assert_int_equal(hear_signed(), TSIG_FORMERR);
}

static void
time_never_goes_back_in_a_stream(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge.time_signed++;
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge.time_signed--;
	assert_int_equal(hear_signed(), TSIG_BADTIME);
}

static void
an_answer_out_of_time_is_badtime(void **state)
{
	(void)state;
	request();
	forge.time_signed += 301;
	assert_int_equal(hear_signed(), TSIG_BADTIME);
	assert_int_equal(t.skew_s, 301);
}

static void
a_later_answer_out_of_time_is_badtime(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge.time_signed += 301;
	assert_int_equal(hear_signed(), TSIG_BADTIME);
}

static void
a_truncated_answer_is_badtrunc(void **state)
{
	(void)state;
	request();
	forge.mac_len = 16;
	assert_int_equal(hear_signed(), TSIG_BADTRUNC);
}

static void
a_later_truncated_answer_is_badtrunc(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	forge.mac_len = 31;
	assert_int_equal(hear_signed(), TSIG_BADTRUNC);
}

static void
an_answer_without_a_mac_is_formerr(void **state)
{
	(void)state;
	request();
	forge.mac_len = 0;
	assert_int_equal(hear_signed(), TSIG_FORMERR);
}

static void
an_answer_by_another_key_is_badkey(void **state)
{
	(void)state;
	request();
	forge.owner = "\001x";
	assert_int_equal(hear_signed(), TSIG_BADKEY);
}

static void
an_answer_by_another_algorithm_is_badkey(void **state)
{
	(void)state;
	request();
	forge.algorithm = forge_algorithm(TSIG_HMAC_MD5);
	forge.mac_len = 16;
	assert_int_equal(hear_signed(), TSIG_BADKEY);
}

static void
an_answer_with_two_tsigs_is_formerr(void **state)
{
	(void)state;
	request();
	forge_answer(&m, 1);
	forge_sign(&forge, &m);
	forge_sign(&forge, &m);
	assert_int_equal(hear(), TSIG_FORMERR);
}

static void
an_answer_with_a_record_after_the_tsig_is_formerr(void **state)
{
	(void)state;
	request();
	forge_answer(&m, 1);
	forge_sign(&forge, &m);
	forge_record(&m, 3, 41);
	assert_int_equal(hear(), TSIG_FORMERR);
}

static void
flip_every_bit_of_an_answer(bool later)
{
	static struct message good;
	size_t at, passed = 0;

	request();
	if (later) {
		assert_int_equal(hear_signed(), TSIG_GOOD);
	}
	forge_answer(&m, 9);
	at = m.len;
	forge_sign(&forge, &m);
	good = m;
	for (size_t i = 0; i < good.len * 8; i++) {
		enum tsig_verdict verdict;

		m = good;
		m.wire[i / 8] ^= (uint8_t)(1u << i % 8);
		verdict = hear();
		if (i >= 16 && forge_is_free(&good, at, i / 8, i % 8)) {
			assert_int_equal(verdict, TSIG_GOOD);
			passed++;
		} else if (verdict == TSIG_GOOD) {
			/* The TSIG is no TSIG any more. */
			assert_true(later);
			assert_int_equal(tsig_verify_end(&t), TSIG_MISSING);
			passed++;
		}
		tsig_transaction_fini(&t);
		tsig_transaction_init(&t, key);
		forge_init(&forge);
		forge_query(&m);
		request();
		if (later) {
			assert_int_equal(hear_signed(), TSIG_GOOD);
		}
	}
	/* Letters of owner and algorithm; each bit of the type. */
	assert_int_equal(passed, 10 + 7 + (later ? 16 : 0));
}

static void
a_flipped_bit_anywhere_in_an_answer_is_refused(void **state)
{
	(void)state;
	flip_every_bit_of_an_answer(false);
}

static void
a_flipped_bit_anywhere_in_a_later_answer_is_refused(void **state)
{
	(void)state;
	flip_every_bit_of_an_answer(true);
}

/* -------------------------------------------------------------- refusals */

static enum tsig_verdict
hear_refusal(uint16_t error, int mac_len)
{
	forge.error = error;
	forge.mac_len = mac_len;
	forge_answer(&m, 1);
	forge_rcode(&m, 9);
	forge_sign(&forge, &m);
	return hear();
}

static void
an_unsigned_refusal_is_told_by_its_error(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_refusal(16, 0), TSIG_REFUSED_BADSIG);
	assert_int_equal(hear_refusal(17, 0), TSIG_REFUSED_BADKEY);
	assert_int_equal(hear_refusal(18, 0), TSIG_REFUSED_BADTIME);
	assert_int_equal(hear_refusal(22, 0), TSIG_REFUSED_BADTRUNC);
	assert_int_equal(hear_refusal(0, 0), TSIG_FORMERR);
	assert_int_equal(hear_refusal(19, 0), TSIG_FORMERR);
}

static void
an_unsigned_refusal_is_none_in_the_middle_of_a_stream(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_signed(), TSIG_GOOD);
	assert_int_equal(hear_refusal(16, 0), TSIG_FORMERR);
}

static void
a_refusal_needs_the_rcode_notauth(void **state)
{
	(void)state;
	request();
	forge.error = 16;
	forge.mac_len = 0;
	assert_int_equal(hear_signed(), TSIG_FORMERR);
}

static void
a_signed_badtime_tells_the_skew(void **state)
{
	const uint8_t theirs[6] = {0, 0, 0x65, 0x53, 0xf1, 0x00 + 77};

	(void)state;
	request();
	forge.other = theirs;
	forge.other_len = sizeof(theirs);
	assert_int_equal(hear_refusal(18, -1), TSIG_REFUSED_BADTIME);
	assert_int_equal(t.skew_s, 77);
}

static void
an_unsigned_badtime_tells_the_skew_as_well(void **state)
{
	const uint8_t theirs[6] = {0, 0, 0x65, 0x53, 0xf1, 0x00 + 77};

	(void)state;
	request();
	forge.other = theirs;
	forge.other_len = sizeof(theirs);
	assert_int_equal(hear_refusal(18, 0), TSIG_REFUSED_BADTIME);
	assert_int_equal(t.skew_s, 77);
}

static void
a_badtime_that_does_not_verify_is_badsig(void **state)
{
	const uint8_t theirs[6] = {0, 0, 0x65, 0x53, 0xf1, 0x00 + 77};
	const uint8_t other[32] = {1};

	(void)state;
	request();
	forge.other = theirs;
	forge.other_len = sizeof(theirs);
	forge.secret = other;
	assert_int_equal(hear_refusal(18, -1), TSIG_BADSIG);
	assert_int_equal(t.skew_s, 0);
}

static void
a_signed_badtrunc_is_told(void **state)
{
	(void)state;
	request();
	assert_int_equal(hear_refusal(22, -1), TSIG_REFUSED_BADTRUNC);
}

/* -------------------------------------------------------------- unsigned */

static int
start_unsigned(void **state)
{
	start(state);
	tsig_transaction_fini(&t);
	tsig_transaction_init(&t, NULL);
	assert_int_equal(
	    tsig_sign_request(&t, m.wire, &m.len, m.len, FORGE_NOW), SECD_OK);
	return 0;
}

static void
an_unsigned_transaction_takes_unsigned_answers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		forge_answer(&m, (uint8_t)i);
		assert_int_equal(hear(), TSIG_GOOD);
	}
	assert_int_equal(tsig_verify_end(&t), TSIG_GOOD);
}

static void
an_unsigned_transaction_refuses_a_tsig(void **state)
{
	(void)state;
	assert_int_equal(hear_signed(), TSIG_BADKEY);
}

static void
an_unsigned_transaction_refuses_another_id(void **state)
{
	(void)state;
	forge_answer(&m, 1);
	m.wire[0] ^= 1;
	assert_int_equal(hear(), TSIG_FORMERR);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define CASE_UNSIGNED(name)                                                    \
	cmocka_unit_test_setup_teardown(name, start_unsigned, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_good_answer_is_stripped),
	    CASE(a_stream_of_signed_answers_is_good),
	    CASE(unsigned_answers_in_between_are_covered),
	    CASE(ninety_eight_unsigned_answers_are_good),
	    CASE(ninety_nine_unsigned_answers_are_good),
	    CASE(a_hundred_unsigned_answers_are_too_long),
	    CASE(nothing_is_taken_after_too_long),
	    CASE(the_last_answer_unsigned_is_missing_its_tsig),
	    CASE(no_answer_at_all_is_missing_its_tsig),
	    CASE(the_first_answer_unsigned_is_missing_its_tsig),
	    CASE(a_changed_unsigned_answer_is_badsig),
	    CASE(an_unsigned_answer_slipped_in_is_badsig),
	    CASE(swapped_unsigned_answers_are_badsig),
	    CASE(a_lost_answer_is_badsig),
	    CASE(a_repeated_answer_is_badsig),
	    CASE(nothing_is_taken_after_a_wrong_answer),
	    CASE(a_wrong_first_answer_leaves_time_for_the_right_one),
	    CASE(an_answer_to_another_request_is_badsig),
	    CASE(our_request_is_not_its_own_answer),
	    CASE(an_answer_with_another_id_is_formerr),
	    CASE(an_id_changed_in_the_stream_is_formerr),
	    CASE(a_stream_through_a_forwarder_is_good),
	    CASE(an_original_id_changed_in_the_stream_is_formerr),
	    CASE(time_never_goes_back_in_a_stream),
	    CASE(an_answer_out_of_time_is_badtime),
	    CASE(a_later_answer_out_of_time_is_badtime),
	    CASE(a_truncated_answer_is_badtrunc),
	    CASE(a_later_truncated_answer_is_badtrunc),
	    CASE(an_answer_without_a_mac_is_formerr),
	    CASE(an_answer_by_another_key_is_badkey),
	    CASE(an_answer_by_another_algorithm_is_badkey),
	    CASE(an_answer_with_two_tsigs_is_formerr),
	    CASE(an_answer_with_a_record_after_the_tsig_is_formerr),
	    CASE(a_flipped_bit_anywhere_in_an_answer_is_refused),
	    CASE(a_flipped_bit_anywhere_in_a_later_answer_is_refused),
	    CASE(an_unsigned_refusal_is_told_by_its_error),
	    CASE(an_unsigned_refusal_is_none_in_the_middle_of_a_stream),
	    CASE(a_refusal_needs_the_rcode_notauth),
	    CASE(a_signed_badtime_tells_the_skew),
	    CASE(an_unsigned_badtime_tells_the_skew_as_well),
	    CASE(a_badtime_that_does_not_verify_is_badsig),
	    CASE(a_signed_badtrunc_is_told),
	    CASE_UNSIGNED(an_unsigned_transaction_takes_unsigned_answers),
	    CASE_UNSIGNED(an_unsigned_transaction_refuses_a_tsig),
	    CASE_UNSIGNED(an_unsigned_transaction_refuses_another_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
