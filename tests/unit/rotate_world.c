/* SPDX-License-Identifier: BSD-2-Clause */

#include "rotate_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* With more revocations than this behind each other's back, nodes do not find
 * together without an operator. */
#define REVOCATIONS_MAX 2
#define TSIG_BADSIG     16
#define TSIG_BADTIME    18

void
world_wrong(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->wrong[0] == '\0') {
		va_start(args, format);
		vsnprintf(w->wrong, sizeof(w->wrong), format, args);
		va_end(args);
		world_trace(w, "WRONG: %s", w->wrong);
	}
}

void
world_trace(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->is_traced) {
		printf("%10.3f ", (double)w->now_ms / 1000);
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		putchar('\n');
	}
}

bool
world_fails(struct world *w)
{
	return w->trouble > 0 && rnd_below(&w->rnd, 1000) < w->trouble;
}

/*
 * Who and where
 */

static struct world_store *
store_of(struct world_pair *p, unsigned member)
{
	return p->end_count == 1 && member > 0 ? &p->stores[member - 1] : NULL;
}

static unsigned
node_of(struct world_pair *p, unsigned member)
{
	struct world_store *store = store_of(p, member);

	return store != NULL ? store->node : p->ends[member].node;
}

static bool
is_reachable(const struct world *w, struct world_pair *p, unsigned from,
	     unsigned to)
{
	unsigned a = node_of(p, from), b = node_of(p, to);

	return w->nodes[a].is_up && w->nodes[b].is_up && !w->is_cut[a][b] &&
	       (store_of(p, to) != NULL || p->ends[to].is_open);
}

/*
 * Messages
 */

void
world_send(struct world *w, struct message m)
{
	unsigned delay = rnd_below(&w->rnd, 4) > 0 ? 50 : WORLD_DELAY_MS;

	m.sent_ms = w->now_ms;
	m.at_ms = w->now_ms + rnd_below(&w->rnd, delay);
	if (w->message_count < WORLD_MESSAGES &&
	    rnd_below(&w->rnd, 1000) >= w->loss) {
		w->messages[w->message_count++] = m;
	}
}

static bool
are_clocks_close(const struct world *w, struct world_pair *p,
		 const struct message *m)
{
	int64_t skew = m->skew_ms - w->nodes[node_of(p, m->to)].skew_ms;

	return skew <= WORLD_FUDGE_MS && skew >= -WORLD_FUDGE_MS;
}

/* What a member says to a request that is signed so. */
static uint32_t
verify(struct world *w, struct world_pair *p, const struct message *m)
{
	struct world_store *store = store_of(p, m->to);
	bool is_timely = are_clocks_close(w, p, m);

	if (store == NULL) {
		return end_verify(&p->ends[m->to], m->slot, m->secret,
				  is_timely);
	}
	if (store->secrets[m->slot] != m->secret) {
		return TSIG_BADSIG;
	}
	return is_timely ? 0 : TSIG_BADTIME;
}

static void
deliver_query(struct world *w, struct world_pair *p, const struct message *m)
{
	uint32_t error;

	if (!is_reachable(w, p, m->from, m->to)) {
		return;
	}
	error = verify(w, p, m);
	world_send(w, (struct message){
			  .kind = MESSAGE_REPLY,
			  .pair = m->pair,
			  .from = m->to,
			  .to = m->from,
			  .id = m->id,
			  .outcome = error == 0 ? SECD_PROBE_VERIFIED
						: SECD_PROBE_REFUSED,
			  .tsig_error = error,
		      });
}

static void
deliver_reply(struct world *w, struct world_pair *p, const struct message *m)
{
	struct world_end *e = &p->ends[m->to];

	if (!is_reachable(w, p, m->from, m->to) || !e->is_asking ||
	    e->probe != m->id) {
		return;
	}
	if (world_fails(w)) { /* anybody may write what is not signed */
		end_probe_done(e, SECD_PROBE_REFUSED, TSIG_BADSIG);
	} else {
		end_probe_done(e, m->outcome, m->tsig_error);
	}
}

/*
 * Transfers
 */

