/* SPDX-License-Identifier: BSD-2-Clause */

#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/octets.h"
#include "store/store_internal.h"

#define STORE_FORMAT 1
/* Address space, not disk: the file grows with what is in it. */
#define STORE_MAP_SIZE (UINT64_C(64) << 30)

static void
explain(char reason[256], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, 256, format, args);
	va_end(args);
}

int
store_error(struct store *s, int mdb_rc)
{
	switch (mdb_rc) {
	case MDB_SUCCESS:
		return SECD_OK;
	case MDB_NOTFOUND:
		return SECD_ENOTFOUND;
	case ENOMEM:
		return SECD_ENOMEM;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case MDB_MAP_FULL:
		return SECD_ENOSPC;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return SECD_EMALF;
	default:
		/* After a failed write or sync nobody knows what the disk
		 * holds; another try could report a success that is none. */
		s->poisoned = true;
		return SECD_EIO;
	}
}

static int
lock_dir(struct store *s, char reason[256])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/lock", s->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0) {
		explain(reason, "cannot open %s: %s", path, strerror(errno));
		return errno == EACCES ? SECD_EPERM : SECD_EIO;
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		explain(reason, "%s is in use by another process", s->dir);
		return SECD_EBUSY;
	}
	return SECD_OK;
}

static int
open_image_dir(struct store *s, char reason[256])
{
	if (mkdir(s->image_dir, 0700) != 0 && errno != EEXIST) {
		explain(reason, "cannot create %s: %s", s->image_dir,
		        strerror(errno));
		return errno == EACCES ? SECD_EPERM : SECD_EIO;
	}
	s->image_dir_fd = open(s->image_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->image_dir_fd < 0) {
		explain(reason, "cannot open %s: %s", s->image_dir,
		        strerror(errno));
		return errno == EACCES ? SECD_EPERM : SECD_EIO;
	}
	return SECD_OK;
}

static int
open_env(struct store *s, char reason[256])
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%s/store.mdb", s->dir);
	rc = mdb_env_create(&s->env);
	if (rc == 0) {
		rc = mdb_env_set_maxdbs(s->env, 4);
	}
	if (rc == 0) {
		rc = mdb_env_set_mapsize(s->env, STORE_MAP_SIZE);
	}
	if (rc == 0) {
		/* The lock file of ours keeps other processes out, but LMDB's
		 * own locks stay on: two threads of ours use it. */
		rc = mdb_env_open(s->env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
	}
	if (rc != 0) {
		explain(reason, "cannot open %s: %s", path, mdb_strerror(rc));
		return rc == EACCES ? SECD_EPERM : store_error(s, rc);
	}
	return SECD_OK;
}

/* One number or key of the storage itself, made at first use. */
static int
meta_get_or_put(struct store *s, MDB_txn *txn, const char *name, void *value,
                size_t len)
{
	MDB_val key = val_of(name, strlen(name));
	MDB_val val;
	int rc = mdb_get(txn, s->meta, &key, &val);

	if (rc == MDB_NOTFOUND) {
		val = val_of(value, len);
		return store_error(s, mdb_put(txn, s->meta, &key, &val, 0));
	}
	if (rc != 0) {
		return store_error(s, rc);
	}
	if (val.mv_size != len) {
		return SECD_EMALF;
	}
	memcpy(value, val.mv_data, len);
	return SECD_OK;
}

static int
open_databases_in(struct store *s, MDB_txn *txn, char reason[256])
{
	static const char *const names[] = {"meta", "zones", "images",
	                                    "changes"};
	MDB_dbi *const dbis[] = {&s->meta, &s->zones, &s->images, &s->changes};
	uint32_t format = htobe32(STORE_FORMAT);
	int rc;

	for (size_t i = 0; i < 4; i++) {
		rc = mdb_dbi_open(txn, names[i], MDB_CREATE, dbis[i]);
		if (rc != 0) {
			explain(reason, "%s/store.mdb: %s", s->dir,
			        mdb_strerror(rc));
			return store_error(s, rc);
		}
	}
	rc = meta_get_or_put(s, txn, "format", &format, sizeof(format));
	if (rc == SECD_OK && be32toh(format) != STORE_FORMAT) {
		explain(reason, "%s/store.mdb has format %u, not %u", s->dir,
		        be32toh(format), STORE_FORMAT);
		return SECD_EMALF;
	}
	if (rc == SECD_OK) {
		rc = meta_get_or_put(s, txn, "hash-key", &s->hash_key,
		                     sizeof(s->hash_key));
	}
	if (rc != SECD_OK) {
		explain(reason, "%s/store.mdb: %s", s->dir, secd_strerror(rc));
	}
	return rc;
}

static int
open_databases(struct store *s, char reason[256])
{
	MDB_txn *txn;
	int rc;

	if (getrandom(&s->hash_key, sizeof(s->hash_key), 0) !=
	    (ssize_t)sizeof(s->hash_key)) {
		explain(reason, "no random numbers: %s", strerror(errno));
		return SECD_EIO;
	}
	rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	if (rc != 0) {
		explain(reason, "%s/store.mdb: %s", s->dir, mdb_strerror(rc));
		return store_error(s, rc);
	}
	rc = open_databases_in(s, txn, reason);
	if (rc != SECD_OK) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	if (rc != 0) {
		explain(reason, "%s/store.mdb: %s", s->dir, mdb_strerror(rc));
	}
	return store_error(s, rc);
}

