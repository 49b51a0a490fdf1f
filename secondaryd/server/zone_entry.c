/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_entry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/error.h"
#include "base/log.h"
#include "server/notifier.h"
#include "server/zone_load.h"
#include "server/zone_publish.h"
#include "server/zone_refresh.h"

/* Longer than what link.h enforces itself, which strikes first. */
#define SOA_LIMIT_S      30
#define TRANSFER_GRACE_S 60
#define BUILD_LIMIT_S    3600

unsigned
zone_primary_count(const struct config_policy *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->primary_count; i++) {
		count += p->primaries[i]->address_count;
	}
	return count < REFRESH_PRIMARY_MAX ? (unsigned)count
					   : REFRESH_PRIMARY_MAX;
}

const struct sockaddr_storage *
zone_via(const struct config_remote *remote, const struct sockaddr_storage *to)
{
	for (size_t i = 0; i < remote->via_count; i++) {
		if (remote->via[i].ss_family == to->ss_family) {
			return &remote->via[i];
		}
	}
	return NULL;
}

struct primary_address
zone_primary(const struct config_policy *p, unsigned index)
{
	const struct config_remote *remote = p->primaries[0];
	size_t skip = index;

	for (size_t i = 0; i < p->primary_count; i++) {
		remote = p->primaries[i];
		if (skip < remote->address_count) {
			break;
		}
		skip -= remote->address_count;
	}
	return (struct primary_address){
	    .remote = remote,
	    .to = &remote->addresses[skip],
	    .via = zone_via(remote, &remote->addresses[skip]),
	};
}

struct build_params
zone_build_params(const struct zone_entry *e)
{
	const struct config_limits *limits = &e->policy->limits;

	return (struct build_params){
	    .apex = e->zone.apex,
	    .hash_key = *store_hash_key(e->server->store),
	    .limits = {.records = limits->records,
		       .rrset_records = limits->rrset_records,
		       .owner_types = limits->owner_types,
		       .nsec3_iterations = limits->nsec3_iterations},
	    .dir = store_image_dir(e->server->store),
	    .memory_max = STORE_VALUE_MAX,
	};
}

void
zone_refresh_config(const struct config_policy *p,
		    struct zone_refresh_config *out)
{
	const struct config_timers *t = &p->timers;
	struct refresh_config *cfg = &out->refresh;

	refresh_config_default(cfg);
	cfg->primary_count = zone_primary_count(p);
	cfg->refresh_min_s = t->refresh_min;
	cfg->refresh_max_s = t->refresh_max;
	cfg->retry_min_s = t->retry_min;
	cfg->retry_max_s = t->retry_max;
	cfg->expire_min_s = t->expire_min;
	cfg->expire_max_s = t->expire_max;
	cfg->soa_limit_s = SOA_LIMIT_S;
	cfg->transfer_limit_s = p->limits.transfer_s + TRANSFER_GRACE_S;
	cfg->build_limit_s = BUILD_LIMIT_S;
	if (getrandom(&cfg->seed, sizeof(cfg->seed), 0) != sizeof(cfg->seed)) {
		cfg->seed = (uint64_t)clock_boot_ms();
	}
	for (unsigned i = 0; i < cfg->primary_count; i++) {
		out->names[i] =
		    address_text(zone_primary(p, i).to, out->texts[i],
				 sizeof(out->texts[i]));
	}
	cfg->primary_names = out->names;
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	zone_wake(timer->data);
}

void
zone_entry_free(struct zone_entry *e)
{
	notifier_drop_targets(e->server->notifier, e);
	ev_timer_stop(e->server->loop, &e->timer);
	ev_timer_stop(e->server->loop, &e->commit_retry);
	refresh_free(e->refresh);
	version_unref(e->told);
	version_unref(e->zone.version);
	free(e->arriving);
	free(e->last);
	free(e->heard);
	free(e);
}

int
zone_entry_new(struct server *s, const struct config_zone *zone,
	       struct zone_entry **out)
{
	struct zone_entry *e = calloc(1, sizeof(*e));
	int rc;

	if (e == NULL) {
		return SECD_ENOMEM;
	}
	e->server = s;
	e->policy = zone->policy;
	e->zone.apex_len = (uint8_t)name_len(zone->apex);
	name_lower(zone->apex, e->zone.apex);
	ev_init(&e->timer, on_timer);
	ev_init(&e->commit_retry, zone_commit_retry);
	e->timer.data = e->commit_retry.data = e;
	zone_refresh_init(e);
	rc = zone_load(e);
	if (rc == SECD_OK) {
		rc = notifier_set_targets(s->notifier, e, zone->policy);
	}
	if (rc != SECD_OK) {
		zone_entry_free(e);
		return rc;
	}
	*out = e;
	return SECD_OK;
}

void
zone_entry_start(struct zone_entry *e)
{
	if (e->zone.version != NULL && !e->in_store) {
		zone_store(e);
	}
	zone_wake(e);
}

/* For each new primary its old index, so that what is known of it stays. */
static bool
map_primaries(const struct config_policy *now, const struct config_policy *old,
	      int *was)
{
	bool same = zone_primary_count(now) == zone_primary_count(old);

	for (unsigned i = 0; i < zone_primary_count(now); i++) {
		struct primary_address a = zone_primary(now, i);

		was[i] = -1;
		for (unsigned j = 0; j < zone_primary_count(old); j++) {
			struct primary_address b = zone_primary(old, j);

			if (address_equal(a.to, b.to)) {
				was[i] = (int)j;
				break;
			}
		}
		same = same && was[i] == (int)i;
	}
	return same;
}

int
zone_entry_configure(struct zone_entry *e, const struct config_policy *p)
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
		refresh_status(e->refresh, &status);
		if (status.failed_rounds > 0) {
			/* Another key or address may be what was missing. */
			refresh_command(e->refresh, REFRESH_COMMAND_REFRESH,
					clock_boot_ms());
		}
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

/* A reload may retire very many: none of them is searched for. */
static void
unlist_retired(struct zone_entry *e)
{
	*e->prev_retired = e->next_retired;
	if (e->next_retired != NULL) {
		e->next_retired->prev_retired = e->prev_retired;
	}
}

/* After a grace period no worker can post through the door; what it posted
 * before is ahead of this letter in the box. */
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
zone_entry_retire(struct zone_entry *e, bool forget)
{
	list_retired(e);
	zone_abandon(e);
	ev_timer_stop(e->server->loop, &e->timer);
	ev_timer_stop(e->server->loop, &e->commit_retry);
	notifier_drop_targets(e->server->notifier, e);
	if (forget) {
		forget_in_store(e);
	}
	zone_entry_hold(e); /* released by the grace letter */
	call_rcu(&e->rcu, on_grace);
}

void
zone_entry_hold(struct zone_entry *e)
{
	e->holds++;
}

void
zone_entry_release(struct zone_entry *e)
{
	e->holds--;
	if (e->holds == 0 && e->retired) {
		unlist_retired(e);
		zone_entry_free(e);
	}
}

struct zone_entry *
zone_list_find(const struct zone_list *list, const uint8_t *apex)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = name_compare(list->entries[mid]->zone.apex, apex);

		if (order == 0) {
			return list->entries[mid];
		}
		if (order < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return NULL;
}
