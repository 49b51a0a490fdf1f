/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that the witness puts, by its command. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"
#include "witnessing.h"

static unsigned rekeys, cuts;

static void
on_rekey(void *ctx, bool is_cut)
{
	(void)ctx;
	rekeys++;
	cuts += is_cut;
}

static void
begin(const char *server, const char *options)
{
	rekeys = cuts = 0;
	witnessing_begin(server, options);
	modules_set_rekey(witnessing.modules, on_rekey, NULL);
}

/* 0: there is none, or it is not a module's. */
static uint64_t
tag_of(const char *name)
{
	struct tsig_key *key = witnessing_key(name);
	uint64_t tag = key == NULL ? 0 : tsig_key_tag(key);

	tsig_key_unref(key);
	return tag;
}

static void
a_key_is_put_replaced_and_dropped(void **state)
{
	(void)state;
	begin("", "");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	assert_int_equal(tag_of("slot."), 3);
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha512 /a 4");
	assert_int_equal(tag_of("slot."), 4);
	witnessing_expect(SECD_OK, "key-drop slot. 0");
	assert_int_equal(tag_of("slot."), 0);
	witnessing_expect(SECD_OK, "key-drop slot. 0");
	assert_int_equal(rekeys, 3);
}

static void
what_the_configuration_has_stays(void **state)
{
	(void)state;
	begin("", "");
	witnessing_expect(SECD_EEXIST, "key-put fixed. hmac-sha256 /a 3");
	witnessing_expect(SECD_EEXIST, "key-put other. hmac-sha256 /a 3");
	assert_int_equal(tag_of("other."), 0);
	assert_int_equal(rekeys, 0);
}

static void
a_name_that_is_not_configured_may_be_put(void **state)
{
	(void)state;
	begin("", "");
	witnessing_expect(SECD_OK, "key-put new. hmac-sha256 /a 3");
	assert_int_equal(tag_of("new."), 3);
	witnessing_expect(SECD_OK, "key-drop new. 0");
	assert_int_equal(tag_of("new."), 0);
}

static void
what_is_wrong_with_a_key_is_told(void **state)
{
	(void)state;
	begin("", "");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-sha3 /a 3");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-md5 /a 3");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-sha1 /a 3");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-sha256 /short 3");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-sha256 /long 3");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-sha256 /none 3");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-sha256 /a 0");
	witnessing_expect(SECD_ENOTSUP, "key-put slot. hmac-sha256 /a 3 odd");
	assert_int_equal(tag_of("slot."), 0);
	assert_int_equal(rekeys, 0);
}

static void
a_weak_algorithm_is_allowed_by_name(void **state)
{
	(void)state;
	begin("  tsig-weak: hmac-md5\n", "");
	witnessing_expect(SECD_OK, "key-put slot. hmac-md5 /a 3");
	witnessing_expect(SECD_EINVAL, "key-put slot. hmac-sha1 /a 3");
	assert_int_equal(tag_of("slot."), 3);
}

static void
the_same_once_more_changes_nothing(void **state)
{
	struct tsig_key *key;

	(void)state;
	begin("", "");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	key = witnessing_key("slot.");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 3 cut");
	assert_false(tsig_key_is_revoked(key));
	assert_int_equal(rekeys, 1);
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /b 3");
	assert_int_equal(rekeys, 2);
	tsig_key_unref(key);
}

static void
a_cut_ends_what_runs_and_nothing_else_does(void **state)
{
	struct tsig_key *one, *two, *three;

	(void)state;
	begin("", "");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 1");
	one = witnessing_key("slot.");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 2");
	two = witnessing_key("slot.");
	assert_false(tsig_key_is_revoked(one));
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 3 cut");
	three = witnessing_key("slot.");
	assert_false(tsig_key_is_revoked(one)); /* it was not in force */
	assert_true(tsig_key_is_revoked(two));
	witnessing_expect(SECD_OK,
			  "key-put slot. hmac-sha256 /b 9 compare cut");
	witnessing_expect(SECD_OK, "key-drop slot. 9 compare cut");
	assert_false(tsig_key_is_revoked(three));
	witnessing_expect(SECD_OK, "key-drop slot. 0 cut");
	assert_true(tsig_key_is_revoked(three));
	assert_int_equal(cuts, 2);
	tsig_key_unref(one);
	tsig_key_unref(two);
	tsig_key_unref(three);
}

static void
what_another_module_has_put_stays(void **state)
{
	struct tsig_key *key;

	(void)state;
	begin("", "");
	key = witnessing_key("theirs.");
	assert_non_null(key);
	witnessing_expect(SECD_EEXIST, "key-put theirs. hmac-sha256 /b 4 cut");
	witnessing_expect(SECD_OK, "key-drop theirs. 0 cut");
	assert_false(tsig_key_is_revoked(key));
	assert_int_equal(tag_of("theirs."), 3);
	assert_int_equal(rekeys, 0);
	tsig_key_unref(key);
}

