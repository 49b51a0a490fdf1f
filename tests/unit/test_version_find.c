/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "stack.h"
#include "zone/nsec3.h"

#define APEX     "example."
#define SOA(n)   "@ SOA ns.example. host " #n " 3600 600 86400 300\n@ NS ns\n"
#define PARAM    "@ NSEC3PARAM 1 0 1 aabb\n"
#define NSEC3(x) x x x x x x x x " NSEC3 1 0 1 aabb " x x x x x x x x " A\n"

static struct version *v;

static void
make(const char *const *states, unsigned count)
{
	v = stack_texts(APEX, states, count);
}

static int
stop(void **state)
{
	(void)state;
	version_unref(v);
	v = NULL;
	return 0;
}

static const struct node *
find(const char *text)
{
	uint8_t name[NAME_LEN_MAX];

	zonefile_name(text, name);
	name_lower(name, name);
	return version_find(v, name, name_len(name), stack_hash(name));
}

static void
assert_owner(const struct node *n, const char *owner)
{
	char text[NAME_TEXT_MAX];

	assert_non_null(n);
	assert_string_equal(name_to_text(n->owner, text), owner);
}

static void
assert_nsec(const char *name, const char *owner)
{
	uint8_t wire[NAME_LEN_MAX];

	assert_owner(version_nsec_for(v, zonefile_name(name, wire)), owner);
}

/* Of a hash that is `first` and then zeros. */
static void
assert_nsec3(uint8_t first, const char *owner, bool expected)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN] = {first};
	const struct node *n;
	char text[NAME_TEXT_MAX];
	bool match = !expected;

	n = version_nsec3_for(v, hash, &match);
	assert_non_null(n);
	assert_memory_equal(name_to_text(n->owner, text), owner, 4);
	assert_int_equal(match, expected);
}

static uint32_t
ttl_of(const struct node *n, uint16_t type)
{
	return n != NULL && node_find(n, type) != NULL
		   ? rrset_ttl(node_find(n, type))
		   : 0;
}

static void
a_name_is_what_the_newest_layer_says(void **state)
{
	static const char *const states[] = {
	    SOA(1) "a 1 A 192.0.2.1\nb 1 A 192.0.2.1\nc 1 A 192.0.2.1\n"
		   "d.e 1 A 192.0.2.1\n",
	    SOA(2) "a 2 A 192.0.2.1\nb 2 A 192.0.2.1\nd.e 1 A 192.0.2.1\n",
	    SOA(3) "a 2 A 192.0.2.1\nb 3 A 192.0.2.1\nc 3 A 192.0.2.1\n",
	};

	(void)state;
	make(states, 3);
	assert_int_equal(version_serial(v), 3);
	assert_ptr_equal(version_apex(v), find("example."));
	assert_int_equal(ttl_of(find("a.example."), RR_TYPE_A), 2);
	assert_int_equal(ttl_of(find("B.Example."), RR_TYPE_A), 3);
	assert_int_equal(ttl_of(find("c.example."), RR_TYPE_A), 3);
	assert_null(find("d.e.example."));
	assert_null(find("e.example."));
	assert_null(find("f.example."));
}

static void
a_name_that_is_gone_is_not_found_below(void **state)
{
	static const char *const states[] = {
	    SOA(1) "a 1 A 192.0.2.1\n", SOA(2) "a 2 A 192.0.2.1\n", SOA(3),
	    SOA(4) "b 4 A 192.0.2.1\n", SOA(5) "b 5 A 192.0.2.1\n",
	};

	(void)state;
	make(states, 5);
	assert_int_equal(version_layer_count(v), 4);
	assert_null(find("a.example."));
	assert_int_equal(ttl_of(find("b.example."), RR_TYPE_A), 5);
	assert_int_equal(version_record_count(v), 3);
}

