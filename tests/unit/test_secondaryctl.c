/* SPDX-License-Identifier: BSD-2-Clause */
/* secondaryctl against a control socket: what it prints and how it exits. */

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "control_client.h"
#include "ctl_run.h"
#include "server/zone_report.h"

static int
ctl_at(const struct control_fixture *f, const char *arguments)
{
	char whole[700];

	snprintf(whole, sizeof(whole), "-s %s %s", f->path, arguments);
	return ctl_run(whole);
}

static void
status_is_aligned(void **state)
{
	struct control_fixture *f = *state;

	assert_int_equal(ctl_at(f, "status"), 0);
	ctl_assert_like(
	    "    version           1.2.3\n"
	    "    zones             7\n"
	    "    started-at        * d * h ago (2023-11-14T22:13:20Z)\n"
	    "    alarm-of-any-zone on\n");
}

/* What a zone in every respect looks like. */
static void
rich_zone(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	int64_t now = (int64_t)time(NULL);
	struct zone_report z = {
	    .has_zone = true,
	    .is_durable = true,
	    .serial = 2024010102,
	    .record_count = 22,
	    .confirmed_at = now - 100000,
	    .expires_at = now + 10 * 86400 + 3605,
	    .layer_count = 3,
	    .layer_nodes = 1234,
	    .layer_octets = 56789,
	    .is_compacting = true,
	    .state = "waiting",
	    .reason = "refresh interval",
	    .next = "SOA",
	    .next_primary = "192.0.2.1@53",
	    .next_at = now + 605,
	    .failed_rounds = 2,
	    .primary_count = 2,
	    .primaries =
		{
		    {.remote = "hidden",
		     .address = "192.0.2.1@53",
		     .health = "good",
		     .has_serial = true,
		     .serial = 2024010102,
		     .seen_at = now - 3700,
		     .tried_at = now - 3700,
		     .key = "xfr-b.example."},
		    {.remote = "backup",
		     .address = "2001:db8::1@53",
		     .health = "unreachable",
		     .tried_at = now - 100000,
		     .failures = 3,
		     .error = "connection refused\033[31m"},
		},
	};

	(void)ctx;
	memcpy(z.apex, apex, name_len(apex));
	strcpy(z.transfer.kind, "IXFR");
	z.transfer.had_serial = true;
	z.transfer.from_serial = 2024010101;
	z.transfer.serial = 2024010102;
	z.transfer.records = 12;
	z.transfer.octets = 1234;
	z.transfer.messages = 1;
	z.transfer.duration_ms = 34;
	z.transfer.ended_at = now - 200000;
	strcpy(z.transfer.primary, "192.0.2.1@53");
	strcpy(z.transfer.key, "xfr-a.example.");
	strcpy(z.transfer.transport, "TCP");
	zone_report_put(&z, r);
	control_reply_text(r, "example.", NULL, "weather", "%s", "fine");
}

static void
pinned_zone(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	int64_t now = (int64_t)time(NULL);
	struct zone_report z = {.has_zone = true,
				.serial = 9,
				.pinned_serial = 5,
				.pinned_at = now - 3700,
				.next = "SOA"};

	(void)ctx;
	memcpy(z.apex, apex, name_len(apex));
	z.is_pin_lost = apex[1] == 'l';
	zone_report_put(&z, r);
	for (int i = 1; i < 3; i++) {
		char id[32];

		snprintf(id, sizeof(id), "downstream 192.0.2.%d", i);
		control_reply_number(r, "p.", id, "serial", i == 1 ? 9 : 4);
		control_reply_text(r, "p.", id, "by", "AXFR");
		control_reply_time(r, "p.", id, "at", now - 7200);
		control_reply_bool(r, "p.", id, "ahead", i == 1);
	}
	control_reply_text(r, "p.", "downstream 192.0.2.2", "key", "k.");
}

static void
restart_with(struct control_fixture *f)
{
	control_stop(f->control);
	assert_int_equal(control_start(f->control, &f->handler), SECD_OK);
}

