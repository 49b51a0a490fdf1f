/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/machine.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tsig-rotate/machine_internal.h"

/* A late user does not keep a key alive for ever: as many drains. */
#define DRAINS_MAX 8
/* An age that a wall clock may claim over a restart. */
#define AGE_MAX_MS INT64_C(86400000) * 3650

/*
 * States
 */

void
machine_enter(struct machine *m, const struct secd_time *now, unsigned s,
	      enum slot_state to, const char *because)
{
	struct slot *slot = &m->pair->slots[s];

	if (m->step_count < MACHINE_STEPS_MAX) {
		struct machine_step *step = &m->steps[m->step_count++];

		step->slot = s;
		step->from = slot->state;
		step->to = to;
		step->generation = slot->generation;
		step->epoch = slot->epoch;
		snprintf(step->because, sizeof(step->because), "%s", because);
	}
	slot->state = (uint8_t)to;
	slot->since_ms = now->wall_ms;
	m->since_ms[s] = now->boot_ms;
	m->is_dirty = true;
	m->is_ring_stale = true;
}

/* The other store's tombstone takes the place of the secret. */
static bool
bury(struct machine *m, unsigned s)
{
	uint8_t *secret = m->pair->slots[s].secret;

	if (m->config->places == 0) {
		explicit_bzero(secret, PAIR_SECRET_LEN);
		return true;
	}
	if (!m->config->source.random(m->config->source.ctx, m->scratch,
				      PAIR_SECRET_LEN)) {
		return false;
	}
	memcpy(secret, m->scratch, PAIR_SECRET_LEN);
	return true;
}

static void
want_places(struct machine *m)
{
	m->place_due = machine_all_places(m);
	m->questions[ASK_OLD] = (struct question){0};
}

void
machine_empty(struct machine *m, const struct secd_time *now, unsigned s,
	      const char *because)
{
	struct slot *slot = &m->pair->slots[s];

	machine_enter(m, now, s, SLOT_EMPTY, because);
	slot->phase = SLOT_OPEN;
	slot->is_adopted = false;
	if (m->config->places == 0) {
		explicit_bzero(slot->secret, PAIR_SECRET_LEN);
	}
}

/* What is in the other slot is not used any more, if it ever was. */
static void
give_up(struct machine *m, const struct secd_time *now, unsigned s,
	const char *because)
{
	const struct slot *slot = &m->pair->slots[s];

	if (slot->is_adopted) {
		machine_empty(m, now, s, "the other one is used");
	} else if (pair_is_live(slot) && slot->state != SLOT_DRAINING) {
		/* Also one that was only proposed: the peer may use it. */
		machine_enter(m, now, s, SLOT_DRAINING, because);
	}
}

static void
activate(struct machine *m, const struct secd_time *now, unsigned s,
	 const char *because)
{
	struct pair *p = m->pair;
	struct slot *slot = &p->slots[s];

	give_up(m, now, pair_other(s), because);
	machine_enter(m, now, s, SLOT_ACTIVE, because);
	slot->is_adopted = false;
	if (pair_is_later(slot->generation, slot->epoch, p->generation,
			  p->epoch)) {
		p->generation = slot->generation;
		p->epoch = slot->epoch;
	}
	p->wants_rotation = false;
	/* Until the peer has heard of it. */
	p->proposes &= slot->generation < p->generation;
	m->is_peer_idle = false;
	m->refused = 0;
	m->late.at_ms = MACHINE_NEVER;
	/* Until both know of it, odd things are nothing new. */
	m->look_ms = now->boot_ms + m->config->check_ms;
	m->questions[ASK_IDLE] = (struct question){0};
	m->questions[ASK_ACTIVE] =
	    (struct question){.due_ms = now->boot_ms + m->config->check_ms};
}

/*
 * Rules. Each does one thing, and says whether it did.
 */

static bool
rule_staged(struct machine *m, const struct secd_time *now)
{
	int s = pair_find(m->pair, SLOT_GENERATED);

	if (s < 0 || m->pair->slots[s].is_adopted || m->is_dirty ||
	    !machine_ring_has_key(m, (unsigned)s) || !machine_is_placed(m)) {
		return false;
	}
	m->confirmed[s] = 0;
	m->heal_ms = now->boot_ms + m->config->check_ms;
	machine_enter(m, now, (unsigned)s, SLOT_STAGED, "it is in force here");
	machine_ask_now(m, ASK_KEY);
	return true;
}

