/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_apply.h"

#include <stdlib.h>

#include "base/error.h"
#include "server/zone_compact.h"
#include "zone/layering.h"

struct apply_job {
	struct job job; /* first */
	struct zone_entry *entry;
	void (*built)(struct zone_entry *e, struct zone_result *result);
	struct build_params params;
	struct spool *spool;  /* of an AXFR, or */
	struct version *base; /* what the changes apply to */
	bool is_layered;
	unsigned frozen;
	uint64_t seq; /* of the new version */
	struct build_report report;
	struct zone_result result;
};

/* An image is built: of the AXFR, or of the base and its changes. */
static void
build(struct job *job)
{
	struct apply_job *a = (struct apply_job *)job;
	struct zone_result *r = &a->result;
	const struct changeset *changes = &r->changes;
	struct image *im = NULL;

	if (a->spool != NULL) {
		r->rc = build_from_spool(&a->params, a->spool, &im, &a->report);
		spool_free(a->spool);
		a->spool = NULL;
	} else {
		r->rc = build_from_changes(&a->params, a->base, &changes, 1,
					   &im, &a->report);
	}
	if (r->rc == SECD_OK) {
		r->rc = version_new_take(a->seq, im, &r->version);
		if (r->rc != SECD_OK) {
			image_unref(im);
		}
	}
}

static void
lay(struct job *job)
{
	struct apply_job *a = (struct apply_job *)job;
	struct zone_result *r = &a->result;
	const struct changeset *changes = &r->changes;

	r->rc = layering_apply(&a->params, a->base, a->frozen, &changes, 1,
			       a->seq, &r->version, &a->report);
}

/* Or did it take too long? */
static bool
is_awaited(const struct apply_job *a)
{
	const struct zone_entry *e = a->entry;

	return !e->retired && e->activity == ZONE_BUILDING &&
	       e->action.attempt == a->result.attempt;
}

/* What is below the layers may have been compacted meanwhile. */
static void
rebase(struct apply_job *a)
{
	struct zone_result *r = &a->result;
	const struct version *now = a->entry->newest;
	struct version *v;

	if (version_image(now) == version_image(a->base)) {
		return;
	}
	r->rc = layering_rebase(r->version, a->frozen, now->image, &v);
	version_unref(r->version);
	r->version = r->rc == SECD_OK ? v : NULL;
}

static void
done(struct job *job)
{
	struct apply_job *a = (struct apply_job *)job;
	struct zone_entry *e = a->entry;

	if (!is_awaited(a)) {
		version_unref(a->result.version);
	} else if (a->is_layered && a->result.rc == SECD_EAGAIN) {
		a->is_layered = false;
		a->job.work = build;
		jobs_post(e->server->build, &a->job);
		return;
	} else {
		if (a->is_layered && a->result.rc == SECD_OK) {
			rebase(a);
		}
		a->result.reason = a->report.reason;
		a->built(e, &a->result);
	}
	version_unref(a->base);
	changeset_fini(&a->result.changes);
	free(a);
	zone_entry_release(e);
}

static struct apply_job *
job_new(struct zone_entry *e, uint32_t attempt,
	void (*built)(struct zone_entry *e, struct zone_result *result))
{
	struct apply_job *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		return NULL;
	}
	a->job.work = build;
	a->job.done = done;
	a->job.reply = &e->server->box;
	a->entry = e;
	a->built = built;
	a->seq = e->seq + 1;
	a->params = zone_build_params(e);
	a->result.attempt = attempt;
	zone_entry_hold(e);
	return a;
}

int
zone_apply_spool(struct zone_entry *e, uint32_t attempt, struct spool *spool,
		 void (*built)(struct zone_entry *e,
			       struct zone_result *result))
{
	struct apply_job *a = job_new(e, attempt, built);

	if (a == NULL) {
		return SECD_ENOMEM;
	}
	a->spool = spool;
	jobs_post(e->server->build, &a->job);
	return SECD_OK;
}

int
zone_apply_changes(struct zone_entry *e, uint32_t attempt,
		   struct changeset *changes,
		   void (*built)(struct zone_entry *e,
				 struct zone_result *result))
{
	struct version *v = e->newest;
	struct apply_job *a;

	if (v == NULL) {
		return SECD_EMISMATCH;
	}
	a = job_new(e, attempt, built);
	if (a == NULL) {
		return SECD_ENOMEM;
	}
	a->base = version_ref(v);
	a->frozen = zone_compact_frozen(e);
	a->result.changes = *changes;
	*changes = (struct changeset){0};
	if (image_is_file(version_image(v)) &&
	    a->frozen <= VERSION_LAYERS_MAX - 2) {
		a->is_layered = true;
		a->job.work = lay;
	}
	/* A small image is built as quickly as changes are laid over a large
	 * one; what waits for a compaction goes behind it. */
	jobs_post(a->is_layered || !image_is_file(version_image(v))
		      ? e->server->apply
		      : e->server->build,
		  &a->job);
	return SECD_OK;
}
