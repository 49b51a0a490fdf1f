/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What modules are told: letters to the commit thread.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/module_entries.h"
#include "server/module_sockaddr.h"
#include "server/modules_internal.h"

enum news_kind {
	NEWS_CHANGE,
	NEWS_MOVED,
	NEWS_PUBLISHED,
	NEWS_STORED,
	NEWS_PINNED,
	NEWS_ZONE_ADDED,
	NEWS_ZONE_REMOVED,
	NEWS_READY,
	NEWS_CONFIGURED,
	NEWS_RELOADED,
};

struct news {
	struct letter letter; /* first */
	struct modules *modules;
	enum news_kind kind;
	uint8_t apex[NAME_LEN_MAX];
	struct version *from, *to; /* references, or NULL */
	bool is_pinned;
	struct module_expiry *expiry; /* a reference, or NULL */
	struct config *config;        /* counted, or NULL */
	bool has_owners;
	struct buf owners;
	struct secd_change change; /* what is known of it already */
	char primary_id[128];
	uint8_t key[NAME_LEN_MAX];
};

static void
offer(struct module_instance *i, const struct news *news)
{
	struct secd_change change = news->change;
	struct module_stream stream;
	int rc;

	module_stream_init(&stream, news->from, news->to,
			   news->has_owners ? &news->owners : NULL);
	change.records = news->from != NULL ? &stream.api : NULL;
	i->has_changes = true;
	rc = i->files.code->change(i->self, &change);
	i->has_lost |= rc < SECD_OK;
	modules_judge(i, rc, "a change is lost");
	module_stream_fini(&stream);
}

static void
tell_published(struct module_instance *i, const struct news *news)
{
	const struct secd_version v = {
	    .size = sizeof(v),
	    .apex = news->apex,
	    .seq = version_seq(news->to),
	    .serial = version_serial(news->to),
	};

	if (i->files.code->published != NULL) {
		i->files.code->published(i->self, &v);
	}
}

static void
send_event(struct module_instance *i, const struct news *news)
{
	static const enum secd_event_type types[] = {
	    [NEWS_ZONE_ADDED] = SECD_EVENT_ZONE_ADDED,
	    [NEWS_ZONE_REMOVED] = SECD_EVENT_ZONE_REMOVED,
	    [NEWS_READY] = SECD_EVENT_READY,
	    [NEWS_RELOADED] = SECD_EVENT_RELOADED,
	};
	const struct modules *m = i->modules;
	struct secd_zone zone = {.size = sizeof(zone), .apex = news->apex};
	struct secd_event e = {.size = sizeof(e), .type = types[news->kind]};
	const struct module_zone *known;

	if (news->kind == NEWS_ZONE_ADDED || news->kind == NEWS_ZONE_REMOVED) {
		e.zone = &zone;
		known = module_zones_find(&m->zones, news->apex);
		if (known != NULL) {
			module_zone_describe(known, m->config, &zone);
		}
	}
	if (i->files.code->event != NULL) {
		i->files.code->event(i->self, &e);
	}
}

static void
tell_one(struct module_instance *i, const struct news *news)
{
	i->is_touched = true;
	if (news->kind == NEWS_CHANGE) {
		if (i->files.code->change != NULL) {
			offer(i, news);
		}
	} else if (news->kind == NEWS_PUBLISHED) {
		tell_published(i, news);
	} else {
		send_event(i, news);
	}
}

static void
note_version(struct module_zone *zone, const struct news *news)
{
	bool is_durable = news->kind == NEWS_PUBLISHED ||
			  news->kind == NEWS_STORED ||
			  news->kind == NEWS_ZONE_ADDED;

	if (news->kind != NEWS_PUBLISHED && news->kind != NEWS_STORED) {
		module_zone_offered(zone, news->to);
	}
	/* One that is pinned is published, too. */
	if (is_durable && version_seq(news->to) > zone->durable_seq) {
		zone->durable_seq = version_seq(news->to);
		zone->durable_serial = version_serial(news->to);
	}
}

static void
note_added(struct module_zone *zone, const struct news *news)
{
	zone->is_pinned = news->is_pinned;
	module_expiry_unref(zone->expiry);
	zone->expiry = module_expiry_ref(news->expiry);
}

/* What zone_get and walk_begin know from now on. */
static void
note(struct modules *m, const struct news *news)
{
	struct module_zone *zone;

	if (news->kind == NEWS_ZONE_REMOVED) {
		module_zones_remove(&m->zones, news->apex);
		return;
	}
	if (news->kind == NEWS_CONFIGURED) {
		config_unref(m->config);
		m->config = config_ref(news->config);
		return;
	}
	if (news->kind == NEWS_READY || news->kind == NEWS_RELOADED) {
		return;
	}
	zone = news->kind == NEWS_ZONE_ADDED
		   ? module_zones_add(&m->zones, news->apex)
		   : module_zones_find(&m->zones, news->apex);
	if (zone == NULL) {
		return;
	}
	if (news->kind == NEWS_ZONE_ADDED) {
		note_added(zone, news);
	} else if (news->kind == NEWS_PINNED) {
		zone->is_pinned = news->is_pinned;
	}
	if (news->to != NULL) {
		note_version(zone, news);
	}
}

static void
news_free(struct news *news)
{
	version_unref(news->from);
	version_unref(news->to);
	module_expiry_unref(news->expiry);
	config_unref(news->config);
	buf_fini(&news->owners);
	free(news);
}

