/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_reply -- what a module says becomes rows of a reply, in any host.
 *
 * Used by secondaryctl too: includes nothing of the server.
 */

#ifndef SECD_SERVER_MODULE_REPLY_H
#define SECD_SERVER_MODULE_REPLY_H

#include <stdbool.h>

#include "secondaryd/module.h"

struct control_reply;

struct module_reply {
	struct secd_reply api; /* for the module */
	struct control_reply *to;
	const char *id;  /* of rows that have none of their own, or NULL */
	bool has_failed; /* it said why not */
};

/** to and id are borrowed. */
void module_reply_init(struct module_reply *r, struct control_reply *to,
		       const char *id);

/**
 * One turn of a command of a module that has commands.
 *
 * Returns  as its `command`; a failure is told in the reply
 */
int module_reply_command(const struct secd_module *code, void *self,
			 const struct secd_command *c,
			 struct control_reply *to);

#endif
