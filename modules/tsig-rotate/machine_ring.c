/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host has to hold: for each name one secret that is accepted, and
 * some that are only compared with. What is there already is kept in `ring`.
 */

#include <string.h>

#include "base/error.h"
#include "tsig-rotate/machine_internal.h"

/* Candidates that are compared with: the next epochs of this generation, and of
 * the two that a revocation can lead to. */
#define GENERATIONS 3
#define EPOCHS      4
#define WANTED_MAX  (1 + PAIR_RETIRED_MAX + GENERATIONS * EPOCHS + 1)

static bool
is_same(const struct ring_key *a, const struct ring_key *b)
{
	return a->slot == b->slot && a->kind == b->kind &&
	       a->generation == b->generation && a->epoch == b->epoch;
}

static bool
is_compared(const struct ring_key *k)
{
	return k->kind >= RING_RETIRED;
}

static struct ring_key *
find_main(struct machine *m, unsigned slot)
{
	for (size_t i = 0; i < m->ring_count; i++) {
		if (m->ring[i].slot == slot && !is_compared(&m->ring[i])) {
			return &m->ring[i];
		}
	}
	return NULL;
}

bool
machine_ring_has_key(const struct machine *m, unsigned slot)
{
	const struct slot *s = &m->pair->slots[slot];

	for (size_t i = 0; i < m->ring_count; i++) {
		const struct ring_key *k = &m->ring[i];

		if (k->slot == slot && k->kind == RING_KEY &&
		    k->generation == s->generation && k->epoch == s->epoch) {
			return true;
		}
	}
	return false;
}

const struct ring_key *
machine_ring_find(const struct machine *m, unsigned slot, uint64_t tag)
{
	for (size_t i = 0; i < m->ring_count; i++) {
		if (m->ring[i].slot == slot && m->ring[i].tag == tag) {
			return &m->ring[i];
		}
	}
	return NULL;
}

/* The one that is accepted under the name of a slot. */
static struct ring_key
wanted_main(const struct machine *m, unsigned slot)
{
	const struct slot *s = &m->pair->slots[slot];
	struct ring_key k = {.slot = (uint8_t)slot, .kind = RING_TOMBSTONE};
	int active = machine_active(m);

	if (pair_is_live(s) && s->phase == SLOT_OPEN &&
	    MACHINE_RULE(WHO_ACCEPTS_SIGNS, !s->is_adopted)) {
		k.kind = RING_KEY;
		k.generation = s->generation;
		k.epoch = s->epoch;
	} else if (m->config->has_module && active >= 0 &&
		   (unsigned)active != slot) {
		k.kind = RING_IDLE;
		k.generation = m->pair->slots[active].generation;
		k.epoch = m->pair->slots[active].epoch;
	}
	return k;
}

static void
add(struct ring_key *list, size_t *count, unsigned slot, enum ring_kind kind,
    uint32_t generation, uint64_t epoch)
{
	list[(*count)++] = (struct ring_key){
	    .slot = (uint8_t)slot,
	    .kind = (uint8_t)kind,
	    .generation = generation,
	    .epoch = epoch,
	};
}

/* What the peer may propose next, for this slot. */
static void
add_candidates(const struct machine *m, unsigned slot, struct ring_key *list,
	       size_t *count)
{
	for (uint32_t g = 0; g < GENERATIONS; g++) {
		for (uint64_t e = m->pair->epoch; e < m->pair->epoch + EPOCHS;
		     e++) {
			uint32_t generation = m->pair->generation + g;

			if (pair_slot_of(e) == slot &&
			    machine_is_candidate(m, generation, e)) {
				add(list, count, slot, RING_CANDIDATE,
				    generation, e);
			}
		}
	}
}

