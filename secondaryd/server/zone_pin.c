/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_pin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/zone_commit.h"
#include "server/zone_downstream.h"
#include "server/zone_rewind.h"
#include "server/zone_view.h"

#define TEXT_LEN 512

/* An order on its way. */
struct pinning {
	struct job job;           /* first */
	struct zone_entry *entry; /* held */
	struct modules_pin *order;
	struct build_params params;
	struct version *version; /* to be seen; NULL: the newest one */
	struct zone_pin before;  /* `pin`, while another one is being stored */
	bool is_storing, is_cancelled;
	int rc;
	char reason[ZONE_REWIND_REASON_LEN];
};

static void
finish(struct pinning *p, int rc, const char *text)
{
	struct zone_entry *e = p->entry;

	e->pinning = NULL;
	modules_pin_done(p->order, rc, text);
	version_unref(p->version);
	free(p);
	zone_entry_release(e);
}

/* An order to pin nothing any more is as good as done. */
static void
finish_cancelled(struct pinning *p)
{
	finish(p, p->order->seq == 0 ? SECD_OK : SECD_ENOTFOUND,
	       p->entry->retired ? "the zone was removed"
				 : "what was held of the zone is lost");
}

/*
 * Effects
 */

static uint32_t
seen_serial(const struct zone_entry *e)
{
	return e->zone.version == NULL ? 0 : version_serial(e->zone.version);
}

/* What readers see now, for log and operator. */
static void
describe(const struct zone_entry *e, uint32_t before, char text[TEXT_LEN])
{
	uint32_t now = seen_serial(e);

	if (now == before) {
		snprintf(text, TEXT_LEN,
			 "serial %" PRIu32 " was served already", now);
	} else {
		snprintf(text, TEXT_LEN,
			 "serial %" PRIu32 " is served instead of serial "
			 "%" PRIu32,
			 now, before);
	}
}

/* With a line for each downstream that will not follow. */
static void
finish_pinned(struct pinning *p, const char *text)
{
	struct buf lines = {0};

	if (buf_put(&lines, text, strlen(text)) == SECD_OK &&
	    zone_downstream_put_ahead(p->entry, &lines) == SECD_OK) {
		text = (const char *)lines.data;
	}
	finish(p, SECD_OK, text);
	buf_fini(&lines);
}

static void
pin(struct pinning *p)
{
	struct zone_entry *e = p->entry;
	uint32_t before = seen_serial(e);
	char apex[NAME_TEXT_MAX], text[TEXT_LEN];

	modules_pinned(e->server->modules, e->zone.apex, true);
	zone_view_pinned_take(e, version_ref(p->version));
	/* Whoever was told of a newer one just now is told what there is. */
	zone_commit_tell(e, p->version);
	describe(e, before, text);
	log_notice("zone %s: pinned by an operator's order: %s",
		   name_to_text(e->zone.apex, apex), text);
	finish_pinned(p, text);
}

static void
unpin(struct pinning *p)
{
	struct zone_entry *e = p->entry;
	uint32_t before = seen_serial(e);
	char apex[NAME_TEXT_MAX], text[TEXT_LEN];

	if (zone_is_pinned(e)) {
		modules_pinned(e->server->modules, e->zone.apex, false);
		zone_view_pinned_take(e, NULL);
		describe(e, before, text);
		if (zone_is_durable(e)) { /* else it is told once it is */
			zone_commit_tell(e, e->newest);
		}
	} else {
		snprintf(text, sizeof(text),
			 "serial %" PRIu32 " was lost: the alarm is over",
			 p->before.serial);
	}
	log_notice("zone %s: unpinned by an operator's order: %s",
		   name_to_text(e->zone.apex, apex), text);
	finish(p, SECD_OK, text);
}

/*
 * Storing
 */

static void
undo(struct pinning *p, int rc)
{
	struct zone_entry *e = p->entry;
	char text[TEXT_LEN];

	e->pin = p->before;
	/* Another state may be stored by now that had the new one in it. */
	e->state_saved_at = 0;
	zone_save_state(e);
	snprintf(text, sizeof(text), "it cannot be stored: %s",
		 secd_strerror(rc));
	finish(p, rc, text);
}

static void
on_pin_stored(struct zone_entry *e, int rc)
{
	struct pinning *p = e->pinning;

	if (p->is_cancelled) {
		finish_cancelled(p);
	} else if (rc != SECD_OK) {
		undo(p, rc);
	} else if (p->version != NULL) {
		pin(p);
	} else {
		unpin(p);
	}
}

static void
store(struct pinning *p)
{
	struct zone_entry *e = p->entry;
	int rc;

	p->before = e->pin;
	p->is_storing = true;
	e->pin = (struct zone_pin){.seq = p->order->seq};
	if (p->version != NULL) {
		e->pin.serial = version_serial(p->version);
		e->pin.at = clock_wall_s();
	}
	rc = zone_commit_pin(e);
	if (rc != SECD_OK) {
		undo(p, rc);
	}
}

/*
 * Making the version
 */

static void
work(struct job *job)
{
	struct pinning *p = (struct pinning *)job;

	p->rc =
	    zone_rewind(p->entry->server->modules, &p->params, p->order->base,
			p->order->seq, &p->version, p->reason);
}

