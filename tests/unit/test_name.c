/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "naming.h"
#include "rnd.h"
#include "wire/name.h"

static int
sign(int order)
{
	return (order > 0) - (order < 0);
}

/* ------------------------------------------------------------------- wire */

/* Read at `pos` in memory of exactly `len` octets. */
static int
read_wire(const char *octets, size_t len, size_t *pos, uint8_t *name,
	  size_t *name_octets)
{
	uint8_t *msg = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(msg);
	memcpy(msg, octets, len);
	rc = name_from_wire(msg, len, pos, name, name_octets);
	free(msg);
	return rc;
}

static void
a_compressed_name_is_put_together(void **state)
{
	static const char msg[] = "\007example\000" /* 0 */
				  "\003ns1\300\000" /* 9 */
				  "\001A\300\011"   /* 15 */
				  "\300\017"        /* 19 */
				  "\300\010"        /* 21: the root label */
				  "\377";
	static const struct {
		size_t at, after;
		const char *text;
	} rows[] = {
	    {0, 9, "example."},
	    {9, 15, "ns1.example."},
	    {15, 19, "A.ns1.example."},
	    {19, 21, "A.ns1.example."},
	    {21, 23, "."},
	    {13, 15, "example."},
	    {8, 9, "."},
	};
	uint8_t name[NAME_LEN_MAX];
	char text[NAME_TEXT_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		size_t pos = rows[i].at;

		assert_int_equal(
		    read_wire(msg, sizeof(msg) - 1, &pos, name, &len), SECD_OK);
		assert_int_equal(pos, rows[i].after);
		assert_int_equal(len, name_len(name));
		assert_string_equal(name_to_text(name, text), rows[i].text);
	}
}

static void
a_pointer_must_point_before_the_labels_it_ends(void **state)
{
	static const struct {
		const char *what, *msg;
		size_t len, at;
	} rows[] = {
	    {"itself", "\300\000", 2, 0},
	    {"forward", "\300\002\001a\000", 5, 0},
	    {"its own labels", "\001a\300\000", 4, 0},
	    {"inside of its own label", "\003a\000b\300\002", 6, 0},
	    {"each other", "\300\002\300\000", 4, 2},
	    {"behind the message", "\001a\377\377", 4, 0},
	    {"a later place by way of an earlier one",
	     "\300\004\300\000\001a\000", 7, 2},
	};
	uint8_t name[NAME_LEN_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		size_t pos = rows[i].at, len = 99;

		if (read_wire(rows[i].msg, rows[i].len, &pos, name, &len) !=
		    SECD_EMALF) {
			fail_msg("a pointer to %s was followed", rows[i].what);
		}
		assert_int_equal(pos, rows[i].at);
		assert_int_equal(len, 99);
	}
}

static void
a_name_cut_short_anywhere_is_refused(void **state)
{
	static const char msg[] = "\007example\000\003ns1\002ab\300\000";
	uint8_t name[NAME_LEN_MAX];

	(void)state;
	for (size_t len = 0; len < sizeof(msg) - 1; len++) {
		size_t pos = 9;

		assert_int_equal(read_wire(msg, len, &pos, name, NULL),
				 SECD_EMALF);
		assert_int_equal(pos, 9);
	}
	for (size_t len = 0; len < 9; len++) {
		size_t pos = 0;

		assert_int_equal(read_wire(msg, len, &pos, name, NULL),
				 SECD_EMALF);
	}
	size_t pos = 9;
	assert_int_equal(read_wire(msg, sizeof(msg) - 1, &pos, name, NULL),
			 SECD_OK);
	pos = SIZE_MAX;
	assert_int_equal(read_wire(msg, sizeof(msg) - 1, &pos, name, NULL),
			 SECD_EMALF);
}

