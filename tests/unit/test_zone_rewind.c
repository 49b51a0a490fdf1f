/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Versions are made again by what ixfr-journal, as it was built, knows of them.
 */

#include "server/zone_rewind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "conf_dir.h"
#include "store_dir.h"
#include "version_check.h"
#include "zone/layering.h"
#include "zone_model.h"
#include "zonefile.h"

#define VERSIONS_MAX 16

static struct store_dir *dir;
static struct conf_dir *conf;
static struct frontend frontend;
static struct modules *modules;
static uint8_t apex[NAME_LEN_MAX];
static struct build_params params;
static struct version *versions[VERSIONS_MAX];
static unsigned count;
static char reason[ZONE_REWIND_REASON_LEN];

static int
start(void **state)
{
	void *d;
	int rc = conf_dir_setup(&d);

	conf = d;
	rc |= store_dir_setup(state);
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	dir = *state;
	zonefile_name("example.", apex);
	params = zonefile_params(apex);
	params.dir = store_image_dir(dir->store);
	return rc;
}

static void
forget(void)
{
	while (count > 0) {
		version_unref(versions[--count]);
	}
	modules_close(modules);
	modules = NULL;
}

static int
stop(void **state)
{
	void *d = conf;

	forget();
	conf_dir_teardown(&d);
	return store_dir_teardown(state);
}

static void
open_module(const char *file, const char *options)
{
	static const struct modules_zone nothing = {.version = NULL};
	static unsigned number;
	char text[2000], why[MODULES_REASON_LEN], *p = text;

	/* A directory of its own. */
	p += sprintf(p,
		     CONF_SERVER "  storage: %s\n"
				 "module:\n  - id: m%u\n    file: %s\n",
		     dir->path, number++, file);
	if (options != NULL) {
		sprintf(p, "    config: m.conf\n");
		snprintf(why, sizeof(why), "witness:\n  fail: %s\n", options);
		conf_dir_write(conf, "m.conf", 0600, why);
	}
	conf_dir_accept(conf, text);
	if (modules_open(conf->c, &frontend, NULL, &modules, why) != SECD_OK) {
		fail_msg("%s", why);
	}
	modules_zone_added(modules, apex, &nothing);
}

static void
open_journal(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/ixfr-journal.so",
		 getenv("SECD_MODULES"));
	open_module(path, NULL);
}

/* The newest version, taken over, which the module hears of. */
static void
add(struct version *v)
{
	const struct modules_origin origin = {.source = SECD_SOURCE_AXFR,
					      .primary_id = "p"};
	struct commit_hooks hooks = modules_hooks(modules);

	assert_true(count < VERSIONS_MAX);
	modules_changed(modules, apex, count == 0 ? NULL : versions[count - 1],
			v, NULL, &origin);
	hooks.flush(hooks.ctx);
	versions[count++] = v;
}

static struct version *
version_of(uint64_t seq, const char *text)
{
	struct build_report report;
	struct version *v;
	struct image *im;

	assert_int_equal(zonefile_build(&params, text, &im, &report), SECD_OK);
	assert_int_equal(version_new_take(seq, im, &v), SECD_OK);
	return v;
}

static void
add_text(const char *text)
{
	add(version_of(count + 1, text));
}

static struct image *
image_of(const struct version *v)
{
	struct build_params p = zonefile_params(apex);
	struct build_report report;
	struct image *im;

	assert_int_equal(build_from_changes(&p, v, NULL, 0, &im, &report),
			 SECD_OK);
	return im;
}

static int
rewind_to(uint64_t seq, struct version **out)
{
	reason[0] = '\0';
	return zone_rewind(modules, &params, versions[count - 1], seq, out,
			   reason);
}

/* From one version the one before it, or one before that, is made. */
static void
check(unsigned from, unsigned to)
{
	struct version *v;
	struct image *expected;
	char failure[256];
	int rc = zone_rewind(modules, &params, versions[from],
			     version_seq(versions[to]), &v, reason);

	if (rc != SECD_OK) {
		fail_msg("%u -> %u: %s", from, to, reason);
	}
	assert_int_equal(version_seq(v), version_seq(versions[to]));
	assert_int_equal(version_serial(v), version_serial(versions[to]));
	expected = image_of(versions[to]);
	if (!version_check_same(v, expected, failure, sizeof(failure))) {
		fail_msg("%u -> %u: %s", from, to, failure);
	}
	image_unref(expected);
	version_unref(v);
}

