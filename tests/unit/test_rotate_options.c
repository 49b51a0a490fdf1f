/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/module_address.h"
#include "base/options.h"

#define PAIR                                                                   \
	"pair:\n"                                                              \
	"  - id: p1\n"                                                         \
	"    key: P1.xfr.example\n"                                            \
	"    probe: 192.0.2.1\n"                                               \
	"    zone: Example.\n"
#define MODULE_PAIR                                                            \
	PAIR "    peer: module\n    role: follower\n    root-file: p1.root\n"
#define OTHER_PAIR PAIR "    peer: other\n"

struct parsed {
	struct options *file;
	struct rotate_options *o;
};

static int
parse(const char *text, struct parsed *out, char *reason)
{
	reason[0] = '\0';
	assert_int_equal(options_load_text("/etc/x/r.options", text,
					   strlen(text), &out->file, reason),
			 SECD_OK);
	out->o = NULL;
	return rotate_options_new(options_get(out->file), &out->o, reason);
}

static struct parsed
accept(const char *text)
{
	char reason[SECD_REASON_LEN];
	struct parsed p;

	if (parse(text, &p, reason) != SECD_OK) {
		fail_msg("%s", reason);
	}
	return p;
}

static void
done(struct parsed *p)
{
	rotate_options_free(p->o);
	options_free(p->file);
}

static void
refuse(const char *text, const char *says)
{
	char reason[SECD_REASON_LEN];
	struct parsed p;

	if (parse(text, &p, reason) != SECD_EINVAL ||
	    strstr(reason, says) == NULL ||
	    strncmp(reason, "/etc/x/r.options:", 17) != 0) {
		fail_msg("not \"%s\" but \"%s\" for\n%s", says, reason, text);
	}
	options_free(p.file);
}

