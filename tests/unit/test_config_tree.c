/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "conf_dir.h"

static void
what_breaks_the_grammar_is_refused_with_its_line(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, "server:\n  listen: 127.0.0.1 ::1\n",
			"2: syntax error: more than one value: write a list "
			"as [ a, b ], and a value with blanks in quotes");
	conf_dir_refuse(d, "server:\n  listen: [ 127.0.0.1,\n    ::1 ]\n",
			"2: syntax error: the list is not closed by \"]\" on "
			"its line");
	conf_dir_refuse(d, "server:\n\tlisten: 127.0.0.1\n",
			"2: a tab where spaces are required");
	conf_dir_refuse(d, "server:\n  tcp-workers: 1\n   listen: ::1\n",
			"3: wrong indentation");
	conf_dir_refuse(d, CONF_SERVER "# comment\n\nzone: \"a\"b\n",
			"5: syntax error: a blank is missing after a value in "
			"quotes");
	conf_dir_refuse(d, CONF_SERVER "zone\n",
			"3: syntax error: expected \"key: value\"");
}

static void
an_unknown_section_is_refused(void **state)
{
	conf_dir_refuse(*state, CONF_SERVER "\nmod-stats:\n",
			"4: unknown section \"mod-stats\"");
}

static void
an_unknown_item_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, CONF_SERVER "  background-workers: 2\n",
			"3: unknown item \"background-workers\" in \"server\"");
	conf_dir_refuse(d,
			CONF_SERVER "zone:\n"
				    "  - domain: example\n"
				    "    journal-content: all\n",
			"5: unknown item \"journal-content\" in \"zone\"");
	conf_dir_refuse(d,
			CONF_SERVER "template:\n"
				    "  - id: a\n"
				    "    template: b\n",
			"5: unknown item \"template\" in \"template\"");
}

static void
an_item_in_the_wrong_place_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, "  listen: ::1\n",
			"1: \"listen\" is outside of a section");
	conf_dir_refuse(d, "- id: x\n", "1: \"- id\" is outside of a section");
	conf_dir_refuse(d, "server: x\n",
			"1: section \"server\" takes no value");
	conf_dir_refuse(d, "server:\n  - id: x\n",
			"2: section \"server\" is no list");
	conf_dir_refuse(d, "zone:\n  - id: example\n",
			"2: an entry of \"zone\" starts with \"- domain:\", "
			"not with \"- id:\"");
	conf_dir_refuse(d, "zone:\n  primary: hidden\n",
			"2: \"primary\" comes before the first \"- domain:\"");
	conf_dir_refuse(d, "zone:\n  - domain: \"\"\n",
			"2: \"domain\" is empty");
	conf_dir_write(d, "empty.conf", 0600, "");
	conf_dir_refuse(d, "server:\ninclude: empty.conf\n  listen: ::1\n",
			"3: \"listen\" is outside of a section");
}

static void
a_key_with_one_value_is_given_once(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, CONF_SERVER "  storage: [ a, b ]\n",
			"3: \"storage\" takes one value, once");
	conf_dir_refuse(d, CONF_SERVER "  user: root\nserver:\n  user: root\n",
			"5: \"user\" takes one value, once");
}

static void
lists_and_the_server_go_on_in_other_files(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c;

	conf_dir_write(d, "more.conf", 0600,
		       "server:\n"
		       "  tcp-workers: 3\n"
		       "  listen: [ ::1, 127.0.0.1 ]\n");
	c = conf_dir_accept(d, CONF_SERVER "include: more.conf\n");
	assert_int_equal(c->server.listen_count, 3);
	assert_int_equal(c->server.tcp_workers, 3);
}

static void
a_pattern_includes_files_in_their_order(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c;

	conf_dir_write(d, "conf.d/b.conf", 0600,
		       "remote:\n  - id: b\n    address: 192.0.2.2\n");
	conf_dir_write(d, "conf.d/a.conf", 0600,
		       "remote:\n  - id: a\n    address: 192.0.2.1\n");
	conf_dir_write(d, "conf.d/c.conf~", 0600, "rubbish");
	c = conf_dir_accept(d, "include: conf.d/*.conf\n" CONF_SERVER);
	assert_int_equal(c->remote_count, 2);
	assert_string_equal(c->remotes[0].id, "a");
	assert_string_equal(c->remotes[1].id, "b");
}

static void
a_pattern_may_match_nothing(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_accept(d, "include: conf.d/*.conf\n" CONF_SERVER);
	conf_dir_write(d, "conf.d/x", 0600, "rubbish");
	conf_dir_accept(d, "include: conf.d/*.conf\n" CONF_SERVER);
}

