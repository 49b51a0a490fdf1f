/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/error.h"
#include "base/log.h"
#include "server/modules.h"
#include "server/notifier.h"
#include "server/orphans.h"
#include "server/prober.h"
#include "server/thread.h"
#include "server/transfer_orders.h"
#include "server/zone_commit.h"
#include "server/zone_compact.h"
#include "server/zone_life.h"
#include "server/zone_refresh.h"

/* Suspends are noticed within this time. */
#define CLOCK_WATCH_S  10.0
#define CLOCK_SLEPT_MS 2000
#define CLOCK_JUMP_MS  INT64_C(86400000)

/* Whole images take seconds: queries are answered first. */
#define BUILD_NICE 5

/* ---- letters from workers and from the operator ---- */

static void
wake_loop(void *arg)
{
	struct server *s = arg;

	ev_async_send(s->loop, &s->wake);
}

static void
on_wake(struct ev_loop *loop, ev_async *async, int events)
{
	struct server *s = async->data;

	(void)events;
	letters_run(mailbox_take(&s->box));
	if (s->is_ending) {
		ev_break(loop, EVBREAK_ALL);
	}
}

static void
on_notify_letter(struct letter *letter)
{
	struct zone_notify *notify = (struct zone_notify *)letter;
	struct zone_entry *e = notify->entry;

	/* From here on the next NOTIFY posts again. */
	atomic_store(&e->is_heard_posted, false);
	if (e->retired || e->server->is_ending) {
		free(notify);
	} else {
		zone_notified_take(e, notify);
	}
}

/* On a worker, inside its read section: the entry cannot go meanwhile. */
static void
on_notified(struct zone *zone, const struct sockaddr_storage *from,
	    bool has_serial, uint32_t serial)
{
	struct zone_entry *e = container_of(zone, struct zone_entry, zone);
	struct zone_notify *notify;

	if (atomic_exchange(&e->is_heard_posted, true)) {
		return;
	}
	notify = malloc(sizeof(*notify));
	if (notify == NULL) {
		/* As good as lost on the way: the timers will tell. */
		atomic_store(&e->is_heard_posted, false);
		return;
	}
	*notify = (struct zone_notify){.letter = {.run = on_notify_letter},
				       .entry = e,
				       .from = *from,
				       .at = clock_wall_s(),
				       .has_serial = has_serial,
				       .serial = serial};
	if (!mailbox_post(&e->server->box, &notify->letter)) {
		free(notify);
	}
}

struct call {
	struct server *server;
	void (*run)(struct server *s, void *arg);
	void *arg;
};

static void
run_call(void *arg)
{
	const struct call *c = arg;

	c->run(c->server, c->arg);
}

void
transfer_call(struct server *s, void (*run)(struct server *s, void *arg),
	      void *arg)
{
	struct call c = {.server = s, .run = run, .arg = arg};

	mailbox_call(&s->box, run_call, &c);
}

/* ---- time ---- */

/* libev's timers stand still while the machine sleeps; the zones' do not. */
static void
on_clock_watch(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct server *s = timer->data;
	int64_t slept = clock_boot_ms() - clock_awake_ms();
	int64_t jump = slept - s->slept_ms;

	(void)loop;
	(void)events;
	s->slept_ms = slept;
	if (jump < CLOCK_SLEPT_MS) {
		return;
	}
	log_notice("the machine slept for %lld s", (long long)(jump / 1000));
	for (size_t i = 0; i < s->zones.count; i++) {
		struct zone_entry *e = s->zones.entries[i];

		if (jump >= CLOCK_JUMP_MS) {
			refresh_clock_jumped(e->refresh, clock_boot_ms());
		}
		zone_wake(e);
	}
}

/* ---- start and end ---- */

static void
free_list(struct zone_list *list)
{
	free(list->entries);
	*list = (struct zone_list){0};
}

