/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "conf_dir.h"
#include "server/control_reply.h"
#include "server/helper.h"
#include "server/modules.h"
#include "server/modules_internal.h"
#include "store_dir.h"
#include "zonefile.h"

#define ZONE(serial)                                                           \
	"@ SOA ns.example. host " serial " 3600 600 86400 300\n@ NS ns\n"

static struct store_dir *d;
static struct conf_dir *conf;
static struct frontend frontend;
static struct modules *modules;
static char text[1 << 16], reason[MODULES_REASON_LEN];
static uint8_t apex[NAME_LEN_MAX];

/* The witness, from the build, and perhaps once more. */
static struct {
	const char *id, *file, *config;
} list[2];
static unsigned module_count;

static int
start(void **state)
{
	void *dir;
	int rc = conf_dir_setup(&dir);

	conf = dir;
	rc |= store_dir_setup(state);
	d = *state;
	module_count = 1;
	memset(list, 0, sizeof(list));
	list[0].id = "witness";
	list[1].id = "second";
	list[0].file = list[1].file = getenv("SECD_WITNESS");
	zonefile_name("example.", apex);
	return rc;
}

static int
stop(void **state)
{
	void *dir = conf;

	modules_close(modules);
	modules = NULL;
	conf_dir_teardown(&dir);
	return store_dir_teardown(state);
}

static struct config *
load_config(void)
{
	char *p = text;

	p += sprintf(p, CONF_SERVER "  storage: %s\n", d->path);
	p += sprintf(p, module_count > 0 ? "module:\n" : "");
	for (unsigned i = 0; i < module_count; i++) {
		p += sprintf(p, "  - id: %s\n    file: %s\n", list[i].id,
			     list[i].file);
		if (list[i].config != NULL) {
			p += sprintf(p, "    config: %s\n", list[i].config);
		}
	}
	conf_dir_accept(conf, text);
	return conf->c;
}

static struct helper *helper; /* NULL: nothing is placed */

static int
try_open(struct modules **out)
{
	static struct frontend other;

	return modules_open(load_config(), out == &modules ? &frontend : &other,
			    helper, out, reason);
}

static void
open_modules(const char *options)
{
	static char path[512];
	FILE *f;

	if (options != NULL) {
		snprintf(path, sizeof(path), "%s/witness.conf", d->path);
		f = fopen(path, "w");
		assert_non_null(f);
		fprintf(f, "witness:\n  fail: %s\n", options);
		fclose(f);
		list[0].config = path;
	}
	if (try_open(&modules) != SECD_OK) {
		fail_msg("%s", reason);
	}
}

