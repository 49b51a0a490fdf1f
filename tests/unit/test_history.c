/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "past.h"
#include "secondaryd/module.h"

static struct past past;
static struct frontend frontend;
static struct history *h;
static const uint8_t apex[] = "\7example";

static int
start(void **state)
{
	(void)state;
	past_init(&past);
	past_add(&past, 10, 20, 3);
	frontend.history = past_history(&past);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	history_close(h);
	h = NULL;
	past_fini(&past);
	return 0;
}

static int
open_from(uint32_t serial)
{
	return history_open(&frontend, apex, serial, 5, &h);
}

/* All pieces. Returns their number. */
static unsigned
read_all(struct buf *out)
{
	unsigned pieces = 0;
	const uint8_t *octets;
	size_t len;

	for (;;) {
		assert_int_equal(history_next(h, &octets, &len), SECD_OK);
		if (len == 0) {
			return pieces;
		}
		pieces++;
		assert_int_equal(buf_put(out, octets, len), SECD_OK);
	}
}

static void
all_pieces_come_in_order(void **state)
{
	struct buf all = {0};
	const uint8_t *octets;
	size_t len;

	(void)state;
	past.piece_max = 300;
	assert_int_equal(open_from(10), SECD_OK);
	assert_true(read_all(&all) > 5);
	assert_int_equal(all.len, past.steps.octets.len);
	assert_memory_equal(all.data, past.steps.octets.data, all.len);
	/* The end stays the end, and nobody is asked. */
	atomic_store(&past.calls, 0);
	assert_int_equal(history_next(h, &octets, &len), SECD_OK);
	assert_int_equal(len, 0);
	assert_int_equal(atomic_load(&past.calls), 0);
	buf_fini(&all);
}

static void
its_size_is_known_at_once(void **state)
{
	struct history_size size;

	(void)state;
	past.piece_max = 300;
	assert_int_equal(open_from(11), SECD_OK);
	history_size(h, &size);
	assert_int_equal(size.octets, past.steps.octets.len * 9 / 10);
	assert_int_equal(size.steps, 9);
	assert_false(size.is_one_piece);
	assert_true(size.piece_len >= 300 && size.piece_len < 400);
	history_close(h);
	/* What is seen is known better than what is said. */
	past.piece_max = SECD_CHUNK_MAX;
	past.says_size = false;
	assert_int_equal(open_from(11), SECD_OK);
	history_size(h, &size);
	assert_int_equal(size.octets, past.steps.octets.len * 9 / 10);
	assert_int_equal(size.octets, size.piece_len);
	assert_true(size.is_one_piece);
}

static void
a_piece_may_be_long_in_coming(void **state)
{
	struct buf all = {0};

	(void)state;
	past.piece_max = 300;
	past.empty = 5;
	assert_int_equal(open_from(10), SECD_OK);
	read_all(&all);
	assert_int_equal(all.len, past.steps.octets.len);
	buf_fini(&all);
	history_close(h);
	h = NULL;
	past.empty = 1000000;
	assert_int_equal(open_from(10), SECD_EIO);
}

static void
what_cannot_be_had_is_told_at_once(void **state)
{
	static const int why[] = {SECD_ENOTFOUND, SECD_EIO, SECD_ENOTSUP,
				  SECD_ENOMEM, SECD_ECLOSED};

	(void)state;
	assert_int_equal(open_from(20), SECD_ENOTFOUND);
	assert_int_equal(open_from(9), SECD_ENOTFOUND);
	past.fail_at = 1;
	for (size_t i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		atomic_store(&past.calls, 0);
		past.fail_rc = why[i];
		assert_int_equal(open_from(10), why[i]);
	}
	past.busy = 10;
	atomic_store(&past.calls, 0);
	assert_int_equal(open_from(10), SECD_EBUSY);
	frontend.history.changes_since = NULL;
	assert_int_equal(open_from(10), SECD_ENOTSUP);
}

static void
what_breaks_off_halfway_is_told_and_stays_so(void **state)
{
	const uint8_t *octets;
	size_t len;

	(void)state;
	past.piece_max = 300;
	past.fail_at = 3;
	past.fail_rc = SECD_ENOTFOUND;
	assert_int_equal(open_from(10), SECD_OK);
	assert_int_equal(history_next(h, &octets, &len), SECD_OK);
	assert_int_equal(history_next(h, &octets, &len), SECD_OK);
	assert_true(len > 0);
	assert_int_equal(history_next(h, &octets, &len), SECD_ENOTFOUND);
	assert_int_equal(history_next(h, &octets, &len), SECD_ENOTFOUND);
	assert_int_equal(atomic_load(&past.calls), 3);
}

/* A module that says of more octets than it was given room for. */
static int
boast(void *ctx, struct secd_since *s)
{
	(void)ctx;
	s->len = s->cap + 1;
	return SECD_MORE;
}

static void
no_more_is_taken_than_there_is_room_for(void **state)
{
	(void)state;
	frontend.history.changes_since = boast;
	assert_int_equal(open_from(10), SECD_EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(all_pieces_come_in_order),
	    TEST(its_size_is_known_at_once),
	    TEST(a_piece_may_be_long_in_coming),
	    TEST(what_cannot_be_had_is_told_at_once),
	    TEST(what_breaks_off_halfway_is_told_and_stays_so),
	    TEST(no_more_is_taken_than_there_is_room_for),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
