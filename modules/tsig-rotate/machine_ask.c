/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions: a query signed with some secret under the name of a slot. One is
 * under way at a time.
 */

#include <string.h>

#include "base/error.h"
#include "tsig-rotate/machine_internal.h"

/* Between candidates. A host compares the requests of one peer with secrets that
 * are not in force a few times a second only. */
#define HUNT_MS     500
#define FULL_ROUNDS 16 /* all near ones are asked for in one of so many */

/* Near: what a few rotations and revocations lead to, the likely ones first. */
#define NEAR_GENERATIONS 5u
#define NEAR_COUNT       (NEAR_GENERATIONS * 9u)
#define NEAR_LIKELY      3u
static const int8_t near_epochs[] = {1, 2, 0, 3, 4, 5, 6, -1, -2};
/* Far: blocks of so many epochs, in so many generations. */
#define FAR_GENERATIONS 9u
#define FAR_EPOCHS      16u

void
machine_ask_now(struct machine *m, enum ask_kind kind)
{
	m->questions[kind].due_ms = 0;
	m->questions[kind].wait_ms = 0;
}

bool
machine_is_at_a_loss(const struct machine *m)
{
	return machine_active(m) < 0 || m->refused != 0;
}

/*
 * Candidates
 */

bool
machine_is_candidate(const struct machine *m, uint32_t generation,
		     uint64_t epoch)
{
	const struct pair *p = m->pair;
	const struct slot *s = &p->slots[pair_slot_of(epoch)];

	return m->config->has_module && machine_root(m) != NULL &&
	       !p->is_stopped && epoch > 0 && epoch <= INT64_MAX &&
	       MACHINE_RULE(
		   NEVER_BACK,
		   pair_is_later(generation, epoch, p->generation, p->epoch)) &&
	       !(s->is_adopted && s->generation == generation &&
		 s->epoch == epoch);
}

bool
machine_derive_candidate(struct machine *m, uint32_t generation, uint64_t epoch)
{
	return m->root != NULL &&
	       m->config->source.derive(m->config->source.ctx, m->root,
					m->config->names[pair_slot_of(epoch)],
					generation, epoch, m->scratch);
}

static uint32_t
far_count(const struct machine *m)
{
	uint32_t blocks = (m->config->catch_up + FAR_EPOCHS - 1) / FAR_EPOCHS;

	return blocks * FAR_EPOCHS * FAR_GENERATIONS;
}

/* The candidate that is next: by turns a near one and, when the peer's key is
 * looked for, a far one. */
static void
candidate(const struct machine *m, struct ring_key *out)
{
	uint64_t epoch = m->pair->epoch;
	uint32_t generation = m->pair->generation;
	uint32_t n = m->far_at;

	out->kind = RING_CANDIDATE;
	if (m->hint.kind == RING_CANDIDATE) {
		*out = m->hint;
		return;
	}
	if (!m->is_far_turn) {
		out->generation = generation + m->near_at % NEAR_GENERATIONS;
		out->epoch = epoch +
			     (uint64_t)(int64_t)
				 near_epochs[m->near_at / NEAR_GENERATIONS];
		return;
	}
	if (m->look_generation > generation) {
		generation = m->look_generation;
	}
	if (m->look_from > epoch) {
		epoch = m->look_from - 1;
	}
	out->generation = generation + n / FAR_EPOCHS % FAR_GENERATIONS;
	out->epoch = epoch + 1 + n % FAR_EPOCHS +
		     (uint64_t)(n / FAR_EPOCHS / FAR_GENERATIONS) * FAR_EPOCHS;
}

/* Are all near ones asked for before the next pause, or only the likely ones?
 * Not in the first round: a restart is no reason to ask for anything. */
static bool
is_full_round(const struct machine *m)
{
	return machine_is_at_a_loss(m) || m->is_looking ||
	       m->round % FULL_ROUNDS == FULL_ROUNDS - 1;
}

