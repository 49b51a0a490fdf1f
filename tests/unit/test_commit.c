/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "store_dir.h"

#define A "a.example."
#define B "b.example."

#define RESULTS_MAX 64

static struct store_dir *d;
static struct mailbox box;
static struct commit *commit;
static struct commit_hooks hooks;

/* What came back, in order. */
static struct {
	uint64_t seq;
	int rc;
} results[RESULTS_MAX];
static unsigned result_count;

static int
start(void **state)
{
	int rc = store_dir_setup(state);

	d = *state;
	result_count = 0;
	if (rc == 0) {
		rc = mailbox_init(&box, NULL, NULL);
	}
	return rc == 0 ? commit_start(d->store, 0, &hooks, &commit) : rc;
}

static int
stop(void **state)
{
	commit_stop(commit);
	commit = NULL;
	mailbox_fini(&box);
	return store_dir_teardown(state);
}

static void
take_result(struct commit_entry *e)
{
	assert_true(result_count < RESULTS_MAX);
	results[result_count].seq = e->seq;
	results[result_count].rc = e->rc;
	result_count++;
	commit_entry_free(e);
}

static void
await(unsigned count)
{
	while (result_count < count) {
		letters_run(mailbox_wait(&box));
	}
	assert_int_equal(result_count, count);
}

static struct commit_entry *
entry_new(const char *zone, uint64_t seq)
{
	const uint8_t *apex = store_dir_apex(zone);
	struct commit_entry *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	memcpy(e->apex, apex, name_len(apex));
	e->seq = seq;
	e->done = take_result;
	e->reply = &box;
	return e;
}

static void
post_image(const char *zone, uint64_t seq, uint32_t serial, unsigned names)
{
	struct commit_entry *e = entry_new(zone, seq);

	e->image = store_dir_image(d, zone, serial, names);
	commit_post(commit, e);
}

static void
post_changes(const char *zone, uint64_t seq, uint32_t from)
{
	struct commit_entry *e = entry_new(zone, seq);

	store_dir_changes(zone, from, &e->changes);
	commit_post(commit, e);
}

static void
expect_result(unsigned i, uint64_t seq, int rc)
{
	assert_int_equal(results[i].seq, seq);
	assert_int_equal(results[i].rc, rc);
}

static void
an_image_is_durable_when_it_is_done(void **state)
{
	(void)state;
	post_image(A, 7, 100, STORE_DIR_MANY);
	await(1);
	expect_result(0, 7, SECD_OK);
	store_dir_expect(d, A, 7, 100, STORE_DIR_MANY);
}

static void
versions_of_a_zone_are_written_in_the_order_of_posting(void **state)
{
	(void)state;
	post_image(A, 1, 100, 3);
	for (uint32_t i = 0; i < 20; i++) {
		post_changes(A, 2 + i, 100 + i);
	}
	await(21);
	for (unsigned i = 0; i < 21; i++) {
		expect_result(i, 1 + i, SECD_OK);
	}
	store_dir_expect(d, A, 21, 120, 3);
}

static void
state_is_written_with_the_version(void **state)
{
	struct commit_entry *e = entry_new(A, 1);
	struct store_zone z;

	(void)state;
	e->image = store_dir_image(d, A, 100, 3);
	assert_int_equal(buf_put(&e->state, "state", 5), SECD_OK);
	commit_post(commit, e);
	await(1);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z), SECD_OK);
	assert_int_equal(z.state.len, 5);
	assert_memory_equal(z.state.data, "state", 5);
	store_zone_fini(&z);
}

static void
what_cannot_be_written_does_not_keep_others_from_it(void **state)
{
	(void)state;
	/* Long enough for all of them to be in one transaction. */
	post_image(A, 1, 100, 3);
	await(1);
	commit_set_sync_interval(commit, 20);
	post_image(A, 2, 101, STORE_DIR_MANY);
	post_changes(B, 9, 500); /* there is no image of B */
	post_changes(A, 3, 101);
	post_changes(A, 7, 102); /* does not follow */
	await(5);
	expect_result(1, 2, SECD_OK);
	expect_result(2, 9, SECD_ENOTFOUND);
	expect_result(3, 3, SECD_OK);
	expect_result(4, 7, SECD_ENOTFOUND);
	assert_int_equal(store_dir_files(d), 1);
	commit_stop(commit);
	commit = NULL;
	store_dir_expect_kept(d, A, 3, 102, STORE_DIR_MANY);
}

static void
an_image_can_be_posted_again_after_a_failure(void **state)
{
	struct image *im = store_dir_image(d, A, 100, STORE_DIR_MANY);
	struct commit_entry *e;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		e = entry_new(A, 1);
		e->image = image_ref(im);
		commit_post(commit, e);
		/* In the same transaction, or after it: both may be. */
		post_changes(B, 9, 500);
	}
	await(6);
	image_unref(im);
	assert_int_equal(store_dir_files(d), 1);
	commit_stop(commit);
	commit = NULL;
	store_dir_expect_kept(d, A, 1, 100, STORE_DIR_MANY);
}

static void
a_drop_forgets_the_zone(void **state)
{
	struct commit_entry *e;
	struct store_zone z;

	(void)state;
	post_image(A, 1, 100, STORE_DIR_MANY);
	e = entry_new(A, 1);
	e->drop = true;
	commit_post(commit, e);
	await(2);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z),
			 SECD_ENOTFOUND);
	assert_int_equal(store_dir_files(d), 0);
}

static void
an_image_may_replace_whatever_was_there(void **state)
{
	struct commit_entry *e;

	(void)state;
	post_image(A, 50, 100, STORE_DIR_MANY);
	post_changes(A, 51, 100);
	e = entry_new(A, 1);
	e->drop = true;
	e->image = store_dir_image(d, A, 900, 3);
	commit_post(commit, e);
	post_changes(A, 2, 900);
	await(4);
	expect_result(3, 2, SECD_OK);
	store_dir_expect(d, A, 2, 901, 3);
	assert_int_equal(store_dir_files(d), 0);
}

static void
what_was_posted_is_written_before_the_end(void **state)
{
	(void)state;
	commit_set_sync_interval(commit, 1000000);
	post_image(A, 1, 100, 3);
	await(1);
	post_changes(A, 2, 100);
	post_changes(A, 3, 101);
	commit_stop(commit);
	commit = NULL;
	letters_run(mailbox_take(&box));
	assert_int_equal(result_count, 3);
	store_dir_expect(d, A, 3, 102, 3);
}

static void
entries_whose_poster_is_gone_are_written_and_freed(void **state)
{
	(void)state;
	mailbox_close(&box);
	post_image(A, 1, 100, STORE_DIR_MANY);
	commit_stop(commit);
	commit = NULL;
	assert_int_equal(result_count, 0);
	store_dir_expect(d, A, 1, 100, STORE_DIR_MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_image_is_durable_when_it_is_done),
	    TEST(versions_of_a_zone_are_written_in_the_order_of_posting),
	    TEST(state_is_written_with_the_version),
	    TEST(what_cannot_be_written_does_not_keep_others_from_it),
	    TEST(an_image_can_be_posted_again_after_a_failure),
	    TEST(a_drop_forgets_the_zone),
	    TEST(an_image_may_replace_whatever_was_there),
	    TEST(what_was_posted_is_written_before_the_end),
	    TEST(entries_whose_poster_is_gone_are_written_and_freed),
	};

	return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
