/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine -- decides what is done with the two slots of one pair.
 *
 * It does nothing itself. Times, events and random octets go in; what is to be
 * done comes out of machine_next, one thing at a time, and machine_did says how
 * that went. What has to be in force follows from the pair alone, so after a
 * crash the same things come out again, and nothing comes out before the pair
 * as it is now is saved. When it cannot be saved, what was decided is undone.
 *
 * BETWEEN TWO NODES WITH THIS MODULE secrets are derived from a root that both
 * have. One of them, the initiator, proposes by time; the other one only
 * follows, but after a revocation on its side. Each believes nothing but a
 * signed answer to a question of its own:
 *
 *   1. The proposer accepts the new secret in the idle slot (STAGED).
 *   2. The other one asks it with that secret. A verified answer is the proof,
 *      and the secret is accepted and used there from then on (ACTIVE): both in
 *      one step, so who accepts it signs with it.
 *   3. The proposer asks with it, too. A verified answer proves that nobody
 *      over there signs with the old one: it goes over as well (ACTIVE), and
 *      lets the old one drain.
 *   4. When it has, the proposer's old slot is idle: it holds a secret that
 *      follows from the active one (IDLE), and that nobody signs with. The
 *      other one asks with that. A verified answer proves that the proposer
 *      does not use the old one any more: the slot becomes idle here, too,
 *      which the proposer finds out in the same way before it proposes again.
 *
 * So whoever signs, does it with what the other one accepts, whatever messages
 * are lost and whoever is away for how long. Messages that come in are hints
 * when to ask, no more. Who proposed a key is seen by its generation: those of
 * the initiator are odd. Nothing happens twice at the same time: while a key is
 * not confirmed, or the old one drains, no other one is proposed.
 *
 * A node that finds its active key refused looks for the one that the peer
 * accepts, upwards: it was restored from a backup, or the peer revoked.
 *
 * WITH ANY OTHER SERVER this node holds both ends: its own keys, and the
 * other server's store, behind an adapter or an operator. The server is asked
 * with the new secret; a verified answer confirms it. It signs with whichever
 * key it likes and that we accept, so time alone ends the draining: first here,
 * and when nothing can be under way any more, there.
 */

#ifndef TSIG_ROTATE_MACHINE_H
#define TSIG_ROTATE_MACHINE_H

#include "secondaryd/module.h"
#include "tsig-rotate/pair.h"

#define MACHINE_PEERS_MAX   16
#define MACHINE_PLACES_MAX  16
#define MACHINE_RING_MAX    32
#define MACHINE_NEVER       INT64_MIN
#define MACHINE_SCRATCH_LEN (SLOT_COUNT * PAIR_SECRET_LEN)

/* Where secrets come from. Each returns whether it worked. */
struct machine_source {
	bool (*random)(void *ctx, uint8_t *out, size_t len);
	bool (*derive)(void *ctx, const uint8_t *root, const uint8_t *name,
		       uint32_t generation, uint64_t epoch, uint8_t *out);
	void *ctx;
};

#define MACHINE_STEPS_MAX 8
#define MACHINE_BECAUSE   160

/* A key went from one state to another. */
struct machine_step {
	unsigned slot;
	unsigned from, to; /* enum slot_state */
	uint32_t generation;
	uint64_t epoch;
	char because[MACHINE_BECAUSE];
};

/* Borrowed by machines; the same for all their lives. */
struct machine_config {
	const uint8_t *names[SLOT_COUNT];
	bool is_initiator;
	bool has_module;   /* the peer: secrets are derived at both ends */
	bool is_derived;   /* otherwise random */
	bool stages_soon;  /* when the slot is free, not when it is needed */
	bool has_self;     /* this node can be asked itself */
	unsigned peers;    /* that have to confirm, 1 to MACHINE_PEERS_MAX */
	unsigned places;   /* other servers' stores */
	uint32_t catch_up; /* how many epochs are looked for */
	int64_t epoch_ms;
	int64_t drain_ms;
	int64_t probe_ms; /* between questions that wait for something */
	int64_t check_ms; /* between those that look whether all is well */
	int64_t lost_ms;  /* a question without answer is over */
	struct machine_source source;
	/* It was saved, so it happened. NULL: nobody wants to know. */
	void (*told)(void *ctx, const struct machine_step *step);
	void *told_ctx;
};

