/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that is replaced, kept and put back; and each call by which that is
 * done fails once, and is once the last before a crash. The functions of this
 * program stand in for libc's.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/keytext.h"
#include "place/include_file.h"
#include "temp_dir.h"

/* ---- calls that fail ---- */

enum way { FAILS, IS_CUT_SHORT, IS_THE_LAST, WAYS };

static struct {
	bool is_on;
	enum way way;
	unsigned calls, fail_at; /* counted from 1 */
} fault;

/* A crash comes after the call. */
static bool
is_to_fail(void)
{
	if (!fault.is_on || ++fault.calls != fault.fail_at) {
		return false;
	}
	errno = EIO;
	return fault.way != IS_THE_LAST;
}

static int
crash_after(int rc)
{
	if (fault.is_on && fault.way == IS_THE_LAST &&
	    fault.calls == fault.fail_at) {
		_exit(0);
	}
	return rc;
}

int
fsync(int fd)
{
	return is_to_fail() ? -1 : crash_after((int)syscall(SYS_fsync, fd));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return is_to_fail() ? -1
			    : crash_after((int)syscall(SYS_renameat2, from_dir,
						       from, to_dir, to, 0));
}

int
unlinkat(int dir, const char *name, int flags)
{
	return is_to_fail()
		   ? -1
		   : crash_after((int)syscall(SYS_unlinkat, dir, name, flags));
}

int
fchmod(int fd, mode_t mode)
{
	return is_to_fail() ? -1
			    : crash_after((int)syscall(SYS_fchmod, fd, mode));
}

int
fchown(int fd, uid_t uid, gid_t gid)
{
	return is_to_fail()
		   ? -1
		   : crash_after((int)syscall(SYS_fchown, fd, uid, gid));
}

ssize_t
write(int fd, const void *octets, size_t len)
{
	bool fails = is_to_fail();

	if (fails && fault.way == FAILS) {
		return -1;
	}
	return crash_after((int)syscall(SYS_write, fd, octets,
					fails && len > 1 ? len / 2 : len));
}

/* ---- a directory with the file in it ---- */

#define OLD KEYTEXT_HEAD "old\n"
#define NEW KEYTEXT_HEAD "new and longer\n"

static char dir[TEMP_DIR_MAX], path[512], reason[INCLUDE_FILE_REASON_MAX];
static struct include_file f;

static int
setup(void **state)
{
	(void)state;
	fault.is_on = false;
	temp_dir_make(dir);
	snprintf(path, sizeof(path), "%s/keys.conf", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	include_file_close(&f);
	temp_dir_remove(dir);
	return 0;
}

static void
put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
}

static const char *
contents(void)
{
	static char text[512];
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		return "(none)";
	}
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static unsigned
count_files(void)
{
	char command[600];
	FILE *p;
	unsigned count = 0;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", dir);
	p = popen(command, "r");
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%u", &count), 1);
	pclose(p);
	return count;
}

static void
open_file(void)
{
	include_file_close(&f);
	assert_int_equal(include_file_open(&f, path, "", reason), SECD_OK);
}

static int
replace(const char *text)
{
	return include_file_replace(&f, text, strlen(text), reason);
}

static void
a_new_file_is_there_and_none_is_left_beside_it(void **state)
{
	struct stat st;

	(void)state;
	f.dir = -1;
	open_file();
	assert_false(include_file_is(&f, NEW, strlen(NEW)));
	assert_int_equal(replace(NEW), SECD_OK);
	assert_string_equal(contents(), NEW);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(include_file_is(&f, NEW, strlen(NEW)));
	assert_int_equal(include_file_accept(&f, reason), SECD_OK);
	assert_int_equal(count_files(), 1);
}

static void
the_file_before_is_put_back(void **state)
{
	(void)state;
	put(OLD);
	open_file();
	assert_int_equal(replace(NEW), SECD_OK);
	assert_int_equal(include_file_restore(&f, reason), SECD_OK);
	assert_string_equal(contents(), OLD);
	assert_int_equal(count_files(), 1);
	/* Accepted is accepted. */
	assert_int_equal(replace(NEW), SECD_OK);
	assert_int_equal(include_file_accept(&f, reason), SECD_OK);
	assert_int_equal(include_file_restore(&f, reason), SECD_OK);
	assert_string_equal(contents(), NEW);
}

