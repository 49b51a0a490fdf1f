/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_entry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/error.h"
#include "base/log.h"
#include "server/address.h"
#include "server/notifier.h"
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

static const struct sockaddr_storage *
via_for(const struct config_remote *remote, const struct sockaddr_storage *to)
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
	    .via = via_for(remote, &remote->addresses[skip]),
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

/* Addresses of primaries as reasons name them. */
struct primary_names {
	char text[REFRESH_PRIMARY_MAX][ADDRESS_TEXT_MAX];
	const char *list[REFRESH_PRIMARY_MAX];
};

/* names  the configuration points into it */
static struct refresh_config
refresh_config_of(const struct config_policy *p, struct primary_names *names)
{
	const struct config_timers *t = &p->timers;
	struct refresh_config cfg;

	refresh_config_default(&cfg);
	cfg.primary_count = zone_primary_count(p);
	for (unsigned i = 0; i < cfg.primary_count; i++) {
		names->list[i] =
		    address_text(zone_primary(p, i).to, names->text[i],
		                 sizeof(names->text[i]));
	}
	cfg.primary_names = names->list;
	cfg.refresh_min_s = t->refresh_min;
	cfg.refresh_max_s = t->refresh_max;
	cfg.retry_min_s = t->retry_min;
	cfg.retry_max_s = t->retry_max;
	cfg.expire_min_s = t->expire_min;
	cfg.expire_max_s = t->expire_max;
	cfg.soa_limit_s = SOA_LIMIT_S;
	cfg.transfer_limit_s = p->limits.transfer_s + TRANSFER_GRACE_S;
	cfg.build_limit_s = BUILD_LIMIT_S;
	if (getrandom(&cfg.seed, sizeof(cfg.seed), 0) != sizeof(cfg.seed)) {
		cfg.seed = (uint64_t)clock_boot_ms();
	}
	return cfg;
}

/* What was stored becomes an image; a version lost is told and done without. */
static int
image_of_stored(struct zone_entry *e, struct store_zone *stored,
		struct image **out)
{
	struct build_params params = zone_build_params(e);
	const struct changeset **list;
	struct build_report report;
	int rc;

	if (stored->change_count == 0) {
		*out = image_ref(stored->image);
		return SECD_OK;
	}
	list = calloc(stored->change_count, sizeof(const struct changeset *));
	if (list == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < stored->change_count; i++) {
		list[i] = &stored->changes[i];
	}
	/* These were within the limits of their day. */
	params.limits = (struct build_limits){0};
	rc = build_from_changes(&params, stored->image, list,
				stored->change_count, out, &report);
	free(list);
	if (rc == SECD_EMISMATCH || rc == SECD_EMALF) {
		stored->fault = "the stored changesets do not apply";
	}
	return rc;
}

/* Publish what the store has; `saved` says what the refresh machine gets. */
static int
load(struct zone_entry *e, struct store_zone *stored,
     struct refresh_saved *saved, bool *has_saved)
{
	struct image *im = NULL;
	struct version *v;
	int rc;

	*has_saved = zone_state_read(stored->state.data, stored->state.len,
				     saved) == SECD_OK;
	e->seq = stored->seq;
	if (stored->image == NULL) {
		return SECD_OK;
	}
	rc = image_of_stored(e, stored, &im);
	if (rc == SECD_OK) {
		rc = version_new_take(e->seq, im, &v);
	}
	if (rc == SECD_ENOMEM) {
		return rc;
	}
	if (rc != SECD_OK) {
		return SECD_OK; /* `fault` is set, or the disk is full */
	}
	zone_publish_take(&e->zone, v);
	e->in_store = e->durable = stored->fault == NULL;
	e->change_octets = stored->change_octets;
	return SECD_OK;
}

static int
load_from_store(struct zone_entry *e)
{
	struct primary_names names;
	struct refresh_config cfg = refresh_config_of(e->policy, &names);
	struct refresh_saved saved = {0};
	struct store_zone stored = {0};
	char apex[NAME_TEXT_MAX];
	bool has_saved = false;
	int rc = store_load(e->server->store, e->zone.apex, &stored);

	if (rc == SECD_OK) {
		rc = load(e, &stored, &saved, &has_saved);
	} else if (rc == SECD_ENOTFOUND) {
		rc = SECD_OK;
	}
	if (rc == SECD_OK && stored.fault != NULL) {
		log_warning("zone %s: %s; transferring it again",
			    name_to_text(e->zone.apex, apex), stored.fault);
	}
	if (rc == SECD_OK && e->zone.version != NULL && has_saved) {
		/* A changeset that was lost leaves an older version. */
		saved.has_zone = true;
		saved.soa = *version_soa(e->zone.version);
	} else {
		has_saved =
		    has_saved && saved.has_zone && e->zone.version != NULL;
	}
	if (rc == SECD_OK) {
		rc = refresh_new(&cfg, has_saved ? &saved : NULL,
				 clock_boot_ms(), clock_wall_s(), &e->refresh);
	}
	store_zone_fini(&stored);
	return rc;
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
	version_unref(e->zone.version);
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
	rc = load_from_store(e);
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
	struct refresh_status status;

	refresh_status(e->refresh, &status);
	e->was_expired = status.expired;
	atomic_store_explicit(&e->zone.expired, status.expired,
			      memory_order_relaxed);
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
	struct primary_names names;
	struct refresh_config cfg = refresh_config_of(p, &names);
	int was[REFRESH_PRIMARY_MAX];
	bool same = map_primaries(p, e->policy, was);
	int rc = notifier_set_targets(e->server->notifier, e, p);

	/* A long transfer goes on when nothing that concerns it changed; it
	 * finds its primary by number, and holds its key. */
	if (rc == SECD_OK && !(same && memcmp(&p->timers, &e->policy->timers,
					      sizeof(p->timers)) == 0)) {
		zone_abandon(e);
		rc = refresh_configure(e->refresh, &cfg, same ? NULL : was,
				       clock_boot_ms());
	}
	if (rc == SECD_OK) {
		e->policy = p;
	}
	zone_wake(e);
	return rc;
}

static void
on_forgotten(struct commit_entry *c)
{
	struct zone_entry *e = c->arg;
	char apex[NAME_TEXT_MAX];

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
	zone_entry_hold(e);
	commit_post(e->server->commit, c);
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
	e->retired = true;
	e->server->retired_count++;
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
		e->server->retired_count--;
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
