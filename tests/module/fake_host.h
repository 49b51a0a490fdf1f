/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_host -- a host of the module API whose every function can be taken
 * away or made to fail, and which notices what it is asked in the wrong way.
 *
 * One thread drives it. A module's mistake ends the process, with a sentence:
 * each test runs in a process of its own.
 */

#ifndef TESTS_MODULE_FAKE_HOST_H
#define TESTS_MODULE_FAKE_HOST_H

#include <stdbool.h>

#include "fake_keys.h"
#include "model.h"

#define FAKE_ZONES   4
#define FAKE_PENDING 64

/* Functions of the host that may be taken away or fail. */
enum fake_function {
	FAKE_ZONE_GET,
	FAKE_ZONE_NEXT,
	FAKE_WALK_BEGIN,
	FAKE_WALK_NEXT,
	FAKE_NOTIFY,
	FAKE_ZONE_PIN,
	FAKE_ZONE_UNPIN,
	FAKE_KEY_PUT,
	FAKE_KEY_DROP,
	FAKE_KEY_USE,
	FAKE_PROBE,
	FAKE_PLACE,
	FAKE_SECRET_NEW,
	FAKE_FUNCTION_COUNT,
};

/* What a group of changes has come to, for whoever shares the memory of a host
 * that is killed. */
enum fake_phase {
	FAKE_RESTS,   /* there is none */
	FAKE_SAVES,   /* `before` is being written */
	FAKE_CHOOSES, /* `zones` are, and nothing is committed */
	FAKE_OFFERS,  /* or commits */
	FAKE_NOTES,   /* what is promised is being written */
};

struct fake_host;

struct fake_watcher {
	void (*logged)(struct fake_host *h, const char *text);
	/* Returns whether the answer comes from there. */
	bool (*probed)(struct fake_host *h, const struct secd_probe *p);
	bool (*placed)(struct fake_host *h, const struct secd_placement *p);
};

struct fake_host {
	struct secd_host api;
	const struct secd_module *module;
	const struct secd_options *options;
	void *m; /* NULL while it is not open */
	struct rnd rnd;
	struct secd_time now;
	struct model_zone zones[FAKE_ZONES];
	enum fake_phase phase;
	struct model_zone before[FAKE_ZONES]; /* the group */
	bool configured[FAKE_ZONES];          /* the host has the zone */
	/* The seq that the module has to have, 0: none, UNKNOWN. */
	uint64_t expected[FAKE_ZONES];
	/* Of these, the way from the one before has to be known. */
	bool follows[FAKE_ZONES];
	/* What runs out of luck: FAKE_FUNCTION_COUNT for nothing. */
	enum fake_function failing;
	unsigned fail_every; /* each one, each second one, ... */
	unsigned fail_calls;
	bool stream_breaks; /* the next stream ends in an error */
	bool is_steady;     /* it never loses a version that it offered */
	bool keeps_all;     /* the module was told of no limits */
	bool is_unsettled;  /* a zone that begins may not be whole yet */

	bool in_call;   /* of the module: else it calls us on its own */
	bool in_open;   /* then some things are not for it */
	bool has_ended; /* of a walk: it may not be read on */
	int walks;
	unsigned logged;
	struct fake_keys keys;
	/* Who wants to know what was said, asked and placed; NULL: nobody. */
	const struct fake_watcher *watcher;
	void *watcher_ctx;
	/* What was asked for, and is answered by an event. */
	struct fake_pending {
		uint32_t event;
		uint64_t id;
	} pending[FAKE_PENDING];
	size_t pending_count;
};

#define FAKE_UNKNOWN UINT64_MAX

extern const char *const fake_function_names[FAKE_FUNCTION_COUNT];

/** End this process: the module did wrong. */
void fake_wrong(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/** state_dir and options are borrowed. */
void fake_host_init(struct fake_host *h, const struct secd_module *module,
		    const char *state_dir, const struct secd_options *options,
		    uint64_t seed);

/** Take a function away: NULL. */
void fake_host_take(struct fake_host *h, enum fake_function f);

/** Returns what check said, as open would; nothing may come of it. SECD_OK of a
 * module that does not check. */
int fake_host_check_options(const struct fake_host *h,
			    const struct secd_options *options);
/** Returns what open said; the reason is checked. */
int fake_host_open(struct fake_host *h);
/** Tell of all zones, and that this is all. */
void fake_host_start(struct fake_host *h);
void fake_host_close(struct fake_host *h);

/** Send an event. Its size and type are set. */
void fake_host_event(struct fake_host *h, struct secd_event *e, uint32_t type);
/** Tick. Returns when the module wants to be called next. */
int64_t fake_host_tick(struct fake_host *h);
/** One legal call, chosen at random, and perhaps a tick. */
void fake_host_step(struct fake_host *h);
/** The zones of a host that was killed: the module is at the one or the
 * other. */
void fake_host_left(const struct fake_host *h,
		    struct model_zone old[FAKE_ZONES],
		    struct model_zone new[FAKE_ZONES]);
/** Take some versions in, and commit. Returns what commit said. */
int fake_host_group(struct fake_host *h, size_t count);
/** Tick until nothing is due. */
void fake_host_settle(struct fake_host *h);
/** What the module has must be what it was given. */
void fake_host_check(struct fake_host *h);
/** The way from a version to another. Returns what changes_since said. */
int fake_host_since(struct fake_host *h, const struct model_zone *z,
		    const struct model_version *from, uint64_t to_seq,
		    struct buf *out);
/** Run a command up to its end. */
void fake_host_command(struct fake_host *h, uint32_t argc,
		       const char *const *argv);

#endif
