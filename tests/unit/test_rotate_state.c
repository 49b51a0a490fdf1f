/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "rnd.h"
#include "temp_dir.h"

struct fixture {
	struct secd_host host;
	struct state_file file;
	char dir[TEMP_DIR_MAX];
	char path[TEMP_DIR_MAX + 16];
	char reason[STATE_REASON_MAX];
	int secrets;
};

static void *
secret_new(void *ctx, size_t len)
{
	struct fixture *f = ctx;

	f->secrets++;
	return calloc(1, len);
}

static void
secret_free(void *ctx, void *secret, size_t len)
{
	struct fixture *f = ctx;

	f->secrets--;
	memset(secret, 0, len);
	free(secret);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	temp_dir_make(f->dir);
	snprintf(f->path, sizeof(f->path), "%s/p1.state", f->dir);
	f->host = (struct secd_host){
	    .size = sizeof(f->host),
	    .state_dir = f->dir,
	    .ctx = f,
	    .secret_new = secret_new,
	    .secret_free = secret_free,
	};
	f->file.host = &f->host;
	f->file.id = "p1";
	assert_int_equal(name_from_text("p1-a.example.", f->file.names[0]), 0);
	assert_int_equal(name_from_text("p1-b.example.", f->file.names[1]), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->secrets, 0);
	temp_dir_remove(f->dir);
	free(f);
	return 0;
}

static struct pair
some_pair(uint64_t seed)
{
	struct rnd r = {seed};
	struct pair p = {
	    .generation = 1 + rnd_below(&r, 9),
	    .epoch = rnd_next(&r),
	    .wants_rotation = rnd_below(&r, 2) == 0,
	    .proposes = rnd_below(&r, 2) == 0,
	    .is_stopped = rnd_below(&r, 2) == 0,
	    .is_root_revoked = rnd_below(&r, 2) == 0,
	    .retired_count = (uint8_t)rnd_below(&r, PAIR_RETIRED_MAX + 1),
	};

	rnd_fill(&r, p.root_check, sizeof(p.root_check));
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		struct slot *slot = &p.slots[s];

		slot->state = (uint8_t)(s == 0 ? SLOT_ACTIVE : SLOT_DRAINING);
		slot->phase = (uint8_t)rnd_below(&r, 3);
		slot->is_adopted = rnd_below(&r, 2) == 0;
		slot->generation = 1 + rnd_below(&r, 9);
		slot->epoch = pair_epoch_after(rnd_next(&r) >> 1, s);
		slot->since_ms = (int64_t)rnd_next(&r);
		rnd_fill(&r, slot->secret, sizeof(slot->secret));
	}
	for (size_t i = 0; i < p.retired_count; i++) {
		p.retired[i].slot = (uint8_t)rnd_below(&r, 2);
		p.retired[i].is_revoked = rnd_below(&r, 2) == 0;
		p.retired[i].generation = rnd_below(&r, 9);
		p.retired[i].epoch = rnd_next(&r);
		rnd_fill(&r, p.retired[i].secret, PAIR_SECRET_LEN);
	}
	return p;
}

static void
assert_same(const struct pair *a, const struct pair *b)
{
	assert_int_equal(a->generation, b->generation);
	assert_true(a->epoch == b->epoch);
	assert_int_equal(a->wants_rotation, b->wants_rotation);
	assert_int_equal(a->proposes, b->proposes);
	assert_int_equal(a->is_stopped, b->is_stopped);
	assert_int_equal(a->is_root_revoked, b->is_root_revoked);
	assert_memory_equal(a->root_check, b->root_check, PAIR_CHECK_LEN);
	assert_int_equal(a->retired_count, b->retired_count);
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		const struct slot *x = &a->slots[s], *y = &b->slots[s];

		assert_int_equal(x->state, y->state);
		assert_int_equal(x->phase, y->phase);
		assert_int_equal(x->is_adopted, y->is_adopted);
		assert_int_equal(x->generation, y->generation);
		assert_true(x->epoch == y->epoch);
		assert_true(x->since_ms == y->since_ms);
		assert_memory_equal(x->secret, y->secret, PAIR_SECRET_LEN);
	}
	for (size_t i = 0; i < a->retired_count; i++) {
		const struct retired *x = &a->retired[i], *y = &b->retired[i];

		assert_int_equal(x->slot, y->slot);
		assert_int_equal(x->is_revoked, y->is_revoked);
		assert_int_equal(x->generation, y->generation);
		assert_true(x->epoch == y->epoch);
		assert_memory_equal(x->secret, y->secret, PAIR_SECRET_LEN);
	}
}

