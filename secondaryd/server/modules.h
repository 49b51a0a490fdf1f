/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * modules -- the modules of the configuration, by secondaryd/module.h.
 *
 * Opened before there are threads; from then on every call into a module but
 * changes_since is made by the commit thread, one at a time. A module that
 * fails is logged and counted, and serving goes on: a change that it refuses is
 * not offered again, one that gives up for good is closed.
 *
 * A version is offered when it is published, so before it is durable in the
 * store: the commit thread has modules commit before it commits the store, and
 * NOTIFY comes behind both. A crash in between leaves modules ahead, never
 * behind. Functions take NULL for "no modules" where it says so.
 */

#ifndef SECD_SERVER_MODULES_H
#define SECD_SERVER_MODULES_H

#include <sys/socket.h>

#include "base/buf.h"
#include "config/config.h"
#include "secondaryd/module.h"
#include "server/commit.h"
#include "server/control.h"
#include "server/frontend.h"
#include "server/module_expiry.h"
#include "server/prober.h"
#include "zone/version.h"

#define MODULES_REASON_LEN (SECD_REASON_LEN + 128)

struct helper;
struct modules;

/**
 * Load and open all of them, in order.
 *
 * c        a count is taken
 * f        has the keys that they put, and what becomes of these; outlives them
 * helper   puts keys into other servers; NULL: this host cannot
 * out      receives NULL when there are none
 * reason   room for MODULES_REASON_LEN; receives one sentence on failure
 * Returns  SECD_OK, or why the first one that failed did
 */
int modules_open(struct config *c, struct frontend *f, struct helper *helper,
		 struct modules **out, char *reason);

/** Close them, once no thread is left that may call; their keys are gone. NULL
 * is fine. */
void modules_close(struct modules *m);

/** Give up placements that wait or run, while the thread that calls modules is
 * still there. NULL is fine. */
void modules_end_placing(struct modules *m);

/** Can all of them be loaded, and do they take their options? As modules_open,
 * without opening any. Any thread. */
int modules_check(const struct config *c, char *reason);

/*
 * Before the threads start
 */

/** What NOTIFY is sent by; from the commit thread. NULL is fine for m. */
void modules_set_notify(struct modules *m,
			void (*notify)(void *ctx, const uint8_t *apex),
			void *ctx);

/* An order of a module to serve an older version of a zone, or the newest
 * again. */
struct modules_pin {
	/* Of whoever carries it out. */
	struct letter letter; /* first */
	struct server *server;

	struct modules *modules;
	struct module_instance *asker;
	uint64_t id;  /* the module's own */
	uint64_t seq; /* 0: the newest */
	struct version
	    *base; /* the newest that modules have; NULL with seq 0 */
	int rc;
	struct buf text;
	uint8_t apex[NAME_LEN_MAX]; /* lower-case */
};

/** Who carries such orders out; from the commit thread. NULL is fine for m. */
void modules_set_pin(struct modules *m,
		     void (*pin)(void *ctx, struct modules_pin *order),
		     void *ctx);

/* An order of a module to probe a server. */
struct modules_probe {
	/* Of whoever carries it out. */
	struct letter letter; /* first */
	struct server *server;
	struct prober_order order; /* what is to be done */

	struct modules *modules;
	struct module_instance *asker;
	uint64_t id; /* the module's own */
	struct probe_result result;
};

/** Who carries such orders out; from the commit thread. NULL is fine for m. */
void modules_set_probe(struct modules *m,
		       void (*probe)(void *ctx, struct modules_probe *order),
		       void *ctx);

/**
 * Whom to tell that keys have changed, or what signs in another's place; from
 * the commit thread. NULL is fine for m.
 *
 * is_cut   a key was revoked, too: what runs under it is to end
 */
void modules_set_rekey(struct modules *m, void (*rekey)(void *ctx, bool is_cut),
		       void *ctx);

/** From now on calls are made by this thread. NULL is fine for m. */
void modules_attach(struct modules *m, struct commit *commit);

