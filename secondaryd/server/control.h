/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control -- the operator's door: a socket in rundir, one command at a time.
 *
 * A thread of its own waits for commands, checks them and calls the handler;
 * the handler sees to it that things happen on the thread that owns them.
 * Replies are collected in memory and sent by the control thread, so a handler
 * may fill them on any thread that control waits for, and a slow client holds
 * up nobody but the next client. A client that stops talking is dropped after
 * CONTROL_TIMEOUT_MS.
 */

#ifndef SECD_SERVER_CONTROL_H
#define SECD_SERVER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/control_proto.h"
#include "wire/name.h"

#define CONTROL_TIMEOUT_MS 5000 /* for each message of a client */

/* What a command answers: rows, and an error when it failed. */
struct control_reply;

/**
 * Add a row. What does not fit is cut.
 *
 * zone     presentation format, or NULL: about the server
 * id       NULL, or which of several things it is about: their kind, a blank,
 *          a name, as "primary hidden 192.0.2.1@53"
 */
void control_reply_text(struct control_reply *r, const char *zone,
			const char *id, const char *item, const char *format,
			...) __attribute__((format(printf, 5, 6)));
void control_reply_number(struct control_reply *r, const char *zone,
			  const char *id, const char *item, uint64_t value);
/** at  wall clock, seconds since the epoch */
void control_reply_time(struct control_reply *r, const char *zone,
			const char *id, const char *item, int64_t at);
void control_reply_bool(struct control_reply *r, const char *zone,
			const char *id, const char *item, bool value);

/** Add a line that is shown as it is, in its place among them. */
void control_reply_line(struct control_reply *r, const char *text);

/** The command failed, and why; the first error of a command is sent. */
void control_reply_error(struct control_reply *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** A command that has more to say has not before so many milliseconds. */
void control_reply_pause(struct control_reply *r, uint32_t ms);

/* Where a list of zones goes on. */
struct control_cursor {
	bool is_started;            /* false: at the first zone */
	uint8_t last[NAME_LEN_MAX]; /* after this one */
};

/*
 * What the server can do. Called on the control thread, one at a time; zones
 * are names in wire format, lower-case. A handler that refuses says so by
 * control_reply_error, for a zone with its name in it.
 */
struct control_handler {
	void *ctx;
	/** Rows about the server as a whole. */
	void (*status)(void *ctx, struct control_reply *r);
	/** Rows about one zone (zone_report.h). */
	void (*zone_status)(void *ctx, const uint8_t *apex,
			    struct control_reply *r);
	/**
	 * Rows about some zones, in order, a few hundred at a time; moves the
	 * cursor. Returns false after the last zone.
	 */
	bool (*zone_list)(void *ctx, struct control_cursor *cursor,
			  struct control_reply *r);
	/** apex  NULL: all zones */
	void (*refresh)(void *ctx, const uint8_t *apex,
			struct control_reply *r);
	void (*retransfer)(void *ctx, const uint8_t *apex, bool force,
			   struct control_reply *r);
	/** apex  NULL: all zones */
	void (*notify)(void *ctx, const uint8_t *apex, struct control_reply *r);
	void (*reload)(void *ctx, struct control_reply *r);
	/** Rows about each module. */
	void (*module_status)(void *ctx, struct control_reply *r);
	/**
	 * One turn of a module's command (modules_command).
	 *
	 * Returns  SECD_OK, SECD_MORE, SECD_ENOTFOUND (no module has the first
	 *          word), or a failure, which the reply tells
	 */
	int (*module_command)(void *ctx, const char *const *words, size_t count,
			      uint8_t *position, struct control_reply *r);
	/** Begin to stop, and return: the reply goes out before the end. */
	void (*stop)(void *ctx, struct control_reply *r);
};

struct control;

/**
 * Bind the socket: 0660, with the owner and group of its directory. A socket
 * that nobody listens to any more is replaced.
 *
 * path     copied; the directory is there
 * reason   receives one sentence on failure; room for 256
 * Returns  SECD_OK, SECD_EBUSY (another process listens there), SECD_EEXIST
 *          (something else has that name), SECD_EIO, SECD_ENOMEM
 */
int control_open(const char *path, struct control **out, char reason[256]);

/**
 * Start the thread.
 *
 * h        copied
 * Returns  SECD_OK, SECD_ENOMEM
 */
int control_start(struct control *c, const struct control_handler *h);

/** Finish the command at hand, end the thread. NULL is fine. */
void control_stop(struct control *c);

/** Remove the socket, free. After control_stop if it was started. */
void control_close(struct control *c);

#endif
