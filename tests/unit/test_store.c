/* SPDX-License-Identifier: BSD-2-Clause */

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "store_dir.h"
#include "store_puts.h"

/* ---- what is put comes back ---- */

static void
a_small_image_comes_back_from_the_database(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 7, 100, 3);
	assert_int_equal(store_dir_files(d), 0);
	store_dir_expect(d, A, 7, 100, 3);
	store_dir_expect_kept(d, A, 7, 100, 3);
}

static void
a_large_image_comes_back_from_a_file(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 7, 100, STORE_DIR_MANY);
	assert_int_equal(store_dir_files(d), 1);
	store_dir_expect(d, A, 7, 100, STORE_DIR_MANY);
	store_dir_expect_kept(d, A, 7, 100, STORE_DIR_MANY);
}

static void
changesets_come_back_in_order(void **state)
{
	struct store_dir *d = *state;
	struct store_zone z;

	commit_image(d, A, 1, 100, 3);
	for (uint32_t i = 0; i < 20; i++) {
		commit_changes(d, A, 2 + i, 100 + i);
	}
	store_dir_reopen(d);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z), SECD_OK);
	assert_int_equal(z.change_count, 20);
	assert_int_equal(image_serial(z.image), 100);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(z.changes[i].from, 100 + i);
	}
	store_zone_fini(&z);
	store_dir_expect(d, A, 21, 120, 3);
}

static void
changesets_of_different_zones_are_kept_apart(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	commit_image(d, B, 1, 500, 4);
	begin(d);
	assert_int_equal(put_changes(d, A, 2, 100), SECD_OK);
	assert_int_equal(put_changes(d, B, 2, 500), SECD_OK);
	assert_int_equal(put_changes(d, A, 3, 101), SECD_OK);
	commit(d);
	store_dir_expect_kept(d, A, 3, 102, 3);
	store_dir_expect(d, B, 2, 501, 4);
}

static void
state_comes_back_with_and_without_an_image(void **state)
{
	struct store_dir *d = *state;
	struct store_zone z;

	commit_state(d, A, "first");
	expect_state(d, A, "first");
	commit_image(d, A, 1, 100, 3);
	expect_state(d, A, "first");
	commit_state(d, A, "the second is longer");
	store_dir_reopen(d);
	expect_state(d, A, "the second is longer");
	store_dir_expect(d, A, 1, 100, 3);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z), SECD_OK);
	assert_int_equal(z.change_count, 0);
	store_zone_fini(&z);
}

static void
the_hash_key_lasts_as_long_as_the_storage(void **state)
{
	struct store_dir *d = *state;
	struct name_hash_key key = *store_hash_key(d->store);

	store_dir_reopen(d);
	assert_memory_equal(store_hash_key(d->store), &key, sizeof(key));
}

struct apexes {
	char text[200];
	int rc; /* of the second */
};

static int
note_apex(void *arg, const uint8_t *apex)
{
	char text[NAME_TEXT_MAX];
	struct apexes *a = arg;
	int rc = a->text[0] == '\0' ? SECD_OK : a->rc;

	strcat(strcat(a->text, name_to_text(apex, text)), " ");
	return rc;
}

static void
every_zone_that_is_stored_is_named(void **state)
{
	struct apexes all = {.rc = SECD_OK}, none = {.rc = SECD_OK},
		      some = {.rc = SECD_ELIMIT};
	struct store_dir *d = *state;

	assert_int_equal(store_each_apex(d->store, note_apex, &none), SECD_OK);
	assert_string_equal(none.text, "");
	commit_image(d, A, 1, 100, 3);
	commit_image(d, B, 1, 100, STORE_DIR_MANY);
	commit_changes(d, A, 2, 100);
	commit_state(d, "c.example.", "only this");
	store_dir_reopen(d);
	assert_int_equal(store_each_apex(d->store, note_apex, &all), SECD_OK);
	assert_string_equal(all.text, A " " B " c.example. ");
	assert_int_equal(store_each_apex(d->store, note_apex, &some),
			 SECD_ELIMIT);
	assert_string_equal(some.text, A " " B " ");
}

