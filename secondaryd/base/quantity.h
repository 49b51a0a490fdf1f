/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quantity -- numbers as an operator writes them, with a unit behind them.
 */

#ifndef SECD_BASE_QUANTITY_H
#define SECD_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a unit is worth. "" is a number without one. */
struct quantity_unit {
	const char *text;
	uint64_t worth;
};

/**
 * Read decimal digits and, right behind them, one of `units`.
 *
 * Returns  whether `text` is that and nothing else, and fits into 64 bits;
 *          otherwise `out` is untouched
 */
bool quantity_read(const char *text, const struct quantity_unit *units,
		   size_t count, uint64_t *out);

#endif