static void
add_zone(struct version *v)
{
	const struct modules_zone zone = {.version = v};

	modules_zone_added(modules, apex, &zone);
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

static struct version *
version_of(uint64_t seq, const char *records)
{
	struct version *v;

	assert_int_equal(
	    version_new_take(seq, zonefile_image("example.", records), &v),
	    SECD_OK);
	return v;
}

static void
change(struct version *from, struct version *to)
{
	static const uint8_t key[] = "\3KEY";
	const struct modules_origin origin = {
	    .source = SECD_SOURCE_AXFR, .primary_id = "hidden", .key = key};

	modules_changed(modules, apex, from, to, NULL, &origin);
}

static void
flush(void)
{
	struct commit_hooks hooks = modules_hooks(modules);

	hooks.flush(hooks.ctx);
}

static void
no_modules_are_no_trouble(void **state)
{
	struct version *v = version_of(1, ZONE("1"));

	(void)state;
	module_count = 0;
	open_modules(NULL);
	assert_null(modules);
	add_zone(v);
	modules_ready(modules);
	change(NULL, v);
	modules_published(modules, apex, v);
	modules_status(modules, NULL);
	assert_int_equal(modules_newest_seq(modules, apex), 0);
	assert_null(modules_hooks(modules).turn);
	version_unref(v);
}

static void
calls_come_in_the_order_of_the_contract(void **state)
{
	struct version *a = version_of(3, ZONE("1") "a A 192.0.2.1\n"),
		       *b = version_of(4, ZONE("2") "b A 192.0.2.1\n"),
		       *c = version_of(5, ZONE("3") "b A 192.0.2.1\n");

	(void)state;
	open_modules(NULL);
	add_zone(NULL);
	modules_ready(modules);
	change(NULL, a);
	change(a, b);
	modules_published(modules, apex, b);
	change(b, c);
	flush();
	flush();
	modules_reloaded(modules);
	modules_zone_removed(modules, apex);
	modules_close(modules);
	modules = NULL;
	assert_string_equal(
	    calls_of("witness"),
	    "open\n"
	    "zone-added example. 0\n"
	    "ready\n"
	    "change example. 0 -> 3 serial 0 -> 1 -0 +0 from hidden walk 3\n"
	    "change example. 3 -> 4 serial 1 -> 2 -1 +1 from hidden walk 3\n"
	    "commit\n"
	    "published example. 4 serial 2\n"
	    "change example. 4 -> 5 serial 2 -> 3 -0 +0 from hidden walk 3\n"
	    "commit\n"
	    "reloaded\n"
	    "zone-removed example. 0\n"
	    "close\n");
	version_unref(a);
	version_unref(b);
	version_unref(c);
}

static void
changes_are_looked_for_where_a_transfer_named_them(void **state)
{
	struct version *a = version_of(1, ZONE("1") "a A 192.0.2.1\n"),
		       *b = version_of(2, ZONE("2") "a A 192.0.2.2\n"
						    "b A 192.0.2.2\n");
	const struct modules_origin origin = {.source = SECD_SOURCE_IXFR,
					      .primary_id = "p"};
	struct changeset cs = {.from = 0};

	(void)state;
	open_modules(NULL);
	add_zone(a);
	zonefile_step(&cs, "example.", 1, "a A 192.0.2.1\n", "a A 192.0.2.2\n");
	modules_changed(modules, apex, a, b, &cs, &origin);
	flush();
	assert_non_null(strstr(calls_of("witness"), "-1 +1 from p"));
	changeset_fini(&cs);
	version_unref(a);
	version_unref(b);
}

static void
a_module_that_cannot_open_is_told_in_one_sentence(void **state)
{
	(void)state;
	list[0].file = "/nonexistent/x.so";
	assert_int_not_equal(try_open(&modules), SECD_OK);
	assert_null(modules);
	assert_non_null(strstr(reason, "module witness: /nonexistent/x.so"));
	assert_null(strchr(reason, '\n'));

	list[0].file = getenv("SECD_WITNESS");
	list[0].config = "/nonexistent/x.conf";
	assert_int_not_equal(try_open(&modules), SECD_OK);
	assert_string_equal(reason, "module witness: /nonexistent/x.conf: No "
				    "such file or directory");
}

/* The first one opens, the second one does not: both are closed again. */
static void
what_was_opened_before_is_closed(void **state)
{
	char path[512], expected[700];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/fail.conf", d->path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("witness:\n  fail: open\n", f);
	fclose(f);
	module_count = 2;
	list[1].config = path;
	assert_int_equal(try_open(&modules), SECD_EINVAL);
	assert_null(modules);
	snprintf(expected, sizeof(expected),
		 "module second: %s:2: it is told to fail", path);
	assert_string_equal(reason, expected);
	assert_string_equal(calls_of("witness"), "open\nclose\n");
	assert_int_equal(modules_check(conf->c, reason), SECD_OK);
}

/* Before any is opened, and without its directory. */
static void
options_that_a_module_refuses_are_found(void **state)
{
	char path[512], expected[700], dir[512];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/refuse.conf", d->path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("witness:\n  fail: check\n", f);
	fclose(f);
	assert_int_equal(modules_check(load_config(), reason), SECD_OK);
	list[0].config = path;
	assert_int_equal(modules_check(load_config(), reason), SECD_EINVAL);
	snprintf(expected, sizeof(expected),
		 "module %s: %s:2: it is told to refuse", list[0].id, path);
	assert_string_equal(reason, expected);
	snprintf(dir, sizeof(dir), "%s/modules", d->path);
	assert_int_not_equal(access(dir, F_OK), 0);
}

static void
a_directory_is_held_by_one_instance(void **state)
{
	struct modules *other;
	struct stat st;
	char path[512];

	(void)state;
	open_modules(NULL);
	snprintf(path, sizeof(path), "%s/modules/witness", d->path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(try_open(&other), SECD_EBUSY);
	assert_non_null(strstr(reason, "cannot lock"));
	modules_close(modules);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(try_open(&modules), SECD_EPERM);
	modules = NULL;
}

/*
 * With the thread
 */

static struct commit *commit;

static void
start_thread(void)
{
	struct commit_hooks hooks = modules_hooks(modules);

	assert_int_equal(commit_start(d->store, 0, &hooks, &commit), SECD_OK);
	modules_attach(modules, commit);
}

static void
stop_thread(void)
{
	commit_stop(commit);
	modules_attach(modules, NULL);
}

/* Rows of a reply as "id|item|value" lines. */
static const char *
rows_of(struct control_reply *r)
{
	const char *p = (const char *)r->rows.data;
	const char *end = p + r->rows.len;

	text[0] = '\0';
	for (int field = 0; p < end; p += strlen(p) + 1, field++) {
		if (field % 5 >= 2) {
			strcat(text, p);
			strcat(text, field % 5 == 4 ? "\n" : "|");
		}
	}
	return text;
}

static void
a_module_that_fails_is_shown_and_the_others_go_on(void **state)
{
	struct control_reply r = {.error = ""};
	struct version *v = version_of(1, ZONE("1"));

	(void)state;
	module_count = 2;
	open_modules("[ change, commit ]");
	add_zone(NULL);
	start_thread();
	change(NULL, v);
	modules_status(modules, &r);
	assert_string_equal(
	    rows_of(&r),
	    "module witness|name|witness\nmodule witness|version|1\n"
	    "module witness|state|failing\nmodule witness|failures|2\n"
	    "module witness|last-failure|changes are not kept: no space left\n"
	    "module witness|ticking|on\n"
	    "module second|name|witness\nmodule second|version|1\n"
	    "module second|state|running\nmodule second|failures|0\n"
	    "module second|ticking|on\n");
	stop_thread();
	control_reply_fini(&r);
	assert_non_null(strstr(calls_of("second"), "change example. 0 -> 1"));
	version_unref(v);
}

static void
a_commit_of_nothing_is_no_success(void **state)
{
	struct control_reply r = {.error = ""};
	struct version *v = version_of(1, ZONE("1"));

	(void)state;
	open_modules("[ change ]");
	add_zone(NULL);
	start_thread();
	change(NULL, v);
	modules_status(modules, &r);
	assert_non_null(strstr(rows_of(&r), "state|failing\nmodule witness|"
					    "failures|1\n"));
	stop_thread();
	control_reply_fini(&r);
	version_unref(v);
}

/*
 * Keys put into other servers, by the witness's command
 */

static int
start_with_helper(void **state)
{
	int rc = start(state);

	return rc == 0 ? helper_start(&helper) : rc;
}

static int
stop_with_helper(void **state)
{
	int rc = stop(state);

	helper_stop(helper);
	helper = NULL;
	return rc;
}

/* A hook that lists its keys without their secrets. */
static const char *
write_places(const char *more)
{
	static char path[512], hook[600];
	FILE *f;

	snprintf(hook, sizeof(hook), "%s/hook", d->path);
	f = fopen(hook, "w");
	assert_non_null(f);
	fputs("#!/bin/sh\nset -- $(cut -d' ' -f1 <&3); echo got $*\n", f);
	fclose(f);
	assert_int_equal(chmod(hook, 0700), 0);
	snprintf(path, sizeof(path), "%s/places.conf", d->path);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"place:\n  - id: hook\n    adapter: command\n"
		"    program: \"%s\"\n%s",
		hook, more);
	fclose(f);
	snprintf(hook, sizeof(hook), "%s/keys", d->path);
	f = fopen(hook, "w");
	assert_non_null(f);
	fputs("a.example. 0123456789abcdef\nb.example. 0123456789ABCDEF\n", f);
	fclose(f);
	list[0].config = path;
	return hook;
}

static void
open_with_helper(void)
{
	open_modules(NULL);
	start_thread();
}

static const char *
place(const char *id, const char *keys)
{
	const char *const words[] = {"witness", "place", id, keys};
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	static struct control_reply r;

	r = (struct control_reply){.error = ""};
	modules_command(modules, words, 4, (uint8_t *)position, &r);
	control_reply_fini(&r);
	return r.error;
}

/* Each command runs on the thread that events come on. */
static void
wait_for_call(const char *call)
{
	while (strstr(calls_of("witness"), call) == NULL) {
		place("none", "none");
	}
}

static void
a_placement_ends_with_an_event(void **state)
{
	const char *keys = write_places("");
	char event[700];

	(void)state;
	open_with_helper();
	assert_string_equal(place("hook", keys), "");
	snprintf(event, sizeof(event),
		 "placed 1 0 restart 0: %s/hook: got a.example. b.example. "
		 "end\n",
		 d->path);
	wait_for_call(event);
	modules_end_placing(modules);
	assert_string_equal(place("hook", keys), "busy, may work later");
	stop_thread();
}

static void
a_placement_that_cannot_be_is_refused_in_a_sentence(void **state)
{
	const char *keys = write_places("  - id: odd\n    adapter: odd\n"
					"  - id: typo\n    adapter: nsd\n"
					"    fil: /x\n");
	char why[700];

	(void)state;
	open_with_helper();
	assert_string_equal(place("odd", keys), "there is no adapter \"odd\"");
	snprintf(why, sizeof(why), "%s:9: \"fil\" is no setting of adapter nsd",
		 list[0].config);
	assert_string_equal(place("typo", keys), why);
	modules_end_placing(modules);
	stop_thread();
}

static void
a_key_that_cannot_be_placed_is_refused(void **state)
{
	const struct secd_option said = {
	    .line = 3, .key = "program", .value = "/bin/true"};
	const struct secd_key good = {.size = sizeof(good),
				      .name = (const uint8_t *)"\1a",
				      .algorithm = "hmac-sha256",
				      .secret = (const uint8_t *)"secret",
				      .secret_len = 6};
	struct secd_key bad[4] = {good, good, good, good};
	char why[SECD_REASON_LEN];
	struct secd_placement p = {.size = sizeof(p),
				   .adapter = "command",
				   .settings = &said,
				   .setting_count = 1,
				   .key_count = 1,
				   .timeout_ms = 1000,
				   .reason = why};

	write_places("");
	(void)state;
	open_with_helper();
	bad[0].flags = SECD_KEY_COMPARE;
	bad[1].algorithm = "hmac-sha7";
	bad[2].algorithm = NULL;
	bad[3].secret_len = 0;
	for (size_t i = 0; i < 4; i++) {
		const struct secd_key *key = &bad[i];

		p.keys = &key;
		assert_int_equal(modules_place(&modules->list[0], &p),
				 SECD_EINVAL);
		assert_string_equal(why, "key a. is none that can be placed");
	}
	p.timeout_ms = 0;
	assert_int_equal(modules_place(&modules->list[0], &p), SECD_EINVAL);
	assert_string_equal(why, "a placement has a timeout");
	p.timeout_ms = 1000;
	/* Who has no place for the reason, or does not know of it. */
	p.reason = NULL;
	p.adapter = "odd";
	assert_int_equal(modules_place(&modules->list[0], &p), SECD_ENOTSUP);
	p.reason = why;
	p.size = offsetof(struct secd_placement, reason);
	strcpy(why, "untouched");
	assert_int_equal(modules_place(&modules->list[0], &p), SECD_ENOTSUP);
	assert_string_equal(why, "untouched");
	modules_end_placing(modules);
	stop_thread();
}

static void
changes_are_committed_before_a_placement_is_told_of(void **state)
{
	const struct adapter_result result = {.text = "fine"};
	struct version *v = version_of(1, ZONE("1"));

	(void)state;
	open_modules(NULL);
	add_zone(NULL);
	change(NULL, v);
	modules_placed(&modules->list[0], 7, &result);
	assert_non_null(strstr(calls_of("witness"),
			       "walk 2\ncommit\nplaced 7 0 restart 0: fine\n"));
	version_unref(v);
}

static void
without_a_helper_nothing_is_placed(void **state)
{
	const char *keys = write_places("");

	(void)state;
	open_modules(NULL);
	start_thread();
	assert_string_equal(place("hook", keys), "not supported");
	modules_end_placing(modules);
	stop_thread();
}

static void
a_module_that_gives_up_is_closed(void **state)
{
	static const char *const words[] = {"witness"};
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};
	struct version *v = version_of(1, ZONE("1"));

	(void)state;
	open_modules("for-good");
	add_zone(NULL);
	start_thread();
	change(NULL, v);
	modules_published(modules, apex, v);
	modules_status(modules, &r);
	assert_non_null(strstr(rows_of(&r), "state|given up\n"));
	assert_int_equal(
	    modules_command(modules, words, 1, (uint8_t *)position, &r),
	    SECD_ECLOSED);
	assert_non_null(strstr(r.error, "module witness has given up"));
	stop_thread();
	control_reply_fini(&r);
	assert_null(strstr(calls_of("witness"), "published"));
	assert_non_null(strstr(calls_of("witness"), "close\n"));
	version_unref(v);
}

