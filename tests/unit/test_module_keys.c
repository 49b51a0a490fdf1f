/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that the witness puts, by its command. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "conf_dir.h"
#include "server/control_reply.h"
#include "server/evidence.h"
#include "server/modules.h"
#include "store_dir.h"
#include "zonefile.h"

#define LIMIT 10000 /* looks, a millisecond apart */

/* slot. is the witness's, other. another module's, fixed. nobody's. */
static const char settings[] =
    CONF_SERVER "  storage: %s\n"
		"%s"
		"module:\n"
		"  - id: witness\n    file: %s\n    config: witness.conf\n"
		"  - id: second\n    file: %s\n"
		"key:\n"
		"  - id: slot\n    module: witness\n"
		"  - id: other\n    module: second\n"
		"  - id: fixed\n    secret: " CONF_SECRET "\n"
		"remote:\n"
		"  - id: hidden\n    address: 192.0.2.1\n    key: slot\n"
		"acl:\n"
		"  - id: out\n    key: [ fixed, slot ]\n    action: transfer\n"
		"zone:\n"
		"  - domain: example.\n    primary: hidden\n    acl: out\n";

static struct store_dir *d;
static struct conf_dir *conf;
static struct frontend frontend;
static struct modules *modules;
static struct commit *commit;
static unsigned rekeys, cuts;
static char text[1 << 16];
static uint8_t apex[NAME_LEN_MAX];

static void
on_rekey(void *ctx, bool is_cut)
{
	(void)ctx;
	rekeys++;
	cuts += is_cut;
}

static struct config *
load_config(const char *server)
{
	snprintf(text, sizeof(text), settings, d->path, server,
		 getenv("SECD_WITNESS"), getenv("SECD_WITNESS"));
	conf_dir_accept(conf, text);
	return conf->c;
}

/* What is in the file by which a secret is known. */
static void
write_secret(const char *name, size_t len)
{
	char secret[1024];

	memset(secret, name[0], sizeof(secret));
	secret[len] = '\0';
	conf_dir_write(conf, name, 0600, secret);
}

static void
begin(const char *server, const char *options)
{
	struct commit_hooks hooks;
	char reason[MODULES_REASON_LEN];

	conf_dir_write(conf, "witness.conf", 0600, options);
	if (modules_open(load_config(server), &frontend, &modules, reason) !=
	    SECD_OK) {
		fail_msg("%s", reason);
	}
	modules_set_rekey(modules, on_rekey, NULL);
	hooks = modules_hooks(modules);
	assert_int_equal(commit_start(d->store, 0, &hooks, &commit), SECD_OK);
	modules_attach(modules, commit);
}

static void
end(void)
{
	commit_stop(commit);
	commit = NULL;
	modules_attach(modules, NULL);
	modules_close(modules);
	modules = NULL;
}

static int
start(void **state)
{
	void *dir;
	int rc = conf_dir_setup(&dir);

	conf = dir;
	rc |= store_dir_setup(state);
	d = *state;
	rekeys = cuts = 0;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	zonefile_name("example.", apex);
	write_secret("a", 32);
	write_secret("b", 32);
	write_secret("short", 15);
	write_secret("long", 513);
	return rc;
}

static int
stop(void **state)
{
	void *dir = conf;

	if (modules != NULL) {
		end();
	}
	conf_dir_teardown(&dir);
	return store_dir_teardown(state);
}

/* The lines and values of a reply. */
static const char *
rows_of(struct control_reply *r)
{
	const char *p = (const char *)r->rows.data;
	const char *e = p + r->rows.len;

	text[0] = '\0';
	for (int field = 0; p < e; p += strlen(p) + 1, field++) {
		if (field % 5 == 3 && strcmp(p, "line") != 0) {
			strcat(strcat(text, p), " ");
		} else if (field % 5 == 4) {
			strcat(strcat(text, p), "\n");
		}
	}
	return text;
}

/* A command; a word that begins with a slash is a file in the directory. */
static const char *
command(const char *line)
{
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};
	char copy[512], paths[4][600], *save, *word;
	const char *words[16];
	size_t count = 0, path = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		if (word[0] == '/') {
			sprintf(paths[path], "%s%s", conf->path, word);
			word = paths[path++];
		}
		words[count++] = word;
	}
	while (modules_command(modules, words, count, (uint8_t *)position,
			       &r) == SECD_MORE) {
	}
	rows_of(&r);
	control_reply_fini(&r);
	return text;
}

/* The command of the first module ends with this code. */
static void
expect(int rc, const char *line)
{
	char whole[512], expected[32];

	snprintf(whole, sizeof(whole), "witness %s", line);
	snprintf(expected, sizeof(expected), "rc %d\n", rc);
	assert_string_equal(command(whole), expected);
}