static void
reserved_label_types_are_refused(void **state)
{
	uint8_t name[NAME_LEN_MAX];

	(void)state;
	for (unsigned c = 64; c < 192; c++) {
		/* Taken for a pointer, it would point to a name below. */
		uint8_t msg[32768] = {0};
		size_t start = sizeof(msg) - 300, pos = start;

		msg[start] = (uint8_t)c;
		assert_int_equal(
		    name_from_wire(msg, sizeof(msg), &pos, name, NULL),
		    SECD_EMALF);
		msg[start] = 1;
		msg[start + 2] = (uint8_t)c;
		assert_int_equal(
		    name_from_wire(msg, sizeof(msg), &pos, name, NULL),
		    SECD_EMALF);
		assert_int_equal(pos, start);
	}
}

static void
a_name_of_256_octets_is_refused_however_it_is_written(void **state)
{
	uint8_t msg[600], name[NAME_LEN_MAX];
	size_t pos, len;

	(void)state;
	/* 127 labels of one octet: 255 octets; with one more, 257. */
	for (size_t i = 0; i < 256; i += 2) {
		msg[i] = 1;
		msg[i + 1] = 'a';
	}
	msg[256] = 0;
	pos = 2;
	assert_int_equal(name_from_wire(msg, 257, &pos, name, &len), SECD_OK);
	assert_int_equal(len, 255);
	assert_int_equal(pos, 257);
	pos = 0;
	assert_int_equal(name_from_wire(msg, 257, &pos, name, &len),
			 SECD_EMALF);
	/* A pointer to 253 octets behind 2 of a label, then behind 3. */
	memcpy(msg + 257, "\001b\300\004", 4);
	pos = 257;
	assert_int_equal(name_from_wire(msg, 261, &pos, name, &len), SECD_OK);
	assert_int_equal(len, 255);
	memcpy(msg + 257, "\002bc\300\004", 5);
	pos = 257;
	assert_int_equal(name_from_wire(msg, 262, &pos, name, &len),
			 SECD_EMALF);
	assert_int_equal(pos, 257);
}

static void
at_most_128_pointers_are_followed(void **state)
{
	uint8_t msg[600] = {0}, name[NAME_LEN_MAX];
	size_t pos;

	(void)state;
	/* msg[0] is the root; each pointer points to the one before. */
	msg[1] = 0xc0;
	for (size_t i = 1; i < 200; i++) {
		size_t before = i == 1 ? 0 : 2 * i - 3;

		msg[2 * i - 1] = (uint8_t)(0xc0 | before >> 8);
		msg[2 * i] = (uint8_t)before;
	}
	pos = 2 * 128 - 1;
	assert_int_equal(name_from_wire(msg, 400, &pos, name, NULL), SECD_OK);
	assert_int_equal(pos, 2 * 128 + 1);
	pos = 2 * 129 - 1;
	assert_int_equal(name_from_wire(msg, 400, &pos, name, NULL),
			 SECD_EMALF);
}

static void
any_name_is_read_from_any_place(void **state)
{
	struct rnd r = {2};
	uint8_t name[NAME_LEN_MAX], back[NAME_LEN_MAX];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = rnd_name(&r, 8, name), got;
		size_t before = rnd_below(&r, 30), after = rnd_below(&r, 20);
		uint8_t *msg = malloc(before + len + after);
		size_t pos = before;

		assert_non_null(msg);
		rnd_fill(&r, msg, before + len + after);
		memcpy(msg + before, name, len);
		assert_int_equal(
		    name_from_wire(msg, before + len + after, &pos, back, &got),
		    SECD_OK);
		assert_int_equal(got, len);
		assert_int_equal(pos, before + len);
		assert_memory_equal(back, name, len);
		free(msg);
	}
}

/* --------------------------------------------------------- case and order */

