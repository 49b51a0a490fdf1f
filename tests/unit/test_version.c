/* SPDX-License-Identifier: BSD-2-Clause */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/version.h"
#include "zonefile.h"

/* The thread sanitizer sees nothing of what happens inside of liburcu: neither
 * its locks without a mutex, nor that a grace period orders anything. */
const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
	return "race:version_unref\nrace:liburcu-qsbr.so\n";
}

static struct zone zone;

/* A version whose serial is its seq; the image goes with it. */
static struct version *
version_of(uint32_t seq)
{
	struct version *v;
	char text[200];

	snprintf(text, sizeof(text),
		 "@ SOA ns.example. host %u 8 7 6 5\n@ NS ns\n"
		 "n%u A 192.0.2.1\n",
		 (unsigned)seq, (unsigned)seq);
	assert_int_equal(
	    version_new_take(seq, zonefile_image("example.", text), &v),
	    SECD_OK);
	return v;
}

static void
a_version_knows_its_zone(void **state)
{
	struct version *v = version_of(7);
	uint8_t name[NAME_LEN_MAX];
	struct name_hashes hashes;

	(void)state;
	assert_int_equal(version_seq(v), 7);
	assert_int_equal(version_serial(v), 7);
	assert_int_equal(version_soa(v)->serial, 7);
	assert_int_equal(version_soa(v)->refresh, 8);
	assert_int_equal(version_soa(v)->minimum, 5);
	assert_ptr_equal(version_apex(v), image_apex_node(version_image(v)));
	name_hash_all(zonefile_name("n7.example.", name), &zonefile_key,
		      &hashes);
	assert_non_null(version_find(v, name, name_len(name), hashes.hash[0]));
	version_unref(v);
	version_unref(NULL);
}

static void
a_reference_outlives_the_publisher_s(void **state)
{
	struct version *v = version_of(1), *held;

	(void)state;
	zone_publish_take(&zone, v);
	assert_ptr_equal(zone_version(&zone), v);
	held = version_ref(zone_version(&zone));
	zone_publish_take(&zone, version_of(2));
	assert_int_equal(version_serial(zone_version(&zone)), 2);
	rcu_barrier();
	assert_int_equal(version_serial(held), 1);
	version_unref(held);
	zone_publish_take(&zone, NULL);
	assert_null(zone_version(&zone));
	zone_publish_take(&zone, NULL);
	rcu_barrier();
}

static atomic_bool ended;

/* Read versions until told to stop: each must be whole. */
static void *
reader(void *wrong)
{
	uint32_t last = 0;

	rcu_register_thread();
	while (!atomic_load(&ended)) {
		for (int i = 0; i < 100; i++) {
			const struct version *v = zone_version(&zone);
			uint32_t serial = version_serial(v);

			if (serial < last || version_seq(v) != serial ||
			    version_soa(v)->minimum != 5 ||
			    image_serial(version_image(v)) != serial) {
				atomic_store((atomic_bool *)wrong, true);
			}
			last = serial;
		}
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return NULL;
}

static void
readers_see_whole_versions_in_order(void **state)
{
	static atomic_bool wrong;
	pthread_t threads[2];

	(void)state;
	zone_publish_take(&zone, version_of(1));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    pthread_create(&threads[i], NULL, reader, &wrong), 0);
	}
	for (uint32_t seq = 2; seq < 500; seq++) {
		zone_publish_take(&zone, version_of(seq));
		rcu_quiescent_state();
	}
	atomic_store(&ended, true);
	rcu_thread_offline();
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	rcu_thread_online();
	zone_publish_take(&zone, NULL);
	rcu_barrier();
	assert_false(atomic_load(&wrong));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_version_knows_its_zone),
	    cmocka_unit_test(a_reference_outlives_the_publisher_s),
	    cmocka_unit_test(readers_see_whole_versions_in_order),
	};
	int rc;

	rcu_register_thread();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister_thread();
	return rc;
}
