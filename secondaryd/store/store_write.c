/* SPDX-License-Identifier: BSD-2-Clause */

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/octets.h"
#include "store/store_internal.h"

int
store_begin(struct store *s)
{
	assert(s->txn == NULL);
	if (s->poisoned) {
		return SECD_EIO;
	}
	return store_error(s, mdb_txn_begin(s->env, NULL, 0, &s->txn));
}

static void
forget_stale(struct store *s, bool unlink_them)
{
	for (size_t i = 0; i < s->stale_count; i++) {
		if (unlink_them) {
			/* Whoever still reads it has it mapped. */
			unlink(s->stale[i]);
		}
		free(s->stale[i]);
	}
	free(s->stale);
	s->stale = NULL;
	s->stale_count = 0;
}

int
store_commit(struct store *s)
{
	MDB_txn *txn = s->txn;
	int rc;

	assert(txn != NULL);
	s->txn = NULL;
	rc = store_error(s, mdb_txn_commit(txn));
	forget_stale(s, rc == SECD_OK);
	return rc;
}

void
store_abort(struct store *s)
{
	if (s->txn != NULL) {
		mdb_txn_abort(s->txn);
		s->txn = NULL;
	}
	forget_stale(s, false);
}

static int
note_stale(struct store *s, const struct zone_head *h)
{
	char path[PATH_MAX];
	char **grown, *copy;

	store_image_path(s, h, path);
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

/* The next zone's id: never used again, so that a file or changeset that was
 * left behind cannot be taken for another zone's. */
static int
next_id(struct store *s, uint64_t *id)
{
	MDB_val key = val_of("next-id", 7);
	uint8_t octets[8];
	MDB_val val;
	int rc = mdb_get(s->txn, s->meta, &key, &val);

	if (rc != 0 && rc != MDB_NOTFOUND) {
		return store_error(s, rc);
	}
	*id = rc == 0 && val.mv_size == 8 ? get_u64(val.mv_data) : 1;
	put_u64(octets, *id + 1);
	val = val_of(octets, sizeof(octets));
	return store_error(s, mdb_put(s->txn, s->meta, &key, &val, 0));
}

/* A zone's head for changing, and its state copied out; new when unknown. */
static int
head_get(struct store *s, const uint8_t *apex, struct zone_head *h,
         struct buf *state)
{
	MDB_val key = val_of(apex, name_len(apex));
	MDB_val val;
	int rc = mdb_get(s->txn, s->zones, &key, &val);

	*h = (struct zone_head){0};
	if (rc == MDB_NOTFOUND ||
	    (rc == 0 && zone_head_read(&val, h) != SECD_OK)) {
		return next_id(s, &h->id);
	}
	if (rc != 0) {
		return store_error(s, rc);
	}
	return buf_put(state, (const uint8_t *)val.mv_data + ZONE_HEAD_LEN,
	               val.mv_size - ZONE_HEAD_LEN);
}

static int
head_put(struct store *s, const uint8_t *apex, const struct zone_head *h,
         const void *state, size_t state_len)
{
	MDB_val key = val_of(apex, name_len(apex));
	MDB_val val = {.mv_size = ZONE_HEAD_LEN + state_len};
	int rc = mdb_put(s->txn, s->zones, &key, &val, MDB_RESERVE);

	if (rc != 0) {
		return store_error(s, rc);
	}
	zone_head_write(h, val.mv_data);
	if (state_len > 0) {
		memcpy((uint8_t *)val.mv_data + ZONE_HEAD_LEN, state,
		       state_len);
	}
	return SECD_OK;
}

/* Delete the changesets of a zone up to a seq, and count them out. */
static int
drop_changes(struct store *s, struct zone_head *h, uint64_t up_to)
{
	uint8_t first[16];
	MDB_cursor *cursor;
	MDB_val key, val;
	int rc = mdb_cursor_open(s->txn, s->changes, &cursor);

	if (rc != 0) {
		return store_error(s, rc);
	}
	put_u64(first, h->id);
	put_u64(first + 8, 0);
	key = val_of(first, sizeof(first));
	rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
	while (rc == 0 && memcmp(key.mv_data, first, 8) == 0 &&
	       get_u64((const uint8_t *)key.mv_data + 8) <= up_to) {
		h->change_octets -= val.mv_size - 8;
		rc = mdb_cursor_del(cursor, 0);
		if (rc == 0) {
			rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
		}
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? SECD_OK : store_error(s, rc);
}

/* Undo what holds the zone's image now, unless `seq` takes its very place. */
static int
drop_image(struct store *s, const struct zone_head *h, uint64_t seq)
{
	uint8_t id[8];
	MDB_val key;
	int rc;

	if (h->place == IMAGE_FILE) {
		return h->image_seq == seq ? SECD_OK : note_stale(s, h);
	}
	if (h->place == IMAGE_NOWHERE) {
		return SECD_OK;
	}
	put_u64(id, h->id);
	key = val_of(id, sizeof(id));
	rc = mdb_del(s->txn, s->images, &key, NULL);
	return rc == MDB_NOTFOUND ? SECD_OK : store_error(s, rc);
}

static int
keep_file(struct store *s, const struct zone_head *h, struct image *im)
{
	char path[PATH_MAX];
	int rc;

	store_image_path(s, h, path);
	rc = image_keep(im, path);
	if (rc != SECD_OK) {
		return rc;
	}
	/* The name must be on the disk before the database says it is. */
	return fsync(s->image_dir_fd) == 0 ? SECD_OK : store_error(s, MDB_PANIC);
}

static int
place_image(struct store *s, struct zone_head *h, struct image *im)
{
	MDB_val key, val;
	uint8_t id[8];
	size_t len;

	if (image_is_file(im)) {
		h->place = IMAGE_FILE;
		return keep_file(s, h, im);
	}
	h->place = IMAGE_VALUE;
	put_u64(id, h->id);
	key = val_of(id, sizeof(id));
	val.mv_data = (void *)(uintptr_t)image_octets(im, &len);
	val.mv_size = len;
	return store_error(s, mdb_put(s->txn, s->images, &key, &val, 0));
}

int
store_put_image(struct store *s, const uint8_t *apex, uint64_t seq,
                struct image *im)
{
	struct buf state = {0};
	struct zone_head h;
	int rc;

	assert(s->txn != NULL);
	rc = head_get(s, apex, &h, &state);
	if (rc == SECD_OK) {
		rc = drop_image(s, &h, seq);
	}
	if (rc == SECD_OK) {
		rc = drop_changes(s, &h, seq);
	}
	if (rc == SECD_OK) {
		h.image_seq = seq;
		h.seq = h.seq > seq ? h.seq : seq;
		rc = place_image(s, &h, im);
	}
	if (rc == SECD_OK) {
		rc = head_put(s, apex, &h, state.data, state.len);
	}
	buf_fini(&state);
	return rc;
}

static int
put_change_value(struct store *s, const struct zone_head *h,
                 const struct changeset *cs)
{
	uint8_t id_seq[16];
	MDB_val key, val = {.mv_size = 8 + cs->octets.len};
	int rc;

	put_u64(id_seq, h->id);
	put_u64(id_seq + 8, h->seq);
	key = val_of(id_seq, sizeof(id_seq));
	rc = mdb_put(s->txn, s->changes, &key, &val, MDB_RESERVE);
	if (rc != 0) {
		return store_error(s, rc);
	}
	put_u64(val.mv_data, checksum64(CHECKSUM_START, cs->octets.data,
	                                cs->octets.len));
	memcpy((uint8_t *)val.mv_data + 8, cs->octets.data, cs->octets.len);
	return SECD_OK;
}

int
store_put_changes(struct store *s, const uint8_t *apex, uint64_t seq,
                  const struct changeset *cs)
{
	struct buf state = {0};
	struct zone_head h;
	int rc;

	assert(s->txn != NULL);
	rc = head_get(s, apex, &h, &state);
	if (rc == SECD_OK && (h.place == IMAGE_NOWHERE || h.seq + 1 != seq)) {
		rc = SECD_ENOTFOUND;
	}
	if (rc == SECD_OK) {
		h.seq = seq;
		h.change_octets += cs->octets.len;
		rc = put_change_value(s, &h, cs);
	}
	if (rc == SECD_OK) {
		rc = head_put(s, apex, &h, state.data, state.len);
	}
	buf_fini(&state);
	return rc;
}

int
store_put_state(struct store *s, const uint8_t *apex, const void *state,
                size_t len)
{
	struct buf old = {0};
	struct zone_head h;
	int rc;

	assert(s->txn != NULL);
	rc = head_get(s, apex, &h, &old);
	if (rc == SECD_OK) {
		rc = head_put(s, apex, &h, state, len);
	}
	buf_fini(&old);
	return rc;
}

int
store_drop(struct store *s, const uint8_t *apex)
{
	MDB_val key = val_of(apex, name_len(apex));
	struct zone_head h;
	MDB_val val;
	int rc;

	assert(s->txn != NULL);
	rc = mdb_get(s->txn, s->zones, &key, &val);
	if (rc == MDB_NOTFOUND) {
		return SECD_OK;
	}
	if (rc != 0) {
		return store_error(s, rc);
	}
	if (zone_head_read(&val, &h) == SECD_OK) {
		rc = drop_image(s, &h, h.seq + 1);
		if (rc == SECD_OK) {
			rc = drop_changes(s, &h, UINT64_MAX);
		}
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return store_error(s, mdb_del(s->txn, s->zones, &key, NULL));
}
