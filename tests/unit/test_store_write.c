/* SPDX-License-Identifier: BSD-2-Clause */

#include "store/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "store/store_internal.h"
#include "store_dir.h"
#include "store_puts.h"

/* ---- transactions that do not end well ---- */

static void
an_abort_leaves_everything_as_it_was(void **state)
{
	struct store_dir *d = *state;
	struct image *im = store_dir_image(d, A, 101, STORE_DIR_MANY);

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	commit_state(d, A, "before");
	begin(d);
	assert_int_equal(put_image(d, A, 2, im), SECD_OK);
	assert_int_equal(put_state(d, A, "after"), SECD_OK);
	assert_int_equal(store_drop(d->store, store_dir_apex(B)), SECD_OK);
	store_abort(d->store);
	image_unref(im);
	assert_int_equal(store_dir_files(d), 1);
	expect_state(d, A, "before");
	store_dir_expect(d, A, 1, 100, STORE_DIR_MANY);
	store_dir_expect_kept(d, A, 1, 100, STORE_DIR_MANY);
}

static void
an_image_is_put_again_after_an_abort(void **state)
{
	struct store_dir *d = *state;
	struct image *im = store_dir_image(d, A, 100, STORE_DIR_MANY);

	for (int i = 0; i < 3; i++) {
		begin(d);
		assert_int_equal(put_image(d, A, 1, im), SECD_OK);
		store_abort(d->store);
	}
	commit_this_image(d, A, 1, im);
	image_unref(im);
	assert_int_equal(store_dir_files(d), 1);
	store_dir_expect_kept(d, A, 1, 100, STORE_DIR_MANY);
}

static void
an_image_that_is_committed_survives_a_second_put_and_its_abort(void **state)
{
	struct store_dir *d = *state;
	struct image *im = store_dir_image(d, A, 100, STORE_DIR_MANY);

	commit_this_image(d, A, 1, im);
	begin(d);
	assert_int_equal(put_image(d, A, 1, im), SECD_OK);
	store_abort(d->store);
	image_unref(im);
	store_dir_expect_kept(d, A, 1, 100, STORE_DIR_MANY);
}

static void
an_image_from_the_store_can_be_put_again(void **state)
{
	struct store_dir *d = *state;
	struct store_zone z;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	store_dir_reopen(d);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z), SECD_OK);
	commit_this_image(d, A, 2, z.image);
	/* As when a zone is removed and configured again. */
	commit_drop(d, A);
	assert_int_equal(store_dir_files(d), 0);
	commit_this_image(d, A, 3, z.image);
	store_zone_fini(&z);
	store_dir_expect_kept(d, A, 3, 100, STORE_DIR_MANY);
}

static void
a_drop_and_put_in_one_transaction_can_be_aborted(void **state)
{
	struct store_dir *d = *state;
	struct image *im = store_dir_image(d, A, 100, STORE_DIR_MANY);

	commit_this_image(d, A, 1, im);
	begin(d);
	assert_int_equal(store_drop(d->store, store_dir_apex(A)), SECD_OK);
	assert_int_equal(put_image(d, A, 1, im), SECD_OK);
	store_abort(d->store);
	image_unref(im);
	assert_int_equal(store_dir_files(d), 1);
	store_dir_expect_kept(d, A, 1, 100, STORE_DIR_MANY);
}

static void
a_number_of_an_aborted_transaction_is_not_given_to_another(void **state)
{
	struct store_dir *d = *state;
	struct image *a = store_dir_image(d, A, 100, STORE_DIR_MANY);
	struct image *b = store_dir_image(d, B, 500, STORE_DIR_MANY);

	begin(d);
	assert_int_equal(put_image(d, A, 1, a), SECD_OK);
	store_abort(d->store);
	commit_this_image(d, B, 1, b);
	commit_this_image(d, A, 1, a);
	image_unref(a);
	image_unref(b);
	assert_int_equal(store_dir_files(d), 2);
	store_dir_expect_kept(d, A, 1, 100, STORE_DIR_MANY);
	store_dir_expect(d, B, 1, 500, STORE_DIR_MANY);
}

static void
loading_during_a_transaction_sees_what_is_committed(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	begin(d);
	assert_int_equal(put_changes(d, A, 2, 100), SECD_OK);
	store_dir_expect(d, A, 1, 100, 3);
	commit(d);
	store_dir_expect(d, A, 2, 101, 3);
}

/* A process that ends here and now in the midst of a transaction. */
static void
crash_after(struct store_dir *d, int puts)
{
	struct image *im = store_dir_image(d, A, 101, STORE_DIR_MANY);

	begin(d);
	if (puts > 0) {
		assert_int_equal(put_image(d, A, 2, im), SECD_OK);
	}
	if (puts > 1) {
		assert_int_equal(put_changes(d, A, 3, 101), SECD_OK);
	}
	if (puts > 2) {
		assert_int_equal(put_state(d, A, "after"), SECD_OK);
	}
	if (puts > 3) {
		commit(d);
	}
	_exit(0);
}

static void
a_crash_at_any_step_leaves_the_old_or_the_new_version(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	for (int puts = 0; puts <= 4; puts++) {
		int status;
		pid_t pid;

		store_close(d->store);
		d->store = NULL;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			store_dir_reopen(d);
			crash_after(d, puts);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		store_dir_reopen(d);
		assert_int_equal(store_dir_files(d), 1);
		if (puts < 4) {
			store_dir_expect(d, A, 1, 100, STORE_DIR_MANY);
		} else {
			store_dir_expect(d, A, 3, 102, STORE_DIR_MANY);
			expect_state(d, A, "after");
		}
	}
}