/* Large images that zones name, sorted. */
struct named_images {
	struct image_id {
		uint64_t id, seq;
	} *ids;
	size_t count, cap;
};

static int
compare_ids(const void *a, const void *b)
{
	const struct image_id *x = a, *y = b;

	if (x->id != y->id) {
		return x->id < y->id ? -1 : 1;
	}
	return x->seq == y->seq ? 0 : x->seq < y->seq ? -1 : 1;
}

static int
note_named(struct named_images *named, const struct zone_head *h)
{
	if (named->count == named->cap) {
		size_t cap = named->cap == 0 ? 64 : named->cap * 2;
		struct image_id *ids =
		    realloc(named->ids, cap * sizeof(*named->ids));

		if (ids == NULL) {
			return SECD_ENOMEM;
		}
		named->ids = ids;
		named->cap = cap;
	}
	named->ids[named->count++] = (struct image_id){h->id, h->image_seq};
	return SECD_OK;
}

static int
collect_named(struct store *s, struct named_images *named)
{
	struct zone_head h;
	MDB_cursor *cursor;
	MDB_val key, val;
	MDB_txn *txn;
	int rc = store_error(s, mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn));

	if (rc != SECD_OK) {
		return rc;
	}
	rc = store_error(s, mdb_cursor_open(txn, s->zones, &cursor));
	while (rc == SECD_OK &&
	       mdb_cursor_get(cursor, &key, &val, MDB_NEXT) == 0) {
		if (zone_head_read(&val, &h) == SECD_OK &&
		    h.place == IMAGE_FILE) {
			rc = note_named(named, &h);
		}
	}
	mdb_txn_abort(txn);
	if (named->count > 0) {
		qsort(named->ids, named->count, sizeof(*named->ids),
		      compare_ids);
	}
	return rc;
}

static bool
is_named(const struct named_images *named, const char *file)
{
	unsigned long long id, seq;
	struct image_id wanted;
	int end = 0;

	if (sscanf(file, "%16llx-%16llx%n", &id, &seq, &end) != 2 ||
	    file[end] != '\0' || named->count == 0) {
		return false;
	}
	wanted = (struct image_id){id, seq};
	return bsearch(&wanted, named->ids, named->count, sizeof(wanted),
	               compare_ids) != NULL;
}

/* Unlink temporary files and images that a crash left without an owner. */
static void
sweep_image_dir(struct store *s)
{
	struct named_images named = {0};
	int fd = openat(s->image_dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
	free(named.ids);
	closedir(dir);
}

int
store_open(const char *dir, struct store **out, char reason[256])
{
	struct store *s = calloc(1, sizeof(*s));
	int rc = SECD_ENOMEM;

	explain(reason, "%s", secd_strerror(SECD_ENOMEM));
	if (s == NULL) {
		return rc;
	}
	s->lock_fd = s->image_dir_fd = -1;
	s->dir = strdup(dir);
	if (s->dir == NULL || asprintf(&s->image_dir, "%s/images", dir) < 0) {
		s->image_dir = NULL;
		goto fail;
	}
	rc = lock_dir(s, reason);
	if (rc == SECD_OK) {
		rc = open_image_dir(s, reason);
	}
	if (rc == SECD_OK) {
		rc = open_env(s, reason);
	}
	if (rc == SECD_OK) {
		rc = open_databases(s, reason);
	}
	if (rc != SECD_OK) {
		goto fail;
	}
	sweep_image_dir(s);
	*out = s;
	return SECD_OK;

fail:
	store_close(s);
	return rc;
}

void
store_close(struct store *s)
{
	if (s == NULL) {
		return;
	}
	store_abort(s);
	if (s->env != NULL) {
		mdb_env_close(s->env);
	}
	if (s->image_dir_fd >= 0) {
		close(s->image_dir_fd);
	}
	if (s->lock_fd >= 0) {
		close(s->lock_fd);
	}
	free(s->image_dir);
	free(s->dir);
	free(s);
}

const struct name_hash_key *
store_hash_key(const struct store *s)
{
	return &s->hash_key;
}

const char *
store_image_dir(const struct store *s)
{
	return s->image_dir;
}

bool
store_is_poisoned(const struct store *s)
{
	return s->poisoned;
}

void
zone_head_write(const struct zone_head *h, uint8_t out[ZONE_HEAD_LEN])
{
	put_u64(out, h->id);
	put_u64(out + 8, h->seq);
	put_u64(out + 16, h->image_seq);
	put_u64(out + 24, h->change_octets);
	put_u64(out + 32, (uint64_t)h->place);
}

int
zone_head_read(const MDB_val *val, struct zone_head *h)
{
	const uint8_t *p = val->mv_data;

	if (val->mv_size < ZONE_HEAD_LEN || get_u64(p + 32) > IMAGE_FILE) {
		return SECD_EMALF;
	}
	h->id = get_u64(p);
	h->seq = get_u64(p + 8);
	h->image_seq = get_u64(p + 16);
	h->change_octets = get_u64(p + 24);
	h->place = (enum image_place)get_u64(p + 32);
	return SECD_OK;
}

void
store_image_path(const struct store *s, const struct zone_head *h, char *path)
{
	snprintf(path, PATH_MAX, "%s/%016llx-%016llx", s->image_dir,
	         (unsigned long long)h->id, (unsigned long long)h->image_seq);
}