static bool
rule_confirmed(struct machine *m, const struct secd_time *now,
	       const char *because)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		const struct slot *slot = &m->pair->slots[s];

		if (m->confirmed[s] != machine_all_peers(m)) {
			continue;
		}
		if (slot->state == SLOT_STAGED) {
			machine_enter(m, now, s, SLOT_CONFIRMED, because);
			return true;
		}
		if (slot->state == SLOT_GENERATED && slot->is_adopted) {
			activate(m, now, s, because);
			machine_ask_now(m, ASK_NEXT);
			return true;
		}
	}
	return false;
}

static bool
is_epoch_over(const struct machine *m, const struct secd_time *now, int active)
{
	return now->boot_ms - m->since_ms[active] >= m->config->epoch_ms;
}

/* Why the confirmed key is to be used now; NULL: not yet. */
static const char *
reason_to_activate(const struct machine *m, const struct secd_time *now, int s)
{
	int active = machine_active(m);

	if (active < 0) {
		return "no other one is in use";
	}
	if (m->pair->wants_rotation) {
		return "an operator wants it";
	}
	if (m->pair->slots[s].generation > m->pair->slots[active].generation) {
		return "another one was revoked";
	}
	if (m->refused != 0) {
		return "the peer refuses the one in use";
	}
	return is_epoch_over(m, now, active) ? "timer: the epoch is over"
					     : NULL;
}

static bool
rule_active(struct machine *m, const struct secd_time *now)
{
	for (int s = 0; s < SLOT_COUNT; s++) {
		unsigned state = m->pair->slots[s].state;
		const char *why;

		if ((state != SLOT_STAGED && state != SLOT_CONFIRMED) ||
		    !MACHINE_RULE(CONFIRMED_BEFORE_ACTIVE,
				  state == SLOT_CONFIRMED) ||
		    m->pair->is_stopped) {
			continue;
		}
		why = reason_to_activate(m, now, s);
		if (why != NULL) {
			activate(m, now, (unsigned)s, why);
			return true;
		}
	}
	return false;
}

/* The one that followed is one that the peer proposed: then only the peer
 * knows when it does not use the one before any more. */
static bool
waits_for_peer(const struct machine *m)
{
	int active = machine_active(m);

	return m->config->has_module && active >= 0 &&
	       !machine_is_ours(m, m->pair->slots[active].generation);
}

/* Nobody who may used it for as long as a transfer can be under way. */
static bool
is_drained(const struct machine *m, const struct secd_time *now, unsigned s)
{
	int64_t drain = m->config->drain_ms;
	int64_t for_ms = now->boot_ms - m->since_ms[s];
	int active = machine_active(m);

	if (active >= 0 && m->used != (unsigned)active) {
		return false; /* it may still sign here */
	}
	return MACHINE_RULE(DRAIN_TAKES_TIME, for_ms >= drain) &&
	       (!m->config->has_module || m->late.at_ms == MACHINE_NEVER ||
		now->boot_ms - m->late.at_ms >= drain ||
		for_ms >= DRAINS_MAX * drain);
}

static void
close_slot(struct machine *m, const struct secd_time *now, unsigned s,
	   const char *because)
{
	struct slot *slot = &m->pair->slots[s];

	pair_retire(m->pair, s, false);
	if (m->config->places == 0) {
		machine_empty(m, now, s, because);
		return;
	}
	slot->phase = SLOT_CLOSED;
	machine_enter(m, now, s, SLOT_DRAINING, because);
}

static bool
rule_drained(struct machine *m, const struct secd_time *now,
	     const char *because)
{
	int found = pair_find(m->pair, SLOT_DRAINING);
	unsigned s = (unsigned)found;

	if (found < 0 || m->pair->slots[s].phase == SLOT_REMOVING) {
		return false;
	}
	if (m->pair->slots[s].phase == SLOT_CLOSED) {
		/* What the peer began with it is over, too. */
		if (!MACHINE_RULE(THERE_AFTER_HERE,
				  now->boot_ms - m->since_ms[s] >=
				      m->config->drain_ms) ||
		    now->boot_ms < m->stage_ms) {
			return false;
		}
		if (!bury(m, s)) {
			m->stage_ms = now->boot_ms + MACHINE_RETRY_MS;
			return false;
		}
		m->pair->slots[s].phase = SLOT_REMOVING;
		m->is_dirty = true;
		want_places(m);
		return true;
	}
	if (waits_for_peer(m)) {
		if (!MACHINE_RULE(FOLLOWER_WAITS_FOR_IDLE, m->is_peer_idle)) {
			return false;
		}
		close_slot(m, now, s, because);
		return true;
	}
	if (!is_drained(m, now, s)) {
		return false;
	}
	close_slot(m, now, s, "timer: it is drained");
	return true;
}

