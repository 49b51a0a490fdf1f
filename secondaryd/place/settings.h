/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings -- what the configuration says to an adapter, checked by a table.
 */

#ifndef SECD_PLACE_SETTINGS_H
#define SECD_PLACE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secondaryd/module.h"

enum setting_kind {
	SETTING_FILE,    /* absolute path of a file of ours, to be written */
	SETTING_PATH,    /* absolute path */
	SETTING_PROGRAM, /* absolute path of a program */
	SETTING_TEXT,
	SETTING_TIME, /* seconds, or with s, m, h, d */
};

enum setting_flag {
	SETTING_REQUIRED = 1 << 0,
	SETTING_LIST = 1 << 1,   /* may be there several times */
	SETTING_SERVER = 1 << 2, /* says which server it is */
	SETTING_TARGET = 1 << 3, /* and where in it keys go */
};

/* A line of an adapter's table, which ends with one without a name. */
struct setting {
	const char *name;
	enum setting_kind kind;
	unsigned flags;
	const char *standard; /* what it is when it is not said; may be NULL */
	const char *with;     /* goes only with that one; NULL: always */
};

/* The table, and what was said. */
struct settings {
	const char *adapter; /* its name */
	const struct setting *known;
	const struct secd_option *said;
	size_t count;
};

/**
 * Is everything known, there, and fit for use by this process?
 *
 * path     the configuration file's, for messages; may be ""
 * reason   room for SECD_REASON_LEN; receives one sentence on failure, with
 *          "path:line: " first
 * Returns  SECD_OK, SECD_EINVAL
 */
int settings_check(const struct settings *s, const char *path, char *reason);

/** What was said, or the standard; NULL: neither. Of a list, the first. */
const char *settings_get(const struct settings *s, const char *name);

/** Was it said? */
bool settings_has(const struct settings *s, const char *name);

/** A time, of checked settings, in milliseconds; 0 when there is none. */
int64_t settings_time_ms(const struct settings *s, const char *name);

/**
 * Which server it is, or where in it keys go, in one line: the adapter and the
 * values of the settings that have this flag.
 *
 * Returns  a string to be freed, or NULL: no memory
 */
char *settings_line(const struct settings *s, enum setting_flag flag);

#endif
