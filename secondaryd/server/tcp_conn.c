/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/tcp_conn.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/octets.h"
#include "server/transfer_stream.h"

/* A message or its answer has this many times tcp-io-timeout in all; transfers
 * have transfer-max-time. */
#define TOTAL_FACTOR 12

struct tcp_conn {
	struct tcp_conn *next, **prev;
	struct tcp_shared *shared;
	int fd;
	ev_io readable, writable;
	ev_timer timer;
	ev_timer again;   /* when to ask the stream again */
	double active_at; /* octets last went in or out */
	double rest_at;   /* nothing was under way */
	int unacked;      /* octets that the client had not yet, then */
	/* Begun, but not whole yet: kept here only while that is so. */
	struct buf in;
	/* Not taken yet by the client. */
	struct buf out;
	size_t out_pos;
	struct transfer_stream *stream;
	bool is_held; /* the stream has nothing to be sent just now */
	struct sockaddr_storage peer;
};

/* Not ev_now, which is the wall clock: when that is set, no client has waited
 * for longer or shorter than before. */
static double
now_s(void)
{
	return (double)clock_awake_ms() / 1000.0;
}

static void
stop_watching(struct tcp_conn *c)
{
	ev_io_stop(c->shared->loop, &c->readable);
	ev_io_stop(c->shared->loop, &c->writable);
	ev_timer_stop(c->shared->loop, &c->timer);
	ev_timer_stop(c->shared->loop, &c->again);
}

void
tcp_conn_close(struct tcp_conn *c)
{
	stop_watching(c);
	*c->prev = c->next;
	if (c->next != NULL) {
		c->next->prev = c->prev;
	}
	atomic_fetch_sub(c->shared->connections, 1);
	transfer_stream_close(c->stream);
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void
reset(struct tcp_conn *c)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	tcp_conn_close(c);
}

void
tcp_conn_cut(struct tcp_shared *shared)
{
	struct tcp_conn *c = shared->all, *next;

	for (; c != NULL; c = next) {
		next = c->next;
		if (c->stream != NULL &&
		    tsig_key_is_revoked(c->stream->tsig.key)) {
			reset(c);
		}
	}
}

/* Then it is for us to go on, and the client is not late. */
static bool
waits_for_us(const struct tcp_conn *c)
{
	return c->is_held && c->out.len == 0;
}

/* For the client to take what there is, or for that to come. */
static bool
is_waiting(const struct tcp_conn *c)
{
	return c->out.len > 0 || c->stream != NULL;
}

static bool
is_busy(const struct tcp_conn *c)
{
	return c->in.len > 0 || is_waiting(c);
}

/* The kernel says that the socket is writable only when much of its buffer is
 * free again: a slow client that takes a little all the time is seen here. */
static void
look_for_progress(struct tcp_conn *c)
{
	int unacked = 0;

	if (!is_waiting(c) || ioctl(c->fd, SIOCOUTQ, &unacked) != 0) {
		return;
	}
	if (unacked < c->unacked) {
		c->active_at = now_s();
	}
	c->unacked = unacked;
}

static bool
takes_too_long(const struct tcp_conn *c)
{
	if (c->stream != NULL) {
		return clock_awake_ms() > c->stream->deadline_ms;
	}
	return is_busy(c) &&
	       now_s() - c->rest_at > TOTAL_FACTOR * c->shared->io_s;
}

/* The timer is set once and looks back: no timer call for each query. */
static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct tcp_conn *c = timer->data;
	double limit = is_busy(c) ? c->shared->io_s : c->shared->idle_s;
	double left;

	(void)events;
	look_for_progress(c);
	if (waits_for_us(c)) {
		c->active_at = now_s();
	}
	left = c->active_at + limit - now_s();
	if (left <= 0.0 || takes_too_long(c)) {
		tcp_conn_close(c);
		return;
	}
	if (is_waiting(c) && left > limit / 4) {
		left = limit / 4; /* look for progress meanwhile */
	}
	ev_timer_set(timer, left, 0.0);
	ev_timer_start(loop, timer);
}

/* An io timeout may be shorter than what the timer waits for. */
static void
became_busy(struct tcp_conn *c)
{
	c->rest_at = now_s();
	c->unacked = INT_MAX;
	if (ev_timer_remaining(c->shared->loop, &c->timer) > c->shared->io_s) {
		ev_timer_stop(c->shared->loop, &c->timer);
		ev_timer_set(&c->timer, c->shared->io_s, 0.0);
		ev_timer_start(c->shared->loop, &c->timer);
	}
}

