/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * by_file -- keys in a file that the server's configuration includes: written,
 * checked by the server's own program, and then read by the server. A file
 * that does not pass is put back before the server hears of it.
 *
 * The settings of such an adapter have `file`, `group`, `config` and `check`.
 */

#ifndef SECD_PLACE_BY_FILE_H
#define SECD_PLACE_BY_FILE_H

#include "place/adapter.h"

#define BY_FILE_ARGS_MAX 8

enum by_file_outcome {
	BY_FILE_TAKEN,   /* the server has read it */
	BY_FILE_LEFT,    /* not now, but when it starts: the file stays */
	BY_FILE_REFUSED, /* the file before is put back */
};

struct by_file {
	enum keytext_format format;
	const char *server; /* as in "nsd has taken 2 keys" */
	/* Arguments of the check; "%" stands for the configuration file. */
	const char *check_args[BY_FILE_ARGS_MAX];
	/* Have the server read its configuration, and say what came of it
	 * unless it was taken. */
	enum by_file_outcome (*tell)(struct adapter_work *w);
};

void by_file_place(struct adapter_work *w, const struct by_file *how);

#endif
