/* SPDX-License-Identifier: BSD-2-Clause */

#include "temp_dir.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

void
temp_dir_make(char path[TEMP_DIR_MAX])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(path, TEMP_DIR_MAX, "%s/test.XXXXXX",
		 tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(path));
}

static int
drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
temp_dir_remove(const char *path)
{
	nftw(path, drop, 8, FTW_DEPTH | FTW_PHYS);
}
