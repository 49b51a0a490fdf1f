/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_apply.h"

#include <stdlib.h>

#include "base/error.h"

struct apply_job {
	struct job job; /* first */
	struct zone_entry *entry;
	void (*built)(struct zone_entry *e, struct zone_result *result);
	struct build_params params;
	struct spool *spool;  /* of an AXFR, or */
	struct version *base; /* what the changes apply to */
	struct build_report report;
	struct zone_result result;
};

static void
work(struct job *job)
{
	struct apply_job *a = (struct apply_job *)job;
	struct zone_result *r = &a->result;
	const struct changeset *changes = &r->changes;

	if (a->spool != NULL) {
		r->rc = build_from_spool(&a->params, a->spool, &r->image,
					 &a->report);
		spool_free(a->spool);
		a->spool = NULL;
	} else {
		r->rc = build_from_changes(&a->params, a->base, &changes, 1,
					   &r->image, &a->report);
	}
	r->reason = a->report.reason;
}

static void
done(struct job *job)
{
	struct apply_job *a = (struct apply_job *)job;

	a->built(a->entry, &a->result);
	zone_entry_release(a->entry);
	version_unref(a->base);
	changeset_fini(&a->result.changes);
	free(a);
}

static struct apply_job *
job_new(struct zone_entry *e, uint32_t attempt,
	void (*built)(struct zone_entry *e, struct zone_result *result))
{
	struct apply_job *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		return NULL;
	}
	a->job.work = work;
	a->job.done = done;
	a->job.reply = &e->server->box;
	a->entry = e;
	a->built = built;
	a->result.attempt = attempt;
	a->params = zone_build_params(e);
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
	struct version *v = e->zone.version;
	struct apply_job *a;

	if (v == NULL) {
		return SECD_EMISMATCH;
	}
	a = job_new(e, attempt, built);
	if (a == NULL) {
		return SECD_ENOMEM;
	}
	/* Only this thread publishes, so the version is not going away now. */
	a->base = version_ref(v);
	a->result.changes = *changes;
	*changes = (struct changeset){0};
	jobs_post(e->server->build, &a->job);
	return SECD_OK;
}
