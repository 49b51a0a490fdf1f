/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/helper.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "place/worker.h"
#include "server/privileges.h"

#define USER_MAX 256
/* What a placement may take beyond its limit, before it is given up. */
#define GRACE_MS 15000

struct helper {
	pid_t pid;
	int fd;
};

/* One datagram; with a socket: a placement's, and nothing of this counts. */
struct order {
	char user[USER_MAX]; /* "": none */
	uid_t uid;
	gid_t gid;
};

union fd_message {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(int))];
};

/* ---- in the helper ---- */

/* Whatever the server had open when it forked is none of ours: a socket that
 * we held would stay bound after the server's end. */
static void
close_others(int fd)
{
	if (fd > 3) {
		close_range(3, (unsigned)fd - 1, 0);
	}
	close_range((unsigned)(fd < 3 ? 3 : fd + 1), ~0U, 0);
}

static int
give_up(const struct order *o)
{
	char reason[256];

	return privileges_give_up(o->user[0] == '\0' ? NULL : o->user, o->uid,
				  o->gid, reason);
}

/* An own process: it may hang, it holds secrets, and others go on. */
static void
start_worker(int helper_fd, int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(helper_fd);
		/* It waits for its programs itself. */
		signal(SIGCHLD, SIG_DFL);
		prctl(PR_SET_NAME, "placement", 0, 0, 0);
		worker_run(fd);
		_exit(0);
	}
	close(fd); /* without a process, the other end hears of that */
}

/* Receive an order. Returns its length, 0 at the end; *fd -1: none came. */
static ssize_t
receive(int from, struct order *o, int *fd)
{
	union fd_message control;
	struct iovec io = {.iov_base = o, .iov_len = sizeof(*o)};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = control.octets,
			   .msg_controllen = sizeof(control.octets)};
	const struct cmsghdr *c;
	ssize_t len;

	do {
		len = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	*fd = -1;
	c = len > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	}
	return len;
}

static void
helper_main(int fd)
{
	struct order o;
	int placement;

	close_others(fd);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	/* The terminal's, and the service manager's to all of us: the server
	 * decides, and we end when it has. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* nobody has to wait for a placement */
	prctl(PR_SET_NAME, "helper", 0, 0, 0);
	while (receive(fd, &o, &placement) > 0) {
		if (placement >= 0) {
			start_worker(fd, placement);
		} else {
			int rc = give_up(&o);

			if (send(fd, &rc, sizeof(rc), 0) < 0) {
				break;
			}
		}
	}
	while (wait(NULL) > 0 || errno == EINTR) {
	}
	_exit(0);
}

/* ---- in the server ---- */

int
helper_start(struct helper **out)
{
	struct helper *h = calloc(1, sizeof(*h));
	int pair[2];

	if (h == NULL) {
		return SECD_ENOMEM;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		free(h);
		return SECD_EIO;
	}
	h->pid = fork();
	if (h->pid == 0) {
		close(pair[0]);
		helper_main(pair[1]);
	}
	close(pair[1]);
	if (h->pid < 0) {
		close(pair[0]);
		free(h);
		return SECD_EIO;
	}
	h->fd = pair[0];
	*out = h;
	return SECD_OK;
}

int
helper_give_up(struct helper *h, const char *user, uid_t uid, gid_t gid)
{
	struct order o = {.uid = uid, .gid = gid};
	ssize_t got = -1;
	int rc;

	if (user != NULL &&
	    snprintf(o.user, sizeof(o.user), "%s", user) >= (int)USER_MAX) {
		return SECD_EPERM;
	}
	if (send(h->fd, &o, sizeof(o), MSG_NOSIGNAL) == sizeof(o)) {
		do {
			got = recv(h->fd, &rc, sizeof(rc), 0);
		} while (got < 0 && errno == EINTR);
	}
	return got == (ssize_t)sizeof(rc) ? rc : SECD_ECLOSED;
}

static int
send_fd(int to, int fd)
{
	struct order none = {.user = ""};
	union fd_message control = {.octets = {0}};
	struct iovec io = {.iov_base = &none, .iov_len = sizeof(none)};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = control.octets,
			   .msg_controllen = sizeof(control.octets)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
		return SECD_OK;
	}
	return errno == EAGAIN ? SECD_EBUSY : SECD_ECLOSED;
}

int
helper_begin(struct helper *h, int *fd)
{
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		return SECD_EIO;
	}
	rc = send_fd(h->fd, pair[1]);
	close(pair[1]);
	if (rc != SECD_OK) {
		close(pair[0]);
		return rc;
	}
	*fd = pair[0];
	return SECD_OK;
}

static void
set_timeouts(int fd, int64_t ms)
{
	const struct timeval t = {.tv_sec = ms / 1000,
				  .tv_usec = ms % 1000 * 1000};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

static bool
send_all(int fd, const uint8_t *octets, size_t len)
{
	while (len > 0) {
		ssize_t put = send(fd, octets, len, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR) {
			continue;
		}
		if (put < 0) {
			return false;
		}
		octets += put;
		len -= (size_t)put;
	}
	return shutdown(fd, SHUT_WR) == 0;
}

void
helper_place(int fd, const uint8_t *request, size_t len, int64_t timeout_ms,
	     struct adapter_result *out)
{
	ssize_t got = -1;

	set_timeouts(fd, timeout_ms + GRACE_MS);
	if (send_all(fd, request, len)) {
		do {
			got = recv(fd, out, sizeof(*out), MSG_WAITALL);
		} while (got < 0 && errno == EINTR);
	}
	if (got == (ssize_t)sizeof(*out)) {
		out->text[sizeof(out->text) - 1] = '\0';
		return;
	}
	*out = (struct adapter_result){
	    .rc = got < 0 && errno == EAGAIN ? SECD_ETIMEOUT : SECD_ECLOSED};
	snprintf(out->text, sizeof(out->text), "the placement's process %s",
		 out->rc == SECD_ETIMEOUT ? "does not answer"
					  : "ended too soon");
}

void
helper_stop(struct helper *h)
{
	if (h == NULL) {
		return;
	}
	close(h->fd);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	free(h);
}
