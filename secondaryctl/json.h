/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json -- rows for programs (RFC 8259).
 *
 * One array; an object for each zone, with its name as "zone", or one for the
 * server. Items are members. What has an id is nested: kind, then name, then
 * item. Lines are strings. Numbers and moments (seconds since the epoch) are numbers.
 */

#ifndef SECONDARYCTL_JSON_H
#define SECONDARYCTL_JSON_H

#include <stdio.h>

#include "rows.h"

/** is_first  false: another one came before, in the same array */
void json_rows(FILE *out, struct rows *r, bool is_first);

/** A line that is shown as it is: a string of the array. */
void json_line(FILE *out, const char *line, bool is_first);

#endif