static void
case_folds_in_ascii_letters_only(void **state)
{
	uint8_t name[NAME_LEN_MAX], lower[NAME_LEN_MAX];

	(void)state;
	for (size_t len = 1; len < 20; len++) {
		for (unsigned c = 0; c < 256; c++) {
			unsigned want = c >= 'A' && c <= 'Z' ? c + 32 : c;

			memset(name, (int)c, sizeof(name));
			name[0] = (uint8_t)len;
			name[len + 1] = 0;
			uint8_t *copy = exact(name);
			uint8_t *in_place = exact(name);

			name_lower(copy, lower);
			name_lower(in_place, in_place);
			assert_memory_equal(lower, in_place, len + 2);
			assert_int_equal(lower[0], len);
			for (size_t i = 1; i <= len; i++) {
				assert_int_equal(lower[i], want);
			}
			assert_int_equal(lower[len + 1], 0);
			assert_true(name_equal(copy, in_place));
			free(copy);
			free(in_place);
		}
	}
}

static void
names_differ_by_any_other_octet(void **state)
{
	uint8_t a[] = {10, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 0};
	uint8_t b[sizeof(a)];

	(void)state;
	for (size_t at = 1; at <= 10; at++) {
		for (unsigned c = 0; c < 256; c++) {
			memcpy(b, a, sizeof(a));
			b[at] = (uint8_t)c;
			assert_int_equal(name_equal(a, b),
					 c == a[at] || c + 32u == a[at]);
		}
	}
	assert_false(name_equal(parse("a.b."), parse("a\\.b.")));
	assert_false(name_equal(parse("a\\001b."), parse("a.b.")));
	assert_false(name_equal(parse("."), parse("a.")));
	assert_true(name_equal(parse("."), parse(".")));
}

/* RFC 4034 section 6.1, with one more label that has a NUL. */
static const char *const in_order[] = {
    ".",
    "example.",
    "a.example.",
    "yljkjljk.a.example.",
    "Z.a.example.",
    "zABC.a.EXAMPLE.",
    "a\\000.example.",
    "c.a\\000.example.",
    "a\\000\\000.example.",
    "a\\001.example.",
    "a\\001b.example.",
    "a\\002.example.",
    "aa.example.",
    "z.example.",
    "\\000.z.example.",
    "\\001.z.example.",
    "\\002.z.example.",
    "*.z.example.",
    "\\200.z.example.",
};

static void
the_order_is_that_of_rfc_4034(void **state)
{
	uint8_t a[NAME_LEN_MAX], b[NAME_LEN_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(in_order); i++) {
		assert_int_equal(name_from_text(in_order[i], a), SECD_OK);
		for (size_t j = 0; j < LEN(in_order); j++) {
			assert_int_equal(name_from_text(in_order[j], b),
					 SECD_OK);
			assert_int_equal(sign(name_compare(a, b)),
					 sign((int)i - (int)j));
		}
	}
}

static void
a_label_comes_before_its_continuations(void **state)
{
	uint8_t label[NAME_LEN_MAX] = {0}, longer[NAME_LEN_MAX] = {0};

	(void)state;
	/* Whatever octets stand behind the shorter label. */
	for (uint8_t len = 1; len < 63; len++) {
		for (uint8_t next = 0; next < 5; next++) {
			memset(label, 'x', sizeof(label));
			label[0] = len;
			label[len + 1] = next;
			label[len + 1 + (next > 0) + next] = 0;
			memcpy(longer + 1, label, len + 1u);
			longer[0] = (uint8_t)(len + 1);
			longer[1] = 'x';
			longer[len + 1] = 0;
			memcpy(longer + len + 2, label + len + 1, next + 2u);
			uint8_t *a = exact(label), *b = exact(longer);

			assert_true(name_compare(a, b) < 0);
			assert_true(name_compare(b, a) > 0);
			free(a);
			free(b);
		}
	}
}

