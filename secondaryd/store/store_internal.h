/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of store/ share: the environment and the form of its values.
 *
 * Databases by name: `meta` has the storage's own numbers; `zones` a head and
 * the owner's state by apex; `images` small images by the zone's id; `changes`
 * a checksum and a changeset by id and seq. Numbers are in network order.
 */

#ifndef SECD_STORE_STORE_INTERNAL_H
#define SECD_STORE_STORE_INTERNAL_H

#include <lmdb.h>
#include <stdatomic.h>

#include "store/store.h"

enum image_place {
	IMAGE_NOWHERE = 0,
	IMAGE_VALUE = 1, /* in the `images` database */
	IMAGE_FILE = 2,
};

/* The fixed part of a zone's value; the owner's state follows it. */
struct zone_head {
	uint64_t id;  /* ours, never used again: names changesets */
	uint64_t seq; /* of the last version */
	uint64_t image_seq;
	uint64_t image_number; /* names the file; never used again */
	uint64_t change_octets;
	enum image_place place;
};
#define ZONE_HEAD_LEN 56 /* its checksum included */

struct store {
	char *dir;
	char *image_dir;
	int lock_fd;
	int image_dir_fd;
	MDB_env *env;
	MDB_dbi meta, zones, images, changes;
	struct name_hash_key hash_key;
	atomic_bool poisoned;

	/* Of the thread that writes, between begin and commit. */
	MDB_txn *txn;
	/* An aborted transaction does not give numbers back: what it left
	 * under one must not be taken for another zone's. */
	uint64_t next_number;
	size_t put_octets, put_count;
	char **stale; /* files that are superfluous after the commit */
	size_t stale_count;
	struct image **fresh; /* images that it gave a file name */
	size_t fresh_count;

	/* The database's file. */
	uint64_t file_len;
	unsigned page_len;
};

/** Our error for LMDB's. */
int store_error(int mdb_rc);

/** The same for a failed write: SECD_EIO poisons the store. */
int store_write_error(struct store *s, int mdb_rc);

/** `out` has room for ZONE_HEAD_LEN; state and apex are for the checksum. */
void zone_head_write(const struct zone_head *h, const uint8_t *apex,
		     const void *state, size_t state_len, uint8_t *out);
/** Returns SECD_OK, SECD_EMALF. The state is what follows ZONE_HEAD_LEN. */
int zone_head_read(const uint8_t *apex, const MDB_val *val,
		   struct zone_head *h);

/** Path of a large image; `path` has room for PATH_MAX. */
void store_image_path(const struct store *s, uint64_t number, char *path);

/**
 * Call for each zone that is stored, in a read transaction. Keys that are no
 * names are left out: a damaged page may hold anything.
 *
 * take     not SECD_OK ends the walk
 * Returns  SECD_OK, what `take` returned, SECD_EIO, SECD_ENOMEM
 */
int store_walk_zones(struct store *s,
		     int (*take)(void *arg, const uint8_t *apex,
				 const MDB_val *val),
		     void *arg);

/** Remove image files that no zone names; at the start. */
void store_sweep(struct store *s);

/** A file to be unlinked after the commit. SECD_OK, SECD_ENOMEM. */
int store_note_stale(struct store *s, uint64_t number);

/** An image whose file is to be given up if there is no commit. */
int store_note_fresh(struct store *s, struct image *im);

/** The transaction ended. Without a commit, `keep` when nobody can tell. */
void store_forget_files(struct store *s, bool is_committed, bool keep);

/**
 * Make sure that the transaction, with one more value of `len` octets, fits on
 * the disk. Returns SECD_OK, SECD_ENOSPC, SECD_EIO.
 */
int store_reserve(struct store *s, size_t len);

static inline MDB_val
val_of(const void *data, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

#endif