static void
an_nsec_of_a_name_that_is_gone_covers_nothing(void **state)
{
	static const char *const states[] = {
	    SOA(1) "@ NSEC a\na NSEC b\nb NSEC c\nc NSEC d\nd NSEC @\n",
	    SOA(2) "@ NSEC a\na NSEC d\nd NSEC @\n",
	};

	(void)state;
	make(states, 2);
	assert_int_equal(version_denial(v), IMAGE_NSEC);
	assert_nsec("a.example.", "a.example.");
	assert_nsec("b.example.", "a.example.");
	assert_nsec("cc.example.", "a.example.");
	assert_nsec("d.example.", "d.example.");
	assert_nsec("z.example.", "d.example.");
	assert_nsec("0.example.", "example.");
}

static void
a_node_without_nsec_hides_one_with_it(void **state)
{
	static const char *const states[] = {
	    SOA(1) "@ NSEC a\na NSEC b\nb NSEC @\n",
	    SOA(2) "@ NSEC a\na NSEC @\nb A 192.0.2.1\n",
	    SOA(3) "@ NSEC a\na NSEC @\nb A 192.0.2.1\nc A 192.0.2.1\n",
	};

	(void)state;
	make(states, 3);
	assert_nsec("b.example.", "a.example.");
	assert_nsec("c.example.", "a.example.");
}

static void
an_nsec_comes_back_with_its_name(void **state)
{
	static const char *const states[] = {
	    SOA(1) "@ NSEC b\nb 1 NSEC @\n",
	    SOA(2) "@ NSEC @\n",
	    SOA(3) "@ NSEC b\nb 3 NSEC @\n",
	    SOA(4) "@ NSEC b\nb 3 NSEC @\nc A 192.0.2.1\n",
	};
	uint8_t name[NAME_LEN_MAX];

	(void)state;
	make(states, 4);
	assert_nsec("bb.example.", "b.example.");
	zonefile_name("c.example.", name);
	assert_int_equal(ttl_of(version_nsec_for(v, name), RR_TYPE_NSEC), 3);
}

static void
nsec3_of_other_layers_fall_into_one_order(void **state)
{
	static const char *const states[] = {
	    SOA(1) PARAM NSEC3("1000") NSEC3("5000"),
	    SOA(2) PARAM NSEC3("1000") NSEC3("2000") NSEC3("5000"),
	    SOA(3) PARAM NSEC3("1000") NSEC3("2000") NSEC3("3000")
		NSEC3("5000"),
	};

	(void)state;
	make(states, 3);
	assert_int_equal(version_denial(v), IMAGE_NSEC3);
	assert_int_equal(version_nsec3(v)->iterations, 1);
	assert_nsec3(0x10, "1000", false);
	assert_nsec3(0x18, "2000", false);
	assert_nsec3(0x20, "3000", false);
	assert_nsec3(0x2f, "5000", false);
	assert_nsec3(0x00, "5000", false);
}

/* Digits are of five bits: 0000... is 00..., and 00g0... is 0x00 0x40.. */
static void
an_nsec3_that_matches_is_told(void **state)
{
	static const char *const states[] = {
	    SOA(1) PARAM NSEC3("0000") NSEC3("5000"),
	    SOA(2) PARAM NSEC3("5000") NSEC3("6000"),
	    SOA(3) PARAM NSEC3("0000") NSEC3("5000") NSEC3("6000"),
	};

	(void)state;
	make(states, 1);
	assert_nsec3(0x00, "0000", true);
	stop(NULL);
	make(states, 2);
	assert_nsec3(0x00, "6000", false);
	stop(NULL);
	make(states, 3);
	assert_nsec3(0x00, "0000", true);
}