/* The candidate that was asked for is not it. */
static void
next_candidate(struct machine *m, const struct secd_time *now)
{
	struct question *q = &m->questions[ASK_NEXT];
	bool looks_far = machine_is_at_a_loss(m) && !m->is_lost;

	if (m->hint.kind == RING_CANDIDATE) {
		m->hint.kind = RING_NOTHING;
		return;
	}
	if (m->is_far_turn) {
		m->far_at++;
		m->is_lost = m->far_at >= far_count(m);
	} else {
		m->near_at = (m->near_at + 1) %
			     (is_full_round(m) ? NEAR_COUNT : NEAR_LIKELY);
	}
	/* First the near ones, then by turns. */
	m->has_looked |= m->near_at == 0 && looks_far;
	m->is_far_turn =
	    looks_far && m->has_looked && !m->is_lost && !m->is_far_turn;
	if (m->near_at == 0 && !looks_far) {
		m->has_looked = false;
		m->round++;
		m->is_looking = false;
		m->is_lost = false;
		m->far_at = 0;
		q->due_ms = now->boot_ms + m->config->check_ms;
		if (!machine_is_at_a_loss(m) && !m->cannot_compare) {
			/* The host tells when there is one. */
			q->due_ms += (FULL_ROUNDS - 1) * m->config->check_ms;
		}
	}
}

/*
 * Which question
 */

/* The slot whose new key is to be confirmed; -1: none. Of two, one after the
 * other: a revocation leaves some behind. */
static int
unconfirmed(const struct machine *m)
{
	int found = -1;

	for (int i = 0; i < SLOT_COUNT; i++) {
		int s = m->is_b_turn ? SLOT_B - i : i;
		const struct slot *slot = &m->pair->slots[s];

		if (slot->state == SLOT_STAGED ||
		    (slot->state == SLOT_GENERATED && slot->is_adopted)) {
			found = s;
		}
	}
	return found;
}

/* The slot that may be idle with the peer, and about which this node has to
 * know: to let go of the old key when the peer proposed the new one, or to
 * propose the next one. -1: none. */
static int
perhaps_idle(const struct machine *m)
{
	int active = machine_active(m), other;
	unsigned state;
	bool is_ours;

	if (!m->config->has_module || active < 0 || m->is_peer_idle) {
		return -1;
	}
	other = (int)pair_other((unsigned)active);
	state = m->pair->slots[other].state;
	is_ours = machine_is_ours(m, m->pair->slots[active].generation);
	if (state == SLOT_DRAINING) {
		return is_ours ? -1 : other;
	}
	return (state == SLOT_EMPTY || state == SLOT_REVOKED) &&
		       (is_ours || m->config->is_initiator)
		   ? other
		   : -1;
}

/* The slot whose old key the other server must not have any more. */
static int
taken_away(const struct machine *m)
{
	for (int s = 0; s < SLOT_COUNT; s++) {
		if (m->pair->slots[s].phase == SLOT_REMOVING &&
		    machine_is_placed(m) &&
		    pair_last_retired(m->pair, (unsigned)s) != NULL) {
			return s;
		}
	}
	return -1;
}

/* The slot that this question is about; -1: it is not to be asked. */
static int
slot_of(const struct machine *m, enum ask_kind kind)
{
	struct ring_key k;

	switch (kind) {
	case ASK_SELF:
		return m->self_slot < SLOT_COUNT ? m->self_slot : -1;
	case ASK_KEY:
		return unconfirmed(m);
	case ASK_IDLE:
		return perhaps_idle(m);
	case ASK_NEXT:
		if (!m->config->has_module || machine_root(m) == NULL ||
		    m->pair->is_stopped) {
			return -1;
		}
		candidate(m, &k);
		return (int)pair_slot_of(k.epoch);
	case ASK_ACTIVE:
		return machine_active(m);
	case ASK_OLD:
		return taken_away(m);
	default:
		return -1;
	}
}

