/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk -- a model of what is on a disk: what is there for sure, and what may be
 * there or not. See replay.h for its rules.
 */

#ifndef TESTS_FAULT_DISK_H
#define TESTS_FAULT_DISK_H

#include <stdbool.h>

#include "rnd.h"
#include "trace.h"

struct disk;

struct disk *disk_new(void);
void disk_free(struct disk *d);

/** Do what a record says. `octets` are borrowed until disk_free. */
void disk_do(struct disk *d, const struct trace_head *head,
	     const uint8_t *octets);

/** Is there one state only that it can be in? */
bool disk_is_settled(const struct disk *d);

/**
 * Put a state that it can be in, chosen at random, into an empty directory.
 *
 * sector  octets that are written together; a divisor of 4096
 */
void disk_make(const struct disk *d, struct rnd *r, unsigned sector,
	       const char *dir);

#endif
