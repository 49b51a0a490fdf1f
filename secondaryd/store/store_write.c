/* SPDX-License-Identifier: BSD-2-Clause */

#include <assert.h>
#include <errno.h>
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
	if (store_is_poisoned(s)) {
		return SECD_EIO;
	}
	s->put_octets = s->put_count = 0;
	return store_write_error(s, mdb_txn_begin(s->env, NULL, 0, &s->txn));
}

/* The names of new files must be on the disk before the database says it. */
static int
sync_names(struct store *s)
{
	if (s->fresh_count == 0 || fsync(s->image_dir_fd) == 0) {
		return SECD_OK;
	}
	return store_write_error(s, errno);
}

/* LMDB gives an environment up whose first page it could not write, whatever
 * the reason was. */
static bool
is_alive(struct store *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc == 0) {
		mdb_txn_abort(txn);
	}
	return rc != MDB_PANIC;
}

int
store_commit(struct store *s)
{
	MDB_txn *txn = s->txn;
	int rc;

	assert(txn != NULL);
	rc = sync_names(s);
	if (rc != SECD_OK) {
		store_abort(s);
		return rc;
	}
	s->txn = NULL;
	rc = mdb_txn_commit(txn);
	if (rc != 0 && !is_alive(s)) {
		rc = MDB_PANIC;
	}
	rc = store_write_error(s, rc);
	/* After an I/O error either state may be what is on the disk. */
	store_forget_files(s, rc == SECD_OK, rc == SECD_EIO);
	return rc;
}

void
store_abort(struct store *s)
{
	if (s->txn != NULL) {
		mdb_txn_abort(s->txn);
		s->txn = NULL;
	}
	store_forget_files(s, false, false);
}

/* A number for a zone or a file. */
static int
next_number(struct store *s, uint64_t *number)
{
	MDB_val key = val_of("next-number", 11);
	uint8_t octets[8];
	MDB_val val = val_of(octets, sizeof(octets));

	*number = s->next_number++;
	put_u64(octets, s->next_number);
	return store_write_error(s, mdb_put(s->txn, s->meta, &key, &val, 0));
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
	    (rc == 0 && zone_head_read(apex, &val, h) != SECD_OK)) {
		return next_number(s, &h->id);
	}
	if (rc != 0) {
		return store_write_error(s, rc);
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
	int rc = store_reserve(s, val.mv_size);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = store_write_error(
	    s, mdb_put(s->txn, s->zones, &key, &val, MDB_RESERVE));
	if (rc != SECD_OK) {
		return rc;
	}
	zone_head_write(h, apex, state, state_len, val.mv_data);
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
		return store_write_error(s, rc);
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
	return rc == MDB_NOTFOUND ? SECD_OK : store_write_error(s, rc);
}

/* Undo what holds the zone's image now. */
static int
drop_image(struct store *s, const struct zone_head *h)
{
	uint8_t id[8];
	MDB_val key;
	int rc;

	switch (h->place) {
	case IMAGE_FILE:
		return store_note_stale(s, h->image_number);
	case IMAGE_VALUE:
		put_u64(id, h->id);
		key = val_of(id, sizeof(id));
		rc = mdb_del(s->txn, s->images, &key, NULL);
		return rc == MDB_NOTFOUND ? SECD_OK : store_write_error(s, rc);
	case IMAGE_NOWHERE:
		break;
	}
	return SECD_OK;
}

static int
place_file(struct store *s, struct zone_head *h, struct image *im)
{
	char path[PATH_MAX];
	int rc;

	h->place = IMAGE_FILE;
	rc = next_number(s, &h->image_number);
	if (rc != SECD_OK) {
		return rc;
	}
	store_image_path(s, h->image_number, path);
	rc = image_keep(im, path);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = store_note_fresh(s, im);
	if (rc != SECD_OK) {
		image_unkeep(im);
	}
	return rc;
}

static int
place_value(struct store *s, struct zone_head *h, const struct image *im)
{
	MDB_val key, val;
	uint8_t id[8];
	size_t len;
	int rc;

	h->place = IMAGE_VALUE;
	put_u64(id, h->id);
	key = val_of(id, sizeof(id));
	val.mv_data = (void *)(uintptr_t)image_octets(im, &len);
	val.mv_size = len;
	rc = store_reserve(s, len);
	return rc != SECD_OK ? rc
			     : store_write_error(s, mdb_put(s->txn, s->images,
							    &key, &val, 0));
}

/* Is this very image in its place? Putting it again would move the file away
 * from under what is committed. */
static bool
is_in_place(const struct store *s, const struct zone_head *h,
	    const struct image *im)
{
	const char *kept = image_is_file(im) ? image_kept_path(im) : NULL;
	char path[PATH_MAX];

	if (h->place != IMAGE_FILE || kept == NULL) {
		return false;
	}
	store_image_path(s, h->image_number, path);
	return strcmp(kept, path) == 0;
}

static int
replace_image(struct store *s, struct zone_head *h, struct image *im)
{
	int rc;

	if (is_in_place(s, h, im)) {
		return SECD_OK;
	}
	rc = drop_image(s, h);
	if (rc != SECD_OK) {
		return rc;
	}
	return image_is_file(im) ? place_file(s, h, im) : place_value(s, h, im);
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
		rc = replace_image(s, &h, im);
	}
	if (rc == SECD_OK) {
		rc = drop_changes(s, &h, seq);
	}
	if (rc == SECD_OK) {
		h.image_seq = seq;
		h.seq = h.seq > seq ? h.seq : seq;
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
	int rc = store_reserve(s, val.mv_size);

	if (rc != SECD_OK) {
		return rc;
	}
	put_u64(id_seq, h->id);
	put_u64(id_seq + 8, h->seq);
	key = val_of(id_seq, sizeof(id_seq));
	rc = store_write_error(
	    s, mdb_put(s->txn, s->changes, &key, &val, MDB_RESERVE));
	if (rc != SECD_OK) {
		return rc;
	}
	put_u64(val.mv_data,
		checksum64(CHECKSUM_START, cs->octets.data, cs->octets.len));
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
		return store_write_error(s, rc);
	}
	if (zone_head_read(apex, &val, &h) == SECD_OK) {
		rc = drop_image(s, &h);
		if (rc == SECD_OK) {
			rc = drop_changes(s, &h, UINT64_MAX);
		}
		if (rc != SECD_OK) {
			return rc;
		}
	}
	rc = store_reserve(s, 0);
	return rc != SECD_OK ? rc
			     : store_write_error(
				   s, mdb_del(s->txn, s->zones, &key, NULL));
}
