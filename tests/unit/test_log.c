/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"

#define OUTPUT_MAX   (1 << 20)
#define THREAD_COUNT 4
#define THREAD_LINES 500

/* stderr of a test goes into a file and comes back when it is over. */
struct fixture {
	int real_stderr;
	int file;
	char output[OUTPUT_MAX];
};

static int
capture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[4096];
	const char *folder = getenv("TMPDIR");

	assert_non_null(f);
	snprintf(path, sizeof(path), "%s/log.XXXXXX",
		 folder != NULL ? folder : "/tmp");
	f->file = mkstemp(path);
	assert_true(f->file >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fcntl(f->file, F_SETFL, O_APPEND), 0);
	f->real_stderr = dup(STDERR_FILENO);
	assert_true(f->real_stderr >= 0);
	assert_true(dup2(f->file, STDERR_FILENO) >= 0);

	unsetenv("JOURNAL_STREAM");
	log_init("test_log");
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	log_set_target(LOG_TARGET_SYSLOG, LOG_LEVEL_NONE);
	*state = f;
	return 0;
}

static int
release(void **state)
{
	struct fixture *f = *state;

	dup2(f->real_stderr, STDERR_FILENO);
	close(f->real_stderr);
	close(f->file);
	free(f);
	return 0;
}

/* All that was written to stderr, as a string. */
static const char *
output(struct fixture *f)
{
	ssize_t len = pread(f->file, f->output, OUTPUT_MAX - 1, 0);

	assert_true(len >= 0 && len < OUTPUT_MAX - 1);
	f->output[len] = '\0';
	return f->output;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void
name_stderr_in_environment(ino_t off)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
		 (unsigned long long)st.st_dev,
		 (unsigned long long)(st.st_ino + off));
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("test_log");
	unsetenv("JOURNAL_STREAM");
}

static void
a_line_has_time_level_and_message(void **state)
{
	const struct timespec at = {.tv_sec = 1517184000, .tv_nsec = 7999999};
	char line[LOG_LINE_MAX];
	size_t len;

	(void)state;
	len = log_line(LOG_LEVEL_WARNING, &at, "zone example. is late", line);
	line[len] = '\0';
	assert_string_equal(line, "2018-01-29T00:00:00.007Z warning: "
				  "zone example. is late\n");
}

static void
the_journal_reads_a_priority_and_no_time(void **state)
{
	char line[LOG_LINE_MAX];
	size_t len;

	(void)state;
	len = log_line(LOG_LEVEL_NOTICE, NULL, "started", line);
	line[len] = '\0';
	assert_string_equal(line, "<5>started\n");
}

static void
no_octet_of_a_message_can_forge_a_line(void **state)
{
	char line[LOG_LINE_MAX];
	size_t len;

	(void)state;
	len = log_line(LOG_LEVEL_INFO, NULL,
		       "a\nb\rc\td\x1b[2Je\x7f\xc2\x9b\xff~\\", line);
	line[len] = '\0';
	assert_string_equal(line, "<6>a\\x0ab\\x0dc\\x09d\\x1b[2Je\\x7f"
				  "\\xc2\\x9b\\xff~\\\n");
}

static void
a_long_message_is_cut_and_says_so(void **state)
{
	char message[2 * LOG_LINE_MAX], line[LOG_LINE_MAX];
	size_t len;

	(void)state;
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	len = log_line(LOG_LEVEL_INFO, NULL, message, line);
	assert_int_equal(len, LOG_LINE_MAX);
	assert_memory_equal(line + len - 5, "x...\n", 5);
}

static void
a_message_that_just_fits_is_whole(void **state)
{
	char message[LOG_LINE_MAX], line[LOG_LINE_MAX];
	size_t fits = LOG_LINE_MAX - strlen("<6>") - strlen("\n");
	size_t len;

	(void)state;
	memset(message, 'x', fits);
	message[fits] = '\0';
	len = log_line(LOG_LEVEL_INFO, NULL, message, line);
	assert_int_equal(len, LOG_LINE_MAX);
	assert_memory_equal(line + len - 4, "xxx\n", 4);
}

static void
a_cut_never_splits_an_escape(void **state)
{
	char message[LOG_LINE_MAX], line[LOG_LINE_MAX];
	size_t before, len;

	(void)state;
	for (before = 0; before < 16; before++) {
		memset(message, 'x', before);
		memset(message + before, '\n', sizeof(message) - 1 - before);
		message[sizeof(message) - 1] = '\0';
		len = log_line(LOG_LEVEL_INFO, NULL, message, line);
		assert_in_range(len, LOG_LINE_MAX - 4, LOG_LINE_MAX);
		assert_memory_equal(line + len - 8, "\\x0a...\n", 8);
	}
}

static void
each_function_writes_its_level(void **state)
{
	struct fixture *f = *state;

	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_DEBUG);
	log_error("one %d", 1);
	assert_true(ends_with(output(f), "Z error: one 1\n"));
	log_warning("two %s", "x");
	assert_true(ends_with(output(f), "Z warning: two x\n"));
	log_notice("three");
	assert_true(ends_with(output(f), "Z notice: three\n"));
	log_info("four");
	assert_true(ends_with(output(f), "Z info: four\n"));
	log_debug("five");
	assert_true(ends_with(output(f), "Z debug: five\n"));
	log_write(LOG_LEVEL_ERROR, "%s", "six");
	assert_true(ends_with(output(f), "Z error: six\n"));
}

