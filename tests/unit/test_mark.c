/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "place/mark.h"
#include "temp_dir.h"

static char top[TEMP_DIR_MAX], dir[512], reason[MARK_REASON_MAX];

static int
setup(void **state)
{
	(void)state;
	temp_dir_make(top);
	snprintf(dir, sizeof(dir), "%s/marks", top);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	temp_dir_remove(top);
	return 0;
}

static int
open_mark(struct mark *m, const char *target, int64_t ms)
{
	const struct limit l = {.until_ms = clock_awake_ms() + ms, .asker = -1};

	return mark_open(m, dir, target, &l, reason);
}

static void
nothing_is_known_at_first(void **state)
{
	struct mark m;
	struct stat st;

	(void)state;
	assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
	assert_string_equal(m.applied, "");
	assert_string_equal(m.refused, "");
	assert_string_equal(m.transaction, "");
	mark_close(&m);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
what_is_written_is_known_later_of_that_server_alone(void **state)
{
	struct mark m;

	(void)state;
	assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
	strcpy(m.applied, "1.2.3");
	strcpy(m.transaction, "4.5");
	assert_int_equal(mark_write(&m, reason), SECD_OK);
	mark_close(&m);
	assert_int_equal(open_mark(&m, "nsd /b", 1000), SECD_OK);
	assert_string_equal(m.applied, "");
	mark_close(&m);
	assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
	assert_string_equal(m.applied, "1.2.3");
	assert_string_equal(m.refused, "");
	assert_string_equal(m.transaction, "4.5");
	m.applied[0] = '\0';
	strcpy(m.refused, "6");
	assert_int_equal(mark_write(&m, reason), SECD_OK);
	mark_close(&m);
	assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
	assert_string_equal(m.applied, "");
	assert_string_equal(m.refused, "6");
	mark_close(&m);
}

static void
a_server_is_held_by_one_at_a_time(void **state)
{
	struct mark m, other;

	(void)state;
	assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
	assert_int_equal(open_mark(&other, "nsd /b", 1000), SECD_OK);
	mark_close(&other);
	assert_int_equal(open_mark(&other, "nsd /a", 20), SECD_ETIMEOUT);
	assert_string_equal(reason, "another placement into \"nsd /a\" has not "
				    "ended");
	mark_close(&m);
	assert_int_equal(open_mark(&other, "nsd /a", 1000), SECD_OK);
	mark_close(&other);
}

static void
damage_is_no_knowledge(void **state)
{
	static const char *const texts[] = {"",
					    "nsd /a",
					    "nsd /b\napplied 1\n",
					    "nsd /ab\napplied 1\n",
					    "nsd /a\napplied\n",
					    "nsd /a\napplied 1",
					    "nsd /a\nappliedx 1\n"};
	struct mark m;
	char path[700];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *f;

		assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
		snprintf(path, sizeof(path), "%s/%s", dir, m.name);
		mark_close(&m);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(texts[i], f);
		fclose(f);
		assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
		assert_string_equal(m.applied, "");
		mark_close(&m);
	}
}

static void
what_cannot_be_done_is_said(void **state)
{
	struct mark m;
	FILE *f;

	(void)state;
	assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_OK);
	temp_dir_remove(dir);
	assert_int_equal(mark_write(&m, reason), SECD_EIO);
	assert_string_equal(reason, "what is known of \"nsd /a\" cannot be "
				    "written: No such file or directory");
	mark_close(&m);
	f = fopen(dir, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(open_mark(&m, "nsd /a", 1000), SECD_EIO);
	assert_string_equal(reason, "what is known of \"nsd /a\" cannot be "
				    "opened: Not a directory");
}

/* Make its socket as a server does at its start. */
static void
start_server(const char *path, char id[MARK_ID_MAX])
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", path);
	unlink(path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	mark_run(path, id);
}

static void
a_server_that_starts_again_is_another_one(void **state)
{
	char first[MARK_ID_MAX], again[MARK_ID_MAX], path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/s", top);
	mark_run(path, first);
	assert_string_equal(first, "");
	start_server(path, first);
	assert_int_equal(chmod(path, 0600), 0);
	mark_run(path, again);
	assert_string_equal(again, first);
	/* The clock of the file system goes in steps of milliseconds. */
	do {
		start_server(path, again);
	} while (strcmp(again, first) == 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(nothing_is_known_at_first),
	    CASE(what_is_written_is_known_later_of_that_server_alone),
	    CASE(a_server_is_held_by_one_at_a_time),
	    CASE(damage_is_no_knowledge),
	    CASE(what_cannot_be_done_is_said),
	    CASE(a_server_that_starts_again_is_another_one),
	};

	return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