static int
load_zones(struct server *s, const struct config *config)
{
	char apex[NAME_TEXT_MAX];

	s->zones.entries =
	    calloc(config->zone_count + 1, sizeof(*s->zones.entries));
	if (s->zones.entries == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < config->zone_count; i++) {
		int rc =
		    zone_life_new(s, &config->zones[i], &s->zones.entries[i]);

		if (rc != SECD_OK) {
			log_error("zone %s: cannot be loaded: %s",
				  name_to_text(config->zones[i].apex, apex),
				  secd_strerror(rc));
			return rc;
		}
		s->zones.count++;
	}
	return SECD_OK;
}

/* The root for a configuration and the entries of its zones. */
static int
make_root(struct server *s, struct config *config, const struct zone_list *list,
	  struct root **out)
{
	struct zone **zones = calloc(list->count + 1, sizeof(struct zone *));
	int rc;

	if (zones == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < list->count; i++) {
		zones[i] = &list->entries[i]->zone;
	}
	rc =
	    root_new(config, zones, list->count, store_hash_key(s->store), out);
	free(zones);
	return rc;
}

static int
init_loop(struct server *s)
{
	s->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
	if (s->loop == NULL) {
		return SECD_ENOMEM;
	}
	ev_async_init(&s->wake, on_wake);
	s->wake.data = s;
	ev_async_start(s->loop, &s->wake);
	ev_timer_init(&s->clock_watch, on_clock_watch, CLOCK_WATCH_S,
		      CLOCK_WATCH_S);
	s->clock_watch.data = s;
	ev_timer_start(s->loop, &s->clock_watch);
	s->slept_ms = clock_boot_ms() - clock_awake_ms();
	return mailbox_init(&s->box, wake_loop, s);
}

static int
on_changes_since(void *ctx, struct secd_since *since)
{
	return modules_changes_since(ctx, since);
}