static void
begin_transfer(struct world *w, struct world_pair *p, unsigned from,
	       unsigned to, unsigned slot, bool is_second, bool is_sound)
{
	struct world_store *store = store_of(p, from);
	const struct world_end *e = &p->ends[0];

	if (store == NULL) {
		e = &p->ends[from];
	}
	world_send(w, (struct message){
			  .kind = MESSAGE_TRANSFER,
			  .pair = p->ends[0].pair,
			  .from = from,
			  .to = to,
			  .slot = slot,
			  .secret = store != NULL ? store->secrets[slot]
						  : e->main[slot].secret,
			  .skew_ms = w->nodes[node_of(p, from)].skew_ms,
			  .is_second = is_second,
			  .is_sound = is_sound,
			  .disturbed = p->disturbed,
		      });
}

static void
try_transfer(struct world *w, struct world_pair *p)
{
	unsigned other =
	    p->end_count == 2 ? 1 : 1 + rnd_below(&w->rnd, p->store_count);
	bool is_out = rnd_below(&w->rnd, 2) == 0;
	unsigned from = is_out ? 0 : other, to = is_out ? other : 0;
	unsigned slot = SLOT_A; /* the first in the list */

	if (store_of(p, from) == NULL) {
		if (!p->ends[from].is_open) {
			return;
		}
		if (p->ends[from].used < SLOT_COUNT) {
			slot = p->ends[from].used;
		}
	}
	begin_transfer(w, p, from, to, slot, false,
		       p->is_sound && is_reachable(w, p, from, to));
}

/* Was nobody started anew since? */
static bool
did_stay_up(const struct world *w, struct world_pair *p,
	    const struct message *m)
{
	return w->nodes[node_of(p, m->from)].booted_ms <= m->sent_ms &&
	       w->nodes[node_of(p, m->to)].booted_ms <= m->sent_ms;
}

static void
deliver_transfer(struct world *w, struct world_pair *p, const struct message *m)
{
	struct world_store *store = store_of(p, m->from);
	bool is_sound = m->is_sound && p->disturbed == m->disturbed &&
			did_stay_up(w, p, m) && are_clocks_close(w, p, m);
	uint32_t error;

	if (!is_reachable(w, p, m->from, m->to)) {
		return;
	}
	error = verify(w, p, m);
	if (store == NULL && p->ends[m->from].is_open) {
		end_used_out(&p->ends[m->from], m->slot, error);
	}
	if (error == 0) {
		w->transfers += is_sound;
		if (store != NULL && is_sound) {
			store->pulls_until_ms[m->slot] =
			    w->now_ms + rnd_below(&w->rnd, WORLD_XFER_MS);
		}
	} else if (store != NULL && !m->is_second) {
		begin_transfer(w, p, m->from, m->to, SLOT_B, true, is_sound);
	} else if (is_sound) {
		world_wrong(w,
			    "I5: pair %u: a transfer from %u to %u fails, "
			    "TSIG error %u",
			    m->pair, m->from, m->to, (unsigned)error);
	}
}

static void
deliver(struct world *w)
{
	for (size_t i = 0; i < w->message_count; i++) {
		struct message m = w->messages[i];
		struct world_pair *p = &w->pairs[m.pair];

		if (m.at_ms > w->now_ms) {
			continue;
		}
		w->messages[i--] = w->messages[--w->message_count];
		if (m.kind == MESSAGE_QUERY) {
			deliver_query(w, p, &m);
		} else if (m.kind == MESSAGE_REPLY) {
			deliver_reply(w, p, &m);
		} else {
			deliver_transfer(w, p, &m);
		}
	}
}

/*
 * Stores
 */

static void
begin_place(struct world *w, struct world_pair *p, unsigned i)
{
	struct world_end *e = &p->ends[0];
	struct world_store *store = &p->stores[i];

	if (!e->is_open || store->is_placing ||
	    !machine_place_is_due(&e->machine, i)) {
		return;
	}
	machine_place_begin(&e->machine, i);
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		store->placing[s] = world_secret_id(e->state.slots[s].secret);
		if (store->placing[s] !=
		    world_secret_id(e->saved.slots[s].secret)) {
			world_wrong(w, "I7: a key is placed that is not saved");
		}
	}
	store->is_placing = true;
	store->placed_ms = w->now_ms + rnd_below(&w->rnd, WORLD_DELAY_MS);
}