static void
a_module_that_gives_up_in_a_command_is_closed_too(void **state)
{
	static const char *const words[] = {"witness"};
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};

	(void)state;
	open_modules("command-for-good");
	start_thread();
	assert_int_equal(
	    modules_command(modules, words, 1, (uint8_t *)position, &r),
	    SECD_ECLOSED);
	modules_status(modules, &r);
	assert_non_null(strstr(rows_of(&r), "state|given up\n"));
	stop_thread();
	control_reply_fini(&r);
	assert_non_null(strstr(calls_of("witness"), "close\n"));
}

static void
a_command_is_answered_turn_by_turn(void **state)
{
	static const char *const words[] = {"witness", "one", "two"};
	static const char *const others[] = {"elsewhere"};
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};
	int turns = 0;

	(void)state;
	open_modules(NULL);
	start_thread();
	while (modules_command(modules, words, 3, (uint8_t *)position, &r) ==
	       SECD_MORE) {
		turns++;
	}
	assert_int_equal(turns, 2);
	assert_string_equal(rows_of(&r), "|line|one\n|line|two\n|words|2\n");
	assert_int_equal(
	    modules_command(modules, others, 1, (uint8_t *)position, &r),
	    SECD_ENOTFOUND);
	stop_thread();
	control_reply_fini(&r);
}