static void
check_all(void)
{
	for (unsigned from = 0; from < count; from++) {
		for (unsigned to = 0; to <= from; to++) {
			check(from, to);
		}
	}
}

/* False: random changes have made it a bad zone. */
static bool
advance(struct model *m, struct rnd *r)
{
	struct changeset cs = {0};
	const struct changeset *list = &cs;
	struct build_report report;
	struct version *v;
	int rc;

	model_step(m, r, &cs);
	rc = layering_make(&params, versions[count - 1], &list, 1, count + 1,
			   &v, &report);
	changeset_fini(&cs);
	if (rc == SECD_OK) {
		add(v);
	}
	return rc == SECD_OK;
}

static void
any_version_is_made_from_any_later_one(void **state)
{
	unsigned made = 0;

	(void)state;
	for (unsigned round = 0; round < 24; round++) {
		struct rnd r = {round};
		struct build_report report;
		struct version *v;
		struct model m;
		struct image *im;

		/* Files are laid over, others are built anew. */
		params.memory_max = round % 2 == 0 ? 0 : SIZE_MAX / 4;
		model_init(&m, "example.", (enum model_signing)(round % 3));
		model_fill(&m, &r, 60);
		assert_int_equal(
		    model_build(&m, &params, &r, 1 << 20, &im, &report),
		    SECD_OK);
		assert_int_equal(image_is_file(im), round % 2 == 0);
		assert_int_equal(version_new_take(1, im, &v), SECD_OK);
		open_journal();
		add(v);
		while (count < 8 && advance(&m, &r)) {
			made++;
		}
		check_all();
		forget();
		model_fini(&m);
	}
	assert_true(made > 100);
}

#define SOA(serial) "@ SOA ns.example. host " serial " 3600 600 86400 300\n"
#define NS          "@ NS ns\n"

static void
whatever_may_change_is_changed_back(void **state)
{
	(void)state;
	open_journal();
	add_text(SOA("4294967290") NS "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n");
	/* TTLs; case of an owner, and of a name; a wrap. */
	add_text(SOA("3") NS "a 90 A 192.0.2.1\na 90 A 192.0.2.2\n"
			     "a 90 A 192.0.2.3\n");
	add_text(SOA("4") "@ NS NS\nA 90 A 192.0.2.1\nA 90 A 192.0.2.2\n");
	/* A serial twice, with other contents, and with another SOA. */
	add_text(SOA("4") "@ NS NS\nb A 192.0.2.1\n");
	add_text("@ 60 SOA ns.example. host 4 3600 600 86400 300\n" NS);
	/* Back, as when forced. */
	add_text(SOA("2") NS "a.b.c A 192.0.2.1\n* TXT x\n");
	add_text(SOA("3") NS "b NS ns.b\nns.b A 192.0.2.1\n");
	check_all();
}

/* Hashes of example., by `knsec3hash SALT 1 ITERATIONS NAME`, do not matter:
 * any name below the apex can be in the chain. */
#define CHAIN(params)                                                          \
	"@ NSEC3PARAM 1 0 " params "\n"                                        \
	"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 " params                   \
	" 2t7b4g4vsa5smi47k61mv5bv1a22bojr A NS SOA NSEC3PARAM\n"              \
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr NSEC3 1 0 " params                   \
	" 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A\n"

static void
so_is_how_names_are_denied(void **state)
{
	(void)state;
	params.memory_max = 0;
	open_journal();
	add_text(SOA("1") NS "a A 192.0.2.1\n");
	add_text(SOA("2") NS CHAIN("5 aabb") "a A 192.0.2.1\n");
	add_text(SOA("3") NS CHAIN("1 -") "a A 192.0.2.1\n");
	add_text(SOA("4") NS "@ NSEC a NS SOA NSEC\na A 192.0.2.1\n"
			     "a NSEC @ A NSEC\n");
	check_all();
	assert_int_equal(version_denial(versions[1]), IMAGE_NSEC3);
	assert_int_equal(version_denial(versions[3]), IMAGE_NSEC);
}

