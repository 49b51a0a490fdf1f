/* SPDX-License-Identifier: BSD-2-Clause */

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"

/* Under them mlock does nothing and says that it did. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static void
skip_without_mlock(void)
{
	if (SANITIZED) {
		print_message("mlock does nothing under a sanitizer\n");
		skip();
	}
}

static size_t
mapped(void)
{
	struct secret_stats stats;

	secret_stats(&stats);
	assert_true(stats.locked_len <= stats.mapped_len);
	return stats.mapped_len;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0) {
			return false;
		}
	}
	return true;
}

static void
a_new_secret_is_zero_and_aligned(void **state)
{
	(void)state;
	for (size_t len = 1; len < 200; len++) {
		uint8_t *p = secret_new(len);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(is_zero(p, len));
		memset(p, 0xff, len);
		secret_free(p, len);
	}
	assert_int_equal(mapped(), 0);
}

static void
a_freed_secret_is_wiped(void **state)
{
	uint8_t *other = secret_new(1); /* keeps the page */
	uint8_t *p = secret_new(100);

	(void)state;
	memset(p, 0xff, 100);
	secret_free(p, 100);
	assert_true(is_zero(p, 100));
	secret_free(other, 1);
}

static void
secrets_do_not_overlap(void **state)
{
	static uint8_t *p[2000];

	(void)state;
	for (size_t i = 0; i < 2000; i++) {
		p[i] = secret_new(1 + i % 150);
		assert_non_null(p[i]);
		memset(p[i], (int)(i % 251 + 1), 1 + i % 150);
	}
	for (size_t i = 0; i < 2000; i += 2) {
		secret_free(p[i], 1 + i % 150);
	}
	for (size_t i = 0; i < 2000; i += 2) {
		p[i] = secret_new(1 + i % 97);
		assert_non_null(p[i]);
		assert_true(is_zero(p[i], 1 + i % 97));
		memset(p[i], (int)(i % 251 + 1), 1 + i % 97);
	}
	for (size_t i = 0; i < 2000; i++) {
		size_t len = 1 + i % (i % 2 == 0 ? 97 : 150);

		for (size_t j = 0; j < len; j++) {
			assert_int_equal(p[i][j], i % 251 + 1);
		}
		secret_free(p[i], len);
	}
	assert_int_equal(mapped(), 0);
}

static void
a_thousand_keys_take_few_pages(void **state)
{
	static uint8_t *p[1000];

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		p[i] = secret_new(64);
		assert_non_null(p[i]);
	}
	assert_true(mapped() <= 64 * 1024);
	for (size_t i = 0; i < 1000; i++) {
		secret_free(p[i], 64);
	}
	assert_int_equal(mapped(), 0);
}

static void
a_big_secret_has_pages_of_its_own(void **state)
{
	const size_t len = 300000;
	uint8_t *small = secret_new(10), *big = secret_new(len);

	(void)state;
	assert_non_null(big);
	memset(big, 0xff, len);
	memset(small, 0xee, 10);
	secret_free(big, len);
	assert_int_equal(small[9], 0xee);
	secret_free(small, 10);
	assert_int_equal(mapped(), 0);
}

static void
the_biggest_small_secret_fits(void **state)
{
	(void)state;
	for (size_t len = 16383; len <= 16385; len++) {
		uint8_t *p = secret_new(len);

		assert_non_null(p);
		memset(p, 0xff, len);
		secret_free(p, len);
	}
	assert_int_equal(mapped(), 0);
}

static void
too_much_is_no_memory(void **state)
{
	(void)state;
	assert_null(secret_new(SIZE_MAX));
	assert_null(secret_new(SIZE_MAX / 2));
	assert_int_equal(mapped(), 0);
	secret_free(NULL, 0);
}

/* The flags of the mapping that holds an address, or an empty line. */
static void
vm_flags(const void *address, char *line, int line_len)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	uintptr_t from, to;
	bool here = false;

	assert_non_null(f);
	while (fgets(line, line_len, f) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2) {
			here = (uintptr_t)address >= from &&
			       (uintptr_t)address < to;
		}
		if (here && strncmp(line, "VmFlags:", 8) == 0) {
			fclose(f);
			return;
		}
	}
	fclose(f);
	line[0] = '\0';
}

static void
a_secret_is_not_dumped(void **state)
{
	char flags[256];
	uint8_t *p = secret_new(32);

	(void)state;
	vm_flags(p, flags, sizeof(flags));
	if (flags[0] == '\0') {
		print_message("this kernel does not tell\n");
		secret_free(p, 32);
		skip();
	}
	assert_non_null(strstr(flags, " dd"));
	secret_free(p, 32);
}

static void
a_secret_is_locked_as_the_statistics_say(void **state)
{
	struct secret_stats stats;
	char flags[256];
	uint8_t *p;

	(void)state;
	skip_without_mlock();
	p = secret_new(32);
	secret_stats(&stats);
	vm_flags(p, flags, sizeof(flags));
	if (flags[0] != '\0') {
		assert_int_equal(strstr(flags, " lo") != NULL,
				 stats.locked_len == stats.mapped_len);
	}
	secret_free(p, 32);
}

/* In a process that may lock nothing. */
static int
try_without_locking(void)
{
	const struct rlimit none = {0, 0};
	struct secret_stats stats;
	uint8_t *p;

	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
	    (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)) {
		return 2;
	}
	p = secret_new(32);
	if (p == NULL || !is_zero(p, 32)) {
		return 1;
	}
	secret_stats(&stats);
	return stats.mapped_len > 0 && stats.locked_len == 0 ? 0 : 1;
}

static void
memory_is_given_and_reported_where_locking_is_forbidden(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	skip_without_mlock();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(try_without_locking());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2) {
		print_message("privileges cannot be dropped here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void *
churn(void *arg)
{
	const unsigned n = *(const unsigned *)arg;

	for (unsigned i = 0; i < 2000; i++) {
		size_t len = 1 + (i * 7 + n) % 100;
		uint8_t *p = secret_new(len);

		if (p == NULL || !is_zero(p, len)) {
			return arg;
		}
		memset(p, (int)n, len);
		secret_free(p, len);
	}
	return NULL;
}

static void
threads_may_share_it(void **state)
{
	pthread_t threads[4];
	unsigned n[4] = {1, 2, 3, 4};
	void *wrong;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(
		    pthread_create(&threads[i], NULL, churn, &n[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(mapped(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_secret_is_zero_and_aligned),
	    cmocka_unit_test(a_freed_secret_is_wiped),
	    cmocka_unit_test(secrets_do_not_overlap),
	    cmocka_unit_test(a_thousand_keys_take_few_pages),
	    cmocka_unit_test(a_big_secret_has_pages_of_its_own),
	    cmocka_unit_test(the_biggest_small_secret_fits),
	    cmocka_unit_test(too_much_is_no_memory),
	    cmocka_unit_test(a_secret_is_not_dumped),
	    cmocka_unit_test(a_secret_is_locked_as_the_statistics_say),
	    cmocka_unit_test(
		memory_is_given_and_reported_where_locking_is_forbidden),
	    cmocka_unit_test(threads_may_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
