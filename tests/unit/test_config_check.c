/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "conf_dir.h"

static char told[8192];
static unsigned told_count;

/* Without the directory, wherever it stands. */
static void
note(void *arg, const char *text)
{
	const struct conf_dir *d = arg;
	size_t dir_len = strlen(d->path) + 1;
	char *p = told + strlen(told);

	assert_true(strlen(text) + 2 < (size_t)(told + sizeof(told) - p));
	for (; *text != '\0'; text++) {
		if (strncmp(text, d->path, dir_len - 1) == 0) {
			text += dir_len;
		}
		*p++ = *text;
	}
	strcpy(p, "\n");
	told_count++;
}

static int
check(struct conf_dir *d, const char *text)
{
	struct config *c = NULL;
	char path[300];
	int rc;

	conf_dir_write(d, "main.conf", 0600, text);
	snprintf(path, sizeof(path), "%s/main.conf", d->path);
	told[0] = '\0';
	told_count = 0;
	rc = config_check(path, &c, note, d);
	assert_int_equal(c != NULL, rc == SECD_OK);
	config_unref(c);
	return rc;
}

static void
expect(struct conf_dir *d, const char *text, const char *expected)
{
	assert_int_not_equal(check(d, text), SECD_OK);
	assert_string_equal(told, expected);
}

static void
what_is_right_has_no_errors(void **state)
{
	assert_int_equal(check(*state,
			       CONF_SERVER CONF_REMOTE "zone:\n"
						       "  - domain: example.\n"
						       "    primary: hidden\n"),
			 SECD_OK);
	assert_string_equal(told, "");
}

static void
every_line_without_a_place_is_told(void **state)
{
	expect(*state,
	       "server:\n"
	       "  listn: 127.0.0.1\n"
	       "  rundir: a\n"
	       "  rundir: b\n"
	       "sever:\n"
	       "  listen: 127.0.0.1\n"
	       "  - id: x\n"
	       "remote:\n"
	       "  address: 192.0.2.1\n"
	       "  - name: hidden\n"
	       "    address: 192.0.2.1\n"
	       "    adress: 192.0.2.1\n"
	       "  - id: hidden\n"
	       "    adress: 192.0.2.1\n"
	       "include: none.conf\n"
	       "zone:\n"
	       "  - domain: example.\n"
	       "    primry: hidden\n",
	       "main.conf:2: unknown item \"listn\" in \"server\"\n"
	       "main.conf:4: \"rundir\" takes one value, once\n"
	       "main.conf:5: unknown section \"sever\"\n"
	       "main.conf:9: \"address\" comes before the first \"- id:\"\n"
	       "main.conf:10: an entry of \"remote\" starts with \"- id:\", "
	       "not with \"- name:\"\n"
	       "main.conf:14: unknown item \"adress\" in \"remote\"\n"
	       "main.conf:15: cannot read \"none.conf\": No such file or "
	       "directory\n"
	       "main.conf:18: unknown item \"primry\" in \"zone\"\n");
}

static void
a_file_ends_where_its_syntax_does_and_others_go_on(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_write(d, "a.conf", 0600,
		       "zone:\n\t- domain: a.example.\n    primary: none\n");
	conf_dir_write(d, "b.conf", 0600, "zonne:\n");
	expect(d, CONF_SERVER "include: a.conf\ninclude: b.conf\n",
	       "a.conf:2: a tab where spaces are required\n"
	       "b.conf:1: unknown section \"zonne\"\n");
}

