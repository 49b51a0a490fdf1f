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
#include "changing.h"
#include "version_check.h"
#include "zone/layering.h"

#define CHANGESETS 2

struct world {
	struct changing_result *result;
	struct model model;
	struct model saved; /* as it was before what is gathered */
	struct build_params params;
	struct layering_limits limits;
	struct version *version;
	struct image *fresh; /* of the same records */
	unsigned frozen;
	struct version *compacting;
	struct image *compacting_fresh;
	uint64_t seq;

	struct changeset gathered[CHANGESETS];
	unsigned used;
	bool has_step, adds; /* of the step that is gathered */
	struct zonefile put_back;
};

/* Note what failed, once. */
__attribute__((format(printf, 2, 3))) static bool
fail_with(struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->result->failure, sizeof(w->result->failure), format, args);
	va_end(args);
	return false;
}

static void
copy_model(struct model *to, const struct model *from)
{
	struct zonefile z = {0};

	for (size_t i = 0; i < from->zone.count; i++) {
		zonefile_add(&z, &from->zone.rrs[i]);
	}
	model_fini(to);
	*to = *from;
	to->zone = z;
}

/*
 * Gathering
 */

static struct changeset *
open_changeset(struct world *w)
{
	return &w->gathered[w->used - 1];
}

static void
put(struct world *w, enum changeset_op op, const struct rr *rr)
{
	assert_int_equal(changeset_put(open_changeset(w), op, rr), SECD_OK);
	w->result->changes += op == CHANGESET_ADD || op == CHANGESET_DELETE;
}

static void
begin_step(struct world *w)
{
	struct model *m = &w->model;

	if (w->used == 0) {
		w->used = 1;
	}
	put(w, CHANGESET_SOA_FROM, &m->zone.rrs[model_soa(m)]);
	w->has_step = true;
	w->adds = false;
}

static void
begin_adding(struct world *w)
{
	struct model *m = &w->model;

	if (w->adds) {
		return;
	}
	if (!w->has_step) {
		begin_step(w);
	}
	model_raise_serial(m);
	put(w, CHANGESET_SOA_TO, &m->zone.rrs[model_soa(m)]);
	w->adds = true;
	for (size_t i = 0; i < w->put_back.count; i++) {
		if (model_add(m, &w->put_back.rrs[i])) {
			put(w, CHANGESET_ADD, &w->put_back.rrs[i]);
		}
	}
	zonefile_free(&w->put_back);
}

static void
end_step(struct world *w)
{
	if (w->has_step) {
		begin_adding(w);
	}
	w->has_step = false;
	w->adds = false;
}

static void
begin_deleting(struct world *w)
{
	if (w->adds) {
		end_step(w);
	}
	if (!w->has_step) {
		begin_step(w);
	}
}

static void
add(struct world *w, struct rnd *r)
{
	uint8_t owner[NAME_LEN_MAX], rdata[256];
	struct rr rr;

	model_random_rr(&w->model, r, &rr, owner, rdata);
	if (rnd_below(r, 50) > 0 && model_conflicts(&w->model, &rr)) {
		return;
	}
	begin_adding(w);
	if (model_add(&w->model, &rr)) {
		put(w, CHANGESET_ADD, &rr);
	}
}

/* What a zone should seldom be without. */
static bool
is_precious(const struct world *w, size_t i)
{
	const struct rr *rr = &w->model.zone.rrs[i];

	return name_equal(rr->owner, w->model.apex) &&
	       (rr->type == RR_TYPE_NS || rr->type == RR_TYPE_NSEC ||
		rr->type == RR_TYPE_NSEC3PARAM);
}

static void
delete_record(struct world *w, size_t i)
{
	put(w, CHANGESET_DELETE, &w->model.zone.rrs[i]);
	model_delete(&w->model, i);
}

static void
delete_one(struct world *w, struct rnd *r, bool again)
{
	size_t last = w->model.zone.count - 1;
	/* What came last often goes again, perhaps in the same changeset. */
	size_t i =
	    rnd_below(r, 5) == 0 ? last : rnd_below(r, (unsigned)last + 1);

	if (i == model_soa(&w->model) ||
	    (is_precious(w, i) && rnd_below(r, 30) > 0)) {
		return;
	}
	begin_deleting(w);
	if (again) {
		struct rr rr = w->model.zone.rrs[i];

		rr.ttl += 1000;
		zonefile_add(&w->put_back, &rr);
	}
	delete_record(w, i);
}

