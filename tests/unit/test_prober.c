/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/prober.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/octets.h"
#include "forge.h"
#include "front.h"
#include "peer.h"
#include "wire/query.h"

#define MANY 50

static struct ev_loop *loop;
static struct prober *prober;
static struct tsig_key *key;
static struct peer tcp;
static int udp; /* at the same address and port */
static struct prober_order orders[MANY];
static struct probe_result result;
static bool is_done;
static unsigned done_count;

/* What came last, and from where. */
static struct message m;
static struct sockaddr_storage sender;

static void
on_done(struct prober_order *o, const struct probe_result *r)
{
	assert_true(o >= orders && o < orders + MANY);
	result = *r;
	is_done = true;
	done_count++;
}

static int
start(void **state)
{
	(void)state;
	loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(prober_new(loop, &prober), SECD_OK);
	key = forge_key(TSIG_HMAC_SHA256);
	peer_open(&tcp, 10);
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(udp, (void *)&tcp.address, sizeof(struct sockaddr_in)), 0);
	is_done = false;
	done_count = 0;
	for (int i = 0; i < MANY; i++) {
		memset(&orders[i], 0, sizeof(orders[i]));
		orders[i].to = tcp.address;
		memcpy(orders[i].zone, "\7example", 9);
		orders[i].key = key;
		orders[i].timeout_ms = 10000;
		orders[i].done = on_done;
	}
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	prober_stop(prober);
	prober_free(prober);
	tsig_key_unref(key);
	ev_loop_destroy(loop);
	peer_close(&tcp);
	if (udp >= 0) {
		close(udp);
	}
	return 0;
}

static void
begin(void)
{
	prober_start(prober, &orders[0]);
	peer_run_pending(loop);
}

static void
expect(enum probe_outcome outcome)
{
	peer_run_until(loop, &is_done);
	peer_run_pending(loop);
	assert_int_equal(done_count, 1);
	assert_int_equal(result.outcome, outcome);
}

/* Make the answer of a server that has the key: a signed REFUSED. */
static void
make_answer(uint16_t flags)
{
	struct tsig_transaction t;
	struct tsig_place place;

	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	assert_int_equal(tsig_verify_request(&t, key, m.wire, &m.len, &place,
					     clock_wall_s()),
			 TSIG_GOOD);
	put_u16(m.wire + 2, (uint16_t)(HEADER_QR | flags | RCODE_REFUSED));
	assert_int_equal(tsig_sign_answer(&t, m.wire, &m.len, sizeof(m.wire),
					  clock_wall_s()),
			 SECD_OK);
	tsig_transaction_fini(&t);
}

static void
receive_udp(void)
{
	socklen_t len = sizeof(sender);
	ssize_t got;

	for (int i = 0; i < 1000; i++) {
		got = recvfrom(udp, m.wire, sizeof(m.wire), MSG_DONTWAIT,
			       (void *)&sender, &len);
		if (got > 0) {
			m.len = (size_t)got;
			return;
		}
		peer_run_for(loop, 1);
	}
	fail_msg("nothing came");
}

static void
send_udp(int fd)
{
	assert_int_equal(sendto(fd, m.wire, m.len, 0, (void *)&sender,
				sizeof(struct sockaddr_in)),
			 m.len);
}

static void
it_is_asked_over_udp(void **state)
{
	(void)state;
	begin();
	receive_udp();
	make_answer(0);
	send_udp(udp);
	expect(PROBE_VERIFIED);
	assert_int_equal(result.rcode, RCODE_REFUSED);
	assert_false(peer_has_connection(&tcp));
}

static void
what_is_lost_is_sent_again(void **state)
{
	(void)state;
	begin();
	receive_udp();
	peer_run_for(loop, 1050);
	receive_udp();
	make_answer(0);
	send_udp(udp);
	expect(PROBE_VERIFIED);
	assert_in_range(result.took_ms, 1000, 5000);
}

static void
an_answer_from_elsewhere_is_not_heard(void **state)
{
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	begin();
	receive_udp();
	make_answer(0);
	send_udp(other);
	close(other);
	peer_run_for(loop, 20);
	assert_false(is_done);
	send_udp(udp);
	expect(PROBE_VERIFIED);
}

static void
receive_tcp(int fd)
{
	long len = peer_read_message(fd, m.wire);

	assert_true(len > 0);
	m.len = (size_t)len;
}

static int
accept_tcp(void)
{
	for (int i = 0; i < 1000 && !peer_has_connection(&tcp); i++) {
		peer_run_for(loop, 1);
	}
	return peer_accept(&tcp);
}

