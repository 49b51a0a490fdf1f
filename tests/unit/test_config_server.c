/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "conf_dir.h"

static void
a_server_must_listen(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, "", "1: there is no section \"server\"");
	conf_dir_refuse(d, "\nserver:\n  user: root\n",
			"2: \"server\" has no \"listen\"");
}

static void
what_is_not_said_has_a_default(void **state)
{
	struct conf_dir *d = *state;
	const struct config_server *s;

	s = &conf_dir_accept(d, CONF_SERVER)->server;
	assert_true(s->udp_workers >= 1);
	assert_int_equal(s->tcp_workers, 1);
	assert_string_equal(s->storage, SECD_STATEDIR);
	assert_string_equal(s->rundir, SECD_RUNDIR);
	assert_null(s->user);
	assert_int_equal(s->uid, geteuid());
	assert_null(s->identity);
	assert_null(s->version);
	assert_null(s->nsid);
	assert_int_equal(s->tcp_max_clients, 1000);
	assert_int_equal(s->tcp_idle_timeout_s, 10);
	assert_int_equal(s->tcp_io_timeout_ms, 5000);
	assert_int_equal(s->udp_max_payload, 1232);
	assert_int_equal(s->sync_interval_ms, 50);
	assert_int_equal(s->transfers_in, 20);
	assert_int_equal(s->transfers_per_primary, 4);
	assert_int_equal(s->transfers_out, 100);
	assert_int_equal(s->condense_memory, 64 << 20);
	assert_int_equal(s->tsig_weak, 0);
	assert_int_equal(d->c->log_count, 1);
	assert_int_equal(d->c->logs[0].target, LOG_TARGET_STDERR);
	assert_int_equal(d->c->logs[0].level, LOG_LEVEL_INFO);
}

static void
what_is_said_is_kept(void **state)
{
	struct conf_dir *d = *state;
	const struct config_server *s;

	s = &conf_dir_accept(d, CONF_SERVER "  udp-workers: 7\n"
					    "  identity: \"ns1 here\"\n"
					    "  version: \"\"\n"
					    "  nsid: 0x00fFa1\n"
					    "  tcp-max-clients: 5\n"
					    "  tcp-idle-timeout: 2m\n"
					    "  tcp-io-timeout: 700\n"
					    "  udp-max-payload: 4096\n"
					    "  sync-interval: 1s\n"
					    "  transfers-in: 3\n"
					    "  transfers-per-primary: 2\n"
					    "  transfers-out: 9\n"
					    "  condense-memory: 5M\n")
		 ->server;
	assert_int_equal(s->udp_workers, 7);
	assert_string_equal(s->identity, "ns1 here");
	assert_string_equal(s->version, "");
	assert_int_equal(s->nsid_len, 3);
	assert_memory_equal(s->nsid, "\x00\xff\xa1", 3);
	assert_int_equal(s->tcp_max_clients, 5);
	assert_int_equal(s->tcp_idle_timeout_s, 120);
	assert_int_equal(s->tcp_io_timeout_ms, 700);
	assert_int_equal(s->udp_max_payload, 4096);
	assert_int_equal(s->sync_interval_ms, 1000);
	assert_int_equal(s->transfers_in, 3);
	assert_int_equal(s->transfers_per_primary, 2);
	assert_int_equal(s->transfers_out, 9);
	assert_int_equal(s->condense_memory, 5 << 20);
}

static void
an_empty_nsid_is_not_the_same_as_none(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_accept(d, CONF_SERVER "  nsid: \"\"\n");
	assert_non_null(d->c->server.nsid);
	assert_int_equal(d->c->server.nsid_len, 0);
	conf_dir_accept(d, CONF_SERVER "  nsid: ns1\n");
	assert_int_equal(d->c->server.nsid_len, 3);
}

static void
a_bad_address_to_listen_on_is_refused(void **state)
{
	static const char *const bad[] = {
	    "localhost",     "127.0.0.1@0", "127.0.0.1@65536", "127.0.0.1@",
	    "127.0.0.1@53x", "1.2.3",       "::1@5@3",         "/run/x",
	    "127.0.0.1/8",   "@53",
	};
	struct conf_dir *d = *state;
	char text[200], expected[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "server:\n  listen: [ ::1, %s ]\n",
			 bad[i]);
		snprintf(expected, sizeof(expected),
			 "2: bad value \"%s\" for \"listen\": expected an "
			 "address, or ADDRESS@PORT",
			 bad[i]);
		conf_dir_refuse(d, text, expected);
	}
	conf_dir_refuse(d, CONF_SERVER "  listen: [ ::1, 127.0.0.1@5300 ]\n",
			"3: \"listen\" has 127.0.0.1@5300 twice");
	conf_dir_refuse(d, CONF_SERVER "  listen: [ ::1, 0.0.0.0@5300 ]\n",
			"3: \"listen\" has all addresses, and one of them, at "
			"the port of 0.0.0.0@5300");
	conf_dir_refuse(d, CONF_SERVER "  listen: [ \"::\", ::1 ]\n",
			"3: \"listen\" has all addresses, and one of them, at "
			"the port of ::1");
	conf_dir_accept(d, CONF_SERVER "  listen: [ ::@5300, 0.0.0.0 ]\n");
}

