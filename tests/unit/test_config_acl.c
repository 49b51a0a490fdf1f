/* SPDX-License-Identifier: BSD-2-Clause */

#include <arpa/inet.h>
#include <netinet/in.h>
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

/* Line 15 starts the zone; each test appends to it or its ACLs. */
#define UNSIGNED                                                               \
	"it is a primary's address, but not signed with a key of that primary"

static const char peers[] =
    CONF_SERVER "key:\n"
		"  - id: k1\n"
		"    secret: " CONF_SECRET "\n"
		"  - id: k2\n"
		"    secret: " CONF_SECRET "\n"
		"remote:\n"
		"  - id: signed\n"
		"    address: [ 192.0.2.1, 2001:db8::1@5353 ]\n"
		"    key: k1\n"
		"  - id: plain\n"
		"    address: 192.0.2.2@5300\n"
		"  - id: both\n"
		"    address: 192.0.2.4\n"
		"    key: [ k1, k2 ]\n"
		"template:\n"
		"  - id: default\n"
		"    primary: [ signed, plain, both ]\n";

static bool
ask(const struct config *c, enum config_action action, const char *from,
    const char *key, const char *expected)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	uint8_t name[NAME_LEN_MAX];
	const char *why = NULL;
	bool allowed;

	if (strchr(from, ':') == NULL) {
		ss.ss_family = AF_INET;
		in->sin_port = htons(40000);
		assert_int_equal(inet_pton(AF_INET, from, &in->sin_addr), 1);
	} else {
		ss.ss_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, from, &in6->sin6_addr), 1);
	}
	if (key != NULL) {
		assert_int_equal(name_from_text(key, name), SECD_OK);
	}
	allowed =
	    config_allows(c->zones[0].policy, action, (struct sockaddr *)&ss,
			  key == NULL ? NULL : name, &why);
	assert_int_equal(allowed,
			 config_allows(c->zones[0].policy, action,
				       (struct sockaddr *)&ss,
				       key == NULL ? NULL : name, NULL));
	assert_string_equal(why, expected);
	return allowed;
}

static const struct config *
load(struct conf_dir *d, const char *acls, const char *list)
{
	char text[4000];

	snprintf(text, sizeof(text), "%sacl:\n%szone:\n  - domain: z\n%s",
		 peers, acls, list);
	return conf_dir_accept(d, text);
}

static void
nobody_gets_a_transfer_by_default(void **state)
{
	const struct config *c = load(*state, "", "");

	assert_false(
	    ask(c, CONFIG_TRANSFER, "192.0.2.1", "k1", "no acl matches"));
	assert_false(
	    ask(c, CONFIG_TRANSFER, "127.0.0.1", NULL, "no acl matches"));
}

static void
a_transfer_needs_address_and_key_where_both_are_given(void **state)
{
	const struct config *c =
	    load(*state,
		 "  - id: a\n"
		 "    address: [ 198.51.100.0/24, 2001:db8:1::/48 ]\n"
		 "    key: [ k2, k1 ]\n"
		 "    action: transfer\n",
		 "    acl: a\n");

	assert_true(
	    ask(c, CONFIG_TRANSFER, "198.51.100.9", "K2", "an acl allows it"));
	assert_true(ask(c, CONFIG_TRANSFER, "2001:db8:1:2::3", "k1",
			"an acl allows it"));
	assert_true(ask(c, CONFIG_TRANSFER, "::ffff:198.51.100.255", "k1",
			"an acl allows it"));
	assert_false(
	    ask(c, CONFIG_TRANSFER, "198.51.100.9", NULL, "no acl matches"));
	assert_false(
	    ask(c, CONFIG_TRANSFER, "198.51.100.9", "k3", "no acl matches"));
	assert_false(
	    ask(c, CONFIG_TRANSFER, "198.51.101.0", "k1", "no acl matches"));
	assert_false(
	    ask(c, CONFIG_TRANSFER, "2001:db8:2::1", "k1", "no acl matches"));
	assert_false(
	    ask(c, CONFIG_NOTIFY, "198.51.100.9", "k1", "no acl matches"));
}

static void
a_keyless_acl_lets_transfers_out_only_when_insecure(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c;

	c = load(d,
		 "  - id: a\n"
		 "    address: 198.51.100.1\n"
		 "    action: [ transfer, notify ]\n",
		 "    acl: a\n");
	assert_false(ask(c, CONFIG_TRANSFER, "198.51.100.1", NULL,
			 "the acl that matches has no key"));
	assert_false(ask(c, CONFIG_TRANSFER, "198.51.100.1", "k1",
			 "the acl that matches has no key"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "198.51.100.1", NULL, "an acl allows it"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "198.51.100.1", "k1", "an acl allows it"));
	c = load(d,
		 "  - id: a\n"
		 "    address: 198.51.100.1\n"
		 "    action: transfer\n"
		 "    insecure: on\n",
		 "    acl: a\n");
	assert_true(
	    ask(c, CONFIG_TRANSFER, "198.51.100.1", NULL, "an acl allows it"));
	assert_false(
	    ask(c, CONFIG_TRANSFER, "198.51.100.2", NULL, "no acl matches"));
}