static void
apply(struct world *w, struct world_pair *p, struct world_store *store)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		if (store->secrets[s] == store->placing[s]) {
			continue;
		}
		/* NSD breaks off what it fetches with a key that changes. */
		if (p->is_sound && store->pulls_until_ms[s] > w->now_ms) {
			world_wrong(w, "I5: a transfer is broken off");
		}
		store->secrets[s] = store->placing[s];
	}
}

static void
end_place(struct world *w, struct world_pair *p, unsigned i)
{
	struct world_end *e = &p->ends[0];
	struct world_store *store = &p->stores[i];
	bool works = is_reachable(w, p, 0, 1 + i) && !world_fails(w);
	struct secd_time now;

	store->is_placing = false;
	p->is_touched = true;
	if (works) {
		apply(w, p, store);
	}
	end_clock(e, &now);
	/* That it worked may get lost. */
	if (e->is_open) {
		machine_placed(&e->machine, &now, i,
			       works && !world_fails(w) ? SECD_OK : SECD_EIO);
		e->due_ms = 0;
	}
}

/*
 * Time
 */

static int64_t
next_moment(const struct world *w)
{
	int64_t next = w->now_ms + WORLD_CHECK_MS;

	for (size_t i = 0; i < w->message_count; i++) {
		if (w->messages[i].at_ms < next) {
			next = w->messages[i].at_ms;
		}
	}
	for (unsigned i = 0; i < w->pair_count; i++) {
		const struct world_pair *p = &w->pairs[i];

		for (unsigned j = 0; j < p->end_count; j++) {
			const struct world_end *e = &p->ends[j];

			if (e->is_open && e->due_ms < next) {
				next = e->due_ms;
			}
			if (e->is_asking && e->probe_ends_ms < next) {
				next = e->probe_ends_ms;
			}
		}
		for (unsigned j = 0; j < p->store_count; j++) {
			if (p->stores[j].is_placing &&
			    p->stores[j].placed_ms < next) {
				next = p->stores[j].placed_ms;
			}
		}
	}
	return next;
}

static void
work(struct world *w, struct world_pair *p)
{
	for (unsigned i = 0; i < p->end_count; i++) {
		struct world_end *e = &p->ends[i];

		if (e->is_open && e->is_asking &&
		    e->probe_ends_ms <= w->now_ms) {
			end_probe_done(e, SECD_PROBE_SILENT, 0);
		}
		if (e->is_open && e->due_ms <= w->now_ms) {
			end_run(e);
		}
	}
	for (unsigned i = 0; i < p->store_count; i++) {
		if (p->stores[i].is_placing &&
		    p->stores[i].placed_ms <= w->now_ms) {
			end_place(w, p, i);
		}
		begin_place(w, p, i);
	}
	if (p->is_touched) {
		p->is_touched = false;
		check_pair(w, p);
	}
}

static void
pass(struct world *w, int64_t at_most_ms)
{
	int64_t next = next_moment(w);

	if (next - w->now_ms > at_most_ms) {
		next = w->now_ms + at_most_ms;
	}
	if (next > w->now_ms) {
		w->now_ms = next;
	}
	deliver(w);
	for (unsigned i = 0; i < w->pair_count && w->wrong[0] == '\0'; i++) {
		work(w, &w->pairs[i]);
	}
}

/*
 * What happens
 */

void
world_disturb(struct world_pair *p)
{
	p->is_sound = false;
	p->disturbed++;
	for (unsigned i = 0; i < p->store_count; i++) {
		memset(p->stores[i].pulls_until_ms, 0,
		       sizeof(p->stores[i].pulls_until_ms));
	}
}

void
world_crash_node(struct world *w, unsigned node)
{
	w->nodes[node].is_up = false;
	world_trace(w, "node %u crashes", node);
	for (unsigned i = 0; i < w->pair_count; i++) {
		for (unsigned j = 0; j < w->pairs[i].end_count; j++) {
			if (w->pairs[i].ends[j].node == node) {
				end_crash(&w->pairs[i].ends[j]);
			}
		}
	}
}