static void
a_line_below_the_level_is_not_written(void **state)
{
	struct fixture *f = *state;

	log_debug("a");
	assert_string_equal(output(f), "");
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	log_warning("b");
	assert_string_equal(output(f), "");
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	log_error("c");
	assert_string_equal(output(f), "");
}

static void
any_target_enables_a_level(void **state)
{
	(void)state;
	assert_true(log_enabled(LOG_LEVEL_INFO));
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	assert_false(log_enabled(LOG_LEVEL_ERROR));
	log_set_target(LOG_TARGET_SYSLOG, LOG_LEVEL_NOTICE);
	assert_true(log_enabled(LOG_LEVEL_NOTICE));
	assert_false(log_enabled(LOG_LEVEL_INFO));
	assert_int_equal(log_target_level(LOG_TARGET_SYSLOG), LOG_LEVEL_NOTICE);
}

static void
stderr_that_is_the_journal_is_recognised(void **state)
{
	struct fixture *f = *state;

	name_stderr_in_environment(0);
	log_info("x");
	assert_string_equal(output(f), "<6>x\n");
}

static void
a_journal_that_is_not_this_stderr_is_ignored(void **state)
{
	struct fixture *f = *state;

	name_stderr_in_environment(1);
	log_info("x");
	assert_true(ends_with(output(f), "Z info: x\n"));
}

static void
an_argument_longer_than_a_line_is_cut(void **state)
{
	struct fixture *f = *state;

	log_info("%*s", 3 * LOG_LINE_MAX, "end");
	assert_int_equal(strlen(output(f)), LOG_LINE_MAX);
	assert_true(ends_with(output(f), " ...\n"));
}

static void
errno_is_left_as_it_was(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	errno = ENOENT;
	log_error("nobody reads this");
	assert_int_equal(errno, ENOENT);
}

static void *
write_lines(void *argument)
{
	const char *letter = argument;
	char text[201];
	int i;

	memset(text, *letter, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (i = 0; i < THREAD_LINES; i++) {
		log_info("%s", text);
	}
	return NULL;
}

static void
lines_of_threads_do_not_mix(void **state)
{
	struct fixture *f = *state;
	char letters[THREAD_COUNT] = "abcd";
	pthread_t threads[THREAD_COUNT];
	int i, lines = 0;
	char *line, *rest;

	for (i = 0; i < THREAD_COUNT; i++) {
		assert_int_equal(
		    pthread_create(&threads[i], NULL, write_lines, &letters[i]),
		    0);
	}
	for (i = 0; i < THREAD_COUNT; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	output(f);
	rest = f->output;
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		char *text = strstr(line, "Z info: ");

		assert_non_null(text);
		text += strlen("Z info: ");
		assert_int_equal(strlen(text), 200);
		assert_int_equal(strspn(text, (char[]){text[0], '\0'}), 200);
		lines++;
	}
	assert_int_equal(lines, THREAD_COUNT * THREAD_LINES);
}

static void
a_level_is_read_as_it_is_written(void **state)
{
	enum log_level out = LOG_LEVEL_ERROR;
	int i;

	(void)state;
	for (i = LOG_LEVEL_NONE; i <= LOG_LEVEL_DEBUG; i++) {
		const char *text = log_level_text((enum log_level)i);

		assert_int_equal(log_level_from_text(text, &out), SECD_OK);
		assert_int_equal(out, i);
	}
	assert_string_equal(log_level_text((enum log_level)99), "unknown");
}

static void
an_unknown_level_is_refused_and_changes_nothing(void **state)
{
	enum log_level out = LOG_LEVEL_NOTICE;

	(void)state;
	assert_int_equal(log_level_from_text("loud", &out), SECD_EINVAL);
	assert_int_equal(log_level_from_text("", &out), SECD_EINVAL);
	assert_int_equal(log_level_from_text("Info", &out), SECD_EINVAL);
	assert_int_equal(out, LOG_LEVEL_NOTICE);
}

#define captured(test) cmocka_unit_test_setup_teardown(test, capture, release)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_has_time_level_and_message),
	    cmocka_unit_test(the_journal_reads_a_priority_and_no_time),
	    cmocka_unit_test(no_octet_of_a_message_can_forge_a_line),
	    cmocka_unit_test(a_long_message_is_cut_and_says_so),
	    cmocka_unit_test(a_message_that_just_fits_is_whole),
	    cmocka_unit_test(a_cut_never_splits_an_escape),
	    captured(each_function_writes_its_level),
	    captured(a_line_below_the_level_is_not_written),
	    captured(any_target_enables_a_level),
	    captured(stderr_that_is_the_journal_is_recognised),
	    captured(a_journal_that_is_not_this_stderr_is_ignored),
	    captured(an_argument_longer_than_a_line_is_cut),
	    captured(errno_is_left_as_it_was),
	    captured(lines_of_threads_do_not_mix),
	    cmocka_unit_test(a_level_is_read_as_it_is_written),
	    cmocka_unit_test(an_unknown_level_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