static void
where_there_was_none_one_without_a_key_is_put_back(void **state)
{
	(void)state;
	open_file();
	assert_int_equal(replace(NEW), SECD_OK);
	assert_int_equal(include_file_restore(&f, reason), SECD_OK);
	assert_string_equal(contents(), KEYTEXT_HEAD);
}

static void
what_was_never_accepted_is_not_what_is_put_back(void **state)
{
	(void)state;
	put(OLD);
	open_file();
	assert_int_equal(replace(NEW), SECD_OK);
	open_file(); /* as after a crash */
	assert_true(f.has_kept);
	assert_int_equal(replace(KEYTEXT_HEAD "other\n"), SECD_OK);
	assert_int_equal(include_file_restore(&f, reason), SECD_OK);
	assert_string_equal(contents(), OLD);
}

static void
the_same_contents_with_another_mode_are_not_the_same(void **state)
{
	(void)state;
	put(OLD);
	open_file();
	assert_true(include_file_is(&f, OLD, strlen(OLD)));
	assert_false(include_file_is(&f, OLD, strlen(OLD) - 1));
	assert_false(include_file_is(&f, OLD "x", strlen(OLD) + 1));
	assert_false(include_file_is(&f, NEW, strlen(OLD)));
	assert_int_equal(chmod(path, 0644), 0);
	assert_false(include_file_is(&f, OLD, strlen(OLD)));
}

static void
another_file_has_another_id(void **state)
{
	char before[INCLUDE_FILE_ID_MAX], after[INCLUDE_FILE_ID_MAX];

	(void)state;
	open_file();
	include_file_id(&f, before);
	assert_string_equal(before, "");
	put(OLD);
	open_file();
	include_file_id(&f, before);
	assert_int_equal(replace(NEW), SECD_OK);
	include_file_id(&f, after);
	assert_string_not_equal(before, after);
	include_file_accept(&f, reason);
	include_file_id(&f, before);
	assert_string_equal(before, after);
}

static void
its_group_may_read_it(void **state)
{
	struct group *g;
	struct stat st;

	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	g = getgrnam("daemon");
	if (g == NULL) {
		skip();
	}
	assert_int_equal(include_file_open(&f, path, "daemon", reason),
			 SECD_OK);
	assert_int_equal(replace(NEW), SECD_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_gid, g->gr_gid);
	assert_true(include_file_is(&f, NEW, strlen(NEW)));
	assert_int_equal(chown(path, 0, 0), 0);
	assert_false(include_file_is(&f, NEW, strlen(NEW)));
}

static void
refused_as(int rc, const char *group, const char *why)
{
	char text[1000];

	assert_int_equal(include_file_open(&f, path, group, reason), rc);
	snprintf(text, sizeof(text), "%s%s", why[0] == ':' ? path : "", why);
	assert_string_equal(reason, text);
}