static int
load(struct fixture *f, struct pair *out)
{
	memset(out, 0, sizeof(*out));
	f->reason[0] = '\0';
	return state_load(&f->file, out, f->reason);
}

static void
save(struct fixture *f, uint64_t seed)
{
	struct pair p = some_pair(seed);

	assert_int_equal(state_save(&f->file, &p, f->reason), SECD_OK);
}

static size_t
read_file(const struct fixture *f, uint8_t *octets, size_t cap)
{
	FILE *file = fopen(f->path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(octets, 1, cap, file);
	fclose(file);
	return len;
}

static void
write_file(const struct fixture *f, const uint8_t *octets, size_t len)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, len, file), len);
	fclose(file);
}

static void
what_is_saved_is_loaded(void **state)
{
	struct fixture *f = *state;

	for (uint64_t seed = 1; seed < 200; seed++) {
		struct pair p = some_pair(seed), q;

		save(f, seed);
		assert_int_equal(load(f, &q), SECD_OK);
		assert_same(&p, &q);
	}
}

static void
nothing_there_is_no_failure(void **state)
{
	struct fixture *f = *state;
	struct pair p;

	assert_int_equal(load(f, &p), SECD_ENOTFOUND);
	assert_string_equal(f->reason, "");
}

static void
only_its_owner_may_touch_it(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(0);
	struct stat st;

	save(f, 1);
	umask(mask);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
a_file_that_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0660};
	struct fixture *f = *state;
	struct pair p;

	save(f, 1);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(f->path, modes[i]), 0);
		assert_int_equal(load(f, &p), SECD_EPERM);
		assert_non_null(strstr(f->reason, f->path));
		assert_non_null(strstr(f->reason, "chmod 0600"));
	}
}

static void
a_file_of_another_owner_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pair p;

	if (geteuid() != 0) {
		skip();
	}
	save(f, 1);
	assert_int_equal(chown(f->path, 65534, 65534), 0);
	assert_int_equal(load(f, &p), SECD_EPERM);
	assert_non_null(strstr(f->reason, "chown root"));
}

static void
a_symbolic_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	char other[TEMP_DIR_MAX + 16];
	struct pair p;

	save(f, 1);
	snprintf(other, sizeof(other), "%s/other", f->dir);
	assert_int_equal(rename(f->path, other), 0);
	assert_int_equal(symlink(other, f->path), 0);
	assert_int_equal(load(f, &p), SECD_EPERM);
	assert_non_null(strstr(f->reason, "symbolic link"));
	/* Nor written through. */
	save(f, 2);
	assert_int_equal(load(f, &p), SECD_OK);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(rename(other, f->path), 0);
	assert_int_equal(load(f, &p), SECD_OK);
	{
		struct pair before = some_pair(1);

		assert_same(&p, &before);
	}
}

static void
every_flipped_bit_is_noticed(void **state)
{
	struct fixture *f = *state;
	uint8_t octets[4096];
	struct pair p;
	size_t len;

	save(f, 3);
	len = read_file(f, octets, sizeof(octets));
	for (size_t at = 0; at < len; at++) {
		octets[at] ^= (uint8_t)(1 << at % 8);
		write_file(f, octets, len);
		assert_true(load(f, &p) == SECD_EMALF);
		assert_non_null(strstr(f->reason, f->path));
		octets[at] ^= (uint8_t)(1 << at % 8);
	}
}

static void
a_file_that_is_cut_or_longer_is_noticed(void **state)
{
	struct fixture *f = *state;
	uint8_t octets[4096] = {0};
	struct pair p;
	size_t len;

	save(f, 4);
	len = read_file(f, octets, sizeof(octets));
	for (size_t n = 0; n < len + 40; n++) {
		if (n != len) {
			write_file(f, octets, n);
			assert_int_equal(load(f, &p), SECD_EMALF);
		}
	}
	write_file(f, octets, sizeof(octets));
	assert_int_equal(load(f, &p), SECD_EMALF);
}

static void
the_state_of_other_names_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pair p;

	save(f, 5);
	assert_int_equal(name_from_text("p2-b.example.", f->file.names[1]), 0);
	assert_int_equal(load(f, &p), SECD_EMISMATCH);
	assert_non_null(strstr(f->reason, "another name"));
}

static void
names_that_are_not_known_are_learnt(void **state)
{
	struct fixture *f = *state;
	uint8_t names[SLOT_COUNT][NAME_LEN_MAX];
	struct pair p;

	save(f, 5);
	memcpy(names, f->file.names, sizeof(names));
	memset(f->file.names, 0, sizeof(f->file.names));
	assert_int_equal(load(f, &p), SECD_OK);
	assert_true(name_equal(names[0], f->file.names[0]));
	assert_true(name_equal(names[1], f->file.names[1]));
}

