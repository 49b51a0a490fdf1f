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

/* Longer than what link.h enforces itself, which strikes first. */
#define SOA_LIMIT_S      30
#define TRANSFER_GRACE_S 60
#define BUILD_LIMIT_S    3600

unsigned
zone_primary_count(const struct config_policy *p)
{
	return (unsigned)p->primary_target_count;
}

const struct config_target *
zone_primary(const struct config_policy *p, unsigned index)
{
	return &p->primary_targets[index];
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
		    address_text(zone_primary(p, i)->to, out->texts[i],
				 sizeof(out->texts[i]));
	}
	cfg->primary_names = out->names;
}

void
zone_entry_free(struct zone_entry *e)
{
	ev_timer_stop(e->server->loop, &e->timer);
	ev_timer_stop(e->server->loop, &e->commit_retry);
	ev_timer_stop(e->server->loop, &e->compact_retry);
	refresh_free(e->refresh);
	zone_chain_fini(&e->chain);
	version_unref(e->told);
	version_unref(e->newest);
	version_unref(e->pinned);
	version_unref(e->zone.version);
	free(e->arriving);
	free(e->last);
	free(e->heard);
	free(e->key_choice);
	module_expiry_unref(e->expiry);
	free(e);
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

bool
zone_is_pinned(const struct zone_entry *e)
{
	return e->pinned != NULL;
}

bool
zone_has_alarm(const struct zone_entry *e)
{
	return e->is_commit_failing || e->pin.is_lost;
}

bool
zone_is_durable(const struct zone_entry *e)
{
	return e->chain.stored_seq == e->seq && !e->chain.is_broken;
}

size_t
zone_layer_nodes(const struct version *v)
{
	size_t count = 0;

	for (unsigned i = 0; i < version_layer_count(v); i++) {
		count += layer_node_count(version_layer(v, i));
	}
	return count;
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