/* Send octets; what is not taken now is kept. False: the client is gone. */
static bool
send_or_keep(struct tcp_conn *c, const uint8_t *octets, size_t len)
{
	ssize_t sent = 0;

	if (c->out.len == 0) {
		sent = send(c->fd, octets, len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			return false;
		}
		sent = sent < 0 ? 0 : sent;
	}
	c->active_at = now_s();
	if ((size_t)sent == len) {
		return true;
	}
	return buf_put(&c->out, octets + sent, len - (size_t)sent) == SECD_OK;
}

static bool
flush(struct tcp_conn *c)
{
	struct tcp_shared *s = c->shared;
	size_t len = s->out_len;

	s->out_len = 0;
	return len == 0 || send_or_keep(c, s->out, len);
}

/* For one more message in the shared buffer. */
static bool
has_room(const struct tcp_shared *s)
{
	return sizeof(s->out) - s->out_len >= 2 + TCP_MESSAGE_MAX;
}

static void on_ready(void *arg);

/* The stream will be asked again after some time, or says when. */
static void
hold(struct tcp_conn *c, int wait_ms)
{
	c->is_held = true;
	became_busy(c);
	if (wait_ms >= 0) {
		ev_timer_set(&c->again, wait_ms / 1000.0, 0.0);
		ev_timer_start(c->shared->loop, &c->again);
	} else {
		c->stream->ready = on_ready;
		c->stream->arg = c;
	}
}

/* Is it this stream's turn still? However fast the client takes it, the others
 * on this loop have theirs before the next buffer's worth. */
static bool
may_go_on(const struct tcp_conn *c)
{
	return c->stream != NULL && !c->is_held && !c->stream->is_turn_over &&
	       c->out.len == 0 && has_room(c->shared);
}

static bool
go_on_streaming(struct tcp_conn *c)
{
	struct tcp_shared *s = c->shared;
	size_t len;
	int wait_ms;

	if (c->stream != NULL) {
		c->stream->is_turn_over = false;
	}
	while (may_go_on(c)) {
		uint8_t *to = s->out + s->out_len;
		int rc = transfer_stream_next(c->stream, to + 2,
					      TCP_MESSAGE_MAX, &len, &wait_ms);

		if (rc == SECD_EAGAIN) {
			hold(c, wait_ms);
			continue;
		}
		if (rc != SECD_OK) {
			return false;
		}
		put_u16(to, (uint16_t)len);
		s->out_len += 2 + len;
		if (c->stream->is_done) {
			transfer_stream_close(c->stream);
			c->stream = NULL;
		}
	}
	return flush(c);
}

static bool
answer(struct tcp_conn *c, struct request *r)
{
	struct tcp_shared *s = c->shared;
	uint8_t *to;
	size_t len;

	if (!has_room(s) && !flush(c)) {
		return false;
	}
	to = s->out + s->out_len;
	r->out = to + 2;
	len = dispatch_answer(&s->dispatcher, r);
	if (len > 0) {
		put_u16(to, (uint16_t)len);
		s->out_len += 2 + len;
	}
	return c->stream == NULL || go_on_streaming(c);
}

/* Read the whole messages at the start of some octets, as many as are read at
 * once. Returns their number. */
static unsigned
read_messages(struct tcp_conn *c, uint8_t *octets, size_t len)
{
	struct request *r = c->shared->requests;
	unsigned count = 0;

	while (count < DISPATCH_READ_MAX && len >= 2 &&
	       len - 2 >= get_u16(octets)) {
		r[count].msg = octets + 2;
		r[count].len = get_u16(octets);
		r[count].from = &c->peer;
		r[count].cap = TCP_MESSAGE_MAX;
		r[count].stream = &c->stream;
		octets += 2 + r[count].len;
		len -= 2 + r[count].len;
		count++;
	}
	dispatch_read(&c->shared->dispatcher, r, count);
	return count;
}

/* Answer whole messages; stops while a transfer or answers wait to be taken.
 *
 * used  receives how many octets are done with */
static bool
answer_all(struct tcp_conn *c, uint8_t *octets, size_t len, size_t *used)
{
	struct tcp_shared *s = c->shared;
	unsigned count = 1;

	*used = 0;
	s->dispatcher.root = root_get(&s->dispatcher.frontend->root);
	while (count > 0 && !is_waiting(c)) {
		count = read_messages(c, octets + *used, len - *used);
		for (unsigned i = 0; i < count && !is_waiting(c); i++) {
			size_t msg_len = s->requests[i].len;

			if (!answer(c, &s->requests[i])) {
				return false;
			}
			*used += 2 + msg_len;
		}
	}
	return flush(c);
}

static void
watch(struct tcp_conn *c)
{
	struct ev_loop *loop = c->shared->loop;

	if (waits_for_us(c)) {
		/* Only to notice when the client leaves. */
		ev_io_stop(loop, &c->writable);
		ev_io_start(loop, &c->readable);
	} else if (is_waiting(c)) {
		if (!ev_is_active(&c->writable)) {
			became_busy(c);
		}
		ev_io_stop(loop, &c->readable);
		ev_io_start(loop, &c->writable);
	} else {
		ev_io_stop(loop, &c->writable);
		ev_io_start(loop, &c->readable);
	}
}

