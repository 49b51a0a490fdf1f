/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chain of links that the store is given, with a store that is a model:
 * whatever it refuses and in whatever order things end, what it has is whole,
 * and in the end it has everything.
 */

#include "server/zone_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "rnd.h"
#include "store_dir.h"

#define OCTETS 1000 /* of every changeset */

static struct store_dir *d;
static struct image *image;
static struct zone_chain chain;
/* What the commit thread has, in order. */
static struct commit_entry *posted[4096];
static size_t posted_count;

/* What the store has: an image and the links after it. */
static struct {
	uint64_t image_seq, seq;
	bool refuses, is_lost;
} store;

static uint64_t newest;

static int
start(void **state)
{
	int rc = store_dir_setup(state);

	d = *state;
	image = store_dir_image(d, "a.example.", 1, 1);
	chain = (struct zone_chain){0};
	posted_count = 0;
	store.image_seq = store.seq = 0;
	store.refuses = store.is_lost = false;
	newest = 0;
	return rc;
}

static int
stop(void **state)
{
	zone_chain_fini(&chain);
	for (size_t i = 0; i < posted_count; i++) {
		commit_entry_free(posted[i]);
	}
	image_unref(image);
	return store_dir_teardown(state);
}

static void
post(struct commit_entry *link)
{
	assert_true(posted_count < sizeof(posted) / sizeof(posted[0]));
	posted[posted_count++] = link;
}

static struct commit_entry *
link_new(uint64_t seq)
{
	struct commit_entry *link = calloc(1, sizeof(*link));

	assert_non_null(link);
	link->seq = seq;
	return link;
}

static void
add_changes(void)
{
	static const uint8_t octets[OCTETS];
	struct commit_entry *link = link_new(++newest);

	assert_int_equal(buf_put(&link->changes.octets, octets, sizeof(octets)),
			 SECD_OK);
	link->changes.step_count = 1;
	if (zone_chain_add_changes(&chain, link)) {
		post(link);
	}
}

static void
add_image(uint64_t seq, uint64_t octets)
{
	struct commit_entry *link = link_new(seq);

	assert_true(zone_chain_takes_image(&chain, seq));
	link->image = image_ref(image);
	zone_chain_add_image(&chain, link, octets);
	post(link);
}

static void
add_whole(void)
{
	newest++;
	add_image(newest, chain.octets);
}

/* What the store makes of a link. */
static int
put(const struct commit_entry *link)
{
	if (store.refuses) {
		return SECD_ENOSPC;
	}
	if (link->image != NULL) {
		store.image_seq = link->seq;
		if (link->drop || store.is_lost || store.seq < link->seq) {
			store.seq = link->seq;
		}
		store.is_lost = false;
		return SECD_OK;
	}
	if (store.is_lost || link->seq != store.seq + 1) {
		return SECD_ENOTFOUND;
	}
	store.seq = link->seq;
	return SECD_OK;
}

static void
resume(void)
{
	struct commit_entry *link = zone_chain_resume(&chain);

	while (link != NULL) {
		struct commit_entry *next =
		    (struct commit_entry *)link->letter.next;

		post(link);
		link = next;
	}
}

/* The first of those in flight is put, and comes back. */
static void
commit_one(void)
{
	struct commit_entry *link = posted[0];

	posted_count--;
	memmove(posted, posted + 1, posted_count * sizeof(posted[0]));
	link->rc = put(link);
	zone_chain_done(&chain, link);
	assert_int_equal(chain.in_flight, posted_count);
}

static void
commit_all(void)
{
	while (posted_count > 0) {
		commit_one();
	}
}

static void
expect_whole(void)
{
	assert_int_equal(posted_count, 0);
	assert_null(chain.first);
	assert_false(chain.is_broken);
	assert_int_equal(store.seq, newest);
	assert_int_equal(chain.stored_seq, newest);
}

/* ---- one thing after the other ---- */

static void
changes_follow_an_image(void **state)
{
	(void)state;
	add_whole();
	add_changes();
	add_changes();
	assert_int_equal(posted_count, 3);
	commit_all();
	expect_whole();
	assert_int_equal(store.image_seq, 1);
}

static void
what_was_loaded_goes_on(void **state)
{
	(void)state;
	store.image_seq = 3;
	store.seq = newest = 7;
	zone_chain_begin(&chain, 7, 4 * OCTETS);
	assert_false(zone_chain_wants_image(&chain, 40 * OCTETS));
	add_changes();
	assert_true(zone_chain_wants_image(&chain, 40 * OCTETS));
	commit_all();
	expect_whole();
}