static void
a_bad_value_is_refused_with_what_was_expected(void **state)
{
	static const struct {
		const char *item, *expected;
	} cases[] = {
	    {"udp-workers: 0", "\"0\" for \"udp-workers\": expected a number "
			       "from 1 to 256"},
	    {"udp-workers: 257", "\"257\" for \"udp-workers\": expected a "
				 "number from 1 to 256"},
	    {"tcp-workers: two", "\"two\" for \"tcp-workers\": expected a "
				 "number from 1 to 256"},
	    {"tcp-workers: 1s", "\"1s\" for \"tcp-workers\": expected a "
				"number from 1 to 256"},
	    {"tcp-workers: -1", "\"-1\" for \"tcp-workers\": expected a "
				"number from 1 to 256"},
	    {"tcp-workers:", "\"\" for \"tcp-workers\": expected a "
			     "number from 1 to 256"},
	    {"udp-max-payload: 511", "\"511\" for \"udp-max-payload\": "
				     "expected a number from 512 to 4096"},
	    {"tcp-idle-timeout: 1w",
	     "\"1w\" for \"tcp-idle-timeout\": expected seconds, or a number "
	     "with s, m, h or d, from 1 to 86400"},
	    {"sync-interval: 2m",
	     "\"2m\" for \"sync-interval\": expected milliseconds, or a number "
	     "with ms, s or m, from 0 to 60000"},
	    {"tsig-weak: hmac-sha256", "\"hmac-sha256\" for \"tsig-weak\": "
				       "expected hmac-md5 or hmac-sha1"},
	    {"tsig-weak: rot13", "\"rot13\" for \"tsig-weak\": expected "
				 "hmac-md5 or hmac-sha1"},
	    {"nsid: 0xabc", "\"0xabc\" for \"nsid\": expected up to 255 "
			    "octets, as text or as 0x and hexadecimal"},
	    {"nsid: 0xgg", "\"0xgg\" for \"nsid\": expected up to 255 "
			   "octets, as text or as 0x and hexadecimal"},
	    {"storage:", "\"\" for \"storage\": expected 1 to 4000 octets"},
	};
	struct conf_dir *d = *state;
	char text[200], expected[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), CONF_SERVER "  %s\n",
			 cases[i].item);
		snprintf(expected, sizeof(expected), "3: bad value %s",
			 cases[i].expected);
		conf_dir_refuse(d, text, expected);
	}
}

static void
a_user_or_group_that_does_not_exist_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, CONF_SERVER "  user: no-such-user\n",
			"3: there is no user \"no-such-user\"");
	conf_dir_refuse(d, CONF_SERVER "  user: root:no-such-group\n",
			"3: there is no group \"no-such-group\"");
	conf_dir_accept(d, CONF_SERVER "  user: root:root\n");
	assert_string_equal(d->c->server.user, "root");
	assert_int_equal(d->c->server.gid, 0);
}

static void
a_rundir_too_long_for_a_socket_is_refused(void **state)
{
	struct conf_dir *d = *state;
	char text[300], path[120];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[107 - 16] = '\0'; /* /secondaryd.sock and a NUL fit */
	snprintf(text, sizeof(text), CONF_SERVER "  rundir: %s\n", path);
	conf_dir_accept(d, text);
	path[107 - 16] = 'x';
	path[107 - 16 + 1] = '\0';
	snprintf(text, sizeof(text), CONF_SERVER "\n  rundir: %s\n", path);
	conf_dir_refuse(d, text,
			"4: \"rundir\" is too long for the path of a socket");
}

static void
logs_have_a_target_and_a_level(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_accept(d, CONF_SERVER "log:\n"
				       "  - target: syslog\n"
				       "    any: debug\n"
				       "  - target: stderr\n");
	assert_int_equal(d->c->log_count, 2);
	assert_int_equal(d->c->logs[0].target, LOG_TARGET_SYSLOG);
	assert_int_equal(d->c->logs[0].level, LOG_LEVEL_DEBUG);
	assert_int_equal(d->c->logs[1].level, LOG_LEVEL_INFO);
	conf_dir_refuse(d, CONF_SERVER "log:\n  - target: /var/log/x\n",
			"4: bad value \"/var/log/x\" for \"target\": expected "
			"stderr or syslog");
	conf_dir_refuse(d,
			CONF_SERVER "log:\n"
				    "  - target: stderr\n"
				    "    any: loud\n",
			"5: bad value \"loud\" for \"any\": expected none, "
			"error, warning, notice, info or debug");
	conf_dir_refuse(d,
			CONF_SERVER "log:\n"
				    "  - target: stderr\n"
				    "  - target: stderr\n",
			"5: log \"stderr\" is there twice");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_server_must_listen),
	    TEST(what_is_not_said_has_a_default),
	    TEST(what_is_said_is_kept),
	    TEST(an_empty_nsid_is_not_the_same_as_none),
	    TEST(a_bad_address_to_listen_on_is_refused),
	    TEST(a_bad_value_is_refused_with_what_was_expected),
	    TEST(a_user_or_group_that_does_not_exist_is_refused),
	    TEST(a_rundir_too_long_for_a_socket_is_refused),
	    TEST(logs_have_a_target_and_a_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
