/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "stack.h"
#include "zone/image_format.h"

#define APEX   "example."
#define SOA(n) "@ SOA ns.example. host " #n " 3600 600 86400 300\n@ NS b.\n"

static struct version *v;
static struct version_cursor c;

static int
stop(void **state)
{
	(void)state;
	version_unref(v);
	v = NULL;
	return 0;
}

/* What comes from the cursor, in presentation format; NULL: the end. */
static void
assert_comes(const char *owner)
{
	const struct node *n = version_cursor_next(&c);
	char text[NAME_TEXT_MAX];

	if (owner == NULL) {
		assert_null(n);
		assert_true(version_cursor_is_whole(&c));
		return;
	}
	assert_non_null(n);
	assert_string_equal(name_to_text(n->owner, text), owner);
}

static void
start_below(const char *name)
{
	static uint8_t owner[NAME_LEN_MAX];

	version_cursor_below(&c, v, zonefile_name(name, owner));
}

static void
nodes_come_in_order_the_newest_of_each_name(void **state)
{
	static const char *const states[] = {
	    SOA(1) "a 1 A 192.0.2.1\nb 1 A 192.0.2.1\nd 1 A 192.0.2.1\n",
	    SOA(2) "a 2 A 192.0.2.1\nc 2 A 192.0.2.1\nd 1 A 192.0.2.1\n",
	    SOA(3) "a 3 A 192.0.2.1\nd 1 A 192.0.2.1\ne 3 A 192.0.2.1\n",
	};
	const struct node *n;

	(void)state;
	v = stack_texts(APEX, states, 3);
	version_cursor_start(&c, v);
	assert_ptr_equal(version_cursor_next(&c), version_apex(v));
	n = version_cursor_next(&c);
	assert_int_equal(rrset_ttl(node_find(n, RR_TYPE_A)), 3);
	n = version_cursor_next(&c);
	assert_int_equal(rrset_ttl(node_find(n, RR_TYPE_A)), 1);
	assert_comes("e.example.");
	assert_comes(NULL);
	assert_comes(NULL);
}

static void
below_a_name_come_those_below_it_alone(void **state)
{
	static const char *const states[] = {
	    SOA(1) "a A 192.0.2.1\nx.b A 192.0.2.1\nb.b A 192.0.2.1\n"
		   "bb A 192.0.2.1\n",
	    SOA(2) "a A 192.0.2.1\nx.b A 192.0.2.1\nz.b A 192.0.2.1\n"
		   "z.z.c A 192.0.2.1\nbb A 192.0.2.1\n",
	};

	(void)state;
	v = stack_texts(APEX, states, 2);
	start_below("B.example.");
	assert_comes("x.b.example.");
	assert_comes("z.b.example.");
	assert_comes(NULL);
	/* In a layer alone, and an empty non-terminal. */
	start_below("c.example.");
	assert_comes("z.c.example.");
	assert_comes("z.z.c.example.");
	assert_comes(NULL);
	start_below("a.example.");
	assert_comes(NULL);
	start_below("z.z.c.example.");
	assert_comes(NULL);
	start_below("example.");
	assert_comes("a.example.");
	assert_comes("b.example.");
}

static void
damage_is_no_end(void **state)
{
	struct image *im =
	    zonefile_image(APEX, SOA(1) "a A 192.0.2.1\nb A 192.0.2.1\n");
	struct node *n =
	    (struct node *)(uintptr_t)zonefile_find(im, "b.example.");

	(void)state;
	assert_int_equal(version_new_take(1, im, &v), SECD_OK);
	n->len += 1;
	version_cursor_start(&c, v);
	assert_comes("example.");
	assert_comes("a.example.");
	assert_null(version_cursor_next(&c));
	assert_false(version_cursor_is_whole(&c));
	/* It might have been below that one. */
	start_below("a.example.");
	assert_null(version_cursor_next(&c));
	assert_false(version_cursor_is_whole(&c));
}

/*
 * Random zones
 */

static struct stack stack;

static void
check_whole(void)
{
	const struct node *n = NULL;

	version_cursor_start(&c, stack.version);
	do {
		n = image_next(stack.fresh, n);
		stack_assert_same(version_cursor_next(&c), n);
	} while (n != NULL);
	assert_true(version_cursor_is_whole(&c));
}

static void
check_below(void)
{
	const struct node *n = NULL, *owner;
	uint8_t name[NAME_LEN_MAX];

	stack_random_name(&stack, name);
	owner = image_find(stack.fresh, name, name_len(name), stack_hash(name));
	if (owner == NULL) {
		return;
	}
	version_cursor_below(&c, stack.version, name);
	while ((n = image_next(stack.fresh, n)) != NULL) {
		if (n != owner && name_is_in(n->owner, name)) {
			stack_assert_same(version_cursor_next(&c), n);
		}
	}
	stack_assert_same(version_cursor_next(&c), NULL);
	assert_true(version_cursor_is_whole(&c));
}

static void
a_walk_over_layers_is_one_over_a_fresh_image(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		stack_init(&stack, seed, seed % 4 == 0 ? "." : "Example.",
			   (enum model_signing)(seed % 3), seed * 5);
		do {
			check_whole();
			for (int i = 0; i < 20; i++) {
				check_below();
			}
		} while (stack.layer_count < VERSION_LAYERS_MAX &&
			 stack_push(&stack));
		stack_fini(&stack);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nodes_come_in_order_the_newest_of_each_name),
	    TEST(below_a_name_come_those_below_it_alone),
	    TEST(damage_is_no_end),
	    TEST(a_walk_over_layers_is_one_over_a_fresh_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