static void
a_truncated_answer_leads_to_tcp(void **state)
{
	int fd;

	(void)state;
	begin();
	receive_udp();
	make_answer(HEADER_TC);
	send_udp(udp);
	fd = accept_tcp();
	peer_run_for(loop, 5);
	receive_tcp(fd);
	make_answer(0);
	peer_write_message(fd, m.wire, m.len);
	expect(PROBE_VERIFIED);
	peer_expect_end(fd);
	close(fd);
}

static void
it_is_asked_over_tcp_when_that_is_wanted(void **state)
{
	int fd;

	(void)state;
	orders[0].is_tcp = true;
	begin();
	fd = accept_tcp();
	peer_run_for(loop, 5);
	receive_tcp(fd);
	make_answer(0);
	peer_write_message(fd, m.wire, m.len);
	expect(PROBE_VERIFIED);
	close(fd);
	assert_int_equal(recv(udp, m.wire, sizeof(m.wire), MSG_DONTWAIT), -1);
}

static void
a_connection_that_is_closed_is_silence(void **state)
{
	int fd;

	(void)state;
	orders[0].is_tcp = true;
	begin();
	fd = accept_tcp();
	peer_run_for(loop, 5);
	receive_tcp(fd);
	close(fd);
	expect(PROBE_SILENT);
}

static void
nobody_there_is_unreachable(void **state)
{
	(void)state;
	close(udp);
	udp = -1;
	peer_close(&tcp);
	begin();
	expect(PROBE_UNREACHABLE);
	is_done = false;
	done_count = 0;
	orders[0].is_tcp = true;
	begin();
	expect(PROBE_UNREACHABLE);
}

/* So the system says at once, of an address for all. */
static void
what_no_host_may_be_is_unreachable(void **state)
{
	(void)state;
	orders[0].to = front_address("127.255.255.255", 53);
	begin();
	expect(PROBE_UNREACHABLE);
	is_done = false;
	done_count = 0;
	orders[0].is_tcp = true;
	begin();
	expect(PROBE_UNREACHABLE);
}

static void
no_answer_in_time_is_silence(void **state)
{
	(void)state;
	orders[0].timeout_ms = 50;
	begin();
	expect(PROBE_SILENT);
	assert_in_range(result.took_ms, 50, 5000);
	is_done = false;
	done_count = 0;
	orders[0].is_tcp = true;
	begin();
	expect(PROBE_SILENT);
}

static void
it_leaves_from_where_it_is_told(void **state)
{
	(void)state;
	orders[0].from = front_address("127.0.0.88", 0);
	begin();
	receive_udp();
	assert_true(address_same_host(&sender, &orders[0].from));
	make_answer(0);
	send_udp(udp);
	expect(PROBE_VERIFIED);
}

static void
an_address_that_is_not_ours_fails_on_our_side(void **state)
{
	(void)state;
	orders[0].from = front_address("192.0.2.1", 0);
	prober_start(prober, &orders[0]);
	expect(PROBE_FAILED);
	is_done = false;
	done_count = 0;
	orders[0].is_tcp = true;
	prober_start(prober, &orders[0]);
	expect(PROBE_FAILED);
}

static void
each_of_many_is_done_once(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++) {
		orders[i].is_tcp = i % 2 == 0;
		prober_start(prober, &orders[i]);
	}
	for (int i = 0; i < MANY / 2; i++) {
		receive_udp();
		make_answer(0);
		send_udp(udp);
	}
	for (int i = 0; i < 1000 && done_count < MANY / 2; i++) {
		peer_run_for(loop, 1);
	}
	assert_int_equal(done_count, MANY / 2);
	assert_int_equal(result.outcome, PROBE_VERIFIED);
	/* Those that run when it ends have failed. */
	prober_stop(prober);
	assert_int_equal(done_count, MANY);
	assert_int_equal(result.outcome, PROBE_FAILED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(it_is_asked_over_udp),
	    TEST(what_is_lost_is_sent_again),
	    TEST(an_answer_from_elsewhere_is_not_heard),
	    TEST(a_truncated_answer_leads_to_tcp),
	    TEST(it_is_asked_over_tcp_when_that_is_wanted),
	    TEST(a_connection_that_is_closed_is_silence),
	    TEST(nobody_there_is_unreachable),
	    TEST(what_no_host_may_be_is_unreachable),
	    TEST(no_answer_in_time_is_silence),
	    TEST(it_leaves_from_where_it_is_told),
	    TEST(an_address_that_is_not_ours_fails_on_our_side),
	    TEST(each_of_many_is_done_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
