/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock -- the two times there are: one that never jumps, for durations, and
 * the wall's, for TSIG, logs and what crosses a restart. Read in server/ and
 * place/ only; everything else gets the time as an argument.
 */

#ifndef SECD_BASE_CLOCK_H
#define SECD_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/** CLOCK_BOOTTIME in milliseconds: goes on while the machine sleeps. */
static inline int64_t
clock_boot_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/** CLOCK_MONOTONIC in milliseconds: stops while the machine sleeps. */
static inline int64_t
clock_awake_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/** Milliseconds since the epoch. */
static inline int64_t
clock_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/** Seconds since the epoch. */
static inline int64_t
clock_wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec;
}

#endif
