/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * knot_control -- commands to knotd over its control socket, which serves one
 * client at a time. libknot keeps what is sent in memory of its own, which it
 * does not wipe: use it in a process that ends.
 */

#ifndef SECD_PLACE_KNOT_CONTROL_H
#define SECD_PLACE_KNOT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "place/limit.h"

#define KNOT_CONTROL_WHY_MAX 160

struct knot_control;

/* One command with an item of the configuration; what is NULL is not there. */
struct knot_control_command {
	const char *name; /* "conf-set" */
	const char *section, *item, *id, *data;
};

/**
 * Connect.
 *
 * why      room for KNOT_CONTROL_WHY_MAX; receives a phrase on failure
 * Returns  SECD_OK, SECD_ENOTFOUND (nobody is there), SECD_ETIMEOUT,
 *          SECD_ENOMEM
 */
int knot_control_open(const char *socket, const struct limit *l,
		      struct knot_control **out, char *why);

/** Say goodbye. NULL is fine. */
void knot_control_close(struct knot_control *k);

/* One line of an answer; strings may be NULL. */
struct knot_control_line {
	const char *section, *item, *id, *data;
};

/**
 * Ask, and read all of the answer.
 *
 * on_line  called for each line with something in it; may be NULL
 * why      as above; what knotd objects to
 * Returns  SECD_OK, SECD_EINVAL (knotd refuses), SECD_EBUSY (another
 *          transaction is open there), SECD_ETIMEOUT, SECD_ECLOSED (lost it)
 */
int knot_control_ask(struct knot_control *k,
		     const struct knot_control_command *c,
		     void (*on_line)(void *ctx,
				     const struct knot_control_line *line),
		     void *ctx, char *why);

#endif
