/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/notifier.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/octets.h"
#include "front.h"
#include "peer.h"
#include "transfer/notify_in.h"
#include "zonefile.h"

#define TARGETS 2

static struct server server;
static struct zone_entry *entry;
static int sockets[TARGETS];
static struct sockaddr_storage addresses[TARGETS];
static struct config_remote remotes[TARGETS];
static struct config_target targets[TARGETS];
static const struct config_key *const unsigned_only[] = {NULL};
static struct config_policy policy;

/* The last datagram of a target, and where it came from. */
static uint8_t msg[1500];
static ssize_t msg_len;
static struct sockaddr_storage sender;

static struct version *
version_of(uint32_t serial)
{
	char text[200];
	struct version *v;

	snprintf(text, sizeof(text), "@ SOA ns host %u 1 2 3 4\n@ NS ns\n",
		 serial);
	assert_int_equal(
	    version_new_take(1, zonefile_image("example.", text), &v), SECD_OK);
	return v;
}

static int
start(void **state)
{
	(void)state;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	memset(&server, 0, sizeof(server));
	memset(&policy, 0, sizeof(policy));
	memset(remotes, 0, sizeof(remotes));
	memset(targets, 0, sizeof(targets));
	server.loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(notifier_new(server.loop, &server.notifier), SECD_OK);
	entry = calloc(1, sizeof(*entry));
	assert_non_null(entry);
	entry->server = &server;
	zonefile_name("example.", entry->zone.apex);
	for (int i = 0; i < TARGETS; i++) {
		socklen_t len = sizeof(struct sockaddr_in);

		addresses[i] = front_address("127.0.0.1", 0);
		sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(sockets[i], (void *)&addresses[i], len),
				 0);
		getsockname(sockets[i], (void *)&addresses[i], &len);
		remotes[i].id = i == 0 ? "first" : "second";
		targets[i].remote = &remotes[i];
		targets[i].to = &addresses[i];
		targets[i].keys = unsigned_only;
		targets[i].key_count = 1;
	}
	policy.notify_targets = targets;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	notifier_drop_targets(server.notifier, entry);
	version_unref(entry->told);
	free(entry);
	notifier_free(server.notifier);
	ev_loop_destroy(server.loop);
	for (int i = 0; i < TARGETS; i++) {
		close(sockets[i]);
	}
	return 0;
}

static void
use(size_t count)
{
	policy.notify_target_count = count;
	assert_int_equal(notifier_set_targets(server.notifier, entry, &policy),
			 SECD_OK);
}

static void
announce(uint32_t serial)
{
	version_unref(entry->told);
	entry->told = version_of(serial);
	notifier_announce(server.notifier, entry);
	peer_run_pending(server.loop);
}

static bool
received(int target)
{
	socklen_t len = sizeof(sender);

	msg_len = recvfrom(sockets[target], msg, sizeof(msg), MSG_DONTWAIT,
			   (void *)&sender, &len);
	return msg_len > 0;
}

/* The serial that the last datagram told of. */
static uint32_t
told(void)
{
	struct notify_in in;
	struct query q;

	assert_int_not_equal(
	    query_parse(&q, msg, (size_t)msg_len, &zonefile_key), QUERY_IGNORE);
	assert_int_equal(notify_in_parse(&q, &in), RCODE_NOERROR);
	assert_true(in.has_serial);
	return in.serial;
}

/* Answer the last datagram. */
static void
answer(int target, uint8_t rcode)
{
	uint8_t out[1500];
	struct query q;
	size_t len;

	query_parse(&q, msg, (size_t)msg_len, &zonefile_key);
	len = notify_in_answer(&q, rcode, 1232, out, sizeof(out));
	assert_int_equal(sendto(sockets[target], out, len, 0, (void *)&sender,
				sizeof(struct sockaddr_in)),
			 len);
	peer_run_pending(server.loop);
}

