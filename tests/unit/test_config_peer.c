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

#define REMOTE(rest) CONF_SERVER "remote:\n  - id: r\n" rest
#define ACL(rest)    CONF_SERVER "acl:\n  - id: a\n" rest

static void
a_remote_has_an_address(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, REMOTE(""), "4: remote \"r\" has no \"address\"");
	conf_dir_refuse(d, REMOTE("    address: 192.0.2.1@0\n"),
			"5: bad value \"192.0.2.1@0\" for \"address\": "
			"expected an address, or ADDRESS@PORT");
	conf_dir_accept(d, REMOTE("    address: [ 192.0.2.1, ::1@1 ]\n"));
	assert_int_equal(d->c->remotes[0].address_count, 2);
}

static void
a_remote_comes_from_one_address_of_a_family(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_accept(d, REMOTE("    address: [ 192.0.2.1, ::1 ]\n"
				  "    via: [ 192.0.2.2, ::2 ]\n"));
	assert_int_equal(d->c->remotes[0].via_count, 2);
	conf_dir_refuse(d,
			REMOTE("    address: 192.0.2.1\n"
			       "    via: [ 192.0.2.2, 192.0.2.3 ]\n"),
			"6: \"via\" has more than one address of a family");
	conf_dir_refuse(d,
			REMOTE("    address: 192.0.2.1\n"
			       "    via: [ 192.0.2.2, ::1, ::2 ]\n"),
			"6: \"via\" has more than one address of a family");
}

static void
a_key_that_is_not_defined_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, REMOTE("    address: 192.0.2.1\n    key: nobody.\n"),
			"6: key \"nobody.\" is not defined");
	conf_dir_refuse(d, REMOTE("    key: a..b\n    address: 192.0.2.1\n"),
			"5: key \"a..b\" is not defined");
	conf_dir_refuse(d, ACL("    action: notify\n    key: [ nobody ]\n"),
			"6: key \"nobody\" is not defined");
}

static void
two_of_one_id_are_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d,
			REMOTE("    address: ::1\n"
			       "  - id: s\n"
			       "    address: ::1\n"
			       "  - id: r\n"
			       "    address: ::1\n"),
			"8: remote \"r\" is there twice");
	conf_dir_refuse(d, ACL("    deny: on\n  - id: a\n    deny: on\n"),
			"6: acl \"a\" is there twice");
}

static void
an_acl_has_an_action_unless_it_denies(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, ACL("    address: 192.0.2.1\n"),
			"4: acl \"a\" has no \"action\"");
	conf_dir_refuse(d, ACL("    action: [ notify, update ]\n"),
			"5: bad value \"update\" for \"action\": expected "
			"transfer or notify");
	conf_dir_refuse(d, ACL("    deny: maybe\n"),
			"5: bad value \"maybe\" for \"deny\": expected on or "
			"off");
	conf_dir_accept(d, ACL("    deny: true\n"));
	assert_int_equal(d->c->acls[0].actions,
			 CONFIG_TRANSFER | CONFIG_NOTIFY);
}

static void
a_bad_range_is_refused(void **state)
{
	static const char *const bad[] = {
	    "any",          "192.0.2.0/33",        "192.0.2.0/",
	    "192.0.2.1@53", "192.0.2.9-192.0.2.1", "192.0.2.1-::1",
	    "::/129",       "192.0.2.0/24-25",     "-",
	};
	struct conf_dir *d = *state;
	char text[200], expected[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
			 ACL("    action: notify\n    address: \"%s\"\n"),
			 bad[i]);
		snprintf(expected, sizeof(expected),
			 "6: bad value \"%s\" for \"address\": expected "
			 "ADDRESS, ADDRESS/LENGTH or ADDRESS-ADDRESS",
			 bad[i]);
		conf_dir_refuse(d, text, expected);
	}
}

static void
an_acl_that_can_let_nothing_out_is_warned_about(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_warn(d, ACL("    address: ::1\n    action: transfer\n"),
		      "4: acl \"a\" has no key, so it lets no transfer out: "
		      "give it one, or \"insecure: on\"");
	conf_dir_accept(d, ACL("    action: transfer\n    insecure: on\n"));
	assert_int_equal(d->c->warning_count, 0);
}

static void
a_network_with_the_bits_of_a_host_is_warned_about(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c;

	conf_dir_warn(d, ACL("    action: notify\n    address: 127.0.0.1/8\n"),
		      "6: \"127.0.0.1/8\" has bits beyond its length: it means "
		      "the whole network");
	assert_memory_equal(d->c->acls[0].ranges[0].first, "\x7f\0\0\0", 4);
	conf_dir_warn(d,
		      ACL("    action: notify\n    address: 2001:db8::1/32\n"),
		      "6: \"2001:db8::1/32\" has bits beyond its length: it "
		      "means the whole network");
	c = conf_dir_accept(d, ACL("    action: notify\n"
				   "    address: [ 127.0.0.0/8, ::1/128, ::/0, "
				   "192.0.2.1/32, 192.0.2.1-192.0.2.9, "
				   "192.0.2.1 ]\n"));
	assert_int_equal(c->warning_count, 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_remote_has_an_address),
	    TEST(a_remote_comes_from_one_address_of_a_family),
	    TEST(a_key_that_is_not_defined_is_refused),
	    TEST(two_of_one_id_are_refused),
	    TEST(an_acl_has_an_action_unless_it_denies),
	    TEST(a_bad_range_is_refused),
	    TEST(a_network_with_the_bits_of_a_host_is_warned_about),
	    TEST(an_acl_that_can_let_nothing_out_is_warned_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
