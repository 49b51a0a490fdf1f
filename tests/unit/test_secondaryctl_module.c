/* SPDX-License-Identifier: BSD-2-Clause */
/* secondaryctl as a host of modules: the witness is asked, without a server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control_client.h"
#include "ctl_run.h"

/* Words behind --dir and --module; "" for the fixture's directory. */
static int
ctl_dir(const struct control_fixture *f, const char *dir, const char *arguments)
{
	const char *witness = getenv("SECD_WITNESS");
	char whole[900];

	if (witness == NULL || access(witness, R_OK) != 0) {
		skip();
	}
	snprintf(whole, sizeof(whole), "--dir '%s%s' --module '%s' %s",
		 dir[0] == '/' ? "" : f->dir, dir, witness, arguments);
	return ctl_run(whole);
}

static void
a_module_is_asked_without_a_server(void **state)
{
	struct control_fixture *f = *state;
	char expected[400];

	assert_int_equal(ctl_dir(f, "", "witness one 'two three'"), 0);
	assert_string_equal(ctl_output, "one\ntwo three\n"
					"    words           2\n");
	assert_int_equal(ctl_dir(f, "", "--json witness one two"), 0);
	assert_string_equal(ctl_output,
			    "[\"one\",\n\"two\",\n{\"words\":2}]\n");
	assert_int_equal(ctl_dir(f, "/./", "--json witness directory"), 0);
	assert_string_equal(ctl_output,
			    "[{\"zone\":\"example.\",\"of\":[{\"id\":\"it\","
			    "\"directory\":\"/\"}]},\n"
			    "\"directory\",\n{\"words\":1}]\n");
	snprintf(expected, sizeof(expected),
		 "example.\n    of  directory\n    it  %s\ndirectory\n*",
		 f->dir);
	assert_int_equal(ctl_dir(f, "", "witness directory"), 0);
	ctl_assert_like(expected);
	/* It would have written it down. */
	snprintf(expected, sizeof(expected), "%s/calls", f->dir);
	assert_int_equal(access(expected, F_OK), -1);
}

static void
make_broken(const char *dir, bool is_there)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/broken.so", dir);
	if (!is_there) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("no module", file);
	fclose(file);
}

static void
a_module_is_found_by_its_word(void **state)
{
	struct control_fixture *f = *state;
	const char *witness = getenv("SECD_WITNESS");
	const char *slash = witness == NULL ? NULL : strrchr(witness, '/');
	char arguments[900];

	if (slash == NULL || access(witness, R_OK) != 0) {
		skip();
	}
	snprintf(arguments, sizeof(arguments),
		 "--dir %s --module '%.*s' witness one", f->dir,
		 (int)(slash - witness), witness);
	assert_int_equal(ctl_run(arguments), 0);
	ctl_assert_like("one\n*");
	strcpy(strstr(arguments, " witness one"), " nonsense");
	assert_int_equal(ctl_run(arguments), 3);
	ctl_assert_like("secondaryctl: /*: no module there has the command "
			"\"nonsense\"\n");
	/* What cannot be loaded may be what is meant. */
	make_broken(f->dir, true);
	snprintf(arguments, sizeof(arguments),
		 "--dir %s --module '%s' nonsense", f->dir, f->dir);
	assert_int_equal(ctl_run(arguments), 3);
	ctl_assert_like("secondaryctl: /*: no module there has the command "
			"\"nonsense\"; cannot load: /*/broken.so: *\n");
	make_broken(f->dir, false);
	assert_int_equal(ctl_dir(f, "", "nonsense"), 3);
	ctl_assert_like("secondaryctl: /*witness.so: has no command "
			"\"nonsense\"\n");
}

static void
what_a_module_says_on_the_way_goes_to_stderr(void **state)
{
	struct control_fixture *f = *state;

	assert_int_equal(ctl_dir(f, "", "witness warn"), 0);
	assert_string_equal(ctl_output,
			    "secondaryctl: witness: a warning\\x0a\n"
			    "warn\n    words           1\n");
	assert_int_equal(ctl_dir(f, "", "witness one refuse"), 1);
	assert_string_equal(ctl_output,
			    "one\nsecondaryctl: busy, may work later\n");
	assert_int_equal(ctl_dir(f, "", "--json witness one refuse"), 1);
	assert_string_equal(ctl_output,
			    "[\"one\"secondaryctl: busy, may work later\n]\n");
	assert_int_equal(ctl_dir(f, "", "witness one crash"), 3);
	assert_string_equal(ctl_output,
			    "secondaryctl: what is kept there cannot be read: "
			    "it is damaged, or it changes meanwhile\n");
}