static void
a_zone_that_was_never_put_is_not_found(void **state)
{
	expect_nothing(*state, A);
}

/* ---- one version takes the place of another ---- */

static void
a_new_image_drops_the_changesets_up_to_it_and_no_later_one(void **state)
{
	struct store_dir *d = *state;
	struct store_zone z;

	commit_image(d, A, 1, 100, 3);
	for (uint32_t i = 0; i < 3; i++) {
		commit_changes(d, A, 2 + i, 100 + i);
	}
	commit_image(d, A, 3, 102, 3);
	store_dir_reopen(d);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z), SECD_OK);
	assert_int_equal(z.seq, 4);
	assert_int_equal(z.change_count, 1);
	assert_int_equal(z.change_octets, z.changes[0].octets.len);
	store_zone_fini(&z);
	store_dir_expect(d, A, 4, 103, 3);
}

static void
the_file_of_an_older_image_goes_with_the_commit(void **state)
{
	struct store_dir *d = *state;
	struct image *im;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	im = store_dir_image(d, A, 101, STORE_DIR_MANY);
	begin(d);
	assert_int_equal(put_image(d, A, 2, im), SECD_OK);
	assert_int_equal(store_dir_files(d), 2);
	commit(d);
	assert_int_equal(store_dir_files(d), 1);
	image_unref(im);
	assert_int_equal(store_dir_files(d), 1);
	store_dir_expect_kept(d, A, 2, 101, STORE_DIR_MANY);
}

static void
an_image_that_is_read_outlives_its_file(void **state)
{
	struct store_dir *d = *state;
	struct store_zone z;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z), SECD_OK);
	commit_image(d, A, 2, 101, STORE_DIR_MANY);
	assert_true(store_dir_is(d, A, 100, STORE_DIR_MANY, z.image));
	store_zone_fini(&z);
	store_dir_expect(d, A, 2, 101, STORE_DIR_MANY);
}

static void
a_zone_may_grow_into_a_file_and_shrink_back(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	commit_image(d, A, 2, 101, STORE_DIR_MANY);
	store_dir_expect(d, A, 2, 101, STORE_DIR_MANY);
	commit_image(d, A, 3, 102, 3);
	assert_int_equal(store_dir_files(d), 0);
	store_dir_expect_kept(d, A, 3, 102, 3);
}

static void
several_images_of_a_zone_in_one_transaction_leave_the_last(void **state)
{
	struct store_dir *d = *state;

	begin(d);
	for (uint32_t i = 1; i <= 3; i++) {
		struct image *im =
		    store_dir_image(d, A, 100 + i, STORE_DIR_MANY);

		assert_int_equal(put_image(d, A, i, im), SECD_OK);
		image_unref(im);
	}
	commit(d);
	assert_int_equal(store_dir_files(d), 1);
	store_dir_expect_kept(d, A, 3, 103, STORE_DIR_MANY);
}

static void
a_changeset_that_does_not_follow_is_refused(void **state)
{
	struct store_dir *d = *state;

	begin(d);
	assert_int_equal(put_changes(d, A, 1, 100), SECD_ENOTFOUND);
	store_abort(d->store);
	commit_image(d, A, 5, 100, 3);
	begin(d);
	assert_int_equal(put_changes(d, A, 7, 100), SECD_ENOTFOUND);
	store_abort(d->store);
	begin(d);
	assert_int_equal(put_changes(d, A, 5, 100), SECD_ENOTFOUND);
	store_abort(d->store);
	store_dir_expect(d, A, 5, 100, 3);
}