static uint8_t
fold_octet(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Canonical order as the RFC words it, octet by octet. */
static int
model_compare(const uint8_t *a, const uint8_t *b)
{
	unsigned i = name_label_count(a), j = name_label_count(b);

	while (i > 0 && j > 0) {
		const uint8_t *la = name_strip(a, --i),
			      *lb = name_strip(b, --j);
		size_t na = *la++, nb = *lb++;

		for (size_t k = 0; k < na && k < nb; k++) {
			if (fold_octet(la[k]) != fold_octet(lb[k])) {
				return fold_octet(la[k]) - fold_octet(lb[k]);
			}
		}
		if (na != nb) {
			return na < nb ? -1 : 1;
		}
	}
	return (int)i - (int)j;
}

static int
key_order(const uint8_t *a, const uint8_t *b)
{
	uint8_t ka[NAME_KEY_MAX], kb[NAME_KEY_MAX];
	size_t la = name_key(a, ka), lb = name_key(b, kb);
	int order = memcmp(ka, kb, la < lb ? la : lb);

	return order != 0 ? sign(order) : (la > lb) - (la < lb);
}

static void
keys_and_comparison_agree_with_the_model(void **state)
{
	struct rnd r = {3};
	uint8_t name[NAME_LEN_MAX];
	unsigned equal = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		unsigned labels = i % 10 == 0 ? NAME_LABEL_MAX : 3;
		uint8_t *a, *b;
		int want;

		rnd_name(&r, labels, name);
		a = exact(name);
		if (i % 5 == 0) { /* a twin that differs in one octet */
			size_t at = rnd_below(&r, (unsigned)name_len(name));
			unsigned flip = rnd_below(&r, 8);

			for (uint8_t *p = name; *p != 0; p += *p + 1) {
				if (at > 0 && at <= *p) {
					p[at] ^= (uint8_t)(1 << flip);
				}
				at -= at > *p ? *p + 1u : at;
			}
		} else {
			rnd_name(&r, labels, name);
		}
		b = exact(name);
		want = sign(model_compare(a, b));
		equal += want == 0;
		assert_int_equal(sign(name_compare(a, b)), want);
		assert_int_equal(sign(name_compare(b, a)), -want);
		assert_int_equal(key_order(a, b), want);
		assert_int_equal(name_equal(a, b), want == 0);
		free(a);
		free(b);
	}
	assert_true(equal > 1000);
}

static void
a_key_lists_labels_from_the_last_and_escapes(void **state)
{
	static const char want[] = "com\0a\001\001b\001\002\0c\002\0";
	uint8_t got[NAME_KEY_MAX];

	(void)state;
	assert_int_equal(name_key(parse("."), got), 0);
	assert_int_equal(name_key(parse("C\\002.a\\000B\\001.Com."), got),
			 sizeof(want) - 1);
	assert_memory_equal(got, want, sizeof(want) - 1);
}

static void
the_longest_keys_have_room(void **state)
{
	uint8_t name[NAME_LEN_MAX], *room;
	size_t longest = 0;

	(void)state;
	/* Of each label length, as many as fit, all but some octets escaped. */
	for (unsigned label = 1; label < 64; label++) {
		for (unsigned plain = 0; plain <= label; plain++) {
			size_t out = 0, len;

			while (out + label + 2 <= NAME_LEN_MAX) {
				name[out++] = (uint8_t)label;
				memset(name + out, 0, label);
				memset(name + out + label - plain, 'x', plain);
				out += label;
			}
			name[out] = 0;
			room = malloc(NAME_KEY_MAX);
			assert_non_null(room);
			len = name_key(name, room);
			longest = len > longest ? len : longest;
			free(room);
		}
	}
	assert_in_range(longest, 500, NAME_KEY_MAX);
}

/* ------------------------------------------------------------------ labels */