static struct modules_pin *order; /* that was given */

static void
take_order(void *ctx, struct modules_pin *o)
{
	(void)ctx;
	order = o;
}

static int
give_order(const char *zone)
{
	const char *const words[] = {"witness", "pin", zone, "1"};
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};
	int rc = modules_command(modules, words, 4, (uint8_t *)position, &r);

	control_reply_fini(&r);
	return rc;
}

static void
an_order_is_answered_to_the_module_that_gave_it(void **state)
{
	struct version *v = version_of(1, ZONE("1"));

	(void)state;
	module_count = 2;
	open_modules(NULL);
	add_zone(v);
	start_thread();
	assert_int_equal(give_order("example."), SECD_EBUSY);
	modules_set_pin(modules, take_order, NULL);
	assert_int_equal(give_order("example.org."), SECD_EINVAL);
	assert_int_equal(give_order("example."), SECD_OK);
	assert_ptr_equal(order->base, v);
	modules_pin_done(order, SECD_ELIMIT, "too much");
	stop_thread();
	assert_non_null(strstr(calls_of("witness"), "pinned 3: -9 too much"));
	assert_null(strstr(calls_of("second"), "pinned"));
	version_unref(v);
}

static void
a_command_that_fails_without_a_word_has_one(void **state)
{
	static const char *const words[] = {"witness"};
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};

	(void)state;
	open_modules("command");
	start_thread();
	assert_int_equal(
	    modules_command(modules, words, 1, (uint8_t *)position, &r),
	    SECD_EBUSY);
	assert_string_equal(r.error, secd_strerror(SECD_EBUSY));
	stop_thread();
	control_reply_fini(&r);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