static void
what_an_old_file_held_is_overwritten(void **state)
{
	struct fixture *f = *state;
	uint8_t octets[4096];
	struct pair p = some_pair(6);
	ssize_t len;
	int fd;

	save(f, 6);
	fd = open(f->path, O_RDONLY);
	assert_true(fd >= 0);
	save(f, 7);
	len = pread(fd, octets, sizeof(octets), 0);
	assert_true(len > 0);
	for (ssize_t at = 0; at + 8 <= len; at++) {
		assert_memory_not_equal(octets + at, p.slots[0].secret, 8);
	}
	close(fd);
}

static void
what_an_interrupted_save_left_is_removed(void **state)
{
	struct fixture *f = *state;
	char new_path[TEMP_DIR_MAX + 32];
	uint8_t octets[4096];
	struct pair p;
	ssize_t len;
	int fd;

	save(f, 8);
	snprintf(new_path, sizeof(new_path), "%s.new", f->path);
	assert_int_equal(rename(f->path, new_path), 0);
	fd = open(new_path, O_RDONLY);
	assert_true(fd >= 0);
	f->host.flags = SECD_HOST_READ_ONLY;
	assert_int_equal(load(f, &p), SECD_ENOTFOUND);
	assert_int_equal(access(new_path, F_OK), 0);
	f->host.flags = 0;
	assert_int_equal(load(f, &p), SECD_ENOTFOUND);
	assert_int_not_equal(access(new_path, F_OK), 0);
	len = pread(fd, octets, sizeof(octets), 0);
	for (ssize_t at = 0; at < len; at++) {
		assert_int_equal(octets[at], 0);
	}
	close(fd);
}

static void
a_save_that_fails_leaves_the_file_as_it_was(void **state)
{
	struct fixture *f = *state;
	char new_path[TEMP_DIR_MAX + 32];
	struct pair p = some_pair(9), q;

	save(f, 9);
	snprintf(new_path, sizeof(new_path), "%s.new", f->path);
	assert_int_equal(mkdir(new_path, 0700), 0); /* in its way */
	q = some_pair(10);
	assert_int_equal(state_save(&f->file, &q, f->reason), SECD_EIO);
	assert_non_null(strstr(f->reason, new_path));
	assert_int_equal(load(f, &q), SECD_OK);
	assert_same(&p, &q);
}

/* Whoever can write the file can make the checksum, too. */
static void
what_cannot_be_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pair good = some_pair(11), p, q;

	p = good;
	p.slots[1].state = SLOT_ACTIVE;
	assert_int_equal(state_save(&f->file, &p, f->reason), SECD_OK);
	assert_int_equal(load(f, &q), SECD_EMALF);
	p = good;
	p.slots[0].state = SLOT_STATE_COUNT;
	assert_int_equal(state_save(&f->file, &p, f->reason), SECD_OK);
	assert_int_equal(load(f, &q), SECD_EMALF);
	p = good;
	p.slots[0].epoch++;
	assert_int_equal(state_save(&f->file, &p, f->reason), SECD_OK);
	assert_int_equal(load(f, &q), SECD_EMALF);
	p = good;
	memset(p.slots[0].secret, 0, PAIR_SECRET_LEN);
	assert_int_equal(state_save(&f->file, &p, f->reason), SECD_OK);
	assert_int_equal(load(f, &q), SECD_EMALF);
	p = good;
	p.generation = 0;
	assert_int_equal(state_save(&f->file, &p, f->reason), SECD_OK);
	assert_int_equal(load(f, &q), SECD_EMALF);
	assert_non_null(strstr(f->reason, "does not make sense"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_saved_is_loaded),
	    TEST(nothing_there_is_no_failure),
	    TEST(only_its_owner_may_touch_it),
	    TEST(a_file_that_others_may_read_is_refused),
	    TEST(a_file_of_another_owner_is_refused),
	    TEST(a_symbolic_link_is_not_followed),
	    TEST(every_flipped_bit_is_noticed),
	    TEST(a_file_that_is_cut_or_longer_is_noticed),
	    TEST(the_state_of_other_names_is_refused),
	    TEST(names_that_are_not_known_are_learnt),
	    TEST(what_an_old_file_held_is_overwritten),
	    TEST(what_an_interrupted_save_left_is_removed),
	    TEST(a_save_that_fails_leaves_the_file_as_it_was),
	    TEST(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests_name("rotate_state", tests, NULL, NULL);
}
