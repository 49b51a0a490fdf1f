/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>

#include "base/clock.h"
#include "base/gate.h"

#define PATIENCE_MS 10000

static void *
shut(void *arg)
{
	pthread_rwlock_t *gate = arg;

	pthread_rwlock_wrlock(gate);
	pthread_rwlock_unlock(gate);
	return NULL;
}

static void
who_comes_waits_behind_who_waits_to_shut_it(void **state)
{
	int64_t end = clock_awake_ms() + PATIENCE_MS;
	pthread_rwlock_t gate;
	pthread_t thread;
	int rc = 0;

	(void)state;
	gate_init(&gate);
	pthread_rwlock_rdlock(&gate);
	assert_int_equal(pthread_create(&thread, NULL, shut, &gate), 0);
	while (rc == 0 && clock_awake_ms() < end) {
		rc = pthread_rwlock_tryrdlock(&gate);
		if (rc == 0) { /* he does not wait yet */
			pthread_rwlock_unlock(&gate);
			sched_yield();
		}
	}
	pthread_rwlock_unlock(&gate);
	pthread_join(thread, NULL);
	pthread_rwlock_destroy(&gate);
	assert_int_equal(rc, EBUSY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_comes_waits_behind_who_waits_to_shut_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