static void
expect_description(size_t target, const char *what)
{
	char text[512];

	notifier_describe(entry, target, text, sizeof(text));
	if (strstr(text, what) == NULL) {
		fail_msg("no \"%s\" in \"%s\"", what, text);
	}
}

static void
nothing_is_told_before_there_is_something_durable(void **state)
{
	(void)state;
	use(1);
	notifier_announce(server.notifier, entry);
	peer_run_for(server.loop, 20);
	assert_false(received(0));
	expect_description(0, "nothing announced yet");
}

static void
every_target_is_told_of_the_durable_version(void **state)
{
	(void)state;
	use(2);
	announce(7);
	for (int i = 0; i < TARGETS; i++) {
		assert_true(received(i));
		assert_int_equal(told(), 7);
		answer(i, RCODE_NOERROR);
	}
	expect_description(0, "first 127.0.0.1@");
	expect_description(0, "serial 7 heard after 1 tries");
	expect_description(1, "serial 7 heard after 1 tries");
}

static void
what_is_not_answered_is_told_again(void **state)
{
	(void)state;
	use(1);
	announce(7);
	assert_true(received(0));
	assert_false(received(0));
	peer_run_for(server.loop, 1050);
	assert_true(received(0));
	assert_int_equal(told(), 7);
	answer(0, RCODE_NOERROR);
	expect_description(0, "heard after 2 tries");
}

static void
an_error_is_an_answer(void **state)
{
	(void)state;
	use(1);
	announce(7);
	assert_true(received(0));
	answer(0, RCODE_REFUSED);
	expect_description(0, "refused");
	announce(8);
	assert_true(received(0));
	assert_int_equal(told(), 8);
}

static void
an_answer_from_elsewhere_does_not_count(void **state)
{
	(void)state;
	use(1);
	announce(7);
	assert_true(received(0));
	answer(1, RCODE_NOERROR);
	expect_description(0, "not answered yet");
	/* Nor does what is no answer. */
	assert_int_equal(sendto(sockets[0], "", 0, 0, (void *)&sender,
				sizeof(struct sockaddr_in)),
			 0);
	assert_int_equal(sendto(sockets[0], msg, (size_t)msg_len, 0,
				(void *)&sender, sizeof(struct sockaddr_in)),
			 msg_len);
	peer_run_pending(server.loop);
	expect_description(0, "not answered yet");
	answer(0, RCODE_NOERROR);
	expect_description(0, "heard");
}

static void
a_newer_version_is_told_at_once(void **state)
{
	(void)state;
	use(1);
	announce(7);
	assert_true(received(0));
	announce(8);
	assert_true(received(0));
	assert_int_equal(told(), 8);
	answer(0, RCODE_NOERROR);
	expect_description(0, "serial 8 heard after 1 tries");
}

static void
a_reload_does_not_lose_what_is_under_way(void **state)
{
	(void)state;
	use(1);
	announce(7);
	assert_true(received(0));
	use(2);
	peer_run_pending(server.loop);
	assert_true(received(0));
	assert_int_equal(told(), 7);
	assert_false(received(1));
	answer(0, RCODE_NOERROR);
	expect_description(0, "heard");
	use(0);
	announce(8);
	assert_false(received(0));
	assert_false(received(1));
}

static void
a_start_tells_what_is_stored(void **state)
{
	(void)state;
	use(1);
	notifier_announce_stored(server.notifier, entry);
	peer_run_pending(server.loop);
	assert_false(received(0)); /* there is nothing */
	entry->told = version_of(7);
	notifier_announce_stored(server.notifier, entry);
	peer_run_pending(server.loop);
	assert_true(received(0));
	assert_int_equal(told(), 7);
	answer(0, RCODE_NOERROR);
	expect_description(0, "serial 7 heard after 1 tries");
}

