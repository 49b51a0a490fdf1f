/* SPDX-License-Identifier: BSD-2-Clause */

#include "store_life.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/error.h"

static const char *const zones[] = {"a.example.", "b.example."};

/* In a zone's life its image is sometimes a file. */
static unsigned
names_of(uint64_t seq)
{
	return seq / 8 % 2 == 0 ? STORE_DIR_MANY : 5;
}

/* Of each zone the one or the other. */
static struct {
	uint64_t seq;
	struct image *image;
	struct changeset changes;
} made[2];

void
store_life_make(struct store_dir *d, uint64_t seq)
{
	bool is_image =
	    seq == 1 || names_of(seq) != names_of(seq - 1) || seq % 4 == 0;

	for (unsigned i = 0; i < 2; i++) {
		made[i].seq = seq;
		if (is_image) {
			made[i].image = store_dir_image(
			    d, zones[i], (uint32_t)seq, names_of(seq));
		} else {
			store_dir_changes(zones[i], (uint32_t)seq - 1,
					  &made[i].changes);
		}
	}
}

static int
put_made(struct store_dir *d, unsigned i)
{
	const uint8_t *apex = store_dir_apex(zones[i]);
	uint64_t seq = made[i].seq;
	int rc = made[i].image != NULL
		     ? store_put_image(d->store, apex, seq, made[i].image)
		     : store_put_changes(d->store, apex, seq, &made[i].changes);

	return rc == SECD_OK
		   ? store_put_state(d->store, apex, &seq, sizeof(seq))
		   : rc;
}

static int
commit_made(struct store_dir *d)
{
	int rc = store_begin(d->store);

	if (rc != SECD_OK) {
		return rc;
	}
	for (unsigned i = 0; i < 2 && rc == SECD_OK; i++) {
		rc = put_made(d, i);
	}
	if (rc != SECD_OK) {
		store_abort(d->store);
		return rc;
	}
	return store_commit(d->store);
}

int
store_life_commit(struct store_dir *d)
{
	int rc = commit_made(d);

	for (unsigned i = 0; i < 2; i++) {
		image_unref(made[i].image);
		made[i].image = NULL;
		changeset_fini(&made[i].changes);
		made[i].changes = (struct changeset){0};
	}
	return rc;
}

static uint64_t
held(struct store_dir *d, const char *zone)
{
	struct store_zone z;
	uint64_t seq;

	if (store_load(d->store, store_dir_apex(zone), &z) != SECD_OK) {
		return 0;
	}
	seq = z.seq;
	assert_int_equal(z.state.len, sizeof(seq));
	assert_memory_equal(z.state.data, &seq, sizeof(seq));
	store_zone_fini(&z);
	return seq;
}

uint64_t
store_life_held(struct store_dir *d)
{
	uint64_t seq = held(d, zones[0]);

	assert_int_equal(held(d, zones[1]), seq);
	return seq;
}

void
store_life_expect(struct store_dir *d, uint64_t seq)
{
	assert_int_equal(store_life_held(d), seq);
	for (unsigned i = 0; i < 2 && seq > 0; i++) {
		store_dir_expect(d, zones[i], seq, (uint32_t)seq,
				 names_of(seq));
	}
	assert_int_equal(store_dir_files(d),
			 seq > 0 && names_of(seq) == STORE_DIR_MANY ? 2 : 0);
}
