/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/error.h"
#include "rotate_world.h"

/* More actions than this in a row come to no end. */
#define ACTIONS_MAX 200

static const uint8_t name_a[] = {1, 'a', 0};
static const uint8_t name_b[] = {1, 'b', 0};

/*
 * Secrets: their first octets are all there is to them.
 */

uint64_t
world_secret_id(const uint8_t *secret)
{
	uint64_t id;

	memcpy(&id, secret, sizeof(id));
	return id;
}

static bool
fake_random(void *ctx, uint8_t *out, size_t len)
{
	struct world_end *e = ctx;

	if (world_fails(e->world)) {
		return false;
	}
	rnd_fill(&e->world->rnd, out, len);
	return true;
}

static bool
fake_derive(void *ctx, const uint8_t *root, const uint8_t *name,
	    uint32_t generation, uint64_t epoch, uint8_t *out)
{
	struct rnd r = {world_secret_id(root) ^ (uint64_t)name[1] << 56 ^
			(uint64_t)generation << 40 ^ epoch};
	uint64_t id = rnd_next(&r);

	(void)ctx;
	memset(out, 0, PAIR_SECRET_LEN);
	memcpy(out, &id, sizeof(id));
	return true;
}

/*
 * Begin
 */

static void
told(void *ctx, const struct machine_step *s)
{
	struct world_end *e = ctx;

	world_trace(e->world, "pair %u end %u slot %c: %s -> %s %u/%u: %s",
		    e->pair, e->index, "ab"[s->slot], pair_state_text(s->from),
		    pair_state_text(s->to), (unsigned)s -> generation,
		    (unsigned)s -> epoch, s -> because);
	if (s->to == SLOT_GENERATED && s->from != SLOT_EMPTY &&
	    s->from != SLOT_REVOKED) {
		world_wrong(e->world, "I3: a slot that is %s is overwritten",
			    pair_state_text(s->from));
	}
}

void
end_init(struct world_end *e, struct world *w, unsigned pair, unsigned index,
	 unsigned node)
{
	*e = (struct world_end){
	    .world = w,
	    .pair = pair,
	    .index = index,
	    .node = node,
	    .is_new = true,
	    .used = SLOT_COUNT,
	};
	e->config = (struct machine_config){
	    .names = {name_a, name_b},
	    .is_initiator = index == 0,
	    .peers = 1,
	    .catch_up = 64,
	    .epoch_ms = WORLD_EPOCH_MS,
	    .drain_ms = WORLD_DRAIN_MS,
	    .probe_ms = WORLD_PROBE_MS,
	    .check_ms = WORLD_CHECK_MS,
	    .lost_ms = 20000,
	    .stages_soon = rnd_below(&w->rnd, 2) == 0,
	    .source = {fake_random, fake_derive, e},
	    .told = told,
	    .told_ctx = e,
	};
}

void
end_clock(const struct world_end *e, struct secd_time *out)
{
	const struct world_node *n = &e->world->nodes[e->node];

	out->boot_ms = e->world->now_ms - n->booted_ms + 5000;
	out->wall_ms = 1700000000000 + e->world->now_ms + n->skew_ms;
}

static const uint8_t *
root_of(const struct world_end *e)
{
	static const uint8_t roots[WORLD_PAIRS][PAIR_SECRET_LEN] = {
	    {1}, {2}, {3}, {4}};

	return roots[e->pair];
}

void
end_open(struct world_end *e, bool from_backup)
{
	struct secd_time now;

	if (from_backup) {
		world_trace(e->world, "pair %u end %u is restored", e->pair,
			    e->index);
		e->saved = e->backup;
		e->revoked_count = 0;
	}
	e->state = e->saved;
	end_clock(e, &now);
	machine_init(&e->machine, &e->config,
		     &(struct machine_memory){&e->state, &e->kept, e->scratch},
		     e->config.is_derived ? root_of(e) : NULL, &now);
	e->machine.cannot_compare = !e->world->nodes[e->node].compares;
	end_run(e);
	if (e->world->nodes[e->node].is_up) {
		e->is_open = true;
		machine_ready(&e->machine);
		e->due_ms = 0;
	}
}

void
end_crash(struct world_end *e)
{
	e->world->pairs[e->pair].is_touched = true;
	e->is_open = false;
	e->is_asking = false;
	memset(e->main, 0, sizeof(e->main));
	e->compared_count = 0;
	e->used = SLOT_COUNT;
}

/*
 * Actions
 */

static int
save(struct world_end *e)
{
	struct pair before = e->saved;

	if (e->is_open && world_fails(e->world)) {
		return SECD_EIO;
	}
	e->saved = e->state;
	check_saved(e, &before);
	e->is_new = false;
	return SECD_OK;
}

static int
put(struct world_end *e, const struct action *a)
{
	struct held h = {world_secret_id(a->secret), a->tag,
			 (enum ring_kind)a->key.kind};

	/* A host that cannot even begin is no host. */
	if (e->is_open && world_fails(e->world)) {
		return SECD_ENOMEM;
	}
	check_put(e, a);
	if ((a->flags & SECD_KEY_COMPARE) == 0) {
		e->main[a->slot] = h;
	} else if (e->compared_count == WORLD_HELD) {
		world_wrong(e->world, "too many keys to compare with");
	} else {
		e->compared[e->compared_count++] = h;
	}
	return SECD_OK;
}

static int
drop(struct world_end *e, const struct action *a)
{
	for (size_t i = 0; i < e->compared_count; i++) {
		if (e->compared[i].tag == a->tag) {
			e->compared[i] = e->compared[--e->compared_count];
			return SECD_OK;
		}
	}
	world_wrong(e->world, "a key is dropped that is not there");
	return SECD_OK;
}

