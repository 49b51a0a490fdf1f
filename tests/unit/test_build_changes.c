/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/nsec3.h"
#include "zone_model.h"

#ifndef ROUNDS
#define ROUNDS 300
#endif

static void
assert_same_octets(const struct image *a, const struct image *b)
{
	size_t len_a, len_b;
	const uint8_t *octets_a = image_octets(a, &len_a);
	const uint8_t *octets_b = image_octets(b, &len_b);

	assert_int_equal(len_a, len_b);
	assert_memory_equal(octets_a, octets_b, len_a);
}

/* A random zone, some steps in one or several changesets, and the result. */
static bool
round_trip(uint64_t seed, enum model_signing signing)
{
	struct rnd r = {seed};
	struct model m;
	struct build_params p;
	struct build_report from_spool, from_changes;
	struct changeset cs[2] = {{{0}, 0, 0, 0, 0, 0, 0}};
	const struct changeset *list[] = {&cs[0], &cs[1]};
	struct image *base, *spooled = NULL, *changed = NULL;
	size_t used = 1 + rnd_below(&r, 2);
	int rc;

	model_init(&m, seed % 5 == 0 ? "." : "example.", signing);
	p = zonefile_params(m.apex);
	model_fill(&m, &r, 5 + rnd_below(&r, 60));
	assert_int_equal(model_build(&m, &p, &r, 1 + rnd_below(&r, 4000), &base,
				     &from_spool),
			 SECD_OK);
	model_check(&m, base);
	for (size_t i = 0; i < used; i++) {
		for (unsigned n = 1 + rnd_below(&r, 4); n > 0; n--) {
			model_step(&m, &r, &cs[i]);
		}
	}
	rc = model_build(&m, &p, NULL, 1 << 20, &spooled, &from_spool);
	assert_int_equal(
	    zonefile_change(&p, base, list, used, &changed, &from_changes), rc);
	if (rc == SECD_OK) {
		model_check(&m, changed);
		assert_same_octets(spooled, changed);
	} else {
		assert_string_equal(from_spool.reason, from_changes.reason);
	}
	image_unref(base);
	image_unref(spooled);
	image_unref(changed);
	changeset_fini(&cs[0]);
	changeset_fini(&cs[1]);
	model_fini(&m);
	return rc == SECD_OK;
}

/* Enough of the zones stay zones for this to mean something. */
static void
round_trips(enum model_signing signing)
{
	unsigned good = 0;

	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		good += round_trip(seed, signing);
	}
	assert_in_range(good, ROUNDS / 2, ROUNDS - 1);
}

static void
random_changes_give_the_image_of_the_changed_zone(void **state)
{
	(void)state;
	round_trips(MODEL_UNSIGNED);
}

static void
so_they_do_in_an_nsec_zone(void **state)
{
	(void)state;
	round_trips(MODEL_NSEC);
}

static void
so_they_do_in_an_nsec3_zone(void **state)
{
	(void)state;
	round_trips(MODEL_NSEC3);
}

/*
 * By hand: changes as lines "- RR" and "+ RR", "=" between steps.
 */

#define APEX                                                                   \
	"@ SOA ns.example. host 1 3600 600 86400 300\n"                        \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"

static struct image *base, *changed;
static struct changeset change;
static struct build_report report;
static uint64_t limit;

static int
stop(void **state)
{
	(void)state;
	image_unref(base);
	image_unref(changed);
	base = changed = NULL;
	changeset_fini(&change);
	return 0;
}

static void
put_line(enum changeset_op op, const char *line)
{
	struct zonefile z = {0};

	zonefile_parse(&z, "example.", line);
	assert_int_equal(z.count, 1);
	assert_int_equal(changeset_put(&change, op, &z.rrs[0]), SECD_OK);
	zonefile_free(&z);
}

static void
put_soa(enum changeset_op op, uint32_t serial)
{
	char text[100];

	snprintf(text, sizeof(text),
		 "@ SOA ns.example. host %u 3600 600 86400 300\n",
		 (unsigned)serial);
	put_line(op, text);
}

static int
apply(const char *zone, const char *const *lines)
{
	const struct changeset *list[] = {&change};
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p;
	enum changeset_op op = CHANGESET_DELETE;
	uint32_t serial = 1;

	p = zonefile_params(zonefile_name("example.", apex));
	p.limits.records = limit;
	stop(NULL);
	base = zonefile_image("example.", zone);
	put_soa(CHANGESET_SOA_FROM, serial);
	for (; *lines != NULL; lines++) {
		char text[300];

		if ((*lines)[0] != '-' && op == CHANGESET_DELETE) {
			put_soa(CHANGESET_SOA_TO, ++serial);
			op = CHANGESET_ADD;
		}
		if ((*lines)[0] == '=') {
			put_soa(CHANGESET_SOA_FROM, serial);
			op = CHANGESET_DELETE;
			continue;
		}
		snprintf(text, sizeof(text), "%s\n", *lines + 2);
		put_line(op, text);
	}
	if (op == CHANGESET_DELETE) {
		put_soa(CHANGESET_SOA_TO, ++serial);
	}
	return zonefile_change(&p, base, list, 1, &changed, &report);
}

