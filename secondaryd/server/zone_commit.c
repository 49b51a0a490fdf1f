/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/modules.h"
#include "server/notifier.h"
#include "server/zone_state.h"

#define COMMIT_RETRY_S 10.0
/* A confirmed serial is written at most this often: what is lost by a crash is
 * a minute of the zone's time to expire. */
#define STATE_INTERVAL_S 60

static int
put_state(struct zone_entry *e, struct commit_entry *c)
{
	struct refresh_saved saved;
	uint8_t octets[ZONE_STATE_LEN_MAX];
	size_t len;

	refresh_save(e->refresh, clock_boot_ms(), clock_wall_s(), &saved);
	len = zone_state_write(&saved, &e->pin, octets);
	e->state_saved_at = clock_wall_s();
	buf_clear(&c->state);
	return buf_put(&c->state, octets, len);
}

static void
retry_later(struct zone_entry *e)
{
	ev_timer_stop(e->server->loop, &e->commit_retry);
	ev_timer_set(&e->commit_retry, COMMIT_RETRY_S, 0.0);
	ev_timer_start(e->server->loop, &e->commit_retry);
}

/* Only to be quicker at the next start: all versions are stored. */
static bool
is_optional(const struct zone_entry *e, const struct commit_entry *c)
{
	return c->image != NULL && c->seq <= e->chain.stored_seq;
}

static void
commit_failed(struct zone_entry *e, const struct commit_entry *c)
{
	char apex[NAME_TEXT_MAX];

	name_to_text(e->zone.apex, apex);
	if (!e->is_commit_failing) {
		log_error("zone %s: cannot be stored: %s; trying again every "
			  "%.0f s",
			  apex, secd_strerror(c->rc), COMMIT_RETRY_S);
	}
	e->is_commit_failing = true;
	e->commit_rc = c->rc;
	retry_later(e);
}

void
zone_commit_tell(struct zone_entry *e, struct version *v)
{
	version_unref(e->told);
	e->told = version_ref(v);
	if (e->newest != NULL) { /* else withdrawn meanwhile */
		modules_published(e->server->modules, e->zone.apex, v);
		notifier_announce(e->server->notifier, e);
	}
}

/* What is durable may be told, also when there is something newer already:
 * else a zone that changes faster than the disk would never be announced. But
 * not what nobody sees. */
static void
tell(struct zone_entry *e, struct version *v)
{
	if (zone_is_pinned(e)) {
		modules_stored(e->server->modules, e->zone.apex, v);
	} else {
		zone_commit_tell(e, v);
	}
}

static void
note_recovery(struct zone_entry *e)
{
	char apex[NAME_TEXT_MAX];

	if (e->is_commit_failing && zone_is_durable(e)) {
		log_notice("zone %s: is stored again",
			   name_to_text(e->zone.apex, apex));
		e->is_commit_failing = false;
		ev_timer_stop(e->server->loop, &e->commit_retry);
	}
}

static void
post(struct zone_entry *e, struct commit_entry *c)
{
	zone_entry_hold(e);
	e->commits++;
	commit_post(e->server->commit, c);
}

static void
post_waiting(struct zone_entry *e)
{
	struct commit_entry *c;

	if (e->server->commit == NULL) {
		return; /* this link came back at the very end */
	}
	c = zone_chain_resume(&e->chain);
	while (c != NULL) {
		struct commit_entry *next =
		    (struct commit_entry *)c->letter.next;

		/* Not what was so when it was refused; or nothing of it. */
		(void)put_state(e, c);
		post(e, c);
		c = next;
	}
}

/* A link came back. */
static void
on_link(struct commit_entry *c)
{
	struct zone_entry *e = c->arg;
	bool is_stored = c->rc == SECD_OK, is_image_refused;
	char apex[NAME_TEXT_MAX];

	e->commits--;
	if (e->retired) {
		commit_entry_free(c);
		zone_entry_release(e);
		return;
	}
	is_image_refused = !is_stored && is_optional(e, c);
	if (is_image_refused) {
		log_warning("zone %s: the compacted image cannot be stored: %s",
			    name_to_text(e->zone.apex, apex),
			    secd_strerror(c->rc));
	} else if (!is_stored) {
		commit_failed(e, c);
	} else if (c->version != NULL) {
		tell(e, c->version);
	}
	zone_chain_done(&e->chain, c);
	if (is_stored) {
		note_recovery(e);
		post_waiting(e);
	}
	e->on_stored(e, is_image_refused);
	zone_entry_release(e);
}