static void
a_zone_is_told_with_its_plan_and_its_primaries(void **state)
{
	struct control_fixture *f = *state;

	f->handler.zone_status = rich_zone;
	restart_with(f);
	assert_int_equal(ctl_at(f, "zone-status Example"), 0);
	ctl_assert_like(
	    "example.\n"
	    "    serial          2024010102, 22 records, stored\n"
	    "    confirmed       1 d 3 h ago (*Z)\n"
	    "    expires         in 10 d 1 h (*Z)\n"
	    "    changes         1234 nodes in 3 layers, 56789 octets, being "
	    "compacted\n"
	    "    state           waiting: refresh interval (failed rounds: 2)\n"
	    "    next step       SOA from 192.0.2.1@53 in 10 min [0-5] s (*Z)\n"
	    "    last transfer   IXFR 2024010101 -> 2024010102, 2 d 7 h ago "
	    "(*Z)\n"
	    "                    from 192.0.2.1@53 over TCP, key "
	    "xfr-a.example.\n"
	    "                    12 records, 1234 octets, 1 messages, 34 ms\n"
	    "    primary         hidden 192.0.2.1@53: serial 2024010102 seen "
	    "1 h 1 min ago, good, asked 1 h 1 min ago, key "
	    "xfr-b.example.\n"
	    "    primary         backup 2001:db8::1@53: no serial seen, "
	    "unreachable, asked 1 d 3 h ago\n"
	    "                      connection refused\\\\x1b\\[31m (failures "
	    "in "
	    "a row: 3)\n"
	    "    weather         fine\n");
}

static void
a_pin_is_shown_and_who_will_not_follow(void **state)
{
	struct control_fixture *f = *state;

	f->handler.zone_status = pinned_zone;
	restart_with(f);
	assert_int_equal(ctl_at(f, "zone-status p."), 0);
	ctl_assert_like(
	    "p.\n"
	    "    serial          9, not stored yet\n"
	    "    served          5, pinned 1 h 1 min ago (*Z)\n"
	    "    state *"
	    "    downstream  serial  by    at                    key\n"
	    "    192.0.2.1        9  AXFR  *Z  -    ahead\n"
	    "    192.0.2.2        4  AXFR  *Z  k.   not ahead\n");
	assert_int_equal(ctl_at(f, "--json zone-status p."), 0);
	ctl_assert_like("*\"serial\":9,\"pinned-serial\":5,\"pinned-at\":*"
			"\"downstream\":\\[{\"id\":\"192.0.2.1\",\"serial\":9,"
			"\"by\":\"AXFR\",\"at\":*,\"ahead\":true},*");
	assert_int_equal(ctl_at(f, "zone-status l."), 0);
	ctl_assert_like(
	    "*    served          not 5 any more, which was pinned 1 h "
	    "1 min ago (*Z)\n*");
}

static void
an_empty_zone(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	struct zone_report z = {.state = "waiting", .next = "AXFR"};

	(void)ctx;
	memcpy(z.apex, apex, name_len(apex));
	z.next_at = (int64_t)time(NULL) - 7200;
	z.has_alarm = true;
	zone_report_put(&z, r);
}

static void
a_zone_without_anything_is_told_as_such(void **state)
{
	struct control_fixture *f = *state;

	f->handler.zone_status = an_empty_zone;
	restart_with(f);
	assert_int_equal(ctl_at(f, "zone-status example."), 0);
	ctl_assert_like(
	    "example.\n"
	    "    serial          none: nothing was transferred yet\n"
	    "    state ALARM     waiting\n"
	    "    next step       AXFR, due 2 h 0 min ago (*Z)\n"
	    "    last transfer   none since the start\n");
}

static void
zones_are_paragraphs(void **state)
{
	struct control_fixture *f = *state;

	f->zone_count = 4;
	assert_int_equal(ctl_at(f, "zone-status"), 0);
	ctl_assert_like("zone0.\n*\n\nzone1.\n*\n\nzone2.\n*\n\nzone3.\n*");
}

static void
json_has_types(void **state)
{
	struct control_fixture *f = *state;

	assert_int_equal(ctl_at(f, "--json status"), 0);
	assert_string_equal(
	    ctl_output,
	    "[{\"version\":\"1.2.3\",\"zones\":7,"
	    "\"started-at\":1700000000,\"alarm-of-any-zone\":true}]\n");
	f->handler.zone_status = rich_zone;
	restart_with(f);
	assert_int_equal(ctl_at(f, "--json zone-status example"), 0);
	ctl_assert_like(
	    "\\[{\"zone\":\"example.\",\"held\":true,"
	    "\"serial\":2024010102,*\"weather\":\"fine\","
	    "\"primary\":\\[{\"id\":\"hidden 192.0.2.1@53\","
	    "\"remote\":\"hidden\",\"address\":\"192.0.2.1@53\","
	    "\"health\":\"good\",\"serial\":2024010102,*},"
	    "{\"id\":\"backup 2001:db8::1@53\",*"
	    "\"health\":\"unreachable\",*"
	    "\"error\":\"connection refused\\\\u001b\\[31m\"}\\]}\\]\n");
	f->zone_count = 2;
	assert_int_equal(ctl_at(f, "--json zone-status"), 0);
	ctl_assert_like(
	    "\\[{\"zone\":\"zone0.\",*},\n{\"zone\":\"zone1.\",*}\\]\n");
	f->zone_count = 0;
	assert_int_equal(ctl_at(f, "--json zone-status"), 0);
	assert_string_equal(ctl_output, "[]\n");
}