static void
those_that_are_compared_do_not_change_what_signs(void **state)
{
	(void)state;
	begin("", "");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 5 compare");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /b 6 compare");
	assert_int_equal(tag_of("slot."), 0);
	witnessing_expect(SECD_OK, "key-drop slot. 5 compare");
	witnessing_expect(SECD_OK, "key-drop slot. 7 compare");
	assert_int_equal(rekeys, 0);
}

struct use {
	const char *configured;
	bool is_used;
	const char *key;
};

static void
use_there(void *arg)
{
	struct use *u = arg;
	uint8_t configured[NAME_LEN_MAX], key[NAME_LEN_MAX];

	name_from_text(u->configured, configured);
	name_from_text(u->key, key);
	u->is_used = name_equal(
	    keyring_used(keys_ring(&witnessing.frontend.keys), configured),
	    key);
}

static void
assert_used(const char *configured, const char *key)
{
	struct use u = {.configured = configured, .key = key};

	commit_run(witnessing.commit, use_there, &u);
	assert_true(u.is_used);
}

static void
another_key_is_used_if_there_is_one(void **state)
{
	(void)state;
	begin("", "");
	witnessing_expect(SECD_ENOTFOUND, "key-use slot. new.");
	witnessing_expect(SECD_ENOTFOUND, "key-use slot. other.");
	witnessing_expect(SECD_OK, "key-use slot. slot.");
	assert_int_equal(rekeys, 0);
	witnessing_expect(SECD_OK, "key-use slot. fixed.");
	assert_used("slot.", "fixed.");
	witnessing_expect(SECD_OK, "key-use slot. fixed.");
	assert_int_equal(rekeys, 1);
	witnessing_expect(SECD_OK, "key-put new. hmac-sha256 /a 3");
	witnessing_expect(SECD_OK, "key-use slot. new.");
	assert_used("slot.", "new.");
	witnessing_expect(SECD_OK, "key-use slot. slot.");
	assert_used("slot.", "slot.");
	assert_int_equal(rekeys, 4);
}

static void
keys_are_put_in_open_and_gone_after_close(void **state)
{
	char options[700];
	struct secret_stats stats;

	(void)state;
	snprintf(options, sizeof(options),
		 "witness:\n  put: [ \"slot. hmac-sha256 %s/a 3\", "
		 "\"slot. hmac-sha256 %s/b 4 compare\" ]\n",
		 witnessing.conf->path, witnessing.conf->path);
	begin("", options);
	assert_int_equal(tag_of("slot."), 3);
	witnessing_end();
	conf_dir_accept(witnessing.conf, CONF_SERVER);
	secret_stats(&stats);
	assert_int_equal(stats.mapped_len, 0);
}

static void
a_reload_keeps_keys_unless_it_has_them(void **state)
{
	struct config *old;

	(void)state;
	begin("", "");
	witnessing_expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	witnessing_expect(SECD_OK, "key-put new. hmac-sha256 /a 4");
	witnessing_expect(SECD_OK, "key-use fixed. new.");
	old = config_ref(witnessing.conf->c);
	modules_configured(witnessing.modules,
			   witnessing_load("key:\n"
					   "  - id: new\n"
					   "    secret: " CONF_SECRET "\n"));
	modules_reloaded(witnessing.modules);
	assert_int_equal(tag_of("slot."), 3);
	assert_used("fixed.", "new.");
	assert_int_equal(tag_of("new."), 0); /* it is that one now */
	witnessing_expect(SECD_EEXIST, "key-put new. hmac-sha256 /a 5");
	config_unref(old);
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, witnessing_start, witnessing_stop)
	const struct CMUnitTest tests[] = {
	    TEST(a_key_is_put_replaced_and_dropped),
	    TEST(what_the_configuration_has_stays),
	    TEST(a_name_that_is_not_configured_may_be_put),
	    TEST(what_is_wrong_with_a_key_is_told),
	    TEST(a_weak_algorithm_is_allowed_by_name),
	    TEST(the_same_once_more_changes_nothing),
	    TEST(a_cut_ends_what_runs_and_nothing_else_does),
	    TEST(what_another_module_has_put_stays),
	    TEST(those_that_are_compared_do_not_change_what_signs),
	    TEST(another_key_is_used_if_there_is_one),
	    TEST(keys_are_put_in_open_and_gone_after_close),
	    TEST(a_reload_keeps_keys_unless_it_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