#define LINES(...)                                                             \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

static void
refuse(const char *zone, const char *const *lines, const char *reason)
{
	assert_int_equal(apply(zone, lines), SECD_EMISMATCH);
	assert_null(changed);
	assert_string_equal(report.reason, reason);
}

static void
accept(const char *zone, const char *const *lines)
{
	if (apply(zone, lines) != SECD_OK) {
		fail_msg("refused: %s", report.reason);
	}
	assert_int_equal(image_verify(changed), SECD_OK);
}

static const struct rrset *
changed_rrset(const char *name, uint16_t type)
{
	const struct node *n = zonefile_find(changed, name);

	return n != NULL ? node_find(n, type) : NULL;
}

static void
deleting_what_is_not_there_is_refused(void **state)
{
	(void)state;
	refuse(APEX, LINES("- a A 192.0.2.1"),
	       "deletion of what is not there, of type A at a.example.");
	refuse(APEX, LINES("- ns A 192.0.2.2"),
	       "deletion of what is not there, of type A at ns.example.");
	refuse(APEX, LINES("- ns A 192.0.2.1", "=", "- ns A 192.0.2.1"),
	       "deletion of what is not there, of type A at ns.example.");
	refuse(APEX "b.a A 192.0.2.1\n", LINES("- a TXT x"),
	       "deletion of what is not there, of type TXT at a.example.");
	refuse(APEX, LINES("- ns A 192.0.2.1", "- ns A 192.0.2.1"),
	       "deletion of what is not there, of type A at ns.example.");
}

static void
adding_what_is_there_is_refused(void **state)
{
	(void)state;
	refuse(APEX, LINES("+ ns 60 A 192.0.2.1"),
	       "addition of what is there already, of type A at ns.example.");
	refuse(APEX, LINES("+ a A 192.0.2.1", "+ a A 192.0.2.1"),
	       "addition of what is there already, of type A at a.example.");
	refuse(APEX, LINES("+ a A 192.0.2.1", "=", "+ a A 192.0.2.1"),
	       "addition of what is there already, of type A at a.example.");
	refuse(APEX "m MX 1 A.b.\n", LINES("+ M MX 1 a.B."),
	       "addition of what is there already, of type MX at M.example.");
}

static void
changes_from_another_serial_are_refused(void **state)
{
	const struct changeset *list[] = {&change, &change};
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p =
	    zonefile_params(zonefile_name("example.", apex));

	(void)state;
	accept(APEX, LINES("+ a A 192.0.2.1"));
	image_unref(base);
	base = changed;
	changed = NULL;
	assert_int_equal(zonefile_change(&p, base, list, 1, &changed, &report),
			 SECD_EMISMATCH);
	assert_string_equal(
	    report.reason, "changes from serial 1, while it is 2, at example.");
	image_unref(base);
	base = zonefile_image("example.", APEX);
	assert_int_equal(zonefile_change(&p, base, list, 2, &changed, &report),
			 SECD_EMISMATCH);
	put_soa(CHANGESET_SOA_FROM, 2);
	assert_int_equal(zonefile_change(&p, base, list, 1, &changed, &report),
			 SECD_EMALF);
	assert_string_equal(report.reason, "incomplete changes at example.");
	assert_null(changed);
}

static void
changes_from_another_soa_of_the_same_serial_are_refused(void **state)
{
	(void)state;
	refuse("@ SOA ns.example. other 1 3600 600 86400 300\n"
	       "@ NS ns\n"
	       "ns A 192.0.2.1\n",
	       LINES("+ a A 192.0.2.1"),
	       "deletion of what is not there, of type SOA at example.");
}

static void
changes_outside_of_the_zone_are_refused(void **state)
{
	(void)state;
	assert_int_equal(apply(APEX, LINES("+ a.org. A 192.0.2.1", "=",
					   "- a.org. A 192.0.2.1")),
			 SECD_EMALF);
	assert_string_equal(report.reason,
			    "change outside of the zone of type A at a.org.");
}