/* Everything that belongs under the name of a slot. */
static size_t
wanted(const struct machine *m, unsigned slot, struct ring_key *list)
{
	const struct slot *other = &m->pair->slots[pair_other(slot)];
	size_t count = 1;

	list[0] = wanted_main(m, slot);
	if (m->cannot_compare) {
		return count;
	}
	for (size_t i = 0; i < m->pair->retired_count; i++) {
		const struct retired *r = &m->pair->retired[i];

		if (r->slot == slot) {
			add(list, &count, slot, RING_RETIRED, r->generation,
			    r->epoch);
		}
	}
	if (m->config->has_module && list[0].kind == RING_KEY &&
	    pair_is_live(other) && !other->is_adopted) {
		add(list, &count, slot, RING_DONE, other->generation,
		    other->epoch);
	}
	add_candidates(m, slot, list, &count);
	return count;
}

static bool
is_in(const struct ring_key *k, const struct ring_key *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_same(k, &list[i])) {
			return true;
		}
	}
	return false;
}

/* The secret of a key, in scratch or where it is. NULL: it cannot be had. */
static const uint8_t *
secret_of_key(struct machine *m, const struct ring_key *k)
{
	const struct machine_source *source = &m->config->source;

	switch (k->kind) {
	case RING_KEY:
		return m->pair->slots[k->slot].secret;
	case RING_IDLE:
	case RING_DONE:
		return source->derive(
			   source->ctx,
			   m->pair->slots[pair_other(k->slot)].secret,
			   m->config->names[k->slot], k->generation, k->epoch,
			   m->scratch)
			   ? m->scratch
			   : NULL;
	case RING_RETIRED:
		for (size_t i = 0; i < m->pair->retired_count; i++) {
			const struct retired *r = &m->pair->retired[i];

			if (r->slot == k->slot && r->epoch == k->epoch &&
			    r->generation == k->generation) {
				return r->secret;
			}
		}
		return NULL;
	case RING_CANDIDATE:
		return machine_derive_candidate(m, k->generation, k->epoch)
			   ? m->scratch
			   : NULL;
	default:
		return source->random(source->ctx, m->scratch, PAIR_SECRET_LEN)
			   ? m->scratch
			   : NULL;
	}
}

static bool
put(struct machine *m, const struct secd_time *now, const struct ring_key *k,
    struct action *out)
{
	const uint8_t *secret = secret_of_key(m, k);

	if (secret == NULL) {
		m->put_rc = SECD_EAGAIN;
		m->put_ms = now->boot_ms + MACHINE_RETRY_MS;
		return false;
	}
	*out = (struct action){
	    .kind = ACTION_PUT,
	    .slot = k->slot,
	    .tag = ++m->last_id,
	    .secret = secret,
	    .key = *k,
	};
	out->key.tag = out->tag;
	if (is_compared(k)) {
		out->flags = SECD_KEY_COMPARE;
	} else if ((m->to_cut & 1u << k->slot) != 0 && !m->cannot_cut) {
		out->flags = SECD_KEY_CUT;
	}
	return true;
}

/* What is accepted comes before what signs, and that before what is only
 * compared with. */
static bool
next_main(struct machine *m, const struct secd_time *now, unsigned slots,
	  struct action *out)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		struct ring_key want = wanted_main(m, s);
		const struct ring_key *is = find_main(m, s);

		if ((slots & 1u << s) != 0 &&
		    (is == NULL || !is_same(is, &want))) {
			return put(m, now, &want, out);
		}
	}
	return false;
}

static bool
next_use(struct machine *m, const struct secd_time *now, struct action *out)
{
	int active = machine_active(m);
	unsigned wants = active < 0 ? SLOT_COUNT : (unsigned)active;

	if (wants == m->used || now->boot_ms < m->use_ms ||
	    (active >= 0 && !machine_ring_has_key(m, wants))) {
		return false;
	}
	out->kind = ACTION_USE;
	out->slot = wants;
	return true;
}

