/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scratch -- directories for tests that are no tests of cmocka.
 */

#ifndef TESTS_MODULE_SCRATCH_H
#define TESTS_MODULE_SCRATCH_H

#include <stdbool.h>

#define SCRATCH_MAX 256

/**
 * Make an empty directory in TMPDIR.
 *
 * path     receives its name, which begins with `name`
 * Returns  false, and has said why
 */
bool scratch_make(const char *name, char path[SCRATCH_MAX]);

/** Remove it and what is in it; none is fine. */
void scratch_remove(const char *path);

#endif
