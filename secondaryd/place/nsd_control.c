/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/nsd_control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "place/program.h"

#define COMMAND_MAX 1023 /* octets of a line that NSD reads */

static int
connect_to(const char *path, int *out)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, error;

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >=
	    (int)sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return SECD_ENOTFOUND;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return SECD_EIO;
	}
	/* Done at once, or refused; EAGAIN when too many wait already. */
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		error = errno;
		close(fd);
		errno = error;
		return error == EAGAIN ? SECD_ETIMEOUT : SECD_ENOTFOUND;
	}
	*out = fd;
	return SECD_OK;
}

/* It fits into the empty buffer of a new connection. */
static int
send_line(int fd, const char *command)
{
	char line[COMMAND_MAX + 1];
	int len = snprintf(line, sizeof(line), "NSDCT1 %s\n", command);

	if (len >= (int)sizeof(line)) {
		errno = EMSGSIZE;
		return SECD_EIO;
	}
	return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len ? SECD_OK
								: SECD_ECLOSED;
}

/* What was read; keeps the last line that is not empty. */
struct lines {
	struct nsd_control_answer *out;
	size_t len;
	bool is_at_end; /* of a line: the next character begins another */
	bool has_any;
};

static void
take(struct lines *l, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\n') {
			l->is_at_end = true;
			continue;
		}
		if (l->is_at_end) {
			l->len = 0;
			l->is_at_end = false;
		}
		if (l->len < NSD_CONTROL_LINE_MAX) {
			l->out->last[l->len++] = program_printable(c);
		}
		l->has_any = true;
	}
}

static int
read_answer(int fd, const struct limit *limit, struct lines *l)
{
	char piece[512];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int rc = limit_poll(limit, &p, 1, -1);
		ssize_t got;

		if (rc != SECD_OK) {
			return rc;
		}
		got = read(fd, piece, sizeof(piece));
		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			continue;
		}
		/* A reset is its way to hang up on what it did not read. */
		if (got <= 0) {
			return l->has_any ? SECD_OK : SECD_ECLOSED;
		}
		take(l, piece, (size_t)got);
	}
}

int
nsd_control_ask(const char *socket, const char *command, const struct limit *l,
		struct nsd_control_answer *out)
{
	struct lines lines = {.out = out};
	int fd, rc;

	*out = (struct nsd_control_answer){.is_ok = false};
	rc = connect_to(socket, &fd);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = send_line(fd, command);
	if (rc == SECD_OK) {
		rc = read_answer(fd, l, &lines);
	}
	close(fd);
	out->last[lines.len] = '\0';
	out->is_ok =
	    rc == SECD_OK && lines.is_at_end && strcmp(out->last, "ok") == 0;
	return rc;
}
