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

#define APEX   "example."
#define SOA(n) "@ SOA ns.example. host " #n " 3600 600 86400 300\n@ NS b.\n"

#define CHAIN                                                                  \
	"@ NSEC3PARAM 1 0 1 aabb\n"                                            \
	"10000000000000000000000000000000 NSEC3 1 0 1 aabb "                   \
	"00000000000000000000000000000000\n"

static struct layer *l;

/* The layer between two states. */
static void
make(const char *from, const char *to)
{
	struct image *a = zonefile_image(APEX, from);
	struct image *b = zonefile_image(APEX, to);

	l = stack_layer(a, b, NULL);
	image_unref(a);
	image_unref(b);
}

static int
stop(void **state)
{
	(void)state;
	layer_unref(l);
	l = NULL;
	return 0;
}

static void
a_layer_holds_what_differs_and_the_apex(void **state)
{
	const struct node *n;

	(void)state;
	make(SOA(1) "a A 192.0.2.1\nb A 192.0.2.1\nc A 192.0.2.1\n",
	     SOA(2) "a A 192.0.2.1\nb A 192.0.2.2\nb A 192.0.2.3\n");
	assert_int_equal(layer_node_count(l), 3);
	assert_int_equal(layer_tombstone_count(l), 1);
	assert_int_equal(layer_record_delta(l), 0);
	assert_int_equal(image_serial(layer_image(l)), 2);
	assert_int_equal(image_verify(layer_image(l)), SECD_OK);
	assert_false(image_is_file(layer_image(l)));
	assert_true((image_apex_node(layer_image(l))->flags & NODE_APEX) != 0);
	n = zonefile_find(layer_image(l), "c.example.");
	assert_non_null(n);
	assert_int_equal(n->flags, NODE_TOMBSTONE);
	assert_int_equal(n->rrset_count, 0);
	assert_null(zonefile_find(layer_image(l), "a.example."));
}

static void
a_reference_keeps_it(void **state)
{
	struct layer *held;

	(void)state;
	make(SOA(1), SOA(2));
	held = layer_ref(l);
	layer_unref(l);
	l = NULL;
	assert_int_equal(layer_node_count(held), 1);
	assert_true(layer_octets(held) > 100);
	layer_unref(held);
	layer_unref(NULL);
}

static void
assert_first(const char *name, const char *owner)
{
	uint8_t wire[NAME_LEN_MAX];
	char text[NAME_TEXT_MAX];
	const struct node *n = layer_at_or_after(l, zonefile_name(name, wire));

	if (owner == NULL) {
		assert_null(n);
	} else {
		assert_non_null(n);
		assert_string_equal(name_to_text(n->owner, text), owner);
	}
}

static void
the_first_node_from_a_name_on_is_found(void **state)
{
	(void)state;
	make(SOA(1) "b A 192.0.2.1\nd A 192.0.2.1\n",
	     SOA(2) "x.d A 192.0.2.1\nf A 192.0.2.1\n");
	assert_first(".", "example.");
	assert_first("EXAMPLE.", "example.");
	assert_first("a.example.", "b.example.");
	assert_first("B.example.", "b.example.");
	assert_first("x.b.example.", "d.example.");
	assert_first("a.d.example.", "x.d.example.");
	assert_first("f.example.", "f.example.");
	assert_first("g.example.", NULL);
	assert_first("a.f.example.", NULL);
	assert_first("examplf.", NULL);
}

static void
denial_is_indexed_by_the_rules_of_images(void **state)
{
	static const char hash[] = "00000000000000000000000000000000";
	char text[2000];

	(void)state;
	make(SOA(1) "@ NSEC @\n",
	     SOA(2) "@ NSEC @\na NSEC @\ncut NS a.\nx.cut NSEC a\n");
	assert_int_equal(image_denial(layer_image(l)), IMAGE_NSEC);
	assert_int_equal(image_denial_count(layer_image(l)), 2);
	stop(NULL);
	/* The chain in force, one of other parameters, one too far down. */
	snprintf(text, sizeof(text),
		 SOA(2) "@ NSEC3PARAM 1 0 1 aabb\n"
			"%s NSEC3 1 0 1 aabb %s A\n1%s NSEC3 1 0 7 cc %s A\n"
			"%s.sub NSEC3 1 0 1 aabb %s A\n",
		 hash, hash, hash + 1, hash, hash, hash);
	make(SOA(1) "@ NSEC3PARAM 1 0 1 aabb\n"
		    "10000000000000000000000000000000 NSEC3 1 0 1 aabb "
		    "00000000000000000000000000000000\n",
	     text);
	assert_int_equal(image_denial(layer_image(l)), IMAGE_NSEC3);
	assert_int_equal(image_denial_count(layer_image(l)), 1);
}

static void
a_layer_of_the_apex_alone_is_one_with_nsec3_too(void **state)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN] = {0};
	bool match;

	(void)state;
	make(SOA(1) CHAIN, SOA(2) CHAIN);
	assert_int_equal(layer_node_count(l), 1);
	assert_int_equal(image_denial(layer_image(l)), IMAGE_NSEC3);
	assert_int_equal(image_denial_count(layer_image(l)), 0);
	assert_null(image_nsec3_for(layer_image(l), hash, &match));
	assert_null(image_denial_at(layer_image(l), 0));
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_layer_holds_what_differs_and_the_apex),
	    TEST(a_reference_keeps_it),
	    TEST(the_first_node_from_a_name_on_is_found),
	    TEST(denial_is_indexed_by_the_rules_of_images),
	    TEST(a_layer_of_the_apex_alone_is_one_with_nsec3_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
