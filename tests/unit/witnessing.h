/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * witnessing -- the witness as a module of its own thread, for tests of what
 * modules do with keys.
 *
 * slot. is the witness's key, other. another module's, fixed. nobody's; the
 * other module has put theirs., which the configuration does not have. The
 * transfers of example. are signed with slot. and fixed. What it is asked for
 * by commands names secrets by files: a and b are good ones, short and long are
 * not.
 */

#ifndef TESTS_WITNESSING_H
#define TESTS_WITNESSING_H

#include "conf_dir.h"
#include "server/modules.h"
#include "store_dir.h"

extern struct witnessing {
	struct store_dir *store;
	struct conf_dir *conf;
	struct frontend frontend;
	struct modules *modules;
	struct commit *commit;
	uint8_t apex[NAME_LEN_MAX]; /* example. */
	char text[1 << 18];         /* what was said last */
} witnessing;

/* For cmocka. */
int witnessing_start(void **state);
int witnessing_stop(void **state);

/** The configuration, with further lines of `server` or sections. */
struct config *witnessing_load(const char *server);

/** Open both modules and start the thread. options: of the first one. */
void witnessing_begin(const char *server, const char *options);
void witnessing_end(void);

/** The lines and values of what a command says. A word that begins with a
 * slash is a file in the directory of the configuration. */
const char *witnessing_command(const char *line);
/** The host says this code to what the first module is told to do. */
void witnessing_expect(int rc, const char *line);

/** The key that there is under a name, as a reference; NULL: none. */
struct tsig_key *witnessing_key(const char *name);

/** What a module has written down. */
const char *witnessing_calls(const char *id);
/** Wait until it has written this. */
void witnessing_wait(const char *id, const char *what);

#endif