static int
use(struct world_end *e, const struct action *a)
{
	if (e->is_open && world_fails(e->world)) {
		return SECD_ENOMEM;
	}
	check_use(e, a->slot);
	e->used = a->slot;
	return SECD_OK;
}

static int
probe(struct world_end *e, const struct action *a)
{
	const struct world_pair *p = &e->world->pairs[e->pair];
	unsigned to = p->end_count == 2 ? 1 - e->index : 1 + a->peer;

	if (world_fails(e->world)) {
		return SECD_EBUSY;
	}
	world_trace(e->world, "pair %u end %u asks %u: slot %c, %u/%u", e->pair,
		    e->index, (unsigned)e->machine.asked.kind, "ab"[a->slot],
		    (unsigned)e -> machine.asked.generation,
		    (unsigned)e->machine.asked.epoch);
	e->is_asking = true;
	e->probe = a->id;
	e->probe_ends_ms = e->world->now_ms + 2 * WORLD_DELAY_MS;
	if (p->is_half_cut[e->index] && a->peer == 1) {
		return SECD_OK;
	}
	world_send(e->world, (struct message){
				 .kind = MESSAGE_QUERY,
				 .pair = e->pair,
				 .from = e->index,
				 .to = to,
				 .slot = a->slot,
				 .secret = world_secret_id(a->secret),
				 .id = a->id,
				 .skew_ms = e->world->nodes[e->node].skew_ms,
			     });
	return SECD_OK;
}

static int
perform(struct world_end *e, const struct action *a)
{
	switch (a->kind) {
	case ACTION_SAVE:
		return save(e);
	case ACTION_PUT:
		return put(e, a);
	case ACTION_DROP:
		return drop(e, a);
	case ACTION_USE:
		return use(e, a);
	default:
		return probe(e, a);
	}
}

void
end_run(struct world_end *e)
{
	struct world *w = e->world;
	struct secd_time now;
	struct action a;
	unsigned count = 0;

	end_clock(e, &now);
	w->pairs[e->pair].is_touched = true;
	while (w->wrong[0] == '\0' && w->nodes[e->node].is_up &&
	       machine_next(&e->machine, &now, &a)) {
		int rc = perform(e, &a);

		if (++count == ACTIONS_MAX) {
			world_wrong(w, "actions come to no end");
		}
		if (world_fails(w)) {
			world_crash_node(w, e->node);
			return;
		}
		machine_did(&e->machine, &now, &a, rc);
	}
	e->due_ms = machine_due(&e->machine, now.boot_ms);
	if (e->due_ms < INT64_MAX) {
		e->due_ms += w->now_ms - now.boot_ms;
	}
}

/*
 * What comes in
 */

static void
tell(struct world_end *e, unsigned slot, uint32_t way, uint32_t error,
     uint64_t tag)
{
	struct secd_key_used used = {
	    .size = sizeof(used),
	    .way = way,
	    .tsig_error = error,
	    .count = 1,
	    .tag = tag,
	};
	struct secd_time now;

	if (e->world->nodes[e->node].tells && e->is_open) {
		end_clock(e, &now);
		used.at_ms = now.wall_ms;
		machine_key_used(&e->machine, &now, &used, slot, true);
		e->due_ms = 0;
	}
}

uint32_t
end_verify(struct world_end *e, unsigned slot, uint64_t secret, bool is_timely)
{
	uint32_t error = 16;
	uint64_t tag = 0;

	if (e->main[slot].secret == secret) {
		tag = e->main[slot].tag;
		error = is_timely ? 0 : 18;
	}
	for (size_t i = 0; i < e->compared_count && error == 16; i++) {
		if (e->compared[i].secret == secret) {
			tag = e->compared[i].tag;
		}
	}
	tell(e, slot, SECD_WAY_IN, error, tag);
	return error;
}

void
end_used_out(struct world_end *e, unsigned slot, uint32_t tsig_error)
{
	tell(e, slot, SECD_WAY_OUT, tsig_error, e->main[slot].tag);
}

void
end_probe_done(struct world_end *e, uint32_t outcome, uint32_t tsig_error)
{
	struct secd_probe_result r = {
	    .size = sizeof(r),
	    .outcome = outcome,
	    .tsig_error = tsig_error,
	    .id = e->probe,
	};
	struct secd_time now;

	e->is_asking = false;
	end_clock(e, &now);
	machine_probe_done(&e->machine, &now, &r, "the peer said so");
	e->due_ms = 0;
}

void
end_revoke(struct world_end *e, unsigned slots)
{
	struct world_pair *p = &e->world->pairs[e->pair];
	uint64_t secrets[SLOT_COUNT];
	struct secd_time now;

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		secrets[s] =
		    pair_is_live(&e->state.slots[s]) && (slots & 1u << s) != 0
			? world_secret_id(e->state.slots[s].secret)
			: 0;
	}
	end_clock(e, &now);
	if (machine_revoke(&e->machine, &now, slots, false) != SECD_OK) {
		return;
	}
	world_trace(e->world, "pair %u end %u revokes %u", e->pair, e->index,
		    slots);
	world_disturb(p);
	end_run(e);
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		/* The command returned: it is refused from now on. */
		if (secrets[s] != 0 && e->is_open && e->machine.to_cut == 0 &&
		    !e->machine.is_dirty && e->revoked_count < WORLD_REVOKED) {
			e->revoked[e->revoked_count++] = secrets[s];
		}
	}
}
