/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/db_env.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/error.h"
#include "base/octets.h"
#include "ixfr-journal/db_look.h"

#define FORMAT      1
#define FILE_FORMAT "%s/journal.mdb"
#define MAP_UNIT    65536 /* a multiple of every machine's page */
#define RESERVE_MAX ((uint64_t)256 << 20)

int
db_error(int mdb_rc)
{
	switch (mdb_rc) {
	case MDB_SUCCESS:
		return SECD_OK;
	case MDB_NOTFOUND:
		return SECD_ENOTFOUND;
	case ENOMEM:
		return SECD_ENOMEM;
	case ENOENT:
		return SECD_ENOTFOUND;
	case EACCES:
		return SECD_EPERM;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return SECD_ENOSPC;
	case MDB_READERS_FULL:
		return SECD_EBUSY;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return SECD_EMALF;
	default:
		return SECD_EIO;
	}
}

/*
 * Opening
 */

static int
refuse(const struct db *db, const char *what, int rc, char *reason)
{
	snprintf(reason, SECD_REASON_LEN, FILE_FORMAT ": %s", db->dir, what);
	return rc;
}

static const char *
open_text(int mdb_rc)
{
	switch (mdb_rc) {
	case MDB_INVALID:
		return "not a journal";
	case MDB_VERSION_MISMATCH:
		return "made by another version of LMDB";
	default:
		return mdb_strerror(mdb_rc);
	}
}

static int
open_env(struct db *db, const char *path, bool read_only)
{
	MDB_stat stat;
	int rc = mdb_env_create(&db->env);

	if (rc != 0) {
		db->env = NULL;
		return rc;
	}
	rc = mdb_env_set_maxdbs(db->env, 7);
	if (rc == 0 && !read_only) {
		/* Who only reads maps as much as the writer did. */
		rc = mdb_env_set_mapsize(db->env, db->max_octets);
	}
	if (rc == 0) {
		rc = read_only ? db_look_open(db, path)
			       : mdb_env_open(db->env, path,
					      MDB_NOSUBDIR | MDB_NOTLS, 0600);
	}
	if (rc == 0) {
		mdb_env_stat(db->env, &stat);
		db->page_len = stat.ms_psize;
	}
	return rc;
}

static int
open_databases(struct db *db, MDB_txn *txn, bool read_only)
{
	const struct {
		const char *name;
		MDB_dbi *dbi;
	} all[] = {
	    {"meta", &db->meta},         {"zones", &db->zones},
	    {"segments", &db->segments}, {"steps", &db->steps},
	    {"pieces", &db->pieces},     {"serials", &db->serials},
	    {"trash", &db->trash},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int rc = mdb_dbi_open(txn, all[i].name,
				      read_only ? 0u : MDB_CREATE, all[i].dbi);

		if (rc != 0) {
			return rc == MDB_NOTFOUND ? SECD_EMALF : db_error(rc);
		}
	}
	return SECD_OK;
}

static int
check_format(const struct db *db, MDB_txn *txn, bool read_only)
{
	MDB_val key = db_val("format", 6), val;
	uint8_t octets[4];
	int rc = mdb_get(txn, db->meta, &key, &val);

	if (rc == 0) {
		return val.mv_size == sizeof(octets) &&
			       get_u32(val.mv_data) == FORMAT
			   ? SECD_OK
			   : SECD_ENOTSUP;
	}
	if (rc != MDB_NOTFOUND || read_only) {
		return rc == MDB_NOTFOUND ? SECD_EMALF : db_error(rc);
	}
	put_u32(octets, FORMAT);
	val = db_val(octets, sizeof(octets));
	return db_error(mdb_put(txn, db->meta, &key, &val, 0));
}

static int
prepare(struct db *db, bool read_only)
{
	MDB_txn *txn;
	int rc =
	    mdb_txn_begin(db->env, NULL, read_only ? MDB_RDONLY : 0u, &txn);

	if (rc != 0) {
		return db_error(rc);
	}
	rc = open_databases(db, txn, read_only);
	if (rc == SECD_OK) {
		rc = check_format(db, txn, read_only);
	}
	if (rc != SECD_OK) {
		mdb_txn_abort(txn);
		return rc;
	}
	/* Handles of databases belong to the environment from here on. */
	return db_error(mdb_txn_commit(txn));
}

static int
open_path(struct db *db, const char *path, bool read_only, char *reason)
{
	int mdb_rc = open_env(db, path, read_only), rc;

	if (mdb_rc != 0) {
		rc = refuse(db, open_text(mdb_rc), db_error(mdb_rc), reason);
	} else {
		rc = prepare(db, read_only);
		if (rc != SECD_OK) {
			refuse(db,
			       rc == SECD_EMALF     ? "not a journal"
			       : rc == SECD_ENOTSUP ? "a journal of a format "
						      "that is not known here"
						    : secd_strerror(rc),
			       rc, reason);
		}
	}
	if (rc != SECD_OK) {
		db_close(db);
	}
	return rc;
}

/* A process before this one may have died while it wrote, or after a sync that
 * failed: what we build on has to be on the disk, not only in the kernel, and
 * so has its name. */