static void
tell_of_things(void *ctx, struct control_reply *r)
{
	(void)ctx;
	control_reply_text(r, NULL, "peer a", "state", "well");
	control_reply_number(r, NULL, "peer a", "count", 7);
	control_reply_bool(r, NULL, "peer a", "in-use", true);
	control_reply_text(r, NULL, "slot", "of", "nobody");
	control_reply_bool(r, NULL, "peer beta", "in-use", false);
	control_reply_bool(r, NULL, "peer beta", "new", true);
	control_reply_number(r, NULL, "peer beta", "count", 12345678);
	control_reply_time(r, NULL, "peer beta", "seen-at", 1700000000);
	control_reply_number(r, NULL, NULL, "peers", 3);
	control_reply_text(r, NULL, "peer a", "last", "x\033");
	control_reply_text(r, NULL, "peer a", "last", "more");
	control_reply_bool(r, NULL, "peer gamma", "in-use", true);
}

static void
things_of_a_kind_are_a_table(void **state)
{
	struct control_fixture *f = *state;

	f->handler.status = tell_of_things;
	restart_with(f);
	assert_int_equal(ctl_at(f, "status"), 0);
	assert_string_equal(
	    ctl_output,
	    "    peers           3\n"
	    "\n"
	    "    peer   state     count  last   seen-at\n"
	    "    a      well          7  x\\x1b  -                     in-use\n"
	    "    beta   -      12345678  -      2023-11-14T22:13:20Z  "
	    "not in-use  new\n"
	    "    gamma  -             -  -      -                     in-use\n"
	    "\n"
	    "    slot  of\n"
	    "          nobody\n"
	    "\n"
	    "peer a\n"
	    "    last            more\n");
	assert_int_equal(ctl_at(f, "--json status"), 0);
	ctl_assert_like("\\[{\"peers\":3,\"peer\":\\[{\"id\":\"a\","
			"\"state\":\"well\",\"count\":7,\"in-use\":true,*},"
			"{\"id\":\"beta\",\"in-use\":false,\"new\":true,"
			"\"count\":12345678,\"seen-at\":1700000000},"
			"{\"id\":\"gamma\",\"in-use\":true}\\],"
			"\"slot\":\\[{\"id\":\"\",\"of\":\"nobody\"}\\]}\\]\n");
}

static void
tell_of_modules(void *ctx, struct control_reply *r)
{
	(void)ctx;
	control_reply_text(r, NULL, "module x", "state", "running");
	control_reply_number(r, NULL, "module x", "a-rather-long-item", 1);
	control_reply_text(r, NULL, "module y", "state", "running");
	control_reply_number(r, NULL, "slot a", "keys", 2);
	control_reply_bool(r, "example.", NULL, "durable", false);
}

static void
modules_are_paragraphs(void **state)
{
	struct control_fixture *f = *state;

	f->handler.module_status = tell_of_modules;
	restart_with(f);
	assert_int_equal(ctl_at(f, "module-status"), 0);
	assert_string_equal(ctl_output, "module x\n"
					"    state              running\n"
					"    a-rather-long-item 1\n"
					"\n"
					"module y\n"
					"    state           running\n"
					"\n"
					"    slot  keys\n"
					"    a        2\n"
					"\n"
					"example.\n"
					"    durable         off\n");
}

static int
tell_at_length(void *ctx, const char *const *words, size_t count,
	       uint8_t *position, struct control_reply *r)
{
	static char line[100001];

	(void)ctx;
	(void)words;
	(void)count;
	(void)position;
	memset(line, 'x', sizeof(line) - 1);
	control_reply_line(r, line);
	control_reply_line(r, "short");
	control_reply_error(r, "and then it failed");
	return SECD_OK;
}