/* What a secret in the host's keyring is. */
enum ring_kind {
	RING_NOTHING,
	RING_KEY,       /* the key of the slot */
	RING_IDLE,      /* says that the slot is idle */
	RING_TOMBSTONE, /* nobody knows it */
	/* These are only compared with. */
	RING_RETIRED,
	RING_CANDIDATE, /* the peer may propose it */
	RING_DONE,      /* the peer's slot is idle */
};

struct ring_key {
	uint8_t slot;
	uint8_t kind; /* enum ring_kind */
	uint32_t generation;
	uint64_t epoch;
	uint64_t tag;
};

enum ask_kind {
	ASK_SELF,   /* does this node refuse what was revoked? */
	ASK_KEY,    /* does the peer accept the new key? */
	ASK_IDLE,   /* is the peer's other slot idle? */
	ASK_NEXT,   /* does it accept one that we do not know yet? */
	ASK_ACTIVE, /* does it still accept the one in use? */
	ASK_OLD,    /* does it refuse the one that was taken away? */
	ASK_COUNT,
};

struct question {
	int64_t due_ms;  /* boot */
	int64_t wait_ms; /* until it is asked again in vain */
	uint16_t done;   /* the peers that gave the wanted answer */
	uint8_t peer;    /* to be asked next */
};

struct asked {
	bool is_on;
	uint8_t kind; /* enum ask_kind */
	uint8_t slot;
	uint8_t peer; /* index; MACHINE_PEERS_MAX: this node itself */
	uint32_t generation;
	uint64_t epoch;
	uint64_t id;
	int64_t at_ms; /* boot */
};

/* What a peer answered last. */
struct heard {
	uint32_t outcome; /* enum secd_probe_outcome; 0: nothing yet */
	uint32_t tsig_error;
	int64_t at_ms; /* wall clock */
	int64_t skew_ms;
};

/* Of a slot, since the start. */
struct machine_counts {
	uint64_t ok, badsig, badkey, badtime, badtrunc; /* both ways */
	int64_t in_ms, out_ms; /* wall clock: the last that was verified; 0 */
};

/* Something that happened and is not to be overlooked. */
struct sighting {
	int64_t at_ms; /* boot; MACHINE_NEVER: it did not happen */
	uint8_t slot;
	uint32_t generation;
	uint64_t epoch;
	struct secd_address peer;
};

enum action_kind {
	ACTION_SAVE,  /* the pair */
	ACTION_PUT,   /* key_put of this secret under the slot's name */
	ACTION_DROP,  /* key_drop of what is compared with */
	ACTION_USE,   /* key_use of this slot for both names; SLOT_COUNT: as
	                 configured */
	ACTION_PROBE, /* ask a peer, with this secret and name */
};

struct action {
	enum action_kind kind;
	unsigned slot;
	uint32_t flags; /* enum secd_key_flag */
	uint64_t tag;   /* PUT, DROP */
	unsigned peer;  /* PROBE: index; MACHINE_PEERS_MAX: this node itself */
	uint64_t id;    /* PROBE */
	const uint8_t *secret; /* lent until the next call */
	struct ring_key key;   /* PUT, DROP: what it is */
};

struct machine {
	/* Set by machine_init. */
	const struct machine_config *config;
	struct pair *pair;
	struct pair *saved; /* as it is on disk */
	uint8_t *scratch;   /* for secrets under way */
	const uint8_t *root;

	bool is_ready; /* the host may be asked for probes */
	bool is_dirty; /* the pair is to be saved */
	struct machine_step steps[MACHINE_STEPS_MAX]; /* since it was saved */
	size_t step_count;
	bool is_ring_stale;
	bool cannot_compare, cannot_cut; /* the host */
	uint64_t last_id;                /* of tags and questions */
	int64_t save_ms;                 /* boot: not before, after a failure */
	int64_t stage_ms;                /* the same */
	int save_rc, use_rc, put_rc, source_rc; /* of the last attempt */

	int64_t since_ms[SLOT_COUNT];   /* boot: when it came into its state */
	uint16_t confirmed[SLOT_COUNT]; /* by these peers */
	uint16_t refused;               /* the active key, by these peers */
	bool is_peer_idle;
	struct sighting late; /* a use of the slot that drains */

	struct ring_key ring[MACHINE_RING_MAX];
	size_t ring_count;
	int64_t put_ms; /* boot: not before, after a failure */
	int64_t use_ms;
	unsigned used;  /* slot; SLOT_COUNT: as configured */
	uint8_t to_cut; /* slots: what runs under what is there is to end */

	/* Places: one bit each. */
	uint16_t place_due, place_pending;
	int64_t heal_ms;   /* boot: not before they are put in order again */
	int64_t heal_wait; /* then as long as this */

