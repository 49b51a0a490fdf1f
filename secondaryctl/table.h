/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table -- things of one kind for people, a line each: what they have in common
 * stands below each other. Knows nothing of what the items mean.
 */

#ifndef SECONDARYCTL_TABLE_H
#define SECONDARYCTL_TABLE_H

#include <stdio.h>

#include "rows.h"

/**
 * Show and take what is not taken of the things of the kind of r->things[at],
 * from there on.
 *
 * A column for each item, in the order in which they come first; numbers to the
 * right. Switches have none: those that are on are named at the end of the
 * line, and those that are off with "not" before them. An item that comes again
 * in the same thing is left.
 *
 * Returns  SECD_OK, SECD_ENOMEM
 */
int table_show(FILE *out, struct rows *r, size_t at);

#endif
