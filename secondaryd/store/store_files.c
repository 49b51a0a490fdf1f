/* SPDX-License-Identifier: BSD-2-Clause */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store/store_internal.h"

/* Disk is taken in steps of this size. */
#define RESERVE_STEP (UINT64_C(1) << 20)
/* Pages that any transaction may write besides its values. */
#define RESERVE_PAGES 64u
/* Pages of trees that one more value changes, at most. */
#define PAGES_PER_PUT 4u

void
store_image_path(const struct store *s, uint64_t number, char *path)
{
	snprintf(path, PATH_MAX, "%s/%016" PRIx64, s->image_dir, number);
}

/* ---- what nobody names ---- */

/* Numbers of large images that zones name, sorted. */
struct named_images {
	uint64_t *numbers;
	size_t count, cap;
};

static int
compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x == y ? 0 : x < y ? -1 : 1;
}

static int
note_named(struct named_images *named, uint64_t number)
{
	if (named->count == named->cap) {
		size_t cap = named->cap == 0 ? 64 : named->cap * 2;
		uint64_t *numbers =
		    realloc(named->numbers, cap * sizeof(*numbers));

		if (numbers == NULL) {
			return SECD_ENOMEM;
		}
		named->numbers = numbers;
		named->cap = cap;
	}
	named->numbers[named->count++] = number;
	return SECD_OK;
}

static int
take_zone(void *arg, const uint8_t *apex, const MDB_val *val)
{
	struct zone_head h;

	if (zone_head_read(apex, val, &h) != SECD_OK || h.place != IMAGE_FILE) {
		return SECD_OK;
	}
	return note_named(arg, h.image_number);
}

/* All of them, or an error: then nothing may be removed. */
static int
collect_named(struct store *s, struct named_images *named)
{
	int rc = store_walk_zones(s, take_zone, named);

	if (named->count > 0) {
		qsort(named->numbers, named->count, sizeof(*named->numbers),
		      compare_numbers);
	}
	return rc;
}

static bool
is_named(const struct named_images *named, const char *file)
{
	uint64_t number;
	int end = 0;

	if (sscanf(file, "%16" SCNx64 "%n", &number, &end) != 1 || end != 16 ||
	    file[end] != '\0' || named->count == 0) {
		return false;
	}
	return bsearch(&number, named->numbers, named->count, sizeof(number),
		       compare_numbers) != NULL;
}

void
store_sweep(struct store *s)
{
	struct named_images named = {0};
	int fd =
	    openat(s->image_dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	if (collect_named(s, &named) == SECD_OK) {
		while ((entry = readdir(dir)) != NULL) {
			if (entry->d_name[0] != '.' &&
			    !is_named(&named, entry->d_name)) {
				unlinkat(s->image_dir_fd, entry->d_name, 0);
			}
		}
	}
	free(named.numbers);
	closedir(dir);
}

/* ---- files of a transaction ---- */

int
store_note_stale(struct store *s, uint64_t number)
{
	char path[PATH_MAX];
	char **grown, *copy;

	store_image_path(s, number, path);
	copy = strdup(path);
	if (copy == NULL) {
		return SECD_ENOMEM;
	}
	grown = realloc(s->stale, (s->stale_count + 1) * sizeof(*grown));
	if (grown == NULL) {
		free(copy);
		return SECD_ENOMEM;
	}
	s->stale = grown;
	s->stale[s->stale_count++] = copy;
	return SECD_OK;
}

int
store_note_fresh(struct store *s, struct image *im)
{
	struct image **grown =
	    realloc(s->fresh, (s->fresh_count + 1) * sizeof(*grown));

	if (grown == NULL) {
		return SECD_ENOMEM;
	}
	s->fresh = grown;
	s->fresh[s->fresh_count++] = image_ref(im);
	return SECD_OK;
}

void
store_forget_files(struct store *s, bool is_committed, bool keep)
{
	for (size_t i = 0; i < s->stale_count; i++) {
		if (is_committed) {
			/* Whoever still reads it has it mapped. */
			unlink(s->stale[i]);
		}
		free(s->stale[i]);
	}
	for (size_t i = 0; i < s->fresh_count; i++) {
		if (!is_committed && !keep) {
			image_unkeep(s->fresh[i]);
		}
		image_unref(s->fresh[i]);
	}
	free(s->stale);
	free(s->fresh);
	s->stale = NULL;
	s->fresh = NULL;
	s->stale_count = s->fresh_count = 0;
}

/* ---- room on the disk ---- */

static int
grow_file(struct store *s, uint64_t len)
{
	struct stat st;
	int fd, rc;

	mdb_env_get_fd(s->env, &fd);
	if (fstat(fd, &st) != 0) {
		return SECD_EIO;
	}
	s->file_len = (uint64_t)st.st_size;
	if (s->file_len >= len) {
		return SECD_OK;
	}
	do {
		rc = fallocate(fd, 0, 0, (off_t)len);
	} while (rc != 0 && errno == EINTR);
	if (rc == 0) {
		s->file_len = len;
		return SECD_OK;
	}
	/* Not every file system can; then LMDB finds out itself. */
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG
		   ? SECD_ENOSPC
		   : SECD_OK;
}

/*
 * LMDB takes a write that was cut short by a full disk for an I/O error, which
 * would poison the store; so the disk is asked first. A transaction writes new
 * pages for its values and for every page of a tree that it changes.
 */
int
store_reserve(struct store *s, size_t len)
{
	MDB_envinfo info;
	uint64_t pages, used;

	s->put_octets += len;
	s->put_count++;
	mdb_env_info(s->env, &info);
	used = (uint64_t)info.me_last_pgno + 1;
	pages = PAGES_PER_PUT * (uint64_t)s->put_count;
	if (pages > used) {
		pages = used + s->put_count;
	}
	pages += used + RESERVE_PAGES + s->put_octets / s->page_len;
	if (pages * s->page_len <= s->file_len) {
		return SECD_OK;
	}
	pages = pages * s->page_len + RESERVE_STEP - 1;
	return grow_file(s, pages - pages % RESERVE_STEP);
}
