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
#include "place/settings.h"
#include "temp_dir.h"

static const struct setting known[] = {
    {"file", SETTING_FILE, SETTING_TARGET, NULL, NULL},
    {"control", SETTING_PATH, SETTING_REQUIRED | SETTING_SERVER, NULL, NULL},
    {"check", SETTING_PROGRAM, 0, "/bin/sh", NULL},
    {"word", SETTING_TEXT, SETTING_LIST | SETTING_TARGET, NULL, NULL},
    {"interval", SETTING_TIME, 0, "60", NULL},
    {"extra", SETTING_PROGRAM, 0, "/nonexistent/extra", "file"},
    {.name = NULL},
};

static char dir[TEMP_DIR_MAX], path[512], reason[SECD_REASON_LEN];

static int
setup(void **state)
{
	(void)state;
	temp_dir_make(dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	temp_dir_remove(dir);
	return 0;
}

static const char *
in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* What is said, with lines from 7 on. */
static struct settings
said(const char *const (*pairs)[2], size_t count)
{
	static struct secd_option options[8];

	for (size_t i = 0; i < count; i++) {
		options[i] = (struct secd_option){.line = (uint32_t)(7 + i),
						  .section = "place",
						  .id = "x",
						  .key = pairs[i][0],
						  .value = pairs[i][1]};
	}
	return (struct settings){
	    .adapter = "test", .known = known, .said = options, .count = count};
}

#define SAID(pairs) said(pairs, sizeof(pairs) / sizeof((pairs)[0]))

static void
refused_as(struct settings s, const char *why)
{
	reason[0] = '\0';
	assert_int_equal(settings_check(&s, "t.conf", reason), SECD_EINVAL);
	assert_string_equal(reason, why);
}

static void
one_refused_as(const char *key, const char *value, const char *why)
{
	const char *const pairs[][2] = {{"control", "/x"}, {key, value}};

	refused_as(SAID(pairs), why);
}

static void
what_is_right_is_right(void **state)
{
	const char *const pairs[][2] = {
	    {"control", "/run/x.sock"}, {"word", "a"},      {"word", ""},
	    {"check", "/bin/cat"},      {"interval", "2m"},
	};
	struct settings s = SAID(pairs);

	(void)state;
	assert_int_equal(settings_check(&s, "t.conf", reason), SECD_OK);
	assert_string_equal(settings_get(&s, "control"), "/run/x.sock");
	assert_string_equal(settings_get(&s, "check"), "/bin/cat");
	assert_int_equal(settings_time_ms(&s, "interval"), 120000);
	assert_int_equal(settings_time_ms(&s, "no-such-setting"), 0);
	assert_true(settings_has(&s, "check"));
	assert_false(settings_has(&s, "file"));
	assert_null(settings_get(&s, "file"));
}

static void
what_is_not_said_is_the_standard(void **state)
{
	const char *const pairs[][2] = {{"control", "/run/x.sock"}};
	struct settings s = SAID(pairs);

	(void)state;
	assert_int_equal(settings_check(&s, "", reason), SECD_OK);
	assert_string_equal(settings_get(&s, "check"), "/bin/sh");
	assert_int_equal(settings_time_ms(&s, "interval"), 60000);
}

static void
what_is_unknown_missing_or_twice_is_refused(void **state)
{
	const char *const missing[][2] = {{"word", "a"}};
	const char *const twice[][2] = {{"control", "/a"}, {"control", "/b"}};
	struct settings none = said(NULL, 0);

	(void)state;
	one_refused_as("contrl", "/x",
		       "t.conf:8: \"contrl\" is no setting of adapter test");
	refused_as(SAID(missing), "t.conf:7: adapter test needs \"control\"");
	refused_as(SAID(twice), "t.conf:8: control is there twice");
	assert_int_equal(settings_check(&none, "", reason), SECD_EINVAL);
	assert_string_equal(reason, "line 0: adapter test needs \"control\"");
}

static void
paths_are_absolute(void **state)
{
	static const char *const bad[] = {"", "x", "./x", "/x/"};
	char why[200];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const char *const pairs[][2] = {{"control", bad[i]}};

		snprintf(why, sizeof(why),
			 "t.conf:7: control: \"%s\" is no absolute path of a "
			 "file",
			 bad[i]);
		refused_as(SAID(pairs), why);
	}
}