static void
a_name_is_in_itself_and_its_ancestors_only(void **state)
{
	static const struct {
		const char *name, *ancestor;
		bool is_in;
	} rows[] = {
	    {".", ".", true},
	    {"example.", ".", true},
	    {".", "example.", false},
	    {"a.Example.", "eXample.", true},
	    {"b.a.example.", "a.example.", true},
	    {"example.", "a.example.", false},
	    {"ba.example.", "a.example.", false},
	    {"badexample.", "example.", false},
	    {"x.example.net.", "example.", false},
	    {"x\\007example.", "example.", false},
	    {"\\008\\007example.", "example.", false},
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		uint8_t *name = exact(parse(rows[i].name));
		uint8_t *ancestor = exact(parse(rows[i].ancestor));

		assert_int_equal(name_is_in(name, ancestor), rows[i].is_in);
		free(name);
		free(ancestor);
	}
}

static void
labels_are_counted_and_stripped(void **state)
{
	const uint8_t *name = parse("a.bc.def.");

	(void)state;
	assert_int_equal(name_label_count(name), 3);
	assert_int_equal(name_label_count(parse(".")), 0);
	assert_ptr_equal(name_strip(name, 0), name);
	assert_ptr_equal(name_strip(name, 1), name + 2);
	assert_ptr_equal(name_strip(name, 2), name + 5);
	assert_ptr_equal(name_strip(name, 3), name + 9);
	assert_ptr_equal(name_strip(name, 99), name + 9);
}

static void
a_wildcard_starts_with_a_lone_asterisk(void **state)
{
	(void)state;
	assert_true(name_is_wildcard(parse("*.")));
	assert_true(name_is_wildcard(parse("*.example.")));
	assert_false(name_is_wildcard(parse("**.example.")));
	assert_false(name_is_wildcard(parse("*a.example.")));
	assert_false(name_is_wildcard(parse("a.*.example.")));
	assert_false(name_is_wildcard(parse(".")));
}

static void
octets_that_are_no_name_are_told(void **state)
{
	static const uint8_t name[] = "\1a\7example";
	uint8_t longest[256];

	(void)state;
	assert_int_equal(name_check(name, sizeof(name)), 11);
	assert_int_equal(name_check(name, sizeof(name) + 5), 11);
	assert_int_equal(name_check((const uint8_t *)"", 1), 1);
	for (size_t left = 0; left < sizeof(name); left++) {
		assert_int_equal(name_check(name, left), 0);
	}
	assert_int_equal(name_check((const uint8_t *)"\100", 2), 0);
	assert_int_equal(name_check((const uint8_t *)"\300\0", 2), 0);
	for (size_t i = 0; i < sizeof(longest); i++) {
		longest[i] = i % 2 == 0 ? 1 : 'a';
	}
	longest[254] = 0;
	assert_int_equal(name_check(longest, sizeof(longest)), 255);
	longest[254] = 1;
	assert_int_equal(name_check(longest, sizeof(longest)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_compressed_name_is_put_together),
	    cmocka_unit_test(octets_that_are_no_name_are_told),
	    cmocka_unit_test(a_pointer_must_point_before_the_labels_it_ends),
	    cmocka_unit_test(a_name_cut_short_anywhere_is_refused),
	    cmocka_unit_test(reserved_label_types_are_refused),
	    cmocka_unit_test(
		a_name_of_256_octets_is_refused_however_it_is_written),
	    cmocka_unit_test(at_most_128_pointers_are_followed),
	    cmocka_unit_test(any_name_is_read_from_any_place),
	    cmocka_unit_test(case_folds_in_ascii_letters_only),
	    cmocka_unit_test(names_differ_by_any_other_octet),
	    cmocka_unit_test(the_order_is_that_of_rfc_4034),
	    cmocka_unit_test(a_label_comes_before_its_continuations),
	    cmocka_unit_test(keys_and_comparison_agree_with_the_model),
	    cmocka_unit_test(a_key_lists_labels_from_the_last_and_escapes),
	    cmocka_unit_test(the_longest_keys_have_room),
	    cmocka_unit_test(a_name_is_in_itself_and_its_ancestors_only),
	    cmocka_unit_test(labels_are_counted_and_stripped),
	    cmocka_unit_test(a_wildcard_starts_with_a_lone_asterisk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
