/* SPDX-License-Identifier: BSD-2-Clause */

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "conf_dir.h"
#include "config/config_tree.h"

static const char *
text_of(const struct sockaddr_storage *a)
{
	static char text[80];
	char ip[INET6_ADDRSTRLEN];

	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)a;

		inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
		snprintf(text, sizeof(text), "%s@%u", ip, ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;

		inet_ntop(AF_INET6, &in->sin6_addr, ip, sizeof(ip));
		snprintf(text, sizeof(text), "%s@%u", ip, ntohs(in->sin6_port));
	}
	return text;
}

static void
assert_name(const uint8_t *name, const char *text)
{
	char written[NAME_TEXT_MAX];

	assert_string_equal(name_to_text(name, written), text);
}

/* What the manual shows, with other paths. */
static const char example[] =
    "server:\n"
    "    listen: [ 127.0.0.1@5300, ::1@5300 ]\n"
    "    udp-workers: 2\n"
    "    tcp-workers: 1\n"
    "    storage: /var/lib/secondaryd\n"
    "    rundir: /run/secondaryd       # control socket: secondaryd.sock\n"
    "    user: root\n"
    "\n"
    "key:\n"
    "  - id: xfr-a.example.\n"
    "    algorithm: hmac-sha256\n"
    "    secret-file: keys/xfr-a.secret   # or secret: BASE64\n"
    "\n"
    "remote:\n"
    "  - id: hidden\n"
    "    address: [ 192.0.2.1@53 ]\n"
    "    key: xfr-a.example.\n"
    "  - id: edge1\n"
    "    address: 2001:db8::1\n"
    "    via: 2001:db8::2\n"
    "\n"
    "acl:\n"
    "  - id: downstream\n"
    "    address: [ 192.0.2.0/24 ]\n"
    "    key: xfr-a.example.\n"
    "    action: [ transfer, notify ]\n"
    "\n"
    "template:\n"
    "  - id: default\n"
    "    primary: hidden\n"
    "    acl: downstream\n"
    "\n"
    "zone:\n"
    "  - domain: example.com\n"
    "    primary: [ hidden ]\n"
    "    notify: [ edge1 ]\n"
    "    acl: [ downstream ]\n"
    "  - domain: Example.NET.\n";

static void
load_example(struct conf_dir *d)
{
	if (geteuid() != 0) {
		skip(); /* "user: root" */
	}
	conf_dir_write(d, "keys/xfr-a.secret", 0600, CONF_SECRET "\n");
	conf_dir_accept(d, example);
	assert_int_equal(d->c->warning_count, 0);
}

static void
the_example_loads_with_what_it_refers_to(void **state)
{
	struct conf_dir *d = *state;
	const struct config_policy *p;

	load_example(d);
	assert_int_equal(d->c->zone_count, 2);
	assert_name(d->c->zones[0].apex, "example.com.");
	p = d->c->zones[0].policy;
	assert_int_equal(p->primary_count, 1);
	assert_string_equal(p->primaries[0]->id, "hidden");
	assert_string_equal(text_of(&p->primaries[0]->addresses[0]),
			    "192.0.2.1@53");
	assert_int_equal(p->primaries[0]->key_count, 1);
	assert_name(p->primaries[0]->keys[0]->name, "xfr-a.example.");
	assert_int_equal(tsig_key_algorithm(p->primaries[0]->keys[0]->key),
			 TSIG_HMAC_SHA256);
	assert_int_equal(p->notify_count, 1);
	assert_string_equal(text_of(&p->notify[0]->addresses[0]),
			    "2001:db8::1@53");
	assert_string_equal(text_of(&p->notify[0]->via[0]), "2001:db8::2@0");
	assert_int_equal(p->notify[0]->key_count, 0);
	assert_ptr_equal(p->acls[0]->keys[0], p->primaries[0]->keys[0]);
	assert_name(d->c->zones[1].apex, "example.net.");
	assert_int_equal(d->c->zones[1].policy->notify_count, 0);
}

static void
the_server_is_what_the_example_says(void **state)
{
	struct conf_dir *d = *state;
	const struct config_server *s;

	load_example(d);
	s = &d->c->server;
	assert_int_equal(s->listen_count, 2);
	assert_string_equal(text_of(&s->listen[0]), "127.0.0.1@5300");
	assert_string_equal(text_of(&s->listen[1]), "::1@5300");
	assert_int_equal(s->udp_workers, 2);
	assert_string_equal(s->control, "/run/secondaryd/secondaryd.sock");
	assert_string_equal(s->user, "root");
	assert_int_equal(s->uid, 0);
}

