/* SPDX-License-Identifier: BSD-2-Clause */

#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
scratch_make(const char *name, char path[SCRATCH_MAX])
{
	const char *top = getenv("TMPDIR");

	snprintf(path, SCRATCH_MAX, "%.200s/%.40s.XXXXXX",
		 top != NULL ? top : "/tmp", name);
	if (mkdtemp(path) == NULL) {
		perror(path);
		return false;
	}
	return true;
}

void
scratch_remove(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char below[4096];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0) {
			continue;
		}
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (unlink(below) != 0) {
			scratch_remove(below);
		}
	}
	if (d != NULL) {
		closedir(d);
	}
	rmdir(path);
}