/* On the thread that changes keys nothing changes meanwhile. */
struct look {
	const uint8_t *name;
	struct tsig_key *key; /* a reference, or NULL */
};

static void
look_there(void *arg)
{
	struct look *l = arg;

	l->key = keys_find(conf->c, keys_ring(&frontend.keys), l->name);
	if (l->key != NULL) {
		tsig_key_ref(l->key);
	}
}

static struct tsig_key *
take(const char *name)
{
	uint8_t wire[NAME_LEN_MAX];
	struct look l = {.name = wire};

	assert_int_equal(name_from_text(name, wire), SECD_OK);
	commit_run(commit, look_there, &l);
	return l.key;
}

/* 0: there is none, or it is not a module's. */
static uint64_t
tag_of(const char *name)
{
	struct tsig_key *key = take(name);
	uint64_t tag = key == NULL ? 0 : tsig_key_tag(key);

	tsig_key_unref(key);
	return tag;
}

static void
a_key_is_put_replaced_and_dropped(void **state)
{
	(void)state;
	begin("", "");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	assert_int_equal(tag_of("slot."), 3);
	expect(SECD_OK, "key-put slot. hmac-sha512 /a 4");
	assert_int_equal(tag_of("slot."), 4);
	expect(SECD_OK, "key-drop slot. 0");
	assert_int_equal(tag_of("slot."), 0);
	expect(SECD_OK, "key-drop slot. 0");
	assert_int_equal(rekeys, 3);
}

static void
what_the_configuration_has_stays(void **state)
{
	(void)state;
	begin("", "");
	expect(SECD_EEXIST, "key-put fixed. hmac-sha256 /a 3");
	expect(SECD_EEXIST, "key-put other. hmac-sha256 /a 3");
	assert_int_equal(tag_of("other."), 0);
	assert_int_equal(rekeys, 0);
}

static void
a_name_that_is_not_configured_may_be_put(void **state)
{
	(void)state;
	begin("", "");
	expect(SECD_OK, "key-put new. hmac-sha256 /a 3");
	assert_int_equal(tag_of("new."), 3);
	expect(SECD_OK, "key-drop new. 0");
	assert_int_equal(tag_of("new."), 0);
}

static void
what_is_wrong_with_a_key_is_told(void **state)
{
	(void)state;
	begin("", "");
	expect(SECD_EINVAL, "key-put slot. hmac-sha3 /a 3");
	expect(SECD_EINVAL, "key-put slot. hmac-md5 /a 3");
	expect(SECD_EINVAL, "key-put slot. hmac-sha1 /a 3");
	expect(SECD_EINVAL, "key-put slot. hmac-sha256 /short 3");
	expect(SECD_EINVAL, "key-put slot. hmac-sha256 /long 3");
	expect(SECD_EINVAL, "key-put slot. hmac-sha256 /none 3");
	expect(SECD_EINVAL, "key-put slot. hmac-sha256 /a 0");
	expect(SECD_ENOTSUP, "key-put slot. hmac-sha256 /a 3 odd");
	assert_int_equal(tag_of("slot."), 0);
	assert_int_equal(rekeys, 0);
}

static void
a_weak_algorithm_is_allowed_by_name(void **state)
{
	(void)state;
	begin("  tsig-weak: hmac-md5\n", "");
	expect(SECD_OK, "key-put slot. hmac-md5 /a 3");
	expect(SECD_EINVAL, "key-put slot. hmac-sha1 /a 3");
	assert_int_equal(tag_of("slot."), 3);
}

static void
the_same_once_more_changes_nothing(void **state)
{
	struct tsig_key *key;

	(void)state;
	begin("", "");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	key = take("slot.");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 3 cut");
	assert_false(tsig_key_is_revoked(key));
	assert_int_equal(rekeys, 1);
	expect(SECD_OK, "key-put slot. hmac-sha256 /b 3");
	assert_int_equal(rekeys, 2);
	tsig_key_unref(key);
}

static void
a_cut_ends_what_runs_and_nothing_else_does(void **state)
{
	struct tsig_key *one, *two, *three;

	(void)state;
	begin("", "");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 1");
	one = take("slot.");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 2");
	two = take("slot.");
	assert_false(tsig_key_is_revoked(one));
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 3 cut");
	three = take("slot.");
	assert_false(tsig_key_is_revoked(one)); /* it was not in force */
	assert_true(tsig_key_is_revoked(two));
	expect(SECD_OK, "key-put slot. hmac-sha256 /b 9 compare cut");
	expect(SECD_OK, "key-drop slot. 9 compare cut");
	assert_false(tsig_key_is_revoked(three));
	expect(SECD_OK, "key-drop slot. 0 cut");
	assert_true(tsig_key_is_revoked(three));
	assert_int_equal(cuts, 2);
	tsig_key_unref(one);
	tsig_key_unref(two);
	tsig_key_unref(three);
}

