/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/orphans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "server/zone_entry.h"
#include "store/store_internal.h"
#include "store_dir.h"
#include "store_puts.h"

/* The server's list, of which only the names are looked at. */
static struct zone_entry entries[2];
static struct zone_entry *list[] = {&entries[0], &entries[1]};

static int
start(void **state)
{
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	strcpy((char *)entries[0].zone.apex, (const char *)store_dir_apex(A));
	strcpy((char *)entries[1].zone.apex, (const char *)store_dir_apex(B));
	return store_dir_setup(state);
}

static bool
has(struct store_dir *d, const char *zone)
{
	struct store_zone z;
	int rc = store_load(d->store, store_dir_apex(zone), &z);

	if (rc == SECD_OK) {
		store_zone_fini(&z);
	}
	return rc == SECD_OK;
}

static void
what_is_configured_stays_and_the_rest_goes(void **state)
{
	const struct zone_list zones = {list, 1};
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, STORE_DIR_MANY);
	commit_image(d, B, 1, 100, STORE_DIR_MANY);
	commit_image(d, "c.example.", 1, 100, 3);
	orphans_forget(d->store, &zones);
	store_dir_expect(d, A, 1, 100, STORE_DIR_MANY);
	assert_false(has(d, B));
	assert_false(has(d, "c.example."));
	assert_int_equal(store_dir_files(d), 1);
}

static void
nothing_goes_when_all_are_configured(void **state)
{
	const struct zone_list zones = {list, 2};
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	commit_image(d, B, 1, 100, 3);
	orphans_forget(d->store, &zones);
	store_dir_expect(d, A, 1, 100, 3);
	store_dir_expect(d, B, 1, 100, 3);
}

static void
nothing_goes_when_none_is_configured(void **state)
{
	const struct zone_list zones = {list, 0};
	struct store_dir *d = *state;

	orphans_forget(d->store, &zones);
	commit_image(d, A, 1, 100, 3);
	orphans_forget(d->store, &zones);
	store_dir_expect(d, A, 1, 100, 3);
}

static void
more_than_one_transaction_holds_go(void **state)
{
	const struct zone_list zones = {list, 1};
	struct store_dir *d = *state;
	char zone[30];

	commit_image(d, A, 1, 100, 3);
	begin(d);
	for (int i = 0; i < 2500; i++) {
		snprintf(zone, sizeof(zone), "z%d.example.", i);
		assert_int_equal(put_state(d, zone, "known"), SECD_OK);
	}
	commit(d);
	orphans_forget(d->store, &zones);
	for (int i = 0; i < 2500; i++) {
		snprintf(zone, sizeof(zone), "z%d.example.", i);
		assert_false(has(d, zone));
	}
	store_dir_expect(d, A, 1, 100, 3);
}

static void
a_store_that_cannot_be_written_is_left_as_it_is(void **state)
{
	const struct zone_list zones = {list, 1};
	struct store_dir *d = *state;

	commit_image(d, A, 1, 100, 3);
	commit_image(d, B, 1, 100, 3);
	atomic_store(&d->store->poisoned, true);
	orphans_forget(d->store, &zones);
	store_dir_expect_kept(d, B, 1, 100, 3);
	orphans_forget(d->store, &zones);
	assert_false(has(d, B));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, start, store_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_configured_stays_and_the_rest_goes),
	    TEST(nothing_goes_when_all_are_configured),
	    TEST(nothing_goes_when_none_is_configured),
	    TEST(more_than_one_transaction_holds_go),
	    TEST(a_store_that_cannot_be_written_is_left_as_it_is),
	};

	return cmocka_run_group_tests_name("orphans", tests, NULL, NULL);
}
