/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/prober.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "server/link.h"

#define DATAGRAM_MAX 4096

/* One that runs. */
struct probing {
	struct probing *next, **prev;
	struct prober *prober;
	struct prober_order *order;
	struct probe probe;
	int fd; /* UDP; -1: none */
	ev_io readable;
	ev_timer timer;
	struct link *link; /* TCP; NULL: none */
};

struct prober {
	struct ev_loop *loop;
	struct probing *first;
};

int
prober_new(struct ev_loop *loop, struct prober **out)
{
	struct prober *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return SECD_ENOMEM;
	}
	p->loop = loop;
	*out = p;
	return SECD_OK;
}

static void
close_udp(struct probing *g)
{
	if (g->fd >= 0) {
		ev_io_stop(g->prober->loop, &g->readable);
		close(g->fd);
		g->fd = -1;
	}
}

/* The order is told, and nothing of this is left. */
static void
finish(struct probing *g)
{
	struct prober_order *o = g->order;
	struct probe_result result = g->probe.result;

	close_udp(g);
	link_close(g->link);
	ev_timer_stop(g->prober->loop, &g->timer);
	*g->prev = g->next;
	if (g->next != NULL) {
		g->next->prev = g->prev;
	}
	probe_fini(&g->probe);
	free(g);
	o->done(o, &result);
}

static void
end(struct probing *g, enum probe_outcome outcome)
{
	probe_end(&g->probe, outcome, clock_boot_ms());
	finish(g);
}

static void
set_timer(struct probing *g)
{
	int64_t wait_ms = g->probe.due_ms - clock_boot_ms();

	ev_timer_stop(g->prober->loop, &g->timer);
	ev_timer_set(&g->timer, wait_ms < 0 ? 0.0 : (double)wait_ms / 1000.0,
		     0.0);
	ev_timer_start(g->prober->loop, &g->timer);
}

/* What the system says of the way to a peer; what is left is our own. */
static enum probe_outcome
outcome_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case ENOPROTOOPT: /* ICMP says so of ports and protocols, too */
	case EPROTO:
	case EACCES: /* a filter here, or an ICMP message of one there */
		return PROBE_UNREACHABLE;
	default:
		return PROBE_FAILED;
	}
}

static void do_next(struct probing *g, enum probe_want want);

/*
 * UDP
 */

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct probing *g = io->data;
	uint8_t msg[DATAGRAM_MAX];
	ssize_t len = recv(g->fd, msg, sizeof(msg), MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (len >= 0) {
		do_next(g, probe_take(&g->probe, msg, (size_t)len,
				      clock_boot_ms(), clock_wall_s()));
	} else if (errno != EAGAIN && errno != EINTR) {
		end(g, outcome_of(errno));
	}
}

/* Returns 0, or an errno. */
static int
open_udp(struct probing *g)
{
	const struct prober_order *o = g->order;

	g->fd = socket(o->to.ss_family,
		       SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (g->fd < 0) {
		return errno;
	}
	ev_io_init(&g->readable, on_readable, g->fd, EV_READ);
	g->readable.data = g;
	ev_io_start(g->prober->loop, &g->readable);
	if (o->from.ss_family != AF_UNSPEC &&
	    bind(g->fd, (const struct sockaddr *)&o->from,
		 address_len(&o->from)) != 0) {
		return errno == EACCES ? EPERM : errno;
	}
	return connect(g->fd, (const struct sockaddr *)&o->to,
		       address_len(&o->to)) != 0
		   ? errno
		   : 0;
}

/* Returns 0, or an errno. */
static int
send_udp(struct probing *g)
{
	int error = g->fd < 0 ? open_udp(g) : 0;

	if (error == 0 && send(g->fd, g->probe.msg, g->probe.len,
			       MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		error = errno;
	}
	/* One that is lost here is sent again like any other. */
	return error == EAGAIN || error == ENOBUFS || error == EINTR ? 0
								     : error;
}

/*
 * TCP
 */

static void
on_message(void *arg, uint8_t *msg, size_t len)
{
	struct probing *g = arg;

	do_next(g, probe_take(&g->probe, msg, len, clock_boot_ms(),
			      clock_wall_s()));
}

static void
on_failed(void *arg, enum link_failure why, const char *reason)
{
	(void)reason;
	end(arg, why == LINK_CONNECT ? PROBE_UNREACHABLE : PROBE_SILENT);
}

/* False: it has come to its end. */
static bool
send_tcp(struct probing *g)
{
	static const struct link_limits none = {0}; /* the probe has its own */
	const struct link_user user = {on_message, on_failed, g};
	const struct prober_order *o = g->order;
	const char *reason;
	int rc = link_open(g->prober->loop, &o->to,
			   o->from.ss_family == AF_UNSPEC ? NULL : &o->from,
			   &g->link, &reason);

	if (rc == SECD_OK) {
		link_use(g->link, &user, &none);
		rc = link_send(g->link, g->probe.msg, g->probe.len);
	}
	if (rc != SECD_OK) {
		end(g, rc == SECD_ECLOSED ? PROBE_UNREACHABLE : PROBE_FAILED);
	}
	return rc == SECD_OK;
}

/*
 * Both
 */

static void
send_message(struct probing *g)
{
	int error;

	if (g->probe.is_tcp) {
		close_udp(g);
		if (send_tcp(g)) {
			set_timer(g);
		}
		return;
	}
	error = send_udp(g);
	if (error != 0) {
		end(g, outcome_of(error));
		return;
	}
	set_timer(g);
}

static void
do_next(struct probing *g, enum probe_want want)
{
	switch (want) {
	case PROBE_WAIT:
		set_timer(g);
		break;
	case PROBE_SEND:
		send_message(g);
		break;
	case PROBE_OVER:
		finish(g);
		break;
	}
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct probing *g = timer->data;

	(void)loop;
	(void)events;
	do_next(g, probe_turn(&g->probe, clock_boot_ms()));
}

static struct probing *
probing_new(struct prober *p, struct prober_order *o)
{
	struct probing *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		return NULL;
	}
	g->prober = p;
	g->order = o;
	g->fd = -1;
	ev_init(&g->timer, on_timer);
	g->timer.data = g;
	g->next = p->first;
	g->prev = &p->first;
	if (g->next != NULL) {
		g->next->prev = &g->next;
	}
	p->first = g;
	return g;
}

void
prober_start(struct prober *p, struct prober_order *o)
{
	const struct probe_result failed = {.outcome = PROBE_FAILED};
	struct probing *g = probing_new(p, o);
	uint32_t random;

	if (g == NULL) {
		o->done(o, &failed);
		return;
	}
	if (getrandom(&random, sizeof(random), 0) != sizeof(random) ||
	    probe_init(&g->probe, o->zone, o->key, o->is_tcp, o->timeout_ms,
		       random, clock_boot_ms(), clock_wall_s()) != SECD_OK) {
		end(g, PROBE_FAILED);
		return;
	}
	send_message(g);
}

void
prober_stop(struct prober *p)
{
	struct probing *g = p == NULL ? NULL : p->first, *next;

	for (; g != NULL; g = next) {
		next = g->next;
		end(g, PROBE_FAILED);
	}
}

void
prober_free(struct prober *p)
{
	free(p);
}
