/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/revoked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "temp_dir.h"

struct fixture {
	char dir[TEMP_DIR_MAX];
	char path[TEMP_DIR_MAX + 16];
	char reason[REVOKED_REASON_MAX];
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	temp_dir_make(f->dir);
	snprintf(f->path, sizeof(f->path), "%s/revoked", f->dir);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	temp_dir_remove(f->dir);
	free(f);
	return 0;
}

/* Slot a in use, slot b confirmed. */
static struct pair
some_pair(uint32_t generation, uint64_t epoch)
{
	struct pair p = {.generation = generation, .epoch = epoch + 1};

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		p.slots[s].state =
		    (uint8_t)(s == 0 ? SLOT_ACTIVE : SLOT_CONFIRMED);
		p.slots[s].generation = generation;
		p.slots[s].epoch = epoch + s;
		memset(p.slots[s].secret, (int)(epoch + s), PAIR_SECRET_LEN);
	}
	return p;
}

static void
take_away(struct pair *p, unsigned s)
{
	pair_retire(p, s, true);
	p->slots[s].state = SLOT_REVOKED;
	p->generation++;
}

static struct revoked *
load(struct fixture *f)
{
	struct revoked *r = NULL;

	if (revoked_load(f->path, &r, f->reason) != SECD_OK) {
		fail_msg("%s", f->reason);
	}
	return r;
}

static void
add(struct fixture *f, const char *id, const struct pair *before,
    const struct pair *now)
{
	assert_int_equal(revoked_add(f->path, id, before, now, f->reason),
			 SECD_OK);
}

static void
no_list_revokes_nothing(void **state)
{
	struct fixture *f = *state;
	struct revoked *r = load(f);
	struct pair p = some_pair(1, 1);

	assert_false(revoked_apply(r, "p1", false, &p));
	assert_int_equal(p.slots[0].state, SLOT_ACTIVE);
	revoked_free(r);
}

static void
a_restored_key_stays_revoked(void **state)
{
	struct fixture *f = *state;
	struct pair before = some_pair(1, 1), now = before;
	struct revoked *r;
	struct stat st;

	take_away(&now, 0);
	add(f, "p1", &before, &now);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	r = load(f);
	assert_true(revoked_apply(r, "p1", false, &before));
	assert_int_equal(before.slots[0].state, SLOT_REVOKED);
	assert_int_equal(before.slots[0].phase, SLOT_OPEN);
	assert_false(pair_has_secret(&before.slots[0]));
	assert_int_equal(before.retired_count, 1);
	assert_true(before.retired[0].is_revoked);
	assert_int_equal(before.slots[1].state, SLOT_CONFIRMED);
	assert_int_equal(before.generation, 2);
	assert_true(before.is_stopped);
	/* What came after the revocation is fine. */
	assert_false(revoked_apply(r, "p1", false, &now));
	assert_false(now.is_stopped);
	revoked_free(r);
}

static void
it_is_taken_from_other_stores_too(void **state)
{
	struct fixture *f = *state;
	struct pair before = some_pair(1, 1), now = before;
	struct revoked *r;

	take_away(&now, 1);
	add(f, "p1", &before, &now);
	r = load(f);
	assert_true(revoked_apply(r, "p1", true, &before));
	assert_int_equal(before.slots[1].state, SLOT_REVOKED);
	assert_int_equal(before.slots[1].phase, SLOT_REMOVING);
	revoked_free(r);
}

static void
pairs_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct pair before = some_pair(1, 1), now = before, other = before;
	struct revoked *r;

	take_away(&now, 0);
	add(f, "p1", &before, &now);
	r = load(f);
	assert_false(revoked_apply(r, "p10", false, &other));
	revoked_free(r);
}

static void
what_is_only_retired_is_not_listed(void **state)
{
	struct fixture *f = *state;
	struct pair before = some_pair(1, 1), now = before;

	pair_retire(&now, 0, false);
	now.slots[0].state = SLOT_EMPTY;
	add(f, "p1", &before, &now);
	assert_int_not_equal(access(f->path, F_OK), 0);
}

static void
a_line_that_was_cut_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct pair before = some_pair(1, 1), now = before;
	struct revoked *r;
	FILE *file;

	take_away(&now, 0);
	add(f, "p1", &before, &now);
	file = fopen(f->path, "a");
	assert_non_null(file);
	fputs("p2 7 012", file); /* a crash */
	fclose(file);
	r = load(f);
	revoked_free(r);
	add(f, "p3", &before, &now);
	r = load(f);
	assert_true(revoked_apply(r, "p3", false, &before));
	before = some_pair(1, 1);
	assert_true(revoked_apply(r, "p1", false, &before));
	revoked_free(r);
}

static void
a_damaged_list_is_refused(void **state)
{
	static const char *const texts[] = {
	    "p1\n",
	    "p1 1\n",
	    "p1 1 0123456\n",
	    "p1 1 012345678\n",
	    "p1 x 01234567\n",
	    "p1 4294967296 01234567\n",
	    "p1 1 01234567 \n",
	    "\n",
	    "p1 1 01234567\n\np2 1 01234567\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct revoked *r = NULL;
		FILE *file = fopen(f->path, "w");

		assert_non_null(file);
		fputs(texts[i], file);
		fclose(file);
		assert_int_equal(chmod(f->path, 0600), 0);
		assert_int_equal(revoked_load(f->path, &r, f->reason),
				 SECD_EMALF);
		assert_non_null(strstr(f->reason, "damaged in line"));
	}
}

static void
a_list_that_others_can_write_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pair before = some_pair(1, 1), now = before;
	struct revoked *r = NULL;

	take_away(&now, 0);
	add(f, "p1", &before, &now);
	assert_int_equal(chmod(f->path, 0620), 0);
	assert_int_equal(revoked_load(f->path, &r, f->reason), SECD_EPERM);
	assert_non_null(strstr(f->reason, "chmod 0600"));
}

static void
a_list_that_cannot_be_written_says_why(void **state)
{
	struct fixture *f = *state;
	struct pair before = some_pair(1, 1), now = before;
	char path[TEMP_DIR_MAX + 32];

	take_away(&now, 0);
	snprintf(path, sizeof(path), "%s/missing/revoked", f->dir);
	assert_int_equal(revoked_add(path, "p1", &before, &now, f->reason),
			 SECD_EIO);
	assert_non_null(strstr(f->reason, path));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_list_revokes_nothing),
	    TEST(a_restored_key_stays_revoked),
	    TEST(it_is_taken_from_other_stores_too),
	    TEST(pairs_are_told_apart),
	    TEST(what_is_only_retired_is_not_listed),
	    TEST(a_line_that_was_cut_is_replaced),
	    TEST(a_damaged_list_is_refused),
	    TEST(a_list_that_others_can_write_is_refused),
	    TEST(a_list_that_cannot_be_written_says_why),
	};

	return cmocka_run_group_tests_name("rotate_revoked", tests, NULL, NULL);
}
