/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_name -- names out of messages and out of text.
 *
 * The first octet of the input says where in the rest two names start. What
 * name_from_wire accepts, libknot must read in the same way, and every
 * operation on names must agree with its neighbours. The rest is also read as
 * presentation format.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rr_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct name_hash_key key = {{1, 2}};

static void
require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

/* In memory of exactly its length. */
static uint8_t *
exact(const uint8_t *name, size_t len)
{
	uint8_t *copy = malloc(len);

	require(copy != NULL, "no memory");
	memcpy(copy, name, len);
	return copy;
}

/* One difference is known: pointers that wire/name.h does not let us follow. */
static void
compare_with_libknot(const uint8_t *msg, size_t len, size_t from)
{
	knot_dname_storage_t theirs;
	uint8_t ours[NAME_LEN_MAX];
	size_t after = from, octets;
	int rc = name_from_wire(msg, len, &after, ours, &octets);
	int their_rc = from < len
			   ? knot_dname_wire_check(msg + from, msg + len, msg)
			   : KNOT_EMALF;

	if (rc != SECD_OK) {
		require(after == from, "moved by a refusal");
		require(their_rc <= 0 ||
			    oracle_breaks_pointer_rules(msg, from, len),
			"only libknot accepts it");
		return;
	}
	require(their_rc > 0, "only name_from_wire accepts it");
	require((size_t)their_rc == after - from, "libknot ends elsewhere");
	their_rc = knot_dname_unpack(theirs, msg + from, sizeof(theirs), msg);
	require(their_rc == (int)octets && memcmp(theirs, ours, octets) == 0,
		"libknot reads another name");
}

static void
check_one(const uint8_t *name, size_t len)
{
	uint8_t *copy = exact(name, len), *lower = exact(name, len);
	uint8_t back[NAME_LEN_MAX];
	char text[NAME_TEXT_MAX];
	struct name_hashes all;

	name_lower(lower, lower);
	name_to_text(copy, text);
	require(name_from_text(text, back) == SECD_OK &&
		    memcmp(back, name, len) == 0,
		"text reads back as another name");
	require(name_len(copy) == len, "another length");
	require(name_equal(copy, lower) && name_compare(copy, lower) == 0,
		"case counts");
	name_hash_all(lower, &key, &all);
	require(all.count == name_label_count(copy) + 1, "labels are lost");
	for (unsigned i = 0; i < all.count; i++) {
		const uint8_t *suffix = name_strip(copy, i);

		require(lower + all.offset[i] == name_strip(lower, i),
			"a suffix starts elsewhere");
		require(name_hash(suffix, &key) == all.hash[i],
			"a suffix has another hash");
		require(name_is_in(copy, suffix), "not in its ancestor");
		require(name_is_in(suffix, copy) == (i == 0),
			"an ancestor is below");
	}
	free(copy);
	free(lower);
}

static void
check_two(const uint8_t *name_a, size_t len_a, const uint8_t *name_b,
	  size_t len_b)
{
	uint8_t key_a[NAME_KEY_MAX], key_b[NAME_KEY_MAX];
	uint8_t *a = exact(name_a, len_a), *b = exact(name_b, len_b);
	size_t la = name_key(a, key_a), lb = name_key(b, key_b);
	int want = memcmp(key_a, key_b, la < lb ? la : lb);
	int order = name_compare(a, b);

	want = want != 0 ? want : (la > lb) - (la < lb);
	require((want < 0) == (order < 0) && (want > 0) == (order > 0),
		"keys and comparison differ");
	order = name_compare(b, a);
	require((want < 0) == (order > 0) && (want > 0) == (order < 0),
		"no order");
	require(name_equal(a, b) == (want == 0), "equal and in order");
	require((name_hash(a, &key) == name_hash(b, &key)) == (want == 0),
		"hash and equality differ");
	free(a);
	free(b);
}

static void
read_text(const uint8_t *data, size_t size)
{
	uint8_t name[NAME_LEN_MAX], checked[NAME_LEN_MAX];
	char *text = malloc(size + 1);
	size_t pos = 0, len;

	require(text != NULL, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	if (name_from_text(text, name) == SECD_OK) {
		len = name_len(name);
		require(name_from_wire(name, len, &pos, checked, NULL) ==
			    SECD_OK,
			"text gave no name");
		check_one(name, len);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t a[NAME_LEN_MAX], b[NAME_LEN_MAX];
	size_t at, len_a, len_b;

	if (size < 1 || size > 4096) {
		return 0;
	}
	at = *data++;
	size--;
	read_text(data, size);
	compare_with_libknot(data, size, at);
	if (name_from_wire(data, size, &at, a, &len_a) != SECD_OK) {
		return 0;
	}
	check_one(a, len_a);
	if (name_from_wire(data, size, &at, b, &len_b) == SECD_OK) {
		check_two(a, len_a, b, len_b);
	}
	return 0;
}
