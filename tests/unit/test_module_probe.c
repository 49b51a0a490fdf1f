/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes that the witness orders. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/error.h"
#include "front.h"
#include "witnessing.h"

#define PROBE "probe 7 192.0.2.1 53 example. slot. 500"

static struct modules_probe *probes[200];
static unsigned probe_count;

/* In place of the transfer thread. */
static void
on_probe(void *ctx, struct modules_probe *order)
{
	(void)ctx;
	probes[probe_count++] = order;
}

static void
begin_probes(void)
{
	probe_count = 0;
	witnessing_begin("", "");
	modules_set_probe(witnessing.modules, on_probe, NULL);
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
}

static void
end_probe(unsigned i, enum probe_outcome outcome)
{
	const struct probe_result r = {
	    .outcome = outcome,
	    .rcode = 9,
	    .tsig_error = TSIG_ERROR_BADTIME,
	    .has_serial = true,
	    .serial = 77,
	    .skew_s = -4,
	    .took_ms = 12,
	};

	modules_probe_done(probes[i], &r);
}

static void
a_probe_is_ordered_and_told(void **state)
{
	const struct prober_order *o;
	struct sockaddr_storage to = front_address("192.0.2.1", 53);
	struct sockaddr_storage from = front_address("192.0.2.9", 0);

	(void)state;
	begin_probes();
	witnessing_expect(SECD_OK, PROBE " tcp from 192.0.2.9");
	assert_int_equal(probe_count, 1);
	o = &probes[0]->order;
	assert_true(address_equal(&o->to, &to));
	assert_true(address_equal(&o->from, &from));
	assert_true(name_equal(o->zone, witnessing.apex));
	assert_int_equal(tsig_key_tag(o->key), 3);
	assert_true(o->is_tcp);
	assert_int_equal(o->timeout_ms, 500);
	end_probe(0, PROBE_REFUSED);
	witnessing_wait("witness",
			"probe-done 7 refused rcode 9 error 18 serial 77 "
			"skew -4000 took 12\n");
	assert_null(strstr(witnessing_calls("second"), "probe"));
}

static void
a_secret_may_come_along(void **state)
{
	struct tsig_key *put;

	(void)state;
	begin_probes();
	witnessing_expect(SECD_OK, PROBE " with hmac-sha512 /b");
	put = witnessing_key("slot.");
	assert_ptr_not_equal(probes[0]->order.key, put);
	assert_int_equal(tsig_key_algorithm(probes[0]->order.key),
			 TSIG_HMAC_SHA512);
	assert_false(probes[0]->order.is_tcp);
	assert_int_equal(probes[0]->order.from.ss_family, AF_UNSPEC);
	tsig_key_unref(put);
	end_probe(0, PROBE_SILENT);
}

static void
what_is_wrong_with_a_probe_is_told(void **state)
{
	(void)state;
	begin_probes();
	witnessing_expect(SECD_EINVAL,
			  "probe 7 192.0.2.1 0 example. slot. 500");
	witnessing_expect(SECD_EINVAL, "probe 7 nowhere 53 example. slot. 500");
	witnessing_expect(SECD_EINVAL, "probe 7 192.0.2.1 53 example. slot. 0");
	witnessing_expect(SECD_EINVAL, PROBE " from 2001:db8::1");
	witnessing_expect(SECD_EINVAL, PROBE " with hmac-md5 /a");
	witnessing_expect(SECD_EINVAL, PROBE " with hmac-sha256 /short");
	witnessing_expect(SECD_ENOTFOUND,
			  "probe 7 192.0.2.1 53 example. new. 500");
	witnessing_expect(SECD_ENOTFOUND,
			  "probe 7 192.0.2.1 53 example. fixed. 500");
	witnessing_expect(SECD_OK, "key-put new. hmac-sha256 /a 3 compare");
	witnessing_expect(SECD_ENOTFOUND,
			  "probe 7 192.0.2.1 53 example. new. 500");
	witnessing_expect(SECD_ENOTFOUND,
			  "probe 7 192.0.2.1 53 example. theirs. 500");
	assert_int_equal(probe_count, 0);
}

static void
so_many_probes_run_at_a_time(void **state)
{
	unsigned most = 0;

	(void)state;
	begin_probes();
	while (strcmp(witnessing_command("witness " PROBE), "rc 0\n") == 0) {
		most++;
	}
	assert_string_equal(witnessing.text, "rc -13\n"); /* SECD_EBUSY */
	assert_int_equal(most, 64);
	end_probe(0, PROBE_VERIFIED);
	witnessing_wait("witness", "probe-done 7 verified");
	witnessing_expect(SECD_OK, PROBE);
	witnessing_expect(SECD_EBUSY, PROBE);
	for (unsigned i = 1; i < probe_count; i++) {
		end_probe(i, PROBE_FAILED);
	}
}

static void
a_probe_of_a_module_that_gave_up_is_dropped(void **state)
{
	(void)state;
	probe_count = 0;
	witnessing_begin("", "witness:\n  fail: command-for-good\n");
	witnessing_expect(SECD_EBUSY,
			  PROBE " with hmac-sha256 /a"); /* nobody is there */
	modules_set_probe(witnessing.modules, on_probe, NULL);
	witnessing_expect(SECD_OK, PROBE " with hmac-sha256 /a");
	witnessing_command("witness");
	end_probe(0, PROBE_VERIFIED);
	tsig_key_unref(witnessing_key("slot.")); /* behind the event */
	assert_null(strstr(witnessing_calls("witness"), "probe-done"));
}

static void
a_probe_that_ends_behind_the_thread_is_told_all_the_same(void **state)
{
	(void)state;
	begin_probes();
	witnessing_expect(SECD_OK, PROBE);
	commit_stop(witnessing.commit);
	witnessing.commit = NULL;
	modules_attach(witnessing.modules, NULL);
	end_probe(0, PROBE_FAILED);
	assert_non_null(
	    strstr(witnessing_calls("witness"), "probe-done 7 failed"));
	modules_close(witnessing.modules);
	witnessing.modules = NULL;
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, witnessing_start, witnessing_stop)
	const struct CMUnitTest tests[] = {
	    TEST(a_probe_is_ordered_and_told),
	    TEST(a_secret_may_come_along),
	    TEST(what_is_wrong_with_a_probe_is_told),
	    TEST(so_many_probes_run_at_a_time),
	    TEST(a_probe_of_a_module_that_gave_up_is_dropped),
	    TEST(a_probe_that_ends_behind_the_thread_is_told_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