/* Its secret, which may be in scratch; NULL: it cannot be had. */
static const uint8_t *
secret_to_ask(struct machine *m, enum ask_kind kind, unsigned slot,
	      const struct ring_key *k)
{
	const struct machine_source *source = &m->config->source;
	const struct retired *old = pair_last_retired(m->pair, slot);
	int active = machine_active(m);

	switch (kind) {
	case ASK_KEY:
	case ASK_ACTIVE:
		return m->pair->slots[slot].secret;
	case ASK_IDLE:
		return source->derive(source->ctx,
				      m->pair->slots[active].secret,
				      m->config->names[slot],
				      m->pair->slots[active].generation,
				      m->pair->slots[active].epoch, m->scratch)
			   ? m->scratch
			   : NULL;
	case ASK_NEXT:
		return machine_derive_candidate(m, k->generation, k->epoch)
			   ? m->scratch
			   : NULL;
	default:
		return old != NULL ? old->secret : NULL;
	}
}

/* The peer to be asked: the next one that did not give the wanted answer. */
static unsigned
peer_of(const struct machine *m, enum ask_kind kind, unsigned slot)
{
	const struct question *q = &m->questions[kind];
	unsigned done = kind == ASK_KEY ? m->confirmed[slot] : q->done;
	unsigned peer = q->peer;

	if (kind == ASK_SELF) {
		return MACHINE_PEERS_MAX;
	}
	for (unsigned i = 0; i < m->config->peers; i++) {
		if ((done & 1u << peer) == 0) {
			return peer;
		}
		peer = (peer + 1) % m->config->peers;
	}
	return q->peer;
}

/* What we proposed we know, unless a backup was restored: it is asked for after
 * the start, now and then, and when there is a reason to. */
static bool
is_unknown(const struct machine *m, uint32_t generation)
{
	return !machine_is_ours(m, generation) || is_full_round(m) ||
	       m->hint.kind == RING_CANDIDATE || m->round == 0;
}

static bool
ask(struct machine *m, const struct secd_time *now, enum ask_kind kind,
    unsigned slot, struct action *out)
{
	const struct slot *s = &m->pair->slots[slot];
	struct ring_key k = {.generation = s->generation, .epoch = s->epoch};
	const uint8_t *secret;

	if (kind == ASK_NEXT) {
		candidate(m, &k);
		if (!machine_is_candidate(m, k.generation, k.epoch) ||
		    !is_unknown(m, k.generation)) {
			next_candidate(m, now);
			return false;
		}
	}
	secret = secret_to_ask(m, kind, slot, &k);
	if (secret == NULL) {
		m->questions[kind].due_ms = now->boot_ms + MACHINE_RETRY_MS;
		return false;
	}
	m->is_b_turn ^= kind == ASK_KEY;
	m->asked = (struct asked){
	    .is_on = true,
	    .kind = (uint8_t)kind,
	    .slot = (uint8_t)slot,
	    .peer = (uint8_t)peer_of(m, kind, slot),
	    .generation = k.generation,
	    .epoch = k.epoch,
	    .id = ++m->last_id,
	    .at_ms = now->boot_ms,
	};
	*out = (struct action){
	    .kind = ACTION_PROBE,
	    .slot = slot,
	    .peer = m->asked.peer,
	    .id = m->asked.id,
	    .secret = secret,
	};
	return true;
}

bool
machine_ask_next(struct machine *m, const struct secd_time *now,
		 struct action *out)
{
	if (m->asked.is_on &&
	    now->boot_ms - m->asked.at_ms >= m->config->lost_ms) {
		m->asked.is_on = false; /* the host forgot it */
	}
	while (!m->asked.is_on) {
		int64_t due = INT64_MAX;
		int best = -1;

		for (int kind = 0; kind < ASK_COUNT; kind++) {
			const struct question *q = &m->questions[kind];

			if (q->due_ms < due && q->due_ms <= now->boot_ms &&
			    slot_of(m, (enum ask_kind)kind) >= 0) {
				due = q->due_ms;
				best = kind;
			}
		}
		if (best < 0) {
			return false;
		}
		if (ask(m, now, (enum ask_kind)best,
			(unsigned)slot_of(m, (enum ask_kind)best), out)) {
			return true;
		}
	}
	return false;
}

