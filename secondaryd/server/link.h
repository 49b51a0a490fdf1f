/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link -- one TCP connection to another server on a libev loop: messages out,
 * messages in, deadlines (RFC 1035 section 4.2.2 framing).
 *
 * A link is owned by one user at a time and knows nothing of what the messages
 * mean. Calls back from the loop only, never from within the user's own call.
 */

#ifndef SECD_SERVER_LINK_H
#define SECD_SERVER_LINK_H

#include <ev.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct link;

enum link_failure {
	LINK_CONNECT, /* there never was a connection */
	LINK_TIMEOUT,
	LINK_CLOSED, /* by the other side, or by an error */
	LINK_LIMIT,  /* total_ms, octets or octets_per_s */
};

struct link_user {
	/**
	 * One whole message; the octets may be changed in place. The user may
	 * close or release the link here.
	 */
	void (*message)(void *arg, uint8_t *msg, size_t len);
	/** The link is dead; close it. `reason` is one phrase. */
	void (*failed)(void *arg, enum link_failure why, const char *reason);
	void *arg;
};

/* Deadlines in milliseconds; 0: none. */
struct link_limits {
	int64_t connect_ms;
	int64_t silence_ms;    /* without an octet while one is awaited */
	int64_t total_ms;      /* of one use */
	uint64_t octets;       /* of one use */
	uint32_t octets_per_s; /* least rate, over rate_window_ms */
	int64_t rate_window_ms;
};

/**
 * Begin to connect.
 *
 * via      source address, or NULL
 * Returns  SECD_OK, SECD_EIO (no socket, source not available; `*reason`),
 *          SECD_ECLOSED (the system says at once that there is no way to it;
 *          `*reason`), SECD_ENOMEM
 */
int link_open(struct ev_loop *loop, const struct sockaddr_storage *to,
	      const struct sockaddr_storage *via, struct link **out,
	      const char **reason);

/** Start a use: callbacks and limits from now on. */
void link_use(struct link *l, const struct link_user *user,
	      const struct link_limits *limits);

/**
 * Send one message of up to 65535 octets, when connected.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int link_send(struct link *l, const uint8_t *msg, size_t len);

/** Another limit of silence for the rest of this use, from now. */
void link_set_silence(struct link *l, int64_t silence_ms);

/** End a use: no deadlines; any octet that arrives now is a failure. */
void link_rest(struct link *l, const struct link_user *user);

/** Close and free. NULL is fine. */
void link_close(struct link *l);

#endif
