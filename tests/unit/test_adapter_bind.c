/* SPDX-License-Identifier: BSD-2-Clause */
/* BIND by scripts in place of named-checkconf and rndc. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "placing.h"

#define ONE   "aaaaaaaaaaaaaaaa" /* YWFh... */
#define TWO   "cccccccccccccccc" /* Y2Nj... */
#define TAKEN "named has taken 2 keys"

static int
setup(void **state)
{
	placing_setup(state);
	placing_set("file", placing_path("keys.conf"));
	placing_set("group", "");
	placing_set("config", placing_path("named.conf"));
	placing_set("check", placing_script("check", "echo $* >>checked"));
	placing_set("rndc", placing_script("rndc", "echo $* >>told"));
	return 0;
}

static void
place(const char *secret, int rc, const char *text)
{
	placing_expect(&adapter_bind, secret, rc, text);
}

static bool
file_has(const char *text)
{
	return strstr(placing_contents("keys.conf"), text) != NULL;
}

static void
keys_are_written_checked_and_taken(void **state)
{
	(void)state;
	place(ONE, SECD_OK, TAKEN);
	assert_string_equal(placing_contents("keys.conf"),
			    "# written by secondaryd; do not edit\n"
			    "key \"p1-a.\" {\n\talgorithm hmac-sha256;\n"
			    "\tsecret \"YWFhYWFhYWFhYWFhYWFhYQ==\";\n};\n"
			    "key \"p1-b.\" {\n\talgorithm hmac-sha256;\n"
			    "\tsecret \"" PLACING_B "\";\n};\n");
	assert_non_null(strstr(placing_contents("checked"), "/named.conf\n"));
	assert_string_equal(placing_contents("told"), "reconfig\n");
	place(ONE, SECD_OK, "named has 2 keys already");
	assert_string_equal(placing_contents("told"), "reconfig\n");
}

static void
rndc_is_told_where_its_files_are(void **state)
{
	(void)state;
	placing_set("rndc-config", "/etc/bind/rndc.conf");
	place(ONE, SECD_OK, TAKEN);
	placing_set("rndc-key", "/etc/bind/rndc.key");
	place(TWO, SECD_OK, TAKEN);
	assert_string_equal(
	    placing_contents("told"),
	    "-c /etc/bind/rndc.conf reconfig\n"
	    "-c /etc/bind/rndc.conf -k /etc/bind/rndc.key reconfig\n");
}

static void
what_does_not_pass_the_check_is_put_back_and_named_not_told(void **state)
{
	char text[1000];

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	placing_script("check",
		       "echo \"named.conf:9: unknown option 'frob'\"; exit 1");
	snprintf(text, sizeof(text),
		 "%.100s refuses %.100s, so named was not asked: "
		 "named.conf:9: unknown option ''",
		 placing_path("check"), placing_path("named.conf"));
	place(TWO, SECD_EMALF, text);
	assert_true(file_has("YWFh"));
	assert_string_equal(placing_contents("told"), "reconfig\n");
}

static void
what_named_refuses_is_put_back(void **state)
{
	(void)state;
	place(ONE, SECD_OK, TAKEN);
	placing_script("rndc", "echo warning >&2;"
			       "echo \"rndc: 'reconfig' failed: failure\" >&2;"
			       "exit 1");
	place(TWO, SECD_EIO,
	      "named has not taken the keys: rndc: '' failed: failure");
	assert_true(file_has("YWFh"));
	assert_false(file_has("Y2Nj"));
	placing_script("rndc", "exit 2");
	place(TWO, SECD_EIO,
	      "named has not taken the keys: rndc does not say why");
	assert_true(file_has("YWFh"));
	assert_false(placing_has(".keys.conf.kept"));
}

static void
a_named_that_does_not_run_has_the_keys_when_it_starts(void **state)
{
	(void)state;
	placing_script("rndc", "echo 'WARNING: two files' >&2;"
			       "echo 'rndc: connect failed: 127.0.0.1#953: "
			       "connection refused' >&2; exit 1");
	place(ONE, SECD_ECLOSED,
	      "named is not reached (rndc: connect failed: 127.0.0.1#953: "
	      "connection refused); it has the keys when it starts");
	assert_true(file_has("YWFh"));
	assert_false(placing_has(".keys.conf.kept"));
	assert_int_equal(placing.result.was_asked, 0);
	placing_script("rndc", "");
	place(ONE, SECD_OK, TAKEN);
	assert_int_equal(placing.result.was_asked, 1);
}

static void
an_rndc_that_hangs_leaves_the_keys_in_the_file(void **state)
{
	(void)state;
	placing_script("rndc", "sleep 60");
	placing.timeout_ms = 2000;
	place(ONE, SECD_ETIMEOUT,
	      "named does not say whether it has taken the keys: rndc did not "
	      "end in time");
	assert_true(file_has("YWFh"));
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, setup, placing_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(keys_are_written_checked_and_taken),
	    CASE(rndc_is_told_where_its_files_are),
	    CASE(what_does_not_pass_the_check_is_put_back_and_named_not_told),
	    CASE(what_named_refuses_is_put_back),
	    CASE(a_named_that_does_not_run_has_the_keys_when_it_starts),
	    CASE(an_rndc_that_hangs_leaves_the_keys_in_the_file),
	};

	return cmocka_run_group_tests_name("adapter_bind", tests, NULL, NULL);
}