static void
the_last_nsec3_in_force_reaches_over_the_end(void **state)
{
	static const char *const states[] = {
	    SOA(1) PARAM NSEC3("1000") NSEC3("v000") NSEC3("vg00"),
	    SOA(2) PARAM NSEC3("1000") NSEC3("v000"),
	    SOA(3) PARAM NSEC3("1000"),
	    SOA(4) PARAM NSEC3("2000"),
	};

	(void)state;
	make(states, 2);
	assert_nsec3(0x00, "v000", false);
	stop(NULL);
	make(states, 3);
	assert_nsec3(0x00, "1000", false);
	assert_nsec3(0xff, "1000", false);
	stop(NULL);
	make(states, 4);
	assert_nsec3(0x00, "2000", false);
	assert_nsec3(0xff, "2000", false);
}

static void
a_layer_need_not_have_an_nsec3(void **state)
{
	static const char *const states[] = {
	    SOA(1) PARAM NSEC3("1000") NSEC3("5000"),
	    SOA(2) PARAM NSEC3("1000") NSEC3("5000"),
	    SOA(3) PARAM NSEC3("1000") NSEC3("5000") "a A 192.0.2.1\n",
	};

	(void)state;
	make(states, 3);
	assert_nsec3(0x10, "1000", false);
	assert_nsec3(0xf0, "5000", false);
	assert_nsec3(0x00, "5000", false);
}

static void
without_denial_there_is_no_proof(void **state)
{
	static const char *const states[] = {SOA(1), SOA(2)};
	uint8_t name[NAME_LEN_MAX], hash[NODE_NSEC3_HASH_LEN] = {0};
	bool match = true;

	(void)state;
	make(states, 2);
	assert_int_equal(version_denial(v), IMAGE_UNSIGNED);
	assert_null(version_nsec3(v));
	assert_null(version_nsec_for(v, zonefile_name("example.", name)));
	assert_null(version_nsec3_for(v, hash, &match));
	assert_false(match);
}

/*
 * Random zones, against a plain sorted array
 */

#define NODES_MAX 2000

static struct stack stack;
static const struct node *nodes[NODES_MAX]; /* as they should be, in order */
static const struct node *chain[NODES_MAX]; /* those that deny */
static size_t node_count, chain_count;

static bool
has_nsec3(const struct node *n)
{
	static struct node_reader r;
	struct image_nsec3 p;
	struct rr rr;

	node_reader_init(&r, n);
	while (node_reader_next(&r, &rr)) {
		if (rr.type == RR_TYPE_NSEC3 &&
		    nsec3_params_from_rdata(rr.rdata, rr.rdlen, &p) &&
		    nsec3_params_equal(&p, version_nsec3(v))) {
			return true;
		}
	}
	return false;
}

static bool
denies(const struct node *n)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN];
	const struct rrset *s;

	if ((n->flags & NODE_OCCLUDED) != 0) {
		return false;
	}
	if (version_denial(v) == IMAGE_NSEC) {
		s = node_find(n, RR_TYPE_NSEC);
		return s != NULL && s->count > 0;
	}
	return version_denial(v) == IMAGE_NSEC3 &&
	       n->label_count == version_apex(v)->label_count + 1 &&
	       nsec3_hash_of_owner(n->owner, hash) == SECD_OK && has_nsec3(n);
}

static void
list_nodes(void)
{
	const struct node *n = NULL;

	node_count = 0;
	chain_count = 0;
	while ((n = image_next(stack.fresh, n)) != NULL) {
		assert_true(node_count < NODES_MAX);
		nodes[node_count++] = n;
		if (denies(n)) {
			chain[chain_count++] = n;
		}
	}
	assert_int_equal(version_record_count(v),
			 image_record_count(stack.fresh));
}

static const struct node *
listed(const uint8_t *name)
{
	for (size_t i = 0; i < node_count; i++) {
		if (name_equal(nodes[i]->owner, name)) {
			return nodes[i];
		}
	}
	return NULL;
}

