/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show -- rows for people: one paragraph a zone, aligned, with times as
 * distances from now. Nothing that a value holds can reach the terminal as
 * anything but printable ASCII.
 */

#ifndef SECONDARYCTL_SHOW_H
#define SECONDARYCTL_SHOW_H

#include <stdint.h>
#include <stdio.h>

#include "rows.h"

/** Text of unknown origin: what is not printable ASCII becomes \xHH. */
void show_text(FILE *out, const char *text);

/** now  wall clock, seconds since the epoch */
void show_rows(FILE *out, struct rows *r, int64_t now);

#endif
