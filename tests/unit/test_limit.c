/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "place/limit.h"

static int ours, theirs;

static int
make_pair(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
		return -1;
	}
	ours = pair[0];
	theirs = pair[1];
	return 0;
}

static int
close_pair(void **state)
{
	(void)state;
	close(ours);
	if (theirs >= 0) {
		close(theirs);
	}
	return 0;
}

static struct limit
in_ms(int64_t ms, int asker)
{
	return (struct limit){.until_ms = clock_awake_ms() + ms,
			      .asker = asker};
}

static void
it_ends_when_time_is_up(void **state)
{
	const struct limit l = in_ms(20, -1);
	int64_t began = clock_awake_ms();

	(void)state;
	assert_int_equal(limit_poll(&l, NULL, 0, -1), SECD_ETIMEOUT);
	assert_true(clock_awake_ms() - began >= 19);
	assert_int_equal(limit_poll(&l, NULL, 0, -1), SECD_ETIMEOUT);
}

static void
it_comes_back_sooner_when_told_to(void **state)
{
	const struct limit l = in_ms(60000, -1);

	(void)state;
	assert_int_equal(limit_poll(&l, NULL, 0, 1), SECD_OK);
}

static void
what_can_be_read_is_said(void **state)
{
	const struct limit l = in_ms(60000, -1);
	struct pollfd p = {.fd = ours, .events = POLLIN, .revents = POLLERR};

	(void)state;
	assert_int_equal(limit_poll(&l, &p, 1, 1), SECD_OK);
	assert_int_equal(p.revents, 0);
	assert_int_equal(write(theirs, "x", 1), 1);
	assert_int_equal(limit_poll(&l, &p, 1, -1), SECD_OK);
	assert_int_equal(p.revents, POLLIN);
}

static void
nobody_waits_when_the_other_end_is_closed(void **state)
{
	const struct limit l = in_ms(60000, ours);

	(void)state;
	/* That all was sent is no farewell. */
	shutdown(theirs, SHUT_WR);
	assert_int_equal(limit_poll(&l, NULL, 0, 1), SECD_OK);
	close(theirs);
	theirs = -1;
	assert_int_equal(limit_poll(&l, NULL, 0, -1), SECD_ECLOSED);
}

static void
a_shutdown_of_both_ways_is_a_farewell(void **state)
{
	const struct limit l = in_ms(60000, ours);

	(void)state;
	shutdown(theirs, SHUT_RDWR);
	assert_int_equal(limit_poll(&l, NULL, 0, -1), SECD_ECLOSED);
}

static void
a_limit_within_another_is_the_sooner_one(void **state)
{
	const struct limit l = {.until_ms = clock_awake_ms() + 1000,
				.asker = 7};
	struct limit sooner = limit_within(&l, 10);

	(void)state;
	assert_true(sooner.until_ms < l.until_ms);
	assert_int_equal(sooner.asker, 7);
	assert_int_equal(limit_within(&l, 100000).until_ms, l.until_ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_ends_when_time_is_up),
	    cmocka_unit_test(it_comes_back_sooner_when_told_to),
	    cmocka_unit_test_setup_teardown(what_can_be_read_is_said, make_pair,
					    close_pair),
	    cmocka_unit_test_setup_teardown(
		nobody_waits_when_the_other_end_is_closed, make_pair,
		close_pair),
	    cmocka_unit_test_setup_teardown(
		a_shutdown_of_both_ways_is_a_farewell, make_pair, close_pair),
	    cmocka_unit_test(a_limit_within_another_is_the_sooner_one),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