/** For commit_start; those of no module when m is NULL. */
struct commit_hooks modules_hooks(struct modules *m);

/**
 * A number that no version of the zone that a module knows has reached. NULL
 * is fine for m.
 */
uint64_t modules_newest_seq(struct modules *m, const uint8_t *apex);

/* The same question, for the commit thread; whoever runs it owns it. */
struct modules_newest {
	struct letter letter; /* first */
	struct modules *modules;
	uint8_t apex[NAME_LEN_MAX];
	uint64_t seq; /* the answer */
	/* Runs where `reply` is. */
	void (*done)(struct modules_newest *q);
	struct mailbox *reply;
	void *arg;
};

/** Ask, once there is a commit thread. From the transfer thread. */
void modules_ask_newest(struct modules *m, struct modules_newest *q);

/*
 * From the transfer thread, or before there is one: heard by the modules in
 * this order. NULL is fine for m.
 */

/* A zone that is there, whose changes are told from then on. */
struct modules_zone {
	struct version *version; /* the newest that the store has, or NULL */
	bool is_pinned;          /* an older one is served */
	struct module_expiry *expiry; /* NULL: it never does */
};

void modules_zone_added(struct modules *m, const uint8_t *apex,
			const struct modules_zone *zone);
void modules_zone_removed(struct modules *m, const uint8_t *apex);
/** All zones that there are at the start were added. */
void modules_ready(struct modules *m);
/** Another configuration is in force; a count is taken. Zones that come and go
 * with it are told behind it, and then that it was reloaded. */
void modules_configured(struct modules *m, struct config *config);
void modules_reloaded(struct modules *m);

/* How a version came. */
struct modules_origin {
	enum secd_source source;
	const struct sockaddr_storage *primary; /* NULL: none */
	const char *primary_id;
	const uint8_t *key; /* name, or NULL */
};

/**
 * A version is published. Before its commit is posted.
 *
 * from     the version before, or NULL
 * changes  what led from the one to the other, or NULL: look at all of them
 */
void modules_changed(struct modules *m, const uint8_t *apex,
		     struct version *from, struct version *to,
		     const struct changeset *changes,
		     const struct modules_origin *origin);
/** The same version has moved to another image. */
void modules_moved(struct modules *m, const uint8_t *apex, struct version *v);
/** It is durable, and others are told. */
void modules_published(struct modules *m, const uint8_t *apex,
		       struct version *v);
/** It is durable, and nobody sees it: an older one is pinned. */
void modules_stored(struct modules *m, const uint8_t *apex, struct version *v);
/** From now on an older version is served, or not any more. */
void modules_pinned(struct modules *m, const uint8_t *apex, bool is_pinned);

/**
 * An order has come to its end: the module that gave it is told.
 *
 * o        taken back
 * rc       what came of it
 * text     lines with '\n' between them: a sentence first; copied
 */
void modules_pin_done(struct modules_pin *o, int rc, const char *text);

/**
 * A probe has come to its end: the module that ordered it is told.
 *
 * o        taken back
 */
void modules_probe_done(struct modules_probe *o, const struct probe_result *r);

/*
 * From the control thread
 */

/* How many there are, and of how many something is wrong: module-status says
 * what. */
struct modules_count {
	unsigned all, failing;
};
/** NULL is fine for m. */
struct modules_count modules_count(const struct modules *m);

/** Rows about each. NULL is fine for m. */
void modules_status(struct modules *m, struct control_reply *reply);

/**
 * A command of a module, one turn of it.
 *
 * words    the first one is the module's
 * position SECD_POSITION_LEN octets, aligned for anything; zero at first
 * Returns  SECD_OK, SECD_MORE (call again), SECD_ENOTFOUND (no module has this
 *          word), or a failure, which the reply tells
 */
int modules_command(struct modules *m, const char *const *words, size_t count,
		    uint8_t *position, struct control_reply *reply);

/*
 * From any thread while the modules are open
 */

/** Of the first module that has a history. SECD_ENOTSUP: none does. */
int modules_changes_since(struct modules *m, struct secd_since *s);

#endif