/* The state alone came back. */
static void
on_state(struct commit_entry *c)
{
	struct zone_entry *e = c->arg;

	e->commits--;
	if (!e->retired && c->rc != SECD_OK) {
		commit_failed(e, c);
	} else if (!e->retired) {
		note_recovery(e);
	}
	commit_entry_free(c);
	zone_entry_release(e);
}

/* The state came back with another `pin` in it. */
static void
on_pin(struct commit_entry *c)
{
	struct zone_entry *e = c->arg;
	int rc = c->rc;

	e->commits--;
	commit_entry_free(c);
	e->on_pin_stored(e, rc);
	zone_entry_release(e);
}

/* An entry with the zone's state in it; NULL: no memory. */
static struct commit_entry *
entry_new(struct zone_entry *e, void (*done)(struct commit_entry *c))
{
	struct commit_entry *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return NULL;
	}
	memcpy(c->apex, e->zone.apex, e->zone.apex_len);
	c->done = done;
	c->reply = &e->server->box;
	c->arg = e;
	c->seq = e->seq;
	if (put_state(e, c) != SECD_OK) {
		commit_entry_free(c);
		return NULL;
	}
	return c;
}

/* Somebody must do without a link. */
static void
lose_link(struct zone_entry *e)
{
	zone_chain_break(&e->chain, e->seq);
	retry_later(e);
}

void
zone_commit_image(struct zone_entry *e, uint64_t seq, struct image *im,
		  uint64_t octets)
{
	struct commit_entry *c = entry_new(e, on_link);

	if (c == NULL) {
		lose_link(e);
		return;
	}
	c->seq = seq;
	c->image = image_ref(im);
	if (seq == e->seq && !zone_is_durable(e)) {
		c->version = version_ref(e->newest);
	}
	zone_chain_add_image(&e->chain, c, octets);
	post(e, c);
}

void
zone_commit(struct zone_entry *e, struct changeset *changes)
{
	struct version *v = e->newest;
	struct commit_entry *c;

	if (version_layer_count(v) == 0) {
		zone_commit_image(e, e->seq, v->image, e->chain.octets);
		return;
	}
	c = entry_new(e, on_link);
	if (c == NULL) {
		lose_link(e);
		return;
	}
	c->version = version_ref(v);
	c->changes = *changes;
	*changes = (struct changeset){0};
	if (zone_chain_add_changes(&e->chain, c)) {
		post(e, c);
	}
}

void
zone_save_state(struct zone_entry *e)
{
	int64_t now = clock_wall_s();
	struct commit_entry *c;

	if (e->newest == NULL || e->server->commit == NULL ||
	    (now >= e->state_saved_at &&
	     now - e->state_saved_at < STATE_INTERVAL_S)) {
		return;
	}
	c = entry_new(e, on_state);
	if (c == NULL) {
		retry_later(e);
		return;
	}
	post(e, c);
}

int
zone_commit_pin(struct zone_entry *e)
{
	struct commit_entry *c = entry_new(e, on_pin);

	if (c == NULL) {
		return SECD_ENOMEM;
	}
	post(e, c);
	return SECD_OK;
}

void
zone_store(struct zone_entry *e)
{
	struct version *v = e->newest;

	if (v == NULL) {
		return;
	}
	if (e->chain.is_broken && version_layer_count(v) == 0) {
		zone_commit_image(e, e->seq, v->image, e->chain.octets);
	}
	post_waiting(e);
	if (e->commits == 0) {
		e->state_saved_at = 0;
		zone_save_state(e);
	}
	e->on_stored(e, false);
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
