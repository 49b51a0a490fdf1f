/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "rnd.h"
#include "temp_dir.h"
#include "zone/stream.h"

#define MODEL_LEN ((size_t)1 << 20)

static char dir[TEMP_DIR_MAX];
static struct stream stream;
static uint8_t *model;
static size_t len;

static int
start(void **state)
{
	(void)state;
	temp_dir_make(dir);
	model = malloc(MODEL_LEN);
	len = 0;
	return model == NULL ? -1 : 0;
}

static int
stop(void **state)
{
	(void)state;
	stream_fini(&stream);
	free(model);
	return rmdir(dir); /* fails when something is left behind */
}

static void
put(struct rnd *r, size_t count)
{
	rnd_fill(r, model + len, count);
	assert_int_equal(stream_put(&stream, model + len, count), SECD_OK);
	len += count;
	assert_int_equal(stream_len(&stream), len);
}

static void
check(size_t at, size_t count)
{
	struct buf scratch = {0};
	const uint8_t *octets;

	assert_int_equal(stream_get(&stream, at, count, &scratch, &octets),
			 SECD_OK);
	assert_memory_equal(octets, model + at, count);
	buf_fini(&scratch);
}

static void
few_octets_stay_in_memory(void **state)
{
	struct rnd r = {1};

	(void)state;
	stream_init(&stream, "/nowhere", 1000, true);
	put(&r, 1000);
	check(0, 1000);
	assert_int_equal(stream.fd, -1);
	assert_int_equal(stream_flush(&stream), SECD_OK);
	assert_int_equal(stream_put(&stream, "x", 1), SECD_EIO);
}

static void
what_was_put_and_patched_is_what_is_read(void **state)
{
	struct rnd r = {2};

	(void)state;
	stream_init(&stream, dir, 3000, false);
	while (len < MODEL_LEN - 400000) {
		unsigned what = rnd_below(&r, 20);
		size_t at = rnd_below(&r, (unsigned)len + 1);
		size_t n = rnd_below(&r, 500);

		n = n > len - at ? len - at : n;
		if (what == 0) {
			put(&r, rnd_below(&r, 400000));
		} else if (what < 12) {
			put(&r, rnd_below(&r, 3000));
		} else if (what < 16 && n > 0) {
			rnd_fill(&r, model + at, n);
			assert_int_equal(
			    stream_patch(&stream, at, model + at, n), SECD_OK);
		} else if (n > 0) {
			check(at, n);
		}
	}
	check(0, len);
	assert_true(stream.fd >= 0);
}

static void
a_stream_is_appended_to_another_whole(void **state)
{
	struct stream to;
	struct rnd r = {3};
	struct buf scratch = {0};
	const uint8_t *octets;

	(void)state;
	stream_init(&stream, dir, 100, false);
	stream_init(&to, dir, 100000, false);
	put(&r, 200001);
	put(&r, 100001);
	assert_int_equal(stream_put(&to, "abc", 3), SECD_OK);
	assert_int_equal(stream_align(&to, 8), SECD_OK);
	assert_int_equal(stream_len(&to), 8);
	assert_int_equal(stream_append(&to, &stream), SECD_OK);
	assert_int_equal(stream_len(&to), 8 + len);
	assert_int_equal(stream_get(&to, 0, len + 8, &scratch, &octets),
			 SECD_OK);
	assert_memory_equal(octets, "abc\0\0\0\0", 8);
	assert_memory_equal(octets + 8, model, len);
	buf_fini(&scratch);
	stream_fini(&to);
}

static void
a_named_file_is_there_until_the_end(void **state)
{
	struct rnd r = {4};
	struct stat st;

	(void)state;
	stream_init(&stream, dir, 10, true);
	put(&r, 11);
	assert_int_equal(stream_flush(&stream), SECD_OK);
	assert_non_null(stream.path);
	assert_int_equal(stat(stream.path, &st), 0);
	assert_int_equal(st.st_size, 11);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_non_null(strstr(stream.path, "/tmp-"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(few_octets_stay_in_memory),
	    TEST(what_was_put_and_patched_is_what_is_read),
	    TEST(a_stream_is_appended_to_another_whole),
	    TEST(a_named_file_is_there_until_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
