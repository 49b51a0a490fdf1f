/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/dir.h"
#include "base/error.h"
#include "temp_dir.h"

/* ---- what is synced; this stands in for libc's ---- */

static struct {
	ino_t ino; /* of the last one */
	unsigned count;
	int error; /* what it fails with; 0: it does not */
} synced;

int
fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	synced.ino = st.st_ino;
	synced.count++;
	errno = synced.error;
	return synced.error != 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

struct place {
	char path[TEMP_DIR_MAX];
	char a[TEMP_DIR_MAX + 8], b[TEMP_DIR_MAX + 8];
	ino_t ino;
};

static int
setup(void **state)
{
	static struct place p;
	struct stat st;

	temp_dir_make(p.path);
	snprintf(p.a, sizeof(p.a), "%s/a", p.path);
	snprintf(p.b, sizeof(p.b), "%s/b", p.path);
	assert_int_equal(stat(p.path, &st), 0);
	p.ino = st.st_ino;
	memset(&synced, 0, sizeof(synced));
	*state = &p;
	return 0;
}

static int
teardown(void **state)
{
	const struct place *p = *state;

	temp_dir_remove(p->path);
	return 0;
}

static void
touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void
a_directory_is_made_and_its_name_synced(void **state)
{
	const struct place *p = *state;
	struct stat st;

	assert_int_equal(dir_make(p->a, 0700), SECD_OK);
	assert_int_equal(stat(p->a, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(synced.count, 1);
	assert_true(synced.ino == p->ino);
}

static void
one_that_is_there_may_not_have_been_synced(void **state)
{
	const struct place *p = *state;

	assert_int_equal(mkdir(p->a, 0700), 0);
	assert_int_equal(dir_make(p->a, 0700), SECD_OK);
	assert_true(synced.ino == p->ino);
}

static void
a_directory_that_cannot_be_made_is_told(void **state)
{
	const struct place *p = *state;
	char below[TEMP_DIR_MAX + 16];

	snprintf(below, sizeof(below), "%s/c", p->a);
	assert_int_equal(dir_make(below, 0700), SECD_EIO);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(synced.count, 0);
}

static void
a_name_is_changed_and_synced(void **state)
{
	const struct place *p = *state;

	touch(p->a);
	touch(p->b);
	assert_int_equal(dir_rename(p->a, p->b), SECD_OK);
	assert_int_equal(access(p->a, F_OK), -1);
	assert_int_equal(access(p->b, F_OK), 0);
	assert_true(synced.ino == p->ino);
	assert_int_equal(dir_rename(p->a, p->b), SECD_EIO);
	assert_int_equal(errno, ENOENT);
}

static void
a_sync_that_fails_is_told(void **state)
{
	const struct place *p = *state;

	synced.error = EIO;
	assert_int_equal(dir_sync(p->path), SECD_EIO);
	assert_int_equal(errno, EIO);
	synced.error = EINVAL; /* of a file system that cannot */
	assert_int_equal(dir_sync(p->path), SECD_OK);
	assert_int_equal(dir_sync(p->a), SECD_EIO);
	assert_int_equal(errno, ENOENT);
}

static void
a_path_that_is_too_long_is_told(void **state)
{
	static char path[5000];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(dir_sync_name(path), SECD_EIO);
	assert_int_equal(errno, ENAMETOOLONG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_directory_is_made_and_its_name_synced),
	    TEST(one_that_is_there_may_not_have_been_synced),
	    TEST(a_directory_that_cannot_be_made_is_told),
	    TEST(a_name_is_changed_and_synced),
	    TEST(a_sync_that_fails_is_told),
	    TEST(a_path_that_is_too_long_is_told),
	};

	return cmocka_run_group_tests_name("dir", tests, NULL, NULL);
}
