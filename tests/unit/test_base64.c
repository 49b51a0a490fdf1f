/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

static void
the_vectors_of_the_standard_come_out(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const vectors[][2] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *in = vectors[i][0], *out = vectors[i][1];
		char text[16];
		size_t len =
		    base64_encode((const uint8_t *)in, strlen(in), text);

		assert_int_equal(len, strlen(out));
		assert_int_equal(len, BASE64_LEN(strlen(in)));
		assert_memory_equal(text, out, len);
	}
}

static void
every_digit_stands_for_its_six_bits(void **state)
{
	static const char expected[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
				       "ghijklmnopqrstuvwxyz0123456789+/";
	uint8_t octets[48];
	char text[BASE64_LEN(sizeof(octets))];

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		unsigned a = 4 * i;
		uint32_t group =
		    a << 18 | (a + 1) << 12 | (a + 2) << 6 | (a + 3);

		octets[3 * i] = (uint8_t)(group >> 16);
		octets[3 * i + 1] = (uint8_t)(group >> 8);
		octets[3 * i + 2] = (uint8_t)group;
	}
	assert_int_equal(base64_encode(octets, sizeof(octets), text), 64);
	assert_memory_equal(text, expected, 64);
}

static void
what_was_written_is_read(void **state)
{
	(void)state;
	for (size_t len = 1; len < 70; len++) {
		uint8_t in[70], out[BASE64_OCTETS(BASE64_LEN(70))];
		char text[BASE64_LEN(70)];
		size_t text_len, out_len = 0;

		for (size_t i = 0; i < len; i++) {
			in[i] = (uint8_t)(i * 37 + len * 101);
		}
		text_len = base64_encode(in, len, text);
		assert_true(base64_decode(text, text_len, out, &out_len));
		assert_int_equal(out_len, len);
		assert_memory_equal(out, in, len);
	}
}

static void
what_is_no_base64_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",     "Zg",       "Zg=",  "Zg==\n", "Zm9v Zm9", "Z===",
	    "====", "Zg==Zg==", "Zm-v", "Zm_v",   "Zm9\x80",  "=Zm9",
	};
	uint8_t out[16];
	size_t len = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(
		    base64_decode(texts[i], strlen(texts[i]), out, &len));
		assert_int_equal(len, 42);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors_of_the_standard_come_out),
	    cmocka_unit_test(every_digit_stands_for_its_six_bits),
	    cmocka_unit_test(what_was_written_is_read),
	    cmocka_unit_test(what_is_no_base64_is_refused),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