static void
at_a_start_with_many_zones_each_has_its_turn(void **state)
{
	(void)state;
	use(1);
	entry->told = version_of(7);
	/* As others, so that this one's turn is far away. */
	for (int i = 0; i < 10000; i++) {
		notifier_announce_stored(server.notifier, entry);
	}
	peer_run_pending(server.loop);
	assert_false(received(0));
	expect_description(0, "serial 7 not answered yet after 0 tries");
	/* A reload is no reason to hurry; a new version is. */
	use(2);
	peer_run_pending(server.loop);
	assert_false(received(0));
	announce(8);
	assert_true(received(0));
	assert_int_equal(told(), 8);
}

static void
it_leaves_from_the_address_that_the_remote_names(void **state)
{
	struct sockaddr_storage via = front_address("127.0.0.88", 0);

	(void)state;
	targets[0].via = &via;
	use(2);
	announce(7);
	assert_true(received(0));
	assert_true(address_same_host(&sender, &via));
	answer(0, RCODE_NOERROR);
	expect_description(0, "heard");
	assert_true(received(1));
	assert_false(address_same_host(&sender, &via));
}

static void
what_cannot_be_sent_does_not_spin(void **state)
{
	unsigned turns;

	(void)state;
	addresses[0] = front_address("255.255.255.255", 53);
	use(1);
	announce(7);
	turns = ev_iteration(server.loop);
	peer_run_for(server.loop, 50);
	assert_true(ev_iteration(server.loop) - turns < 10);
	expect_description(0, "not answered yet");
}

static void
what_there_is_nothing_of_to_tell_waits(void **state)
{
	unsigned turns;

	(void)state;
	use(1);
	announce(7);
	/* As after the withdrawal of a zone: there is nothing to tell of. */
	version_unref(entry->told);
	entry->told = NULL;
	peer_run_for(server.loop, 1050);
	turns = ev_iteration(server.loop);
	peer_run_for(server.loop, 50);
	assert_true(ev_iteration(server.loop) - turns < 10);
}

static void
without_its_key_nothing_is_sent(void **state)
{
	static const struct config_key missing = {
	    .name = (const uint8_t *)"\1k", .module = "rotate"};
	static const struct config_key *const keys[] = {&missing};

	(void)state;
	targets[0].keys = keys;
	use(2);
	announce(7);
	peer_run_for(server.loop, 20);
	assert_false(received(0));
	assert_true(received(1));
	expect_description(0, "not answered yet after 1 tries: key k. is not "
			      "there: module rotate gives none");
}

/* Two keys with their secrets in the configuration. */
static struct config_key one = {.name = (const uint8_t *)"\3one"};
static struct config_key two = {.name = (const uint8_t *)"\3two"};

static void
give_keys(const struct config_key *const list[2])
{
	static const uint8_t secret[32] = {1};

	assert_int_equal(tsig_key_new(one.name, TSIG_HMAC_SHA256, secret,
				      sizeof(secret), &one.key),
			 SECD_OK);
	assert_int_equal(tsig_key_new(two.name, TSIG_HMAC_SHA256, secret,
				      sizeof(secret), &two.key),
			 SECD_OK);
	targets[0].keys = list;
	targets[0].key_count = 2;
	use(1);
}

static void
forget_keys(void)
{
	notifier_drop_targets(server.notifier, entry);
	tsig_key_unref(one.key);
	tsig_key_unref(two.key);
}

