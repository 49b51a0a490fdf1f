/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/change_ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "zone/build_internal.h"

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

/* Names below the apex differ soon behind what all of them share. */
static uint64_t
sort_key(const uint8_t *owner, size_t skip)
{
	uint8_t key[NAME_KEY_MAX], first[8] = {0};
	size_t len = name_key(owner, key) - skip;

	memcpy(first, key + skip, len < sizeof(first) ? len : sizeof(first));
	return get_u64(first);
}

static int
take_op(struct change_ops *ops, enum changeset_op kind, const struct rr *rr,
	const uint8_t *apex, size_t apex_key_len)
{
	bool is_soa = kind == CHANGESET_SOA_FROM || kind == CHANGESET_SOA_TO;
	struct change_op *op;

	if (is_soa && !name_equal(rr->owner, apex)) {
		return build_refuse(ops->report, SECD_EMALF, rr->owner,
				    "SOA of another zone");
	}
	if (!name_is_in(rr->owner, apex)) {
		return refuse_op(ops->report, SECD_EMALF, rr,
				 "change outside of the zone");
	}
	op = &ops->all[ops->count++];
	op->rr = *rr;
	op->seq = ops->count;
	op->key = sort_key(rr->owner, apex_key_len);
	/* The SOA before is deleted like any record: one with our serial and
	 * other contents is a history that is not ours. */
	op->adds = kind == CHANGESET_ADD || kind == CHANGESET_SOA_TO;
	return SECD_OK;
}

static int
compare_ops(const void *a, const void *b)
{
	const struct change_op *oa = a, *ob = b;
	int order;

	if (oa->key != ob->key) {
		return oa->key < ob->key ? -1 : 1;
	}
	order = name_compare(oa->rr.owner, ob->rr.owner);
	if (order != 0) {
		return order;
	}
	return (oa->seq > ob->seq) - (oa->seq < ob->seq);
}

/* Do the changesets follow each other from the base? */
static int
check_serials(const uint8_t *apex, uint32_t at,
	      const struct changeset *const *changesets, size_t count,
	      struct build_report *report)
{
	for (size_t i = 0; i < count; i++) {
		if (!changeset_is_complete(changesets[i])) {
			return build_refuse(report, SECD_EMALF, apex,
					    "incomplete changes");
		}
		if (changesets[i]->from != at) {
			return build_refuse(
			    report, SECD_EMISMATCH, apex,
			    "changes from serial %u, while it is %u,",
			    (unsigned)changesets[i]->from, (unsigned)at);
		}
		at = changesets[i]->to;
	}
	return SECD_OK;
}

static int
allocate(struct change_ops *ops, const struct changeset *const *changesets,
	 size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		total += changesets[i]->deleted + changesets[i]->added +
			 2 * (uint64_t)changesets[i]->step_count;
	}
	ops->all = reallocarray(NULL, (size_t)total + 1, sizeof(*ops->all));
	ops->reader = malloc(sizeof(*ops->reader));
	return ops->all == NULL || ops->reader == NULL ? SECD_ENOMEM : SECD_OK;
}

int
change_ops_init(struct change_ops *ops, const uint8_t *apex, uint32_t serial,
		const struct changeset *const *changesets, size_t count,
		struct build_report *report)
{
	uint8_t key[NAME_KEY_MAX];
	size_t key_len = name_key(apex, key);
	int rc = check_serials(apex, serial, changesets, count, report);

	ops->report = report;
	if (rc == SECD_OK) {
		rc = allocate(ops, changesets, count);
	}
	for (size_t i = 0; i < count && rc == SECD_OK; i++) {
		enum changeset_op kind;
		size_t pos = 0;
		struct rr rr;

		while (rc == SECD_OK &&
		       changeset_next(changesets[i], &pos, &kind, &rr)) {
			rc = take_op(ops, kind, &rr, apex, key_len);
		}
	}
	if (rc == SECD_OK) {
		qsort(ops->all, ops->count, sizeof(*ops->all), compare_ops);
	}
	return rc;
}

void
change_ops_fini(struct change_ops *ops)
{
	free(ops->all);
	free(ops->reader);
	owner_set_fini(&ops->before);
	buf_fini(&ops->merging);
	*ops = (struct change_ops){.all = NULL};
}