int64_t
machine_ask_due(const struct machine *m)
{
	int64_t due = INT64_MAX;

	if (m->asked.is_on) {
		return m->asked.at_ms + m->config->lost_ms;
	}
	for (int kind = 0; kind < ASK_COUNT; kind++) {
		if (m->questions[kind].due_ms < due &&
		    slot_of(m, (enum ask_kind)kind) >= 0) {
			due = m->questions[kind].due_ms;
		}
	}
	return due;
}

const struct asked *
machine_asked(const struct machine *m)
{
	return m->asked.is_on ? &m->asked : NULL;
}

/*
 * Answers
 */

static void
ask_later(struct machine *m, const struct secd_time *now, enum ask_kind kind)
{
	struct question *q = &m->questions[kind];
	int64_t wait = q->wait_ms * 2;

	if (wait < m->config->probe_ms) {
		wait = m->config->probe_ms;
	}
	q->wait_ms = wait < m->config->check_ms ? wait : m->config->check_ms;
	q->due_ms = now->boot_ms + q->wait_ms;
}

/* An answer that says that this secret is not accepted. It is not signed: so
 * it is never more than a hint. */
static bool
is_refusal(const struct secd_probe_result *r)
{
	return r->outcome == SECD_PROBE_REFUSED &&
	       (r->tsig_error == TSIG_BADSIG || r->tsig_error == TSIG_BADKEY);
}

/* Whatever the stores hold: what we have goes there again. */
static void
heal(struct machine *m, const struct secd_time *now)
{
	if (m->config->places == 0 || now->boot_ms < m->heal_ms) {
		return;
	}
	m->place_due = machine_all_places(m);
	m->heal_wait = m->heal_wait * 2 < m->config->check_ms
			   ? m->heal_wait * 2
			   : m->config->check_ms;
	if (m->heal_wait < m->config->probe_ms) {
		m->heal_wait = m->config->probe_ms;
	}
	m->heal_ms = now->boot_ms + m->heal_wait;
}

static void
on_key(struct machine *m, const struct secd_time *now, const struct asked *a,
       bool is_verified)
{
	const struct slot *s = &m->pair->slots[a->slot];

	if (!is_verified) {
		heal(m, now);
		ask_later(m, now, ASK_KEY);
	} else if (s->generation == a->generation && s->epoch == a->epoch) {
		m->confirmed[a->slot] |= (uint16_t)(1u << a->peer);
		machine_ask_now(m, ASK_KEY);
	}
}

static void
on_active(struct machine *m, const struct secd_time *now, const struct asked *a,
	  const struct secd_probe_result *r)
{
	struct question *q = &m->questions[ASK_ACTIVE];
	uint16_t bit = (uint16_t)(1u << a->peer);
	int active = machine_active(m);

	if (active < 0 || m->pair->slots[active].epoch != a->epoch) {
		return;
	}
	if (r->outcome == SECD_PROBE_VERIFIED) {
		m->refused &= (uint16_t)~bit;
		q->done |= bit;
		q->wait_ms = 0;
		q->due_ms = 0;
		if (q->done == machine_all_peers(m)) {
			q->done = 0;
			q->due_ms = now->boot_ms + m->config->check_ms;
			m->heal_wait = 0;
		}
		return;
	}
	if (is_refusal(r)) {
		if (m->refused == 0) {
			machine_ask_now(m, ASK_NEXT);
		}
		m->refused |= bit;
		heal(m, now);
	}
	ask_later(m, now, ASK_ACTIVE);
}

static void
on_idle(struct machine *m, const struct secd_time *now, const struct asked *a,
	bool is_verified)
{
	struct question *q = &m->questions[ASK_IDLE];

	if (perhaps_idle(m) != a->slot) {
		return;
	}
	if (!is_verified) {
		ask_later(m, now, ASK_IDLE);
		return;
	}
	q->done |= (uint16_t)(1u << a->peer);
	machine_ask_now(m, ASK_IDLE);
	if (q->done == machine_all_peers(m)) {
		q->done = 0;
		m->is_peer_idle = true;
	}
}