static void
sweep(struct world *w, struct rnd *r)
{
	uint8_t top[NAME_LEN_MAX];
	size_t i = rnd_below(r, (unsigned)w->model.zone.count);
	const uint8_t *owner = w->model.zone.rrs[i].owner;

	if (name_equal(owner, w->model.apex)) {
		return;
	}
	memcpy(top, owner, name_len(owner));
	begin_deleting(w);
	for (i = w->model.zone.count; i-- > 0;) {
		if (name_is_in(w->model.zone.rrs[i].owner, top)) {
			delete_record(w, i);
		}
	}
}

/* A record that cannot be deleted, or one that cannot be added. */
static void
put_bad(struct world *w, struct rnd *r)
{
	uint8_t owner[NAME_LEN_MAX], rdata[256];
	struct rr rr;

	if (rnd_below(r, 2) > 0) {
		model_random_rr(&w->model, r, &rr, owner, rdata);
		if (!model_has(&w->model, &rr)) {
			begin_deleting(w);
			put(w, CHANGESET_DELETE, &rr);
		}
		return;
	}
	begin_adding(w);
	rr = w->model.zone.rrs[rnd_below(r, (unsigned)w->model.zone.count)];
	if (rr.type != RR_TYPE_SOA) {
		put(w, CHANGESET_ADD, &rr);
	}
}

static void
split(struct world *w)
{
	end_step(w);
	if (w->used > 0 && w->used < CHANGESETS &&
	    changeset_is_complete(open_changeset(w))) {
		w->used++;
	}
}

/*
 * Applying
 */

static void
forget_gathered(struct world *w)
{
	for (unsigned i = 0; i < CHANGESETS; i++) {
		changeset_fini(&w->gathered[i]);
	}
	zonefile_free(&w->put_back);
	w->used = 0;
	w->has_step = false;
	w->adds = false;
}

static void
end_compaction(struct world *w)
{
	version_unref(w->compacting);
	image_unref(w->compacting_fresh);
	w->compacting = NULL;
	w->compacting_fresh = NULL;
	w->frozen = 0;
}

static void
replace(struct world *w, struct version *v)
{
	version_unref(w->version);
	w->version = v;
}

/* What both ways came to. */
struct verdicts {
	int built, laid;
	struct build_report build_report, layer_report;
	struct image *image;
	struct version *version;
};

static bool
check_verdicts(struct world *w, const struct verdicts *v)
{
	if (v->laid == SECD_EAGAIN) {
		return true;
	}
	if (v->laid != v->built) {
		return fail_with(w, "layers: %d %s, a build: %d %s", v->laid,
				 v->layer_report.reason, v->built,
				 v->build_report.reason);
	}
	if (strcmp(v->layer_report.reason, v->build_report.reason) != 0 ||
	    v->layer_report.records != v->build_report.records) {
		return fail_with(w, "layers report %s, a build: %s",
				 v->layer_report.reason,
				 v->build_report.reason);
	}
	return true;
}

static bool
take_version(struct world *w, struct verdicts *v)
{
	struct build_report report;
	struct image *fresh;

	assert_int_equal(
	    model_build(&w->model, &w->params, NULL, 1 << 16, &fresh, &report),
	    SECD_OK);
	image_unref(w->fresh);
	w->fresh = fresh;
	if (v->laid == SECD_OK) {
		w->result->applied++;
		w->result->folded += version_layer_count(v->version) > 1;
		replace(w, v->version);
		v->version = NULL;
	} else {
		w->result->rebuilt++;
		end_compaction(w);
		version_unref(w->version);
		assert_int_equal(
		    version_new(w->seq, v->image, NULL, 0, &w->version),
		    SECD_OK);
	}
	w->seq++;
	copy_model(&w->saved, &w->model);
	return version_check_image(v->image, w->fresh, w->result->failure,
				   sizeof(w->result->failure));
}

