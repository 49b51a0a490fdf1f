/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/error.h"

#define UDP_RECEIVE_BUFFER (1 << 20)
#define UDP_SEND_BUFFER    (1 << 20)
#define TCP_BACKLOG        511
#define TCP_UNSENT_MAX     (128 << 10)
/* Every IPv6 path takes this much (RFC 8200 section 5). */
#define IPV6_LEAST_MTU 1280

static void
set_int(int fd, int level, int option, int value)
{
	/* These improve matters where the system has them; none is needed. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static bool
is_wildcard(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET6) {
		return IN6_IS_ADDR_UNSPECIFIED(
		    &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
	}
	return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
	       INADDR_ANY;
}

static void
set_udp_options(const struct listen_socket *s)
{
	set_int(s->fd, SOL_SOCKET, SO_RCVBUF, UDP_RECEIVE_BUFFER);
	set_int(s->fd, SOL_SOCKET, SO_SNDBUF, UDP_SEND_BUFFER);
	if (s->address.ss_family == AF_INET6) {
		set_int(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			IPV6_PMTUDISC_OMIT);
		set_int(s->fd, IPPROTO_IPV6, IPV6_MTU, IPV6_LEAST_MTU);
		set_int(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, s->is_wildcard);
	} else {
		/* A forged "fragmentation needed" must not make us fragment
		 * (RFC 9715). */
		set_int(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
		set_int(s->fd, IPPROTO_IP, IP_PKTINFO, s->is_wildcard);
	}
}

static int
open_one(struct listen_socket *s, const struct sockaddr_storage *address,
	 int type)
{
	const struct sockaddr *name = (const struct sockaddr *)address;
	int one = 1;

	s->address = *address;
	s->is_wildcard = is_wildcard(address);
	s->fd = socket(address->ss_family, type | SOCK_CLOEXEC, 0);
	if (s->fd < 0) {
		return errno;
	}
	if (setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(s->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one))) {
		return errno;
	}
	if (address->ss_family == AF_INET6) {
		set_int(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	}
	if (type == SOCK_DGRAM) {
		set_udp_options(s);
	} else {
		set_int(s->fd, IPPROTO_TCP, TCP_NODELAY, 1);
		/* Inherited by connections: a transfer to a slow client waits
		 * with us rather than in megabytes of the kernel's. */
		set_int(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_UNSENT_MAX);
	}
	if (bind(s->fd, name, address_len(address)) != 0 ||
	    (type != SOCK_DGRAM && listen(s->fd, TCP_BACKLOG) != 0)) {
		return errno;
	}
	return 0;
}

/* SO_REUSEPORT would let a second server of the same user share the port, and
 * each would get a part of the queries: a plain bind first finds it. */
static int
try_alone(const struct sockaddr_storage *address, int type)
{
	int fd = socket(address->ss_family, type | SOCK_CLOEXEC, 0);
	int one = 1, rc = 0;

	if (fd < 0) {
		return errno;
	}
	if (type != SOCK_DGRAM) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	}
	if (address->ss_family == AF_INET6) {
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	}
	if (bind(fd, (const struct sockaddr *)address, address_len(address))) {
		rc = errno;
	}
	close(fd);
	return rc;
}

static int
open_all(const struct config_server *c, int type, unsigned workers,
	 struct listen_socket *sockets, char reason[256])
{
	unsigned a;
	int error = 0;

	/* All of them first: among ours, a wildcard and an address may share
	 * a port. */
	for (a = 0; a < c->listen_count && error == 0; a++) {
		error = try_alone(&c->listen[a], type);
	}
	for (unsigned i = 0; i < workers * c->listen_count && error == 0; i++) {
		a = (unsigned)(i % c->listen_count) + 1;
		error = open_one(&sockets[i], &c->listen[a - 1], type);
	}
	if (error != 0) {
		char text[ADDRESS_TEXT_MAX];

		snprintf(reason, 256, "cannot listen on %s (%s): %s",
			 address_text(&c->listen[a - 1], text, sizeof(text)),
			 type == SOCK_DGRAM ? "udp" : "tcp", strerror(error));
		return error == EACCES ? SECD_EPERM : SECD_EIO;
	}
	return SECD_OK;
}

static struct listen_socket *
sockets_new(size_t count)
{
	struct listen_socket *sockets = calloc(count, sizeof(*sockets));

	for (size_t i = 0; sockets != NULL && i < count; i++) {
		sockets[i].fd = -1;
	}
	return sockets;
}

int
listeners_open(const struct config_server *c, struct listeners **out,
	       char reason[256])
{
	struct listeners *l = calloc(1, sizeof(*l));
	int rc = SECD_ENOMEM;

	snprintf(reason, 256, "%s", secd_strerror(rc));
	if (l == NULL) {
		return rc;
	}
	l->address_count = (unsigned)c->listen_count;
	l->udp_workers = c->udp_workers;
	l->tcp_workers = c->tcp_workers;
	l->udp = sockets_new(c->listen_count * c->udp_workers);
	l->tcp = sockets_new(c->listen_count * c->tcp_workers);
	if (l->udp != NULL && l->tcp != NULL) {
		rc = open_all(c, SOCK_DGRAM, c->udp_workers, l->udp, reason);
		if (rc == SECD_OK) {
			rc = open_all(c, SOCK_STREAM | SOCK_NONBLOCK,
				      c->tcp_workers, l->tcp, reason);
		}
	}
	if (rc != SECD_OK) {
		listeners_close(l);
		return rc;
	}
	*out = l;
	return SECD_OK;
}

static void
close_all(struct listen_socket *sockets, size_t count)
{
	for (size_t i = 0; sockets != NULL && i < count; i++) {
		if (sockets[i].fd >= 0) {
			close(sockets[i].fd);
		}
	}
	free(sockets);
}

void
listeners_close(struct listeners *l)
{
	if (l != NULL) {
		close_all(l->udp, (size_t)l->udp_workers * l->address_count);
		close_all(l->tcp, (size_t)l->tcp_workers * l->address_count);
		free(l);
	}
}