static void
a_program_can_be_run_by_us_and_changed_by_few(void **state)
{
	char why[1200];
	FILE *f;

	(void)state;
	one_refused_as("check", "/nonexistent/x",
		       "t.conf:8: check: /nonexistent/x cannot be run: No such "
		       "file or directory");
	one_refused_as("check", "/bin", "t.conf:8: check: /bin is no program");
	f = fopen(in_dir("open"), "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(path, 0777), 0);
	snprintf(why, sizeof(why),
		 "t.conf:8: check: %s is writable by everybody", path);
	one_refused_as("check", path, why);
}

static void
a_file_can_be_made_where_few_can(void **state)
{
	const char *const pairs[][2] = {
	    {"control", "/x"}, {"file", in_dir("new")}, {"extra", "/bin/sh"}};
	struct settings s = SAID(pairs);
	char why[1200];

	(void)state;
	assert_int_equal(settings_check(&s, "t.conf", reason), SECD_OK);
	one_refused_as("file", "/nonexistent/x",
		       "t.conf:8: file: no file can be made in /nonexistent: "
		       "No such file or directory");
	one_refused_as("file", "/bin/sh/x",
		       "t.conf:8: file: /bin/sh is no directory");
	assert_int_equal(chmod(dir, 0777), 0);
	snprintf(why, sizeof(why),
		 "t.conf:8: file: %s is writable by everybody", dir);
	one_refused_as("file", in_dir("new"), why);
	if (geteuid() != 0) {
		assert_int_equal(chmod(dir, 0500), 0);
		snprintf(why, sizeof(why),
			 "t.conf:8: file: no file can be made in %s: "
			 "Permission denied",
			 dir);
		one_refused_as("file", in_dir("new"), why);
	}
	assert_int_equal(chmod(dir, 0700), 0);
}

static void
what_goes_only_with_another_is_refused_alone(void **state)
{
	const char *const with[][2] = {{"control", "/x"},
				       {"file", in_dir("new")}};

	(void)state;
	one_refused_as("extra", "/bin/sh",
		       "t.conf:8: extra goes only with file");
	/* Then its standard counts, too. */
	refused_as(SAID(with),
		   "t.conf:7: extra: /nonexistent/extra cannot be run: No such "
		   "file or directory");
}

static void
texts_and_times_are_what_they_say(void **state)
{
	(void)state;
	one_refused_as("word", "a\nb", "t.conf:8: word: a control character");
	one_refused_as("interval", "1 minute",
		       "t.conf:8: interval: \"1 minute\" is no time");
	one_refused_as("interval", "9223372036854775807",
		       "t.conf:8: interval: \"9223372036854775807\" is no "
		       "time");
}

static void
what_says_which_server_it_is_is_one_line(void **state)
{
	const char *const one[][2] = {{"file", "/a"}, {"control", "/x"}};
	const char *const other[][2] = {{"control", "/y"}, {"file", "/a"}};
	const char *const more[][2] = {
	    {"word", "p"}, {"file", "/a"}, {"word", "q"}};
	struct settings s = SAID(one);
	char *target = settings_line(&s, SETTING_TARGET);

	(void)state;
	assert_string_equal(target, "test /a");
	free(target);
	s = SAID(other);
	target = settings_line(&s, SETTING_TARGET);
	assert_string_equal(target, "test /a");
	free(target);
	target = settings_line(&s, SETTING_SERVER);
	assert_string_equal(target, "test /y");
	free(target);
	s = SAID(more);
	target = settings_line(&s, SETTING_TARGET);
	assert_string_equal(target, "test /a p q");
	free(target);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_right_is_right),
	    cmocka_unit_test(what_is_not_said_is_the_standard),
	    cmocka_unit_test(what_is_unknown_missing_or_twice_is_refused),
	    cmocka_unit_test(paths_are_absolute),
	    cmocka_unit_test(a_program_can_be_run_by_us_and_changed_by_few),
	    cmocka_unit_test(a_file_can_be_made_where_few_can),
	    cmocka_unit_test(what_goes_only_with_another_is_refused_alone),
	    cmocka_unit_test(texts_and_times_are_what_they_say),
	    cmocka_unit_test(what_says_which_server_it_is_is_one_line),
	};

	return cmocka_run_group_tests_name("settings", tests, setup, teardown);
}
