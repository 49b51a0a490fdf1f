/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * container -- from a member to the struct that it is part of.
 *
 * liburcu's caa_container_of does the same, but drops a const on its way,
 * which clang's -Wcast-qual reports wherever it is used.
 */

#ifndef SECD_BASE_CONTAINER_H
#define SECD_BASE_CONTAINER_H

#include <stddef.h>

/** The struct of `type` whose `member` is at `pointer`. */
#define container_of(pointer, type, member)                                    \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
