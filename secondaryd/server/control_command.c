/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/control_command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "wire/name.h"

static const struct control_command commands[] = {
    {"status", CONTROL_STATUS, CONTROL_NOTHING, false},
    {"zone-status", CONTROL_ZONE_STATUS, CONTROL_ZONES, false},
    {"refresh", CONTROL_REFRESH, CONTROL_ZONES, false},
    {"retransfer", CONTROL_RETRANSFER, CONTROL_SOME_ZONES, true},
    {"notify", CONTROL_NOTIFY, CONTROL_ZONES, false},
    {"reload", CONTROL_RELOAD, CONTROL_NOTHING, false},
    {"stop", CONTROL_STOP, CONTROL_NOTHING, false},
    {"module-status", CONTROL_MODULE_STATUS, CONTROL_NOTHING, false},
};
static const struct control_command of_module = {"", CONTROL_MODULE,
						 CONTROL_WORDS, false};

static const struct control_command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

/* The first argument that is no domain name; NULL: all are. */
static const char *
find_no_name(const struct control_request *q)
{
	uint8_t name[NAME_LEN_MAX];

	for (size_t i = 0; i < q->arg_count; i++) {
		if (name_from_text(q->args[i], name) != SECD_OK) {
			return q->args[i];
		}
	}
	return NULL;
}

static bool
may_be_module(const struct control_request *q)
{
	return q->command[0] >= 'a' && q->command[0] <= 'z' && !q->force &&
	       q->command[strspn(q->command,
				 "abcdefghijklmnopqrstuvwxyz0123456789-")] ==
		   '\0';
}

const struct control_command *
control_command_check(const struct control_request *q, char *reason, size_t cap)
{
	const struct control_command *c = find_command(q->command);
	const char *no_name;

	if (c == NULL && may_be_module(q)) {
		return &of_module;
	}
	if (c == NULL) {
		snprintf(reason, cap, "unknown command \"%.64s\"", q->command);
	} else if (q->force && !c->takes_force) {
		snprintf(reason, cap, "%s takes no --force", c->name);
	} else if (c->args == CONTROL_NOTHING && q->arg_count > 0) {
		snprintf(reason, cap, "%s takes no arguments", c->name);
	} else if (c->args == CONTROL_SOME_ZONES && q->arg_count == 0) {
		snprintf(reason, cap, "%s needs a zone", c->name);
	} else if ((no_name = find_no_name(q)) != NULL) {
		snprintf(reason, cap, "\"%.300s\" is no domain name", no_name);
	} else {
		return c;
	}
	return NULL;
}