static bool
check_version(struct world *w, struct rnd *r)
{
	char *failure = w->result->failure;
	size_t size = sizeof(w->result->failure);

	if (version_record_count(w->version) != w->saved.zone.count) {
		return fail_with(w, "counts %u records",
				 (unsigned)version_record_count(w->version));
	}
	if (rnd_below(r, 32) == 0) {
		model_check(&w->saved, w->fresh);
	}
	return version_check_records(w->version, &w->saved, failure, size) &&
	       version_check_layers(w->version, failure, size) &&
	       version_check_same(w->version, w->fresh, failure, size) &&
	       version_check_denial(w->version, &w->saved, r, failure, size) &&
	       version_check_answers(w->version, w->fresh, r, failure, size);
}

static bool
apply(struct world *w, struct rnd *r)
{
	const struct changeset *list[CHANGESETS];
	struct verdicts v = {.image = NULL};
	bool good;

	end_step(w);
	if (w->used == 0 || !changeset_is_complete(open_changeset(w))) {
		begin_step(w);
		end_step(w);
	}
	for (unsigned i = 0; i < w->used; i++) {
		list[i] = &w->gathered[i];
	}
	if (rnd_below(r, 40) == 0) {
		w->params.limits.records = w->model.zone.count - 1;
	}
	v.built = build_from_changes(&w->params, w->version, list, w->used,
				     &v.image, &v.build_report);
	v.laid = layering_apply_within(&w->limits, &w->params, w->version,
				       w->frozen, list, w->used, w->seq,
				       &v.version, &v.layer_report);
	w->params.limits.records = 0;
	good = check_verdicts(w, &v);
	if (good && v.built == SECD_OK) {
		good = take_version(w, &v);
	} else if (good) {
		w->result->refused++;
		copy_model(&w->model, &w->saved);
	}
	image_unref(v.image);
	version_unref(v.version);
	forget_gathered(w);
	return good && check_version(w, r);
}

static void
freeze(struct world *w)
{
	unsigned count = version_layer_count(w->version);

	if (w->compacting == NULL && count > 0) {
		w->frozen = count;
		w->compacting = version_ref(w->version);
		w->compacting_fresh = image_ref(w->fresh);
	}
}

static bool
compact(struct world *w, struct rnd *r)
{
	struct build_report report;
	struct version *v;
	struct image *im;
	bool good;

	if (w->compacting == NULL) {
		return true;
	}
	if (build_from_changes(&w->params, w->compacting, NULL, 0, &im,
			       &report) != SECD_OK) {
		return fail_with(w, "compaction: %s", report.reason);
	}
	good = version_check_image(im, w->compacting_fresh, w->result->failure,
				   sizeof(w->result->failure));
	assert_int_equal(layering_rebase(w->version, w->frozen, im, &v),
			 SECD_OK);
	image_unref(im);
	replace(w, v);
	end_compaction(w);
	return good && check_version(w, r);
}

static void
change_limits(struct world *w, struct rnd *r)
{
	w->limits = (struct layering_limits){
	    .small_nodes = 1 + rnd_below(r, 12),
	    .range_names = rnd_below(r, 3) == 0 ? rnd_below(r, 4) : 200,
	    .nodes = 10 + rnd_below(r, 200),
	    .tombstones = 1 + rnd_below(r, 40),
	};
}

/*
 * Running
 */

static bool
run_op(struct world *w, const struct changing_op *op)
{
	struct rnd r = {op->seed};

	switch (op->kind) {
	case CHANGING_ADD:
		add(w, &r);
		break;
	case CHANGING_DELETE:
	case CHANGING_TTL:
		delete_one(w, &r, op->kind == CHANGING_TTL);
		break;
	case CHANGING_SWEEP:
		sweep(w, &r);
		break;
	case CHANGING_STEP:
		end_step(w);
		break;
	case CHANGING_SPLIT:
		split(w);
		break;
	case CHANGING_BAD:
		put_bad(w, &r);
		break;
	case CHANGING_APPLY:
		return apply(w, &r);
	case CHANGING_FREEZE:
		freeze(w);
		break;
	case CHANGING_COMPACT:
		return compact(w, &r);
	case CHANGING_THAW:
		end_compaction(w);
		break;
	case CHANGING_LIMITS:
		change_limits(w, &r);
		break;
	}
	return true;
}

