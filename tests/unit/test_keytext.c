/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/keytext.h"
#include "temp_dir.h"
#include "wire/name.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define BASE64 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static struct keytext_key
key_of(const char *name)
{
	return (struct keytext_key){
	    .name = name,
	    .algorithm = "hmac-sha256",
	    .secret = (const uint8_t *)SECRET,
	    .secret_len = strlen(SECRET),
	};
}

static const char *
written(enum keytext_format format, const char *name)
{
	static char text[8192];
	const struct keytext_key key = key_of(name);
	size_t len;

	assert_int_equal(
	    keytext_write(format, &key, text, sizeof(text) - 1, &len), SECD_OK);
	text[len] = '\0';
	return text;
}

static void
each_server_has_its_own_form(void **state)
{
	(void)state;
	assert_string_equal(written(KEYTEXT_BIND, "p1-a.example."),
			    "key \"p1-a.example.\" {\n"
			    "\talgorithm hmac-sha256;\n"
			    "\tsecret \"" BASE64 "\";\n"
			    "};\n");
	assert_string_equal(written(KEYTEXT_NSD, "p1-a.example."),
			    "key:\n"
			    "\tname: \"p1-a.example.\"\n"
			    "\talgorithm: hmac-sha256\n"
			    "\tsecret: \"" BASE64 "\"\n");
	assert_string_equal(written(KEYTEXT_KNOT, "p1-a.example."),
			    "key:\n"
			    "  - id: \"p1-a.example.\"\n"
			    "    algorithm: hmac-sha256\n"
			    "    secret: \"" BASE64 "\"\n");
}

static void
odd_octets_of_a_name_are_numbers(void **state)
{
	(void)state;
	assert_string_equal(written(KEYTEXT_NSD, "a\\\"b\\\\c\\.d{e}#\\195.") +
				strlen("key:\n\tname: "),
			    "\"a\\034b\\092c\\046d\\123e\\125\\035\\195.\"\n"
			    "\talgorithm: hmac-sha256\n"
			    "\tsecret: \"" BASE64 "\"\n");
}

static void
what_is_no_key_is_refused(void **state)
{
	static const char *const names[] = {"", "a\\"};
	static const char *const algorithms[] = {"", "hmac-sha256\n", "a;b",
						 "a\"b", "a b"};
	struct keytext_key key;
	char text[512];
	size_t len = 7;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		key = key_of(names[i]);
		assert_int_equal(
		    keytext_write(KEYTEXT_BIND, &key, text, sizeof(text), &len),
		    SECD_EINVAL);
	}
	for (size_t i = 0; i < 5; i++) {
		key = key_of("a.");
		key.algorithm = algorithms[i];
		assert_int_equal(
		    keytext_write(KEYTEXT_BIND, &key, text, sizeof(text), &len),
		    SECD_EINVAL);
	}
	key = key_of("a.");
	key.secret_len = 0;
	assert_int_equal(
	    keytext_write(KEYTEXT_BIND, &key, text, sizeof(text), &len),
	    SECD_EINVAL);
	assert_int_equal(len, 7);
}

/* With a room for each length, exactly, so that a sanitizer sees what is put
 * behind it. */
static void
no_room_is_said_and_none_is_written_beyond(void **state)
{
	const struct keytext_key key = key_of("p1-a.{}.");

	(void)state;
	for (enum keytext_format f = KEYTEXT_BIND; f <= KEYTEXT_KNOT; f++) {
		size_t whole = strlen(written(f, key.name)), len = 0;

		assert_true(keytext_len_max(&key) >= whole);
		for (size_t cap = 0; cap <= whole; cap++) {
			char *text = malloc(cap + 1);
			int rc;

			assert_non_null(text);
			text[cap] = 'x';
			rc = keytext_write(f, &key, text, cap, &len);
			assert_int_equal(rc,
					 cap < whole ? SECD_ENOSPC : SECD_OK);
			assert_int_equal(text[cap], 'x');
			free(text);
		}
		assert_int_equal(len, whole);
	}
}

static void
the_longest_name_has_room(void **state)
{
	uint8_t name[NAME_LEN_MAX];
	char presentation[NAME_TEXT_MAX];
	struct keytext_key key;

	(void)state;
	memset(name, '#', sizeof(name));
	for (size_t at = 0; at < 256; at += 64) {
		name[at] = at == 192 ? 61 : 63;
	}
	name[254] = 0;
	key = key_of(name_to_text(name, presentation));
	for (enum keytext_format f = KEYTEXT_BIND; f <= KEYTEXT_KNOT; f++) {
		assert_true(strlen(written(f, key.name)) <=
			    keytext_len_max(&key));
	}
}

/*
 * The servers' own programs, where they are
 */

static int
setup(void **state)
{
	static char dir[TEMP_DIR_MAX];

	temp_dir_make(dir);
	*state = dir;
	return 0;
}

static int
teardown(void **state)
{
	temp_dir_remove(*state);
	return 0;
}

/* `around` uses the last one of the keys. */
static void
check_by(const char *dir, enum keytext_format format, const char *around,
	 const char *program, const char *arguments)
{
	static const char *const names[] = {"p1-a.example.", ".",
					    "a\\\"b\\\\c\\.d{e}#\\195\\000."};
	char path[512], command[1024];
	int status;
	FILE *f;

	snprintf(path, sizeof(path), "%s/conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(KEYTEXT_HEAD, f);
	for (size_t i = 0; i < 3; i++) {
		fputs(written(format, names[i]), f);
	}
	fputs(around, f);
	fclose(f);
	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin; %s %s %s >&2",
		 program, path, arguments);
	status = system(command);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 127) {
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
named_reads_what_is_written(void **state)
{
	check_by(*state, KEYTEXT_BIND,
		 "zone x { type secondary; file \"x\"; primaries { 192.0.2.1 "
		 "key \"a\\034b\\\\c\\.d{e}#\\195\\000.\"; }; };\n",
		 "named-checkconf", "");
}

static void
nsd_reads_what_is_written(void **state)
{
	check_by(*state, KEYTEXT_NSD,
		 "zone:\n name: x\n zonefile: x\n request-xfr: 192.0.2.1 "
		 "\"a\\034b\\092c\\046d\\123e\\125\\035\\195\\000.\"\n",
		 "nsd-checkconf", "");
}

static void
knot_reads_what_is_written(void **state)
{
	check_by(*state, KEYTEXT_KNOT,
		 "remote:\n  - id: x\n    address: 192.0.2.1\n    key: "
		 "\"a\\034b\\\\c\\.d{e}#\\195\\000.\"\n",
		 "knotc -c", "conf-check");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_server_has_its_own_form),
	    cmocka_unit_test(odd_octets_of_a_name_are_numbers),
	    cmocka_unit_test(what_is_no_key_is_refused),
	    cmocka_unit_test(no_room_is_said_and_none_is_written_beyond),
	    cmocka_unit_test(the_longest_name_has_room),
	    cmocka_unit_test_setup_teardown(named_reads_what_is_written, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(nsd_reads_what_is_written, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(knot_reads_what_is_written, setup,
					    teardown),
	};

	return cmocka_run_group_tests_name("keytext", tests, NULL, NULL);
}
