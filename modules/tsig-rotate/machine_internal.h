/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the machine share: machine.c has the rules by which keys go
 * from state to state, machine_ring.c what the host has to hold, machine_ask.c
 * the questions, machine_event.c what comes from outside.
 */

#ifndef TSIG_ROTATE_MACHINE_INTERNAL_H
#define TSIG_ROTATE_MACHINE_INTERNAL_H

#include "tsig-rotate/machine.h"

/*
 * The rules that everything hangs on are marked. A test breaks one after the
 * other, to see that it notices.
 */
#ifndef MACHINE_RULE
#define MACHINE_RULE(name, holds) (holds)
#endif

#define MACHINE_RETRY_MS 5000 /* after the host, or the disk, refused */

/* After what cannot be explained, all candidates are asked for; then not again
 * for so many checks, or two nodes would ask each other without end. */
#define MACHINE_LOOK_CHECKS 16

/* RFC 8945 section 3 */
#define TSIG_BADSIG   16
#define TSIG_BADKEY   17
#define TSIG_BADTIME  18
#define TSIG_BADTRUNC 22

static inline uint16_t
machine_all_peers(const struct machine *m)
{
	return (uint16_t)((1u << m->config->peers) - 1);
}

static inline uint16_t
machine_all_places(const struct machine *m)
{
	return (uint16_t)((1u << m->config->places) - 1);
}

/** The slot in use, or -1. */
static inline int
machine_active(const struct machine *m)
{
	return pair_find(m->pair, SLOT_ACTIVE);
}

/**
 * Is a key of this generation one that this node proposed? Those of the
 * initiator are odd. Another server proposes nothing.
 */
static inline bool
machine_is_ours(const struct machine *m, uint32_t generation)
{
	return !m->config->has_module ||
	       (generation % 2 != 0) == m->config->is_initiator;
}

/** What keys are derived from; NULL: nothing. */
static inline const uint8_t *
machine_root(const struct machine *m)
{
	return m->pair->is_root_revoked ? NULL : m->root;
}

/** Is all as it should be there, as far as we told them? */
static inline bool
machine_is_placed(const struct machine *m)
{
	return m->place_due == 0 && m->place_pending == 0;
}

/** A key goes to another state, which is told. */
void machine_enter(struct machine *m, const struct secd_time *now, unsigned s,
		   enum slot_state to, const char *because);

/** A key is gone that no other server's store has any more. */
void machine_empty(struct machine *m, const struct secd_time *now, unsigned s,
		   const char *because);

/** Follow the rules until nothing changes. */
void machine_settle(struct machine *m, const struct secd_time *now,
		    const char *because);

/** The peer accepts this key of the slot, and we do not have it. */
void machine_found(struct machine *m, const struct secd_time *now,
		   unsigned peer, uint32_t generation, uint64_t epoch,
		   const uint8_t *secret, const char *because);

/** What is to be put, dropped or used next? */
bool machine_ring_next(struct machine *m, const struct secd_time *now,
		       struct action *out);
void machine_ring_did(struct machine *m, const struct secd_time *now,
		      const struct action *a, int rc);
/** Does the host have the key of this slot? */
bool machine_ring_has_key(const struct machine *m, unsigned slot);
/** What the host knows by this tag and slot; NULL: nothing. */
const struct ring_key *machine_ring_find(const struct machine *m, unsigned slot,
					 uint64_t tag);

/** Is this candidate one to look for? */
bool machine_is_candidate(const struct machine *m, uint32_t generation,
			  uint64_t epoch);
bool machine_derive_candidate(struct machine *m, uint32_t generation,
			      uint64_t epoch);

/** Which question is to be asked now? */
bool machine_ask_next(struct machine *m, const struct secd_time *now,
		      struct action *out);
int64_t machine_ask_due(const struct machine *m);
/** Ask that at once, and often. */
void machine_ask_now(struct machine *m, enum ask_kind kind);
/** The active key is refused by some peer, or there is none. */
bool machine_is_at_a_loss(const struct machine *m);

#endif