/*
 * One owner
 */

const uint8_t *
change_ops_owner(const struct change_ops *ops)
{
	return ops->next < ops->count ? ops->all[ops->next].rr.owner : NULL;
}

/* How many operations are the next owner's. */
static size_t
owner_ops(const struct change_ops *ops)
{
	const struct change_op *first = &ops->all[ops->next];
	size_t count = 1;

	while (ops->next + count < ops->count &&
	       first->key == first[count].key &&
	       name_equal(first->rr.owner, first[count].rr.owner)) {
		count++;
	}
	return count;
}

static int
compare_merging(const void *a, const void *b)
{
	const struct change_op *oa = a, *ob = b;
	int order = rr_compare(&oa->rr, &ob->rr);

	if (order != 0) {
		return order;
	}
	return (oa->seq > ob->seq) - (oa->seq < ob->seq);
}

/* Is it there after all operations on one record? They must alternate. */
static int
replay(struct build_report *report, const struct change_op *ops, size_t count,
       bool *present)
{
	*present = false;
	for (size_t i = 0; i < count; i++) {
		bool adds = ops[i].seq == 0 || ops[i].adds;

		if (adds && *present) {
			return refuse_op(report, SECD_EMISMATCH, &ops[i].rr,
					 "addition of what is there already,");
		}
		if (!adds && !*present) {
			return refuse_op(report, SECD_EMISMATCH, &ops[i].rr,
					 "deletion of what is not there,");
		}
		*present = adds;
	}
	return SECD_OK;
}

/* Operations on the RRset (or its RRSIGs) that `ops` starts with. */
static size_t
rrset_ops(const struct change_op *ops, size_t count)
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
last_ttl(const struct change_op *ops, size_t count)
{
	const struct change_op *last = NULL;

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
merge_rrset(struct build_report *report, const struct change_op *ops,
	    size_t count, struct owner_set *after)
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
		rc = replay(report, ops + i, n, &present);
		if (rc != SECD_OK) {
			return rc;
		}
		if (present) {
			rr = ops[i + n - 1].rr;
			rr.ttl = ttl;
			rr.owner = after->owner;
			rc = owner_set_add(after, &rr);
			if (rc != SECD_OK) {
				return rc;
			}
		}
		i += n;
	}
	return SECD_OK;
}

/* Put what there is of an owner, then its operations, into `merging`. */
static int
fill_merging(struct change_ops *ops, const struct node *n,
	     const struct change_op *own, size_t count)
{
	int rc = SECD_OK;

	buf_clear(&ops->merging);
	ops->before.count = 0;
	if (n != NULL) {
		rc = owner_set_read(&ops->before, n, ops->reader);
	}
	for (size_t i = 0; i < ops->before.count && rc == SECD_OK; i++) {
		struct change_op op = {.rr = ops->before.rrs[i]};

		op.rr.owner = ops->before.owner;
		rc = buf_put(&ops->merging, &op, sizeof(op));
	}
	return rc != SECD_OK
		   ? rc
		   : buf_put(&ops->merging, own, count * sizeof(*own));
}

int
change_ops_apply(struct change_ops *ops, const struct node *n,
		 struct owner_set *after)
{
	const struct change_op *own = &ops->all[ops->next];
	const uint8_t *owner = n != NULL ? n->owner : own->rr.owner;
	size_t count = owner_ops(ops), total, i = 0;
	struct change_op *merging;
	int rc;

	for (size_t j = 0; j < count; j++) {
		owner = own[j].adds ? own[j].rr.owner : owner;
	}
	owner_set_start(after, owner);
	rc = fill_merging(ops, n, own, count);
	if (rc != SECD_OK) {
		return rc;
	}
	merging = (void *)ops->merging.data;
	total = ops->merging.len / sizeof(*merging);
	qsort(merging, total, sizeof(*merging), compare_merging);
	while (i < total && rc == SECD_OK) {
		size_t in_rrset = rrset_ops(merging + i, total - i);

		rc = merge_rrset(ops->report, merging + i, in_rrset, after);
		i += in_rrset;
	}
	ops->next += count;
	return rc != SECD_OK ? rc : owner_set_seal(after);
}
