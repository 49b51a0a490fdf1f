/* SPDX-License-Identifier: BSD-2-Clause */

#include <fcntl.h>
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
#include "base/secret.h"
#include "keys/keyfile.h"
#include "temp_dir.h"

static char folder[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 16];
static char other[TEMP_DIR_MAX + 16];
static char reason[KEYFILE_REASON_MAX];
static uint8_t *secret;
static size_t secret_len;

static int
start(void **state)
{
	(void)state;
	temp_dir_make(folder);
	snprintf(path, sizeof(path), "%s/secret", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	secret = NULL;
	secret_len = 0;
	reason[0] = '\0';
	return 0;
}

static int
stop(void **state)
{
	struct secret_stats stats;

	(void)state;
	secret_free(secret, secret_len);
	unlink(path);
	unlink(other);
	rmdir(path);
	rmdir(folder);
	secret_stats(&stats);
	return stats.mapped_len == 0 ? 0 : -1; /* nothing is left behind */
}

static void
write_octets(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void
write_file(const char *text)
{
	write_octets(text, strlen(text));
}

static int
read_file(void)
{
	return keyfile_read(path, geteuid(), &secret, &secret_len, reason);
}

static void
is_refused(int rc, const char *why)
{
	assert_int_equal(read_file(), rc);
	assert_null(secret);
	assert_non_null(strstr(reason, why));
}

static void
one_line_of_base64_is_read(void **state)
{
	const char *const texts[] = {"c2VjcmV0IQ==", "c2VjcmV0IQ==\n",
				     "c2VjcmV0IQ==\r\n"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		write_file(texts[i]);
		assert_int_equal(read_file(), SECD_OK);
		assert_int_equal(secret_len, 7);
		assert_memory_equal(secret, "secret!", 7);
		secret_free(secret, secret_len);
		secret = NULL;
	}
}

static void
every_length_is_decoded(void **state)
{
	const char *const texts[] = {"YQ==", "YWI=", "YWJj", "YWJjZA=="};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(keyfile_decode(texts[i], strlen(texts[i]),
						&secret, &secret_len),
				 SECD_OK);
		assert_int_equal(secret_len, i + 1);
		assert_memory_equal(secret, "abcd", secret_len);
		secret_free(secret, secret_len);
		secret = NULL;
	}
}

static void
what_is_not_base64_is_malformed(void **state)
{
	const char *const texts[] = {
	    "c2VjcmV0IQ=",
	    "c2VjcmV0IQ",
	    " c2VjcmV0IQ==",
	    "c2VjcmV0IQ== ",
	    "c2Vj\ncmV0\n",
	    "c2VjcmV0IQ==\n\n",
	    "c2Vj cmV0IQ==",
	    "c2VjcmV0I===",
	    "====",
	    "=2VjcmV0",
	    "c2=jcmV0",
	    "c2VjcmV0!!==",
	    "c2VjcmV0IQ==\nc2VjcmV0IQ==\n",
	    "secret: c2VjcmV0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(texts[i]);
		is_refused(SECD_EMALF, "base64");
	}
	write_octets("YW\0j", 4);
	is_refused(SECD_EMALF, "base64");
}

static void
a_reason_does_not_tell_the_contents(void **state)
{
	(void)state;
	write_file("c2VjcmV0IQ");
	is_refused(SECD_EMALF, "base64");
	assert_null(strstr(reason, "c2Vj"));
}

static void
an_empty_file_is_malformed(void **state)
{
	(void)state;
	write_file("");
	is_refused(SECD_EMALF, "empty");
	write_file("\n");
	is_refused(SECD_EMALF, "empty");
}

static void
a_file_may_be_as_long_as_the_limit(void **state)
{
	static char text[KEYFILE_TEXT_MAX + 1];

	(void)state;
	memset(text, 'A', sizeof(text));
	write_octets(text, KEYFILE_TEXT_MAX);
	assert_int_equal(read_file(), SECD_OK);
	assert_int_equal(secret_len, KEYFILE_TEXT_MAX / 4 * 3);
	secret_free(secret, secret_len);
	secret = NULL;
	write_octets(text, KEYFILE_TEXT_MAX + 1);
	is_refused(SECD_EMALF, "too long");
}

static void
a_file_that_is_not_there_is_not_found(void **state)
{
	(void)state;
	is_refused(SECD_ENOTFOUND, "does not exist");
}

static void
a_file_that_others_may_touch_is_refused(void **state)
{
	(void)state;
	write_file("c2VjcmV0IQ==");
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(path, 0600 | bit), 0);
		is_refused(SECD_EPERM, "mode 06");
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(read_file(), SECD_OK);
}

static void
a_symbolic_link_is_refused(void **state)
{
	(void)state;
	write_file("c2VjcmV0IQ==");
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	is_refused(SECD_EPERM, "symbolic link");
}

static void
a_folder_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	is_refused(SECD_EPERM, "regular file");
}

static void
a_fifo_is_refused_without_waiting(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	is_refused(SECD_EPERM, "regular file");
}

static void
a_file_of_another_owner_is_refused_with_the_remedy(void **state)
{
	char expected[KEYFILE_REASON_MAX];

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	write_file("c2VjcmV0IQ==");
	assert_int_equal(chown(path, 4200000, (gid_t)-1), 0);
	snprintf(expected, sizeof(expected),
		 "belongs to user 4200000 and not to root: chown root %s",
		 path);
	is_refused(SECD_EPERM, "");
	assert_string_equal(reason, expected);
}

/* A reload runs as the service user. */
static void
a_file_of_root_is_refused_to_another_user(void **state)
{
	(void)state;
	write_file("c2VjcmV0IQ==");
	assert_int_equal(
	    keyfile_read(path, 4200000, &secret, &secret_len, reason),
	    SECD_EPERM);
	assert_non_null(strstr(reason, " and not to 4200000: chown 4200000 "));
}

static void
a_file_of_the_service_user_is_read(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	write_file("c2VjcmV0IQ==");
	assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	assert_int_equal(
	    keyfile_read(path, 65534, &secret, &secret_len, reason), SECD_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(one_line_of_base64_is_read),
	    CASE(every_length_is_decoded),
	    CASE(what_is_not_base64_is_malformed),
	    CASE(a_reason_does_not_tell_the_contents),
	    CASE(an_empty_file_is_malformed),
	    CASE(a_file_may_be_as_long_as_the_limit),
	    CASE(a_file_that_is_not_there_is_not_found),
	    CASE(a_file_that_others_may_touch_is_refused),
	    CASE(a_symbolic_link_is_refused),
	    CASE(a_folder_is_refused),
	    CASE(a_fifo_is_refused_without_waiting),
	    CASE(a_file_of_another_owner_is_refused_with_the_remedy),
	    CASE(a_file_of_root_is_refused_to_another_user),
	    CASE(a_file_of_the_service_user_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