/* The configuration that the benchmark writes. */
static void
quoted_names_and_an_inline_secret_load(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_accept(d, "server:\n"
			   "    listen: [ 127.0.0.1@21600 ]\n"
			   "    udp-workers: 1\n"
			   "    tcp-workers: 1\n"
			   "    storage: \"/tmp/x/state\"\n"
			   "    rundir: \"/tmp/x/run\"\n"
			   "log:\n"
			   "  - target: stderr\n"
			   "    any: warning\n"
			   "key:\n"
			   "  - id: xfrkey\n"
			   "    algorithm: hmac-sha256\n"
			   "    secret: \"" CONF_SECRET "\"\n"
			   "remote:\n"
			   "  - id: primary\n"
			   "    address: [ 127.0.0.1@21500 ]\n"
			   "    key: xfrkey\n"
			   "acl:\n"
			   "  - id: notify\n"
			   "    address: [ 127.0.0.1 ]\n"
			   "    action: [ notify ]\n"
			   "  - id: transfer\n"
			   "    address: [ 127.0.0.1 ]\n"
			   "    key: xfrkey\n"
			   "    action: [ transfer ]\n"
			   "template:\n"
			   "  - id: default\n"
			   "    primary: [ primary ]\n"
			   "    acl: [ notify, transfer ]\n"
			   "zone:\n"
			   "  - domain: \"flat.test.\"\n"
			   "  - domain: \"tld.test.\"\n");
	assert_int_equal(d->c->zone_count, 2);
	assert_int_equal(d->c->log_count, 1);
	assert_int_equal(d->c->logs[0].level, LOG_LEVEL_WARNING);
	assert_int_equal(d->c->warning_count, 0);
}

static void
zones_are_in_canonical_order_and_found_in_any_case(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c;
	uint8_t name[NAME_LEN_MAX];

	c = conf_dir_accept(d,
			    CONF_SERVER CONF_REMOTE "template:\n"
						    "  - id: default\n"
						    "    primary: hidden\n"
						    "zone:\n"
						    "  - domain: b.example\n"
						    "  - domain: z.a.example\n"
						    "  - domain: Example\n"
						    "  - domain: .\n");
	assert_int_equal(c->zone_count, 4);
	assert_name(c->zones[0].apex, ".");
	assert_name(c->zones[1].apex, "example.");
	assert_name(c->zones[2].apex, "z.a.example.");
	assert_name(c->zones[3].apex, "b.example.");
	name_from_text("Z.A.Example.", name);
	assert_ptr_equal(config_zone_find(c, name), &c->zones[2]);
	name_from_text("a.example.", name);
	assert_null(config_zone_find(c, name));
}

static void
keys_are_found_in_any_case(void **state)
{
	struct conf_dir *d = *state;
	uint8_t name[NAME_LEN_MAX];

	conf_dir_accept(d, CONF_SERVER "key:\n"
				       "  - id: b.Key\n"
				       "    secret: " CONF_SECRET "\n"
				       "  - id: a.key.\n"
				       "    secret: " CONF_SECRET "\n");
	name_from_text("B.KEY", name);
	assert_name(config_key_find(d->c, name)->name, "b.key.");
	name_from_text("key", name);
	assert_null(config_key_find(d->c, name));
	conf_dir_accept(d, CONF_SERVER);
	assert_null(config_key_find(d->c, name));
	assert_null(config_zone_find(d->c, name));
}

static void
a_configuration_lives_as_long_as_it_is_counted(void **state)
{
	struct conf_dir *d = *state;
	struct config *c;

	conf_dir_accept(d, CONF_SERVER);
	c = config_ref(d->c);
	conf_dir_accept(d, CONF_SERVER);
	assert_int_equal(c->server.listen_count, 1);
	config_unref(c);
	config_unref(NULL);
}

static void
text_at_hand_may_name_no_file(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {"include: /etc/passwd\n",
	     "x.conf:1: \"include\" is not possible here"},
	    {CONF_SERVER "key:\n  - id: k\n    secret-file: /etc/passwd\n",
	     "x.conf:5: \"secret-file\" is not possible here"},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct config *c = NULL;
		struct config_error err;

		assert_int_equal(config_load_text("x.conf", cases[i].text,
						  strlen(cases[i].text), &c,
						  &err),
				 SECD_EMALF);
		assert_string_equal(err.text, cases[i].expected);
	}
}

