/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/octets.h"

#define MESSAGE_MAX 65535
/* A primary that sends fast gets the loop back to others after this much. */
#define READS_PER_TURN 8

struct link {
	struct ev_loop *loop;
	int fd;
	bool connected;
	bool is_resting; /* nothing is awaited */
	ev_io readable, writable;
	ev_timer deadline; /* connect, then silence */
	ev_timer total;
	ev_timer rate;
	struct link_user user;
	struct link_limits limits;
	uint64_t octets;        /* received in this use */
	uint64_t window_octets; /* of those, before the rate's last look */
	struct buf out;
	size_t out_pos;
	size_t in_len;
	uint64_t turn;     /* changes when the link is given to another use */
	bool *closed_flag; /* set while a callback runs */
	uint8_t in[2 + MESSAGE_MAX];
};

static void
fail(struct link *l, enum link_failure why, const char *reason)
{
	ev_io_stop(l->loop, &l->readable);
	ev_io_stop(l->loop, &l->writable);
	ev_timer_stop(l->loop, &l->deadline);
	ev_timer_stop(l->loop, &l->total);
	ev_timer_stop(l->loop, &l->rate);
	l->user.failed(l->user.arg, why, reason);
}

static const char *
reason_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case ECONNRESET:
		return "connection reset";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "no route to the address";
	case ETIMEDOUT:
		return "connection timed out";
	case EPIPE:
		return "connection closed by the other side";
	default:
		return "network error";
	}
}

static void
on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct link *l = timer->data;

	(void)loop;
	(void)events;
	if (l->connected) {
		fail(l, LINK_TIMEOUT, "no answer in time");
	} else {
		fail(l, LINK_CONNECT, "connection timed out");
	}
}

static void
on_total(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	fail(timer->data, LINK_LIMIT, "the transfer takes longer than allowed");
}

static void
on_rate(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct link *l = timer->data;
	uint64_t got = l->octets - l->window_octets;

	(void)loop;
	(void)events;
	l->window_octets = l->octets;
	if (got * 1000 / (uint64_t)l->limits.rate_window_ms <
	    l->limits.octets_per_s) {
		fail(l, LINK_LIMIT, "the transfer is slower than allowed");
	}
}

static void
await_octets(struct link *l)
{
	l->deadline.repeat = (double)l->limits.silence_ms / 1000.0;
	ev_timer_again(l->loop, &l->deadline);
}

/* Hand over all whole messages; false when the link is gone or in other
 * hands afterwards. */
static bool
deliver(struct link *l)
{
	uint64_t turn = l->turn;
	bool closed = false;
	size_t pos = 0;

	l->closed_flag = &closed;
	while (l->in_len - pos >= 2 &&
	       l->in_len - pos >= 2u + get_u16(l->in + pos)) {
		size_t len = get_u16(l->in + pos);

		l->user.message(l->user.arg, l->in + pos + 2, len);
		if (closed) {
			return false;
		}
		pos += 2 + len;
		if (l->turn != turn && pos < l->in_len) {
			/* The rest belongs to nobody any more. */
			l->closed_flag = NULL;
			fail(l, LINK_CLOSED, "more data than was asked for");
			return false;
		}
	}
	l->closed_flag = NULL;
	memmove(l->in, l->in + pos, l->in_len - pos);
	l->in_len -= pos;
	return l->turn == turn;
}

static bool
read_once(struct link *l)
{
	ssize_t got =
	    recv(l->fd, l->in + l->in_len, sizeof(l->in) - l->in_len, 0);

	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			fail(l, LINK_CLOSED, reason_of(errno));
		}
		return false;
	}
	if (got == 0) {
		fail(l, LINK_CLOSED, "connection closed by the other side");
		return false;
	}
	if (l->is_resting) {
		/* Not even a part of a message, which the next user would get
		 * the rest of. */
		fail(l, LINK_CLOSED, "data that was not asked for");
		return false;
	}
	l->in_len += (size_t)got;
	l->octets += (uint64_t)got;
	if (l->limits.octets != 0 && l->octets > l->limits.octets) {
		fail(l, LINK_LIMIT, "the transfer is larger than allowed");
		return false;
	}
	if (ev_is_active(&l->deadline)) {
		ev_timer_again(l->loop, &l->deadline);
	}
	return deliver(l);
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct link *l = io->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < READS_PER_TURN; i++) {
		if (!read_once(l)) {
			return;
		}
	}
}

static bool
finish_connect(struct link *l)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		fail(l, LINK_CONNECT, reason_of(error));
		return false;
	}
	l->connected = true;
	ev_io_start(l->loop, &l->readable);
	await_octets(l);
	return true;
}

