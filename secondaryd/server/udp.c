/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "base/error.h"
#include "base/log.h"
#include "server/dispatch.h"
#include "server/thread.h"

#define BATCH DISPATCH_READ_MAX
/* No request is longer: NOTIFY and IXFR with TSIG stay below 1,400 octets. */
#define REQUEST_MAX  4096
#define RESPONSE_MAX 4096
/* One socket must not starve the others of a worker. */
#define BATCHES_PER_TURN 8

/* One datagram in and its answer. */
struct slot {
	struct sockaddr_storage from;
	struct iovec in, out;
	_Alignas(struct cmsghdr)
	    uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	uint8_t request[REQUEST_MAX];
	uint8_t response[RESPONSE_MAX];
};

struct udp_worker {
	const struct listen_socket *sockets;
	unsigned count;
	pthread_t thread;
	int stop_fd;  /* an eventfd */
	int epoll_fd; /* of all sockets and stop_fd */
	struct frontend_counters counters;
	struct dispatcher dispatcher;
	struct mmsghdr in[BATCH], out[BATCH];
	struct request requests[BATCH];
	struct slot slots[BATCH];
};

static void
prepare_slot(struct udp_worker *w, unsigned i, bool wants_control)
{
	struct slot *slot = &w->slots[i];
	struct msghdr *h = &w->in[i].msg_hdr;

	h->msg_namelen = sizeof(slot->from);
	h->msg_control = wants_control ? slot->control : NULL;
	h->msg_controllen = wants_control ? sizeof(slot->control) : 0;
	h->msg_flags = 0;
}

static void
init_slots(struct udp_worker *w)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct slot *slot = &w->slots[i];

		slot->in = (struct iovec){slot->request, REQUEST_MAX};
		slot->out = (struct iovec){slot->response, 0};
		w->in[i].msg_hdr = (struct msghdr){
		    .msg_name = &slot->from,
		    .msg_iov = &slot->in,
		    .msg_iovlen = 1,
		};
		w->requests[i].msg = slot->request;
		w->requests[i].from = &slot->from;
		w->requests[i].out = slot->response;
		w->requests[i].cap = RESPONSE_MAX;
	}
}

/* The answer leaves from the address that was asked, and by the route that the
 * system finds for it, unless the address is link-local. */
static void
keep_source(const struct msghdr *in, struct msghdr *out)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(in);

	out->msg_control = NULL;
	out->msg_controllen = 0;
	if (c == NULL) {
		return;
	}
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo *info = (void *)CMSG_DATA(c);

		info->ipi_spec_dst = info->ipi_addr;
		info->ipi_ifindex = 0;
	} else if (c->cmsg_level == IPPROTO_IPV6 &&
		   c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo *info = (void *)CMSG_DATA(c);

		if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) {
			info->ipi6_ifindex = 0;
		}
	} else {
		return;
	}
	out->msg_control = in->msg_control;
	out->msg_controllen = in->msg_controllen;
}

/* No name: the socket is shut down, and this is no datagram. One with source
 * port 0 cannot be answered. */
static bool
has_sender(const struct msghdr *h)
{
	const struct sockaddr_storage *from = h->msg_name;

	if (h->msg_namelen == 0) {
		return false;
	}
	return from->ss_family == AF_INET6
		   ? ((const struct sockaddr_in6 *)(const void *)from)
			     ->sin6_port != 0
		   : ((const struct sockaddr_in *)(const void *)from)
			     ->sin_port != 0;
}

/* Read all of a batch before the first is answered. */
static void
read_requests(struct udp_worker *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		/* Without any octet it is ignored. */
		w->requests[i].len =
		    has_sender(&w->in[i].msg_hdr) ? w->in[i].msg_len : 0;
	}
	dispatch_read(&w->dispatcher, w->requests, count);
}

/* Answer request i into out[answers]; false when there is nothing to send. */
static bool
answer_one(struct udp_worker *w, unsigned i, unsigned answers)
{
	struct slot *slot = &w->slots[i];
	struct msghdr *in = &w->in[i].msg_hdr;
	struct msghdr *out = &w->out[answers].msg_hdr;
	size_t len = dispatch_answer(&w->dispatcher, &w->requests[i]);

	if (len == 0) {
		return false;
	}
	slot->out.iov_len = len;
	*out = (struct msghdr){
	    .msg_name = &slot->from,
	    .msg_namelen = in->msg_namelen,
	    .msg_iov = &slot->out,
	    .msg_iovlen = 1,
	};
	keep_source(in, out);
	return true;
}

/* One that cannot be sent (no route back) must not keep the rest from being
 * sent: its client asks again. */
