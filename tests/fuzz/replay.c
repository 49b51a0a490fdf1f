/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay -- give each file of a corpus to a fuzz target, once.
 *
 * It stands in for the fuzzer's main where there is no fuzzer: any compiler,
 * any sanitizer, seconds instead of minutes. Arguments are files and folders
 * of files; the empty input always comes first. Each input gets memory of
 * exactly its length, so that reading past its end is seen.
 */

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static unsigned long replayed;

static int
complain(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	return 1;
}

static int
replay_file(const char *path, size_t size)
{
	uint8_t *data;
	FILE *f;
	int rc = 0;

	f = fopen(path, "rb");
	if (f == NULL) {
		return complain(path);
	}
	/* malloc(0) may be NULL, which a fuzzer never passes. */
	data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, f) != size) {
		rc = complain(path);
	} else {
		/* A crash prints a stack, not the input: name it before. */
		if (getenv("REPLAY_VERBOSE") != NULL) {
			fprintf(stderr, "%s\n", path);
		}
		LLVMFuzzerTestOneInput(data, size);
		replayed++;
	}
	free(data);
	fclose(f);
	return rc;
}

static int replay_path(const char *path);

static int
replay_folder(const char *path)
{
	struct dirent **names;
	int i, count, rc = 0;

	count = scandir(path, &names, NULL, alphasort);
	if (count < 0) {
		return complain(path);
	}
	for (i = 0; i < count; i++) {
		char *file;

		if (names[i]->d_name[0] != '.' &&
		    asprintf(&file, "%s/%s", path, names[i]->d_name) > 0) {
			rc |= replay_path(file);
			free(file);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

static int
replay_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		return complain(path);
	}
	if (S_ISDIR(st.st_mode)) {
		return replay_folder(path);
	}
	return replay_file(path, (size_t)st.st_size);
}

int
main(int argc, char **argv)
{
	const uint8_t nothing = 0;
	int i, rc = 0;

	if (LLVMFuzzerInitialize != NULL) {
		LLVMFuzzerInitialize(&argc, &argv);
	}
	LLVMFuzzerTestOneInput(&nothing, 0);
	replayed++;
	for (i = 1; i < argc; i++) {
		rc |= replay_path(argv[i]);
	}
	printf("replayed %lu inputs\n", replayed);
	return rc;
}