/* The other server refuses what was taken away from its store. */
static bool
rule_removed(struct machine *m, const struct secd_time *now,
	     const char *because)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		struct slot *slot = &m->pair->slots[s];

		if (slot->phase != SLOT_REMOVING || !machine_is_placed(m) ||
		    m->questions[ASK_OLD].done != machine_all_peers(m)) {
			continue;
		}
		m->questions[ASK_OLD] = (struct question){0};
		slot->phase = SLOT_OPEN;
		m->is_dirty = true;
		if (slot->state == SLOT_DRAINING) {
			machine_empty(m, now, s, because);
		}
		return true;
	}
	return false;
}

/* Is a new key on its way, that is worth waiting for? */
static bool
is_under_way(const struct machine *m, const struct slot *slot)
{
	return (slot->state == SLOT_GENERATED || slot->state == SLOT_STAGED ||
		slot->state == SLOT_CONFIRMED) &&
	       !(m->pair->proposes && machine_active(m) < 0 &&
		 slot->generation < m->pair->generation);
}

/* Which slot a new key may go into; -1: none. */
static int
free_slot(const struct machine *m)
{
	int found = -1;

	for (int s = 0; s < SLOT_COUNT; s++) {
		const struct slot *slot = &m->pair->slots[s];
		bool is_free =
		    slot->state == SLOT_EMPTY ||
		    (slot->state == SLOT_REVOKED && slot->phase == SLOT_OPEN);

		if (is_under_way(m, slot)) {
			return -1;
		}
		/* With both free, the one that is the next. */
		if (MACHINE_RULE(NOTHING_IS_OVERWRITTEN, is_free) &&
		    (found < 0 ||
		     pair_slot_of(m->pair->epoch + 1) == (unsigned)s)) {
			found = s;
		}
	}
	return found;
}

/* Why a new key is to be made now; NULL: not yet. */
static const char *
reason_to_stage(const struct machine *m, const struct secd_time *now)
{
	int active = machine_active(m);
	bool leads = m->config->is_initiator || !m->config->has_module;

	if (m->pair->is_stopped) {
		return NULL;
	}
	if (active < 0 && (leads || m->pair->proposes)) {
		return m->pair->proposes ? "the one before was revoked"
					 : "there is none";
	}
	if (active < 0) {
		return NULL;
	}
	if (m->pair->proposes) {
		return "another one was revoked";
	}
	/* What the peer still has there must be out of use. */
	if (m->config->has_module &&
	    !MACHINE_RULE(BOTH_ARE_IDLE, m->is_peer_idle)) {
		return NULL;
	}
	if (!leads) {
		return NULL;
	}
	if (m->pair->wants_rotation) {
		return "an operator wants it";
	}
	if (m->config->stages_soon) {
		return "the slot is free";
	}
	return is_epoch_over(m, now, active) ? "timer: the epoch is over"
					     : NULL;
}

static bool
make_secret(struct machine *m, unsigned s, uint32_t generation, uint64_t epoch)
{
	const struct machine_source *source = &m->config->source;

	if (!m->config->is_derived) {
		return source->random(source->ctx, m->scratch, PAIR_SECRET_LEN);
	}
	return machine_root(m) != NULL &&
	       source->derive(source->ctx, machine_root(m), m->config->names[s],
			      generation, epoch, m->scratch);
}

