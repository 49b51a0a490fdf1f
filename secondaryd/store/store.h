/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store -- what survives a restart: images, the changesets since each image,
 * and a little state for every zone.
 *
 * One directory, one LMDB environment in its default sync mode, and a file for
 * each image that is too large to be a value. Any crash leaves each zone at
 * its last committed version or the one before the running transaction, whole.
 * An I/O error while writing poisons the store: it refuses writes with
 * SECD_EIO, reads perhaps too, and is sound again after a restart.
 *
 * Writes are made by one thread at a time (commit); any thread may load, but
 * not a zone whose transaction is running. It knows nothing of serials, timers
 * or who wants what: versions are ordered by seq, and a zone's state is octets
 * of its owner's.
 *
 *     DIR/lock             held while the store is open
 *     DIR/store.mdb        the environment
 *     DIR/images/NUMBER    large images
 *     DIR/images/tmp-*     being built; removed at open
 */

#ifndef SECD_STORE_STORE_H
#define SECD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/name.h"
#include "zone/changeset.h"
#include "zone/image.h"

/* Images up to this many octets are values of the database. */
#define STORE_VALUE_MAX 65536

struct store;

/**
 * Open or create the store in an existing directory of mode 0700.
 *
 * reason   receives one sentence when it fails; room for 256
 * Returns  SECD_OK, SECD_EBUSY (another process holds it), SECD_EMALF (not
 *          this program's, or a newer format), SECD_EPERM, SECD_EIO,
 *          SECD_ENOMEM
 */
int store_open(const char *dir, struct store **out, char reason[256]);

/** Close; an open transaction is aborted. NULL is fine. */
void store_close(struct store *s);

/** The key of every name hash in this storage; made when it was created. */
const struct name_hash_key *store_hash_key(const struct store *s);

/** Where images are built. Lives as long as the store. */
const char *store_image_dir(const struct store *s);

/*
 * One zone as it was committed last.
 */
struct store_zone {
	uint64_t seq;              /* of the last version */
	struct image *image;       /* NULL when there is none that is sound */
	struct changeset *changes; /* since the image, in order; owned */
	size_t change_count;
	uint64_t change_octets;
	struct buf state;  /* the owner's octets */
	const char *fault; /* NULL, or why a version was lost */
};

/**
 * Load a zone. A damaged image or changeset is reported in `fault` and left
 * out: the caller transfers again.
 *
 * apex     lower-case
 * out      store_zone_fini frees it
 * Returns  SECD_OK, SECD_ENOTFOUND, SECD_EIO, SECD_ENOMEM
 */
int store_load(struct store *s, const uint8_t *apex, struct store_zone *out);
void store_zone_fini(struct store_zone *z);

/**
 * Name every zone that anything is stored of.
 *
 * take     called with each apex, lower-case, which is lent for the call; must
 *          not use the store; what is not SECD_OK ends the walk
 * Returns  SECD_OK, SECD_EIO, SECD_ENOMEM, or what `take` returned
 */
int store_each_apex(struct store *s,
		    int (*take)(void *arg, const uint8_t *apex), void *arg);

/**
 * Begin the write transaction; everything put is durable together when
 * store_commit returns SECD_OK, or not at all.
 *
 * Returns  SECD_OK, SECD_EIO (poisoned, or the database refuses),
 *          SECD_ENOSPC, SECD_ENOMEM
 */
int store_begin(struct store *s);

/**
 * The zone's version `seq` is this whole image: it replaces the older image
 * and the changesets up to `seq`; later ones stay. A file image is kept under
 * a lasting name, until the transaction is aborted.
 *
 * Returns  SECD_OK, SECD_EIO, SECD_ENOSPC, SECD_ENOMEM: then store_abort
 */
int store_put_image(struct store *s, const uint8_t *apex, uint64_t seq,
		    struct image *im);

/**
 * The zone's version `seq` is the one before it plus this changeset.
 *
 * Returns  as store_put_image, and SECD_ENOTFOUND when there is no image
 */
int store_put_changes(struct store *s, const uint8_t *apex, uint64_t seq,
		      const struct changeset *cs);

/** Set a zone's state. Returns as store_put_image. */
int store_put_state(struct store *s, const uint8_t *apex, const void *state,
		    size_t len);

/** Forget a zone: image, changesets, state. Unknown is fine. */
int store_drop(struct store *s, const uint8_t *apex);

/** Returns SECD_OK, SECD_EIO (now poisoned), SECD_ENOSPC. */
int store_commit(struct store *s);
void store_abort(struct store *s);

bool store_is_poisoned(const struct store *s);

#endif
