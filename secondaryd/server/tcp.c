/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/tcp.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "base/error.h"
#include "base/log.h"
#include "server/mailbox.h"
#include "server/tcp_conn.h"
#include "server/thread.h"

#define ACCEPTS_PER_TURN 64
/* Without a free descriptor the listening socket stays readable: look again
 * after this time instead of at once. */
#define PAUSE_S 0.1
/* Descriptors that clients leave to primaries, images, control and log. */
#define RESERVED_DESCRIPTORS 256u

struct tcp_worker {
	struct tcp_shared shared;
	unsigned count;
	ev_io *acceptable; /* one for each socket */
	ev_timer pause;
	ev_async stop, cut, wake;
	struct mailbox box; /* letters to this thread */
	ev_prepare before_wait;
	ev_check after_wait;
	unsigned most; /* connections that descriptors allow */
	pthread_t thread;
	struct frontend_counters counters;
};

static void
on_pause_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct tcp_worker *w = timer->data;

	(void)events;
	for (unsigned i = 0; i < w->count; i++) {
		ev_io_start(loop, &w->acceptable[i]);
	}
}

static void
pause_accepting(struct tcp_worker *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		ev_io_stop(w->shared.loop, &w->acceptable[i]);
	}
	ev_timer_set(&w->pause, PAUSE_S, 0.0);
	ev_timer_start(w->shared.loop, &w->pause);
}

static void
take_connection(struct tcp_worker *w, int fd,
		const struct sockaddr_storage *peer)
{
	const struct config_server *c =
	    &root_get(&w->shared.dispatcher.frontend->root)->config->server;

	unsigned now = atomic_load(w->shared.connections);

	if (now >= c->tcp_max_clients || now >= w->most) {
		atomic_fetch_add_explicit(&w->counters.tcp_refused, 1,
					  memory_order_relaxed);
		close(fd);
		return;
	}
	w->shared.idle_s = (double)c->tcp_idle_timeout_s;
	w->shared.io_s = (double)c->tcp_io_timeout_ms / 1000.0;
	tcp_conn_open(&w->shared, fd, peer);
}

static void
on_acceptable(struct ev_loop *loop, ev_io *io, int events)
{
	struct tcp_worker *w = io->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(io->fd, (struct sockaddr *)&peer, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take_connection(w, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE ||
			   errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(w);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void
on_stop(struct ev_loop *loop, ev_async *async, int events)
{
	(void)async;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void
on_cut(struct ev_loop *loop, ev_async *async, int events)
{
	struct tcp_worker *w = async->data;

	(void)loop;
	(void)events;
	tcp_conn_cut(&w->shared);
}

static void
wake_loop(void *arg)
{
	struct tcp_worker *w = arg;

	ev_async_send(w->shared.loop, &w->wake);
}

static void
on_wake(struct ev_loop *loop, ev_async *async, int events)
{
	struct tcp_worker *w = async->data;

	(void)loop;
	(void)events;
	letters_run(mailbox_take(&w->box));
}

/* A worker that sleeps in its loop holds up no grace period. */
static void
on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
	rcu_thread_offline();
}

static void
on_after_wait(struct ev_loop *loop, ev_check *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
	rcu_thread_online();
}

static void *
tcp_main(void *arg)
{
	struct tcp_worker *w = arg;

	rcu_register_thread();
	ev_run(w->shared.loop, 0);
	while (w->shared.all != NULL) {
		tcp_conn_close(w->shared.all);
	}
	rcu_unregister_thread();
	return NULL;
}

static void
start_watchers(struct tcp_worker *w, const struct listen_socket *sockets)
{
	struct ev_loop *loop = w->shared.loop;

	for (unsigned i = 0; i < w->count; i++) {
		ev_io_init(&w->acceptable[i], on_acceptable, sockets[i].fd,
			   EV_READ);
		w->acceptable[i].data = w;
		ev_io_start(loop, &w->acceptable[i]);
	}
	ev_timer_init(&w->pause, on_pause_over, PAUSE_S, 0.0);
	w->pause.data = w;
	ev_async_init(&w->stop, on_stop);
	ev_async_start(loop, &w->stop);
	ev_async_init(&w->cut, on_cut);
	w->cut.data = w;
	ev_async_start(loop, &w->cut);
	ev_async_init(&w->wake, on_wake);
	w->wake.data = w;
	ev_async_start(loop, &w->wake);
	ev_prepare_init(&w->before_wait, on_before_wait);
	ev_check_init(&w->after_wait, on_after_wait);
	/* Last before the wait, first after it. */
	ev_set_priority(&w->before_wait, EV_MINPRI);
	ev_set_priority(&w->after_wait, EV_MAXPRI);
	ev_prepare_start(loop, &w->before_wait);
	ev_check_start(loop, &w->after_wait);
}

static unsigned
most_connections(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur > UINT_MAX) {
		return UINT_MAX;
	}
	return limit.rlim_cur > 2 * RESERVED_DESCRIPTORS
		   ? (unsigned)limit.rlim_cur - RESERVED_DESCRIPTORS
		   : (unsigned)limit.rlim_cur / 2;
}

static void
release(struct tcp_worker *w)
{
	if (w->shared.loop != NULL) {
		ev_loop_destroy(w->shared.loop);
	}
	free(w->acceptable);
	free(w);
}

static int
make_loop(struct tcp_worker *w)
{
	w->shared.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
	w->acceptable = calloc(w->count, sizeof(*w->acceptable));
	if (w->shared.loop == NULL || w->acceptable == NULL) {
		return SECD_ENOMEM;
	}
	return mailbox_init(&w->box, wake_loop, w);
}

int
tcp_start(const struct listen_socket *sockets, unsigned count,
	  struct frontend *f, atomic_uint *connections, struct tcp_worker **out)
{
	struct tcp_worker *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
	int rc;

	if (w == NULL) {
		return SECD_ENOMEM;
	}
	memset(w, 0, sizeof(*w));
	w->count = count;
	w->most = most_connections();
	w->shared.connections = connections;
	w->shared.dispatcher.frontend = f;
	w->shared.dispatcher.counters = &w->counters;
	w->shared.dispatcher.box = &w->box;
	rc = make_loop(w);
	if (rc != SECD_OK) {
		release(w);
		return rc;
	}
	start_watchers(w, sockets);
	rc = thread_start("tcp", tcp_main, w, &w->thread);
	if (rc != SECD_OK) {
		tcp_free(w);
		return rc;
	}
	*out = w;
	return SECD_OK;
}

const struct frontend_counters *
tcp_counters(const struct tcp_worker *w)
{
	return &w->counters;
}

void
tcp_cut(struct tcp_worker *w)
{
	ev_async_send(w->shared.loop, &w->cut);
}

void
tcp_stop(struct tcp_worker *w)
{
	if (w != NULL) {
		ev_async_send(w->shared.loop, &w->stop);
		pthread_join(w->thread, NULL);
		mailbox_close(&w->box);
	}
}

void
tcp_free(struct tcp_worker *w)
{
	if (w != NULL) {
		/* Of jobs whose connections are closed: they free themselves. */
		letters_run(mailbox_take(&w->box));
		mailbox_fini(&w->box);
		release(w);
	}
}
