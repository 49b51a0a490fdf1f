/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes from outside: uses of keys, stores of other servers, operators.
 */

#include <string.h>

#include "base/error.h"
#include "tsig-rotate/machine_internal.h"

/*
 * Uses of keys
 */

static void
count(struct machine_counts *c, const struct secd_key_used *u)
{
	switch (u->tsig_error) {
	case 0:
		c->ok += u->count;
		*(u->way == SECD_WAY_IN ? &c->in_ms : &c->out_ms) = u->at_ms;
		break;
	case TSIG_BADSIG:
		c->badsig += u->count;
		break;
	case TSIG_BADKEY:
		c->badkey += u->count;
		break;
	case TSIG_BADTIME:
		c->badtime += u->count;
		break;
	case TSIG_BADTRUNC:
		c->badtrunc += u->count;
		break;
	default:
		break;
	}
}

static struct sighting
see(const struct secd_time *now, const struct secd_key_used *u,
    const struct ring_key *k)
{
	return (struct sighting){
	    .at_ms = now->boot_ms,
	    .slot = k->slot,
	    .generation = k->generation,
	    .epoch = k->epoch,
	    .peer = u->peer,
	};
}

/* A question that waits may be asked again: the peer is there. But not as
 * often as somebody likes to send us something. */
static void
wake(struct machine *m, const struct secd_time *now, enum ask_kind kind)
{
	struct question *q = &m->questions[kind];
	int64_t soon =
	    now->boot_ms + (kind == ASK_ACTIVE ? m->config->probe_ms
					       : m->config->probe_ms / 4);

	if (q->due_ms > soon) {
		q->due_ms = soon;
		q->wait_ms = 0;
	}
}

static void
wake_all(struct machine *m, const struct secd_time *now)
{
	wake(m, now, ASK_KEY);
	wake(m, now, ASK_IDLE);
	wake(m, now, ASK_ACTIVE);
}

/* The peer has something that we know nothing of, and do not even expect. */
static void
look(struct machine *m, const struct secd_time *now)
{
	if (now->boot_ms >= m->look_ms && !m->cannot_compare) {
		m->look_ms =
		    now->boot_ms + MACHINE_LOOK_CHECKS * m->config->check_ms;
		m->is_looking = true;
		machine_ask_now(m, ASK_NEXT);
	}
}

/* A request under a secret that is in force. */
static void
on_accepted(struct machine *m, const struct secd_time *now,
	    const struct secd_key_used *u, const struct ring_key *k,
	    bool is_peer)
{
	unsigned state = m->pair->slots[k->slot].state;

	if (!is_peer) {
		m->stranger_use = see(now, u, k);
	}
	if (k->kind != RING_KEY) {
		return;
	}
	if (state == SLOT_DRAINING && is_peer) {
		m->late = see(now, u, k);
	} else if (is_peer && m->config->has_module) {
		wake(m, now, ASK_KEY);
		wake(m, now, ASK_IDLE);
	}
}

/* The peer signs with one that we do not have. */
static void
on_candidate(struct machine *m, const struct secd_time *now,
	     const struct ring_key *k)
{
	if (!machine_is_candidate(m, k->generation, k->epoch)) {
		return;
	}
	/* One that we ought to have proposed: it may only ask for it. */
	if (machine_is_ours(m, k->generation)) {
		if (now->boot_ms < m->own_hint_ms) {
			return;
		}
		m->own_hint_ms = now->boot_ms + m->config->check_ms;
	}
	/* Nor the same one all the time: asking is a hint for the peer. */
	if (now->boot_ms < m->hint_ms &&
	    k->generation == m->last_hint.generation &&
	    k->epoch == m->last_hint.epoch) {
		return;
	}
	m->hint_ms = now->boot_ms + m->config->probe_ms / 2;
	m->hint = m->last_hint = *k;
	machine_ask_now(m, ASK_NEXT);
}

/* A request under a secret that is only compared with. */
static void
on_compared(struct machine *m, const struct secd_time *now,
	    const struct secd_key_used *u, const struct ring_key *k,
	    bool is_peer)
{
	switch (k->kind) {
	case RING_CANDIDATE:
		on_candidate(m, now, k);
		break;
	case RING_DONE:
		machine_ask_now(m, ASK_IDLE);
		break;
	case RING_RETIRED:
		/* Whoever installs keys by hand has the old one until the next
		 * one comes. */
		if (!is_peer || m->config->has_module ||
		    m->config->places > 0) {
			m->retired_use = see(now, u, k);
		}
		if (is_peer && m->config->has_module) {
			wake_all(m, now);
		}
		break;
	default:
		break;
	}
}

static void
on_request(struct machine *m, const struct secd_time *now,
	   const struct secd_key_used *u, const struct ring_key *k,
	   bool is_peer)
{
	if (k != NULL && k->kind >= RING_RETIRED) {
		on_compared(m, now, u, k, is_peer);
	} else if (u->tsig_error == 0 && k != NULL) {
		on_accepted(m, now, u, k, is_peer);
	} else if (u->tsig_error == TSIG_BADSIG) {
		m->strangers += is_peer ? 0 : u->count;
		if (is_peer && m->config->has_module) {
			wake(m, now, ASK_ACTIVE);
			look(m, now);
		}
	}
}

void
machine_key_used(struct machine *m, const struct secd_time *now,
		 const struct secd_key_used *u, unsigned slot, bool is_peer)
{
	const struct ring_key *k = machine_ring_find(m, slot, u->tag);

	count(&m->counts[slot], u);
	if (u->way == SECD_WAY_IN) {
		on_request(m, now, u, k, is_peer);
	} else if ((u->tsig_error == TSIG_BADSIG ||
		    u->tsig_error == TSIG_BADKEY) &&
		   machine_active(m) == (int)slot) {
		wake(m, now, ASK_ACTIVE);
	}
}