static void
those_that_are_compared_do_not_change_what_signs(void **state)
{
	(void)state;
	begin("", "");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 5 compare");
	expect(SECD_OK, "key-put slot. hmac-sha256 /b 6 compare");
	assert_int_equal(tag_of("slot."), 0);
	expect(SECD_OK, "key-drop slot. 5 compare");
	expect(SECD_OK, "key-drop slot. 7 compare");
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
	    keyring_used(keys_ring(&frontend.keys), configured), key);
}

static void
assert_used(const char *configured, const char *key)
{
	struct use u = {.configured = configured, .key = key};

	commit_run(commit, use_there, &u);
	assert_true(u.is_used);
}

static void
another_key_is_used_if_there_is_one(void **state)
{
	(void)state;
	begin("", "");
	expect(SECD_ENOTFOUND, "key-use slot. new.");
	expect(SECD_ENOTFOUND, "key-use slot. other.");
	expect(SECD_OK, "key-use slot. slot.");
	assert_int_equal(rekeys, 0);
	expect(SECD_OK, "key-use slot. fixed.");
	assert_used("slot.", "fixed.");
	expect(SECD_OK, "key-use slot. fixed.");
	assert_int_equal(rekeys, 1);
	expect(SECD_OK, "key-put new. hmac-sha256 /a 3");
	expect(SECD_OK, "key-use slot. new.");
	assert_used("slot.", "new.");
	expect(SECD_OK, "key-use slot. slot.");
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
		 conf->path, conf->path);
	begin("", options);
	assert_int_equal(tag_of("slot."), 3);
	end();
	conf_dir_accept(conf, CONF_SERVER);
	secret_stats(&stats);
	assert_int_equal(stats.mapped_len, 0);
}

static void
a_reload_keeps_keys_unless_it_has_them(void **state)
{
	struct config *old;

	(void)state;
	begin("", "");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	expect(SECD_OK, "key-put new. hmac-sha256 /a 4");
	expect(SECD_OK, "key-use fixed. new.");
	old = config_ref(conf->c);
	modules_configured(modules,
			   load_config("key:\n"
				       "  - id: new\n"
				       "    secret: " CONF_SECRET "\n"));
	modules_reloaded(modules);
	assert_int_equal(tag_of("slot."), 3);
	assert_used("fixed.", "new.");
	assert_int_equal(tag_of("new."), 0); /* it is that one now */
	expect(SECD_EEXIST, "key-put new. hmac-sha256 /a 5");
	config_unref(old);
}

/*
 * What became of signatures
 */

static void
add(const char *name, uint32_t error, uint64_t tag)
{
	uint8_t wire[NAME_LEN_MAX];
	struct secd_key_used u = {
	    .way = SECD_WAY_IN,
	    .tsig_error = error,
	    .count = 1,
	    .name = wire,
	    .tag = tag,
	    .peer = {.family = 4, .octets = {192, 0, 2, 7}},
	    .at_ms = 5,
	    .skew_ms = -2000,
	};

	assert_int_equal(name_from_text(name, wire), SECD_OK);
	evidence_add(frontend.evidence, &u);
}

static const char *
calls_of(const char *id)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/modules/%s/calls", d->path, id);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void
wait_call(const char *id, const char *what)
{
	const struct timespec moment = {0, 1000000};

	for (int i = 0; i < LIMIT && strstr(calls_of(id), what) == NULL; i++) {
		nanosleep(&moment, NULL);
	}
	if (strstr(calls_of(id), what) == NULL) {
		fail_msg("no \"%s\" in \"%s\"", what, text);
	}
}

static void
the_owner_is_told_what_became_of_signatures(void **state)
{
	(void)state;
	begin("", "");
	expect(SECD_OK, "key-put new. hmac-sha256 /a 4");
	add("slot.", 0, 3);
	wait_call("witness", "key-used in slot. error 0 tag 3 count 1 peer "
			     "192.0.2.7@0 skew -2000\n");
	add("other.", 17, 0);
	wait_call("second", "key-used in other. error 17 tag 0 count 1");
	add("new.", 16, 0);
	wait_call("witness", "key-used in new. error 16");
	assert_null(strstr(calls_of("witness"), "other."));
	assert_null(strstr(calls_of("second"), "slot."));
}

/* How often something stands in a text. */
static unsigned
count(const char *in, const char *what)
{
	unsigned n = 0;

	while ((in = strstr(in, what)) != NULL) {
		in += strlen(what);
		n++;
	}
	return n;
}

