/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server -- the transfer thread's world: one loop that owns every zone and is
 * the only one that changes them. What workers see of it is `frontend.root`.
 */

#ifndef SECD_SERVER_SERVER_H
#define SECD_SERVER_SERVER_H

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>

#include "config/config.h"
#include "server/commit.h"
#include "server/frontend.h"
#include "server/jobs.h"
#include "server/mailbox.h"
#include "server/pool.h"
#include "store/store.h"

struct modules;
struct zone_entry;
struct notifier;
struct prober;

/* The zones of the configuration, by name_compare of their apexes. */
struct zone_list {
	struct zone_entry **entries;
	size_t count;
};

struct server {
	const char *config_path;
	struct config *config; /* in force; counted */
	struct store *store;
	struct frontend frontend;

	struct ev_loop *loop;
	struct mailbox box; /* letters to this thread */
	ev_async wake;
	ev_timer clock_watch;
	int64_t slept_ms; /* BOOTTIME minus MONOTONIC when last looked */
	pthread_t thread;
	bool is_running; /* there is a thread */
	bool is_ending;

	struct pool *pool;
	struct notifier *notifier;
	struct prober *prober;
	struct jobs *apply, *build; /* short jobs, long jobs */
	struct commit *commit;
	struct modules *modules; /* NULL: none */
	struct zone_list zones;
	struct zone_entry *retired; /* entries that others still hold */
	struct letter rekey;        /* "keys have changed" */
	atomic_bool is_rekey_posted;
	int64_t started_ms;
};

#endif
