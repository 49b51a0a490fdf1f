/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/container.h"
#include "base/error.h"
#include "peer.h"

#define ASKERS_MAX 40
#define PEERS      4

struct asker {
	struct pool_request request;
	unsigned number;
	struct link *link;
	bool has_failed;
	const char *reason;
};

static struct ev_loop *loop;
static struct pool *pool;
static struct peer peers[PEERS];
static struct asker askers[ASKERS_MAX];
/* Who was served, in order. */
static unsigned served[ASKERS_MAX], served_count;
static bool link_failed;

static void
on_message(void *arg, uint8_t *msg, size_t len)
{
	(void)arg;
	(void)msg;
	(void)len;
}

static void
on_link_failed(void *arg, enum link_failure why, const char *reason)
{
	(void)arg;
	(void)why;
	(void)reason;
	link_failed = true;
}

static void
on_ready(struct pool_request *r, struct link *l)
{
	static const struct link_limits limits;
	struct asker *a = container_of(r, struct asker, request);
	struct link_user user = {on_message, on_link_failed, a};

	link_use(l, &user, &limits);
	a->link = l;
	served[served_count++] = a->number;
}

static void
on_failed(struct pool_request *r, const char *reason)
{
	struct asker *a = container_of(r, struct asker, request);

	a->has_failed = true;
	a->reason = reason;
}

static int
start(void **state)
{
	(void)state;
	memset(askers, 0, sizeof(askers));
	served_count = 0;
	link_failed = false;
	for (unsigned i = 0; i < ASKERS_MAX; i++) {
		askers[i].number = i;
		askers[i].request.ready = on_ready;
		askers[i].request.failed = on_failed;
	}
	for (int i = 0; i < PEERS; i++) {
		peer_open(&peers[i], 50);
	}
	loop = ev_loop_new(EVFLAG_AUTO);
	return pool_new(loop, 4, 2, &pool);
}

static void
release(unsigned i, bool reusable)
{
	struct link *l = askers[i].link;

	askers[i].link = NULL;
	pool_release(pool, &askers[i].request, l, reusable);
}

static int
stop(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ASKERS_MAX; i++) {
		pool_cancel(pool, &askers[i].request);
	}
	for (unsigned i = 0; i < ASKERS_MAX; i++) {
		if (askers[i].link != NULL) {
			release(i, false);
		}
	}
	pool_free(pool);
	ev_loop_destroy(loop);
	for (int i = 0; i < PEERS; i++) {
		peer_close(&peers[i]);
	}
	return 0;
}

static void
ask(unsigned i, unsigned peer)
{
	assert_int_equal(
	    pool_ask(pool, &askers[i].request, &peers[peer].address, NULL),
	    SECD_OK);
}

static void
turn(void)
{
	peer_run_pending(loop);
}

static void
expect_served(unsigned count)
{
	turn();
	assert_int_equal(served_count, count);
}

static void
a_link_is_given_from_the_loop_only(void **state)
{
	(void)state;
	ask(0, 0);
	assert_int_equal(served_count, 0);
	expect_served(1);
	assert_non_null(askers[0].link);
}

static void
one_address_gets_no_more_than_its_share(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		ask(i, 0);
	}
	expect_served(2);
	release(1, false);
	expect_served(3);
	release(0, false);
	release(2, false);
	expect_served(5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(served[i], i);
	}
}

static void
all_together_get_no_more_than_the_total(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		ask(i, i % 3);
	}
	expect_served(4);
	release(served[0], false);
	expect_served(5);
}

static void
addresses_are_served_in_turn(void **state)
{
	unsigned of_peer[PEERS] = {0};

	(void)state;
	/* The first two alone could fill the total for a long time. */
	for (unsigned i = 0; i < 40; i++) {
		ask(i, i % PEERS);
	}
	expect_served(4);
	for (unsigned k = 0; k < 16; k++) {
		release(served[k], false);
		expect_served(5 + k);
	}
	for (unsigned k = 0; k < served_count; k++) {
		of_peer[served[k] % PEERS]++;
	}
	for (unsigned p = 0; p < PEERS; p++) {
		assert_int_equal(of_peer[p], 5);
	}
}

static void
a_good_link_is_used_again(void **state)
{
	struct link *first;

	(void)state;
	ask(0, 0);
	expect_served(1);
	first = askers[0].link;
	release(0, true);
	ask(1, 0);
	expect_served(2);
	assert_ptr_equal(askers[1].link, first);
}

