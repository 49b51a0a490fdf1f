/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of store/ share: the environment and the form of its values.
 */

#ifndef SECD_STORE_STORE_INTERNAL_H
#define SECD_STORE_STORE_INTERNAL_H

#include <lmdb.h>

#include "store/store.h"

enum image_place {
	IMAGE_NOWHERE = 0,
	IMAGE_VALUE = 1, /* in the `images` database */
	IMAGE_FILE = 2,
};

/* The fixed part of a zone's value; the owner's state follows it. */
struct zone_head {
	uint64_t id;  /* ours, never used again: names files and changesets */
	uint64_t seq; /* of the last version */
	uint64_t image_seq;
	uint64_t change_octets;
	enum image_place place;
};
#define ZONE_HEAD_LEN 40

struct store {
	char *dir;
	char *image_dir;
	int lock_fd;
	int image_dir_fd;
	MDB_env *env;
	MDB_dbi meta, zones, images, changes;
	MDB_txn *txn; /* of the commit thread, between begin and commit */
	struct name_hash_key hash_key;
	bool poisoned;
	/* Image files that the running transaction makes superfluous. */
	char **stale;
	size_t stale_count;
};

/** Our error for LMDB's; an I/O error poisons the store. */
int store_error(struct store *s, int mdb_rc);

void zone_head_write(const struct zone_head *h, uint8_t out[ZONE_HEAD_LEN]);
int zone_head_read(const MDB_val *val, struct zone_head *h);

/** Path of a large image; `path` has room for PATH_MAX. */
void store_image_path(const struct store *s, const struct zone_head *h,
                      char *path);

static inline MDB_val
val_of(const void *data, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

#endif