static void
a_dropped_zone_leaves_nothing(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	commit_changes(d, A, 2, 100);
	commit_image(d, B, 1, 500, 3);
	begin(d);
	assert_int_equal(store_drop(d->store, store_dir_apex(A)), SECD_OK);
	assert_int_equal(store_dir_files(d), 1);
	commit(d);
	assert_int_equal(store_dir_files(d), 0);
	expect_nothing(d, A);
	commit_drop(d, A);
	store_dir_reopen(d);
	expect_nothing(d, A);
	store_dir_expect(d, B, 1, 500, 3);
}

static void
a_zone_that_comes_back_has_nothing_of_its_former_self(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	commit_changes(d, A, 2, 100);
	begin(d);
	assert_int_equal(put_state(d, A, "old"), SECD_OK);
	assert_int_equal(store_drop(d->store, store_dir_apex(A)), SECD_OK);
	commit(d);
	commit_image(d, A, 1, 900, 3);
	store_dir_expect_kept(d, A, 1, 900, 3);
	expect_state(d, A, "");
}

/* ---- opening ---- */

static void
files_that_no_zone_names_are_removed_at_open(void **state)
{
	struct store_dir *d = *state;
	static const char *const names[] = {"tmp-abcdef", "00000000000000ff",
					    "1", "0000000000000001x"};
	char path[400];

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", store_image_dir(d->store),
			 names[i]);
		f = fopen(path, "w");
		assert_non_null(f);
		fclose(f);
	}
	assert_int_equal(store_dir_files(d), 5);
	store_dir_reopen(d);
	assert_int_equal(store_dir_files(d), 1);
	store_dir_expect(d, A, 1, 100, STORE_DIR_MANY);
}

static void
another_process_cannot_open_it(void **state)
{
	struct store_dir *d = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char reason[256];
		struct store *s;

		_exit(store_open(d->path, &s, reason) == SECD_EBUSY &&
			      strstr(reason, "in use") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_directory_that_is_not_there_is_an_error_with_a_reason(void **state)
{
	char reason[256] = "";
	struct store *s = NULL;

	(void)state;
	assert_int_equal(store_open("/nonexistent/storage", &s, reason),
			 SECD_EIO);
	assert_null(s);
	assert_string_equal(reason, "cannot open /nonexistent/storage/lock: "
				    "No such file or directory");
}

static void
closing_aborts_what_is_open(void **state)
{
	struct store_dir *d = *state;
	struct image *im = store_dir_image(d, A, 100, STORE_DIR_MANY);

	begin(d);
	assert_int_equal(put_image(d, A, 1, im), SECD_OK);
	store_dir_reopen(d);
	expect_nothing(d, A);
	image_unref(im);
	assert_int_equal(store_dir_files(d), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, store_dir_setup,                 \
					store_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_small_image_comes_back_from_the_database),
	    TEST(a_large_image_comes_back_from_a_file),
	    TEST(changesets_come_back_in_order),
	    TEST(changesets_of_different_zones_are_kept_apart),
	    TEST(state_comes_back_with_and_without_an_image),
	    TEST(the_hash_key_lasts_as_long_as_the_storage),
	    TEST(every_zone_that_is_stored_is_named),
	    TEST(a_zone_that_was_never_put_is_not_found),
	    TEST(a_new_image_drops_the_changesets_up_to_it_and_no_later_one),
	    TEST(the_file_of_an_older_image_goes_with_the_commit),
	    TEST(an_image_that_is_read_outlives_its_file),
	    TEST(a_zone_may_grow_into_a_file_and_shrink_back),
	    TEST(several_images_of_a_zone_in_one_transaction_leave_the_last),
	    TEST(a_changeset_that_does_not_follow_is_refused),
	    TEST(a_dropped_zone_leaves_nothing),
	    TEST(a_zone_that_comes_back_has_nothing_of_its_former_self),
	    TEST(files_that_no_zone_names_are_removed_at_open),
	    TEST(another_process_cannot_open_it),
	    TEST(a_directory_that_is_not_there_is_an_error_with_a_reason),
	    TEST(closing_aborts_what_is_open),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