static void
what_is_not_ours_is_left_alone(void **state)
{
	static const char why[] =
	    ": is not ours: its first line is not \"# written by secondaryd; "
	    "do not edit\"";
	char target[600];

	(void)state;
	put("server:\n");
	refused_as(SECD_EPERM, "", why);
	put("# written by secondaryd\n");
	refused_as(SECD_EPERM, "", why);
	put(""); /* put there for us */
	open_file();
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refused_as(SECD_EPERM, "", ": is no regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused_as(SECD_EPERM, "", ": is no regular file");
	assert_int_equal(unlink(path), 0);
	snprintf(target, sizeof(target), "%s/elsewhere", dir);
	assert_int_equal(symlink(target, path), 0);
	refused_as(SECD_EPERM, "", ": is a symbolic link");
	refused_as(SECD_EINVAL, "no-such-group",
		   "there is no group no-such-group");
}

/* ---- faults ---- */

static const char *before; /* NULL: none */

static void
start_again(void)
{
	char command[600];

	fault.is_on = false;
	snprintf(command, sizeof(command), "rm -f %s/* %s/.k*", dir, dir);
	assert_int_equal(system(command), 0);
	if (before != NULL) {
		put(before);
	}
	open_file();
}

static void
arm(enum way way, unsigned at)
{
	fault.way = way;
	fault.calls = 0;
	fault.fail_at = at;
	fault.is_on = true;
}

/* True when all calls were made before it came to fail. */
static bool
is_through(void)
{
	fault.is_on = false;
	return fault.calls < fault.fail_at;
}

static void
a_failure_leaves_the_file_as_it_was(enum way way)
{
	bool done = false;

	for (unsigned at = 1; !done; at++) {
		int rc;

		start_again();
		arm(way, at);
		rc = replace(NEW);
		done = is_through();
		if (rc == SECD_OK) {
			assert_string_equal(contents(), NEW);
		} else {
			assert_int_equal(rc, SECD_EIO);
			assert_string_equal(contents(),
					    before == NULL ? "(none)" : before);
		}
		/* And the next one works, whatever was left. */
		open_file();
		assert_int_equal(replace(NEW), SECD_OK);
		assert_string_equal(contents(), NEW);
		assert_int_equal(include_file_accept(&f, reason), SECD_OK);
		assert_int_equal(count_files(), 1);
	}
}

static void
after_a_crash_one_of_both_is_there_and_the_old_one_comes_back(void)
{
	bool done = false;

	for (unsigned at = 1; !done; at++) {
		const char *is;
		int status;
		pid_t pid;

		start_again();
		pid = fork();
		if (pid == 0) {
			arm(IS_THE_LAST, at);
			replace(NEW);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		done = WEXITSTATUS(status) == 1;
		is = contents();
		assert_true(strcmp(is, before == NULL ? "(none)" : before) ==
				0 ||
			    strcmp(is, NEW) == 0);
		open_file();
		/* What is there now was not accepted unless it is the old. */
		assert_true(f.has_kept || strcmp(is, NEW) != 0);
		assert_int_equal(replace(KEYTEXT_HEAD "next\n"), SECD_OK);
		assert_int_equal(include_file_restore(&f, reason), SECD_OK);
		assert_string_equal(contents(),
				    before == NULL ? KEYTEXT_HEAD : before);
	}
}

/* One that was never accepted is there already. */
static void
a_failure_leaves_the_good_one_kept(enum way way)
{
	bool done = false;

	for (unsigned at = 1; !done; at++) {
		int rc;

		start_again();
		assert_int_equal(replace(KEYTEXT_HEAD "unproved\n"), SECD_OK);
		open_file();
		arm(way, at);
		rc = replace(NEW);
		done = is_through();
		assert_true(rc == SECD_OK || rc == SECD_EIO);
		assert_true(rc == SECD_OK || strcmp(contents(), NEW) == 0 ||
			    strcmp(contents(), KEYTEXT_HEAD "unproved\n") == 0);
		open_file();
		assert_true(f.has_kept);
		assert_int_equal(include_file_restore(&f, reason), SECD_OK);
		assert_string_equal(contents(),
				    before == NULL ? KEYTEXT_HEAD : before);
	}
}

static void
every_fault_is_survived(void **state)
{
	static const char *const befores[] = {NULL, OLD};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		before = befores[i];
		a_failure_leaves_the_file_as_it_was(FAILS);
		a_failure_leaves_the_file_as_it_was(IS_CUT_SHORT);
		a_failure_leaves_the_good_one_kept(FAILS);
		after_a_crash_one_of_both_is_there_and_the_old_one_comes_back();
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_new_file_is_there_and_none_is_left_beside_it),
	    CASE(the_file_before_is_put_back),
	    CASE(where_there_was_none_one_without_a_key_is_put_back),
	    CASE(what_was_never_accepted_is_not_what_is_put_back),
	    CASE(the_same_contents_with_another_mode_are_not_the_same),
	    CASE(another_file_has_another_id),
	    CASE(its_group_may_read_it),
	    CASE(what_is_not_ours_is_left_alone),
	    CASE(every_fault_is_survived),
	};

	f.dir = -1;
	return cmocka_run_group_tests_name("include_file", tests, NULL, NULL);
}