static void
whatever_cannot_be_is_told(void **state)
{
	expect(*state,
	       "server:\n"
	       "  listen: 127.0.0.300\n"
	       "  udp-workers: 0\n"
	       "log:\n"
	       "  - target: paper\n"
	       "remote:\n"
	       "  - id: a\n"
	       "    address: x\n"
	       "    key: none.\n"
	       "  - id: b\n"
	       "    address: 192.0.2.1\n"
	       "  - id: b\n"
	       "    address: 192.0.2.2\n"
	       "acl:\n"
	       "  - id: c\n"
	       "    action: eat\n"
	       "zone:\n"
	       "  - domain: a..b\n"
	       "    primary: b\n"
	       "  - domain: example.\n"
	       "    primary: z\n"
	       "    refresh-max-interval: never\n"
	       "  - domain: EXAMPLE.\n"
	       "    primary: b\n"
	       "  - domain: other.example.\n",
	       "main.conf:2: bad value \"127.0.0.300\" for \"listen\": "
	       "expected an address, or ADDRESS@PORT\n"
	       "main.conf:3: bad value \"0\" for \"udp-workers\": expected a "
	       "number from 1 to 256\n"
	       "main.conf:5: bad value \"paper\" for \"target\": expected "
	       "stderr or syslog\n"
	       "main.conf:8: bad value \"x\" for \"address\": expected an "
	       "address, or ADDRESS@PORT\n"
	       "main.conf:9: key \"none.\" is not defined\n"
	       "main.conf:12: remote \"b\" is there twice\n"
	       "main.conf:16: bad value \"eat\" for \"action\": expected "
	       "transfer or notify\n"
	       "main.conf:18: \"a..b\" is no domain name\n"
	       "main.conf:21: remote \"z\" is not defined\n"
	       "main.conf:22: bad value \"never\" for "
	       "\"refresh-max-interval\": expected seconds, or a number with "
	       "s, m, h or d, from 1 to 4294967295\n"
	       "main.conf:25: zone \"other.example.\" has no \"primary\"\n"
	       "main.conf:23: zone \"EXAMPLE.\" is there twice\n");
}

static void
what_follows_from_an_error_is_not_told(void **state)
{
	expect(*state,
	       CONF_SERVER "key:\n"
			   "  - id: k.\n"
			   "    secret: \"!\"\n"
			   "remote:\n"
			   "  - id: a\n"
			   "    address: x\n"
			   "    key: k.\n"
			   "acl:\n"
			   "  - id: c\n"
			   "    key: k.\n"
			   "    action: transfer\n"
			   "template:\n"
			   "  - id: default\n"
			   "    primary: none\n"
			   "    retry-min-interval: 2d\n"
			   "    retry-max-interval: 1d\n"
			   "  - id: other\n"
			   "    primary: a\n"
			   "    acl: d\n"
			   "zone:\n"
			   "  - domain: a.example.\n"
			   "  - domain: b.example.\n"
			   "    refresh-max-interval: 1h\n"
			   "  - domain: c.example.\n"
			   "    template: other\n"
			   "    primary: a\n"
			   "    acl: c\n",
	       "main.conf:5: \"secret\" is not base64\n"
	       "main.conf:8: bad value \"x\" for \"address\": expected an "
	       "address, or ADDRESS@PORT\n"
	       "main.conf:16: remote \"none\" is not defined\n"
	       "main.conf:21: acl \"d\" is not defined\n");
}

static void
a_missing_file_is_the_only_error(void **state)
{
	struct conf_dir *d = *state;
	struct config *c = NULL;
	char path[300];

	snprintf(path, sizeof(path), "%s/none.conf", d->path);
	told[0] = '\0';
	assert_int_equal(config_check(path, &c, note, d), SECD_EIO);
	assert_null(c);
	assert_string_equal(told, "none.conf: No such file or directory\n");
}

static void
of_very_many_errors_some_are_told_and_the_rest_is_counted(void **state)
{
	char text[8192] = CONF_SERVER "zone:\n";

	for (int i = 0; i < 60; i++) {
		sprintf(text + strlen(text), "  - domain: z%d.example.\n", i);
	}
	assert_int_equal(check(*state, text), SECD_EMALF);
	assert_int_equal(told_count, CONFIG_TOLD_MAX + 1);
	assert_non_null(strstr(told, "main.conf: and 10 more errors\n"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_right_has_no_errors),
	    TEST(every_line_without_a_place_is_told),
	    TEST(a_file_ends_where_its_syntax_does_and_others_go_on),
	    TEST(whatever_cannot_be_is_told),
	    TEST(what_follows_from_an_error_is_not_told),
	    TEST(a_missing_file_is_the_only_error),
	    TEST(of_very_many_errors_some_are_told_and_the_rest_is_counted),
	};

	return cmocka_run_group_tests_name("config_check", tests, NULL, NULL);
}