/* Longer than what the socket takes at a time. */
static void
a_long_line_is_one_line(void **state)
{
	struct control_fixture *f = *state;

	f->handler.module_command = tell_at_length;
	restart_with(f);
	assert_int_equal(ctl_at(f, "any"), 1);
	assert_int_equal(strspn(ctl_output, "x"), 100000);
	assert_string_equal(ctl_output + 100000,
			    "\nshort\nsecondaryctl: and then it failed\n");
	assert_int_equal(ctl_at(f, "--json any"), 1);
	assert_memory_equal(ctl_output, "[\"xx", 4);
	assert_string_equal(ctl_output + 100001,
			    "x\",\n\"short\""
			    "secondaryctl: and then it failed\n]\n");
}

static int
tell_words(void *ctx, const char *const *words, size_t count, uint8_t *position,
	   struct control_reply *r)
{
	(void)ctx;
	(void)position;
	for (size_t i = 0; i < count; i++) {
		control_reply_line(r, words[i]);
	}
	return SECD_OK;
}

static void
what_stands_behind_a_modules_word_is_the_modules(void **state)
{
	struct control_fixture *f = *state;

	f->handler.module_command = tell_words;
	restart_with(f);
	assert_int_equal(ctl_at(f, "key do p1 --force -x --json -- --help"), 0);
	assert_string_equal(ctl_output, "key\ndo\np1\n--force\n-x\n"
					"--json\n--\n--help\n");
	assert_int_equal(ctl_at(f, "--json key do -V"), 0);
	assert_string_equal(ctl_output, "[\"key\",\n\"do\",\n\"-V\"]\n");
	/* In front of the first word they are ours. */
	assert_int_equal(ctl_at(f, "key --json do -V"), 0);
	assert_string_equal(ctl_output, "[\"key\",\n\"do\",\n\"-V\"]\n");
	/* Behind a word of our own there are our own options. */
	assert_int_equal(ctl_at(f, "status --json"), 0);
	assert_true(ctl_output[0] == '[');
	assert_int_equal(ctl_at(f, "status --frob"), 2);
	assert_non_null(strstr(ctl_output, "secondaryctl: unrecognized"));
}

static void
commands_reach_the_server(void **state)
{
	struct control_fixture *f = *state;

	control_fixture_asked(f);
	assert_int_equal(ctl_at(f, "retransfer --force a b"), 0);
	assert_string_equal(ctl_output, "");
	assert_int_equal(ctl_at(f, "retransfer a"), 0);
	assert_int_equal(ctl_at(f, "notify"), 0);
	assert_int_equal(ctl_at(f, "stop"), 0);
	assert_string_equal(control_fixture_asked(f), "retransfer by force a.\n"
						      "retransfer by force b.\n"
						      "retransfer a.\n"
						      "notify all\n"
						      "stop all\n");
}

static void
a_command_that_fails_exits_with_1(void **state)
{
	struct control_fixture *f = *state;

	assert_int_equal(ctl_at(f, "reload"), 1);
	assert_string_equal(ctl_output,
			    "secondaryctl: x.conf:7: syntax error\n");
}

static void
bad_reload(void *ctx, struct control_reply *r)
{
	(void)ctx;
	control_reply_error(r, "a\033[31m\nb\x9b");
}

static void
an_error_cannot_play_with_the_terminal(void **state)
{
	struct control_fixture *f = *state;

	f->handler.reload = bad_reload;
	restart_with(f);
	assert_int_equal(ctl_at(f, "reload"), 1);
	assert_string_equal(ctl_output,
			    "secondaryctl: a\\x1b[31m\\x0ab\\x9b\n");
}

static void
a_wrong_call_exits_with_2(void **state)
{
	struct control_fixture *f = *state;

	assert_int_equal(ctl_at(f, ""), 2);
	assert_string_equal(ctl_output, "secondaryctl: which command?\n" TRY);
	assert_int_equal(ctl_at(f, "-t 0 status"), 2);
	assert_string_equal(ctl_output,
			    "secondaryctl: -t takes 1 to 86400 seconds\n" TRY);
	assert_int_equal(ctl_at(f, "-c x status"), 2);
	assert_string_equal(ctl_output,
			    "secondaryctl: -c and -s exclude each other\n" TRY);
	assert_int_equal(ctl_at(f, "--frobnicate"), 2);
	ctl_assert_like("*: unrecognized option '--frobnicate'\n" TRY);
	assert_int_equal(ctl_run("--help"), 0);
	ctl_assert_like("usage: secondaryctl *");
	assert_int_equal(ctl_run("--version"), 0);
	ctl_assert_like("secondaryctl [0-9]*");
}