int
transfer_init(struct server *s, struct config *config, struct store *store)
{
	struct root *root;
	int rc;

	s->store = store;
	s->config = config_ref(config);
	s->started_ms = clock_boot_ms();
	s->frontend.notified = on_notified;
	s->frontend.history = (struct frontend_history){
	    .ctx = s->modules, .changes_since = on_changes_since};
	rc = init_loop(s);
	if (rc == SECD_OK) {
		rc = downstreams_new(DOWNSTREAMS_MAX, &s->frontend.downstreams);
	}
	if (rc == SECD_OK) {
		rc = pool_new(s->loop, config->server.transfers_in,
			      config->server.transfers_per_primary, &s->pool);
	}
	if (rc == SECD_OK) {
		rc = notifier_new(s->loop, &s->notifier);
	}
	if (rc == SECD_OK) {
		rc = prober_new(s->loop, &s->prober);
	}
	if (rc == SECD_OK) {
		rc = load_zones(s, config);
	}
	if (rc == SECD_OK) {
		rc = make_root(s, config, &s->zones, &root);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	root_publish_take(&s->frontend.root, root);
	return SECD_OK;
}

static void
start_zone(struct zone_entry *e)
{
	zone_life_start(e);
	/* An expired zone is transferred to nobody. */
	if (zone_is_durable(e) && !e->was_expired) {
		notifier_announce_stored(e->server->notifier, e);
	}
}

static void *
transfer_main(void *arg)
{
	struct server *s = arg;

	rcu_register_thread();
	/* It only writes: it must not hold up anybody's grace period. */
	rcu_thread_offline();
	for (size_t i = 0; i < s->zones.count; i++) {
		start_zone(s->zones.entries[i]);
	}
	ev_run(s->loop, 0);
	rcu_unregister_thread();
	return NULL;
}

static void
tell_added(struct zone_entry *e)
{
	const struct modules_zone zone = {
	    .version = e->newest,
	    .is_pinned = zone_is_pinned(e),
	    .expiry = e->expiry,
	};

	modules_zone_added(e->server->modules, e->zone.apex, &zone);
}

static void
add_to_modules(struct zone_entry *e)
{
	struct modules *m = e->server->modules;
	uint64_t seq = modules_newest_seq(m, e->zone.apex);

	if (e->newest == NULL && seq > e->seq) {
		e->seq = seq; /* the store has lost what they remember */
	}
	tell_added(e);
}

static int
start_commit(struct server *s)
{
	struct commit_hooks hooks = modules_hooks(s->modules);
	int rc;

	transfer_orders_accept(s);
	for (size_t i = 0; i < s->zones.count; i++) {
		add_to_modules(s->zones.entries[i]);
	}
	modules_ready(s->modules);
	rc = commit_start(s->store, s->config->server.sync_interval_ms, &hooks,
			  &s->commit);
	if (rc == SECD_OK) {
		modules_attach(s->modules, s->commit);
	}
	return rc;
}

int
transfer_start(struct server *s)
{
	int rc = jobs_start("build", BUILD_NICE, &s->build);

	if (rc == SECD_OK) {
		rc = jobs_start("apply", 0, &s->apply);
	}
	if (rc == SECD_OK) {
		orphans_forget(s->store, &s->zones);
	}
	if (rc == SECD_OK) {
		rc = start_commit(s);
	}
	if (rc == SECD_OK) {
		rc = thread_start("transfer", transfer_main, s, &s->thread);
	}
	s->is_running = rc == SECD_OK;
	return rc;
}

static void
end_thread(struct server *s, void *arg)
{
	(void)arg;
	s->is_ending = true;
	prober_stop(s->prober);
	for (size_t i = 0; i < s->zones.count; i++) {
		struct zone_entry *e = s->zones.entries[i];

		zone_abandon(e);
		zone_compact_cancel(e);
		if (e->is_commit_failing && e->commits == 0) {
			zone_store(e); /* the last chance */
		}
	}
}

void
transfer_stop(struct server *s)
{
	if (s->is_running) {
		transfer_call(s, end_thread, NULL);
		pthread_join(s->thread, NULL);
		s->is_running = false;
	}
	s->is_ending = true; /* what comes now comes too late */
	jobs_stop(s->apply);
	s->apply = NULL;
	jobs_stop(s->build);
	s->build = NULL;
	letters_run(mailbox_take(&s->box));
	modules_end_placing(s->modules);
	commit_stop(s->commit);
	s->commit = NULL;
	modules_attach(s->modules, NULL);
	letters_run(mailbox_take(&s->box));
}

void
transfer_fini(struct server *s)
{
	rcu_barrier();
	letters_run(mailbox_take(&s->box));
	for (size_t i = 0; i < s->zones.count; i++) {
		zone_life_free(s->zones.entries[i]);
	}
	free_list(&s->zones);
	root_free(s->frontend.root.current);
	s->frontend.root.current = NULL;
	notifier_free(s->notifier);
	prober_free(s->prober);
	downstreams_free(s->frontend.downstreams);
	pool_free(s->pool);
	mailbox_fini(&s->box);
	ev_loop_destroy(s->loop);
	config_unref(s->config);
}

/* ---- reload ---- */

/* Another list for the configuration: entries that stay, and new ones. */
static int
merge_zones(struct server *s, const struct config *config,
	    struct zone_list *list, bool *is_new)
{
	list->entries = calloc(config->zone_count + 1, sizeof(*list->entries));
	if (list->entries == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < config->zone_count; i++) {
		struct zone_entry *e =
		    zone_list_find(&s->zones, config->zones[i].apex);

		is_new[i] = e == NULL;
		if (is_new[i]) {
			int rc = zone_life_new(s, &config->zones[i], &e);

			if (rc != SECD_OK) {
				return rc;
			}
		}
		list->entries[list->count++] = e;
	}
	return SECD_OK;
}

static void
undo_merge(struct zone_list *list, const bool *is_new)
{
	/* Nobody but this thread has seen the new ones. */
	for (size_t i = 0; i < list->count; i++) {
		if (is_new[i]) {
			zone_life_free(list->entries[i]);
		}
	}
	free_list(list);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_modules(const struct config *a, const struct config *b)
{
	bool same = a->module_count == b->module_count;

	for (size_t i = 0; same && i < a->module_count; i++) {
		same = same_text(a->modules[i].id, b->modules[i].id) &&
		       same_text(a->modules[i].file, b->modules[i].file) &&
		       same_text(a->modules[i].config, b->modules[i].config);
	}
	return same;
}

/* Settings that are taken at the start, before privileges are dropped. */
static const char *
needs_restart(const struct config *config, const struct config *in_force)
{
	const struct config_server *now = &config->server;
	const struct config_server *old = &in_force->server;

	if (now->listen_count != old->listen_count ||
	    memcmp(now->listen, old->listen,
		   now->listen_count * sizeof(*now->listen)) != 0) {
		return "listen";
	}
	if (now->udp_workers != old->udp_workers) {
		return "udp-workers";
	}
	if (now->tcp_workers != old->tcp_workers) {
		return "tcp-workers";
	}
	if (strcmp(now->storage, old->storage) != 0) {
		return "storage";
	}
	if (strcmp(now->rundir, old->rundir) != 0) {
		return "rundir";
	}
	if (now->uid != old->uid || now->gid != old->gid) {
		return "user";
	}
	return same_modules(config, in_force) ? NULL : "module";
}

/* The new root is in place: move the zones over. */
static void
adopt(struct server *s, struct config *config, struct zone_list *list,
      const bool *is_new)
{
	struct zone_list old = s->zones;
	struct config *old_config = s->config;
	char apex[NAME_TEXT_MAX];
	bool is_old_used = false;

	s->zones = *list;
	s->config = config_ref(config);
	modules_configured(s->modules, config);
	for (size_t i = 0; i < list->count; i++) {
		struct zone_entry *e = list->entries[i];

		if (is_new[i]) {
			tell_added(e);
			zone_life_begin(e);
		} else if (zone_life_configure(e, config->zones[i].policy) !=
			   SECD_OK) {
			log_error("zone %s: keeps its old settings: no memory",
				  name_to_text(e->zone.apex, apex));
			is_old_used = true;
		}
	}
	for (size_t i = 0; i < old.count; i++) {
		struct zone_entry *e = old.entries[i];

		if (zone_list_find(&s->zones, e->zone.apex) == NULL) {
			log_notice("zone %s: removed",
				   name_to_text(e->zone.apex, apex));
			modules_zone_removed(s->modules, e->zone.apex);
			zone_life_retire(e, true);
		}
	}
	modules_reloaded(s->modules);
	free_list(&old);
	pool_set_limits(s->pool, config->server.transfers_in,
			config->server.transfers_per_primary);
	commit_set_sync_interval(s->commit, config->server.sync_interval_ms);
	if (!is_old_used) {
		config_unref(old_config);
	}
}

int
transfer_reload(struct server *s, struct config *config, char reason[256])
{
	const char *setting = needs_restart(config, s->config);
	struct zone_list list = {0};
	bool *is_new = calloc(config->zone_count + 1, sizeof(*is_new));
	struct root *root;
	int rc = SECD_ENOMEM;

	if (setting != NULL) {
		snprintf(reason, 256, "a change of `%s` needs a restart",
			 setting);
		free(is_new);
		return SECD_ENOTSUP;
	}
	if (is_new != NULL) {
		rc = merge_zones(s, config, &list, is_new);
	}
	if (rc == SECD_OK) {
		rc = make_root(s, config, &list, &root);
	}
	if (rc != SECD_OK) {
		snprintf(reason, 256, "%s", secd_strerror(rc));
		undo_merge(&list, is_new);
		free(is_new);
		return rc;
	}
	root_publish_take(&s->frontend.root, root);
	adopt(s, config, &list, is_new);
	free(is_new);
	return SECD_OK;
}