static char *
read_manual(void)
{
	const char *srcdir = getenv("SECD_SRCDIR");
	char path[600];
	char *text = calloc(1, 1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/secondaryd.conf.5",
		 srcdir == NULL ? "." : srcdir);
	f = fopen(path, "r");
	if (f == NULL || text == NULL) {
		free(text);
		skip();
	}
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 1000);
	fclose(f);
	return text;
}

/* Words of mdoc(7): the key after .Cm, or in a list of several. */
static void
the_manual_names_every_key(void **state)
{
	char *manual = read_manual();
	char section[64], key[64];

	(void)state;
	for (size_t i = 0; i < CONFIG_SECTION_COUNT; i++) {
		const struct config_section *s = &config_sections[i];
		const struct config_keyword *k = s->keywords;

		if (k == NULL) {
			continue;
		}
		for (size_t n = 0; n <= strlen(s->name); n++) {
			section[n] = (char)toupper((unsigned char)s->name[n]);
		}
		assert_non_null(strstr(manual, section));
		for (; k->name != NULL; k++) {
			snprintf(key, sizeof(key), "Cm %s ", k->name);
			if (strstr(manual, key) != NULL) {
				continue;
			}
			snprintf(key, sizeof(key), " , %s ", k->name);
			if (strstr(manual, key) == NULL) {
				fail_msg("the manual lacks \"%s\"", k->name);
			}
		}
	}
	free(manual);
}

static void
the_manual_s_example_loads(void **state)
{
	struct conf_dir *d = *state;
	char *manual = read_manual(), *from, *to;

	if (geteuid() != 0) {
		free(manual);
		skip(); /* to give the file to the example's user */
	}
	from = strstr(manual, ".Sh EXAMPLES");
	from = strstr(from, "server:\n");
	to = strstr(from, "    user: secondaryd\n");
	memcpy(to, "    user:       root\n", strlen("    user: secondaryd\n"));
	*strstr(from, ".Ed") = '\0';
	conf_dir_write(d, "keys/xfr-a.secret", 0600, CONF_SECRET "\n");
	conf_dir_accept(d, from);
	assert_int_equal(d->c->zone_count, 2);
	assert_int_equal(d->c->warning_count, 0);
	free(manual);
}

#define MANY 100000

static void
many_zones_share_what_their_template_says(void **state)
{
	struct conf_dir *d = *state;
	size_t cap = MANY * 96;
	char *text = malloc(cap), *p = text;
	struct timespec from, to;
	double seconds;

	assert_non_null(text);
	p = stpcpy(p, CONF_SERVER CONF_REMOTE "template:\n"
					      "  - id: default\n"
					      "    primary: hidden\n"
					      "zone:\n");
	for (int i = 0; i < MANY; i++) {
		p +=
		    sprintf(p, "  - domain: zone%d.example.\n%s", i,
			    i % 2 == 0 ? "" : "    refresh-max-interval: 1h\n");
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	conf_dir_accept(d, text);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	free(text);
	seconds = (double)(to.tv_sec - from.tv_sec) +
		  1e-9 * (double)(to.tv_nsec - from.tv_nsec);
	print_message("%d zones: %.3f s of CPU\n", MANY, seconds);
	assert_int_equal(d->c->zone_count, MANY);
	for (size_t i = 0; i < MANY; i++) {
		const struct config_policy *policy = d->c->zones[i].policy;

		assert_true(policy == d->c->zones[0].policy ||
			    policy == d->c->zones[1].policy);
		assert_true(policy->timers.refresh_max == 3600 ||
			    policy->timers.refresh_max == 28 * 86400);
	}
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, conf_dir_setup, conf_dir_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_example_loads_with_what_it_refers_to),
	    TEST(the_server_is_what_the_example_says),
	    TEST(quoted_names_and_an_inline_secret_load),
	    TEST(zones_are_in_canonical_order_and_found_in_any_case),
	    TEST(keys_are_found_in_any_case),
	    TEST(a_configuration_lives_as_long_as_it_is_counted),
	    TEST(text_at_hand_may_name_no_file),
	    TEST(the_manual_names_every_key),
	    TEST(the_manual_s_example_loads),
	    TEST(many_zones_share_what_their_template_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
