/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_apply.h"

#include <stdlib.h>

#include "base/error.h"
#include "server/zone_refresh.h"

struct apply_job {
	struct job job; /* first */
	struct zone_entry *entry;
	uint32_t attempt;
	struct build_params params;
	struct spool *spool; /* of an AXFR, or */
	struct image *base;  /* what the changes apply to */
	struct changeset changes;
	int rc;
	struct image *image;
	struct build_report report;
};

static void
work(struct job *job)
{
	struct apply_job *a = (struct apply_job *)job;
	const struct changeset *changes = &a->changes;

	if (a->spool != NULL) {
		a->rc = build_from_spool(&a->params, a->spool, &a->image,
					 &a->report);
		spool_free(a->spool);
		a->spool = NULL;
	} else {
		a->rc = build_from_changes(&a->params, a->base, &changes, 1,
					   &a->image, &a->report);
	}
}

static void
done(struct job *job)
{
	struct apply_job *a = (struct apply_job *)job;

	zone_built(a->entry, a->attempt, a->image, &a->changes, a->rc,
		   a->report.reason);
	zone_entry_release(a->entry);
	image_unref(a->base);
	changeset_fini(&a->changes);
	free(a);
}

static struct apply_job *
job_new(struct zone_entry *e, uint32_t attempt)
{
	struct apply_job *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		return NULL;
	}
	a->job.work = work;
	a->job.done = done;
	a->job.reply = &e->server->box;
	a->entry = e;
	a->attempt = attempt;
	a->params = zone_build_params(e);
	zone_entry_hold(e);
	return a;
}

int
zone_apply_spool(struct zone_entry *e, uint32_t attempt, struct spool *spool)
{
	struct apply_job *a = job_new(e, attempt);

	if (a == NULL) {
		return SECD_ENOMEM;
	}
	a->spool = spool;
	jobs_post(e->server->build, &a->job);
	return SECD_OK;
}

int
zone_apply_changes(struct zone_entry *e, uint32_t attempt,
		   struct changeset *changes)
{
	const struct version *v = e->zone.version;
	struct apply_job *a;

	if (v == NULL) {
		return SECD_EMISMATCH;
	}
	a = job_new(e, attempt);
	if (a == NULL) {
		return SECD_ENOMEM;
	}
	/* Only this thread publishes, so the version is not going away now. */
	a->base = image_ref((struct image *)(uintptr_t)version_image(v));
	a->changes = *changes;
	*changes = (struct changeset){0};
	jobs_post(e->server->build, &a->job);
	return SECD_OK;
}