static void
a_pair_with_the_module_is_read(void **state)
{
	struct parsed p =
	    accept(MODULE_PAIR "    from: 192.0.2.7\n"
			       "    self: 192.0.2.7@5300\n"
			       "    address: [ 192.0.2.8, 2001:db8::8 ]\n");
	const struct pair_options *o = &p.o->pairs[0];
	char text[NAME_TEXT_MAX], address[MODULE_ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(p.o->pair_count, 1);
	assert_string_equal(o->id, "p1");
	assert_string_equal(name_to_text(o->names[0], text),
			    "p1-a.xfr.example.");
	assert_string_equal(name_to_text(o->names[1], text),
			    "p1-b.xfr.example.");
	assert_string_equal(name_to_text(o->zone, text), "example.");
	assert_true(o->config.has_module);
	assert_true(o->config.is_derived);
	assert_false(o->config.is_initiator);
	assert_string_equal(o->root_file, "/etc/x/p1.root");
	assert_int_equal(o->config.peers, 1);
	assert_string_equal(module_address_text(&o->probes[0], address),
			    "192.0.2.1@53");
	assert_string_equal(module_address_text(&o->from, address),
			    "192.0.2.7");
	assert_true(o->config.has_self);
	assert_string_equal(module_address_text(&o->self, address),
			    "192.0.2.7@5300");
	assert_int_equal(o->address_count, 2);
	assert_int_equal(o->config.epoch_ms, INT64_C(604800000));
	assert_int_equal(o->config.drain_ms, 7800000);
	assert_int_equal(o->config.check_ms, 900000);
	assert_int_equal(o->config.probe_ms, 5000);
	assert_int_equal(o->timeout_ms, 3000);
	assert_false(o->config.stages_soon);
	assert_int_equal(o->config.catch_up, 520);
	done(&p);
}

static void
another_server_has_places(void **state)
{
	struct parsed p = accept("pair:\n"
				 "  - id: p1\n"
				 "    key: k.\n"
				 "    peer: other\n"
				 "    probe: [ 192.0.2.1@53, 2001:db8::1 ]\n"
				 "    zone: .\n"
				 "    place: [ two, one ]\n"
				 "place:\n"
				 "  - id: one\n"
				 "    adapter: nsd\n"
				 "    file: /etc/nsd/keys\n"
				 "    control: [ a, b ]\n"
				 "  - id: two\n"
				 "    adapter: command\n"
				 "    timeout: 1m\n");
	const struct pair_options *o = &p.o->pairs[0];
	const struct place_options *one = &p.o->places[0];

	(void)state;
	assert_false(o->config.has_module);
	assert_false(o->config.is_derived);
	assert_true(o->config.is_initiator);
	assert_int_equal(o->config.peers, 2);
	assert_int_equal(o->config.places, 2);
	assert_int_equal(o->places[0], 1);
	assert_int_equal(o->places[1], 0);
	assert_int_equal(p.o->place_count, 2);
	assert_string_equal(one->adapter, "nsd");
	assert_int_equal(one->timeout_ms, 30000);
	assert_int_equal(one->setting_count, 3);
	assert_string_equal(one->settings[0].section, "place");
	assert_string_equal(one->settings[0].id, "one");
	assert_string_equal(one->settings[0].key, "file");
	assert_string_equal(one->settings[0].value, "/etc/nsd/keys");
	assert_int_equal(one->settings[0].line, 11);
	assert_string_equal(one->settings[2].key, "control");
	assert_string_equal(one->settings[2].value, "b");
	assert_int_equal(p.o->places[1].timeout_ms, 60000);
	assert_int_equal(p.o->places[1].setting_count, 0);
	done(&p);
}

static void
what_all_pairs_have_is_said_once(void **state)
{
	struct parsed p =
	    accept(OTHER_PAIR "    drain: 3h\n"
			      "rotation:\n"
			      "    epoch: 30d\n"
			      "    drain: 4h\n"
			      "    check-interval: 600\n"
			      "    probe-interval: 10s\n"
			      "    probe-timeout: 5s\n"
			      "    pre-stage: on\n"
			      "    max-catch-up: 7\n"
			      "    revocations: /var/x/revoked\n");
	const struct pair_options *o = &p.o->pairs[0];

	(void)state;
	assert_int_equal(o->config.epoch_ms, INT64_C(30) * 86400000);
	assert_int_equal(o->config.drain_ms, 3 * 3600000);
	assert_int_equal(o->config.check_ms, 600000);
	assert_int_equal(o->config.probe_ms, 10000);
	assert_int_equal(o->timeout_ms, 5000);
	assert_true(o->config.stages_soon);
	assert_int_equal(o->config.catch_up, 7);
	assert_string_equal(p.o->revocations, "/var/x/revoked");
	done(&p);
}

static void
times_below_the_floor_need_a_word(void **state)
{
	static const char *const times[] = {
	    "    epoch: 23h\n",
	    "    drain: 129m\n",
	    "    probe-interval: 999ms\n",
	    "    probe-timeout: 500ms\n",
	    "    check-interval: 59s\n",
	    "    epoch: 24h\n    drain: 12h\n",
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct parsed p;

		snprintf(text, sizeof(text), OTHER_PAIR "%s", times[i]);
		refuse(text, "unsafe-timing: on");
		snprintf(text, sizeof(text),
			 OTHER_PAIR "%srotation:\n    unsafe-timing: on\n",
			 times[i]);
		p = accept(text);
		done(&p);
	}
	snprintf(text, sizeof(text),
		 OTHER_PAIR "    epoch: 24h\n    drain: 130m\n"
			    "    probe-interval: 1s\n    probe-timeout: 1s\n"
			    "    check-interval: 1m\n");
	{
		struct parsed p = accept(text);

		done(&p);
	}
}

static void
what_does_not_fit_together_is_refused(void **state)
{
	(void)state;
	refuse(PAIR, "peer is missing");
	refuse(PAIR "    peer: module\n    root-file: r\n",
	       ":2: pair p1: one of the two nodes has role");
	refuse(PAIR "    peer: module\n    role: initiator\n",
	       "root-file is missing");
	refuse(MODULE_PAIR "    secrets: random\n", "secrets: derived");
	refuse(OTHER_PAIR "    root-file: r\n", "root-file is for");
	refuse(OTHER_PAIR "    secrets: derived\n", "root-file is missing");
	refuse(OTHER_PAIR "    role: follower\n", "proposes nothing");
	refuse(MODULE_PAIR "    place: one\n"
			   "place:\n  - id: one\n    adapter: nsd\n",
	       "no place");
	refuse(OTHER_PAIR "    place: one\n", "\"one\" is not a place");
	refuse("place:\n  - id: one\n    file: x\n", "adapter is missing");
	refuse("pair:\n  - id: p1\n    zone: .\n    peer: other\n"
	       "    probe: 192.0.2.1\n",
	       "key is missing");
	refuse("pair:\n  - id: p1\n    key: k.\n    peer: other\n"
	       "    zone: .\n",
	       "probe is missing");
	refuse("pair:\n  - id: p1\n    key: k.\n    peer: other\n"
	       "    probe: 192.0.2.1\n",
	       "zone is missing");
	refuse(OTHER_PAIR "  - id: p2\n    key: p1.XFR.example.\n"
			  "    probe: 192.0.2.1\n    zone: .\n"
			  "    peer: other\n",
	       ":7: pair p2 has a key of pair p1");
	/* The first one is looked at, too. */
	refuse(PAIR "  - id: p2\n    key: k.\n    probe: 192.0.2.1\n"
		    "    zone: .\n    peer: other\n",
	       ":2: pair p1: peer is missing");
}

static void
bad_values_are_refused_with_their_line(void **state)
{
	(void)state;
	refuse(OTHER_PAIR "    epoch: soon\n", ":7: epoch: \"soon\" is not a");
	refuse(OTHER_PAIR "    epoch: 0\n", "is not a time");
	refuse(OTHER_PAIR "    epoch: 99999d\n", "is not a time");
	refuse(OTHER_PAIR "    pre-stage: yes\n", "is not on or off");
	refuse(OTHER_PAIR "    max-catch-up: 0\n", "is not a number");
	refuse(OTHER_PAIR "    probe: ns1.example.\n", "is not an address");
	refuse(OTHER_PAIR "    from: x\n", "is not an address");
	refuse(OTHER_PAIR "    self: x\n", "is not an address");
	refuse(OTHER_PAIR "    address: x\n", "is not an address");
	refuse(OTHER_PAIR "    role: both\n", "is not initiator or follower");
	refuse(OTHER_PAIR "    peer: bind\n", "is not module or other");
	refuse(OTHER_PAIR "    secrets: weak\n", "is not derived or random");
	refuse(OTHER_PAIR "    zone: a..b\n", "is not a zone");
	refuse(OTHER_PAIR "    key: .\n", "is not the name of a key");
	refuse(OTHER_PAIR "    key: a..b\n", "is not the name of a key");
	refuse(OTHER_PAIR
	       "    key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	       "aaaaaaaaa.\n",
	       "is not short enough");
	refuse(OTHER_PAIR "    root-file: \"\"\n", "is not a file");
	refuse(OTHER_PAIR "    colour: blue\n",
	       "there is no \"colour\" in pair");
	refuse("rotation:\n    colour: blue\n",
	       "there is no \"colour\" in rotation");
	refuse("rotation:\n    unsafe-timing: maybe\n", "is not on or off");
	refuse("zone:\n    a: b\n", ":2: there is no section \"zone\"");
	refuse("pair:\n    key: k.\n", "pair is a list");
	refuse("place:\n    adapter: nsd\n", "place is a list");
	refuse("pair:\n  - id: ../x\n", "is not an id");
	refuse("pair:\n  - id: .x\n", "is not an id");
	refuse("pair:\n  - id: X\n", "is not an id");
	refuse(OTHER_PAIR "  - id: p1\n", "is not the first pair");
	refuse("place:\n  - id: x\n    adapter: nsd\n  - id: x\n",
	       "is not the first place");
	refuse("place:\n  - id: x\n    adapter: djbdns\n",
	       "is not nsd, knot, bind or command");
	refuse("place:\n  - id: x\n    timeout: 2h\n", "an hour at most");
}

static void
there_is_an_end_to_lists(void **state)
{
	char text[4096] = OTHER_PAIR;
	size_t len = strlen(text);

	(void)state;
	for (unsigned i = 0; i < OPTIONS_ADDRESSES; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"    probe: 192.0.2.%u\n", i + 2);
	}
	refuse(text, "more than 16 addresses");
	strcpy(text, OTHER_PAIR);
	len = strlen(text);
	for (unsigned i = 0; i <= OPTIONS_ADDRESSES; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"    address: 192.0.2.%u\n", i + 2);
	}
	refuse(text, "more than 16 addresses");
	strcpy(text, "place:\n  - id: x\n    adapter: nsd\n" OTHER_PAIR);
	for (unsigned i = 0; i <= MACHINE_PLACES_MAX; i++) {
		strcat(text, "    place: x\n");
	}
	refuse(text, "more than 16 places");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_pair_with_the_module_is_read),
	    cmocka_unit_test(another_server_has_places),
	    cmocka_unit_test(what_all_pairs_have_is_said_once),
	    cmocka_unit_test(times_below_the_floor_need_a_word),
	    cmocka_unit_test(what_does_not_fit_together_is_refused),
	    cmocka_unit_test(bad_values_are_refused_with_their_line),
	    cmocka_unit_test(there_is_an_end_to_lists),
	};

	return cmocka_run_group_tests_name("rotate_options", tests, NULL, NULL);
}
