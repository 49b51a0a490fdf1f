/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secret -- memory for keys: not swapped out, not in a core dump, wiped.
 *
 * Many small secrets share a few pages, so that a thousand keys fit into a
 * small RLIMIT_MEMLOCK. Where the limit forbids to lock a page, the memory is
 * given all the same, without the lock, and secret_stats says so: the caller
 * warns the operator. Safe to call from any thread.
 */

#ifndef SECD_BASE_SECRET_H
#define SECD_BASE_SECRET_H

#include <stddef.h>

/**
 * Allocate zeroed octets for a secret.
 *
 * len      above zero
 * Returns  the memory, aligned for any type; NULL: no memory. secret_free
 *          wipes and frees it
 */
void *secret_new(size_t len);

/** Wipe and free. `len` as it was given to secret_new. NULL is fine. */
void secret_free(void *secret, size_t len);

struct secret_stats {
	size_t mapped_len; /* octets of all pages held for secrets */
	size_t locked_len; /* of these, locked: less than mapped when the
	                      limit forbade it */
};

void secret_stats(struct secret_stats *out);

#endif
