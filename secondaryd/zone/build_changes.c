/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new image out of an image and changesets: nodes and operations in one
 * order, merged. Owners without operations are copied as they are.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/build_internal.h"
#include "zone/compose.h"

/* One operation; those of an owner are sorted by `seq` until it is its turn. */
struct op {
	struct rr rr;
	uint64_t seq; /* its place in the changesets, from 1; 0: in the base */
	bool adds;
};

struct ops {
	struct op *all; /* in order of owners, then of `seq` */
	size_t count;
	size_t next; /* the first one that is not applied yet */
};

struct work {
	const struct image *base;
	struct build_report *report;
	struct ops ops;
	struct compose compose;
	struct owner_set before; /* an owner's records in the base */
	struct owner_set after;
	struct buf merging; /* struct op: of one owner, base and operations */
	struct node_reader reader;
};

static int
refuse_op(struct build_report *report, int rc, const struct rr *rr,
	  const char *what)
{
	char text[16];

	return build_refuse(report, rc, rr->owner, "%s of type %s", what,
			    build_type_text(rr->type, text));
}

/*
 * Collecting and sorting
 */

static int
take_op(struct work *w, enum changeset_op kind, const struct rr *rr,
	const uint8_t *apex)
{
	bool is_soa = kind == CHANGESET_SOA_FROM || kind == CHANGESET_SOA_TO;
	struct op *op;

	if (is_soa && !name_equal(rr->owner, apex)) {
		return build_refuse(w->report, SECD_EMALF, rr->owner,
				    "SOA of another zone");
	}
	if (!name_is_in(rr->owner, apex)) {
		return refuse_op(w->report, SECD_EMALF, rr,
				 "change outside of the zone");
	}
	op = &w->ops.all[w->ops.count++];
	op->rr = *rr;
	op->seq = w->ops.count;
	/* The SOA before is deleted like any record: one with our serial and
	 * other contents is a history that is not ours. */
	op->adds = kind == CHANGESET_ADD || kind == CHANGESET_SOA_TO;
	return SECD_OK;
}

static int
compare_ops(const void *a, const void *b)
{
	const struct op *oa = a, *ob = b;
	int order = name_compare(oa->rr.owner, ob->rr.owner);

	if (order != 0) {
		return order;
	}
	return (oa->seq > ob->seq) - (oa->seq < ob->seq);
}

/* Do the changesets follow each other from the base? */
static int
check_serials(const struct work *w, const struct changeset *const *changesets,
	      size_t count)
{
	uint32_t at = image_serial(w->base);

	for (size_t i = 0; i < count; i++) {
		if (!changeset_is_complete(changesets[i])) {
			return build_refuse(w->report, SECD_EMALF,
					    image_apex(w->base),
					    "incomplete changes");
		}
		if (changesets[i]->from != at) {
			return build_refuse(
			    w->report, SECD_EMISMATCH, image_apex(w->base),
			    "changes from serial %u, while it is %u,",
			    (unsigned)changesets[i]->from, (unsigned)at);
		}
		at = changesets[i]->to;
	}
	return SECD_OK;
}

static int
collect(struct work *w, const struct changeset *const *changesets, size_t count)
{
	uint64_t total = 0;
	int rc = check_serials(w, changesets, count);

	if (rc != SECD_OK) {
		return rc;
	}
	for (size_t i = 0; i < count; i++) {
		total += changesets[i]->deleted + changesets[i]->added +
			 2 * (uint64_t)changesets[i]->step_count;
	}
	w->ops.all = calloc((size_t)total + 1, sizeof(*w->ops.all));
	if (w->ops.all == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		enum changeset_op kind;
		size_t pos = 0;
		struct rr rr;

		while (changeset_next(changesets[i], &pos, &kind, &rr)) {
			rc = take_op(w, kind, &rr, image_apex(w->base));
			if (rc != SECD_OK) {
				return rc;
			}
		}
	}
	qsort(w->ops.all, w->ops.count, sizeof(*w->ops.all), compare_ops);
	return SECD_OK;
}

