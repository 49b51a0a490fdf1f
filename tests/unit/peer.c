/* SPDX-License-Identifier: BSD-2-Clause */

#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/octets.h"

#define LIMIT_S  10
#define LIMIT_MS (LIMIT_S * 1000)

void
peer_open(struct peer *p, int backlog)
{
	struct sockaddr_in *in = (void *)&p->address;
	socklen_t len = sizeof(*in);

	memset(p, 0, sizeof(*p));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->listener >= 0);
	assert_int_equal(bind(p->listener, (void *)in, len), 0);
	assert_int_equal(listen(p->listener, backlog), 0);
	assert_int_equal(getsockname(p->listener, (void *)in, &len), 0);
}

void
peer_close(struct peer *p)
{
	if (p->listener >= 0) {
		close(p->listener);
		p->listener = -1;
	}
}

static void
limit_waits(int fd)
{
	struct timeval limit = {LIMIT_S, 0};
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
}

bool
peer_has_connection(const struct peer *p)
{
	struct pollfd fd = {.fd = p->listener, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

int
peer_accept(const struct peer *p)
{
	struct pollfd wait = {.fd = p->listener, .events = POLLIN};
	int fd;

	assert_int_equal(poll(&wait, 1, LIMIT_MS), 1);
	fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	limit_waits(fd);
	return fd;
}

int
peer_connect(const struct sockaddr_storage *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	limit_waits(fd);
	assert_int_equal(connect(fd, (const struct sockaddr *)to,
				 sizeof(struct sockaddr_in)),
			 0);
	return fd;
}

void
peer_write(int fd, const void *octets, size_t len)
{
	const uint8_t *p = octets;

	while (len > 0) {
		ssize_t put = send(fd, p, len, MSG_NOSIGNAL);

		assert_true(put > 0);
		p += put;
		len -= (size_t)put;
	}
}

void
peer_write_message(int fd, const void *octets, size_t len)
{
	uint8_t prefix[2];

	put_u16(prefix, (uint16_t)len);
	peer_write(fd, prefix, 2);
	peer_write(fd, octets, len);
}

/* False at the end, when it comes before the first octet. */
static bool
read_whole(int fd, uint8_t *out, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = recv(fd, out + got, len - got, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			assert_int_equal(got, 0);
			return false;
		}
		assert_true(n > 0);
		got += (size_t)n;
	}
	return true;
}

long
peer_read_message(int fd, uint8_t *out)
{
	uint8_t prefix[2];
	size_t len;

	if (!read_whole(fd, prefix, 2)) {
		return -1;
	}
	len = get_u16(prefix);
	assert_true(len == 0 || read_whole(fd, out, len));
	return (long)len;
}

void
peer_expect_message(int fd, const char *text)
{
	static uint8_t msg[65535];
	long len = peer_read_message(fd, msg);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(msg, text, (size_t)len);
}

void
peer_expect_end(int fd)
{
	uint8_t msg[1];

	assert_int_equal(peer_read_message(fd, msg), -1);
}

void
peer_reset(int fd)
{
	struct linger at_once = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void
on_limit(struct ev_loop *loop, ev_timer *timer, int events)
{
	bool *is_late = timer->data;

	(void)events;
	*is_late = true;
	ev_break(loop, EVBREAK_ALL);
}

void
peer_run_until(struct ev_loop *loop, const bool *flag)
{
	bool is_late = false;
	ev_timer limit;

	ev_timer_init(&limit, on_limit, LIMIT_S, 0.0);
	limit.data = &is_late;
	ev_timer_start(loop, &limit);
	while (!*flag && !is_late) {
		ev_run(loop, EVRUN_ONCE);
	}
	ev_timer_stop(loop, &limit);
	assert_false(is_late);
}

static void
on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
	bool *is_over = timer->data;

	(void)loop;
	(void)events;
	*is_over = true;
}

void
peer_run_for(struct ev_loop *loop, int64_t ms)
{
	bool is_over = false;
	ev_timer timer;

	ev_now_update(loop);
	ev_timer_init(&timer, on_time, (double)ms / 1000.0, 0.0);
	timer.data = &is_over;
	ev_timer_start(loop, &timer);
	while (!is_over) {
		ev_run(loop, EVRUN_ONCE);
	}
}

void
peer_run_pending(struct ev_loop *loop)
{
	for (int i = 0; i < 10; i++) {
		ev_run(loop, EVRUN_NOWAIT);
	}
}
