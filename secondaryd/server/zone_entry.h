/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_entry -- one zone as the transfer thread has it: its configuration, its
 * refresh machine, the exchange in flight, what is built, stored and notified.
 *
 * All of it belongs to the transfer thread, but for `zone`, which workers
 * read, and `is_heard_posted`, for their NOTIFYs. An entry is retired when a
 * reload drops its zone, and freed when no worker, job, commit or letter can
 * hold it any more.
 *
 * The files about a zone form a line. Each calls those above it, never one
 * below; what a thread, a timer or a connection brings goes down the line
 * through a function pointer.
 *
 *     zone_chain     what the store has, and what it must be given next
 *     zone_rewind    an older version, made from a later one
 *     zone_entry     what all of them share
 *     zone_key       which key signs
 *     zone_state     the octets that outlive the process
 *     zone_log, zone_report, zone_status, zone_downstream, notifier
 *                    tell the operator, tell other secondaries
 *     zone_view      what readers see: the newest version, or a pinned one
 *     zone_commit    what is published becomes durable, then is told
 *     zone_compact   an image and its layers become one image
 *     zone_publish   a new version goes on its way
 *     zone_pin       an older version is served by an operator's order
 *     zone_apply     what was received becomes a version
 *     zone_exchange  one question to a primary
 *     zone_receive   what the answer is good for
 *     zone_refresh   drives the refresh machine; every event ends up here
 *     zone_rekey     keys have changed
 *     zone_load, zone_verify
 *                    what the store has
 *     zone_life      begin, configure, retire
 */

#ifndef SECD_SERVER_ZONE_ENTRY_H
#define SECD_SERVER_ZONE_ENTRY_H

#include <urcu-qsbr.h>

#include "base/address.h"
#include "server/module_expiry.h"
#include "server/server.h"
#include "server/zone_chain.h"
#include "transfer/exchange.h"
#include "transfer/refresh.h"
#include "zone/version.h"

struct notify_target;
struct pinning;
struct zone_compaction;
struct zone_exchange_events;

/* One transfer, for status and log. */
struct transfer_summary {
	enum xfr_in_outcome kind;
	uint64_t octets, records, messages;
	int64_t duration_ms;
	int64_t ended_at; /* wall clock, seconds */
	uint32_t from_serial, serial;
	bool had_serial;
	char primary[ADDRESS_TEXT_MAX];
	bool is_signed;
	uint8_t key[]; /* the name of the one that signed, then */
};

/* A NOTIFY that was allowed, and the letter that tells of it. */
struct zone_notify {
	struct letter letter; /* first */
	struct zone_entry *entry;
	struct sockaddr_storage from;
	int64_t at; /* wall clock, seconds */
	bool has_serial;
	uint32_t serial; /* what it claimed */
};

enum zone_activity {
	ZONE_IDLE,
	ZONE_QUEUED,   /* waits for a connection */
	ZONE_ASKING,   /* an exchange runs on `link` */
	ZONE_BUILDING, /* a job has what was received */
};

/* An older version that is to be served, as it outlives the process. */
struct zone_pin {
	uint64_t seq; /* 0: none */
	uint32_t serial;
	int64_t at;   /* wall clock, seconds: when it was ordered */
	bool is_lost; /* it cannot be served any more; until another order */
};

struct zone_entry {
	struct server *server;
	const struct config_policy *policy;
	struct refresh *refresh;
	ev_timer timer;

	enum zone_activity activity;
	struct pool_request request;
	unsigned asked; /* the primary that a connection was asked for */
	struct link *link;
	struct exchange *exchange;
	const struct zone_exchange_events *events; /* of the exchange */
	bool has_action;   /* `action` is started, but no exchange runs yet */
	bool was_repeated; /* `action`, on a connection of its own */
	struct refresh_action action;
	int64_t action_started_ms;
	unsigned key_tries; /* keys that its primary has refused; zone_key.h */
	unsigned *key_choice; /* of each primary; NULL: the first of each */

	/* What is changed, stored and offered to modules: a reference; NULL: no
	 * version is held. Readers have `zone.version`. */
	struct version *newest;
	struct version *pinned;  /* what they have instead; NULL: the newest */
	struct zone_pin pin;     /* as every state that is stored has it */
	struct pinning *pinning; /* the order that is carried out; NULL: none */
	bool is_held_back; /* not started until modules said what they have */
	uint64_t seq;      /* of the newest version there ever was */
	struct zone_chain chain; /* what the store has of it */
	/* The store has taken something, or refused it. */
	void (*on_stored)(struct zone_entry *e, bool is_image_refused);
	/* It has taken the state in which `pin` is, or refused it. */
	void (*on_pin_stored)(struct zone_entry *e, int rc);
	struct version *told;   /* durable and seen, for NOTIFY; a reference */
	unsigned commits;       /* in flight */
	bool is_commit_failing; /* and that was logged */
	int commit_rc;          /* why, then */
	ev_timer commit_retry;
	int64_t state_saved_at; /* wall clock of what was stored last */
	struct zone_compaction *compaction; /* that runs; NULL: none */
	ev_timer compact_retry;             /* while it runs, none is started */
	unsigned compact_failures;          /* in a row */
	bool was_expired, was_alarmed;      /* as logged */
	struct module_expiry *expiry; /* as modules see it; NULL: none do */
	unsigned heard_before;        /* NOTIFYs in the second of `heard` */

	struct notify_target *targets;
	size_t target_count;
	/* What is being built; becomes `last` when published. NULL: none. */
	struct transfer_summary *arriving;
	struct transfer_summary *last;

	struct zone_notify *heard;   /* the last one; NULL: none */
	atomic_bool is_heard_posted; /* a letter about another is under way */

	unsigned holds; /* jobs, commits and letters that point here */
	bool retired;
	bool is_forgetting; /* the store is about to forget the zone */
	/* Of the server's list, while retired. */
	struct zone_entry *next_retired, **prev_retired;
	struct rcu_head rcu;
	struct letter grace_letter;

	struct zone zone; /* last: allocated as far as its apex goes */
};

/** Free an entry that no other thread and no letter can know. */
void zone_entry_free(struct zone_entry *e);

/** Count what points to an entry beyond one call of the loop. */
void zone_entry_hold(struct zone_entry *e);
void zone_entry_release(struct zone_entry *e);

/** Addresses of primaries: what refresh.h numbers. */
unsigned zone_primary_count(const struct config_policy *p);
const struct config_target *zone_primary(const struct config_policy *p,
					 unsigned index);

/** Is an older version to be served? */
bool zone_is_pinned(const struct zone_entry *e);

/** Should an operator look, whatever the refresh machine says? */
bool zone_has_alarm(const struct zone_entry *e);

/** Does the store have the newest version? */
bool zone_is_durable(const struct zone_entry *e);

/** Nodes in all layers of a version. */
size_t zone_layer_nodes(const struct version *v);

/* What the refresh machine is told of a configuration. */
struct zone_refresh_config {
	struct refresh_config refresh; /* points to the rest */
	const char *names[REFRESH_PRIMARY_MAX];
	char texts[REFRESH_PRIMARY_MAX][ADDRESS_TEXT_MAX];
};
void zone_refresh_config(const struct config_policy *p,
			 struct zone_refresh_config *out);

/** The limits of images that are built for this zone. */
struct build_params zone_build_params(const struct zone_entry *e);

/** An entry of the list, or NULL. */
struct zone_entry *zone_list_find(const struct zone_list *list,
				  const uint8_t *apex);

#endif
