/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_proto -- what secondaryd and secondaryctl say to each other.
 *
 * One request, one reply, over libknot's control socket. A request is a
 * command, flags and arguments. A reply is rows, perhaps an error, and an end.
 * A row is one fact with a type: a reader shows those it does not know by
 * their name, so either side may be newer than the other. Commands are words
 * here; control_command.h has which there are.
 *
 * On the wire, by field of a unit: the request's first DATA has CMD and FLAGS,
 * each further one an argument in DATA; the reply's have ZONE, ID, ITEM, TYPE
 * and DATA, or ERROR. BLOCK ends either. A field has at most 65535 octets, so
 * a long line comes in several rows.
 *
 * Used by secondaryctl too: includes nothing of the server.
 */

#ifndef SECD_SERVER_CONTROL_PROTO_H
#define SECD_SERVER_CONTROL_PROTO_H

#include <libknot/control/control.h>
#include <stdbool.h>
#include <stddef.h>

#define CONTROL_ARG_COUNT_MAX 100000
#define CONTROL_ARG_LEN_MAX   4096 /* octets, the NUL included */

struct control_request {
	char *command;
	bool force; /* the flag F */
	char **args;
	size_t arg_count;
};

enum control_type {
	CONTROL_TEXT = 's',
	CONTROL_NUMBER = 'n', /* decimal, not negative */
	CONTROL_TIME = 't',   /* wall clock, seconds since the epoch */
	CONTROL_BOOL = 'b',   /* on or off */
	CONTROL_LINE = 'l',   /* shown as it is, in its place; item "line" */
	CONTROL_PART = 'p',   /* of a line that goes on in the next row */
};

/* Strings are borrowed; NULL and "" are the same: not there. */
struct control_row {
	const char *zone;  /* which zone it is about */
	const char *id;    /* which of several: a kind, a blank, a name */
	const char *item;  /* what: lower-case words joined by hyphens */
	const char *value; /* as the type says */
	const char *error; /* a sentence: the command failed */
	enum control_type type;
};

/** Returns SECD_OK, SECD_EINVAL (too much), SECD_ETIMEOUT, SECD_ECLOSED. */
int control_request_send(knot_ctl_t *ctl, const struct control_request *q);

/**
 * Receive a whole request.
 *
 * out      receives it on SECD_OK (control_request_fini)
 * Returns  SECD_OK, SECD_EMALF, SECD_ELIMIT (an argument too long or one too
 *          many), SECD_ETIMEOUT, SECD_ECLOSED, SECD_ENOMEM
 */
int control_request_receive(knot_ctl_t *ctl, struct control_request *out);
void control_request_fini(struct control_request *q);

/**
 * Send a row; a line may have any length.
 *
 * Returns  SECD_OK, SECD_EINVAL (too long), SECD_ETIMEOUT, SECD_ECLOSED
 */
int control_row_send(knot_ctl_t *ctl, const struct control_row *row);
/** End the reply, and send what waits. */
int control_row_send_end(knot_ctl_t *ctl);

/**
 * Receive the next row.
 *
 * out      its strings live until the next call
 * Returns  SECD_OK, SECD_ENOTFOUND (the reply's end), SECD_EMALF,
 *          SECD_ETIMEOUT, SECD_ECLOSED
 */
int control_row_receive(knot_ctl_t *ctl, struct control_row *out);

#endif