static void
a_keyless_acl_does_not_hide_a_later_one_with_a_key(void **state)
{
	const struct config *c = load(*state,
				      "  - id: a\n"
				      "    action: transfer\n"
				      "  - id: b\n"
				      "    key: k1\n"
				      "    action: transfer\n",
				      "    acl: [ a, b ]\n");

	assert_true(
	    ask(c, CONFIG_TRANSFER, "198.51.100.1", "k1", "an acl allows it"));
	assert_false(ask(c, CONFIG_TRANSFER, "198.51.100.1", NULL,
			 "the acl that matches has no key"));
}

static void
the_first_acl_that_matches_decides(void **state)
{
	struct conf_dir *d = *state;
	static const char acls[] = "  - id: one\n"
				   "    address: 198.51.100.1\n"
				   "    deny: on\n"
				   "  - id: all\n"
				   "    key: k1\n"
				   "    action: [ transfer, notify ]\n";
	const struct config *c;

	c = load(d, acls, "    acl: [ one, all ]\n");
	assert_false(
	    ask(c, CONFIG_TRANSFER, "198.51.100.1", "k1", "an acl denies it"));
	assert_false(
	    ask(c, CONFIG_NOTIFY, "198.51.100.1", "k1", "an acl denies it"));
	assert_true(
	    ask(c, CONFIG_TRANSFER, "198.51.100.2", "k1", "an acl allows it"));
	c = load(d, acls, "    acl: [ all, one ]\n");
	assert_true(
	    ask(c, CONFIG_TRANSFER, "198.51.100.1", "k1", "an acl allows it"));
	assert_false(
	    ask(c, CONFIG_TRANSFER, "198.51.100.1", "k2", "an acl denies it"));
}

static void
a_primary_may_notify_with_its_key(void **state)
{
	const struct config *c = load(*state, "", "");

	assert_true(
	    ask(c, CONFIG_NOTIFY, "192.0.2.1", "k1", "it is a primary"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "2001:db8::1", "k1", "it is a primary"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "192.0.2.2", NULL, "it is a primary"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "192.0.2.2", "k2", "it is a primary"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "::ffff:192.0.2.2", NULL, "it is a primary"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "192.0.2.4", "k1", "it is a primary"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "192.0.2.4", "k2", "it is a primary"));
	assert_false(ask(c, CONFIG_NOTIFY, "192.0.2.4", NULL, UNSIGNED));
	assert_false(ask(c, CONFIG_NOTIFY, "192.0.2.4", "k3", UNSIGNED));
	assert_false(ask(c, CONFIG_NOTIFY, "192.0.2.1", NULL, UNSIGNED));
	assert_false(ask(c, CONFIG_NOTIFY, "192.0.2.1", "k2", UNSIGNED));
	assert_false(
	    ask(c, CONFIG_NOTIFY, "192.0.2.3", "k1", "no acl matches"));
}

static void
an_acl_can_deny_a_primary(void **state)
{
	const struct config *c = load(*state,
				      "  - id: a\n"
				      "    address: 192.0.2.2\n"
				      "    deny: on\n"
				      "    action: notify\n",
				      "    acl: a\n");

	assert_false(
	    ask(c, CONFIG_NOTIFY, "192.0.2.2", NULL, "an acl denies it"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "192.0.2.1", "k1", "it is a primary"));
}

static void
an_address_range_has_two_ends(void **state)
{
	const struct config *c =
	    load(*state,
		 "  - id: a\n"
		 "    address: 198.51.100.250-198.51.101.5\n"
		 "    action: notify\n",
		 "    acl: a\n");

	assert_false(
	    ask(c, CONFIG_NOTIFY, "198.51.100.249", NULL, "no acl matches"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "198.51.100.250", NULL, "an acl allows it"));
	assert_true(
	    ask(c, CONFIG_NOTIFY, "198.51.101.5", NULL, "an acl allows it"));
	assert_false(
	    ask(c, CONFIG_NOTIFY, "198.51.101.6", NULL, "no acl matches"));
	assert_false(
	    ask(c, CONFIG_NOTIFY, "c633:64fb::", NULL, "no acl matches"));
}

static void
a_peer_of_another_family_matches_nothing(void **state)
{
	const struct config *c = load(*state,
				      "  - id: a\n"
				      "    address: 0.0.0.0/0\n"
				      "    action: notify\n",
				      "    acl: a\n");
	struct sockaddr_storage ss = {.ss_family = AF_UNIX};

	assert_false(config_allows(c->zones[0].policy, CONFIG_NOTIFY,
				   (struct sockaddr *)&ss, NULL, NULL));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nobody_gets_a_transfer_by_default),
	    TEST(a_transfer_needs_address_and_key_where_both_are_given),
	    TEST(a_keyless_acl_lets_transfers_out_only_when_insecure),
	    TEST(a_keyless_acl_does_not_hide_a_later_one_with_a_key),
	    TEST(the_first_acl_that_matches_decides),
	    TEST(a_primary_may_notify_with_its_key),
	    TEST(an_acl_can_deny_a_primary),
	    TEST(an_address_range_has_two_ends),
	    TEST(a_peer_of_another_family_matches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