/*
 * One owner
 */

static int
compare_merging(const void *a, const void *b)
{
	const struct op *oa = a, *ob = b;
	int order = rr_compare(&oa->rr, &ob->rr);

	if (order != 0) {
		return order;
	}
	return (oa->seq > ob->seq) - (oa->seq < ob->seq);
}

/* Is it there after all operations on one record? They must alternate. */
static int
replay(struct work *w, const struct op *ops, size_t count, bool *present)
{
	*present = false;
	for (size_t i = 0; i < count; i++) {
		bool adds = ops[i].seq == 0 || ops[i].adds;

		if (adds && *present) {
			return refuse_op(w->report, SECD_EMISMATCH, &ops[i].rr,
					 "addition of what is there already,");
		}
		if (!adds && !*present) {
			return refuse_op(w->report, SECD_EMISMATCH, &ops[i].rr,
					 "deletion of what is not there,");
		}
		*present = adds;
	}
	return SECD_OK;
}

/* Operations on the RRset (or its RRSIGs) that `ops` starts with. */
static size_t
rrset_ops(const struct op *ops, size_t count)
{
	size_t i = 1;

	while (i < count && ops[i].rr.type == ops[0].rr.type &&
	       rr_covered_type(&ops[i].rr) == rr_covered_type(&ops[0].rr)) {
		i++;
	}
	return i;
}

/* The RRset's TTL afterwards: of what was added last, else as it was. */
static uint32_t
last_ttl(const struct op *ops, size_t count)
{
	const struct op *last = NULL;

	for (size_t i = 0; i < count; i++) {
		if ((ops[i].seq == 0 || ops[i].adds) &&
		    (last == NULL || ops[i].seq >= last->seq)) {
			last = &ops[i];
		}
	}
	return last != NULL ? last->rr.ttl : 0;
}

/* Add the records of one RRset that are left to `after`. */
static int
merge_rrset(struct work *w, const struct op *ops, size_t count)
{
	uint32_t ttl = last_ttl(ops, count);
	size_t i = 0;

	while (i < count) {
		size_t n = 1;
		bool present;
		struct rr rr;
		int rc;

		while (i + n < count &&
		       rr_compare(&ops[i].rr, &ops[i + n].rr) == 0) {
			n++;
		}
		rc = replay(w, ops + i, n, &present);
		if (rc != SECD_OK) {
			return rc;
		}
		if (present) {
			rr = ops[i + n - 1].rr;
			rr.ttl = ttl;
			rr.owner = w->after.owner;
			rc = owner_set_add(&w->after, &rr);
			if (rc != SECD_OK) {
				return rc;
			}
		}
		i += n;
	}
	return SECD_OK;
}

