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

#define KEY(rest) CONF_SERVER "key:\n  - id: k\n" rest

static void
a_key_without_a_secret_or_with_two_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, KEY("    algorithm: hmac-sha512\n"),
			"4: key \"k\" has no \"secret\", \"secret-file\" or "
			"\"module\"");
	conf_dir_refuse(d, KEY("    secret-file: x\n    secret: AAAA\n"),
			"5: key \"k\" has both \"secret\" and \"secret-file\"");
}

#define MODULE "module:\n  - id: rotate\n"

static void
a_module_may_have_the_secret(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_accept(d, KEY("    module: rotate\n" MODULE));
	assert_null(d->c->keys[0].key);
	assert_string_equal(d->c->keys[0].module, "rotate");
	conf_dir_accept(d, KEY("    secret: " CONF_SECRET "\n"));
	assert_null(d->c->keys[0].module);
}

static void
what_the_module_says_is_said_nowhere_else(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, KEY("    module: rotate\n    secret: AAAA\n" MODULE),
			"6: key \"k\" has \"secret\", which its \"module\" "
			"gives it");
	conf_dir_refuse(d,
			KEY("    secret-file: x\n    module: rotate\n" MODULE),
			"5: key \"k\" has \"secret-file\", which its "
			"\"module\" gives it");
	conf_dir_refuse(d,
			KEY("    algorithm: hmac-sha512\n"
			    "    module: rotate\n" MODULE),
			"5: key \"k\" has \"algorithm\", which its \"module\" "
			"gives it");
	conf_dir_refuse(d, KEY("    module: rotate2\n" MODULE),
			"5: module \"rotate2\" is not defined");
}

static void
a_secret_that_is_not_base64_is_refused_without_showing_it(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, KEY("    secret: hunter2!\n"),
			"5: \"secret\" is not base64");
	conf_dir_refuse(d, KEY("    secret:\n"), "5: \"secret\" is not base64");
	conf_dir_write(d, "s", 0600, "hunter2!\n");
	conf_dir_refuse(d, KEY("    secret-file: s\n"),
			"5: \"%/s\" is not one line of base64");
}

static void
an_unknown_algorithm_is_refused(void **state)
{
	conf_dir_refuse(*state,
			KEY("    algorithm: sha256\n    secret: AAAA\n"),
			"5: bad value \"sha256\" for \"algorithm\": expected "
			"hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512");
}

static void
a_weak_algorithm_is_refused_unless_allowed_by_name(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c;

	conf_dir_refuse(d, KEY("    secret: AAAA\n    algorithm: hmac-md5\n"),
			"6: hmac-md5 is weak: allow it by \"tsig-weak\" in "
			"\"server\" if it must be");
	conf_dir_refuse(d,
			CONF_SERVER "  tsig-weak: hmac-md5\n"
				    "key:\n"
				    "  - id: k\n"
				    "    algorithm: hmac-sha1\n"
				    "    secret: AAAA\n",
			"6: hmac-sha1 is weak: allow it by \"tsig-weak\" in "
			"\"server\" if it must be");
	c = conf_dir_accept(d, KEY("    algorithm: hmac-sha1\n"
				   "    secret: AAAA\n"
				   "server:\n"
				   "  tsig-weak: [ hmac-md5, hmac-sha1 ]\n"));
	assert_int_equal(tsig_key_algorithm(c->keys[0].key), TSIG_HMAC_SHA1);
}

static void
a_secret_file_that_others_can_use_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0610, 0644};
	struct conf_dir *d = *state;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		conf_dir_write(d, "s", modes[i], CONF_SECRET "\n");
		assert_int_equal(conf_dir_load(d, KEY("    secret-file: s\n")),
				 SECD_EPERM);
		assert_non_null(strstr(d->err.text, "/main.conf:5: \""));
	}
	conf_dir_write(d, "s", 0400, CONF_SECRET "\n");
	conf_dir_accept(d, KEY("    secret-file: s\n"));
}

static void
a_secret_file_of_another_user_is_refused(void **state)
{
	struct conf_dir *d = *state;

	if (geteuid() != 0) {
		skip(); /* cannot give files away */
	}
	conf_dir_write(d, "s", 0600, CONF_SECRET "\n");
	conf_dir_refuse(d, KEY("    secret-file: s\nserver:\n  user: nobody\n"),
			"5: \"%/s\" belongs to user root and not to nobody: "
			"chown nobody %/s");
}

static void
a_secret_file_that_is_not_there_is_refused(void **state)
{
	struct conf_dir *d = *state;

	assert_int_equal(conf_dir_load(d, KEY("    secret-file: none\n")),
			 SECD_EIO);
	conf_dir_refuse(d, KEY("    secret-file: none\n"),
			"5: \"%/none\" does not exist");
}

static void
an_inline_secret_in_a_file_for_all_is_warned_about(void **state)
{
	struct conf_dir *d = *state;
	char expected[600];

	conf_dir_write(d, "k.conf", 0640,
		       "key:\n  - id: k\n    secret: " CONF_SECRET "\n");
	conf_dir_accept(d, CONF_SERVER "include: k.conf\n");
	assert_int_equal(d->c->warning_count, 1);
	snprintf(expected, sizeof(expected),
		 "%s/k.conf:3: others may read this file and the secret in "
		 "it: use \"secret-file\", or mode 0600",
		 d->path);
	assert_string_equal(d->c->warnings[0], expected);
}

static void
a_short_secret_is_warned_about(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_warn(d, KEY("    secret: AAAAAAAAAAAAAAAAAAAA\n"),
		      "5: the secret of key \"k\" has 15 octets: it should "
		      "have at least 16");
	conf_dir_write(d, "s", 0600, "aGk=\n");
	conf_dir_warn(d, KEY("    secret-file: s\n"),
		      "5: the secret of key \"k\" has 2 octets: it should "
		      "have at least 16");
	conf_dir_accept(d, KEY("    secret: AAAAAAAAAAAAAAAAAAAAAA==\n"));
	assert_int_equal(d->c->warning_count, 0);
}

static void
two_keys_of_one_name_are_refused(void **state)
{
	conf_dir_refuse(*state,
			KEY("    secret: AAAA\n"
			    "  - id: other\n"
			    "    secret: AAAA\n"
			    "  - id: K.\n"
			    "    secret: AAAA\n"),
			"8: key \"K.\" is there twice");
}

static void
a_key_has_a_domain_name(void **state)
{
	conf_dir_refuse(*state,
			CONF_SERVER "key:\n"
				    "  - id: a..b\n"
				    "    secret: AAAA\n",
			"4: \"a..b\" is no domain name");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_key_without_a_secret_or_with_two_is_refused),
	    TEST(a_module_may_have_the_secret),
	    TEST(what_the_module_says_is_said_nowhere_else),
	    TEST(a_secret_that_is_not_base64_is_refused_without_showing_it),
	    TEST(an_unknown_algorithm_is_refused),
	    TEST(a_weak_algorithm_is_refused_unless_allowed_by_name),
	    TEST(a_secret_file_that_others_can_use_is_refused),
	    TEST(a_secret_file_of_another_user_is_refused),
	    TEST(a_secret_file_that_is_not_there_is_refused),
	    TEST(an_inline_secret_in_a_file_for_all_is_warned_about),
	    TEST(a_short_secret_is_warned_about),
	    TEST(two_keys_of_one_name_are_refused),
	    TEST(a_key_has_a_domain_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
