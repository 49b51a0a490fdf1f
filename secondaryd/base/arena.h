/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena -- many small pieces of memory that are freed together.
 *
 * Pieces are zeroed and aligned for any type; none can be given back alone.
 * The arena wipes its memory before it gives it back, since what is parsed
 * into one may hold a secret. Not for use by two threads at a time.
 */

#ifndef SECD_BASE_ARENA_H
#define SECD_BASE_ARENA_H

#include <stddef.h>

struct arena;

/** Returns NULL when there is no memory. */
struct arena *arena_new(void);

/** Wipe and free everything in it. NULL is fine. */
void arena_free(struct arena *a);

/** `len` zeroed octets, 0 included; NULL when there is no memory. */
void *arena_alloc(struct arena *a, size_t len);

/** A copy of octets, aligned for any type, with a NUL after it. */
void *arena_copy(struct arena *a, const void *data, size_t len);

/** As arena_copy, aligned for octets only: names and strings stay small. */
void *arena_copy_octets(struct arena *a, const void *data, size_t len);

/** printf into the arena; NULL when there is no memory. */
char *arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