static int
read_node(struct work *w, const struct node *n, struct owner_set *set)
{
	struct rr rr;

	owner_set_start(set, n->owner);
	node_reader_init(&w->reader, n);
	while (node_reader_next(&w->reader, &rr)) {
		int rc = owner_set_add(set, &rr);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	return owner_set_seal(set);
}

/* Put what the base holds of an owner into `merging`. */
static int
merge_in_base(struct work *w, const struct node *n)
{
	int rc = read_node(w, n, &w->before);

	for (size_t i = 0; i < w->before.count && rc == SECD_OK; i++) {
		struct op op = {.rr = w->before.rrs[i]};

		op.rr.owner = w->before.owner;
		rc = buf_put(&w->merging, &op, sizeof(op));
	}
	return rc;
}

/*
 * Apply the next `count` operations, all of one owner.
 *
 * n        its node in the base, or NULL
 */
static int
apply(struct work *w, const struct node *n, size_t count)
{
	const struct op *ops = &w->ops.all[w->ops.next];
	const uint8_t *owner = n != NULL ? n->owner : ops[0].rr.owner;
	struct op *merging;
	size_t total, i = 0;
	int rc;

	for (size_t j = 0; j < count; j++) {
		owner = ops[j].adds ? ops[j].rr.owner : owner;
	}
	owner_set_start(&w->after, owner);
	buf_clear(&w->merging);
	rc = n != NULL ? merge_in_base(w, n) : SECD_OK;
	if (rc == SECD_OK) {
		rc = buf_put(&w->merging, ops, count * sizeof(*ops));
	}
	if (rc != SECD_OK) {
		return rc;
	}
	merging = (void *)w->merging.data;
	total = w->merging.len / sizeof(*merging);
	qsort(merging, total, sizeof(*merging), compare_merging);
	while (i < total && rc == SECD_OK) {
		size_t in_rrset = rrset_ops(merging + i, total - i);

		rc = merge_rrset(w, merging + i, in_rrset);
		i += in_rrset;
	}
	w->ops.next += count;
	if (rc != SECD_OK || w->after.count == 0) {
		return rc; /* an owner without records is gone */
	}
	rc = owner_set_seal(&w->after);
	return rc != SECD_OK ? rc : compose_owner(&w->compose, &w->after);
}

/*
 * The walk
 */

static int
keep(struct work *w, const struct node *n)
{
	const struct op *next =
	    w->ops.next < w->ops.count ? &w->ops.all[w->ops.next] : NULL;
	bool same_below = next == NULL || !name_is_in(next->rr.owner, n->owner);
	bool copied;
	int rc;

	rc = compose_copy(&w->compose, n, same_below, &copied);
	if (rc != SECD_OK || copied) {
		return rc;
	}
	rc = read_node(w, n, &w->after);
	return rc != SECD_OK ? rc : compose_owner(&w->compose, &w->after);
}

/* The next node of the base that has records. */
static const struct node *
next_node(const struct work *w, const struct node *n)
{
	do {
		n = image_next(w->base, n);
	} while (n != NULL && (n->flags & NODE_EMPTY) != 0);
	return n;
}

static size_t
owner_ops(const struct ops *ops)
{
	const struct op *first = &ops->all[ops->next];
	size_t count = 1;

	while (ops->next + count < ops->count &&
	       name_equal(first->rr.owner, first[count].rr.owner)) {
		count++;
	}
	return count;
}

static int
merge(struct work *w)
{
	const struct node *n = next_node(w, NULL);
	int rc = SECD_OK;

	while (rc == SECD_OK && (n != NULL || w->ops.next < w->ops.count)) {
		int order = -1; /* no operation left */

		if (n == NULL) {
			order = 1;
		} else if (w->ops.next < w->ops.count) {
			order = name_compare(n->owner,
					     w->ops.all[w->ops.next].rr.owner);
		}
		if (order < 0) {
			rc = keep(w, n);
		} else {
			rc =
			    apply(w, order == 0 ? n : NULL, owner_ops(&w->ops));
		}
		if (order <= 0) {
			n = next_node(w, n);
		}
	}
	return rc;
}

static void
work_free(struct work *w)
{
	free(w->ops.all);
	owner_set_fini(&w->before);
	owner_set_fini(&w->after);
	buf_fini(&w->merging);
	free(w);
}

int
build_from_changes(const struct build_params *p, const struct image *base,
		   const struct changeset *const *changesets, size_t count,
		   struct image **out, struct build_report *report)
{
	struct work *w = calloc(1, sizeof(*w));
	int rc;

	*report = (struct build_report){.records = 0};
	if (w == NULL) {
		return SECD_ENOMEM;
	}
	w->base = base;
	w->report = report;
	rc = collect(w, changesets, count);
	if (rc != SECD_OK) {
		work_free(w);
		return build_explain(report, rc);
	}
	rc = compose_init(&w->compose, p, base, report);
	if (rc == SECD_OK) {
		rc = merge(w);
	}
	if (rc == SECD_OK) {
		rc = compose_finish(&w->compose, out);
	}
	compose_fini(&w->compose);
	work_free(w);
	return build_explain(report, rc);
}
