/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/control_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char reason[512];

static const struct control_command *
check(const char *command, bool force, char **args, size_t count)
{
	char word[100];
	struct control_request q = {
	    .command = word, .force = force, .args = args, .arg_count = count};

	strcpy(word, command);
	reason[0] = '\0';
	return control_command_check(&q, reason, sizeof(reason));
}

static void
every_verb_has_one_word(void **state)
{
	static const char *const words[] = {
	    "status", "zone-status", "refresh", "retransfer",
	    "notify", "reload",      "stop",    "module-status"};
	char zone[] = "example.", *args[] = {zone};
	unsigned seen = 1u << CONTROL_MODULE; /* has every other word */

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		bool needs = strcmp(words[i], "retransfer") == 0;
		const struct control_command *c =
		    check(words[i], false, args, needs ? 1 : 0);

		assert_non_null(c);
		assert_string_equal(c->name, words[i]);
		assert_string_equal(reason, "");
		seen |= 1u << c->verb;
	}
	assert_int_equal(seen, (1u << CONTROL_VERB_COUNT) - 1);
}

static void
what_a_command_does_not_take_is_told(void **state)
{
	char zone[] = "example.", bad[] = "a..b";
	char *good[] = {zone, zone}, *mixed[] = {zone, bad};

	(void)state;
	assert_null(check("Status", false, NULL, 0));
	assert_string_equal(reason, "unknown command \"Status\"");
	assert_null(check("statu", true, NULL, 0));
	assert_string_equal(reason, "unknown command \"statu\"");
	assert_null(check("refresh", true, good, 2));
	assert_string_equal(reason, "refresh takes no --force");
	assert_null(check("stop", false, good, 1));
	assert_string_equal(reason, "stop takes no arguments");
	assert_null(check("retransfer", true, NULL, 0));
	assert_string_equal(reason, "retransfer needs a zone");
	assert_null(check("notify", false, mixed, 2));
	assert_string_equal(reason, "\"a..b\" is no domain name");
	assert_non_null(check("retransfer", true, good, 2));
	assert_non_null(check("notify", false, good, 2));
}

static void
a_word_that_is_not_known_may_be_a_modules(void **state)
{
	char odd[] = "a..b", *args[] = {odd};
	const struct control_command *c = check("journal", false, args, 1);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->verb, CONTROL_MODULE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_verb_has_one_word),
	    cmocka_unit_test(what_a_command_does_not_take_is_told),
	    cmocka_unit_test(a_word_that_is_not_known_may_be_a_modules),
	};

	return cmocka_run_group_tests_name("control_command", tests, NULL,
					   NULL);
}
