/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "conf_dir.h"

#define ZONE(rest)                                                             \
	CONF_SERVER CONF_REMOTE "zone:\n"                                      \
				"  - domain: example\n"                        \
				"    primary: hidden\n" rest

static void
what_is_not_said_has_a_default(void **state)
{
	const struct config_policy *p =
	    conf_dir_policy(conf_dir_accept(*state, ZONE("")));

	assert_int_equal(p->timers.refresh_min, 2);
	assert_int_equal(p->timers.refresh_max, 28 * 86400);
	assert_int_equal(p->timers.retry_min, 1);
	assert_int_equal(p->timers.retry_max, 14 * 86400);
	assert_int_equal(p->timers.expire_min, 3);
	assert_int_equal(p->timers.expire_max, UINT32_MAX);
	assert_int_equal(p->limits.octets, 1 << 30);
	assert_int_equal(p->limits.records, 50000000);
	assert_int_equal(p->limits.rrset_records, 10000);
	assert_int_equal(p->limits.owner_types, 100);
	assert_int_equal(p->limits.nsec3_iterations, 100);
	assert_int_equal(p->limits.transfer_s, 7200);
	assert_int_equal(p->limits.transfer_min_rate, 1024);
	assert_true(p->provide_ixfr);
	assert_int_equal(p->condense, CONFIG_CONDENSE_AUTO);
}

static void
what_is_said_is_kept(void **state)
{
	const struct config_policy *p = conf_dir_policy(
	    conf_dir_accept(*state, ZONE("    refresh-min-interval: 1m\n"
					 "    refresh-max-interval: 2h\n"
					 "    retry-min-interval: 5\n"
					 "    retry-max-interval: 1d\n"
					 "    expire-min-interval: 2d\n"
					 "    expire-max-interval: 3d\n"
					 "    zone-max-size: 2G\n"
					 "    zone-max-records: 7\n"
					 "    rrset-max-records: 8\n"
					 "    owner-max-types: 9\n"
					 "    nsec3-max-iterations: 10\n"
					 "    transfer-max-time: 3h\n"
					 "    transfer-min-rate: 0\n"
					 "    provide-ixfr: off\n"
					 "    ixfr-condense: on\n")));

	assert_false(p->provide_ixfr);
	assert_int_equal(p->condense, CONFIG_CONDENSE_ON);
	assert_int_equal(p->timers.refresh_min, 60);
	assert_int_equal(p->timers.refresh_max, 7200);
	assert_int_equal(p->timers.retry_min, 5);
	assert_int_equal(p->timers.retry_max, 86400);
	assert_int_equal(p->timers.expire_min, 2 * 86400);
	assert_int_equal(p->timers.expire_max, 3 * 86400);
	assert_int_equal(p->limits.octets, INT64_C(2) << 30);
	assert_int_equal(p->limits.records, 7);
	assert_int_equal(p->limits.rrset_records, 8);
	assert_int_equal(p->limits.owner_types, 9);
	assert_int_equal(p->limits.nsec3_iterations, 10);
	assert_int_equal(p->limits.transfer_s, 10800);
	assert_int_equal(p->limits.transfer_min_rate, 0);
}

static void
a_zone_without_a_primary_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, CONF_SERVER "zone:\n  - domain: Example.\n",
			"4: zone \"Example.\" has no \"primary\"");
	conf_dir_refuse(d,
			ZONE("template:\n"
			     "  - id: default\n"
			     "    primary: hidden\n"
			     "zone:\n"
			     "  - domain: net\n"
			     "    primary:\n"),
			"13: zone \"net\" has no \"primary\"");
}

static void
what_is_referred_to_must_be_there(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, ZONE("    notify: [ hidden, nobody ]\n"),
			"9: remote \"nobody\" is not defined");
	conf_dir_refuse(d, ZONE("    acl: nobody\n"),
			"9: acl \"nobody\" is not defined");
	conf_dir_refuse(d, ZONE("    template: nobody\n"),
			"9: template \"nobody\" is not defined");
	conf_dir_refuse(d,
			CONF_SERVER "template:\n"
				    "  - id: unused\n"
				    "    primary: nobody\n",
			"5: remote \"nobody\" is not defined");
	conf_dir_refuse(d, CONF_SERVER "template:\n  - id: t\n  - id: t\n",
			"5: template \"t\" is there twice");
}

static void
bounds_in_the_wrong_order_are_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, ZONE("\n    refresh-min-interval: 29d\n"),
			"10: \"refresh-min-interval\" is above "
			"\"refresh-max-interval\"");
	conf_dir_refuse(d,
			ZONE("    template: t\n"
			     "    retry-max-interval: 1m\n"
			     "template:\n"
			     "  - id: t\n"
			     "    retry-min-interval: 2m\n"),
			"10: \"retry-min-interval\" is above "
			"\"retry-max-interval\"");
	conf_dir_refuse(d,
			ZONE("template:\n"
			     "  - id: t\n"
			     "    expire-max-interval: 2\n"),
			"11: \"expire-min-interval\" is above "
			"\"expire-max-interval\"");
}

