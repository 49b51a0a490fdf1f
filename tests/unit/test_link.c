/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "peer.h"

#define MESSAGES_MAX 16

/* What a message's arrival does, besides being noted. */
enum reaction { KEEP, CLOSE, ASK_AGAIN, REST };

static struct {
	struct ev_loop *loop;
	struct peer peer;
	int fd; /* the accepted side; -1: not yet */
	struct link *link;
	enum reaction reaction;
	unsigned count;
	size_t lens[MESSAGES_MAX];
	uint8_t first[MESSAGES_MAX]; /* octet of each message */
	bool has_message, has_failed;
	enum link_failure why;
	char reason[128];
} t;

static const struct link_limits no_limits;

static int
start(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.fd = -1;
	t.loop = ev_loop_new(EVFLAG_AUTO);
	peer_open(&t.peer, 5);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	link_close(t.link);
	if (t.fd >= 0) {
		close(t.fd);
	}
	peer_close(&t.peer);
	ev_loop_destroy(t.loop);
	return 0;
}

static void
on_failed(void *arg, enum link_failure why, const char *reason)
{
	assert_ptr_equal(arg, &t);
	assert_false(t.has_failed);
	t.has_failed = true;
	t.why = why;
	strncpy(t.reason, reason, sizeof(t.reason) - 1);
	link_close(t.link);
	t.link = NULL;
}

static void on_message(void *arg, uint8_t *msg, size_t len);

static const struct link_user user = {on_message, on_failed, &t};

static void
on_message(void *arg, uint8_t *msg, size_t len)
{
	assert_ptr_equal(arg, &t);
	assert_true(t.count < MESSAGES_MAX);
	t.first[t.count] = len > 0 ? msg[0] : 0;
	t.lens[t.count++] = len;
	t.has_message = true;
	if (len > 0) {
		memset(msg, 0xff, len); /* as it may */
	}
	switch (t.reaction) {
	case KEEP:
		break;
	case CLOSE:
		link_close(t.link);
		t.link = NULL;
		break;
	case ASK_AGAIN:
		link_use(t.link, &user, &no_limits);
		assert_int_equal(link_send(t.link, (const uint8_t *)"again", 5),
				 SECD_OK);
		t.reaction = KEEP;
		break;
	case REST:
		link_rest(t.link, &user);
		break;
	}
}

static void
open_link(const struct link_limits *limits)
{
	const char *reason;

	assert_int_equal(
	    link_open(t.loop, &t.peer.address, NULL, &t.link, &reason),
	    SECD_OK);
	link_use(t.link, &user, limits);
}

static void
say(const char *text)
{
	assert_int_equal(link_send(t.link, (const uint8_t *)text, strlen(text)),
			 SECD_OK);
}

/* A connection over which a question went out. */
static void
ask(const struct link_limits *limits)
{
	open_link(limits);
	say("question");
	t.fd = peer_accept(&t.peer);
	peer_run_pending(t.loop);
	peer_expect_message(t.fd, "question");
}

/* The question is out and its first answer there before the time runs: it is
 * short, and a machine under load may be slow. */
static void
ask_and_limit(const struct link_limits *limits)
{
	ask(&no_limits);
	peer_write_message(t.fd, "x", 1);
	link_use(t.link, &user, limits);
}

static void
run_until_message(void)
{
	peer_run_until(t.loop, &t.has_message);
	t.has_message = false;
}

static void
expect_failure(enum link_failure why, const char *reason)
{
	peer_run_until(t.loop, &t.has_failed);
	assert_int_equal(t.why, why);
	assert_string_equal(t.reason, reason);
}

static void
a_question_goes_out_and_its_answer_comes_back(void **state)
{
	(void)state;
	ask(&no_limits);
	peer_write_message(t.fd, "answer", 6);
	run_until_message();
	assert_int_equal(t.count, 1);
	assert_int_equal(t.lens[0], 6);
	assert_int_equal(t.first[0], 'a');
}

static void
what_is_sent_before_the_connection_stands_is_sent_then(void **state)
{
	(void)state;
	open_link(&no_limits);
	say("first");
	say("second");
	t.fd = peer_accept(&t.peer);
	peer_run_pending(t.loop);
	peer_expect_message(t.fd, "first");
	peer_expect_message(t.fd, "second");
	say("third");
	peer_run_pending(t.loop);
	peer_expect_message(t.fd, "third");
}

static void
a_message_may_come_octet_by_octet(void **state)
{
	static const char octets[] = "\0\6answer";

	(void)state;
	ask(&no_limits);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(t.count, 0);
		peer_write(t.fd, octets + i, 1);
		peer_run_pending(t.loop);
	}
	assert_int_equal(t.count, 1);
	assert_int_equal(t.lens[0], 6);
}

