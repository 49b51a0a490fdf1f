/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_reply -- where a module puts what it says: each row, line and error is
 * looked at, and counted.
 */

#ifndef TESTS_MODULE_FAKE_REPLY_H
#define TESTS_MODULE_FAKE_REPLY_H

#include <stdbool.h>

#include "secondaryd/module.h"

/* Zero-initialised. */
struct fake_reply {
	unsigned rows;
	bool failed;
	uint32_t pause_ms; /* that the module asked for; 0: it did not */
};

/** To be given to a module; `r` outlives it. */
struct secd_reply fake_reply_to(struct fake_reply *r);

#endif
