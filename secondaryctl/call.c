/* SPDX-License-Identifier: BSD-2-Clause */

#include "call.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "wire/name.h"

enum zones {
	ZONES_NONE,
	ZONES_ANY, /* none: all */
	ZONES_SOME,
};

static const struct command {
	const char *name;
	enum zones zones;
	bool takes_force;
} commands[] = {
    {"status", ZONES_NONE, false}, {"zone-status", ZONES_ANY, false},
    {"refresh", ZONES_ANY, false}, {"retransfer", ZONES_SOME, true},
    {"notify", ZONES_ANY, false},  {"reload", ZONES_NONE, false},
    {"stop", ZONES_NONE, false},
};

static const struct command *
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

bool
call_is_right(const struct control_request *q, char *reason, size_t cap)
{
	const struct command *c = find_command(q->command);
	const char *no_name = find_no_name(q);

	if (c == NULL) {
		snprintf(reason, cap, "unknown command \"%.64s\"", q->command);
	} else if (q->force && !c->takes_force) {
		snprintf(reason, cap, "%s takes no --force", c->name);
	} else if (c->zones == ZONES_NONE && q->arg_count > 0) {
		snprintf(reason, cap, "%s takes no arguments", c->name);
	} else if (c->zones == ZONES_SOME && q->arg_count == 0) {
		snprintf(reason, cap, "%s needs a zone", c->name);
	} else if (no_name != NULL) {
		snprintf(reason, cap, "\"%.300s\" is no domain name", no_name);
	} else {
		return true;
	}
	return false;
}