static void
on_next(struct machine *m, const struct secd_time *now, const struct asked *a,
	const struct secd_probe_result *r, const char *because)
{
	bool is_wanted = machine_is_candidate(m, a->generation, a->epoch);

	if (r->outcome == SECD_PROBE_VERIFIED && is_wanted &&
	    machine_derive_candidate(m, a->generation, a->epoch)) {
		machine_found(m, now, a->peer, a->generation, a->epoch,
			      m->scratch, because);
		m->hint.kind = RING_NOTHING;
		m->near_at = m->far_at = 0;
		m->is_far_turn = m->is_lost = m->has_looked = false;
		machine_ask_now(m, ASK_NEXT);
	} else if (r->outcome == SECD_PROBE_REFUSED &&
		   r->tsig_error == TSIG_BADSIG) {
		m->questions[ASK_NEXT].wait_ms = 0;
		m->questions[ASK_NEXT].due_ms = now->boot_ms + HUNT_MS;
		next_candidate(m, now);
	} else {
		ask_later(m, now, ASK_NEXT);
	}
}

static void
on_old(struct machine *m, const struct secd_time *now, const struct asked *a,
       const struct secd_probe_result *r)
{
	struct question *q = &m->questions[ASK_OLD];

	if (is_refusal(r) || r->outcome == SECD_PROBE_UNSIGNED) {
		q->done |= (uint16_t)(1u << a->peer);
		m->peer_accepts_old = false;
		machine_ask_now(m, ASK_OLD);
		return;
	}
	if (r->outcome == SECD_PROBE_VERIFIED) {
		m->peer_accepts_old = true;
		heal(m, now);
	}
	ask_later(m, now, ASK_OLD);
}

static void
on_self(struct machine *m, const struct secd_time *now,
	const struct secd_probe_result *r)
{
	if (is_refusal(r)) {
		m->self_slot = SLOT_COUNT;
		m->self_accepts = false;
		return;
	}
	m->self_accepts |= r->outcome == SECD_PROBE_VERIFIED;
	ask_later(m, now, ASK_SELF);
}

static void
hear(struct machine *m, const struct secd_time *now, const struct asked *a,
     const struct secd_probe_result *r)
{
	struct heard *h;

	if (a->peer == MACHINE_PEERS_MAX) {
		return;
	}
	h = &m->heard[a->peer];
	if (a->kind == ASK_KEY || a->kind == ASK_ACTIVE) {
		h->outcome = r->outcome;
		h->tsig_error = r->tsig_error;
		h->at_ms = now->wall_ms;
	}
	if (r->outcome == SECD_PROBE_VERIFIED ||
	    r->tsig_error == TSIG_BADTIME) {
		h->skew_ms = r->skew_ms;
	}
}

void
machine_probe_done(struct machine *m, const struct secd_time *now,
		   const struct secd_probe_result *r, const char *because)
{
	const struct asked a = m->asked;
	bool is_verified = r->outcome == SECD_PROBE_VERIFIED;

	if (!a.is_on || a.id != r->id) {
		return; /* of another life */
	}
	m->asked.is_on = false;
	if (a.peer < MACHINE_PEERS_MAX) {
		m->questions[a.kind].peer =
		    (uint8_t)((a.peer + 1u) % m->config->peers);
	}
	hear(m, now, &a, r);
	switch ((enum ask_kind)a.kind) {
	case ASK_SELF:
		on_self(m, now, r);
		break;
	case ASK_KEY:
		on_key(m, now, &a,
		       MACHINE_RULE(ONLY_SIGNED_ANSWERS, is_verified));
		break;
	case ASK_IDLE:
		on_idle(m, now, &a, is_verified);
		break;
	case ASK_NEXT:
		on_next(m, now, &a, r, because);
		break;
	case ASK_ACTIVE:
		on_active(m, now, &a, r);
		break;
	case ASK_OLD:
		on_old(m, now, &a, r);
		break;
	case ASK_COUNT:
		break;
	}
	machine_settle(m, now, because);
}
