/* SPDX-License-Identifier: BSD-2-Clause */

#include "world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "server/modules.h"
#include "server/zone_commit.h"
#include "zonefile.h"

struct world world;

const char *const world_names[WORLD_ZONES] = {"a.example.",  "b.example.",
					      "c.example.",  "xa.example.",
					      "xb.example.", "xc.example."};

/* ---- the world ---- */

static char *
put_modules(char *p)
{
	if (world.has_witness || world.has_journal) {
		p += sprintf(p, "module:\n");
	}
	if (world.has_witness) {
		p += sprintf(p, "  - id: witness\n    file: %s\n",
			     getenv("SECD_WITNESS"));
	}
	if (world.has_journal) {
		p += sprintf(p,
			     "  - id: journal\n"
			     "    file: %s/ixfr-journal.so\n",
			     getenv("SECD_MODULES"));
	}
	return p;
}

static const char keys[] = "key:\n"
			   "  - id: a\n    module: witness\n"
			   "  - id: b\n    module: witness\n";

struct config *
world_load_config(unsigned zones, const char *settings)
{
	const struct sockaddr_in *in =
	    (const void *)primary_address(world.primary);
	char text[8192], *p = text;

	p += sprintf(p,
		     "server:\n  listen: 127.0.0.1@5300\n  storage: %s\n%s"
		     "%sremote:\n  - id: hidden\n    address: 127.0.0.1@%u\n%s",
		     world.store->path, settings, world.has_keys ? keys : "",
		     ntohs(in->sin_port),
		     world.has_keys ? "    key: [ a, b ]\n" : "");
	p = put_modules(p);
	p += sprintf(p, "zone:\n");
	for (unsigned i = 0; i < WORLD_ZONES; i++) {
		if ((zones & 1u << i) != 0) {
			p += sprintf(p, "  - domain: %s\n    primary: hidden\n",
				     world_names[i]);
		}
	}
	conf_dir_accept(world.conf, text);
	return world.conf->c;
}

void
world_start_server(unsigned zones, const char *settings)
{
	struct config *config = world_load_config(zones, settings);
	char reason[MODULES_REASON_LEN];

	world.server = calloc(1, sizeof(*world.server));
	assert_non_null(world.server);
	if (modules_open(config, &world.server->frontend, NULL,
			 &world.server->modules, reason) != SECD_OK) {
		fail_msg("%s", reason);
	}
	assert_int_equal(
	    transfer_init(world.server, config, world.store->store), SECD_OK);
	assert_int_equal(transfer_start(world.server), SECD_OK);
}

void
world_stop_server(void)
{
	world_release(WORLD_BUILD);
	world_release(WORLD_APPLY);
	transfer_stop(world.server);
	transfer_fini(world.server);
	modules_close(world.server->modules);
	free(world.server);
	world.server = NULL;
}

int
world_start(void **state)
{
	void *dir;

	(void)state;
	world.has_witness = world.has_journal = world.has_keys = false;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	assert_int_equal(store_dir_setup(&dir), 0);
	world.store = dir;
	assert_int_equal(conf_dir_setup(&dir), 0);
	world.conf = dir;
	world.primary = primary_new();
	return 0;
}

int
world_stop(void **state)
{
	void *dir = world.store;

	(void)state;
	if (world.server != NULL) {
		world_stop_server();
	}
	primary_free(world.primary);
	store_dir_teardown(&dir);
	dir = world.conf;
	return conf_dir_teardown(&dir);
}

/* ---- looking at a zone ---- */

static void
look_there(struct server *s, void *arg)
{
	struct world_look *l = arg;
	uint8_t apex[NAME_LEN_MAX];
	struct refresh_status refresh;
	const struct zone_entry *e =
	    zone_list_find(&s->zones, zonefile_name(l->name, apex));

	l->is_there = e != NULL;
	if (e == NULL) {
		return;
	}
	l->has_version = e->zone.version != NULL;
	l->serial = l->has_version ? version_serial(e->zone.version) : 0;
	l->told = e->told == NULL ? 0 : version_serial(e->told);
	l->is_durable = zone_is_durable(e);
	l->is_failing = e->is_commit_failing;
	l->is_compacting = e->compaction != NULL;
	l->is_building = e->activity == ZONE_BUILDING;
	l->is_asking = e->activity == ZONE_QUEUED || e->activity == ZONE_ASKING;
	l->newest = e->newest == NULL ? 0 : version_serial(e->newest);
	l->layers = e->newest == NULL ? 0 : version_layer_count(e->newest);
	l->seq = e->seq;
	l->stored_seq = e->chain.stored_seq;
	l->is_expired = atomic_load(&e->zone.expired);
	l->is_pinned = zone_is_pinned(e);
	l->is_pin_lost = e->pin.is_lost;
	l->is_pinning = e->pinning != NULL;
	refresh_status(e->refresh, &refresh);
	l->failed_rounds = refresh.failed_rounds;
}

