/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer -- the other side of a connection, for tests: a listening socket on a
 * free port of 127.0.0.1, and blocking reads and writes on what it accepted.
 * Each call has a limit of some seconds, after which the test has failed.
 */

#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct peer {
	int listener;
	struct sockaddr_storage address;
};

/** backlog  0: connections beyond the first two wait for ever */
void peer_open(struct peer *p, int backlog);
void peer_close(struct peer *p);

/** Accept a connection; the caller closes it. */
int peer_accept(const struct peer *p);

/** Is there a connection to accept? */
bool peer_has_connection(const struct peer *p);

/** A TCP connection to an address, from a test that plays the client. */
int peer_connect(const struct sockaddr_storage *to);

/** Write octets, all of them. */
void peer_write(int fd, const void *octets, size_t len);

/** Write one message with its length before it. */
void peer_write_message(int fd, const void *octets, size_t len);

/** Read one message; `out` has room for 65535. Returns its length, -1: end. */
long peer_read_message(int fd, uint8_t *out);

/** Read a message that must be this text. */
void peer_expect_message(int fd, const char *text);

/** The other side has closed: no octet, and the end. */
void peer_expect_end(int fd);

/** End a connection by a reset. */
void peer_reset(int fd);

/** Run the loop until `*flag` is set. */
void peer_run_until(struct ev_loop *loop, const bool *flag);

/** Run the loop for so many milliseconds: for what must not happen. */
void peer_run_for(struct ev_loop *loop, int64_t ms);

/** Run the loop until all that is due at once was done. */
void peer_run_pending(struct ev_loop *loop);

#endif