/* The others are for those who ask. */
static bool
is_told(enum news_kind kind)
{
	return kind != NEWS_MOVED && kind != NEWS_STORED &&
	       kind != NEWS_PINNED && kind != NEWS_CONFIGURED;
}

static void
tell(struct letter *letter)
{
	struct news *news = (struct news *)letter;
	struct modules *m = news->modules;

	if (news->kind != NEWS_CHANGE) {
		modules_flush(m);
	}
	note(m, news);
	m->apex = news->apex;
	m->version = news->to;
	for (size_t n = 0; n < m->count && is_told(news->kind); n++) {
		if (m->list[n].self != NULL) {
			tell_one(&m->list[n], news);
		}
	}
	m->version = NULL;
	news_free(news);
}

static struct news *
news_new(struct modules *m, enum news_kind kind, const uint8_t *apex)
{
	struct news *news = calloc(1, sizeof(*news));

	if (news == NULL) {
		log_error("modules: no memory: they miss something");
		return NULL;
	}
	news->letter.run = tell;
	news->modules = m;
	news->kind = kind;
	if (apex != NULL) {
		name_lower(apex, news->apex);
	}
	return news;
}

/* Until there is a commit thread there is no other one. */
static void
post(struct news *news)
{
	if (news->modules->commit == NULL) {
		tell(&news->letter);
	} else {
		commit_call(news->modules->commit, &news->letter);
	}
}

static void
post_plain(struct modules *m, enum news_kind kind, const uint8_t *apex,
	   struct version *to)
{
	struct news *news = m == NULL ? NULL : news_new(m, kind, apex);

	if (news != NULL) {
		news->to = to == NULL ? NULL : version_ref(to);
		post(news);
	}
}

void
modules_zone_added(struct modules *m, const uint8_t *apex,
		   const struct modules_zone *zone)
{
	struct news *news =
	    m == NULL ? NULL : news_new(m, NEWS_ZONE_ADDED, apex);

	if (news != NULL) {
		news->to =
		    zone->version == NULL ? NULL : version_ref(zone->version);
		news->is_pinned = zone->is_pinned;
		news->expiry = module_expiry_ref(zone->expiry);
		post(news);
	}
}

void
modules_zone_removed(struct modules *m, const uint8_t *apex)
{
	post_plain(m, NEWS_ZONE_REMOVED, apex, NULL);
}

void
modules_ready(struct modules *m)
{
	post_plain(m, NEWS_READY, NULL, NULL);
}

void
modules_configured(struct modules *m, struct config *config)
{
	struct news *news =
	    m == NULL ? NULL : news_new(m, NEWS_CONFIGURED, NULL);

	if (news != NULL) {
		news->config = config_ref(config);
		post(news);
	}
}

void
modules_reloaded(struct modules *m)
{
	post_plain(m, NEWS_RELOADED, NULL, NULL);
}

void
modules_moved(struct modules *m, const uint8_t *apex, struct version *v)
{
	post_plain(m, NEWS_MOVED, apex, v);
}

void
modules_published(struct modules *m, const uint8_t *apex, struct version *v)
{
	post_plain(m, NEWS_PUBLISHED, apex, v);
}

void
modules_stored(struct modules *m, const uint8_t *apex, struct version *v)
{
	post_plain(m, NEWS_STORED, apex, v);
}

void
modules_pinned(struct modules *m, const uint8_t *apex, bool is_pinned)
{
	struct news *news = m == NULL ? NULL : news_new(m, NEWS_PINNED, apex);

	if (news != NULL) {
		news->is_pinned = is_pinned;
		post(news);
	}
}

/* Everything that is pointed to is in `news` itself. */
static void
describe(struct news *news, const struct modules_origin *origin)
{
	struct secd_change *c = &news->change;

	snprintf(news->primary_id, sizeof(news->primary_id), "%s",
		 origin->primary_id == NULL ? "" : origin->primary_id);
	if (origin->key != NULL) {
		name_lower(origin->key, news->key);
	}
	*c = (struct secd_change){
	    .size = sizeof(*c),
	    .source = origin->source,
	    .transport = origin->primary == NULL ? SECD_TRANSPORT_NONE
						 : SECD_TRANSPORT_TCP,
	    .to = version_serial(news->to),
	    .apex = news->apex,
	    .seq = version_seq(news->to),
	    .at_ms = clock_wall_s() * 1000,
	    .primary = module_sockaddr_of(origin->primary),
	    .primary_id = news->primary_id,
	    .key = origin->key != NULL ? news->key : NULL,
	};
	if (news->from != NULL) {
		c->from = version_serial(news->from);
		c->from_seq = version_seq(news->from);
	}
}

void
modules_changed(struct modules *m, const uint8_t *apex, struct version *from,
		struct version *to, const struct changeset *changes,
		const struct modules_origin *origin)
{
	struct news *news = m == NULL ? NULL : news_new(m, NEWS_CHANGE, apex);

	if (news == NULL) {
		return;
	}
	news->from = from == NULL ? NULL : version_ref(from);
	news->to = version_ref(to);
	/* Without them, all of the zone is looked at: slower, not wrong. */
	news->has_owners = changes != NULL && changes->step_count > 0 &&
			   difference_owners(changes, &news->owners) == SECD_OK;
	describe(news, origin);
	post(news);
}