static void
done(struct job *job)
{
	struct pinning *p = (struct pinning *)job;
	char text[TEXT_LEN];

	if (p->is_cancelled) {
		finish_cancelled(p);
	} else if (p->rc != SECD_OK) {
		snprintf(text, sizeof(text), "it cannot be made again: %s",
			 p->reason);
		finish(p, p->rc, text);
	} else {
		store(p);
	}
}

/*
 * Orders
 */

/* What is in the way; NULL: nothing is. */
static const char *
find_obstacle(const struct zone_entry *e, const struct modules_pin *order,
	      int *rc)
{
	*rc = SECD_EBUSY;
	if (e->server->is_ending || e->server->build == NULL) {
		return "the server is ending";
	}
	if (e->pinning != NULL) {
		return "another order is being carried out";
	}
	if (order->seq != 0 && order->seq > e->chain.stored_seq) {
		return "this version is not stored yet";
	}
	*rc = SECD_ENOTFOUND;
	return order->seq != 0 && e->newest == NULL
		   ? "nothing is held of the zone"
		   : NULL;
}

/* What is so already. */
static const char *
find_fulfilled(const struct zone_entry *e, const struct modules_pin *order)
{
	if (order->seq == 0) {
		return e->pin.seq == 0 ? "no version is pinned" : NULL;
	}
	return zone_is_pinned(e) && e->pin.seq == order->seq
		   ? "it is pinned already"
		   : NULL;
}

static void
start(struct pinning *p)
{
	struct zone_entry *e = p->entry;

	if (p->order->seq == 0) {
		store(p);
	} else if (p->order->seq == version_seq(e->newest)) {
		p->version = version_ref(e->newest);
		store(p);
	} else {
		p->params = zone_build_params(e);
		p->job.work = work;
		p->job.done = done;
		p->job.reply = &e->server->box;
		jobs_post(e->server->build, &p->job);
	}
}

void
zone_pin_take(struct zone_entry *e, struct modules_pin *order)
{
	struct pinning *p;
	int rc;
	const char *text = find_obstacle(e, order, &rc);

	if (text == NULL) {
		rc = SECD_OK;
		text = find_fulfilled(e, order);
	}
	if (text != NULL) {
		modules_pin_done(order, rc, text);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		modules_pin_done(order, SECD_ENOMEM, "no memory");
		return;
	}
	p->entry = e;
	p->order = order;
	e->pinning = p;
	zone_entry_hold(e);
	start(p);
}

/*
 * What else may happen to it
 */

int
zone_pin_restore(struct zone_entry *e, const struct zone_pin *stored)
{
	struct build_params params = zone_build_params(e);
	char reason[ZONE_REWIND_REASON_LEN], apex[NAME_TEXT_MAX];
	struct version *v = NULL;
	int rc;

	e->pin = *stored;
	if (stored->seq == 0 || stored->is_lost) {
		return SECD_OK;
	}
	if (e->newest == NULL) {
		zone_pin_lose(e, "what was stored is lost");
		return SECD_OK;
	}
	rc = zone_rewind(e->server->modules, &params, e->newest, stored->seq,
			 &v, reason);
	if (rc == SECD_OK && version_serial(v) != stored->serial) {
		version_unref(v);
		rc = SECD_EMISMATCH;
		snprintf(reason, sizeof(reason),
			 "the history has another serial for it");
	}
	if (rc == SECD_ENOMEM) {
		return rc;
	}
	if (rc != SECD_OK) {
		zone_pin_lose(e, reason);
		return SECD_OK;
	}
	zone_view_pinned_take(e, v);
	version_unref(e->told);
	e->told = version_ref(v);
	log_notice("zone %s: serial %" PRIu32
		   " is pinned and served, serial %" PRIu32 " is held",
		   name_to_text(e->zone.apex, apex), version_serial(v),
		   version_serial(e->newest));
	return SECD_OK;
}

void
zone_pin_cancel(struct zone_entry *e)
{
	struct pinning *p = e->pinning;

	if (p == NULL) {
		return;
	}
	p->is_cancelled = true;
	if (p->is_storing && p->version != NULL) {
		e->pin = p->before;
	}
}

void
zone_pin_lose(struct zone_entry *e, const char *reason)
{
	char apex[NAME_TEXT_MAX];

	zone_pin_cancel(e);
	if (e->pin.seq != 0 && !e->pin.is_lost) {
		e->pin.is_lost = true;
		log_error(
		    "zone %s: serial %" PRIu32
		    ", which is pinned, cannot be served any more: %s%s",
		    name_to_text(e->zone.apex, apex), e->pin.serial, reason,
		    e->newest == NULL ? "" : "; the newest version is served");
	}
	if (!zone_is_pinned(e)) {
		return; /* not yet, at the start */
	}
	modules_pinned(e->server->modules, e->zone.apex, false);
	zone_view_pinned_take(e, NULL);
	if (e->newest != NULL && zone_is_durable(e)) {
		zone_commit_tell(e, e->newest);
	}
	e->state_saved_at = 0;
	zone_save_state(e);
}

void
zone_pin_init(struct zone_entry *e)
{
	e->on_pin_stored = on_pin_stored;
}