static void
start(struct world *w, const char *apex, enum model_signing signing)
{
	struct build_report report;

	model_init(&w->model, apex, signing);
	w->model.is_dense = true;
	w->params = zonefile_params(w->model.apex);
	w->limits = layering_defaults;
	w->limits.small_nodes = 8;
	assert_int_equal(model_build(&w->model, &w->params, NULL, 1 << 16,
				     &w->fresh, &report),
			 SECD_OK);
	w->seq = 2;
	assert_int_equal(version_new(1, w->fresh, NULL, 0, &w->version),
			 SECD_OK);
	copy_model(&w->saved, &w->model);
}

bool
changing_run(const char *apex, enum model_signing signing,
	     const struct changing_op *ops, size_t count,
	     struct changing_result *result)
{
	struct world w = {.result = result};
	bool good = true;

	*result = (struct changing_result){.at = 0};
	start(&w, apex, signing);
	for (size_t i = 0; i < count && good; i++) {
		result->at = i;
		good = run_op(&w, &ops[i]);
	}
	forget_gathered(&w);
	end_compaction(&w);
	version_unref(w.version);
	image_unref(w.fresh);
	model_fini(&w.model);
	model_fini(&w.saved);
	return good;
}

void
changing_make(uint64_t seed, struct changing_op *ops, size_t count)
{
	static const enum changing_kind kinds[] = {
	    CHANGING_ADD,     CHANGING_ADD,    CHANGING_ADD,    CHANGING_ADD,
	    CHANGING_ADD,     CHANGING_ADD,    CHANGING_ADD,    CHANGING_ADD,
	    CHANGING_ADD,     CHANGING_DELETE, CHANGING_DELETE, CHANGING_DELETE,
	    CHANGING_DELETE,  CHANGING_DELETE, CHANGING_TTL,    CHANGING_STEP,
	    CHANGING_APPLY,   CHANGING_APPLY,  CHANGING_APPLY,  CHANGING_APPLY,
	    CHANGING_COMPACT, CHANGING_FREEZE,
	};
	static const enum changing_kind rare[] = {
	    CHANGING_SWEEP, CHANGING_SWEEP, CHANGING_SWEEP,  CHANGING_SPLIT,
	    CHANGING_SPLIT, CHANGING_BAD,   CHANGING_LIMITS, CHANGING_THAW,
	};
	struct rnd r = {seed};

	for (size_t i = 0; i < count; i++) {
		ops[i].kind =
		    rnd_below(&r, 12) > 0
			? kinds[rnd_below(&r, sizeof(kinds) / sizeof(*kinds))]
			: rare[rnd_below(&r, sizeof(rare) / sizeof(*rare))];
		ops[i].seed = rnd_next(&r);
	}
}

/* Without the operations from `from` on, `len` of them. */
static bool
fails_without(const struct changing_op *ops, size_t count, size_t from,
	      size_t len,
	      bool (*fails)(const struct changing_op *ops, size_t count,
			    void *arg),
	      void *arg)
{
	struct changing_op *rest = calloc(count, sizeof(*rest));
	bool result;

	assert_non_null(rest);
	memcpy(rest, ops, from * sizeof(*ops));
	memcpy(rest + from, ops + from + len,
	       (count - from - len) * sizeof(*ops));
	result = fails(rest, count - len, arg);
	free(rest);
	return result;
}

size_t
changing_shrink(struct changing_op *ops, size_t count,
		bool (*fails)(const struct changing_op *ops, size_t count,
			      void *arg),
		void *arg)
{
	size_t before, len;

	do {
		before = count;
		for (len = count / 2 + 1; len > 0; len /= 2) {
			size_t from = 0;

			while (from + len <= count) {
				if (!fails_without(ops, count, from, len, fails,
						   arg)) {
					from += len;
					continue;
				}
				memmove(ops + from, ops + from + len,
					(count - from - len) * sizeof(*ops));
				count -= len;
			}
		}
	} while (count < before);
	return count;
}

void
changing_print(const struct changing_op *ops, size_t count)
{
	static const char *const names[] = {
	    "ADD", "DELETE", "SWEEP",  "TTL",     "STEP", "SPLIT",
	    "BAD", "APPLY",  "FREEZE", "COMPACT", "THAW", "LIMITS",
	};

	for (size_t i = 0; i < count; i++) {
		print_message("    {CHANGING_%s, UINT64_C(0x%llx)},\n",
			      names[ops[i].kind],
			      (unsigned long long)ops[i].seed);
	}
}