static void
a_file_that_is_not_there_is_refused(void **state)
{
	struct conf_dir *d = *state;
	struct config *c = NULL;

	conf_dir_refuse(d, CONF_SERVER "include: none.conf\n",
			"3: cannot read \"%/none.conf\": "
			"No such file or directory");
	conf_dir_refuse(d, CONF_SERVER "include: .\n",
			"3: cannot read \"%/.\": not a regular file");
	conf_dir_refuse(d, CONF_SERVER "include:\n",
			"3: \"include\" names no file");
	assert_int_equal(config_load("/nonexistent/s.conf", &c, &d->err),
			 SECD_EIO);
	assert_string_equal(d->err.text,
			    "/nonexistent/s.conf: No such file or directory");
}

static void
nothing_waits_for_a_fifo(void **state)
{
	struct conf_dir *d = *state;
	char path[300];

	snprintf(path, sizeof(path), "%s/fifo", d->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	conf_dir_refuse(d, CONF_SERVER "include: fifo\n",
			"3: cannot read \"%/fifo\": not a regular file");
}

static void
an_error_names_the_file_that_it_is_in(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_write(d, "conf.d/outer.conf", 0600,
		       "# one\ninclude: sub/inner.conf\n");
	conf_dir_write(d, "conf.d/sub/inner.conf", 0600,
		       "\n\nserver:\n  nonsense: 1\n");
	conf_dir_refuse_in(d, CONF_SERVER "include: conf.d/*.conf\n",
			   "%/conf.d/sub/inner.conf:4: unknown item "
			   "\"nonsense\" in \"server\"");
	conf_dir_write(d, "conf.d/sub/inner.conf", 0600,
		       "zone:\n  - domain: example\n    primary: nobody\n");
	conf_dir_refuse_in(d, CONF_SERVER "include: conf.d/*.conf\n",
			   "%/conf.d/sub/inner.conf:3: remote \"nobody\" is "
			   "not defined");
}

static void
a_file_that_includes_itself_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, CONF_SERVER "  storage: x\ninclude: main.conf\n",
			"4: \"%/main.conf\" includes itself");
	conf_dir_write(d, "b.conf", 0600, "\ninclude: c.conf\n");
	conf_dir_write(d, "c.conf", 0600, "include: main.conf\n");
	conf_dir_refuse_in(d, CONF_SERVER "include: b.conf\n",
			   "%/c.conf:1: \"%/main.conf\" includes itself");
}

static void
a_file_may_be_included_twice(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_write(d, "b.conf", 0600, "server:\n  listen: ::1\n");
	conf_dir_write(d, "c.conf", 0600, "# nothing\n");
	conf_dir_accept(d, "include: c.conf\ninclude: b.conf\n"
			   "include: c.conf\n");
}

static void
files_are_included_eight_deep(void **state)
{
	struct conf_dir *d = *state;

	for (int i = 1; i <= 9; i++) {
		char name[24], text[40];

		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(text, sizeof(text), "include: %d.conf\n", i + 1);
		conf_dir_write(d, name, 0600, i == 9 ? CONF_SERVER : text);
	}
	conf_dir_accept(d, "include: 2.conf\n");
	conf_dir_refuse_in(d, "include: 1.conf\n",
			   "%/8.conf:1: \"include\" goes deeper than 8 files");
}

static void
a_directory_may_be_named_like_a_pattern(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_write(d, "[ab]*/outer.conf", 0600, "include: i*.conf\n");
	conf_dir_write(d, "[ab]*/inner.conf", 0600, CONF_SERVER);
	conf_dir_write(d, "a/inner.conf", 0600, "rubbish");
	conf_dir_refuse(d, "include: \"[ab]*/outer.conf\"\n",
			"1: there is no section \"server\"");
	conf_dir_accept(d, "include: \"\\[ab]\\*/outer.conf\"\n");
}

static void
relative_paths_are_beside_the_file_that_says_them(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c;
	char expected[300];

	conf_dir_write(d, "conf.d/s.conf", 0600,
		       "server:\n  rundir: run\n  storage: /srv/zones\n");
	c = conf_dir_accept(d, CONF_SERVER "include: conf.d/s.conf\n");
	snprintf(expected, sizeof(expected), "%s/conf.d/run", d->path);
	assert_string_equal(c->server.rundir, expected);
	snprintf(expected, sizeof(expected), "%s/conf.d/run/secondaryd.sock",
		 d->path);
	assert_string_equal(c->server.control, expected);
	assert_string_equal(c->server.storage, "/srv/zones");
}

