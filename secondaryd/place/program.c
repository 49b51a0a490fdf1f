/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

/* How often to look for the end of a program that closed its output first. */
#define LOOK_MS 10

enum { PIPE_READ, PIPE_WRITE };

/* One that runs. */
struct program {
	pid_t pid;
	int input;  /* we write; -1: all is written */
	int output; /* we read */
	int failed; /* the errno of a failed exec, if any */
	const char *left;
	size_t left_len;
	char line[PROGRAM_LINE_MAX + 1]; /* the one that is being read */
	size_t line_len;
	struct program_result *result;
};

/* Out of the way of those that the program will have. */
static int
move_up(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static void
run(const int input[2], const int output[2], const int failed[2],
    char *const *argv)
{
	static char *const environment[] = {
	    (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int in = move_up(input[PIPE_READ]), out = move_up(output[PIPE_WRITE]);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int report = move_up(failed[PIPE_WRITE]), error;
	sigset_t none;

	setpgid(0, 0);
	/* It does not outlive who would end it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (int sig = 1; sig < NSIG; sig++) {
		signal(sig, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in >= 0 && out >= 0 && null >= 0 && dup2(null, 0) == 0 &&
	    dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
	    dup2(in, PROGRAM_INPUT_FD) == PROGRAM_INPUT_FD) {
		/* All that is ours closes itself; this is for what is not. */
		close_range(PROGRAM_INPUT_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
		execve(argv[0], argv, environment);
	}
	error = errno;
	(void)!write(report, &error, sizeof(error));
	_exit(127);
}

static void
close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static int
start(char *const *argv, struct program *p)
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
	p->pid = fork();
	if (p->pid == 0) {
		run(input, output, failed, argv);
	}
	if (p->pid < 0) {
		close_pair(input);
		close_pair(output);
		close_pair(failed);
		return SECD_EIO;
	}
	close(input[PIPE_READ]);
	close(output[PIPE_WRITE]);
	close(failed[PIPE_WRITE]);
	p->input = input[PIPE_WRITE];
	p->output = output[PIPE_READ];
	p->failed = failed[PIPE_READ];
	fcntl(p->input, F_SETFL, O_NONBLOCK);
	return SECD_OK;
}

static void
feed(struct program *p)
{
	ssize_t put =
	    p->left_len == 0 ? 0 : write(p->input, p->left, p->left_len);

	if (put > 0) {
		p->left += put;
		p->left_len -= (size_t)put;
	}
	if (p->left_len == 0 || (put < 0 && errno != EAGAIN)) {
		close(p->input);
		p->input = -1;
	}
}

static void
end_line(struct program *p)
{
	if (p->line_len > 0) {
		p->line[p->line_len] = '\0';
		if (p->result->first[0] == '\0') {
			memcpy(p->result->first, p->line, sizeof(p->line));
		}
		memcpy(p->result->last, p->line, sizeof(p->line));
	}
	p->line_len = 0;
}

/* What is too long is read and dropped, so that no program hangs on us. */
static void
take(struct program *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\n' || c == '\r') {
			end_line(p);
		} else if (p->line_len < PROGRAM_LINE_MAX &&
			   (p->line_len > 0 || (c != ' ' && c != '\t'))) {
			p->line[p->line_len++] = program_printable(c);
		}
	}
}

/* Read output. False at its end. */
static bool
drain(struct program *p)
{
	char more[512];
	ssize_t got = read(p->output, more, sizeof(more));

	if (got <= 0) {
		return got < 0 && errno == EINTR;
	}
	take(p, more, (size_t)got);
	explicit_bzero(more, sizeof(more));
	return true;
}

/* Feed and drain until the output ends. */
static int
attend(struct program *p, const struct limit *l)
{
	for (;;) {
		struct pollfd fds[2] = {
		    {.fd = p->output, .events = POLLIN},
		    {.fd = p->input, .events = POLLOUT},
		};
		int rc = limit_poll(l, fds, 2, -1);

		if (rc != SECD_OK) {
			return rc;
		}
		if (fds[1].revents != 0) {
			feed(p);
		}
		if (fds[0].revents != 0 && !drain(p)) {
			return SECD_OK;
		}
	}
}

/* It may have closed its output long before. */
static int
await_end(const struct program *p, const struct limit *l, int *status)
{
	int rc = SECD_OK;

	while (rc == SECD_OK && waitpid(p->pid, status, WNOHANG) == 0) {
		rc = limit_poll(l, NULL, 0, LOOK_MS);
	}
	return rc;
}

static void
end_by_force(const struct program *p, int *status)
{
	kill(-p->pid, SIGKILL);
	kill(p->pid, SIGKILL); /* before it had a group */
	while (waitpid(p->pid, status, 0) < 0 && errno == EINTR) {
	}
}

/* Returns the errno of a failed exec, or 0. */
static int
finish(struct program *p, int status)
{
	int error = 0;

	end_line(p);
	if (read(p->failed, &error, sizeof(error)) != sizeof(error)) {
		error = 0;
	}
	if (p->input >= 0) {
		close(p->input);
	}
	close(p->output);
	close(p->failed);
	explicit_bzero(p->line, sizeof(p->line));
	p->result->status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return error;
}

int
program_run(const char *const *argv, const void *input, size_t input_len,
	    const struct limit *l, struct program_result *out)
{
	union {
		const char *const *in;
		char *const *out;
	} u = {.in = argv}; /* execve takes no const, and changes nothing */
	struct program p = {
	    .left = input, .left_len = input_len, .result = out};
	int rc, status = 0, error;

	*out = (struct program_result){.status = 0};
	rc = start(u.out, &p);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = attend(&p, l);
	if (rc == SECD_OK) {
		rc = await_end(&p, l, &status);
	}
	if (rc != SECD_OK) {
		end_by_force(&p, &status);
	}
	error = finish(&p, status);
	if (error != 0) {
		errno = error;
		return SECD_ENOTFOUND;
	}
	return rc;
}
