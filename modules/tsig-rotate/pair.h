/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair -- what a node knows for good of the two keys that it shares with
 * another: this is what its state file holds.
 *
 * A pair has two key names, the slots a and b. A key is one secret that was in
 * one of them, and is called by its generation and epoch: an epoch is one
 * rotation, a generation ends with a revocation. The epoch says which slot it
 * is: a takes the odd ones, b the even ones. (generation, epoch) never goes
 * back.
 */

#ifndef TSIG_ROTATE_PAIR_H
#define TSIG_ROTATE_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAIR_SECRET_LEN  32 /* of HMAC-SHA256: RFC 8945 section 6 */
#define PAIR_RETIRED_MAX 8  /* two that were retired, two revoked, a slot */
#define PAIR_CHECK_LEN   8

enum slot_id {
	SLOT_A,
	SLOT_B,
	SLOT_COUNT,
};

enum slot_state {
	SLOT_EMPTY,     /* no secret of this slot is accepted */
	SLOT_GENERATED, /* known to this node only, or not yet told to a host */
	SLOT_STAGED,    /* accepted here and put where we put keys */
	SLOT_CONFIRMED, /* every peer proved to have it */
	SLOT_ACTIVE,    /* our signers use it */
	SLOT_DRAINING,  /* still accepted, not used any more */
	SLOT_REVOKED,   /* as EMPTY, by an operator's order */
	SLOT_STATE_COUNT,
};

/* How far a secret is on its way out, in another server's store too. */
enum slot_phase {
	SLOT_OPEN,     /* it is accepted here, or nothing is on its way */
	SLOT_CLOSED,   /* DRAINING: refused here, still in the other store */
	SLOT_REMOVING, /* DRAINING, REVOKED: to be replaced there, too */
};

struct slot {
	uint8_t state; /* enum slot_state */
	uint8_t phase; /* enum slot_phase */
	/* GENERATED: the peer had it first. It is told to the host in the
	 * moment in which it becomes ACTIVE. */
	bool is_adopted;
	uint32_t generation;
	uint64_t epoch;
	int64_t since_ms; /* wall clock: when it came into this state */
	/* What other servers' stores have: the key, or, when there is none,
	 * something that fits nowhere else. */
	uint8_t secret[PAIR_SECRET_LEN];
};

/* A secret that is not accepted any more. It is kept to be known again. */
struct retired {
	uint8_t slot;
	bool is_revoked;
	uint32_t generation;
	uint64_t epoch;
	uint8_t secret[PAIR_SECRET_LEN];
};

/* Holds secrets: its memory is the host's secret_new. Zero-initialised it is a
 * pair that was never used, but for the generation, which begins with 1. */
struct pair {
	/* No key behind this one was accepted here; none before it will be. */
	uint32_t generation;
	uint64_t epoch;      /* 0: none */
	bool wants_rotation; /* the next key is used as soon as it can be */
	bool proposes;       /* a revocation: the next one comes from here */
	bool is_stopped;     /* nothing is done until the operator says so */
	bool is_root_revoked;
	uint8_t root_check[PAIR_CHECK_LEN]; /* of the root that was revoked */
	uint8_t retired_count;
	struct slot slots[SLOT_COUNT];
	struct retired retired[PAIR_RETIRED_MAX]; /* the newest is the last */
};

static inline enum slot_id
pair_slot_of(uint64_t epoch)
{
	return epoch % 2 != 0 ? SLOT_A : SLOT_B;
}

static inline enum slot_id
pair_other(unsigned slot)
{
	return slot == SLOT_A ? SLOT_B : SLOT_A;
}

/** Is there a secret in it that somebody may use? */
static inline bool
pair_is_live(const struct slot *s)
{
	return s->state != SLOT_EMPTY && s->state != SLOT_REVOKED;
}

/** Is anything in it? Nothing but zeros must never become a key. */
bool pair_has_secret(const struct slot *s);

/** The slot in this state, a before b; -1: none. */
int pair_find(const struct pair *p, enum slot_state state);

/** The epoch behind `epoch` that is one of this slot. */
static inline uint64_t
pair_epoch_after(uint64_t epoch, unsigned slot)
{
	return pair_slot_of(epoch + 1) == slot ? epoch + 1 : epoch + 2;
}

/** A generation, and in it an epoch, comes behind another one. */
static inline bool
pair_is_later(uint32_t generation, uint64_t epoch, uint32_t than_generation,
	      uint64_t than_epoch)
{
	return generation > than_generation ||
	       (generation == than_generation && epoch > than_epoch);
}

/** Keep the secret of a slot to be known again. What is in the slot stays. */
void pair_retire(struct pair *p, unsigned slot, bool is_revoked);

/** The last one that was in this slot, or NULL. */
const struct retired *pair_last_retired(const struct pair *p, unsigned slot);

/** "EMPTY" and so on. */
const char *pair_state_text(unsigned state);

#endif