static void
what_makes_no_zone_is_refused(void **state)
{
	(void)state;
	assert_int_equal(apply(APEX, LINES("- @ NS ns")), SECD_EMALF);
	assert_string_equal(report.reason, "no NS at example.");
	assert_int_equal(apply(APEX, LINES("+ ns CNAME x.")), SECD_EMALF);
	assert_string_equal(report.reason,
			    "CNAME beside other data at ns.example.");
	assert_null(changed);
}

static void
a_change_is_judged_by_the_records_that_it_leaves(void **state)
{
	(void)state;
	limit = 3;
	accept(APEX, LINES("+ a A 192.0.2.1", "=", "- ns A 192.0.2.1"));
	assert_int_equal(apply(APEX, LINES("+ a A 192.0.2.1")), SECD_ELIMIT);
	assert_string_equal(report.reason, "more than 3 records at example.");
	/* What does not apply is that in the first place. */
	refuse(APEX, LINES("- x A 192.0.2.1", "+ a A 192.0.2.1"),
	       "deletion of what is not there, of type A at x.example.");
	limit = 0;
}

static void
a_step_may_make_what_a_later_one_mends(void **state)
{
	(void)state;
	accept(APEX, LINES("- @ NS ns", "+ ns CNAME x.", "=", "- ns CNAME x.",
			   "+ @ NS b"));
	assert_int_equal(image_serial(changed), 3);
	assert_int_equal(image_record_count(changed), 3);
}

static void
no_change_but_the_serial_is_a_change(void **state)
{
	(void)state;
	accept(APEX "a A 192.0.2.1\n", LINES("=", "="));
	assert_int_equal(image_serial(changed), 4);
	assert_int_equal(image_record_count(changed), 4);
}

static void
no_changesets_give_the_same_image(void **state)
{
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p =
	    zonefile_params(zonefile_name("example.", apex));

	(void)state;
	base = zonefile_image("example.", APEX "a.b A 192.0.2.1\n");
	assert_int_equal(zonefile_change(&p, base, NULL, 0, &changed, &report),
			 SECD_OK);
	assert_same_octets(base, changed);
}

static void
the_record_added_last_gives_the_ttl(void **state)
{
	(void)state;
	accept(APEX "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n",
	       LINES("+ a 30 A 192.0.2.3", "+ a 90 A 192.0.2.0"));
	assert_int_equal(rrset_ttl(changed_rrset("a.example.", RR_TYPE_A)), 90);
	/* Gone again, but that TTL was the RRset's. */
	accept(APEX "a 60 A 192.0.2.1\n",
	       LINES("+ a 30 A 192.0.2.3", "=", "- a A 192.0.2.3"));
	assert_int_equal(rrset_ttl(changed_rrset("a.example.", RR_TYPE_A)), 30);
	accept(APEX "a 60 A 192.0.2.1\n",
	       LINES("- a 60 A 192.0.2.1", "+ a 61 A 192.0.2.1"));
	assert_int_equal(rrset_ttl(changed_rrset("a.example.", RR_TYPE_A)), 61);
	accept(APEX "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n",
	       LINES("- a 5 A 192.0.2.1"));
	assert_int_equal(rrset_ttl(changed_rrset("a.example.", RR_TYPE_A)), 60);
}

static void
an_owner_takes_the_case_of_what_was_added(void **state)
{
	(void)state;
	accept(APEX "www A 192.0.2.1\n",
	       LINES("- www A 192.0.2.1", "+ WWW A 192.0.2.1"));
	assert_memory_equal(zonefile_find(changed, "www.example.")->owner,
			    "\3WWW", 4);
	accept(APEX "wWw A 192.0.2.1\nwww A 192.0.2.2\n",
	       LINES("- WWW A 192.0.2.1"));
	assert_memory_equal(zonefile_find(changed, "www.example.")->owner,
			    "\3www", 4);
}

static void
glue_follows_a_change_of_its_address(void **state)
{
	const struct rrset *ns;

	(void)state;
	accept(APEX "s NS a.s\na.s A 192.0.2.1\n",
	       LINES("+ a.s A 192.0.2.2", "+ a.s AAAA ::1"));
	ns = changed_rrset("s.example.", RR_TYPE_NS);
	assert_int_equal(ns->glue_count, 3);
	accept(APEX "s NS a.s\na.s A 192.0.2.1\n", LINES("- a.s A 192.0.2.1"));
	ns = changed_rrset("s.example.", RR_TYPE_NS);
	assert_int_equal(ns->glue_count, 0);
	assert_null(zonefile_find(changed, "a.s.example."));
}