/*
 * Stores of other servers
 */

bool
machine_place_is_due(const struct machine *m, unsigned place)
{
	return !m->is_dirty && (m->place_due & 1u << place) != 0 &&
	       pair_has_secret(&m->pair->slots[SLOT_A]) &&
	       pair_has_secret(&m->pair->slots[SLOT_B]);
}

void
machine_place_begin(struct machine *m, unsigned place)
{
	m->place_due &= (uint16_t) ~(1u << place);
	m->place_pending |= (uint16_t)(1u << place);
}

void
machine_placed(struct machine *m, const struct secd_time *now, unsigned place,
	       int rc)
{
	uint16_t bit = (uint16_t)(1u << place);

	m->place_pending &= (uint16_t)~bit;
	if (rc != SECD_OK) {
		m->place_due |= bit;
	}
	machine_settle(m, now, "it is where it was put");
}

/*
 * Operators
 */

int
machine_rotate(struct machine *m, const struct secd_time *now)
{
	if (m->pair->is_stopped) {
		return SECD_ENOTSUP;
	}
	if (m->config->has_module && !m->config->is_initiator) {
		return SECD_EPERM;
	}
	if (pair_find(m->pair, SLOT_DRAINING) >= 0 && machine_active(m) >= 0) {
		return SECD_EBUSY;
	}
	m->pair->wants_rotation = true;
	m->is_dirty = true;
	m->stage_ms = 0;
	machine_ask_now(m, ASK_KEY);
	machine_ask_now(m, ASK_IDLE);
	machine_settle(m, now, "an operator wants it");
	return SECD_OK;
}

void
machine_force(struct machine *m, const struct secd_time *now, unsigned peer)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		m->confirmed[s] |= (uint16_t)(1u << peer);
	}
	machine_settle(m, now, "an operator forced it");
}

/* The next generation whose keys this node proposes; what the peer proposed is
 * behind it, too. */
static uint32_t
next_generation(const struct machine *m)
{
	uint32_t generation = m->pair->generation;

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		if (m->pair->slots[s].generation > generation) {
			generation = m->pair->slots[s].generation;
		}
	}
	generation++;
	return generation + !machine_is_ours(m, generation);
}

static void
revoke_slot(struct machine *m, const struct secd_time *now, unsigned s,
	    const uint8_t *tombstone)
{
	struct slot *slot = &m->pair->slots[s];
	bool was_put = m->config->places > 0;

	if (!pair_is_live(slot)) {
		return;
	}
	pair_retire(m->pair, s, true);
	machine_enter(m, now, s, SLOT_REVOKED, "an operator revoked it");
	slot->is_adopted = false;
	slot->phase = was_put ? SLOT_REMOVING : SLOT_OPEN;
	if (was_put) {
		memcpy(slot->secret, tombstone, PAIR_SECRET_LEN);
	} else {
		explicit_bzero(slot->secret, PAIR_SECRET_LEN);
	}
	m->to_cut |= (uint8_t)(1u << s);
	m->self_slot = m->config->has_self ? (uint8_t)s : SLOT_COUNT;
	m->self_accepts = false;
}

int
machine_revoke(struct machine *m, const struct secd_time *now, unsigned slots,
	       bool is_root)
{
	const struct machine_source *source = &m->config->source;
	unsigned live = 0;

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		live |= pair_is_live(&m->pair->slots[s]) ? 1u << s : 0;
	}
	if ((slots & live) == 0 && !is_root) {
		return SECD_ENOTFOUND;
	}
	if (next_generation(m) < m->pair->generation) {
		return SECD_ELIMIT;
	}
	if (!source->random(source->ctx, m->scratch, MACHINE_SCRATCH_LEN)) {
		return SECD_EAGAIN;
	}
	m->pair->generation = next_generation(m);
	m->pair->proposes = !is_root;
	m->pair->wants_rotation = false;
	m->pair->is_root_revoked |= is_root;
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		if ((slots & 1u << s) == 0) {
			/* The peer's of before lead nowhere any more. */
			if (m->pair->slots[s].is_adopted) {
				machine_empty(m, now, s, "an operator revoked");
			}
		} else {
			revoke_slot(m, now, s,
				    m->scratch + s * PAIR_SECRET_LEN);
		}
	}
	explicit_bzero(m->scratch, MACHINE_SCRATCH_LEN);
	m->refused = 0;
	m->hint.kind = RING_NOTHING;
	m->stage_ms = 0;
	m->is_dirty = true;
	m->is_ring_stale = true;
	m->place_due = machine_all_places(m);
	machine_ask_now(m, ASK_NEXT);
	machine_ask_now(m, ASK_OLD);
	m->questions[ASK_OLD].done = 0;
	machine_settle(m, now, "an operator revoked the other one");
	return SECD_OK;
}

void
machine_adopt(struct machine *m, const struct secd_time *now,
	      const uint8_t *root, uint32_t generation, uint64_t epoch)
{
	m->root = root;
	m->pair->is_stopped = false;
	m->pair->is_root_revoked = false;
	m->look_generation = generation;
	m->look_from = epoch;
	m->near_at = m->far_at = 0;
	m->is_lost = false;
	m->stage_ms = 0;
	m->is_dirty = true;
	m->is_ring_stale = true;
	machine_ask_now(m, ASK_NEXT);
	machine_settle(m, now, "an operator adopted it");
}
