/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * temp_dir -- a directory of a test's own, below TMPDIR, which whoever runs
 * the tests removes as a whole.
 */

#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H

#define TEMP_DIR_MAX 256

/** Make one; fails the test when that fails. `path` receives its name. */
void temp_dir_make(char path[TEMP_DIR_MAX]);

/** Remove it and everything in it. */
void temp_dir_remove(const char *path);

#endif