static void
check_name(const uint8_t *lower)
{
	const struct node *expected = NULL;
	uint64_t hash = stack_hash(lower);

	version_prefetch(v, hash);
	version_prefetch_node(v, hash);
	stack_assert_same(version_find(v, lower, name_len(lower), hash),
			  listed(lower));
	if (version_denial(v) != IMAGE_NSEC) {
		return;
	}
	for (size_t i = 0; i < chain_count; i++) {
		if (name_compare(chain[i]->owner, lower) <= 0) {
			expected = chain[i];
		}
	}
	if (expected == NULL && chain_count > 0) {
		expected = chain[chain_count - 1];
	}
	stack_assert_same(version_nsec_for(v, lower), expected);
}

static void
check_hash(const uint8_t hash[NODE_NSEC3_HASH_LEN])
{
	const struct node *expected = NULL;
	uint8_t owner[NODE_NSEC3_HASH_LEN];
	bool match, matches = false;

	for (size_t i = 0; i < chain_count; i++) {
		int order;

		nsec3_hash_of_owner(chain[i]->owner, owner);
		order = memcmp(owner, hash, sizeof(owner));
		if (order <= 0) {
			expected = chain[i];
			matches = order == 0;
		}
	}
	if (expected == NULL) {
		expected = chain[chain_count - 1];
	}
	stack_assert_same(version_nsec3_for(v, hash, &match), expected);
	assert_int_equal(match, matches);
}

/* That of the name, if it is one that spells a hash, and its neighbours. */
static void
check_hashes(const uint8_t *name)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN];

	if (nsec3_hash_of_owner(name, hash) != SECD_OK) {
		rnd_fill(&stack.rnd, hash, sizeof(hash));
	}
	check_hash(hash);
	hash[NODE_NSEC3_HASH_LEN - 1]++;
	check_hash(hash);
	hash[NODE_NSEC3_HASH_LEN - 1] =
	    (uint8_t)(hash[NODE_NSEC3_HASH_LEN - 1] - 2);
	check_hash(hash);
}

static void
check_stack(unsigned count)
{
	static const uint8_t low[NODE_NSEC3_HASH_LEN];
	uint8_t name[NAME_LEN_MAX], high[NODE_NSEC3_HASH_LEN];

	v = stack.version;
	list_nodes();
	for (unsigned i = 0; i < count; i++) {
		stack_random_name(&stack, name);
		check_name(name);
		if (version_denial(v) == IMAGE_NSEC3) {
			check_hashes(name);
		}
	}
	if (version_denial(v) == IMAGE_NSEC3) {
		memset(high, 0xff, sizeof(high));
		check_hash(low);
		check_hash(high);
	}
	v = NULL;
}

static void
check_random(enum model_signing signing, size_t records, uint64_t seeds)
{
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		stack_init(&stack, seed, seed % 4 == 0 ? "." : "Example.",
			   signing, records);
		check_stack(20);
		while (stack.layer_count < VERSION_LAYERS_MAX &&
		       stack_push(&stack)) {
			check_stack(100);
		}
		stack_fini(&stack);
	}
}

static void
whatever_is_asked_layers_say_what_a_fresh_image_says(void **state)
{
	(void)state;
	check_random(MODEL_UNSIGNED, 100, 30);
	check_random(MODEL_NSEC, 30, 50);
	check_random(MODEL_NSEC, 300, 50);
	check_random(MODEL_NSEC3, 100, 100);
	check_random(MODEL_NSEC3, 600, 50);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_name_is_what_the_newest_layer_says),
	    TEST(a_name_that_is_gone_is_not_found_below),
	    TEST(an_nsec_of_a_name_that_is_gone_covers_nothing),
	    TEST(a_node_without_nsec_hides_one_with_it),
	    TEST(an_nsec_comes_back_with_its_name),
	    TEST(nsec3_of_other_layers_fall_into_one_order),
	    TEST(an_nsec3_that_matches_is_told),
	    TEST(the_last_nsec3_in_force_reaches_over_the_end),
	    TEST(a_layer_need_not_have_an_nsec3),
	    TEST(without_denial_there_is_no_proof),
	    TEST(whatever_is_asked_layers_say_what_a_fresh_image_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