static void
a_bad_value_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, ZONE("    refresh-max-interval: 0\n"),
			"9: bad value \"0\" for \"refresh-max-interval\": "
			"expected seconds, or a number with s, m, h or d, "
			"from 1 to 4294967295");
	conf_dir_refuse(d, ZONE("    zone-max-size: 1T\n"),
			"9: bad value \"1T\" for \"zone-max-size\": expected "
			"octets, or a number with K, M or G, from 0 on");
	conf_dir_refuse(d, ZONE("    transfer-max-time: 0\n"),
			"9: bad value \"0\" for \"transfer-max-time\": "
			"expected seconds, or a number with s, m, h or d, "
			"from 1 to 31536000");
	conf_dir_refuse(d, ZONE("    nsec3-max-iterations: 0\n"),
			"9: bad value \"0\" for \"nsec3-max-iterations\": "
			"expected a number from 1 to 65535");
	conf_dir_refuse(d, ZONE("    ixfr-condense: yes\n"),
			"9: bad value \"yes\" for \"ixfr-condense\": "
			"expected auto, on or off");
}

static void
more_primaries_than_can_be_asked_are_refused(void **state)
{
	struct conf_dir *d = *state;
	char text[4000], *p = text;

	p += sprintf(p, CONF_SERVER "remote:\n"
				    "  - id: r\n"
				    "    address: [ 192.0.2.1");
	for (int i = 2; i <= 32; i++) {
		p += sprintf(p, ", 192.0.2.%d", i);
	}
	p += sprintf(p, " ]\n"
			"  - id: s\n"
			"    address: 192.0.2.99\n"
			"zone:\n"
			"  - domain: example\n"
			"    primary: r\n");
	conf_dir_accept(d, text);
	sprintf(p, "  - domain: example.net\n    primary: [ r, s ]\n");
	conf_dir_refuse(d, text, "12: \"primary\" has more than 32 addresses");
}

static const char templates[] =
    CONF_SERVER CONF_REMOTE "  - id: other\n"
			    "    address: 192.0.2.2\n"
			    "template:\n"
			    "  - id: default\n"
			    "    primary: hidden\n"
			    "    notify: other\n"
			    "    retry-min-interval: 7\n"
			    "  - id: t\n"
			    "    primary: [ other, hidden ]\n"
			    "zone:\n"
			    "  - domain: a\n"
			    "  - domain: b\n"
			    "    template: t\n"
			    "  - domain: c\n"
			    "    notify:\n"
			    "  - domain: d\n"
			    "    zone-max-records: 1\n"
			    "    template: t\n"
			    "  - domain: e\n"
			    "  - domain: f\n"
			    "    template: t\n"
			    "    zone-max-records: 1\n";

static void
a_zone_follows_one_template(void **state)
{
	const struct config *c = conf_dir_accept(*state, templates);
	const struct config_policy *p;

	assert_int_equal(c->zone_count, 6);
	p = c->zones[0].policy; /* a: default */
	assert_string_equal(p->primaries[0]->id, "hidden");
	assert_int_equal(p->notify_count, 1);
	assert_int_equal(p->timers.retry_min, 7);
	p = c->zones[1].policy; /* b: t, and nothing of default */
	assert_int_equal(p->primary_count, 2);
	assert_string_equal(p->primaries[0]->id, "other");
	assert_string_equal(p->primaries[1]->id, "hidden");
	assert_int_equal(p->notify_count, 0);
	assert_int_equal(p->timers.retry_min, 1);
	p = c->zones[2].policy; /* c: an empty list in place of default's */
	assert_int_equal(p->notify_count, 0);
	assert_int_equal(p->timers.retry_min, 7);
	p = c->zones[3].policy; /* d: t comes first wherever it stands */
	assert_int_equal(p->limits.records, 1);
	assert_int_equal(p->primary_count, 2);
}

static void
zones_that_agree_share_their_policy(void **state)
{
	const struct config *c = conf_dir_accept(*state, templates);

	assert_ptr_equal(c->zones[0].policy, c->zones[4].policy);
	assert_ptr_equal(c->zones[3].policy, c->zones[5].policy);
	assert_ptr_not_equal(c->zones[0].policy, c->zones[2].policy);
	assert_ptr_equal(c->zones[1].policy->primaries,
			 c->zones[3].policy->primaries);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_not_said_has_a_default),
	    TEST(what_is_said_is_kept),
	    TEST(a_zone_without_a_primary_is_refused),
	    TEST(what_is_referred_to_must_be_there),
	    TEST(bounds_in_the_wrong_order_are_refused),
	    TEST(a_bad_value_is_refused),
	    TEST(more_primaries_than_can_be_asked_are_refused),
	    TEST(a_zone_follows_one_template),
	    TEST(zones_that_agree_share_their_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
