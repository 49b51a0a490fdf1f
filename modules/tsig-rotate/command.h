/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command -- what an operator asks for: `secondaryctl key ...`.
 */

#ifndef TSIG_ROTATE_COMMAND_H
#define TSIG_ROTATE_COMMAND_H

#include "tsig-rotate/rotate.h"

/* A command that is being run. */
struct command {
	struct rotate *rotate;
	const struct secd_command *c;
	struct secd_reply *reply;
	struct secd_time now;
	struct rotate_pair *pair; /* NULL: all of them */
};

/** As in secondaryd/module.h. */
int command_run(void *m, const struct secd_command *c, struct secd_reply *r);
void command_status(void *m, struct secd_reply *r);

/** One line of the reply. */
void command_line(const struct command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** It failed: one sentence. Returns rc. */
int command_fail(const struct command *c, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** What stands behind an option, as "--file"; NULL: it is not there. */
const char *command_option(const struct command *c, const char *option);

/* One file each. */
int command_table(struct command *c);
int command_revoke(struct command *c);
int command_export(struct command *c);

#endif