static void
it_is_told_once_a_second(void **state)
{
	int64_t began = clock_boot_ms();
	unsigned times, sum = 0;
	const char *p;

	(void)state;
	begin("", "");
	for (unsigned i = 0; i < 40; i++) {
		const struct timespec moment = {0, 50000000};

		add("slot.", 0, 3);
		nanosleep(&moment, NULL);
	}
	add("slot.", 16, 9);
	wait_call("witness", "error 16 tag 9 count 1");
	times = count(calls_of("witness"), "error 0 tag 3");
	assert_in_range(times, 2, 2 + (clock_boot_ms() - began) / 1000);
	for (p = text; (p = strstr(p, "tag 3 count ")) != NULL; p++) {
		sum += (unsigned)atoi(p + strlen("tag 3 count "));
	}
	assert_int_equal(sum, 40);
}

static void
whom_it_does_not_concern_hears_nothing(void **state)
{
	(void)state;
	begin("", "");
	add("fixed.", 16, 0);
	add("nobody.", 17, 0);
	add("slot.", 0, 3);
	wait_call("witness", "error 0 tag 3");
	assert_null(strstr(calls_of("witness"), "fixed."));
	assert_null(strstr(calls_of("witness"), "nobody."));
	assert_null(strstr(calls_of("second"), "key-used"));
}

static void
a_module_that_gave_up_hears_nothing_and_its_keys_stay(void **state)
{
	(void)state;
	begin("", "witness:\n  fail: command-for-good\n");
	expect(SECD_OK, "key-put slot. hmac-sha256 /a 3");
	command("witness");
	add("slot.", 0, 3);
	add("other.", 0, 5);
	wait_call("second", "key-used in other.");
	assert_non_null(strstr(calls_of("witness"), "close\n"));
	assert_null(strstr(calls_of("witness"), "key-used"));
	assert_int_equal(tag_of("slot."), 3);
}

/*
 * What a module is told of a zone
 */

static void
a_zone_is_told_with_its_keys_and_its_time(void **state)
{
	struct module_expiry *x = module_expiry_new();
	const struct modules_zone zone = {.expiry = x};
	char expected[200];
	int64_t at;

	(void)state;
	begin("", "");
	modules_zone_added(modules, apex, &zone);
	assert_string_equal(
	    command("witness zone-keys example."),
	    "expired off\nexpires-at 0\nkey slot.\nkey fixed.\n");
	module_expiry_set(x, clock_boot_ms() + 100000, false);
	at = clock_wall_s() + 100;
	command("witness zone-keys example.");
	snprintf(expected, sizeof(expected), "expires-at %lld\n",
		 (long long)at);
	if (strstr(text, expected) == NULL) { /* rounded down */
		snprintf(expected, sizeof(expected), "expires-at %lld\n",
			 (long long)at - 1);
		assert_non_null(strstr(text, expected));
	}
	module_expiry_set(x, clock_boot_ms() - 5000, true);
	assert_non_null(
	    strstr(command("witness zone-keys example."), "expired on\n"));
	/* It outlives what the transfer thread has of the zone. */
	module_expiry_unref(x);
	assert_non_null(
	    strstr(command("witness zone-keys example."), "expired on\n"));
	modules_zone_removed(modules, apex);
	command("witness zone-keys example.");
	assert_string_equal(text, "");
}

static void
a_zone_that_is_expired_is_added_as_such(void **state)
{
	struct module_expiry *x = module_expiry_new();
	const struct modules_zone zone = {.expiry = x};

	(void)state;
	begin("", "");
	module_expiry_set(x, clock_boot_ms() - 5000, true);
	modules_zone_added(modules, apex, &zone);
	wait_call("witness", "zone-added example. 0 expired\n");
	module_expiry_unref(x);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(a_key_is_put_replaced_and_dropped),
	    TEST(what_the_configuration_has_stays),
	    TEST(a_name_that_is_not_configured_may_be_put),
	    TEST(what_is_wrong_with_a_key_is_told),
	    TEST(a_weak_algorithm_is_allowed_by_name),
	    TEST(the_same_once_more_changes_nothing),
	    TEST(a_cut_ends_what_runs_and_nothing_else_does),
	    TEST(those_that_are_compared_do_not_change_what_signs),
	    TEST(another_key_is_used_if_there_is_one),
	    TEST(keys_are_put_in_open_and_gone_after_close),
	    TEST(a_reload_keeps_keys_unless_it_has_them),
	    TEST(the_owner_is_told_what_became_of_signatures),
	    TEST(it_is_told_once_a_second),
	    TEST(whom_it_does_not_concern_hears_nothing),
	    TEST(a_module_that_gave_up_hears_nothing_and_its_keys_stay),
	    TEST(a_zone_is_told_with_its_keys_and_its_time),
	    TEST(a_zone_that_is_expired_is_added_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