static void
many_messages_may_come_at_once(void **state)
{
	static const char octets[] = "\0\2ab\0\0\0\1c\0\3d";

	(void)state;
	ask(&no_limits);
	peer_write(t.fd, octets, 12);
	run_until_message();
	assert_int_equal(t.count, 3);
	assert_int_equal(t.lens[0], 2);
	assert_int_equal(t.lens[1], 0);
	assert_int_equal(t.lens[2], 1);
	peer_write(t.fd, "ef", 2);
	run_until_message();
	assert_int_equal(t.count, 4);
	assert_int_equal(t.first[3], 'd');
}

static void
the_largest_message_arrives(void **state)
{
	uint8_t *large = calloc(1, 65535);

	(void)state;
	assert_non_null(large);
	large[0] = 'x';
	ask(&no_limits);
	for (int i = 0; i < 3; i++) {
		peer_write_message(t.fd, large, 65535);
		while (t.count <= (unsigned)i) {
			run_until_message();
		}
		assert_int_equal(t.lens[i], 65535);
		assert_int_equal(t.first[i], 'x');
	}
	free(large);
}

static void
a_port_without_a_listener_is_told(void **state)
{
	(void)state;
	peer_close(&t.peer);
	open_link(&no_limits);
	say("question");
	expect_failure(LINK_CONNECT, "connection refused");
}

static void
a_connection_that_does_not_come_about_has_a_deadline(void **state)
{
	const struct link_limits limits = {.connect_ms = 30};
	int waiting[2];

	(void)state;
	peer_close(&t.peer);
	peer_open(&t.peer, 0);
	/* These two fill the queue; no further one is answered. */
	waiting[0] = peer_connect(&t.peer.address);
	waiting[1] = -1;
	open_link(&no_limits);
	peer_run_pending(t.loop);
	link_close(t.link);
	open_link(&limits);
	peer_run_pending(t.loop);
	if (!t.has_failed) {
		expect_failure(LINK_CONNECT, "connection timed out");
	}
	close(waiting[0]);
}

static void
silence_has_a_deadline(void **state)
{
	const struct link_limits limits = {.connect_ms = 60000,
					   .silence_ms = 30};

	(void)state;
	ask(&limits);
	expect_failure(LINK_TIMEOUT, "no answer in time");
}

static void
the_limit_of_silence_can_be_changed(void **state)
{
	const struct link_limits limits = {.silence_ms = 1000000};

	(void)state;
	ask(&limits);
	link_set_silence(t.link, 20);
	expect_failure(LINK_TIMEOUT, "no answer in time");
}

static void
one_use_has_a_deadline_whatever_comes(void **state)
{
	const struct link_limits limits = {.silence_ms = 60000, .total_ms = 50};

	(void)state;
	ask_and_limit(&limits);
	run_until_message();
	expect_failure(LINK_LIMIT, "the transfer takes longer than allowed");
}

static void
a_transfer_below_its_rate_is_ended(void **state)
{
	const struct link_limits limits = {
	    .silence_ms = 60000, .octets_per_s = 1000, .rate_window_ms = 50};

	(void)state;
	ask_and_limit(&limits);
	run_until_message();
	expect_failure(LINK_LIMIT, "the transfer is slower than allowed");
}

static void
a_deadline_ends_with_its_use(void **state)
{
	const struct link_limits limits = {.silence_ms = 20, .total_ms = 20};

	(void)state;
	t.reaction = REST;
	ask_and_limit(&limits);
	run_until_message();
	peer_run_for(t.loop, 40);
	assert_false(t.has_failed);
}

static void
more_octets_than_allowed_end_it(void **state)
{
	const struct link_limits limits = {.octets = 9};

	(void)state;
	ask(&limits);
	peer_write_message(t.fd, "1234567", 7);
	run_until_message();
	peer_write(t.fd, "", 1);
	expect_failure(LINK_LIMIT, "the transfer is larger than allowed");
}

static void
the_end_of_the_connection_is_told(void **state)
{
	(void)state;
	ask(&no_limits);
	peer_write(t.fd, "\0\6answ", 6);
	close(t.fd);
	t.fd = -1;
	expect_failure(LINK_CLOSED, "connection closed by the other side");
	assert_int_equal(t.count, 0);
}

static void
what_came_before_the_end_is_delivered(void **state)
{
	(void)state;
	ask(&no_limits);
	peer_write_message(t.fd, "answer", 6);
	close(t.fd);
	t.fd = -1;
	expect_failure(LINK_CLOSED, "connection closed by the other side");
	assert_int_equal(t.count, 1);
}