#define PLACING(f)                                                             \
	cmocka_unit_test_setup_teardown(f, start_with_helper, stop_with_helper)
	const struct CMUnitTest tests[] = {
	    TEST(no_modules_are_no_trouble),
	    TEST(calls_come_in_the_order_of_the_contract),
	    TEST(changes_are_looked_for_where_a_transfer_named_them),
	    TEST(a_module_that_cannot_open_is_told_in_one_sentence),
	    TEST(what_was_opened_before_is_closed),
	    TEST(options_that_a_module_refuses_are_found),
	    TEST(a_directory_is_held_by_one_instance),
	    TEST(a_module_that_fails_is_shown_and_the_others_go_on),
	    TEST(a_commit_of_nothing_is_no_success),
	    PLACING(a_placement_ends_with_an_event),
	    PLACING(a_placement_that_cannot_be_is_refused_in_a_sentence),
	    PLACING(a_key_that_cannot_be_placed_is_refused),
	    TEST(changes_are_committed_before_a_placement_is_told_of),
	    TEST(without_a_helper_nothing_is_placed),
	    TEST(a_module_that_gives_up_is_closed),
	    TEST(a_module_that_gives_up_in_a_command_is_closed_too),
	    TEST(a_command_is_answered_turn_by_turn),
	    TEST(an_order_is_answered_to_the_module_that_gave_it),
	    TEST(a_command_that_fails_without_a_word_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
