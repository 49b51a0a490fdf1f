/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/notifier.h"
#include "server/zone_state.h"

#define COMMIT_RETRY_S 10.0
/* A confirmed serial is written at most this often: what is lost by a crash is
 * a minute of the zone's time to expire. */
#define STATE_INTERVAL_S 60
/* Replaying changesets costs a build; past this share of the image, the image
 * itself is stored. */
#define CHANGES_SHARE 10

static int
put_state(struct zone_entry *e, struct commit_entry *c)
{
	struct refresh_saved saved;
	uint8_t octets[ZONE_STATE_LEN];

	refresh_save(e->refresh, clock_boot_ms(), clock_wall_s(), &saved);
	zone_state_write(&saved, octets);
	e->state_saved_at = clock_wall_s();
	return buf_put(&c->state, octets, sizeof(octets));
}

static void
retry_later(struct zone_entry *e)
{
	ev_timer_stop(e->server->loop, &e->commit_retry);
	ev_timer_set(&e->commit_retry, COMMIT_RETRY_S, 0.0);
	ev_timer_start(e->server->loop, &e->commit_retry);
}

static void
commit_failed(struct zone_entry *e, const struct commit_entry *c)
{
	char apex[NAME_TEXT_MAX];

	if (!e->is_commit_failing) {
		log_error("zone %s: cannot be stored: %s; trying again every "
			  "%.0f s",
			  name_to_text(e->zone.apex, apex),
			  secd_strerror(c->rc), COMMIT_RETRY_S);
	}
	e->is_commit_failing = true;
	e->commit_rc = c->rc;
	if (c->version != NULL) {
		/* The store may lack a link of the chain: only a whole image
		 * makes it whole. */
		e->in_store = false;
	}
	retry_later(e);
}

/* What is durable may be told, also when there is something newer already:
 * else a zone that changes faster than the disk would never be announced. */
static void
commit_succeeded(struct zone_entry *e, const struct commit_entry *c)
{
	char apex[NAME_TEXT_MAX];

	if (c->version != NULL) {
		version_unref(e->told);
		e->told = version_ref(c->version);
		e->durable = c->seq == e->seq;
		e->in_store = e->in_store || (e->durable && c->image != NULL);
		if (e->zone.version != NULL) { /* else withdrawn meanwhile */
			notifier_announce(e->server->notifier, e);
		}
	}
	if (e->is_commit_failing && e->durable) {
		log_notice("zone %s: is stored again",
			   name_to_text(e->zone.apex, apex));
		e->is_commit_failing = false;
		ev_timer_stop(e->server->loop, &e->commit_retry);
	}
}

static void
commit_done(struct commit_entry *c)
{
	struct zone_entry *e = c->arg;

	e->commits--;
	if (!e->retired) {
		if (c->rc == SECD_OK) {
			commit_succeeded(e, c);
		} else {
			commit_failed(e, c);
		}
	}
	commit_entry_free(c);
	zone_entry_release(e);
}

/* An entry with the zone's state in it; NULL: no memory. */
static struct commit_entry *
entry_new(struct zone_entry *e)
{
	struct commit_entry *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return NULL;
	}
	memcpy(c->apex, e->zone.apex, e->zone.apex_len);
	c->done = commit_done;
	c->reply = &e->server->box;
	c->arg = e;
	c->seq = e->seq;
	if (put_state(e, c) != SECD_OK) {
		commit_entry_free(c);
		return NULL;
	}
	return c;
}

static void
post(struct zone_entry *e, struct commit_entry *c)
{
	zone_entry_hold(e);
	e->commits++;
	commit_post(e->server->commit, c);
}

/* Is it enough to store what changed? */
static bool
changes_suffice(struct zone_entry *e, const struct image *im,
		const struct changeset *changes)
{
	size_t image_len;

	if (changes == NULL || changes->step_count == 0 || !e->in_store ||
	    !image_is_file(im)) {
		return false;
	}
	image_octets(im, &image_len);
	return e->change_octets + changes->octets.len <
	       image_len / CHANGES_SHARE;
}

void
zone_commit(struct zone_entry *e, struct changeset *changes)
{
	struct commit_entry *c = entry_new(e);
	const struct image *im = version_image(e->zone.version);

	e->durable = false;
	if (c == NULL) {
		e->in_store = false;
		retry_later(e);
		return;
	}
	c->version = version_ref(e->zone.version);
	if (changes_suffice(e, im, changes)) {
		c->changes = *changes;
		*changes = (struct changeset){0};
		e->change_octets += c->changes.octets.len;
	} else {
		/* Whatever else the store has of the zone is not its past. */
		c->drop = !e->in_store;
		c->image = image_ref((struct image *)(uintptr_t)im);
		e->change_octets = 0;
		e->in_store = true; /* unless commit_done says otherwise */
	}
	post(e, c);
}

void
zone_save_state(struct zone_entry *e)
{
	int64_t now = clock_wall_s();
	struct commit_entry *c;

	if (e->zone.version == NULL ||
	    (now >= e->state_saved_at &&
	     now - e->state_saved_at < STATE_INTERVAL_S)) {
		return;
	}
	c = entry_new(e);
	if (c == NULL) {
		retry_later(e);
		return;
	}
	post(e, c);
}

void
zone_store(struct zone_entry *e)
{
	if (e->zone.version != NULL && (!e->durable || !e->in_store)) {
		zone_commit(e, NULL);
	} else {
		e->state_saved_at = 0;
		zone_save_state(e);
	}
}

static void
on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct zone_entry *e = timer->data;

	(void)loop;
	(void)events;
	if (e->commits > 0) {
		retry_later(e); /* what is in flight may settle it */
	} else {
		zone_store(e);
	}
}

void
zone_commit_init(struct zone_entry *e)
{
	ev_init(&e->commit_retry, on_retry);
	e->commit_retry.data = e;
}