static bool
next_compared(struct machine *m, const struct secd_time *now,
	      struct action *out)
{
	struct ring_key list[SLOT_COUNT][WANTED_MAX];
	size_t count[SLOT_COUNT];

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		count[s] = wanted(m, s, list[s]);
	}
	for (size_t i = 0; i < m->ring_count; i++) {
		const struct ring_key *k = &m->ring[i];

		if (is_compared(k) &&
		    !is_in(k, list[k->slot], count[k->slot])) {
			*out = (struct action){
			    .kind = ACTION_DROP,
			    .slot = k->slot,
			    .flags = SECD_KEY_COMPARE,
			    .tag = k->tag,
			    .key = *k,
			};
			return true;
		}
	}
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		for (size_t i = 1; i < count[s]; i++) {
			if (!is_in(&list[s][i], m->ring, m->ring_count)) {
				return put(m, now, &list[s][i], out);
			}
		}
	}
	return false;
}

bool
machine_ring_next(struct machine *m, const struct secd_time *now,
		  struct action *out)
{
	int active = machine_active(m);
	bool may_put = m->is_ring_stale && now->boot_ms >= m->put_ms;

	/* So that there is always something to sign with. */
	if (may_put && active >= 0 && next_main(m, now, 1u << active, out)) {
		return true;
	}
	if (next_use(m, now, out)) {
		return true;
	}
	if (may_put &&
	    (next_main(m, now, ~0u, out) || next_compared(m, now, out))) {
		return true;
	}
	if (now->boot_ms >= m->put_ms) {
		m->is_ring_stale = false;
	}
	return false;
}

static void
remember_put(struct machine *m, const struct ring_key *k)
{
	struct ring_key *is = is_compared(k) ? NULL : find_main(m, k->slot);

	if (is != NULL) {
		*is = *k;
	} else {
		m->ring[m->ring_count++] = *k;
	}
	if (!is_compared(k)) {
		m->to_cut &= (uint8_t) ~(1u << k->slot);
	}
}

static void
did_put(struct machine *m, const struct secd_time *now, const struct action *a,
	int rc)
{
	if (rc == SECD_ENOTSUP && (a->flags & SECD_KEY_COMPARE) != 0) {
		m->cannot_compare = true;
		return;
	}
	if (rc == SECD_ENOTSUP && (a->flags & SECD_KEY_CUT) != 0) {
		m->cannot_cut = true;
		return;
	}
	m->put_rc = rc;
	if (rc == SECD_OK) {
		remember_put(m, &a->key);
	} else {
		m->put_ms = now->boot_ms + MACHINE_RETRY_MS;
	}
}

static void
did_drop(struct machine *m, const struct secd_time *now, const struct action *a,
	 int rc)
{
	if (rc != SECD_OK) {
		m->put_ms = now->boot_ms + MACHINE_RETRY_MS;
		return;
	}
	for (size_t i = 0; i < m->ring_count; i++) {
		if (m->ring[i].tag == a->tag) {
			m->ring[i] = m->ring[--m->ring_count];
			return;
		}
	}
}

/* From now on nobody here signs with another one. */
static void
used(struct machine *m, const struct secd_time *now, unsigned slot)
{
	int draining = pair_find(m->pair, SLOT_DRAINING);

	m->used = slot;
	m->use_ms = 0;
	if (draining >= 0 && m->pair->slots[draining].phase == SLOT_OPEN) {
		m->since_ms[draining] = now->boot_ms;
	}
}

void
machine_ring_did(struct machine *m, const struct secd_time *now,
		 const struct action *a, int rc)
{
	if (a->kind == ACTION_PUT) {
		did_put(m, now, a, rc);
	} else if (a->kind == ACTION_DROP) {
		did_drop(m, now, a, rc);
	} else {
		m->use_rc = rc;
		m->use_ms = now->boot_ms + MACHINE_RETRY_MS;
		/* A host whose configuration has none of the names signs with
		 * neither: so be it. */
		if (rc == SECD_OK || rc == SECD_ENOTFOUND ||
		    rc == SECD_ENOTSUP) {
			used(m, now, a->slot);
		}
	}
}

void
machine_forget(struct machine *m)
{
	m->ring_count = 0;
	m->used = SLOT_COUNT;
	m->is_ring_stale = true;
	m->put_ms = m->use_ms = 0;
}