static void
a_failed_sync_poisons_the_store_until_it_is_opened_again(void **state)
{
	struct store_dir *d = *state;
	struct image *im = store_dir_image(d, A, 101, STORE_DIR_MANY);
	int pair[2], real;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	begin(d);
	assert_int_equal(put_image(d, A, 2, im), SECD_OK);
	/* Nothing that can be synced. */
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	real = dup(d->store->image_dir_fd);
	assert_true(dup2(pair[0], d->store->image_dir_fd) >= 0);
	assert_int_equal(store_commit(d->store), SECD_EIO);
	assert_true(dup2(real, d->store->image_dir_fd) >= 0);
	close(pair[0]);
	close(pair[1]);
	close(real);
	assert_true(store_is_poisoned(d->store));
	assert_int_equal(store_begin(d->store), SECD_EIO);
	store_dir_expect(d, A, 1, 100, STORE_DIR_MANY);
	store_dir_reopen(d);
	assert_false(store_is_poisoned(d->store));
	commit_this_image(d, A, 2, im);
	image_unref(im);
	store_dir_expect_kept(d, A, 2, 101, STORE_DIR_MANY);
}

/* ---- a full disk ---- */

static void
limit_files(rlim_t len)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = len == 0 ? limit.rlim_max : len;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Grow the database by changesets until it is refused. */
static int
fill(struct store_dir *d, uint64_t *seq, uint32_t *serial)
{
	for (int i = 0; i < 100000; i++) {
		int rc = SECD_OK;

		begin(d);
		for (int n = 0; n < 200 && rc == SECD_OK; n++) {
			rc = put_changes(d, A, *seq + 1 + (uint64_t)n,
					 *serial + (uint32_t)n);
		}
		if (rc != SECD_OK) {
			store_abort(d->store);
			return rc;
		}
		rc = store_commit(d->store);
		if (rc != SECD_OK) {
			return rc;
		}
		*seq += 200;
		*serial += 200;
	}
	return SECD_OK;
}

static void
a_full_disk_is_told_and_does_not_poison(void **state)
{
	struct store_dir *d = *state;
	uint32_t serial = 100;
	uint64_t seq = 1;

	signal(SIGXFSZ, SIG_IGN);
	commit_image(d, A, seq, serial, 3);
	limit_files(store_dir_database_len(d) + 1234567);
	assert_int_equal(fill(d, &seq, &serial), SECD_ENOSPC);
	assert_int_equal(fill(d, &seq, &serial), SECD_ENOSPC);
	assert_false(store_is_poisoned(d->store));
	store_dir_expect(d, A, seq, serial, 3);
	limit_files(0);
	commit_changes(d, A, seq + 1, serial);
	store_dir_expect_kept(d, A, seq + 1, serial + 1, 3);
}

static void
without_reserving_lmdb_finds_the_disk_full_itself(void **state)
{
	struct store_dir *d = *state;
	uint32_t serial = 100;
	uint64_t seq = 1;
	int rc;

	signal(SIGXFSZ, SIG_IGN);
	commit_image(d, A, seq, serial, 3);
	limit_files(store_dir_database_len(d) + 1234567);
	d->store->file_len = UINT64_MAX; /* as if there were room */
	rc = fill(d, &seq, &serial);
	limit_files(0);
	assert_true(rc == SECD_ENOSPC || rc == SECD_EIO);
	store_dir_expect_kept(d, A, seq, serial, 3);
}

static void
failed_commits_leave_no_files(void **state)
{
	struct store_dir *d = *state;

	signal(SIGXFSZ, SIG_IGN);
	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	for (uint32_t i = 1; i <= 5; i++) {
		struct image *im =
		    store_dir_image(d, A, 100 + i, STORE_DIR_MANY);

		limit_files(store_dir_database_len(d));
		begin(d);
		d->store->put_octets = 1 << 30; /* by others before */
		assert_int_equal(put_image(d, A, 1 + i, im), SECD_ENOSPC);
		store_abort(d->store);
		limit_files(0);
		image_unref(im);
	}
	assert_int_equal(store_dir_files(d), 1);
	store_dir_expect(d, A, 1, 100, STORE_DIR_MANY);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, store_dir_setup,                 \
					store_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_abort_leaves_everything_as_it_was),
	    TEST(an_image_is_put_again_after_an_abort),
	    TEST(
		an_image_that_is_committed_survives_a_second_put_and_its_abort),
	    TEST(an_image_from_the_store_can_be_put_again),
	    TEST(a_drop_and_put_in_one_transaction_can_be_aborted),
	    TEST(a_number_of_an_aborted_transaction_is_not_given_to_another),
	    TEST(loading_during_a_transaction_sees_what_is_committed),
	    TEST(a_crash_at_any_step_leaves_the_old_or_the_new_version),
	    TEST(a_failed_sync_poisons_the_store_until_it_is_opened_again),
	    TEST(a_full_disk_is_told_and_does_not_poison),
	    TEST(without_reserving_lmdb_finds_the_disk_full_itself),
	    TEST(failed_commits_leave_no_files),
	};

	return cmocka_run_group_tests_name("store_write", tests, NULL, NULL);
}