/* What is left of octets that were read waits in the connection. */
static bool
keep_rest(struct tcp_conn *c, const uint8_t *octets, size_t len)
{
	if (len == 0) {
		buf_fini(&c->in); /* an idle connection holds no buffer */
		return true;
	}
	if (len == c->in.len && octets == c->in.data) {
		return true; /* the same message, and not whole yet */
	}
	c->active_at = now_s();
	became_busy(c);
	if (octets >= c->in.data && octets < c->in.data + c->in.len) {
		memmove(c->in.data, octets, len);
		c->in.len = len;
		return true;
	}
	buf_clear(&c->in);
	return buf_put(&c->in, octets, len) == SECD_OK;
}

/* Messages that were read before, when nothing waits any more. */
static bool
answer_kept(struct tcp_conn *c)
{
	size_t used = 0;

	if (c->in.len == 0) {
		return true;
	}
	return answer_all(c, c->in.data, c->in.len, &used) &&
	       keep_rest(c, c->in.data + used, c->in.len - used);
}

static bool
take_octets(struct tcp_conn *c, uint8_t *octets, size_t len)
{
	size_t used = 0;

	if (c->in.len > 0) {
		return buf_put(&c->in, octets, len) == SECD_OK &&
		       answer_kept(c);
	}
	return answer_all(c, octets, len, &used) &&
	       keep_rest(c, octets + used, len - used);
}

/* While it is held, what a client says has time. */
static void
look_for_end(struct tcp_conn *c)
{
	uint8_t octet;
	ssize_t got = recv(c->fd, &octet, 1, MSG_PEEK);

	if (got > 0) {
		ev_io_stop(c->shared->loop, &c->readable);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		tcp_conn_close(c);
	}
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct tcp_conn *c = io->data;
	struct tcp_shared *s = c->shared;
	ssize_t got;

	(void)loop;
	(void)events;
	if (waits_for_us(c)) {
		look_for_end(c);
		return;
	}
	got = recv(c->fd, s->in, sizeof(s->in), 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	s->out_len = 0;
	/* A message in parts has io_s in all: only whole ones count as being
	 * active, or one octet a minute would hold the connection. */
	if (got > 0 && c->in.len == 0) {
		c->active_at = now_s();
	}
	if (got <= 0 || !take_octets(c, s->in, (size_t)got)) {
		tcp_conn_close(c);
		return;
	}
	watch(c);
}

static bool
send_kept(struct tcp_conn *c)
{
	ssize_t sent = send(c->fd, c->out.data + c->out_pos,
			    c->out.len - c->out_pos, MSG_NOSIGNAL);

	if (sent < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	c->active_at = now_s();
	c->out_pos += (size_t)sent;
	if (c->out_pos == c->out.len) {
		c->out_pos = 0;
		buf_fini(&c->out);
	}
	return true;
}

/* With what was sent up to now, and what waits behind it. */
static void
go_on(struct tcp_conn *c, bool alive)
{
	if (alive && c->out.len == 0 && c->stream != NULL) {
		alive = go_on_streaming(c);
	}
	if (alive && c->out.len == 0 && c->stream == NULL) {
		alive = answer_kept(c);
	}
	if (!alive) {
		tcp_conn_close(c);
		return;
	}
	watch(c);
}

static void
on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	struct tcp_conn *c = io->data;

	(void)loop;
	(void)events;
	c->shared->out_len = 0;
	go_on(c, c->out.len == 0 || send_kept(c));
}

static void
on_ready(void *arg)
{
	struct tcp_conn *c = arg;

	c->is_held = false;
	c->shared->out_len = 0;
	go_on(c, true);
}

static void
on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	on_ready(timer->data);
}

void
tcp_conn_open(struct tcp_shared *shared, int fd,
	      const struct sockaddr_storage *peer)
{
	struct tcp_conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	atomic_fetch_add(shared->connections, 1);
	c->shared = shared;
	c->fd = fd;
	c->peer = *peer;
	c->next = shared->all;
	c->prev = &shared->all;
	if (c->next != NULL) {
		c->next->prev = &c->next;
	}
	shared->all = c;
	c->active_at = now_s();
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&c->timer, on_timer, shared->idle_s, 0.0);
	ev_timer_init(&c->again, on_again, 0.0, 0.0);
	c->readable.data = c->writable.data = c->timer.data = c->again.data = c;
	ev_io_start(shared->loop, &c->readable);
	ev_timer_start(shared->loop, &c->timer);
}