static void
start_node(struct world *w, unsigned node, bool from_backup)
{
	w->nodes[node].is_up = true;
	w->nodes[node].booted_ms = w->now_ms;
	world_trace(w, "node %u starts", node);
	for (unsigned i = 0; i < w->pair_count; i++) {
		struct world_pair *p = &w->pairs[i];

		for (unsigned j = 0; j < p->end_count; j++) {
			struct world_end *e = &p->ends[j];

			if (e->node == node && w->nodes[node].is_up) {
				bool restores = from_backup && e->has_backup;

				if (restores) {
					world_disturb(p);
				}
				end_open(e, restores);
			}
		}
	}
}

static void
reload(struct world *w, struct world_end *e)
{
	unsigned trouble = w->trouble;

	if (e->is_open) {
		memset(e->main, 0, sizeof(e->main));
		e->compared_count = 0;
		e->used = SLOT_COUNT;
		machine_forget(&e->machine);
		w->trouble = 0;
		end_run(e);
		w->trouble = trouble;
	}
}

static void
happen_to_node(struct world *w, unsigned what)
{
	unsigned n = rnd_below(&w->rnd, w->node_count);
	unsigned other = rnd_below(&w->rnd, w->node_count);
	struct world_node *node = &w->nodes[n];

	if (what == 0 && node->is_up) {
		world_crash_node(w, n);
	} else if (what < 4 && !node->is_up) {
		start_node(w, n, rnd_below(&w->rnd, 8) == 0);
	} else if (what == 4) {
		node->skew_ms = (int64_t)rnd_below(&w->rnd, 1200000) - 600000;
	} else if (what == 5) {
		node->skew_ms = 0;
	} else if (what == 6 && n != other) {
		w->is_cut[n][other] = w->is_cut[other][n] = true;
	} else if (what == 7) {
		w->is_cut[n][other] = w->is_cut[other][n] = false;
	}
}

static void
happen_to_end(struct world *w, unsigned what)
{
	struct world_pair *p = &w->pairs[rnd_below(&w->rnd, w->pair_count)];
	struct world_end *e = &p->ends[rnd_below(&w->rnd, p->end_count)];
	struct secd_time now;

	if (!e->is_open) {
		return;
	}
	end_clock(e, &now);
	if (what < 8) {
		try_transfer(w, p);
	} else if (what < 10) {
		machine_rotate(&e->machine, &now);
		e->due_ms = 0;
	} else if (what == 10 && !e->is_new) {
		e->backup = e->saved;
		e->has_backup = true;
	} else if (what == 11) {
		reload(w, e);
	} else if (what == 12 && rnd_below(&w->rnd, 4) > 0) {
		p->is_half_cut[e->index] = !p->is_half_cut[e->index];
	} else if (what == 12 && p->revocations < REVOCATIONS_MAX) {
		p->revocations++;
		end_revoke(e, 1 + rnd_below(&w->rnd, 3));
	}
}

bool
world_run(struct world *w, unsigned steps)
{
	for (; steps > 0 && w->wrong[0] == '\0'; steps--) {
		unsigned what = rnd_below(&w->rnd, 32);

		if (what < 13) {
			happen_to_end(w, what);
		} else if (what == 13) {
			happen_to_node(w, rnd_below(&w->rnd, 8));
		} else {
			static const unsigned jumps[] = {10, 1000, 30000,
							 200000};

			pass(w, 1 + rnd_below(&w->rnd,
					      jumps[rnd_below(&w->rnd, 4)]));
		}
	}
	return w->wrong[0] == '\0';
}

static void
trace_pair(struct world *w, const struct world_pair *p)
{
	for (unsigned i = 0; i < p->end_count; i++) {
		const struct pair *s = &p->ends[i].state;

		world_trace(
		    w, "pair %u end %u: a %s %u/%u, b %s %u/%u, at %u/%u%s",
		    p->ends[i].pair, i, pair_state_text(s->slots[0].state),
		    (unsigned)s->slots[0].generation,
		    (unsigned)s->slots[0].epoch,
		    pair_state_text(s->slots[1].state),
		    (unsigned)s->slots[1].generation,
		    (unsigned)s->slots[1].epoch, (unsigned)s->generation,
		    (unsigned)s->epoch, s->proposes ? ", proposes" : "");
	}
}

/* The first pair that was not in order since, with a later key in use; -1: they
 * all were. */
