/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants of the protocol, by their numbers:
 *
 *   I1  every signer's key is one that the other side accepts
 *   I2  at most two secrets of a pair are accepted anywhere
 *   I3  no slot is overwritten unless it is empty or revoked (see rotate_end.c)
 *   I4  generation and epoch never go back
 *   I5  no transfer fails that would have succeeded (see rotate_world.c)
 *   I6  what was revoked is accepted never again
 *   I7  what is done is on disk before
 */

#include <stdio.h>
#include <string.h>

#include "rotate_world.h"

void
check_saved(struct world_end *e, const struct pair *before)
{
	const struct pair *p = &e->saved;
	int active = pair_find(p, SLOT_ACTIVE);
	int was = pair_find(before, SLOT_ACTIVE);

	if (e->is_new) {
		return;
	}
	if (pair_is_later(before->generation, before->epoch, p->generation,
			  p->epoch)) {
		world_wrong(e->world, "I4: back from %u/%u to %u/%u",
			    (unsigned)before->generation,
			    (unsigned)before->epoch, (unsigned)p->generation,
			    (unsigned)p->epoch);
	}
	if (active >= 0 && was >= 0) {
		const struct slot *is = &p->slots[active];
		const struct slot *old = &before->slots[was];

		if (pair_is_later(old->generation, old->epoch, is->generation,
				  is->epoch)) {
			world_wrong(e->world, "I4: an older key is used");
		}
	}
}

/* Is this key one that the saved state wants in force? */
static bool
is_saved(const struct world_end *e, unsigned slot, const uint8_t *secret)
{
	const struct slot *s = &e->saved.slots[slot];

	return pair_is_live(s) && s->phase == SLOT_OPEN &&
	       world_secret_id(s->secret) == world_secret_id(secret);
}

void
check_put(struct world_end *e, const struct action *a)
{
	if (a->key.kind == RING_KEY && !is_saved(e, a->slot, a->secret)) {
		world_wrong(e->world, "I7: a key is put that is not saved");
	}
}

void
check_use(struct world_end *e, unsigned slot)
{
	if (slot < SLOT_COUNT && e->saved.slots[slot].state != SLOT_ACTIVE) {
		world_wrong(e->world, "I7: a key is used that is not saved");
	}
	if (slot < SLOT_COUNT && e->main[slot].kind != RING_KEY) {
		world_wrong(e->world, "a key is used that is not put");
	}
}

/* What an end accepts in a slot, or will when it is up again; 0: nothing. */
static uint64_t
accepts(const struct world_end *e, unsigned slot)
{
	const struct slot *s = &e->saved.slots[slot];

	if (e->is_open) {
		return e->main[slot].kind == RING_KEY ? e->main[slot].secret
						      : 0;
	}
	return pair_is_live(s) && s->phase == SLOT_OPEN && !s->is_adopted
		   ? world_secret_id(s->secret)
		   : 0;
}

/* The slot that an end signs with, or will; SLOT_COUNT: none. */
static unsigned
signs_with(const struct world_end *e)
{
	int active = pair_find(&e->saved, SLOT_ACTIVE);

	return e->is_open   ? e->used
	       : active < 0 ? SLOT_COUNT
			    : (unsigned)active;
}

static void
check_between_ends(struct world *w, struct world_pair *p)
{
	uint64_t live[2 * SLOT_COUNT];
	size_t count = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct world_end *e = &p->ends[i], *peer;
		unsigned s = signs_with(e);

		peer = &p->ends[1 - i];
		if (s == SLOT_COUNT || accepts(e, s) == 0 ||
		    accepts(e, s) != accepts(peer, s)) {
			world_wrong(w,
				    "I1: pair %u end %u signs with what the "
				    "other one does not accept",
				    e->pair, i);
		}
		for (s = 0; s < SLOT_COUNT; s++) {
			uint64_t secret = accepts(e, s);
			size_t known = 0;

			while (known < count && live[known] != secret) {
				known++;
			}
			if (secret != 0 && known == count) {
				live[count++] = secret;
			}
		}
	}
	if (count > 2) {
		world_wrong(w, "I2: %zu secrets are accepted", count);
	}
}

static void
check_store(struct world *w, const struct world_end *e,
	    const struct world_store *store)
{
	unsigned s = signs_with(e);
	bool can_sign = false;

	if (s == SLOT_COUNT || accepts(e, s) != store->secrets[s]) {
		world_wrong(w, "I1: a server does not accept what we sign "
			       "with");
	}
	for (s = 0; s < SLOT_COUNT; s++) {
		can_sign |= accepts(e, s) == store->secrets[s];
	}
	if (!can_sign) {
		world_wrong(w, "I1: a server has nothing to sign with");
	}
}

static void
check_revoked(struct world *w, const struct world_end *e)
{
	for (size_t i = 0; i < e->revoked_count; i++) {
		for (unsigned s = 0; s < SLOT_COUNT; s++) {
			if (e->is_open && e->main[s].secret == e->revoked[i]) {
				world_wrong(w,
					    "I6: pair %u end %u accepts "
					    "what was revoked",
					    e->pair, e->index);
			}
		}
	}
}

/* Is one key in use, and no other one but what may follow? */
static bool
is_settled(const struct world_end *e, bool *has_next)
{
	int active = pair_find(&e->state, SLOT_ACTIVE);
	const struct slot *other;

	if (!e->is_open || e->machine.is_dirty || e->state.proposes ||
	    active < 0 || e->used != (unsigned)active ||
	    e->main[active].kind != RING_KEY) {
		return false;
	}
	other = &e->state.slots[pair_other((unsigned)active)];
	*has_next = other->state != SLOT_EMPTY;
	/* The other end may not know of a revocation yet. */
	return other->state != SLOT_DRAINING && other->phase == SLOT_OPEN &&
	       (other->state != SLOT_REVOKED || !e->config.has_module);
}

/* Both ends use the same one, and only one of them has another one. */
static bool
is_in_order(const struct world_pair *p)
{
	const struct world_end *e = &p->ends[0], *f = &p->ends[1];
	bool has_next, has_one_too;

	if (!is_settled(e, &has_next)) {
		return false;
	}
	if (p->end_count == 2) {
		return is_settled(f, &has_one_too) &&
		       !(has_next && has_one_too) && f->used == e->used &&
		       f->main[f->used].secret == e->main[e->used].secret;
	}
	for (unsigned i = 0; i < p->store_count; i++) {
		if (p->stores[i].secrets[e->used] != e->main[e->used].secret ||
		    p->stores[i].is_placing) {
			return false;
		}
	}
	return true;
}

void
check_pair(struct world *w, struct world_pair *p)
{
	for (unsigned i = 0; i < p->end_count; i++) {
		check_revoked(w, &p->ends[i]);
	}
	if (is_in_order(p)) {
		const struct world_end *e = &p->ends[0];
		uint64_t epoch = e->state.slots[e->used].epoch;

		w->rotations += epoch != p->epoch;
		p->epoch = epoch;
		p->ordered_ms = w->now_ms;
		if (!p->is_sound) {
			world_trace(w, "pair %u is in order", e->pair);
		}
		p->is_sound = true;
	}
	if (!p->is_sound) {
		return;
	}
	if (p->end_count == 2) {
		check_between_ends(w, p);
	}
	for (unsigned i = 0; i < p->store_count; i++) {
		check_store(w, &p->ends[0], &p->stores[i]);
	}
}
