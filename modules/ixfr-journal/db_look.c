/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/db_look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* LMDB's name for it. A lock file that is made here would belong to whoever
 * reads, and keep the server's user out. */
static int
lock_errno(const char *path)
{
	char lock[PATH_MAX];

	snprintf(lock, sizeof(lock), "%s-lock", path);
	return faccessat(AT_FDCWD, lock, R_OK | W_OK, AT_EACCESS) == 0 ? 0
								       : errno;
}

int
db_look_open(struct db *db, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_size == 0) {
		return MDB_INVALID; /* LMDB would begin to write */
	}
	db->unseen = lock_errno(path);
	return mdb_env_open(db->env, path,
			    MDB_NOSUBDIR | MDB_NOTLS | MDB_RDONLY |
				(db->unseen != 0 ? MDB_NOLOCK : 0u),
			    0600);
}

bool
db_look_warns(const struct db *db, char *reason)
{
	/* A writer makes a lock file. */
	if (db->unseen == 0 || db->unseen == ENOENT) {
		return false;
	}
	snprintf(reason, SECD_REASON_LEN,
		 "%s/journal.mdb-lock: %s: a server that writes there does not "
		 "see this reader, which may find damage where there is none",
		 db->dir, strerror(db->unseen));
	return true;
}

/*
 * A writer takes pages that the version before the last one was the last to use.
 * So who reads version n is safe until n + 2 is there.
 */
bool
db_look_is_torn(const struct db *db, MDB_txn *txn)
{
	MDB_envinfo info;

	return db->unseen != 0 && mdb_env_info(db->env, &info) == 0 &&
	       info.me_last_txnid > mdb_txn_id(txn) + 1;
}
