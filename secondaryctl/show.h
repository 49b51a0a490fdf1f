/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show -- rows for people: one paragraph a zone, aligned, with times as
 * distances from now. Nothing that a value holds can reach the terminal as
 * anything but printable ASCII.
 */

#ifndef SECONDARYCTL_SHOW_H
#define SECONDARYCTL_SHOW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rows.h"

#define SHOW_INDENT   4  /* of what stands below a name */
#define SHOW_TIME_LEN 96 /* room for a moment */

/** Text of unknown origin: what is not printable ASCII becomes \xHH. */
void show_text(FILE *out, const char *text);
/** How many characters that are. */
size_t show_width(const char *text);

/** A moment, in UTC (RFC 3339). Returns `text`. */
const char *show_time(int64_t at, char text[SHOW_TIME_LEN]);

/**
 * Show all rows of a zone, or of the server. What has an id is a line of a
 * table; of modules, whose status is longer, each is a paragraph.
 *
 * now      wall clock, seconds since the epoch
 */
void show_rows(FILE *out, struct rows *r, int64_t now);

#endif