/* Send what there is, as far as it goes; the errno, 0: all of it went. */
static int
send_out(struct link *l)
{
	while (l->out_pos < l->out.len) {
		ssize_t sent = send(l->fd, l->out.data + l->out_pos,
				    l->out.len - l->out_pos, MSG_NOSIGNAL);

		if (sent < 0) {
			return errno;
		}
		l->out_pos += (size_t)sent;
	}
	buf_clear(&l->out);
	l->out_pos = 0;
	return 0;
}

static void
on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	struct link *l = io->data;
	int error;

	(void)events;
	if (!l->connected && !finish_connect(l)) {
		return;
	}
	error = send_out(l);
	if (error == 0) {
		ev_io_stop(loop, &l->writable);
	} else if (error != EAGAIN && error != EINTR) {
		fail(l, LINK_CLOSED, reason_of(error));
	}
}

static int
start_connect(struct link *l, const struct sockaddr_storage *to,
	      const struct sockaddr_storage *via, const char **reason)
{
	socklen_t len = address_len(to);
	int one = 1;

	l->fd = socket(to->ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0) {
		*reason = errno == EMFILE || errno == ENFILE
			      ? "no file descriptor left"
			      : "no socket of this address family";
		return SECD_EIO;
	}
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (via != NULL &&
	    bind(l->fd, (const struct sockaddr *)via, len) != 0) {
		*reason = "the source address is not available";
		return SECD_EIO;
	}
	if (connect(l->fd, (const struct sockaddr *)to, len) != 0 &&
	    errno != EINPROGRESS) {
		*reason = reason_of(errno);
		return SECD_ECLOSED;
	}
	return SECD_OK;
}

int
link_open(struct ev_loop *loop, const struct sockaddr_storage *to,
	  const struct sockaddr_storage *via, struct link **out,
	  const char **reason)
{
	struct link *l = malloc(sizeof(*l));
	int rc;

	*reason = "no memory";
	if (l == NULL) {
		return SECD_ENOMEM;
	}
	memset(l, 0, offsetof(struct link, in));
	l->loop = loop;
	rc = start_connect(l, to, via, reason);
	if (rc != SECD_OK) {
		if (l->fd >= 0) {
			close(l->fd);
		}
		free(l);
		return rc;
	}
	ev_io_init(&l->readable, on_readable, l->fd, EV_READ);
	ev_io_init(&l->writable, on_writable, l->fd, EV_WRITE);
	ev_init(&l->deadline, on_deadline);
	ev_init(&l->total, on_total);
	ev_init(&l->rate, on_rate);
	l->readable.data = l->writable.data = l->deadline.data = l->total.data =
	    l->rate.data = l;
	ev_io_start(loop, &l->writable);
	*out = l;
	return SECD_OK;
}

static void
set_timer(struct link *l, ev_timer *timer, double seconds)
{
	timer->repeat = seconds; /* 0 stops it */
	ev_timer_again(l->loop, timer);
}

void
link_use(struct link *l, const struct link_user *user,
	 const struct link_limits *limits)
{
	l->user = *user;
	l->limits = *limits;
	l->is_resting = false;
	l->turn++;
	l->octets = l->window_octets = 0;
	set_timer(
	    l, &l->deadline,
	    (double)(l->connected ? limits->silence_ms : limits->connect_ms) /
		1000.0);
	set_timer(l, &l->total, (double)limits->total_ms / 1000.0);
	set_timer(l, &l->rate,
		  limits->octets_per_s > 0
		      ? (double)limits->rate_window_ms / 1000.0
		      : 0.0);
}

void
link_set_silence(struct link *l, int64_t silence_ms)
{
	if (silence_ms == l->limits.silence_ms) {
		return; /* every octet that came has set the timer already */
	}
	l->limits.silence_ms = silence_ms;
	if (l->connected) {
		await_octets(l);
	}
}

int
link_send(struct link *l, const uint8_t *msg, size_t len)
{
	uint8_t prefix[2];
	int rc = buf_reserve(&l->out, len + 2);

	if (rc != SECD_OK) {
		return rc;
	}
	put_u16(prefix, (uint16_t)len);
	buf_put(&l->out, prefix, sizeof(prefix));
	buf_put(&l->out, msg, len);
	/* A kept connection takes it at once. Whatever is wrong with it is
	 * told from the loop. */
	if (!l->connected || send_out(l) != 0) {
		ev_io_start(l->loop, &l->writable);
	}
	return SECD_OK;
}

void
link_rest(struct link *l, const struct link_user *user)
{
	static const struct link_limits none = {0};

	link_use(l, user, &none);
	l->is_resting = true;
}

void
link_close(struct link *l)
{
	if (l == NULL) {
		return;
	}
	if (l->closed_flag != NULL) {
		*l->closed_flag = true;
	}
	ev_io_stop(l->loop, &l->readable);
	ev_io_stop(l->loop, &l->writable);
	ev_timer_stop(l->loop, &l->deadline);
	ev_timer_stop(l->loop, &l->total);
	ev_timer_stop(l->loop, &l->rate);
	close(l->fd);
	buf_fini(&l->out);
	free(l);
}