static void
a_wrong_command_is_found_without_a_server(void **state)
{
	static const struct {
		const char *arguments, *said;
	} cases[] = {
	    {"Frobnicate", "unknown command \"Frobnicate\""},
	    {"--force frobnicate", "unknown command \"frobnicate\""},
	    {"\"$(printf 'a\\033b')\"", "unknown command \"a\\x1bb\""},
	    {"status foo", "status takes no arguments"},
	    {"reload foo", "reload takes no arguments"},
	    {"stop now", "stop takes no arguments"},
	    {"retransfer", "retransfer needs a zone"},
	    {"retransfer --force", "retransfer needs a zone"},
	    {"zone-status --force x", "zone-status takes no --force"},
	    {"refresh a..b", "\"a..b\" is no domain name"},
	};
	struct control_fixture *f = *state;

	control_fixture_asked(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char arguments[100], expected[200];

		snprintf(arguments, sizeof(arguments), "-s /nonexistent %s",
			 cases[i].arguments);
		snprintf(expected, sizeof(expected), "secondaryctl: %s\n" TRY,
			 cases[i].said);
		assert_int_equal(ctl_run(arguments), 2);
		assert_string_equal(ctl_output, expected);
		assert_int_equal(ctl_at(f, cases[i].arguments), 2);
	}
	assert_string_equal(control_fixture_asked(f), "");
}

static void
a_path_that_no_socket_can_have_is_told(void **state)
{
	char arguments[200] = "-s /", path[151] = "";

	(void)state;
	memset(path, 'x', 150);
	strcat(strcat(arguments, path), " status");
	assert_int_equal(ctl_run(arguments), 2);
	assert_string_equal(ctl_output,
			    "secondaryctl: the path of the socket is too long: "
			    "151 octets, at most 107\n");
}

static void
no_daemon_exits_with_3(void **state)
{
	struct control_fixture *f = *state;
	char arguments[400];

	control_stop(f->control);
	snprintf(arguments, sizeof(arguments), "-s %s/none status", f->dir);
	assert_int_equal(ctl_run(arguments), 3);
	ctl_assert_like(
	    "secondaryctl: cannot reach secondaryd at */none: No such "
	    "file or directory\n");
	/* It listens, but nobody answers. */
	assert_int_equal(ctl_at(f, "-t 1 status"), 3);
	ctl_assert_like("secondaryctl: the reply is incomplete: timed out\n");
	assert_int_equal(ctl_run("-c /nonexistent/x.conf status"), 3);
	assert_string_equal(ctl_output,
			    "secondaryctl: /nonexistent/x.conf: No such "
			    "file or directory\n");
}

static void
a_configuration_names_the_socket(void **state)
{
	struct control_fixture *f = *state;
	char path[300], arguments[400];
	FILE *conf;

	snprintf(path, sizeof(path), "%s/s.conf", f->dir);
	conf = fopen(path, "w");
	assert_non_null(conf);
	fprintf(conf, "server:\n  rundir: .\n");
	fclose(conf);
	snprintf(arguments, sizeof(arguments), "-c %s status", path);
	assert_int_equal(ctl_run(arguments), 0);
	ctl_assert_like("    version           1.2.3\n*");
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, control_fixture_setup,           \
					control_fixture_teardown)
	    TEST(status_is_aligned),
	    TEST(a_zone_is_told_with_its_plan_and_its_primaries),
	    TEST(a_pin_is_shown_and_who_will_not_follow),
	    TEST(a_zone_without_anything_is_told_as_such),
	    TEST(zones_are_paragraphs),
	    TEST(json_has_types),
	    TEST(things_of_a_kind_are_a_table),
	    TEST(modules_are_paragraphs),
	    TEST(a_long_line_is_one_line),
	    TEST(what_stands_behind_a_modules_word_is_the_modules),
	    TEST(commands_reach_the_server),
	    TEST(a_command_that_fails_exits_with_1),
	    TEST(an_error_cannot_play_with_the_terminal),
	    TEST(a_wrong_call_exits_with_2),
	    TEST(a_wrong_command_is_found_without_a_server),
	    TEST(a_path_that_no_socket_can_have_is_told),
	    TEST(no_daemon_exits_with_3),
	    TEST(a_configuration_names_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
