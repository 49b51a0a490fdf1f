/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define INPUT_MAX 4096

struct helper {
	pid_t pid;
	int fd;
	pthread_mutex_t lock; /* one request at a time */
};

/* One datagram each way. */
struct request {
	bool becomes; /* another user; nothing below counts */
	uid_t uid;
	gid_t gid;
	int32_t timeout_ms;
	uint32_t argc;
	uint32_t args_len;
	uint32_t input_len;
	char octets[HELPER_OCTETS_MAX + INPUT_MAX]; /* arguments, input */
};

struct reply {
	int32_t rc;
	struct helper_result result;
};

/* ---- in the helper ---- */

/* A command that runs. */
struct command {
	pid_t pid;
	int input;  /* we write, -1 when all is written */
	int output; /* we read */
	int failed; /* the errno of a failed exec, if any */
};

static void
exec_command(int input, int output, int failed, char *const *argv)
{
	static char *const environment[] = {
	    (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	sigset_t none;
	int error;

	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(input, 0) == 0 && dup2(output, 1) == 1 &&
	    dup2(output, 2) == 2) {
		execve(argv[0], argv, environment);
	}
	error = errno;
	(void)!write(failed, &error, sizeof(error));
	_exit(127);
}

static void
close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static int
start_command(char *const *argv, struct command *c)
{
	int input[2], output[2], failed[2];

	if (pipe2(input, O_CLOEXEC) != 0) {
		return SECD_EIO;
	}
	if (pipe2(output, O_CLOEXEC) != 0) {
		close_pair(input);
		return SECD_EIO;
	}
	if (pipe2(failed, O_CLOEXEC) != 0) {
		close_pair(input);
		close_pair(output);
		return SECD_EIO;
	}
	c->pid = fork();
	if (c->pid == 0) {
		exec_command(input[0], output[1], failed[1], argv);
	}
	close(input[0]);
	close(output[1]);
	close(failed[1]);
	c->input = input[1];
	c->output = output[0];
	c->failed = failed[0];
	return SECD_OK;
}

static void
feed(struct command *c, const char **input, size_t *left)
{
	ssize_t put = *left == 0 ? 0 : write(c->input, *input, *left);

	if (put > 0) {
		*input += put;
		*left -= (size_t)put;
	}
	if (*left == 0 || (put < 0 && errno != EAGAIN && errno != EINTR)) {
		close(c->input);
		c->input = -1;
	}
}

/* Read output; what is too much is read and dropped, so that the command does
 * not hang on us. False at its end. */
static bool
drain(struct command *c, struct helper_result *r)
{
	char more[512];
	ssize_t got = read(c->output, more, sizeof(more));
	size_t room = HELPER_OUTPUT_MAX - r->output_len;

	if (got <= 0) {
		return got < 0 && (errno == EINTR || errno == EAGAIN);
	}
	if ((size_t)got < room) {
		room = (size_t)got;
	}
	memcpy(r->output + r->output_len, more, room);
	r->output_len += room;
	return true;
}

/* Feed and drain until the output ends or time is up. */
static int
attend(struct command *c, const struct request *q, int64_t until,
       struct helper_result *r)
{
	const char *input = q->octets + q->args_len;
	size_t left = q->input_len;

	fcntl(c->input, F_SETFL, O_NONBLOCK);
	for (;;) {
		struct pollfd fds[2] = {
		    {.fd = c->output, .events = POLLIN},
		    {.fd = c->input, .events = POLLOUT},
		};
		int64_t wait = until - clock_awake_ms();

		if (wait <= 0) {
			return SECD_ETIMEOUT;
		}
		if (poll(fds, 2, (int)wait) <= 0) {
			continue;
		}
		if (fds[1].revents != 0) {
			feed(c, &input, &left);
		}
		if (fds[0].revents != 0 && !drain(c, r)) {
			return SECD_OK;
		}
	}
}

/* Wait for the end of a command that may have closed its output long before.
 * SIGCHLD is blocked, so none is missed. */
static int
await_end(const struct command *c, int64_t until, int *status)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (waitpid(c->pid, status, WNOHANG) == 0) {
		int64_t left = until - clock_awake_ms();
		struct timespec wait = {left / 1000, left % 1000 * 1000000};

		if (left <= 0) {
			return SECD_ETIMEOUT;
		}
		sigtimedwait(&child, NULL, &wait);
	}
	return SECD_OK;
}

static int
finish_command(struct command *c, int rc, int64_t until,
	       struct helper_result *r)
{
	int status = 0, error = 0;