static void
expect_refusal(int rc, uint64_t seq, const char *why)
{
	struct version *v;
	int got = rewind_to(seq, &v);

	if (got != rc || strstr(reason, why) == NULL) {
		fail_msg("%d: %s", got, reason);
	}
}

static void
versions_that_are_not_there_are_refused(void **state)
{
	(void)state;
	open_journal();
	add_text(SOA("1") NS "a A 192.0.2.1\n");
	add_text(SOA("2") NS "a A 192.0.2.2\n");
	add_text(SOA("3") NS "a A 192.0.2.3\n");
	expect_refusal(SECD_ENOTFOUND, 4, "no such version");
	/* History begins with version 1. */
	expect_refusal(SECD_ENOTFOUND, 0, "no way leads");
	modules_close(modules);
	modules = NULL;
	expect_refusal(SECD_ENOTSUP, 1, "no module");
	open_journal();
	expect_refusal(SECD_ENOTFOUND, 1, "no way leads");
}

static void
a_version_that_the_module_has_not_is_no_base(void **state)
{
	(void)state;
	open_journal();
	add_text(SOA("1") NS "a A 192.0.2.1\n");
	versions[count++] = version_of(2, SOA("2") NS);
	expect_refusal(SECD_EBUSY, 1, "not in the history yet");
}

/* The numbers are right, the contents are not: as after a restored backup. */
static void
a_history_of_another_zone_is_refused(void **state)
{
	(void)state;
	open_journal();
	add_text(SOA("1") NS "a A 192.0.2.1\n");
	add_text(SOA("2") NS "a A 192.0.2.2\n");
	version_unref(versions[--count]);
	versions[count++] = version_of(2, SOA("2") NS "a A 192.0.2.9\n");
	expect_refusal(SECD_EMISMATCH, 1, "deletion of what is not there");
	version_unref(versions[--count]);
	versions[count++] = version_of(2, SOA("9") NS "a A 192.0.2.2\n");
	expect_refusal(SECD_EMISMATCH, 1, "changes from serial 2");
}

static void
a_module_that_does_not_answer_well_is_no_trouble(void **state)
{
	static const struct {
		const char *fault, *why;
		int rc;
	} cases[] = {
	    {"since-much", "more than 256 MiB", SECD_ELIMIT},
	    {"since-empty", "cannot be read", SECD_EIO},
	    {"since-damaged", "cannot be read", SECD_EMALF},
	    {"since-fails", "cannot be read", SECD_EIO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_module(getenv("SECD_WITNESS"), cases[i].fault);
		add_text(SOA("1") NS);
		add_text(SOA("2") NS);
		expect_refusal(cases[i].rc, 1, cases[i].why);
		forget();
	}
}

/* Overwrite a text in the only image that is a file. */
static void
damage(const char *text)
{
	const char *file = store_dir_only_file(dir);
	char path[1024], octets[8192];
	const char *found;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir->path, file);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(octets, 1, sizeof(octets), f);
	fclose(f);
	found = memmem(octets, len, text, strlen(text));
	assert_non_null(found);
	store_dir_damage(dir, file, found - octets, "damage", 6);
}

static void
no_image_is_made_of_a_damaged_one(void **state)
{
	(void)state;
	open_journal();
	add_text(SOA("1") NS CHAIN("5 aabb") "a A 192.0.2.1\n");
	params.memory_max = 0;
	add_text(SOA("2") NS "a A 192.0.2.1\nz TXT needle\n");
	check(1, 0);
	damage("needle");
	expect_refusal(SECD_EMALF, 1, "damaged image");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(any_version_is_made_from_any_later_one),
	    TEST(whatever_may_change_is_changed_back),
	    TEST(so_is_how_names_are_denied),
	    TEST(versions_that_are_not_there_are_refused),
	    TEST(a_version_that_the_module_has_not_is_no_base),
	    TEST(a_history_of_another_zone_is_refused),
	    TEST(a_module_that_does_not_answer_well_is_no_trouble),
	    TEST(no_image_is_made_of_a_damaged_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