static int
sync_all(struct db *db, char *reason)
{
	int mdb_rc = mdb_env_sync(db->env, 1);

	if (mdb_rc != 0) {
		return refuse(db, mdb_strerror(mdb_rc), db_error(mdb_rc),
			      reason);
	}
	return dir_sync(db->dir) == SECD_OK
		   ? SECD_OK
		   : refuse(db, strerror(errno), SECD_EIO, reason);
}

/* A file in the making is no journal: it gets the name of one when it is
 * whole. */
static int
create(struct db *db, const char *path, char *reason)
{
	char new_path[PATH_MAX], new_lock[PATH_MAX];
	int rc;

	snprintf(new_path, sizeof(new_path), "%s/journal.new", db->dir);
	snprintf(new_lock, sizeof(new_lock), "%s/journal.new-lock", db->dir);
	unlink(new_path);
	rc = open_path(db, new_path, false, reason);
	if (rc != SECD_OK) {
		return rc;
	}
	db_close(db);
	unlink(new_lock);
	return rename(new_path, path) == 0
		   ? SECD_OK
		   : refuse(db, strerror(errno), SECD_EIO, reason);
}

int
db_open(struct db *db, const char *dir, bool read_only, uint64_t max_octets,
	char *reason)
{
	char path[PATH_MAX];
	int rc = SECD_OK;

	*db = (struct db){.dir = dir,
			  .max_octets = max_octets / MAP_UNIT * MAP_UNIT};
	db->reserve = db->max_octets / 4;
	if (db->reserve > RESERVE_MAX) {
		db->reserve = RESERVE_MAX;
	}
	snprintf(path, sizeof(path), FILE_FORMAT, dir);
	if (!read_only && access(path, F_OK) != 0 && errno == ENOENT) {
		rc = create(db, path, reason);
	}
	if (rc == SECD_OK) {
		rc = open_path(db, path, read_only, reason);
	}
	if (rc == SECD_OK && !read_only) {
		rc = sync_all(db, reason);
		if (rc != SECD_OK) {
			db_close(db);
		}
	}
	return rc;
}

int
db_reopen(struct db *db, char *reason)
{
	char path[PATH_MAX];
	int rc;

	db_close(db);
	snprintf(path, sizeof(path), FILE_FORMAT, db->dir);
	rc = open_path(db, path, false, reason);
	if (rc == SECD_OK) {
		rc = sync_all(db, reason);
	}
	db->suspect = rc;
	return rc;
}

void
db_close(struct db *db)
{
	if (db->env != NULL) {
		mdb_env_close(db->env);
		db->env = NULL;
	}
}

int
db_begin_read(const struct db *db, MDB_txn **txn)
{
	return db->env == NULL
		   ? SECD_EIO
		   : db_error(mdb_txn_begin(db->env, NULL, MDB_RDONLY, txn));
}

int
db_begin_write(struct db *db, MDB_txn **txn)
{
	return db->suspect != SECD_OK
		   ? db->suspect
		   : db_error(mdb_txn_begin(db->env, NULL, 0, txn));
}

/* A write that a full file system cut short is an I/O error to LMDB. */
static bool
is_full(const struct db *db)
{
	struct stat st;
	int fd;

	mdb_env_get_fd(db->env, &fd);
	return fstat(fd, &st) == 0 &&
	       fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, MAP_UNIT) != 0 &&
	       (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
}

int
db_commit(struct db *db, MDB_txn *txn)
{
	int mdb_rc = mdb_txn_commit(txn);
	int rc = db_error(mdb_rc == EIO && is_full(db) ? ENOSPC : mdb_rc);

	/* LMDB's own errors are found before anything is written. */
	if (mdb_rc > 0 || mdb_rc == MDB_PANIC) {
		db->suspect = rc;
	}
	return rc;
}

/* Pages that were freed are kept by LMDB in a database of its own, number 0,
 * as lists that begin with their length. */
int
db_used(const struct db *db, MDB_txn *txn, uint64_t *used)
{
	MDB_envinfo info;
	MDB_cursor *c;
	MDB_val key, val;
	uint64_t pages;
	int rc = mdb_cursor_open(txn, 0, &c);

	if (rc != 0) {
		return db_error(rc);
	}
	mdb_env_info(db->env, &info);
	pages = info.me_last_pgno + 1;
	while ((rc = mdb_cursor_get(c, &key, &val, MDB_NEXT)) == 0) {
		size_t freed;

		memcpy(&freed, val.mv_data, sizeof(freed));
		pages -= freed;
	}
	mdb_cursor_close(c);
	*used = pages * db->page_len;
	return rc == MDB_NOTFOUND ? SECD_OK : db_error(rc);
}

static int
room_below(const struct db *db, uint64_t limit, uint64_t *room)
{
	uint64_t used;
	MDB_txn *txn;
	int rc = db_begin_read(db, &txn);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = db_used(db, txn, &used);
	mdb_txn_abort(txn);
	if (rc == SECD_OK) {
		*room = used < limit ? limit - used : 0;
	}
	return rc;
}

int
db_room(const struct db *db, uint64_t *room)
{
	return room_below(db, db->max_octets - db->reserve, room);
}

int
db_room_for_bases(const struct db *db, uint64_t *room)
{
	return room_below(db, db->max_octets - db->reserve / 2, room);
}

void
db_check_readers(const struct db *db)
{
	int dead;

	if (db->env != NULL) {
		mdb_reader_check(db->env, &dead);
	}
}