	if (rc == SECD_OK) {
		rc = await_end(c, until, &status);
	}
	if (rc != SECD_OK) {
		kill(-c->pid, SIGKILL);
		kill(c->pid, SIGKILL); /* before it had a group */
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {
		}
	}
	if (read(c->failed, &error, sizeof(error)) == sizeof(error)) {
		rc = SECD_ENOTFOUND;
	}
	if (c->input >= 0) {
		close(c->input);
	}
	close(c->output);
	close(c->failed);
	r->output[r->output_len] = '\0';
	r->status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return rc;
}

static int
run_request(const struct request *q, struct helper_result *r)
{
	char *argv[HELPER_ARG_MAX + 1] = {0};
	const char *arg = q->octets;
	int64_t until = clock_awake_ms() + q->timeout_ms;
	struct command c = {.input = -1};
	int rc;

	for (uint32_t i = 0; i < q->argc; i++) {
		argv[i] = (char *)(uintptr_t)arg;
		arg += strlen(arg) + 1;
	}
	rc = start_command(argv, &c);
	if (rc != SECD_OK) {
		return rc;
	}
	if (c.pid < 0) {
		close(c.input);
		close(c.output);
		close(c.failed);
		return SECD_EIO;
	}
	return finish_command(&c, attend(&c, q, until, r), until, r);
}

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
become(uid_t uid, gid_t gid)
{
	if (getuid() == uid && geteuid() == uid) {
		return SECD_OK;
	}
	if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0 || (uid != 0 && setuid(0) == 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return SECD_EPERM;
	}
	return SECD_OK;
}

static void
helper_main(int fd)
{
	static struct request q;
	static struct reply reply;
	sigset_t child;

	close_others(fd);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* the terminal's; the server decides */
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would lose exit codes */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	prctl(PR_SET_NAME, "helper", 0, 0, 0);
	while (recv(fd, &q, sizeof(q), 0) > 0) {
		memset(&reply, 0, sizeof(reply));
		reply.rc = q.becomes ? become(q.uid, q.gid)
				     : run_request(&q, &reply.result);
		explicit_bzero(&q, sizeof(q));
		if (send(fd, &reply, sizeof(reply), 0) < 0) {
			break;
		}
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
	pthread_mutex_init(&h->lock, NULL);
	*out = h;
	return SECD_OK;
}

static int
make_request(struct request *q, const char *const *argv, const void *input,
	     size_t input_len, int timeout_ms)
{
	if (argv[0] == NULL || argv[0][0] != '/' || input_len > INPUT_MAX ||
	    timeout_ms <= 0) {
		return SECD_EINVAL;
	}
	memset(q, 0, sizeof(*q));
	q->timeout_ms = timeout_ms;
	for (; argv[q->argc] != NULL; q->argc++) {
		size_t len = strlen(argv[q->argc]) + 1;

		if (q->argc == HELPER_ARG_MAX ||
		    len > HELPER_OCTETS_MAX - q->args_len) {
			return SECD_EINVAL;
		}
		memcpy(q->octets + q->args_len, argv[q->argc], len);
		q->args_len += (uint32_t)len;
	}
	if (input_len > 0) {
		memcpy(q->octets + q->args_len, input, input_len);
	}
	q->input_len = (uint32_t)input_len;
	return SECD_OK;
}

/* Ask and wait; SECD_ECLOSED, or what the helper says. */
static int
ask(struct helper *h, struct request *q, struct helper_result *out)
{
	struct reply reply;
	ssize_t got = -1;

	pthread_mutex_lock(&h->lock);
	if (send(h->fd, q, sizeof(*q), MSG_NOSIGNAL) == sizeof(*q)) {
		do {
			got = recv(h->fd, &reply, sizeof(reply), 0);
		} while (got < 0 && errno == EINTR);
	}
	pthread_mutex_unlock(&h->lock);
	explicit_bzero(q, sizeof(*q));
	if (got != (ssize_t)sizeof(reply)) {
		return SECD_ECLOSED;
	}
	if (reply.rc == SECD_OK && out != NULL) {
		*out = reply.result;
	}
	return reply.rc;
}

int
helper_become(struct helper *h, uid_t uid, gid_t gid)
{
	struct request q = {.becomes = true, .uid = uid, .gid = gid};

	return ask(h, &q, NULL);
}

int
helper_run(struct helper *h, const char *const *argv, const void *input,
	   size_t input_len, int timeout_ms, struct helper_result *out)
{
	struct request q;
	int rc = make_request(&q, argv, input, input_len, timeout_ms);

	return rc == SECD_OK ? ask(h, &q, out) : rc;
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
	pthread_mutex_destroy(&h->lock);
	free(h);
}
