/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_life.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/error.h"
#include "base/log.h"
#include "server/modules.h"
#include "server/notifier.h"
#include "server/zone_commit.h"
#include "server/zone_compact.h"
#include "server/zone_key.h"
#include "server/zone_load.h"
#include "server/zone_pin.h"
#include "server/zone_publish.h"
#include "server/zone_refresh.h"
#include "server/zone_verify.h"

void
zone_life_free(struct zone_entry *e)
{
	notifier_drop_targets(e->server->notifier, e);
	zone_entry_free(e);
}

static int
make_expiry(struct zone_entry *e)
{
	if (e->server->modules == NULL) {
		return SECD_OK;
	}
	e->expiry = module_expiry_new();
	return e->expiry == NULL ? SECD_ENOMEM : SECD_OK;
}

int
zone_life_new(struct server *s, const struct config_zone *zone,
	      struct zone_entry **out)
{
	size_t apex_len = name_len(zone->apex);
	struct zone_entry *e =
	    calloc(1, offsetof(struct zone_entry, zone.apex) + apex_len);
	int rc;

	if (e == NULL) {
		return SECD_ENOMEM;
	}
	e->server = s;
	e->policy = zone->policy;
	e->zone.apex_len = (uint8_t)apex_len;
	name_lower(zone->apex, e->zone.apex);
	zone_commit_init(e);
	zone_compact_init(e);
	zone_pin_init(e);
	zone_refresh_init(e);
	rc = make_expiry(e);
	if (rc == SECD_OK) {
		rc = zone_load(e);
	}
	if (rc == SECD_OK) {
		rc = notifier_set_targets(s->notifier, e, zone->policy);
	}
	if (rc != SECD_OK) {
		zone_life_free(e);
		return rc;
	}
	*out = e;
	return SECD_OK;
}

void
zone_life_start(struct zone_entry *e)
{
	/* Before a compaction, which would hide what is damaged: the jobs are
	 * done one after the other. */
	zone_verify(e);
	if (e->chain.is_broken) {
		zone_store(e);
	}
	if (e->pin.is_lost) {
		/* Perhaps just now: not tried again at the next start. */
		zone_save_state(e);
	}
	zone_wake(e);
}

static void
on_newest(struct modules_newest *q)
{
	struct zone_entry *e = q->arg;

	if (q->seq > e->seq) {
		e->seq = q->seq;
	}
	free(q);
	e->is_held_back = false;
	if (!e->retired && !e->server->is_ending) {
		zone_life_start(e);
	}
	zone_entry_release(e);
}

void
zone_life_begin(struct zone_entry *e)
{
	struct modules_newest *q = NULL;

	if (e->server->modules != NULL && e->newest == NULL) {
		q = calloc(1, sizeof(*q));
	}
	if (q == NULL) { /* without memory a history begins anew */
		zone_life_start(e);
		return;
	}
	memcpy(q->apex, e->zone.apex, e->zone.apex_len);
	q->done = on_newest;
	q->reply = &e->server->box;
	q->arg = e;
	e->is_held_back = true;
	zone_entry_hold(e);
	modules_ask_newest(e->server->modules, q);
}

/* For each new primary its old index, so that what is known of it stays. */
static bool
map_primaries(const struct config_policy *now, const struct config_policy *old,
	      int *was)
{
	bool same = zone_primary_count(now) == zone_primary_count(old);

	for (unsigned i = 0; i < zone_primary_count(now); i++) {
		const struct sockaddr_storage *to = zone_primary(now, i)->to;

		was[i] = -1;
		for (unsigned j = 0; j < zone_primary_count(old); j++) {
			if (address_equal(to, zone_primary(old, j)->to)) {
				was[i] = (int)j;
				break;
			}
		}
		same = same && was[i] == (int)i;
	}
	return same;
}

int
zone_life_configure(struct zone_entry *e, const struct config_policy *p)
{
	struct zone_refresh_config cfg;
	struct refresh_status status;
	int was[REFRESH_PRIMARY_MAX];
	bool same = map_primaries(p, e->policy, was);
	bool same_times =
	    memcmp(&p->timers, &e->policy->timers, sizeof(p->timers)) == 0 &&
	    p->limits.transfer_s == e->policy->limits.transfer_s;
	int rc = notifier_set_targets(e->server->notifier, e, p);

	/* A long transfer goes on when nothing that concerns it changed; it
	 * finds its primary by number, and holds its key. */
	if (rc == SECD_OK && !(same && same_times)) {
		zone_refresh_config(p, &cfg);
		zone_abandon(e);
		rc = refresh_configure(e->refresh, &cfg.refresh,
				       same ? NULL : was, clock_boot_ms());
	}
	if (rc == SECD_OK) {
		e->policy = p;
		zone_key_forget(e);
		refresh_status(e->refresh, &status);
		if (status.failed_rounds > 0) {
			/* Another key or address may be what was missing. */
			refresh_command(e->refresh, REFRESH_COMMAND_REFRESH,
					clock_boot_ms());
		}
		zone_sync_status(e);
	}
	zone_wake(e);
	return rc;
}

static void
on_forgotten(struct commit_entry *c)
{
	struct zone_entry *e = c->arg;
	char apex[NAME_TEXT_MAX];

	e->is_forgetting = false;
	if (c->rc != SECD_OK) {
		log_warning("zone %s: still in the store: %s",
			    name_to_text(c->apex, apex), secd_strerror(c->rc));
	}
	commit_entry_free(c);
	zone_entry_release(e);
}

static void
forget_in_store(struct zone_entry *e)
{
	struct commit_entry *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return;
	}
	memcpy(c->apex, e->zone.apex, e->zone.apex_len);
	c->drop = true;
	c->done = on_forgotten;
	c->reply = &e->server->box;
	c->arg = e;
	e->is_forgetting = true;
	zone_entry_hold(e);
	commit_post(e->server->commit, c);
}

static void
list_retired(struct zone_entry *e)
{
	struct zone_entry **head = &e->server->retired;

	e->retired = true;
	e->next_retired = *head;
	e->prev_retired = head;
	if (*head != NULL) {
		(*head)->prev_retired = &e->next_retired;
	}
	*head = e;
}

/* After a grace period no worker can post a NOTIFY; what it posted before is
 * ahead of this letter in the box. */
static void
on_grace_letter(struct letter *letter)
{
	zone_entry_release(
	    container_of(letter, struct zone_entry, grace_letter));
}

static void
on_grace(struct rcu_head *head)
{
	struct zone_entry *e = container_of(head, struct zone_entry, rcu);

	e->grace_letter.run = on_grace_letter;
	mailbox_post(&e->server->box, &e->grace_letter);
}

void
zone_life_retire(struct zone_entry *e, bool forget)
{
	list_retired(e);
	zone_abandon(e);
	zone_compact_cancel(e);
	zone_pin_cancel(e);
	ev_timer_stop(e->server->loop, &e->timer);
	ev_timer_stop(e->server->loop, &e->commit_retry);
	ev_timer_stop(e->server->loop, &e->compact_retry);
	notifier_drop_targets(e->server->notifier, e);
	downstreams_forget(e->server->frontend.downstreams, e->zone.apex);
	if (forget) {
		forget_in_store(e);
	}
	zone_entry_hold(e); /* released by the grace letter */
	call_rcu(&e->rcu, on_grace);
}
