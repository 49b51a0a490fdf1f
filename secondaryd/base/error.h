/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error -- the one set of results that functions of this program return.
 *
 * SECD_OK is zero, failures are negative. A function's documentation
 * lists which it returns; results come back through `out` pointers, which are
 * untouched on failure. Codes of libraries stop in the file that calls them.
 */

#ifndef SECD_BASE_ERROR_H
#define SECD_BASE_ERROR_H

#include "secondaryd/error.h"

/** One lower-case sentence without a full stop; never NULL, static. */
const char *secd_strerror(int rc);

#endif