static bool
rule_generated(struct machine *m, const struct secd_time *now)
{
	struct pair *p = m->pair;
	uint32_t generation = p->generation;
	int found = free_slot(m);
	struct slot *slot;
	const char *why;
	uint64_t epoch;

	if (found < 0 || now->boot_ms < m->stage_ms) {
		return false;
	}
	why = reason_to_stage(m, now);
	if (why == NULL) {
		return false;
	}
	generation += !machine_is_ours(m, generation);
	epoch = pair_epoch_after(p->epoch, (unsigned)found);
	if (!make_secret(m, (unsigned)found, generation, epoch)) {
		m->source_rc = SECD_EAGAIN;
		m->stage_ms = now->boot_ms + MACHINE_RETRY_MS;
		return false;
	}
	m->source_rc = SECD_OK;
	p->generation = generation;
	p->epoch = epoch;
	slot = &p->slots[found];
	slot->is_adopted = false;
	slot->phase = SLOT_OPEN;
	slot->generation = generation;
	slot->epoch = epoch;
	memcpy(slot->secret, m->scratch, PAIR_SECRET_LEN);
	machine_enter(m, now, (unsigned)found, SLOT_GENERATED, why);
	want_places(m);
	return true;
}

/* What is put elsewhere for a slot that was never used. */
static bool
rule_buried(struct machine *m, const struct secd_time *now)
{
	for (unsigned s = 0; s < SLOT_COUNT && m->config->places > 0; s++) {
		if (pair_has_secret(&m->pair->slots[s]) ||
		    now->boot_ms < m->stage_ms) {
			continue;
		}
		if (bury(m, s)) {
			m->is_dirty = true;
			return true;
		}
		m->stage_ms = now->boot_ms + MACHINE_RETRY_MS;
	}
	return false;
}

void
machine_settle(struct machine *m, const struct secd_time *now,
	       const char *because)
{
	/* What could not be saved did not happen, and does not at once. */
	while (now->boot_ms >= m->save_ms &&
	       (rule_buried(m, now) || rule_staged(m, now) ||
		rule_confirmed(m, now, because) || rule_active(m, now) ||
		rule_drained(m, now, because) ||
		rule_removed(m, now, because) || rule_generated(m, now))) {
	}
}

/* The peer knows of something that this node ought to know: it proposed it, or
 * used it, or missed what was between. */
static bool
is_regression(const struct machine *m, uint32_t generation, uint64_t epoch)
{
	int active = machine_active(m);
	const struct slot *slot = &m->pair->slots[active < 0 ? 0 : active];

	return active >= 0 &&
	       (machine_is_ours(m, generation) ||
		pair_slot_of(epoch) == (unsigned)active ||
		(generation == slot->generation && epoch > slot->epoch + 1));
}

void
machine_found(struct machine *m, const struct secd_time *now, unsigned peer,
	      uint32_t generation, uint64_t epoch, const uint8_t *secret,
	      const char *because)
{
	struct pair *p = m->pair;
	unsigned s = pair_slot_of(epoch);
	struct slot *slot = &p->slots[s], *other = &p->slots[pair_other(s)];

	if (other->is_adopted) {
		machine_empty(m, now, pair_other(s),
			      "the peer has a later one");
	}
	if (is_regression(m, generation, epoch)) {
		m->regression = (struct sighting){
		    .at_ms = now->boot_ms,
		    .slot = (uint8_t)s,
		    .generation = generation,
		    .epoch = epoch,
		};
	}
	if (pair_is_live(slot)) {
		if (!slot->is_adopted) {
			pair_retire(p, s, false);
		}
		machine_empty(m, now, s, "the peer has a later one");
	}
	slot->is_adopted = true;
	slot->phase = SLOT_OPEN;
	slot->generation = generation;
	slot->epoch = epoch;
	memcpy(slot->secret, secret, PAIR_SECRET_LEN);
	m->confirmed[s] = (uint16_t)(1u << peer);
	m->is_peer_idle = false;
	machine_enter(m, now, s, SLOT_GENERATED, because);
	machine_ask_now(m, ASK_KEY);
}

/*
 * Begin
 */

/* Of a key that was in its state already when the machine began. */
static int64_t
boot_time_of(const struct slot *slot, const struct secd_time *now)
{
	int64_t age = now->wall_ms - slot->since_ms;

	/* A drain begins anew: nobody knows who used it meanwhile. */
	if (slot->state != SLOT_ACTIVE || age < 0) {
		age = 0;
	}
	return now->boot_ms - (age < AGE_MAX_MS ? age : AGE_MAX_MS);
}

/* What follows from the pair as it is, and is not kept. */
static void
begin(struct machine *m, const struct secd_time *now)
{
	m->is_ring_stale = true;
	m->is_peer_idle = false;
	m->place_due = 0;
	m->step_count = 0;
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		const struct slot *slot = &m->pair->slots[s];

		m->confirmed[s] = 0;
		m->since_ms[s] = boot_time_of(slot, now);
		if (slot->state == SLOT_GENERATED ||
		    slot->phase == SLOT_REMOVING) {
			want_places(m);
		}
	}
}

