/* SPDX-License-Identifier: BSD-2-Clause */

#include "store/store.h"

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

#include "base/checksum.h"
#include "base/dir.h"
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
store_error(int mdb_rc)
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
	case MDB_TXN_FULL:
		return SECD_ENOSPC;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return SECD_EMALF;
	default:
		return SECD_EIO;
	}
}

int
store_write_error(struct store *s, int mdb_rc)
{
	int rc = store_error(mdb_rc);

	if (rc == SECD_EIO) {
		/* After a failed write or sync nobody knows what the disk
		 * holds; another try could report a success that is none. */
		atomic_store(&s->poisoned, true);
	}
	return rc;
}

/* By errno. */
static int
refuse(char reason[256], const char *what, const char *path)
{
	int error = errno;

	explain(reason, "cannot %s %s: %s", what, path, strerror(error));
	return error == EACCES || error == EPERM ? SECD_EPERM : SECD_EIO;
}

static int
lock_dir(struct store *s, char reason[256])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/lock", s->dir);
	s->lock_fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0) {
		return refuse(reason, "open", path);
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		return SECD_OK;
	}
	if (errno != EWOULDBLOCK) {
		return refuse(reason, "lock", path);
	}
	explain(reason, "%s is in use by another process", s->dir);
	return SECD_EBUSY;
}

static int
open_image_dir(struct store *s, char reason[256])
{
	if (dir_make(s->image_dir, 0700) != SECD_OK) {
		return refuse(reason, "create", s->image_dir);
	}
	s->image_dir_fd =
	    open(s->image_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->image_dir_fd < 0 ? refuse(reason, "open", s->image_dir)
				   : SECD_OK;
}

static int
open_env(struct store *s, const char *path, char reason[256])
{
	MDB_stat stat;
	int rc = mdb_env_create(&s->env);

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
		return rc == EACCES ? SECD_EPERM : store_error(rc);
	}
	mdb_env_stat(s->env, &stat);
	s->page_len = stat.ms_psize;
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
		return store_error(mdb_put(txn, s->meta, &key, &val, 0));
	}
	if (rc != 0) {
		return store_error(rc);
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
	uint64_t next_number = htobe64(1);
	int rc;

	for (size_t i = 0; i < 4; i++) {
		rc = mdb_dbi_open(txn, names[i], MDB_CREATE, dbis[i]);
		if (rc != 0) {
			explain(reason, "%s/store.mdb: %s", s->dir,
				mdb_strerror(rc));
			return store_error(rc);
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
	if (rc == SECD_OK) {
		rc = meta_get_or_put(s, txn, "next-number", &next_number,
				     sizeof(next_number));
		s->next_number = be64toh(next_number);
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
		return store_error(rc);
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
	return store_error(rc);
}

/* A file in the making is no store: it gets the name of one when it is whole. */
static int
create(struct store *s, const char *path, char reason[256])
{
	char new_path[PATH_MAX], new_lock[PATH_MAX];
	int rc;

	snprintf(new_path, sizeof(new_path), "%s/store.new", s->dir);
	snprintf(new_lock, sizeof(new_lock), "%s/store.new-lock", s->dir);
	unlink(new_path);
	rc = open_env(s, new_path, reason);
	if (rc == SECD_OK) {
		rc = open_databases(s, reason);
	}
	if (s->env != NULL) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
	unlink(new_lock);
	if (rc == SECD_OK && rename(new_path, path) != 0) {
		rc = refuse(reason, "create", path);
	}
	return rc;
}

/* A process before this one may have died while it wrote: what we build on has
 * to be on the disk, not only in the kernel, and so has its name. */
static int
sync_all(struct store *s, const char *path, char reason[256])
{
	int rc = mdb_env_sync(s->env, 1);

	if (rc != 0) {
		explain(reason, "cannot sync %s: %s", path, mdb_strerror(rc));
		return store_error(rc);
	}
	return dir_sync(s->dir) == SECD_OK ? SECD_OK
					   : refuse(reason, "sync", s->dir);
}

static int
open_database(struct store *s, char reason[256])
{
	char path[PATH_MAX];
	int rc = SECD_OK;

	snprintf(path, sizeof(path), "%s/store.mdb", s->dir);
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		rc = create(s, path, reason);
	}
	if (rc == SECD_OK) {
		rc = open_env(s, path, reason);
	}
	if (rc == SECD_OK) {
		rc = open_databases(s, reason);
	}
	return rc == SECD_OK ? sync_all(s, path, reason) : rc;
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
		rc = open_database(s, reason);
	}
	if (rc != SECD_OK) {
		goto fail;
	}
	store_sweep(s);
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
	return atomic_load(&s->poisoned);
}

static uint64_t
head_sum(const uint8_t *apex, const void *fixed, const void *state,
	 size_t state_len)
{
	uint64_t sum = checksum64(CHECKSUM_START, apex, name_len(apex));

	sum = checksum64(sum, fixed, ZONE_HEAD_LEN - 8);
	return checksum64(sum, state, state_len);
}

void
zone_head_write(const struct zone_head *h, const uint8_t *apex,
		const void *state, size_t state_len, uint8_t *out)
{
	put_u64(out, h->id);
	put_u64(out + 8, h->seq);
	put_u64(out + 16, h->image_seq);
	put_u64(out + 24, h->image_number);
	put_u64(out + 32, h->change_octets);
	put_u64(out + 40, (uint64_t)h->place);
	put_u64(out + 48, head_sum(apex, out, state, state_len));
}

int
zone_head_read(const uint8_t *apex, const MDB_val *val, struct zone_head *h)
{
	const uint8_t *p = val->mv_data;

	if (val->mv_size < ZONE_HEAD_LEN || get_u64(p + 40) > IMAGE_FILE ||
	    get_u64(p + 48) != head_sum(apex, p, p + ZONE_HEAD_LEN,
					val->mv_size - ZONE_HEAD_LEN)) {
		return SECD_EMALF;
	}
	h->id = get_u64(p);
	h->seq = get_u64(p + 8);
	h->image_seq = get_u64(p + 16);
	h->image_number = get_u64(p + 24);
	h->change_octets = get_u64(p + 32);
	h->place = (enum image_place)get_u64(p + 40);
	return SECD_OK;
}