static void
a_bad_link_is_not_used_again(void **state)
{
	int fd;

	(void)state;
	ask(0, 0);
	expect_served(1);
	fd = peer_accept(&peers[0]);
	release(0, false);
	peer_expect_end(fd);
	close(fd);
	ask(1, 0);
	expect_served(2);
	close(peer_accept(&peers[0]));
}

static void
a_link_to_another_address_is_not_taken(void **state)
{
	struct link *first;

	(void)state;
	ask(0, 0);
	expect_served(1);
	first = askers[0].link;
	release(0, true);
	ask(1, 1);
	expect_served(2);
	assert_ptr_not_equal(askers[1].link, first);
}

static void
an_idle_link_that_the_primary_closed_is_not_given(void **state)
{
	int fd;

	(void)state;
	ask(0, 0);
	expect_served(1);
	fd = peer_accept(&peers[0]);
	release(0, true);
	close(fd);
	turn();
	ask(1, 0);
	expect_served(2);
	/* A connection of its own. */
	close(peer_accept(&peers[0]));
	assert_false(link_failed);
}

static void
an_idle_link_that_something_came_over_is_not_given(void **state)
{
	int fd;

	(void)state;
	ask(0, 0);
	expect_served(1);
	fd = peer_accept(&peers[0]);
	turn(); /* it is connected */
	release(0, true);
	peer_write(fd, "\0", 1);
	turn();
	ask(1, 0);
	expect_served(2);
	close(peer_accept(&peers[0]));
	close(fd);
	assert_false(link_failed);
}

static void
few_idle_links_are_kept(void **state)
{
	int fds[4];

	(void)state;
	pool_set_limits(pool, 4, 4);
	for (unsigned i = 0; i < 4; i++) {
		ask(i, 0);
	}
	expect_served(4);
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = peer_accept(&peers[0]);
	}
	for (unsigned i = 0; i < 4; i++) {
		release(i, true);
	}
	/* Two of the four are closed. */
	peer_expect_end(fds[2]);
	peer_expect_end(fds[3]);
	for (unsigned i = 0; i < 4; i++) {
		close(fds[i]);
	}
	turn();
}

static void
links_that_are_waited_for_are_all_kept(void **state)
{
	struct link *first[4];

	(void)state;
	pool_set_limits(pool, 4, 4);
	for (unsigned i = 0; i < 8; i++) {
		ask(i, 0);
	}
	expect_served(4);
	for (unsigned i = 0; i < 4; i++) {
		first[i] = askers[i].link;
		release(i, true);
	}
	expect_served(8);
	for (unsigned i = 0; i < 4; i++) {
		assert_ptr_equal(askers[7 - i].link, first[i]);
	}
}

static void
a_request_can_be_taken_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		ask(i, 0);
	}
	pool_cancel(pool, &askers[1].request);
	pool_cancel(pool, &askers[3].request);
	expect_served(2);
	assert_int_equal(served[0], 0);
	assert_int_equal(served[1], 2);
	ask(1, 0);
	release(0, false);
	expect_served(3);
	assert_int_equal(served[2], 1);
}

static void
who_cannot_connect_at_all_is_told(void **state)
{
	struct sockaddr_storage via = {0};
	struct sockaddr_in *in = (void *)&via;

	(void)state;
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr("192.0.2.1");
	assert_int_equal(
	    pool_ask(pool, &askers[0].request, &peers[0].address, &via),
	    SECD_OK);
	assert_false(askers[0].has_failed);
	ask(1, 0);
	expect_served(1);
	assert_true(askers[0].has_failed);
	assert_string_equal(askers[0].reason,
			    "the source address is not available");
	/* It holds no place. */
	ask(2, 0);
	expect_served(3 - 1);
}

static void
more_room_is_used_at_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		ask(i, 0);
	}
	expect_served(2);
	pool_set_limits(pool, 10, 5);
	expect_served(5);
	pool_set_limits(pool, 1, 1);
	release(0, false);
	expect_served(5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_link_is_given_from_the_loop_only),
	    TEST(one_address_gets_no_more_than_its_share),
	    TEST(all_together_get_no_more_than_the_total),
	    TEST(addresses_are_served_in_turn),
	    TEST(a_good_link_is_used_again),
	    TEST(a_bad_link_is_not_used_again),
	    TEST(a_link_to_another_address_is_not_taken),
	    TEST(an_idle_link_that_the_primary_closed_is_not_given),
	    TEST(an_idle_link_that_something_came_over_is_not_given),
	    TEST(few_idle_links_are_kept),
	    TEST(links_that_are_waited_for_are_all_kept),
	    TEST(a_request_can_be_taken_back),
	    TEST(who_cannot_connect_at_all_is_told),
	    TEST(more_room_is_used_at_once),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
