/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_command -- which commands there are, and what each one takes.
 *
 * Both sides ask: secondaryctl before it sends a request, so that a mistake is
 * told without a server, and the server before it runs one, since a client may
 * be older or newer than it. Includes nothing of the server.
 */

#ifndef SECD_SERVER_CONTROL_COMMAND_H
#define SECD_SERVER_CONTROL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "server/control_proto.h"

enum control_verb {
	CONTROL_STATUS,
	CONTROL_ZONE_STATUS,
	CONTROL_REFRESH,
	CONTROL_RETRANSFER,
	CONTROL_NOTIFY,
	CONTROL_RELOAD,
	CONTROL_STOP,
	CONTROL_MODULE_STATUS,
	CONTROL_MODULE, /* any word of a module */
	CONTROL_VERB_COUNT,
};

/* What a command's arguments are. */
enum control_args {
	CONTROL_NOTHING,
	CONTROL_ZONES,      /* none: all */
	CONTROL_SOME_ZONES, /* one at least */
	CONTROL_WORDS,      /* of any kind */
};

struct control_command {
	const char *name;
	enum control_verb verb;
	enum control_args args;
	bool takes_force;
};

/**
 * The command of a request that makes sense: its word is known, and its flags
 * and arguments are what it takes. A word that is not known may be a module's,
 * as only the server can tell.
 *
 * reason   receives, with NULL, what is wrong: one line, but for characters
 *          that the caller was given
 * Returns  static storage, or NULL
 */
const struct control_command *
control_command_check(const struct control_request *q, char *reason,
		      size_t cap);

#endif