static void
paths_are_absolute_when_the_configuration_is_not(void **state)
{
	struct conf_dir *d = *state;
	char *cwd = getcwd(NULL, 0), expected[300];

	conf_dir_write(d, "s.conf", 0600, CONF_SERVER "  storage: zones\n");
	assert_int_equal(chdir(d->path), 0);
	assert_int_equal(config_load("s.conf", &d->c, &d->err), SECD_OK);
	assert_int_equal(chdir(cwd), 0);
	snprintf(expected, sizeof(expected), "%s/zones", d->path);
	assert_string_equal(d->c->server.storage, expected);
	free(cwd);
}

static void
the_control_socket_is_found_without_the_secrets(void **state)
{
	struct conf_dir *d = *state;
	char conf[300], path[300], expected[300];

	conf_dir_write(d, "s.conf", 0644,
		       "include: rest.conf\n" CONF_SERVER "key:\n"
		       "  - id: k\n"
		       "    secret-file: /nonexistent\n");
	conf_dir_write(d, "rest.conf", 0644, "server:\n  rundir: run\n");
	snprintf(conf, sizeof(conf), "%s/s.conf", d->path);
	assert_int_equal(config_control_path(conf, path, sizeof(path), &d->err),
			 SECD_OK);
	snprintf(expected, sizeof(expected), "%s/run/secondaryd.sock", d->path);
	assert_string_equal(path, expected);
	assert_int_equal(config_control_path(conf, path, 20, &d->err),
			 SECD_ENOSPC);
	conf_dir_write(d, "rest.conf", 0644, "");
	assert_int_equal(config_control_path(conf, path, sizeof(path), &d->err),
			 SECD_OK);
	assert_string_equal(path, SECD_RUNDIR "/secondaryd.sock");
}

static void
the_control_socket_is_found_whatever_else_is_wrong(void **state)
{
	static const char *const files[] = {
	    "zone:\n  - domain: \"a\n\nserver:\n  rundir: run\n",
	    "server:\n  rundir: run\n  rubbish\n",
	    "server:\n  listn: ::1\n  rundir: run\n",
	    "server:\n  listen: [ ::1\n  rundir: run\n",
	    "server:\n\tlisten: ::1\n  rundir: run\n",
	    "server:\n  storage: x\n   listen: ::1\n   rundir: run\n",
	    "servr:\n  x: y\nserver:\n  rundir: run",
	    "include: none.conf\nserver:\n  rundir: run\n",
	    "include: s.conf\nserver:\n  rundir: run\n",
	    "include: bad.conf\nserver:\n  rundir: run\n",
	    "server:\n  rundir: run\n  rundir: walk\n",
	    "module:\n  - id: x\n    rundir: walk\nserver:\n  rundir: run\n",
	};
	struct conf_dir *d = *state;
	char conf[300], path[300], expected[300];

	conf_dir_write(d, "bad.conf", 0600, "rubbish\n  more\n\nrubbish");
	snprintf(conf, sizeof(conf), "%s/s.conf", d->path);
	snprintf(expected, sizeof(expected), "%s/run/secondaryd.sock", d->path);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct config *c = NULL;

		conf_dir_write(d, "s.conf", 0600, files[i]);
		assert_int_not_equal(config_load(conf, &c, &d->err), SECD_OK);
		assert_int_equal(
		    config_control_path(conf, path, sizeof(path), &d->err),
		    SECD_OK);
		assert_string_equal(path, expected);
	}
	assert_int_equal(config_control_path("/nonexistent/s.conf", path,
					     sizeof(path), &d->err),
			 SECD_EIO);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_breaks_the_grammar_is_refused_with_its_line),
	    TEST(an_unknown_section_is_refused),
	    TEST(an_unknown_item_is_refused),
	    TEST(an_item_in_the_wrong_place_is_refused),
	    TEST(a_key_with_one_value_is_given_once),
	    TEST(lists_and_the_server_go_on_in_other_files),
	    TEST(a_pattern_includes_files_in_their_order),
	    TEST(a_pattern_may_match_nothing),
	    TEST(a_file_that_is_not_there_is_refused),
	    TEST(nothing_waits_for_a_fifo),
	    TEST(an_error_names_the_file_that_it_is_in),
	    TEST(a_file_that_includes_itself_is_refused),
	    TEST(a_file_may_be_included_twice),
	    TEST(files_are_included_eight_deep),
	    TEST(a_directory_may_be_named_like_a_pattern),
	    TEST(relative_paths_are_beside_the_file_that_says_them),
	    TEST(paths_are_absolute_when_the_configuration_is_not),
	    TEST(the_control_socket_is_found_without_the_secrets),
	    TEST(the_control_socket_is_found_whatever_else_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