static void
send_answers(int fd, struct mmsghdr *out, unsigned count)
{
	while (count > 0) {
		int sent = sendmmsg(fd, out, count, 0);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent <= 0) {
			sent = 1;
		}
		out += sent;
		count -= (unsigned)sent;
	}
}

/* The thread is offline afterwards: sending may wait for the network. */
static void
answer_batch(struct udp_worker *w, int fd, unsigned count)
{
	unsigned answers = 0;

	rcu_thread_online();
	w->dispatcher.root = root_get(&w->dispatcher.frontend->root);
	read_requests(w, count);
	for (unsigned i = 0; i < count; i++) {
		if (answer_one(w, i, answers)) {
			answers++;
		}
	}
	rcu_thread_offline();
	send_answers(fd, w->out, answers);
}

static int
receive(struct udp_worker *w, const struct listen_socket *s, int flags)
{
	for (unsigned i = 0; i < BATCH; i++) {
		prepare_slot(w, i, s->is_wildcard);
	}
	return recvmmsg(s->fd, w->in, BATCH, flags, NULL);
}

/* Read what a socket has, up to its share. */
static void
drain(struct udp_worker *w, const struct listen_socket *s)
{
	for (unsigned i = 0; i < BATCHES_PER_TURN; i++) {
		int count = receive(w, s, MSG_DONTWAIT);

		if (count <= 0) {
			return;
		}
		answer_batch(w, s->fd, (unsigned)count);
		if (count < BATCH) {
			return;
		}
	}
}

/* With one address: sleep in recvmmsg itself, which saves a call a batch. The
 * stop shuts the socket down for reading, which ends the sleep. */
static void
serve_one(struct udp_worker *w)
{
	const struct listen_socket *s = &w->sockets[0];
	uint64_t stop;

	for (;;) {
		int count = receive(w, s, MSG_WAITFORONE);

		if (count > 0) {
			answer_batch(w, s->fd, (unsigned)count);
		}
		if ((count <= 0 || w->in[0].msg_len == 0) &&
		    read(w->stop_fd, &stop, sizeof(stop)) > 0) {
			return;
		}
	}
}

static void
serve_many(struct udp_worker *w)
{
	struct epoll_event events[16];
	bool is_ending = false;

	while (!is_ending) {
		int count = epoll_wait(w->epoll_fd, events, 16, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == NULL) {
				is_ending = true;
			} else {
				drain(w, events[i].data.ptr);
			}
		}
	}
	for (unsigned i = 0; i < w->count; i++) {
		drain(w, &w->sockets[i]);
	}
}

static void *
udp_main(void *arg)
{
	struct udp_worker *w = arg;

	rcu_register_thread();
	rcu_thread_offline();
	if (w->count == 1) {
		serve_one(w);
	} else {
		serve_many(w);
	}
	rcu_unregister_thread();
	return NULL;
}

static int
watch(struct udp_worker *w)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};

	w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->stop_fd < 0 || w->epoll_fd < 0 ||
	    epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->stop_fd, &e) != 0) {
		return SECD_EIO;
	}
	for (unsigned i = 0; i < w->count; i++) {
		e.data.ptr = (void *)(uintptr_t)&w->sockets[i];
		if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->sockets[i].fd,
			      &e) != 0) {
			return SECD_EIO;
		}
	}
	return SECD_OK;
}

static void
udp_free(struct udp_worker *w)
{
	if (w->stop_fd >= 0) {
		close(w->stop_fd);
	}
	if (w->epoll_fd >= 0) {
		close(w->epoll_fd);
	}
	free(w);
}

int
udp_start(const struct listen_socket *sockets, unsigned count,
	  struct frontend *f, struct udp_worker **out)
{
	struct udp_worker *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
	int rc;

	if (w == NULL) {
		return SECD_ENOMEM;
	}
	memset(w, 0, sizeof(*w));
	w->sockets = sockets;
	w->count = count;
	w->stop_fd = w->epoll_fd = -1;
	w->dispatcher.frontend = f;
	w->dispatcher.counters = &w->counters;
	init_slots(w);
	rc = watch(w);
	if (rc == SECD_OK) {
		rc = thread_start("udp", udp_main, w, &w->thread);
	}
	if (rc != SECD_OK) {
		udp_free(w);
		return rc;
	}
	*out = w;
	return SECD_OK;
}

const struct frontend_counters *
udp_counters(const struct udp_worker *w)
{
	return &w->counters;
}

void
udp_stop(struct udp_worker *w)
{
	uint64_t one = 1;

	if (w == NULL) {
		return;
	}
	if (write(w->stop_fd, &one, sizeof(one)) < 0) {
		log_error("udp worker: cannot be stopped: %s", strerror(errno));
	}
	if (w->count == 1) {
		shutdown(w->sockets[0].fd, SHUT_RD);
	}
	pthread_join(w->thread, NULL);
	udp_free(w);
}