struct world_look
world_look(unsigned zone)
{
	struct world_look l = {.name = world_names[zone]};

	transfer_call(world.server, look_there, &l);
	return l;
}

void
world_wait(void)
{
	const struct timespec moment = {0, 1000000};

	nanosleep(&moment, NULL);
}

void
world_await_serial(unsigned zone, uint32_t serial)
{
	struct world_look l = {0};

	for (int i = 0; i < WORLD_LIMIT; i++) {
		l = world_look(zone);
		if (l.has_version && l.serial == serial && l.is_durable) {
			assert_int_equal(l.told, serial);
			return;
		}
		world_wait();
	}
	fail_msg("zone %s: serial %u of %u, durable %d", world_names[zone],
		 l.serial, serial, l.is_durable);
}

void
world_await_questions(unsigned count)
{
	for (int i = 0;
	     i < WORLD_LIMIT && primary_questions(world.primary) < count; i++) {
		world_wait();
	}
	assert_true(primary_questions(world.primary) >= count);
}

/* ---- disturbing it ---- */

void
world_notify(unsigned zone)
{
	struct sockaddr_storage from = *primary_address(world.primary);
	struct name_hashes hashes;
	uint8_t apex[NAME_LEN_MAX];
	struct zone *z;

	rcu_thread_online();
	zonefile_name(world_names[zone], apex);
	name_hash_all(apex, store_hash_key(world.store->store), &hashes);
	z = zone_table_find(root_get(&world.server->frontend.root)->zones, apex,
			    &hashes, 0, NULL);
	if (z != NULL) {
		world.server->frontend.notified(z, &from, false, 0);
	}
	rcu_thread_offline();
}

static void
reload_there(struct server *s, void *arg)
{
	struct world_reload *r = arg;

	r->rc = transfer_reload(s, r->config, r->reason);
}

struct world_reload
world_try_reload(unsigned zones, const char *settings)
{
	struct world_reload r = {.config = world_load_config(zones, settings)};

	transfer_call(world.server, reload_there, &r);
	return r;
}

void
world_reload(unsigned zones)
{
	assert_int_equal(world_try_reload(zones, "").rc, SECD_OK);
}

static void
command_there(struct server *s, void *arg)
{
	const enum refresh_command *command = arg;

	for (size_t i = 0; i < s->zones.count; i++) {
		zone_command(s->zones.entries[i], *command);
	}
}

void
world_command(enum refresh_command what)
{
	transfer_call(world.server, command_there, &what);
}

static void
retry_there(struct server *s, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < s->zones.count; i++) {
		zone_store(s->zones.entries[i]);
	}
}

void
world_retry(void)
{
	transfer_call(world.server, retry_there, NULL);
}

void
world_expect_stored(unsigned zone, uint32_t serial)
{
	struct store_zone z;

	assert_int_equal(store_load(world.store->store,
				    store_dir_apex(world_names[zone]), &z),
			 SECD_OK);
	assert_null(z.fault);
	assert_non_null(z.image);
	assert_int_equal(z.change_count == 0 ? image_serial(z.image)
					     : z.changes[z.change_count - 1].to,
			 serial);
	store_zone_fini(&z);
}

size_t
world_stored_changes(unsigned zone)
{
	struct store_zone z;
	size_t count;

	assert_int_equal(store_load(world.store->store,
				    store_dir_apex(world_names[zone]), &z),
			 SECD_OK);
	count = z.change_count;
	store_zone_fini(&z);
	return count;
}

void
world_expect_not_stored(unsigned zone)
{
	struct store_zone z;

	assert_int_equal(store_load(world.store->store,
				    store_dir_apex(world_names[zone]), &z),
			 SECD_ENOTFOUND);
}

/* ---- threads that do jobs ---- */

struct blockage {
	struct job job; /* first */
	sem_t begun, released;
};

static void
wait_there(struct job *job)
{
	struct blockage *b = (struct blockage *)job;

	sem_post(&b->begun);
	sem_wait(&b->released);
}

static void
unblocked(struct job *job)
{
	struct blockage *b = (struct blockage *)job;

	sem_destroy(&b->begun);
	sem_destroy(&b->released);
	free(b);
}

void
world_block(enum world_thread thread)
{
	struct blockage *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_null(world.blockages[thread]);
	sem_init(&b->begun, 0, 0);
	sem_init(&b->released, 0, 0);
	b->job.work = wait_there;
	b->job.done = unblocked;
	b->job.reply = &world.server->box;
	jobs_post(thread == WORLD_BUILD ? world.server->build
					: world.server->apply,
		  &b->job);
	sem_wait(&b->begun);
	world.blockages[thread] = b;
}

void
world_release(enum world_thread thread)
{
	if (world.blockages[thread] != NULL) {
		sem_post(&world.blockages[thread]->released);
		world.blockages[thread] = NULL;
	}
}
