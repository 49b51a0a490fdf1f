/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "version_check.h"
#include "zone/difference.h"
#include "zone/layering.h"
#include "zone_model.h"
#include "zonefile.h"

#define ROUNDS 60
#define STEPS  12

static void
collect(struct version *from, struct version *to, const struct buf *owners,
	struct changeset *cs)
{
	struct difference *d;
	enum changeset_op op;
	struct rr rr;
	int rc;

	assert_int_equal(difference_new(from, to, owners, &d), SECD_OK);
	while ((rc = difference_next(d, &op, &rr)) == SECD_OK) {
		assert_int_equal(changeset_put(cs, op, &rr), SECD_OK);
	}
	assert_int_equal(rc, SECD_ENOTFOUND);
	assert_int_equal(difference_next(d, &op, &rr), SECD_ENOTFOUND);
	assert_true(changeset_is_complete(cs));
	difference_free(d);
}

/* An image of all that a version has, without layers. */
static struct image *
image_of(const struct build_params *p, const struct version *v)
{
	struct build_report report;
	struct image *im;

	assert_int_equal(build_from_changes(p, v, NULL, 0, &im, &report),
			 SECD_OK);
	return im;
}

/* Does the difference lead from one to the other? */
static void
check_way(const struct build_params *p, struct version *from,
	  struct version *to, const struct changeset *cs)
{
	struct image *expected = image_of(p, to), *im;
	struct build_report report;
	char failure[256];

	if (build_from_changes(p, from, &cs, 1, &im, &report) != SECD_OK) {
		fail_msg("%s", report.reason);
	}
	if (!version_check_image(im, expected, failure, sizeof(failure))) {
		fail_msg("%s", failure);
	}
	image_unref(im);
	image_unref(expected);
}

static void
check_difference(const struct build_params *p, struct version *from,
		 struct version *to, const struct buf *owners)
{
	struct changeset all = {0}, some = {0}, back = {0};

	collect(from, to, NULL, &all);
	collect(from, to, owners, &some);
	assert_int_equal(all.octets.len, some.octets.len);
	assert_memory_equal(all.octets.data, some.octets.data, all.octets.len);
	check_way(p, from, to, &all);
	collect(to, from, owners, &back);
	assert_int_equal(back.deleted, all.added);
	assert_int_equal(back.added, all.deleted);
	check_way(p, to, from, &back);
	changeset_fini(&all);
	changeset_fini(&some);
	changeset_fini(&back);
}

/* NULL: random changes have made it a bad zone. */
static struct version *
advance(const struct build_params *p, struct version *v, struct changeset *cs)
{
	const struct changeset *list = cs;
	struct build_report report;
	struct version *next;
	struct image *im;
	int rc = layering_apply(p, v, 0, &list, 1, version_seq(v) + 1, &next,
				&report);

	if (rc == SECD_EAGAIN) {
		rc = build_from_changes(p, v, &list, 1, &im, &report);
		if (rc == SECD_OK) {
			rc = version_new_take(version_seq(v) + 1, im, &next);
		}
	}
	return rc == SECD_OK ? next : NULL;
}

static void
differences_lead_there_and_back(void **state)
{
	unsigned steps = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct rnd r = {round};
		struct build_params p;
		struct build_report report;
		struct version *v, *first;
		struct buf owners = {0};
		struct model m;
		struct image *im;

		model_init(&m, "example.", (enum model_signing)(round % 3));
		model_fill(&m, &r, 60);
		p = zonefile_params(m.apex);
		assert_int_equal(model_build(&m, &p, &r, 1 << 20, &im, &report),
				 SECD_OK);
		assert_int_equal(version_new_take(1, im, &v), SECD_OK);
		first = version_ref(v);
		for (unsigned step = 0; step < STEPS; step++) {
			struct buf these = {0};
			struct changeset cs = {0};
			struct version *next;

			model_step(&m, &r, &cs);
			assert_int_equal(difference_owners(&cs, &these),
					 SECD_OK);
			buf_put(&owners, these.data, these.len);
			next = advance(&p, v, &cs);
			if (next != NULL) {
				check_difference(&p, v, next, &these);
				version_unref(v);
				v = next;
				steps++;
			}
			changeset_fini(&cs);
			buf_fini(&these);
			if (next == NULL) {
				break;
			}
		}
		check_difference(&p, first, v, &owners);
		version_unref(first);
		version_unref(v);
		buf_fini(&owners);
		model_fini(&m);
	}
	assert_true(steps > ROUNDS * STEPS / 2);
}

static struct version *
version_of(const char *text)
{
	struct version *v;

	assert_int_equal(
	    version_new_take(1, zonefile_image("example.", text), &v), SECD_OK);
	return v;
}

#define APEX                                                                   \
	"@ SOA ns.example. host 1 3600 600 86400 300\n"                        \
	"@ NS ns\n"

static void
check_counts(const char *before, const char *after, uint64_t deleted,
	     uint64_t added)
{
	struct version *a = version_of(before), *b = version_of(after);
	struct changeset cs = {0};

	collect(a, b, NULL, &cs);
	assert_int_equal(cs.step_count, 1);
	assert_int_equal(cs.deleted, deleted);
	assert_int_equal(cs.added, added);
	changeset_fini(&cs);
	version_unref(a);
	version_unref(b);
}

static void
every_octet_counts(void **state)
{
	(void)state;
	check_counts(APEX "a A 192.0.2.1\n", APEX "a A 192.0.2.1\n", 0, 0);
	check_counts(APEX "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n",
		     APEX "a 90 A 192.0.2.1\na 90 A 192.0.2.2\n", 2, 2);
	check_counts(APEX "a A 192.0.2.1\n", APEX "A A 192.0.2.1\n", 1, 1);
	check_counts(APEX "a NS b\n", APEX "a NS B\n", 1, 1);
	check_counts(APEX "a A 192.0.2.1\n",
		     APEX "a A 192.0.2.1\nb A 192.0.2.1\n", 0, 1);
	check_counts(APEX "a A 192.0.2.1\na TXT x\nc TXT y\n",
		     APEX "a A 192.0.2.1\n", 2, 0);
}

static void
a_soa_is_no_deletion_and_no_addition(void **state)
{
	static const char other[] =
	    "@ SOA ns.example. host 7 3600 600 86400 300\n@ NS ns\n";
	struct version *a = version_of(APEX), *b = version_of(other);
	struct changeset cs = {0};

	(void)state;
	collect(a, b, NULL, &cs);
	assert_int_equal(cs.from, 1);
	assert_int_equal(cs.to, 7);
	assert_int_equal(cs.deleted + cs.added, 0);
	changeset_fini(&cs);
	version_unref(a);
	version_unref(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(differences_lead_there_and_back),
	    cmocka_unit_test(every_octet_counts),
	    cmocka_unit_test(a_soa_is_no_deletion_and_no_addition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