static void
a_cut_that_comes_or_goes_changes_all_below(void **state)
{
	const struct node *n;

	(void)state;
	accept(APEX "x.y.s A 192.0.2.1\n*.s A 192.0.2.1\n",
	       LINES("+ s NS x.y.s"));
	n = zonefile_find(changed, "x.y.s.example.");
	assert_int_equal(n->flags, NODE_OCCLUDED);
	assert_int_equal(n->barrier_labels, 2);
	assert_int_equal(zonefile_find(changed, "y.s.example.")->flags,
			 NODE_OCCLUDED | NODE_EMPTY);
	assert_int_equal(zonefile_find(changed, "s.example.")->flags, NODE_CUT);
	assert_int_equal(changed_rrset("s.example.", RR_TYPE_NS)->glue_count,
			 1);
	accept(APEX "s NS x.y.s\nx.y.s A 192.0.2.1\n*.s A 192.0.2.1\n",
	       LINES("- s NS x.y.s"));
	n = zonefile_find(changed, "x.y.s.example.");
	assert_int_equal(n->flags, 0);
	assert_int_equal(n->barrier_labels, 0);
	assert_int_equal(zonefile_find(changed, "s.example.")->flags,
			 NODE_EMPTY | NODE_WILDCARD_CHILD);
}

static void
a_wildcard_that_goes_is_forgotten_by_its_parent(void **state)
{
	(void)state;
	accept(APEX "w A 192.0.2.1\n*.w A 192.0.2.1\n",
	       LINES("- *.w A 192.0.2.1"));
	assert_int_equal(zonefile_find(changed, "w.example.")->flags, 0);
	accept(APEX "w A 192.0.2.1\n", LINES("+ *.w A 192.0.2.1"));
	assert_int_equal(zonefile_find(changed, "w.example.")->flags,
			 NODE_WILDCARD_CHILD);
}

static void
empty_non_terminals_come_and_go(void **state)
{
	(void)state;
	accept(APEX, LINES("+ a.B.c A 192.0.2.1"));
	assert_int_equal(zonefile_find(changed, "b.c.example.")->flags,
			 NODE_EMPTY);
	/* It is the same whatever name below it made it. */
	assert_memory_equal(zonefile_find(changed, "b.c.example.")->owner,
			    "\1b", 2);
	accept(APEX "a.b.c A 192.0.2.1\nc A 192.0.2.1\n",
	       LINES("- a.b.c A 192.0.2.1", "- c A 192.0.2.1"));
	assert_null(zonefile_find(changed, "b.c.example."));
	assert_null(zonefile_find(changed, "c.example."));
}

static void
other_nsec3_parameters_change_every_hash(void **state)
{
	const char *zone = APEX "@ NSEC3PARAM 1 0 1 aa\na A 192.0.2.1\n";
	uint8_t hash[NODE_NSEC3_HASH_LEN], name[NAME_LEN_MAX];
	const struct node *n;

	(void)state;
	accept(zone,
	       LINES("- @ NSEC3PARAM 1 0 1 aa", "+ @ NSEC3PARAM 1 0 2 bb"));
	n = zonefile_find(changed, "a.example.");
	nsec3_hash(zonefile_name("a.example.", name), 2,
		   (const uint8_t *)"\xbb", 1, hash);
	assert_memory_equal(node_own_hash(n), hash, sizeof(hash));
	accept(zone, LINES("- @ NSEC3PARAM 1 0 1 aa"));
	assert_null(node_own_hash(zonefile_find(changed, "a.example.")));
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_changes_give_the_image_of_the_changed_zone),
	    cmocka_unit_test(so_they_do_in_an_nsec_zone),
	    cmocka_unit_test(so_they_do_in_an_nsec3_zone),
	    TEST(deleting_what_is_not_there_is_refused),
	    TEST(adding_what_is_there_is_refused),
	    TEST(changes_from_another_serial_are_refused),
	    TEST(changes_from_another_soa_of_the_same_serial_are_refused),
	    TEST(changes_outside_of_the_zone_are_refused),
	    TEST(what_makes_no_zone_is_refused),
	    TEST(a_change_is_judged_by_the_records_that_it_leaves),
	    TEST(a_step_may_make_what_a_later_one_mends),
	    TEST(no_change_but_the_serial_is_a_change),
	    TEST(no_changesets_give_the_same_image),
	    TEST(the_record_added_last_gives_the_ttl),
	    TEST(an_owner_takes_the_case_of_what_was_added),
	    TEST(glue_follows_a_change_of_its_address),
	    TEST(a_cut_that_comes_or_goes_changes_all_below),
	    TEST(a_wildcard_that_goes_is_forgotten_by_its_parent),
	    TEST(empty_non_terminals_come_and_go),
	    TEST(other_nsec3_parameters_change_every_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
