/* SPDX-License-Identifier: BSD-2-Clause */

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "store_dir.h"
#include "store_puts.h"

/* ---- damage ---- */

static void
expect_fault(struct store_dir *d, const char *fault, bool has_image)
{
	struct store_zone z;

	store_dir_reopen(d);
	assert_int_equal(store_load(d->store, store_dir_apex(A), &z), SECD_OK);
	assert_non_null(z.fault);
	assert_string_equal(z.fault, fault);
	assert_int_equal(z.image != NULL, has_image);
	store_zone_fini(&z);
}

static void
a_damaged_image_file_is_found_at_once(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	store_dir_damage(d, store_dir_only_file(d), 64, "x", 1);
	expect_fault(d, "the image is missing or damaged", false);
}

static void
a_missing_image_file_is_found_at_once(void **state)
{
	struct store_dir *d = *state;
	char path[600];

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	snprintf(path, sizeof(path), "%s/%s", d->path, store_dir_only_file(d));
	assert_int_equal(unlink(path), 0);
	expect_fault(d, "the image is missing or damaged", false);
	/* And the zone can be stored again. */
	commit_image(d, A, 2, 101, STORE_DIR_MANY);
	store_dir_expect_kept(d, A, 2, 101, STORE_DIR_MANY);
}

static void
a_truncated_image_file_is_found_at_once(void **state)
{
	struct store_dir *d = *state;
	char path[600];

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	snprintf(path, sizeof(path), "%s/%s", d->path, store_dir_only_file(d));
	assert_int_equal(truncate(path, 5000), 0);
	expect_fault(d, "the image is missing or damaged", false);
}

static void
the_image_of_another_zone_is_not_taken(void **state)
{
	struct store_dir *d = *state;
	char a[600], b[600];

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	snprintf(a, sizeof(a), "%s/%s", d->path, store_dir_only_file(d));
	snprintf(b, sizeof(b), "%s/keep", d->path);
	assert_int_equal(rename(a, b), 0);
	commit_image(d, B, 1, 100, STORE_DIR_MANY);
	assert_int_equal(unlink(b), 0);
	snprintf(b, sizeof(b), "%s/%s", d->path, store_dir_only_file(d));
	assert_int_equal(link(b, a), 0);
	expect_fault(d, "the image is missing or damaged", false);
}

/* Flip a bit behind each occurrence of a text in the closed database. */
static void
damage_database(struct store_dir *d, const char *text, size_t behind)
{
	size_t len = strlen(text), found = 0;
	size_t size = store_dir_database_len(d);
	char path[300], *octets = malloc(size);
	FILE *f;

	store_close(d->store);
	d->store = NULL;
	snprintf(path, sizeof(path), "%s/store.mdb", d->path);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_non_null(octets);
	assert_int_equal(fread(octets, 1, size, f), size);
	for (size_t i = 0; i + len + behind < size; i++) {
		if (memcmp(octets + i, text, len) == 0) {
			octets[i + behind] ^= 1;
			i += len + behind;
			found++;
		}
	}
	assert_true(found > 0);
	rewind(f);
	assert_int_equal(fwrite(octets, 1, size, f), size);
	fclose(f);
	free(octets);
}

static void
a_damaged_small_image_is_found(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	damage_database(d, "this is the text", 3);
	expect_fault(d, "the image is missing or damaged", false);
	commit_image(d, A, 2, 101, 3);
	store_dir_expect_kept(d, A, 2, 101, 3);
}

static void
a_damaged_changeset_is_found_and_the_image_still_there(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	commit_changes(d, A, 2, 100);
	/* The MNAME of a SOA; the image is in a file. */
	damage_database(d,
			"\x02ns\x07"
			"example",
			1);
	expect_fault(d, "a changeset is missing or damaged", true);
	commit_image(d, A, 3, 102, 3);
	store_dir_expect_kept(d, A, 3, 102, 3);
}

static void
damage_of_the_state_is_found(void **state)
{
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	commit_state(d, A, "confirmed long ago");
	damage_database(d, "confirmed long", 4);
	expect_fault(d, "the zone's record is damaged", false);
	commit_image(d, A, 1, 100, 3);
	store_dir_expect_kept(d, A, 1, 100, 3);
}

static void
what_is_not_a_database_is_refused(void **state)
{
	struct store_dir *d = *state;
	struct store *s = NULL;
	char zeros[8192] = {0}, reason[256] = "";

	store_close(d->store);
	d->store = NULL;
	store_dir_damage(d, "store.mdb", 0, zeros, sizeof(zeros));
	assert_int_equal(store_open(d->path, &s, reason), SECD_EMALF);
	assert_null(s);
	assert_non_null(strstr(reason, "store.mdb"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, store_dir_setup,                 \
					store_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_damaged_image_file_is_found_at_once),
	    TEST(a_missing_image_file_is_found_at_once),
	    TEST(a_truncated_image_file_is_found_at_once),
	    TEST(the_image_of_another_zone_is_not_taken),
	    TEST(a_damaged_small_image_is_found),
	    TEST(a_damaged_changeset_is_found_and_the_image_still_there),
	    TEST(damage_of_the_state_is_found),
	    TEST(what_is_not_a_database_is_refused),
	};

	return cmocka_run_group_tests_name("store_load", tests, NULL, NULL);
}
