/* SPDX-License-Identifier: BSD-2-Clause */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/octets.h"
#include "store/store_internal.h"

static int
load_image(struct store *s, MDB_txn *txn, const struct zone_head *h,
	   struct image **out)
{
	char path[PATH_MAX];
	uint8_t id[8];
	MDB_val key, val;
	int rc;

	switch (h->place) {
	case IMAGE_FILE:
		store_image_path(s, h->image_number, path);
		return image_open(path, &s->hash_key, false, out);
	case IMAGE_VALUE:
		put_u64(id, h->id);
		key = val_of(id, sizeof(id));
		rc = store_error(mdb_get(txn, s->images, &key, &val));
		if (rc != SECD_OK) {
			return rc;
		}
		return image_from_octets(val.mv_data, val.mv_size, &s->hash_key,
					 out);
	case IMAGE_NOWHERE:
	default:
		return SECD_ENOTFOUND;
	}
}

/* A stored changeset is its checksum and its octets. */
static int
take_change(struct store_zone *z, const MDB_val *val)
{
	const uint8_t *p = val->mv_data;
	struct changeset *grown, cs = {0};
	size_t n = z->change_count;
	int rc;

	if (val->mv_size < 8 ||
	    get_u64(p) != checksum64(CHECKSUM_START, p + 8, val->mv_size - 8)) {
		return SECD_EMALF;
	}
	rc = changeset_from_octets(p + 8, val->mv_size - 8, &cs);
	if (rc != SECD_OK) {
		return rc;
	}
	if ((n & (n - 1)) == 0) { /* full: room for 1, 2, 4, 8... */
		grown =
		    realloc(z->changes, (n == 0 ? 1 : 2 * n) * sizeof(*grown));
		if (grown == NULL) {
			changeset_fini(&cs);
			return SECD_ENOMEM;
		}
		z->changes = grown;
	}
	z->changes[z->change_count++] = cs;
	return SECD_OK;
}

/* Changesets after the image, which must reach the zone's seq without a gap. */
static int
load_changes(struct store *s, MDB_txn *txn, const struct zone_head *h,
	     struct store_zone *z)
{
	uint64_t seq = h->image_seq;
	uint8_t wanted[16];
	MDB_cursor *cursor;
	MDB_val key, val;
	int rc = store_error(mdb_cursor_open(txn, s->changes, &cursor));

	if (rc != SECD_OK) {
		return rc;
	}
	put_u64(wanted, h->id);
	put_u64(wanted + 8, seq + 1);
	key = val_of(wanted, sizeof(wanted));
	rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
	while (rc == 0 && memcmp(key.mv_data, wanted, 8) == 0) {
		seq++;
		if (get_u64((const uint8_t *)key.mv_data + 8) != seq) {
			rc = SECD_EMALF;
			break;
		}
		rc = take_change(z, &val);
		if (rc != SECD_OK) {
			break;
		}
		rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (rc == SECD_EMALF || rc == SECD_ENOMEM) {
		return rc;
	}
	return seq == h->seq ? SECD_OK : SECD_EMALF;
}

static int
load_from(struct store *s, MDB_txn *txn, const uint8_t *apex,
	  struct store_zone *z)
{
	MDB_val key = val_of(apex, name_len(apex));
	struct zone_head h;
	MDB_val val;
	int rc = store_error(mdb_get(txn, s->zones, &key, &val));

	if (rc == SECD_EIO) {
		z->fault = "the database cannot be read here";
		return SECD_OK;
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (zone_head_read(apex, &val, &h) != SECD_OK) {
		z->fault = "the zone's record is damaged";
		return SECD_OK;
	}
	z->seq = h.seq;
	z->change_octets = h.change_octets;
	rc = buf_put(&z->state, (const uint8_t *)val.mv_data + ZONE_HEAD_LEN,
		     val.mv_size - ZONE_HEAD_LEN);
	if (rc != SECD_OK || h.place == IMAGE_NOWHERE) {
		return rc;
	}
	rc = load_image(s, txn, &h, &z->image);
	if (rc == SECD_OK && !name_equal(image_apex(z->image), apex)) {
		rc = SECD_EMALF;
	}
	if (rc == SECD_ENOMEM) {
		return rc;
	}
	if (rc != SECD_OK) {
		z->fault = "the image is missing or damaged";
		image_unref(z->image);
		z->image = NULL;
		return SECD_OK;
	}
	rc = load_changes(s, txn, &h, z);
	if (rc == SECD_EMALF) {
		z->fault = "a changeset is missing or damaged";
		return SECD_OK;
	}
	return rc;
}

int
store_load(struct store *s, const uint8_t *apex, struct store_zone *out)
{
	struct store_zone z = {0};
	MDB_txn *txn;
	int rc = store_error(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn));

	if (rc != SECD_OK) {
		return rc;
	}
	rc = load_from(s, txn, apex, &z);
	mdb_txn_abort(txn);
	if (rc != SECD_OK) {
		store_zone_fini(&z);
		return rc;
	}
	*out = z;
	return SECD_OK;
}

void
store_zone_fini(struct store_zone *z)
{
	for (size_t i = 0; i < z->change_count; i++) {
		changeset_fini(&z->changes[i]);
	}
	free(z->changes);
	buf_fini(&z->state);
	image_unref(z->image);
	*z = (struct store_zone){0};
}

static int
walk_from(MDB_cursor *cursor,
	  int (*take)(void *arg, const uint8_t *apex, const MDB_val *val),
	  void *arg)
{
	MDB_val key, val;
	int rc, mdb_rc;

	while ((mdb_rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) == 0) {
		if (name_check(key.mv_data, key.mv_size) != key.mv_size) {
			continue;
		}
		rc = take(arg, key.mv_data, &val);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return mdb_rc == MDB_NOTFOUND ? SECD_OK : store_error(mdb_rc);
}

int
store_walk_zones(struct store *s,
		 int (*take)(void *arg, const uint8_t *apex,
			     const MDB_val *val),
		 void *arg)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc = store_error(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn));

	if (rc != SECD_OK) {
		return rc;
	}
	rc = store_error(mdb_cursor_open(txn, s->zones, &cursor));
	if (rc == SECD_OK) {
		rc = walk_from(cursor, take, arg);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc;
}

struct apex_taker {
	int (*take)(void *arg, const uint8_t *apex);
	void *arg;
};

static int
take_apex(void *arg, const uint8_t *apex, const MDB_val *val)
{
	const struct apex_taker *t = arg;

	(void)val;
	return t->take(t->arg, apex);
}

int
store_each_apex(struct store *s, int (*take)(void *arg, const uint8_t *apex),
		void *arg)
{
	struct apex_taker t = {take, arg};

	return store_walk_zones(s, take_apex, &t);
}
