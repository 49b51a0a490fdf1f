/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rotate_world -- a few servers that rotate their keys, in one process and at
 * any speed: the machine of tsig-rotate, and around it hosts, disks, clocks, a
 * network and servers that have no module. Everything that may go wrong does:
 * messages are lost, late or forged, servers crash between any two actions,
 * are restored from a backup or cut off, clocks are ten minutes off, operators
 * rotate and revoke. After each step all that must hold is checked.
 *
 * The same seed gives the same schedule.
 */

#ifndef TESTS_ROTATE_WORLD_H
#define TESTS_ROTATE_WORLD_H

#include "rnd.h"
#include "tsig-rotate/machine.h"

#define WORLD_NODES    5
#define WORLD_PAIRS    4
#define WORLD_STORES   2
#define WORLD_MESSAGES 64
#define WORLD_HELD     64
#define WORLD_REVOKED  16

/* Times, far below those in use. */
#define WORLD_EPOCH_MS INT64_C(1000000)
#define WORLD_DRAIN_MS INT64_C(60000)
#define WORLD_PROBE_MS INT64_C(4000)
#define WORLD_CHECK_MS INT64_C(100000)
#define WORLD_FUDGE_MS INT64_C(300000)
#define WORLD_DELAY_MS 2000  /* of a message, at most */
#define WORLD_XFER_MS  20000 /* a transfer takes, at most */

struct world_node {
	bool is_up;
	bool tells;    /* its host tells what others sign with */
	bool compares; /* and compares with more than one secret */
	int64_t booted_ms;
	int64_t skew_ms;
};

/* A secret that a host or a server has. Two are the same when their first
 * octets are. */
struct held {
	uint64_t secret;
	uint64_t tag;
	enum ring_kind kind;
};

/* A node of a pair that has the module. */
struct world_end {
	struct world *world;
	unsigned pair, index, node;
	struct machine_config config;
	struct machine machine;
	struct pair state, kept;   /* the machine's */
	struct pair saved, backup; /* on disk */
	bool is_new, has_backup;
	uint8_t scratch[MACHINE_SCRATCH_LEN];

	/* The host. */
	bool is_open;   /* the module was opened: it can be reached */
	int64_t due_ms; /* there is nothing to do for it before; 0: now */
	struct held main[SLOT_COUNT];
	struct held compared[WORLD_HELD];
	size_t compared_count;
	unsigned used;
	bool is_asking;
	uint64_t probe;
	int64_t probe_ends_ms;

	uint64_t revoked[WORLD_REVOKED];
	size_t revoked_count;
};

/* Another server, whose keys an end puts there. */
struct world_store {
	unsigned node;
	uint64_t secrets[SLOT_COUNT];
	int64_t pulls_until_ms[SLOT_COUNT]; /* a transfer to it runs */
	bool is_placing;
	int64_t placed_ms;
	uint64_t placing[SLOT_COUNT];
};

struct world_pair {
	struct world_end ends[2];
	struct world_store stores[WORLD_STORES];
	unsigned end_count, store_count;
	/* It was in order once, and nobody revoked or restored since: now no
	 * transfer may fail. */
	bool is_sound;
	bool is_half_cut[2]; /* for an end one of two addresses leads nowhere */
	unsigned disturbed;  /* how often somebody did */
	int64_t ordered_ms;  /* when it was last in order */
	uint64_t epoch;      /* and what was in use then */
	unsigned revocations;
	bool is_touched; /* to be checked */
};

enum message_kind {
	MESSAGE_QUERY,
	MESSAGE_REPLY,
	MESSAGE_TRANSFER,
};

/* Between members of a pair: ends are 0 and 1, stores come behind. */
struct message {
	enum message_kind kind;
	unsigned pair, from, to, slot;
	uint64_t secret, id;
	int64_t sent_ms, at_ms;
	int64_t skew_ms; /* of the sender's clock, when it was signed */
	bool is_second;  /* the first slot was refused */
	bool is_sound;   /* it has to succeed, unless the pair is disturbed */
	unsigned disturbed; /* how often it was, before */
	uint32_t outcome, tsig_error;
};

struct world {
	struct rnd rnd;
	int64_t now_ms;
	struct world_node nodes[WORLD_NODES];
	unsigned node_count;
	bool is_cut[WORLD_NODES][WORLD_NODES];
	struct world_pair pairs[WORLD_PAIRS];
	unsigned pair_count;
	struct message messages[WORLD_MESSAGES];
	size_t message_count;
	unsigned
	    trouble;   /* of a thousand things that can go wrong, so many do */
	unsigned loss; /* of a thousand messages */
	bool is_traced;
	uint64_t transfers; /* that had to succeed, and did */
	uint64_t rotations;
	char wrong[256]; /* the first rule that was broken; "" */
};

/** A world of up to five servers, all new. */
void world_init(struct world *w, uint64_t seed);

/**
 * Let things happen, as many.
 *
 * Returns  whether everything that must hold did; else `wrong` says what
 */
bool world_run(struct world *w, unsigned steps);

/**
 * Let nothing go wrong any more, and see that every pair finds together and
 * goes on to rotate.
 */
bool world_recover(struct world *w);

/* Of rotate_end.c: one end, its host and its disk. */

void end_init(struct world_end *e, struct world *w, unsigned pair,
	      unsigned index, unsigned node);
void end_clock(const struct world_end *e, struct secd_time *out);
/** Do what it wants to be done, all of it, unless the node crashes. */
void end_run(struct world_end *e);
void end_open(struct world_end *e, bool from_backup);
void end_crash(struct world_end *e);
/** A request was signed with this. Returns the TSIG error. */
uint32_t end_verify(struct world_end *e, unsigned slot, uint64_t secret,
		    bool is_timely);
void end_used_out(struct world_end *e, unsigned slot, uint32_t tsig_error);
void end_probe_done(struct world_end *e, uint32_t outcome, uint32_t tsig_error);
void end_revoke(struct world_end *e, unsigned slots);
uint64_t world_secret_id(const uint8_t *secret);

/* Of rotate_check.c: what must hold. */

void check_saved(struct world_end *e, const struct pair *before);
void check_put(struct world_end *e, const struct action *a);
void check_use(struct world_end *e, unsigned slot);
void check_pair(struct world *w, struct world_pair *p);

void world_wrong(struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_trace(struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_send(struct world *w, struct message m);
/** Does one of these things go wrong now? */
bool world_fails(struct world *w);
void world_crash_node(struct world *w, unsigned node);
/** Somebody revokes, or restores a backup. */
void world_disturb(struct world_pair *p);

#endif