/* Answer as a server that has only this one. Was it asked with it? */
static bool
answer_with(const struct config_key *only)
{
	struct tsig_transaction t = {0};
	struct tsig_place place;
	enum tsig_verdict verdict;
	uint8_t request[sizeof(msg)];
	size_t len = (size_t)msg_len, whole = len;
	bool is_it;

	memcpy(request, msg, len);
	assert_int_equal(tsig_find(msg, len, &place), SECD_OK);
	is_it = name_equal(place.key, only->name);
	verdict = tsig_verify_request(&t, is_it ? only->key : NULL, msg, &len,
				      &place, clock_wall_s());
	put_u16(msg + 2, HEADER_QR | OPCODE_NOTIFY << 11);
	memset(msg + 6, 0, 6); /* the question is enough */
	len = WIRE_HEADER_LEN + name_len(entry->zone.apex) + 4;
	if (is_it) {
		assert_int_equal(tsig_sign_answer(&t, msg, &len, sizeof(msg),
						  clock_wall_s()),
				 SECD_OK);
	} else {
		msg[3] = RCODE_NOTAUTH;
		assert_int_equal(tsig_sign_error(&t, verdict, request, whole,
						 &place, msg, &len, sizeof(msg),
						 clock_wall_s()),
				 SECD_OK);
	}
	sendto(sockets[0], msg, len, 0, (void *)&sender,
	       sizeof(struct sockaddr_in));
	tsig_transaction_fini(&t);
	peer_run_for(server.loop, 20); /* nothing near a second */
	return is_it;
}

static void
a_key_that_is_refused_gives_way_to_the_next(void **state)
{
	static const struct config_key *const list[] = {&one, &two};

	(void)state;
	give_keys(list);
	announce(7);
	assert_true(received(0));
	assert_false(answer_with(&two));
	/* At once. */
	assert_true(received(0));
	assert_true(answer_with(&two));
	expect_description(0, "serial 7 heard after 2 tries");
	/* It is remembered... */
	announce(8);
	assert_true(received(0));
	assert_true(answer_with(&two));
	expect_description(0, "serial 8 heard after 1 tries");
	/* ...until keys change. */
	notifier_rekey(server.notifier, entry);
	announce(9);
	assert_true(received(0));
	assert_true(answer_with(&one));
	expect_description(0, "serial 9 heard after 1 tries");
	forget_keys();
}

static void
when_all_keys_are_refused_it_waits(void **state)
{
	static const struct config_key *const list[] = {&one, &two};
	static const struct config_key neither = {
	    .name = (const uint8_t *)"\5other"};

	(void)state;
	give_keys(list);
	announce(7);
	assert_true(received(0));
	assert_false(answer_with(&neither));
	assert_true(received(0));
	assert_false(answer_with(&neither));
	assert_false(received(0));
	expect_description(0, "not answered yet after 2 tries");
	forget_keys();
}

static void
when_its_key_comes_it_is_sent(void **state)
{
	static const struct config_key *const list[] = {&one, &two};

	(void)state;
	one.module = two.module = "rotate";
	give_keys(list);
	announce(7);
	assert_false(received(0));
	/* As if it had one now. */
	two.module = NULL;
	notifier_rekey(server.notifier, entry);
	peer_run_for(server.loop, 20);
	assert_true(received(0));
	assert_int_equal(told(), 7);
	/* What waits for an answer is not told again. */
	notifier_rekey(server.notifier, entry);
	peer_run_for(server.loop, 20);
	assert_false(received(0));
	one.module = NULL;
	forget_keys();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_told_before_there_is_something_durable),
	    TEST(every_target_is_told_of_the_durable_version),
	    TEST(what_is_not_answered_is_told_again),
	    TEST(an_error_is_an_answer),
	    TEST(an_answer_from_elsewhere_does_not_count),
	    TEST(a_newer_version_is_told_at_once),
	    TEST(a_reload_does_not_lose_what_is_under_way),
	    TEST(a_start_tells_what_is_stored),
	    TEST(at_a_start_with_many_zones_each_has_its_turn),
	    TEST(it_leaves_from_the_address_that_the_remote_names),
	    TEST(what_cannot_be_sent_does_not_spin),
	    TEST(what_there_is_nothing_of_to_tell_waits),
	    TEST(without_its_key_nothing_is_sent),
	    TEST(a_key_that_is_refused_gives_way_to_the_next),
	    TEST(when_all_keys_are_refused_it_waits),
	    TEST(when_its_key_comes_it_is_sent),
	};

	return cmocka_run_group_tests_name("notifier", tests, NULL, NULL);
}
