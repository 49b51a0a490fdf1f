/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "conf_dir.h"

static void
a_zone_that_is_there_twice_is_refused_at_the_later_one(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d,
			CONF_SERVER CONF_REMOTE "zone:\n"
						"  - domain: example.com\n"
						"    primary: hidden\n"
						"  - domain: example.net\n"
						"    primary: hidden\n"
						"  - domain: EXAMPLE.com.\n"
						"    primary: hidden\n",
			"11: zone \"EXAMPLE.com.\" is there twice");
	conf_dir_write(d, "z.conf", 0600,
		       "zone:\n  - domain: a\n    primary: hidden\n");
	conf_dir_refuse_in(d,
			   CONF_SERVER CONF_REMOTE "zone:\n"
						   "  - domain: a\n"
						   "    primary: hidden\n"
						   "include: z.conf\n",
			   "%/z.conf:2: zone \"a\" is there twice");
}

static void
a_zone_has_a_domain_name(void **state)
{
	struct conf_dir *d = *state;
	char text[600], label[65];

	conf_dir_refuse(d, CONF_SERVER "zone:\n  - domain: a..b\n",
			"4: \"a..b\" is no domain name");
	conf_dir_refuse(d, CONF_SERVER "zone:\n  - domain: .a\n",
			"4: \".a\" is no domain name");
	memset(label, 'x', 64);
	label[64] = '\0';
	snprintf(text, sizeof(text), CONF_SERVER "zone:\n  - domain: %s\n",
		 label);
	assert_int_equal(conf_dir_load(d, text), SECD_EMALF);
	assert_non_null(strstr(d->err.text, "main.conf:4: \"xxx"));
}

static void
the_root_is_a_zone(void **state)
{
	const struct config *c = conf_dir_accept(*state, CONF_SERVER CONF_REMOTE
						 "zone:\n"
						 "  - domain: \".\"\n"
						 "    primary: hidden\n");

	assert_int_equal(c->zone_count, 1);
	assert_int_equal(name_len(c->zones[0].apex), 1);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_zone_that_is_there_twice_is_refused_at_the_later_one),
	    TEST(a_zone_has_a_domain_name),
	    TEST(the_root_is_a_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
