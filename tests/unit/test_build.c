/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/image.h"
#include "zonefile.h"

#define APEX                                                                   \
	"@ SOA ns.example. host.example. 7 3600 600 86400 300\n"               \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"

static struct image *im;

static void
make(const char *text)
{
	im = zonefile_image("example.", text);
	assert_int_equal(image_verify(im), SECD_OK);
}

static int
stop(void **state)
{
	(void)state;
	image_unref(im);
	im = NULL;
	return 0;
}

static void
assert_flags(const char *name, unsigned flags, unsigned barrier)
{
	const struct node *n = zonefile_find(im, name);

	if (n == NULL) {
		fail_msg("no node %s", name);
	}
	assert_int_equal(n->flags, flags);
	assert_int_equal(n->barrier_labels, barrier);
}

static void
a_plain_zone_has_its_names_and_no_other(void **state)
{
	(void)state;
	make(APEX "WWW A 192.0.2.2\nwww A 192.0.2.3\n");
	assert_int_equal(image_serial(im), 7);
	assert_int_equal(image_record_count(im), 5);
	assert_int_equal(image_node_count(im), 3);
	assert_flags("example.", NODE_APEX, 0);
	assert_flags("www.example.", 0, 0);
	assert_int_equal(
	    node_find(zonefile_find(im, "www.example."), RR_TYPE_A)->count, 2);
	assert_null(zonefile_find(im, "ww.example."));
	assert_null(zonefile_find(im, "org."));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(a_plain_zone_has_its_names_and_no_other,
	                              stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