static void
a_module_that_waits_is_not_asked_meanwhile(void **state)
{
	struct control_fixture *f = *state;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(ctl_dir(f, "", "witness wait wait wait"), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_string_equal(ctl_output, "wait\nwait\nwait\n"
					"    words           3\n");
	assert_true((to.tv_sec - from.tv_sec) * 1000 +
			(to.tv_nsec - from.tv_nsec) / 1000000 >=
		    300);
}

static void
what_cannot_be_opened_is_told_in_a_sentence(void **state)
{
	struct control_fixture *f = *state;
	char arguments[900];

	assert_int_equal(ctl_dir(f, "/none", "witness"), 3);
	assert_string_equal(ctl_output,
			    "secondaryctl: /none: No such file or directory\n");
	assert_int_equal(ctl_dir(f, "/secondaryd.sock", "witness"), 3);
	ctl_assert_like("secondaryctl: /secondaryd.sock: No such file or "
			"directory\n");
	snprintf(arguments, sizeof(arguments), "--dir %s --module %s witness",
		 f->dir, f->path);
	assert_int_equal(ctl_run(arguments), 3);
	ctl_assert_like("secondaryctl: cannot load: *");
	snprintf(arguments, sizeof(arguments),
		 "--dir %s --module /none/x.so witness", f->dir);
	assert_int_equal(ctl_run(arguments), 3);
	assert_string_equal(
	    ctl_output,
	    "secondaryctl: /none/x.so: No such file or directory\n");
}

static void
a_file_is_no_directory_of_a_module(void **state)
{
	struct control_fixture *f = *state;
	char name[] = "/secondaryd.sock", expected[400];

	snprintf(expected, sizeof(expected), "secondaryctl: %s%s: %s\n", f->dir,
		 name, "Not a directory");
	assert_int_equal(ctl_dir(f, f->path, "witness"), 3);
	assert_string_equal(ctl_output, expected);
}

/* Nobody else's files are read as root. */
static void
root_becomes_the_owner_of_what_is_read(void **state)
{
	struct control_fixture *f = *state;
	char dir[] = "/tmp/secondaryctl.XXXXXX"; /* where others come, too */
	char hidden[300];

	if (geteuid() != 0) {
		skip();
	}
	assert_non_null(mkdtemp(dir));
	assert_int_equal(ctl_dir(f, dir, "witness user"), 0);
	ctl_assert_like("0\n*");
	assert_int_equal(chown(dir, 65534, 65534), 0);
	assert_int_equal(ctl_dir(f, dir, "witness user"), 0);
	ctl_assert_like("65534\n*");
	assert_int_equal(rmdir(dir), 0);
	snprintf(hidden, sizeof(hidden), "%s/hidden", f->dir);
	assert_int_equal(mkdir(hidden, 0700), 0);
	assert_int_equal(chown(hidden, 65534, 65534), 0);
	assert_int_equal(ctl_dir(f, hidden, "witness user"), 3);
	ctl_assert_like("secondaryctl: */hidden: Permission denied\n");
	assert_int_equal(rmdir(hidden), 0);
}

static void
a_wrong_call_without_a_server_is_told(void **state)
{
	static const struct {
		const char *arguments, *said;
	} cases[] = {
	    {"--dir x", "which command?"},
	    {"--dir x -s y journal", "--dir asks no server: not with -c or -s"},
	    {"--dir x -c y journal", "--dir asks no server: not with -c or -s"},
	    {"--module x journal", "--module goes with --dir"},
	    {"--dir x status", "--dir is for commands of modules"},
	    {"--dir x Journal", "unknown command \"Journal\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[200];

		snprintf(expected, sizeof(expected), "secondaryctl: %s\n" TRY,
			 cases[i].said);
		assert_int_equal(ctl_run(cases[i].arguments), 2);
		assert_string_equal(ctl_output, expected);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, control_fixture_setup,           \
					control_fixture_teardown)
	    TEST(a_module_is_asked_without_a_server),
	    TEST(a_module_is_found_by_its_word),
	    TEST(what_a_module_says_on_the_way_goes_to_stderr),
	    TEST(a_module_that_waits_is_not_asked_meanwhile),
	    TEST(what_cannot_be_opened_is_told_in_a_sentence),
	    TEST(a_file_is_no_directory_of_a_module),
	    TEST(root_becomes_the_owner_of_what_is_read),
	    TEST(a_wrong_call_without_a_server_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
