/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * witness -- what the files of the module for tests of hosts share.
 */

#ifndef TESTS_MODULE_WITNESS_H
#define TESTS_MODULE_WITNESS_H

#include <stdbool.h>
#include <stdio.h>

#include "secondaryd/module.h"

struct witness {
	const struct secd_host *host;
	FILE *calls; /* NULL: nothing may be written */
	unsigned faults;
	uint64_t ticks;
	uint64_t order;             /* that was given last */
	struct secd_option *places; /* copied, all in one piece */
	size_t place_count;
	uint64_t placements;
};

/** Write a line into `calls`. */
void witness_note(struct witness *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Labels as they are: the tests' names are plain. Returns text. */
const char *witness_text(const uint8_t *name, char text[256]);
/** Lower-case, without escapes. Returns name. */
const uint8_t *witness_name(const char *text, uint8_t name[256]);

/*
 * witness_keys.c
 */

/** Put the keys that the options name. Returns SECD_OK, or why not. */
int witness_keys_open(struct witness *w, const struct secd_options *options);
/** Carry out a command about keys. False: it is another one. */
bool witness_keys_command(struct witness *w, const struct secd_command *c,
			  struct secd_reply *reply);
/** Note an event about keys. False: it is another one. */
bool witness_keys_event(struct witness *w, const struct secd_event *e);

/*
 * witness_place.c
 */

/** Keep what the options say of other servers. Returns SECD_OK, SECD_ENOMEM. */
int witness_place_open(struct witness *w, const struct secd_options *options);
/** Carry out a command about them; *rc is its code. False: it is another. */
bool witness_place_command(struct witness *w, const struct secd_command *c,
			   struct secd_reply *reply, int *rc);
/** Note an event about them. False: it is another one. */
bool witness_place_event(struct witness *w, const struct secd_event *e);

#endif
