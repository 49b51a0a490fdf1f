/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_compact.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/modules.h"
#include "server/zone_commit.h"
#include "server/zone_view.h"
#include "zone/build.h"
#include "zone/layering.h"

#define RETRY_FIRST_S   5.0
#define RETRY_DOUBLINGS 6u

struct zone_compaction {
	struct job job;           /* first */
	struct zone_entry *entry; /* held */
	bool is_cancelled;
	struct build_params params;
	struct version *base;
	uint64_t octets; /* of the chain, then */
	int64_t started_ms;
	int rc;
	struct image *image;
	struct build_report report;
};

static void
work(struct job *job)
{
	struct zone_compaction *c = (struct zone_compaction *)job;

	c->rc = build_from_changes(&c->params, c->base, NULL, 0, &c->image,
				   &c->report);
	if (c->rc == SECD_OK) {
		/* Or changes of all zones would wait for it. */
		image_sync(c->image);
	}
}

static void
log_done(const struct zone_entry *e, const struct zone_compaction *c)
{
	int64_t ms = clock_boot_ms() - c->started_ms;
	char apex[NAME_TEXT_MAX];
	size_t len;

	image_octets(c->image, &len);
	log_info("zone %s: compacted serial %" PRIu32
		 ": %zu nodes in layers, %" PRIu64
		 " records, image of %zu octets in %" PRId64 ".%03" PRId64 " s",
		 name_to_text(e->zone.apex, apex), version_serial(c->base),
		 zone_layer_nodes(c->base), image_record_count(c->image), len,
		 ms / 1000, ms % 1000);
}

/* Put the new image below what has changed meanwhile. */
static int
publish(struct zone_entry *e, const struct zone_compaction *c)
{
	struct version *v;
	int rc = layering_rebase(e->newest, version_layer_count(c->base),
				 c->image, &v);

	if (rc != SECD_OK) {
		return rc;
	}
	if (e->told != NULL && version_seq(e->told) == e->seq) {
		/* So that the old image is not kept for a NOTIFY. */
		version_unref(e->told);
		e->told = version_ref(v);
	}
	modules_moved(e->server->modules, e->zone.apex, v);
	zone_view_newest_take(e, v);
	return SECD_OK;
}

/* Returns when: in so many seconds. */
static double
retry_later(struct zone_entry *e)
{
	double s = RETRY_FIRST_S * (double)(1u << e->compact_failures);

	e->compact_failures += e->compact_failures < RETRY_DOUBLINGS;
	ev_timer_stop(e->server->loop, &e->compact_retry);
	ev_timer_set(&e->compact_retry, s, 0.0);
	ev_timer_start(e->server->loop, &e->compact_retry);
	return s;
}

static void
finish(struct zone_entry *e, struct zone_compaction *c)
{
	uint64_t seq = version_seq(c->base);
	char apex[NAME_TEXT_MAX];

	if (c->rc == SECD_OK) {
		c->rc = publish(e, c);
	}
	if (c->rc != SECD_OK) {
		log_warning("zone %s: cannot be compacted: %s; trying again "
			    "in %.0f s",
			    name_to_text(e->zone.apex, apex),
			    c->report.reason[0] == '\0' ? secd_strerror(c->rc)
							: c->report.reason,
			    retry_later(e));
		return;
	}
	log_done(e, c);
	if (zone_chain_takes_image(&e->chain, seq)) {
		zone_commit_image(e, seq, c->image, c->octets);
	}
	zone_compact_consider(e);
}

static void
done(struct job *job)
{
	struct zone_compaction *c = (struct zone_compaction *)job;
	struct zone_entry *e = c->entry;

	if (!c->is_cancelled) {
		e->compaction = NULL;
		if (!e->retired) {
			finish(e, c);
		}
	}
	image_unref(c->image);
	version_unref(c->base);
	free(c);
	zone_entry_release(e);
}

static void
start(struct zone_entry *e)
{
	struct zone_compaction *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return; /* there will be another occasion */
	}
	c->job.work = work;
	c->job.done = done;
	c->job.reply = &e->server->box;
	c->entry = e;
	c->params = zone_build_params(e);
	/* It was within the limits of its day. */
	c->params.limits = (struct build_limits){0};
	c->base = version_ref(e->newest);
	c->octets = e->chain.octets;
	c->started_ms = clock_boot_ms();
	e->compaction = c;
	zone_entry_hold(e);
	jobs_post(e->server->build, &c->job);
}

void
zone_compact_consider(struct zone_entry *e)
{
	struct version *v = e->newest;
	bool is_for_store;
	size_t len;

	/* Changes that are being applied know nothing of what would be frozen
	 * now. They end up here. */
	if (v == NULL || e->retired || e->server->is_ending ||
	    e->compaction != NULL || e->activity == ZONE_BUILDING ||
	    ev_is_active(&e->compact_retry)) {
		return;
	}
	image_octets(version_image(v), &len);
	is_for_store = zone_chain_wants_image(&e->chain, len);
	if (!is_for_store && !layering_wants_compaction(v)) {
		e->compact_failures = 0;
	} else if (version_layer_count(v) > 0) {
		start(e);
	} else {
		zone_commit_image(e, e->seq, v->image, e->chain.octets);
	}
}

unsigned
zone_compact_frozen(const struct zone_entry *e)
{
	return e->compaction == NULL ? 0
				     : version_layer_count(e->compaction->base);
}

void
zone_compact_cancel(struct zone_entry *e)
{
	if (e->compaction != NULL) {
		e->compaction->is_cancelled = true;
		e->compaction = NULL;
	}
}

static void
on_stored(struct zone_entry *e, bool is_image_refused)
{
	if (is_image_refused) {
		retry_later(e);
	} else {
		zone_compact_consider(e);
	}
}

static void
on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	zone_compact_consider(timer->data);
}

void
zone_compact_init(struct zone_entry *e)
{
	e->on_stored = on_stored;
	ev_init(&e->compact_retry, on_retry);
	e->compact_retry.data = e;
}
