/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host -- a host of modules that only reads: a module looks into what it keeps,
 * without its server or beside it.
 *
 * Whoever is root becomes the owner of the module's directory first: what
 * another user keeps there gets no more rights than that user has.
 */

#ifndef SECONDARYCTL_HOST_H
#define SECONDARYCTL_HOST_H

#include "output.h"
#include "secondaryd/module.h"

#define HOST_REASON_LEN (SECD_REASON_LEN + (size_t)512)

struct host;

/**
 * Load the module whose commands begin with `word`, and open it.
 *
 * file     its shared object, or a directory of modules
 * dir      what the module calls its state directory
 * reason   room for HOST_REASON_LEN; receives one sentence on failure
 * Returns  SECD_OK, or a failure
 */
int host_open(const char *word, const char *file, const char *dir,
	      struct host **out, char *reason);

/** Run a command, all turns of it. What it says goes to the output, errors too. */
void host_command(struct host *h, const char *const *argv, size_t argc,
		  struct output *out);

void host_close(struct host *h);

#endif