	struct question questions[ASK_COUNT];
	struct asked asked;
	struct ring_key hint;      /* RING_CANDIDATE: the peer signed with it */
	struct ring_key last_hint; /* not again before then */
	int64_t hint_ms;           /* boot */
	int64_t own_hint_ms;       /* boot: not before, of our own */
	int64_t look_ms;           /* boot: not before, for no known reason */
	bool is_looking;           /* for all near ones */
	bool has_looked;           /* and found none */
	uint32_t near_at, far_at;  /* which candidate is the next */
	uint32_t round;            /* through the near ones */
	uint64_t look_from;        /* epoch: an operator's word; 0: none */
	uint32_t look_generation;  /* the same */
	bool is_far_turn, is_lost; /* looked through all in vain */
	bool is_b_turn;    /* of two unconfirmed keys this one is next */
	uint8_t self_slot; /* SLOT_COUNT: none */
	bool self_accepts; /* what was revoked */
	bool peer_accepts_old;

	struct heard heard[MACHINE_PEERS_MAX];
	struct machine_counts counts[SLOT_COUNT];
	uint64_t strangers; /* signatures that fit nothing, from elsewhere */
	struct sighting retired_use, stranger_use, regression;
};

/* Memory for secrets. */
struct machine_memory {
	struct pair *pair; /* as it was saved, or a new one */
	struct pair *saved;
	uint8_t *scratch; /* MACHINE_SCRATCH_LEN */
};

/**
 * Begin.
 *
 * config, memory, root  borrowed until the end; root may be NULL: there is none
 */
void machine_init(struct machine *m, const struct machine_config *config,
		  const struct machine_memory *memory, const uint8_t *root,
		  const struct secd_time *now);

/** The host may be asked for more than keys from now on. */
void machine_ready(struct machine *m);

/** The host lost keys and uses: they come out of machine_next again. */
void machine_forget(struct machine *m);

/**
 * What is to be done now?
 *
 * Returns  whether there is something; machine_did follows
 */
bool machine_next(struct machine *m, const struct secd_time *now,
		  struct action *out);

/** It was done, with this result. Of a probe: it was sent. */
void machine_did(struct machine *m, const struct secd_time *now,
		 const struct action *a, int rc);

/** Boot time at which machine_next, which had nothing to do, has something at
 * the latest if nothing happens before. */
int64_t machine_due(const struct machine *m, int64_t now_ms);

/** because: what the peer's answer was, for the log. */
void machine_probe_done(struct machine *m, const struct secd_time *now,
			const struct secd_probe_result *r, const char *because);

/**
 * Signatures were verified, or not.
 *
 * slot     whose name it is
 * is_peer  the address is the peer's
 */
void machine_key_used(struct machine *m, const struct secd_time *now,
		      const struct secd_key_used *u, unsigned slot,
		      bool is_peer);

/**
 * Places. A place that is due gets the secrets of both slots, as they are
 * saved: machine_places_begin, and machine_placed when it is over.
 */
bool machine_place_is_due(const struct machine *m, unsigned place);
void machine_place_begin(struct machine *m, unsigned place);
void machine_placed(struct machine *m, const struct secd_time *now,
		    unsigned place, int rc);

/**
 * Rotate now, whatever the time says.
 *
 * Returns  SECD_OK; SECD_EPERM: the other node does that, SECD_EBUSY: the last
 *          key is still draining, SECD_ENOTSUP: it is stopped
 */
int machine_rotate(struct machine *m, const struct secd_time *now);

/** Count this peer as one that confirmed. */
void machine_force(struct machine *m, const struct secd_time *now,
		   unsigned peer);

/**
 * Revoke what is in slots, and what was proposed with it.
 *
 * slots    a bit for each
 * is_root  no key follows from the root that there is, ever
 * Returns  SECD_OK; SECD_ENOTFOUND: nothing is in them, SECD_EAGAIN: no random
 *          octets, SECD_ELIMIT: no further generation; nothing has changed
 */
int machine_revoke(struct machine *m, const struct secd_time *now,
		   unsigned slots, bool is_root);

/**
 * Go on after what stopped it.
 *
 * root     to derive from, from now on; NULL: none
 * generation, epoch  look for the peer's key from there on, too; 0: nowhere
 */
void machine_adopt(struct machine *m, const struct secd_time *now,
		   const uint8_t *root, uint32_t generation, uint64_t epoch);

/** The question that is under way, or NULL. */
const struct asked *machine_asked(const struct machine *m);

#endif