static void
what_is_refused_waits_with_what_follows_it(void **state)
{
	(void)state;
	add_whole();
	commit_all();
	store.refuses = true;
	add_changes();
	add_changes();
	assert_int_equal(posted_count, 2);
	commit_one();
	/* It is of no use to post what can only be refused. */
	add_changes();
	assert_int_equal(posted_count, 1);
	resume();
	assert_int_equal(posted_count, 1);
	commit_one();
	store.refuses = false;
	add_changes();
	assert_int_equal(posted_count, 0);
	resume();
	assert_int_equal(posted_count, 4);
	commit_all();
	expect_whole();
	assert_int_equal(store.image_seq, 1);
}

static void
only_the_newest_that_waits_keeps_its_version(void **state)
{
	struct version *v;

	(void)state;
	add_whole();
	commit_all();
	store.refuses = true;
	assert_int_equal(version_new(2, image, NULL, 0, &v), SECD_OK);
	add_changes();
	posted[0]->version = version_ref(v);
	commit_one();
	assert_ptr_equal(chain.first->version, v);
	add_changes();
	assert_null(chain.first->version);
	version_unref(v);
}

static void
a_compacted_image_leaves_what_is_newer(void **state)
{
	uint64_t octets;

	(void)state;
	add_whole();
	add_changes();
	octets = chain.octets;
	add_changes();
	commit_all();
	add_image(2, octets);
	add_changes();
	commit_all();
	expect_whole();
	assert_int_equal(store.image_seq, 2);
	/* Two changesets are not in it. */
	assert_false(zone_chain_wants_image(&chain, 20 * OCTETS));
	assert_true(zone_chain_wants_image(&chain, 19 * OCTETS));
}

static void
a_compacted_image_stands_for_what_was_refused_before_it(void **state)
{
	uint64_t octets;

	(void)state;
	add_whole();
	commit_all();
	store.refuses = true;
	add_changes();
	add_changes();
	octets = chain.octets;
	add_changes();
	commit_all();
	store.refuses = false;
	add_image(3, octets);
	add_changes();
	/* That has to wait for the one that was refused. */
	assert_int_equal(posted_count, 1);
	commit_all();
	assert_int_equal(chain.stored_seq, 3);
	resume();
	commit_all();
	expect_whole();
	assert_int_equal(store.image_seq, 3);
}

static void
a_compacted_image_that_is_refused_delays_nothing(void **state)
{
	uint64_t octets;

	(void)state;
	add_whole();
	add_changes();
	octets = chain.octets;
	commit_all();
	add_image(2, octets);
	store.refuses = true;
	commit_all();
	store.refuses = false;
	assert_null(chain.first);
	add_changes();
	assert_int_equal(posted_count, 1);
	commit_all();
	expect_whole();
	assert_int_equal(store.image_seq, 1);
	/* Its turn comes again. */
	assert_true(zone_chain_wants_image(&chain, 19 * OCTETS));
}

static void
a_new_zone_stands_for_all_that_was_refused(void **state)
{
	(void)state;
	add_whole();
	store.refuses = true;
	add_changes();
	commit_all();
	add_whole();
	store.refuses = false;
	add_changes();
	commit_all();
	resume();
	commit_all();
	expect_whole();
	assert_int_equal(store.image_seq, 3);
}

static void
a_new_zone_that_is_refused_is_tried_again_before_its_changes(void **state)
{
	(void)state;
	add_whole();
	commit_all();
	store.refuses = true;
	add_whole();
	add_changes();
	commit_all();
	assert_int_equal(store.seq, 1);
	store.refuses = false;
	resume();
	commit_all();
	expect_whole();
	assert_int_equal(store.image_seq, 2);
}

static void
a_lost_link_needs_a_whole_image_of_later(void **state)
{
	(void)state;
	add_whole();
	add_changes();
	commit_all();
	newest++; /* there was no memory for it */
	zone_chain_break(&chain, newest);
	assert_true(zone_chain_wants_image(&chain, 1000 * OCTETS));
	add_changes();
	assert_int_equal(posted_count, 0);
	resume();
	assert_int_equal(posted_count, 0);
	/* A compaction that began before. */
	assert_false(zone_chain_takes_image(&chain, 2));
	add_image(3, chain.octets - OCTETS);
	assert_true(posted[0]->drop);
	commit_all();
	resume();
	commit_all();
	expect_whole();
}

