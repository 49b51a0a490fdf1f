/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every single call by which the store writes fails once, and fails for good
 * from there on, in three ways. Whatever it says of that, it is true: what was
 * committed is there, what was not is not, and all of it is whole. Once the
 * disk works again, so does the store, after a restart at most.
 *
 * The functions of this program stand in for libc's, for LMDB too.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "store/store.h"
#include "store_dir.h"

static const char *const zones[] = {"a.example.", "b.example."};

/* ---- calls that fail ---- */

enum way { FAILS_IO, FAILS_SPACE, IS_CUT_SHORT, WAYS };

static struct {
	bool is_on, is_sticky;
	enum way way;
	unsigned calls, fail_at; /* counted from 1 */
} fault;

static unsigned failed; /* calls, in all */

static bool
is_to_fail(void)
{
	if (!fault.is_on) {
		return false;
	}
	fault.calls++;
	if (fault.calls == fault.fail_at ||
	    (fault.is_sticky && fault.calls > fault.fail_at)) {
		failed++;
		errno = fault.way == FAILS_SPACE ? ENOSPC : EIO;
		return true;
	}
	return false;
}

int
fsync(int fd)
{
	return is_to_fail() ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return is_to_fail() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
rename(const char *from, const char *to)
{
	return is_to_fail() ? -1 : renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int
link(const char *from, const char *to)
{
	return is_to_fail() ? -1 : linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
fallocate(int fd, int mode, off_t at, off_t len)
{
	return is_to_fail() ? -1
			    : (int)syscall(SYS_fallocate, fd, mode, at, len);
}

ssize_t
pwrite(int fd, const void *octets, size_t len, off_t at)
{
	if (is_to_fail()) {
		if (fault.way != IS_CUT_SHORT || len < 2) {
			return -1;
		}
		len /= 2;
	}
	return (ssize_t)syscall(SYS_pwrite64, fd, octets, len, at);
}

ssize_t
writev(int fd, const struct iovec *iov, int count)
{
	if (!is_to_fail()) {
		return (ssize_t)syscall(SYS_writev, fd, iov, count);
	}
	return fault.way == IS_CUT_SHORT
		   ? write(fd, iov[0].iov_base, iov[0].iov_len / 2)
		   : -1;
}

/* ---- versions ---- */

static unsigned
names_of(uint64_t seq)
{
	return seq / 4 % 2 == 0 ? STORE_DIR_MANY : 5;
}

static struct image *images[2];
static struct changeset changes[2];

/* Made before anything fails; an image or what changed. */
static void
make_versions(struct store_dir *d, uint64_t seq)
{
	for (int i = 0; i < 2; i++) {
		if (seq % 4 != 3) {
			images[i] = store_dir_image(d, zones[i], (uint32_t)seq,
						    names_of(seq));
		} else {
			store_dir_changes(zones[i], (uint32_t)seq - 1,
					  &changes[i]);
		}
	}
}

static void
free_versions(void)
{
	for (int i = 0; i < 2; i++) {
		image_unref(images[i]);
		images[i] = NULL;
		changeset_fini(&changes[i]);
		changes[i] = (struct changeset){0};
	}
}

static int
put_version(struct store_dir *d, int i, uint64_t seq)
{
	const uint8_t *apex = store_dir_apex(zones[i]);
	int rc = images[i] != NULL
		     ? store_put_image(d->store, apex, seq, images[i])
		     : store_put_changes(d->store, apex, seq, &changes[i]);

	return rc == SECD_OK
		   ? store_put_state(d->store, apex, &seq, sizeof(seq))
		   : rc;
}

static int
try_commit(struct store_dir *d, uint64_t seq)
{
	int rc = store_begin(d->store);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = put_version(d, 0, seq);
	if (rc == SECD_OK) {
		rc = put_version(d, 1, seq);
	}
	if (rc != SECD_OK) {
		store_abort(d->store);
		return rc;
	}
	return store_commit(d->store);
}

static uint64_t
held(struct store_dir *d)
{
	struct store_zone z;
	uint64_t seq;

	assert_int_equal(store_load(d->store, store_dir_apex(zones[0]), &z),
			 SECD_OK);
	assert_int_equal(z.state.len, sizeof(seq));
	memcpy(&seq, z.state.data, sizeof(seq));
	store_zone_fini(&z);
	return seq;
}

static void
expect_version(struct store_dir *d, uint64_t seq)
{
	assert_int_equal(held(d), seq);
	for (int i = 0; i < 2; i++) {
		store_dir_expect(d, zones[i], seq, (uint32_t)seq,
				 names_of(seq));
	}
}

/* ---- the test ---- */

static void
recover(struct store_dir *d, uint64_t seq)
{
	uint64_t found;

	if (store_is_poisoned(d->store)) {
		assert_int_equal(store_begin(d->store), SECD_EIO);
		store_dir_reopen(d);
		found = held(d);
		assert_true(found == seq - 1 || found == seq);
		expect_version(d, found);
		if (found == seq) {
			return;
		}
	} else {
		expect_version(d, seq - 1);
	}
	assert_int_equal(try_commit(d, seq), SECD_OK);
}

/* Commit the version of `seq` with a fault; true: it was met. */
static bool
commit_with_fault(struct store_dir *d, uint64_t seq)
{
	unsigned before = failed;
	int rc;

	make_versions(d, seq);
	fault.calls = 0;
	fault.is_on = true;
	rc = try_commit(d, seq);
	fault.is_on = false;
	if (rc != SECD_OK) {
		assert_true(rc == SECD_EIO || rc == SECD_ENOSPC);
		recover(d, seq);
	}
	expect_version(d, seq);
	free_versions();
	store_dir_reopen(d);
	expect_version(d, seq);
	assert_int_equal(store_dir_files(d),
			 names_of(seq) == STORE_DIR_MANY ? 2 : 0);
	return failed > before;
}

static void
run(struct store_dir *d, uint64_t *seq)
{
	/* Every kind of version meets every fault. */
	for (int kind = 0; kind < 8; kind++) {
		bool was_met = true;

		for (fault.fail_at = 1; was_met; fault.fail_at++) {
			was_met = commit_with_fault(d, ++*seq);
			/* Back to the same kind. */
			while (was_met && (*seq + 1) % 8 != (uint64_t)kind) {
				make_versions(d, ++*seq);
				assert_int_equal(try_commit(d, *seq), SECD_OK);
				free_versions();
			}
		}
	}
}

static void
no_failed_call_costs_a_version(void **state)
{
	struct store_dir *d = *state;
	uint64_t seq = 1;

	make_versions(d, seq);
	assert_int_equal(try_commit(d, seq), SECD_OK);
	free_versions();
	for (int way = 0; way < WAYS; way++) {
		fault.way = (enum way)way;
		for (int sticky = 0; sticky < 2; sticky++) {
			fault.is_sticky = sticky == 1;
			run(d, &seq);
		}
	}
	print_message("%u calls failed\n", failed);
	assert_true(failed > 100);
}

static void
a_store_that_cannot_be_opened_says_so_and_can_be_later(void **state)
{
	struct store_dir *d = *state;
	char reason[256];
	unsigned before;

	make_versions(d, 1);
	assert_int_equal(try_commit(d, 1), SECD_OK);
	free_versions();
	fault.way = FAILS_IO;
	fault.is_sticky = true;
	fault.fail_at = 1;
	do {
		before = failed;
		store_close(d->store);
		d->store = NULL;
		fault.calls = 0;
		fault.is_on = true;
		if (store_open(d->path, &d->store, reason) != SECD_OK) {
			assert_null(d->store);
		}
		fault.is_on = false;
		store_dir_reopen(d);
		expect_version(d, 1);
		fault.fail_at++;
	} while (failed > before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(no_failed_call_costs_a_version,
					    store_dir_setup,
					    store_dir_teardown),
	    cmocka_unit_test_setup_teardown(
		a_store_that_cannot_be_opened_says_so_and_can_be_later,
		store_dir_setup, store_dir_teardown),
	};

	return cmocka_run_group_tests_name("store_io", tests, NULL, NULL);
}