static int
find_disorder(const struct world *w, const uint64_t *epochs, int64_t since)
{
	for (unsigned i = 0; i < w->pair_count; i++) {
		const struct world_pair *p = &w->pairs[i];

		if (p->ordered_ms <= since || p->epoch <= epochs[i]) {
			return (int)i;
		}
	}
	return -1;
}

/* They have so long for it. */
static bool
wait_for_order(struct world *w, const uint64_t *epochs, int64_t limit_ms)
{
	int64_t since = w->now_ms;
	int pair;

	while ((pair = find_disorder(w, epochs, since)) >= 0 &&
	       w->now_ms < since + limit_ms && w->wrong[0] == '\0') {
		if (rnd_below(&w->rnd, 8) == 0) {
			try_transfer(
			    w, &w->pairs[rnd_below(&w->rnd, w->pair_count)]);
		}
		pass(w, WORLD_CHECK_MS);
	}
	if (pair >= 0) {
		trace_pair(w, &w->pairs[pair]);
		world_wrong(w, "the ends of pair %d do not find together",
			    pair);
	}
	return w->wrong[0] == '\0';
}

bool
world_recover(struct world *w)
{
	uint64_t epochs[WORLD_PAIRS] = {0};

	w->trouble = w->loss = 0;
	memset(w->is_cut, 0, sizeof(w->is_cut));
	for (unsigned i = 0; i < w->pair_count; i++) {
		memset(w->pairs[i].is_half_cut, 0,
		       sizeof(w->pairs[i].is_half_cut));
	}
	world_trace(w, "nothing goes wrong any more");
	for (unsigned i = 0; i < w->node_count; i++) {
		w->nodes[i].skew_ms = 0;
		if (!w->nodes[i].is_up) {
			start_node(w, i, false);
		}
	}
	if (!wait_for_order(w, epochs, 3 * WORLD_EPOCH_MS)) {
		return false;
	}
	for (unsigned i = 0; i < w->pair_count; i++) {
		epochs[i] = w->pairs[i].epoch;
	}
	return wait_for_order(w, epochs, 3 * WORLD_EPOCH_MS);
}

/*
 * Begin
 */

static void
init_pair(struct world *w, unsigned index)
{
	struct world_pair *p = &w->pairs[index];
	unsigned a = index == 0 ? 0 : rnd_below(&w->rnd, index + 1);
	unsigned b = index + 1, kind = rnd_below(&w->rnd, 4);

	p->end_count = kind < 2 ? 2 : 1;
	p->store_count = kind < 2 ? 0 : 1 + rnd_below(&w->rnd, 2);
	end_init(&p->ends[0], w, index, 0, a);
	if (p->end_count == 2) {
		end_init(&p->ends[1], w, index, 1, b);
		for (unsigned i = 0; i < 2; i++) {
			p->ends[i].config.has_module = true;
			p->ends[i].config.is_derived = true;
			p->ends[i].config.peers = kind + 1;
		}
	} else {
		p->ends[0].config.is_derived = rnd_below(&w->rnd, 2) == 0;
		p->ends[0].config.peers = p->store_count;
		p->ends[0].config.places = p->store_count;
	}
	for (unsigned i = 0; i < p->store_count; i++) {
		p->stores[i].node = b;
		rnd_fill(&w->rnd, (uint8_t *)p->stores[i].secrets,
			 sizeof(p->stores[i].secrets));
	}
}

void
world_init(struct world *w, uint64_t seed)
{
	static const unsigned levels[] = {0, 1, 5, 20};

	*w = (struct world){.rnd = {seed}};
	w->node_count = 2 + rnd_below(&w->rnd, WORLD_NODES - 1);
	w->trouble = levels[rnd_below(&w->rnd, 4)];
	w->loss = 10 * levels[rnd_below(&w->rnd, 4)];
	for (unsigned i = 0; i < w->node_count; i++) {
		w->nodes[i].tells = rnd_below(&w->rnd, 4) > 0;
		w->nodes[i].compares =
		    w->nodes[i].tells && rnd_below(&w->rnd, 4) > 0;
		if (i > 0) {
			init_pair(w, w->pair_count++);
		}
	}
	for (unsigned i = 0; i < w->node_count; i++) {
		start_node(w, i, false);
	}
}
