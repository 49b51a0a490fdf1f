/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_verify.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/zone_pin.h"
#include "server/zone_refresh.h"

struct verify_job {
	struct job job; /* first */
	struct zone_entry *entry;
	struct image *image;
	int rc;
};

static void
work(struct job *job)
{
	struct verify_job *v = (struct verify_job *)job;

	v->rc = image_verify(v->image);
}

static bool
is_over(const struct version *v, const struct image *im)
{
	return v != NULL && version_image(v) == im;
}

static void
done(struct job *job)
{
	struct verify_job *v = (struct verify_job *)job;
	struct zone_entry *e = v->entry;
	char apex[NAME_TEXT_MAX];

	/* Versions with newer layers may have come since: over this image? */
	if (v->rc != SECD_EMALF || e->retired) {
		/* Nothing is wrong, or nobody cares. */
	} else if (is_over(e->newest, v->image)) {
		log_error("zone %s: the stored image is damaged: not served, "
			  "transferring it again",
			  name_to_text(e->zone.apex, apex));
		zone_withdraw(e, "the stored image was damaged");
		zone_wake(e);
	} else if (is_over(e->pinned, v->image)) {
		zone_pin_lose(e, "the image below it is damaged");
	}
	zone_entry_release(e);
	image_unref(v->image);
	free(v);
}

void
zone_verify(struct zone_entry *e)
{
	const struct image *im;
	struct verify_job *v;

	if (e->newest == NULL) {
		return;
	}
	im = version_image(e->newest);
	v = image_is_file(im) ? calloc(1, sizeof(*v)) : NULL;
	if (v == NULL) {
		return;
	}
	v->job.work = work;
	v->job.done = done;
	v->job.reply = &e->server->box;
	v->entry = e;
	v->image = image_ref((struct image *)(uintptr_t)im);
	zone_entry_hold(e);
	jobs_post(e->server->build, &v->job);
}