static void
a_reset_is_told(void **state)
{
	(void)state;
	ask(&no_limits);
	peer_reset(t.fd);
	t.fd = -1;
	expect_failure(LINK_CLOSED, "connection reset");
}

static void
the_user_may_close_while_a_message_is_delivered(void **state)
{
	(void)state;
	t.reaction = CLOSE;
	ask(&no_limits);
	peer_write(t.fd, "\0\1a\0\1b\0\1c", 9);
	run_until_message();
	peer_run_pending(t.loop);
	assert_int_equal(t.count, 1);
	peer_expect_end(t.fd);
}

static void
the_user_may_ask_again_while_a_message_is_delivered(void **state)
{
	(void)state;
	t.reaction = ASK_AGAIN;
	ask(&no_limits);
	peer_write_message(t.fd, "answer", 6);
	run_until_message();
	peer_run_pending(t.loop);
	peer_expect_message(t.fd, "again");
	peer_write_message(t.fd, "second", 6);
	run_until_message();
	assert_int_equal(t.count, 2);
	assert_false(t.has_failed);
}

static void
octets_behind_an_answer_are_not_the_next_one(void **state)
{
	(void)state;
	t.reaction = ASK_AGAIN;
	ask(&no_limits);
	peer_write(t.fd, "\0\1a\0\1b", 6);
	expect_failure(LINK_CLOSED, "more data than was asked for");
	assert_int_equal(t.count, 1);
}

static void
a_link_at_rest_takes_not_one_octet(void **state)
{
	(void)state;
	t.reaction = REST;
	ask(&no_limits);
	peer_write_message(t.fd, "answer", 6);
	run_until_message();
	assert_false(t.has_failed);
	peer_write(t.fd, "\0", 1);
	expect_failure(LINK_CLOSED, "data that was not asked for");
}

static void
a_link_at_rest_notices_the_end(void **state)
{
	(void)state;
	t.reaction = REST;
	ask(&no_limits);
	peer_write_message(t.fd, "answer", 6);
	run_until_message();
	close(t.fd);
	t.fd = -1;
	expect_failure(LINK_CLOSED, "connection closed by the other side");
}

static void
a_connection_leaves_from_the_address_that_is_given(void **state)
{
	struct sockaddr_storage via = {0}, from = {0};
	struct sockaddr_in *in = (void *)&via;
	socklen_t len = sizeof(from);
	const char *reason;

	(void)state;
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr("127.0.0.77");
	assert_int_equal(
	    link_open(t.loop, &t.peer.address, &via, &t.link, &reason),
	    SECD_OK);
	t.fd = peer_accept(&t.peer);
	assert_int_equal(getpeername(t.fd, (void *)&from, &len), 0);
	in = (void *)&from;
	assert_int_equal(in->sin_addr.s_addr, inet_addr("127.0.0.77"));
}

static void
an_address_that_is_not_ours_is_told_at_once(void **state)
{
	struct sockaddr_storage via = {0};
	struct sockaddr_in *in = (void *)&via;
	const char *reason;

	(void)state;
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr("192.0.2.1");
	assert_int_equal(
	    link_open(t.loop, &t.peer.address, &via, &t.link, &reason),
	    SECD_EIO);
	assert_string_equal(reason, "the source address is not available");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_question_goes_out_and_its_answer_comes_back),
	    TEST(what_is_sent_before_the_connection_stands_is_sent_then),
	    TEST(a_message_may_come_octet_by_octet),
	    TEST(many_messages_may_come_at_once),
	    TEST(the_largest_message_arrives),
	    TEST(a_port_without_a_listener_is_told),
	    TEST(a_connection_that_does_not_come_about_has_a_deadline),
	    TEST(silence_has_a_deadline),
	    TEST(the_limit_of_silence_can_be_changed),
	    TEST(one_use_has_a_deadline_whatever_comes),
	    TEST(a_transfer_below_its_rate_is_ended),
	    TEST(a_deadline_ends_with_its_use),
	    TEST(more_octets_than_allowed_end_it),
	    TEST(the_end_of_the_connection_is_told),
	    TEST(what_came_before_the_end_is_delivered),
	    TEST(a_reset_is_told),
	    TEST(the_user_may_close_while_a_message_is_delivered),
	    TEST(the_user_may_ask_again_while_a_message_is_delivered),
	    TEST(octets_behind_an_answer_are_not_the_next_one),
	    TEST(a_link_at_rest_takes_not_one_octet),
	    TEST(a_link_at_rest_notices_the_end),
	    TEST(a_connection_leaves_from_the_address_that_is_given),
	    TEST(an_address_that_is_not_ours_is_told_at_once),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
