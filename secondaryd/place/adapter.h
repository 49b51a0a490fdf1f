/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adapter -- how keys get into one make of server. An adapter is a name, a
 * table of settings, and one function, which runs in a process of its own and
 * may block until its limit.
 */

#ifndef SECD_PLACE_ADAPTER_H
#define SECD_PLACE_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keytext.h"
#include "place/limit.h"
#include "place/mark.h"
#include "place/settings.h"

/* What came of a placement. */
struct adapter_result {
	int32_t rc; /* SECD_OK: the server has taken them. Else what is in force
	               there is as it was, or, after SECD_ETIMEOUT, unknown */
	uint32_t needs_restart;     /* 1: before it can take them */
	uint32_t was_asked;         /* 1: the server was told to read again */
	char text[SECD_REASON_LEN]; /* a sentence */
};

/* A placement at work. */
struct adapter_work {
	struct settings settings;
	const struct keytext_key *keys; /* all that are to be there */
	size_t key_count;
	struct mark *mark;
	struct limit limit;
	struct adapter_result *result;
};

struct adapter {
	const char *name;
	const struct setting *settings;
	void (*place)(struct adapter_work *w);
};

extern const struct adapter adapter_bind, adapter_command, adapter_knot,
    adapter_nsd;

/** NULL: there is none of that name. */
const struct adapter *adapter_find(const char *name);

/**
 * Say what came of it, in a sentence. What stands between quotes in a text of
 * another program goes through adapter_unquote before: it may be a secret.
 *
 * Returns  rc
 */
int adapter_say(struct adapter_work *w, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Say what came of a program that did not run to its end. Returns rc. */
int adapter_say_program(struct adapter_work *w, int rc, const char *program);

/** Empty whatever stands between two single or two double quotes, unless it is
 * the path of a file that there is. */
char *adapter_unquote(char *text);

/** Put stars where 8 or more characters of a key's secret are repeated. */
void adapter_mask(const struct keytext_key *keys, size_t count, char *text);

#endif