void
machine_init(struct machine *m, const struct machine_config *config,
	     const struct machine_memory *memory, const uint8_t *root,
	     const struct secd_time *now)
{
	struct pair *p = memory->pair;

	*m = (struct machine){
	    .config = config,
	    .pair = p,
	    .saved = memory->saved,
	    .scratch = memory->scratch,
	    .root = root,
	    .used = SLOT_COUNT,
	    .self_slot = SLOT_COUNT,
	    /* Not those of a life before. */
	    .last_id = (uint64_t)now->wall_ms << 20,
	    .look_ms = now->boot_ms + config->check_ms,
	    .late.at_ms = MACHINE_NEVER,
	    .retired_use.at_ms = MACHINE_NEVER,
	    .stranger_use.at_ms = MACHINE_NEVER,
	    .regression.at_ms = MACHINE_NEVER,
	};
	if (p->generation == 0) {
		p->generation = 1;
		m->is_dirty = true;
	}
	*m->saved = *p;
	begin(m, now);
}

void
machine_ready(struct machine *m)
{
	m->is_ready = true;
}

/*
 * What is to be done
 */

bool
machine_next(struct machine *m, const struct secd_time *now, struct action *out)
{
	machine_settle(m, now, "timer");
	*out = (struct action){.slot = SLOT_COUNT};
	if (!MACHINE_RULE(SAVED_BEFORE_EFFECT, !m->is_dirty)) {
		out->kind = ACTION_SAVE;
		return true;
	}
	if (machine_ring_next(m, now, out)) {
		return true;
	}
	return m->is_ready && machine_ask_next(m, now, out);
}

static void
did_save(struct machine *m, const struct secd_time *now, int rc)
{
	m->save_rc = rc;
	if (rc != SECD_OK) {
		*m->pair = *m->saved;
		m->is_dirty = false;
		m->save_ms = now->boot_ms + MACHINE_RETRY_MS;
		begin(m, now);
		return;
	}
	m->save_ms = 0;
	m->is_dirty = false;
	*m->saved = *m->pair;
	for (size_t i = 0; i < m->step_count; i++) {
		if (m->config->told != NULL) {
			m->config->told(m->config->told_ctx, &m->steps[i]);
		}
	}
	m->step_count = 0;
}

void
machine_did(struct machine *m, const struct secd_time *now,
	    const struct action *a, int rc)
{
	switch (a->kind) {
	case ACTION_SAVE:
		did_save(m, now, rc);
		break;
	case ACTION_PUT:
	case ACTION_DROP:
	case ACTION_USE:
		machine_ring_did(m, now, a, rc);
		break;
	case ACTION_PROBE:
		if (rc != SECD_OK) {
			m->asked.is_on = false;
			m->questions[m->asked.kind].due_ms =
			    now->boot_ms + m->config->probe_ms;
		}
		break;
	}
}

/* What is due, and did not come out, waits for something else. */
static int64_t
sooner(int64_t due, int64_t at, int64_t now_ms)
{
	return at > now_ms && at < due ? at : due;
}

int64_t
machine_due(const struct machine *m, int64_t now_ms)
{
	int64_t due = sooner(INT64_MAX, m->stage_ms, now_ms);
	int active = machine_active(m);
	int draining = pair_find(m->pair, SLOT_DRAINING);

	due = sooner(due, m->save_ms, now_ms);
	due = sooner(due, m->put_ms, now_ms);
	due = sooner(due, m->use_ms, now_ms);
	if (m->is_ready) {
		due = sooner(due, machine_ask_due(m), now_ms);
	}
	if (active >= 0) {
		due = sooner(due, m->since_ms[active] + m->config->epoch_ms,
			     now_ms);
	}
	if (draining >= 0) {
		int64_t drain = m->config->drain_ms;

		due = sooner(due, m->since_ms[draining] + drain, now_ms);
		due = sooner(due, m->since_ms[draining] + DRAINS_MAX * drain,
			     now_ms);
		if (m->late.at_ms != MACHINE_NEVER) {
			due = sooner(due, m->late.at_ms + drain, now_ms);
		}
	}
	return due;
}