static void
what_replaces_an_image_that_begins_anew_begins_anew(void **state)
{
	(void)state;
	add_whole();
	commit_all();
	zone_chain_break(&chain, newest);
	store.refuses = true;
	add_whole();
	assert_true(posted[0]->drop);
	commit_all();
	add_whole();
	assert_true(posted[0]->drop);
	store.refuses = false;
	commit_all();
	expect_whole();
	add_whole();
	assert_false(posted[0]->drop);
}

static void
a_store_that_lost_the_zone_gets_it_whole(void **state)
{
	(void)state;
	add_whole();
	add_changes();
	commit_all();
	store.is_lost = true;
	add_changes();
	add_changes();
	commit_all();
	assert_true(chain.is_broken);
	assert_null(chain.first);
	add_image(newest, chain.octets);
	commit_all();
	expect_whole();
}

static void
a_store_that_takes_nothing_does_not_fill_the_memory(void **state)
{
	(void)state;
	add_whole();
	commit_all();
	store.refuses = true;
	add_changes();
	commit_all();
	for (int i = 0; i < 20000; i++) {
		add_changes();
		assert_true(chain.waiting_octets <= UINT64_C(17) << 20);
	}
	assert_true(chain.is_broken);
	store.refuses = false;
	add_image(newest, chain.octets);
	commit_all();
	expect_whole();
}

/* ---- anything at any time ---- */

static void
whatever_fails_the_store_has_all_in_the_end(void **state)
{
	struct rnd rnd = {1};
	uint64_t base = 0, base_octets = 0; /* of a compaction that runs */
	uint64_t last = 0;
	bool has_lost = false; /* and nobody has noticed */

	(void)state;
	add_whole();
	for (int i = 0; i < 200000; i++) {
		unsigned what = rnd_below(&rnd, 100);

		if (what < 35 && posted_count < 50) {
			add_changes();
		} else if (what < 75 && posted_count > 0) {
			commit_one();
		} else if (what < 78) {
			store.refuses = rnd_below(&rnd, 2) == 0;
		} else if (what < 79 && posted_count < 50) {
			add_whole();
			base = 0;
		} else if (what < 85 && base == 0) {
			base = newest;
			base_octets = chain.octets;
		} else if (what < 90 && base != 0) {
			if (zone_chain_takes_image(&chain, base)) {
				add_image(base, base_octets);
			}
			base = 0;
		} else if (what == 98 && rnd_below(&rnd, 20) == 0) {
			store.is_lost = true;
		} else if (what == 99 && rnd_below(&rnd, 20) == 0) {
			zone_chain_break(&chain, ++newest);
		} else {
			resume();
		}
		/* What was told is never taken back. */
		assert_true(chain.stored_seq >= last);
		has_lost =
		    store.is_lost || (has_lost && store.seq < chain.stored_seq);
		assert_true(has_lost || store.seq >= chain.stored_seq);
		last = chain.stored_seq;
	}
	store.refuses = false;
	commit_all();
	resume();
	commit_all();
	add_changes(); /* a store that lost the zone is found out */
	commit_all();
	resume();
	commit_all();
	if (chain.is_broken) {
		add_image(newest, chain.octets);
		commit_all();
	}
	expect_whole();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(changes_follow_an_image),
	    TEST(what_was_loaded_goes_on),
	    TEST(what_is_refused_waits_with_what_follows_it),
	    TEST(only_the_newest_that_waits_keeps_its_version),
	    TEST(a_compacted_image_leaves_what_is_newer),
	    TEST(a_compacted_image_stands_for_what_was_refused_before_it),
	    TEST(a_compacted_image_that_is_refused_delays_nothing),
	    TEST(a_new_zone_stands_for_all_that_was_refused),
	    TEST(a_new_zone_that_is_refused_is_tried_again_before_its_changes),
	    TEST(a_lost_link_needs_a_whole_image_of_later),
	    TEST(what_replaces_an_image_that_begins_anew_begins_anew),
	    TEST(a_store_that_lost_the_zone_gets_it_whole),
	    TEST(a_store_that_takes_nothing_does_not_fill_the_memory),
	    TEST(whatever_fails_the_store_has_all_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
