/* SPDX-License-Identifier: BSD-2-Clause */
/* What follows from the remotes and ACLs of a zone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "conf_dir.h"

static const char start[] = CONF_SERVER "module:\n"
					"  - id: rotate\n"
					"key:\n"
					"  - id: a\n"
					"    module: rotate\n"
					"  - id: b\n"
					"    module: rotate\n"
					"  - id: c\n"
					"    secret: " CONF_SECRET "\n";

/* "hidden 192.0.2.1@53 a. b." and so on, a line for each. */
static const char *
describe(const struct config_target *targets, size_t count)
{
	static char out[2000];
	char text[NAME_TEXT_MAX], *p = out;

	*p = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct config_target *t = &targets[i];

		p += sprintf(p, "%s %s", t->remote->id,
			     address_text(t->to, text, sizeof(text)));
		if (t->via != NULL) {
			p += sprintf(p, " via %s",
				     address_text(t->via, text, sizeof(text)));
		}
		for (size_t k = 0; k < t->key_count; k++) {
			p +=
			    sprintf(p, " %s",
				    t->keys[k] == NULL
					? "none"
					: name_to_text(t->keys[k]->name, text));
		}
		p += sprintf(p, "\n");
	}
	return out;
}

static const struct config_policy *
load(struct conf_dir *d, const char *remotes, const char *zone)
{
	char text[4000];

	snprintf(text, sizeof(text), "%sremote:\n%szone:\n  - domain: z\n%s",
		 start, remotes, zone);
	return conf_dir_policy(conf_dir_accept(d, text));
}

static const char *
primaries(const struct config_policy *p)
{
	return describe(p->primary_targets, p->primary_target_count);
}

static void
each_address_of_each_remote_is_a_target(void **state)
{
	const struct config_policy *p =
	    load(*state,
		 "  - id: r\n    address: [ 192.0.2.1, ::1@54 ]\n    key: a\n"
		 "  - id: s\n    address: 192.0.2.2\n",
		 "    primary: [ r, s ]\n    notify: s\n");

	assert_string_equal(primaries(p), "r 192.0.2.1@53 a.\n"
					  "r ::1@54 a.\n"
					  "s 192.0.2.2@53 none\n");
	assert_string_equal(describe(p->notify_targets, p->notify_target_count),
			    "s 192.0.2.2@53 none\n");
}

static void
a_remote_may_have_several_keys(void **state)
{
	assert_string_equal(primaries(load(*state,
					   "  - id: r\n"
					   "    address: 192.0.2.1\n"
					   "    key: [ b, a ]\n",
					   "    primary: r\n")),
			    "r 192.0.2.1@53 b. a.\n");
}

static void
remotes_with_the_same_address_are_one_server(void **state)
{
	static const char remotes[] =
	    "  - id: ra\n    address: [ 192.0.2.1, 192.0.2.2 ]\n    key: a\n"
	    "  - id: rb\n    address: [ 192.0.2.1, 192.0.2.3 ]\n"
	    "    key: [ b, a ]\n"
	    "  - id: rc\n    address: 192.0.2.1@54\n    key: c\n"
	    "  - id: rn\n    address: 192.0.2.1\n";

	assert_string_equal(
	    primaries(load(*state, remotes, "    primary: [ ra, rb, rc ]\n")),
	    "ra 192.0.2.1@53 a. b.\n"
	    "ra 192.0.2.2@53 a.\n"
	    "rb 192.0.2.3@53 b. a.\n"
	    "rc 192.0.2.1@54 c.\n");
	/* Unsigned, too, where that is written. */
	assert_string_equal(
	    primaries(load(*state, remotes, "    primary: [ rn, ra ]\n")),
	    "rn 192.0.2.1@53 none a.\n"
	    "ra 192.0.2.2@53 a.\n");
	assert_string_equal(
	    primaries(load(*state, remotes, "    primary: [ ra, ra ]\n")),
	    "ra 192.0.2.1@53 a.\n"
	    "ra 192.0.2.2@53 a.\n");
}

static void
where_one_connects_from_tells_servers_apart(void **state)
{
	static const char remotes[] =
	    "  - id: r\n    address: [ 192.0.2.1, ::1 ]\n    via: ::2\n"
	    "  - id: s\n    address: [ 192.0.2.1, ::1 ]\n    key: a\n"
	    "  - id: t\n    address: [ 192.0.2.1, ::1 ]\n    via: ::2\n"
	    "    key: b\n";

	assert_string_equal(
	    primaries(load(*state, remotes, "    primary: [ r, s, t ]\n")),
	    "r 192.0.2.1@53 none a. b.\n"
	    "r ::1@53 via ::2@0 none b.\n"
	    "s ::1@53 a.\n");
}

static const char *
key_names(const struct config_policy *p)
{
	static char out[500];
	char name[NAME_TEXT_MAX];

	out[0] = '\0';
	for (size_t i = 0; i < p->key_name_count; i++) {
		strcat(out, name_to_text(p->key_names[i], name));
	}
	return out;
}

static void
the_keys_of_transfers_are_named_once(void **state)
{
	static const char peers[] =
	    "  - id: r\n    address: 192.0.2.1\n    key: [ b, a ]\n"
	    "  - id: n\n    address: 192.0.2.9\n    key: c\n"
	    "  - id: p\n    address: 192.0.2.7\n"
	    "acl:\n"
	    "  - id: out\n    key: [ a, c ]\n    action: transfer\n"
	    "  - id: in\n    key: c\n    action: notify\n"
	    "  - id: no\n    key: c\n    deny: on\n";

	assert_string_equal(
	    key_names(load(*state, peers,
			   "    primary: [ r, r ]\n    notify: n\n"
			   "    acl: [ in, no ]\n")),
	    "b.a.");
	assert_string_equal(
	    key_names(
		load(*state, peers, "    primary: r\n    acl: [ in, out ]\n")),
	    "b.a.c.");
	assert_string_equal(key_names(load(*state, peers, "    primary: p\n")),
			    "");
}

static void
a_zone_has_the_targets_of_its_template(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c = conf_dir_accept(d, CONF_SERVER CONF_REMOTE
						 "  - id: other\n"
						 "    address: 192.0.2.2\n"
						 "template:\n"
						 "  - id: default\n"
						 "    primary: hidden\n"
						 "zone:\n"
						 "  - domain: a\n"
						 "  - domain: b\n"
						 "    retry-min-interval: 7\n"
						 "  - domain: c\n"
						 "    primary: other\n");

	assert_string_equal(primaries(c->zones[0].policy),
			    "hidden 192.0.2.1@53 none\n");
	assert_ptr_equal(c->zones[0].policy->primary_targets,
			 c->zones[1].policy->primary_targets);
	assert_string_equal(primaries(c->zones[2].policy),
			    "other 192.0.2.2@53 none\n");
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, conf_dir_setup, conf_dir_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(each_address_of_each_remote_is_a_target),
	    TEST(a_remote_may_have_several_keys),
	    TEST(remotes_with_the_same_address_are_one_server),
	    TEST(where_one_connects_from_tells_servers_apart),
	    TEST(the_keys_of_transfers_are_named_once),
	    TEST(a_zone_has_the_targets_of_its_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
