/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_puts -- short words for the tests of the store.
 */

#ifndef TESTS_STORE_PUTS_H
#define TESTS_STORE_PUTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "store_dir.h"

#define A "a.example."
#define B "b.example."

static inline void
begin(struct store_dir *d)
{
	assert_int_equal(store_begin(d->store), SECD_OK);
}

static inline void
commit(struct store_dir *d)
{
	assert_int_equal(store_commit(d->store), SECD_OK);
}

static inline int
put_image(struct store_dir *d, const char *zone, uint64_t seq, struct image *im)
{
	return store_put_image(d->store, store_dir_apex(zone), seq, im);
}

static inline int
put_changes(struct store_dir *d, const char *zone, uint64_t seq, uint32_t from)
{
	struct changeset cs = {0};
	int rc;

	store_dir_changes(zone, from, &cs);
	rc = store_put_changes(d->store, store_dir_apex(zone), seq, &cs);
	changeset_fini(&cs);
	return rc;
}

static inline int
put_state(struct store_dir *d, const char *zone, const char *state)
{
	return store_put_state(d->store, store_dir_apex(zone), state,
			       strlen(state));
}

/* Each in a transaction of its own. */

static inline void
commit_this_image(struct store_dir *d, const char *zone, uint64_t seq,
		  struct image *im)
{
	begin(d);
	assert_int_equal(put_image(d, zone, seq, im), SECD_OK);
	commit(d);
}

static inline void
commit_image(struct store_dir *d, const char *zone, uint64_t seq,
	     uint32_t serial, unsigned names)
{
	struct image *im = store_dir_image(d, zone, serial, names);

	commit_this_image(d, zone, seq, im);
	image_unref(im);
}

static inline void
commit_changes(struct store_dir *d, const char *zone, uint64_t seq,
	       uint32_t from)
{
	begin(d);
	assert_int_equal(put_changes(d, zone, seq, from), SECD_OK);
	commit(d);
}

static inline void
commit_state(struct store_dir *d, const char *zone, const char *state)
{
	begin(d);
	assert_int_equal(put_state(d, zone, state), SECD_OK);
	commit(d);
}

static inline void
commit_drop(struct store_dir *d, const char *zone)
{
	begin(d);
	assert_int_equal(store_drop(d->store, store_dir_apex(zone)), SECD_OK);
	commit(d);
}

static inline void
expect_state(struct store_dir *d, const char *zone, const char *state)
{
	struct store_zone z;

	assert_int_equal(store_load(d->store, store_dir_apex(zone), &z),
			 SECD_OK);
	assert_int_equal(z.state.len, strlen(state));
	assert_memory_equal(z.state.data, state, z.state.len);
	store_zone_fini(&z);
}

static inline void
expect_nothing(struct store_dir *d, const char *zone)
{
	struct store_zone z;

	assert_int_equal(store_load(d->store, store_dir_apex(zone), &z),
			 SECD_ENOTFOUND);
}

#endif
