/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that a host makes, in every order that is legal.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "fake_host.h"
#include "fake_reply.h"

#define DAY_MS INT64_C(86400000)

/*
 * Begin and end
 */

void
fake_host_event(struct fake_host *h, struct secd_event *e, uint32_t type)
{
	e->size = sizeof(*e);
	e->type = type;
	if (h->module->event != NULL) {
		h->in_call = true;
		h->module->event(h->m, e);
		h->in_call = false;
	}
}

static void
send_zone(struct fake_host *h, unsigned i, uint32_t type)
{
	const struct model_version *v = model_newest(&h->zones[i]);
	struct secd_zone zone = {
	    .size = sizeof(zone),
	    .apex = h->zones[i].apex,
	    .flags = v != NULL ? SECD_ZONE_HELD : 0,
	    .seq = v != NULL ? v->seq : 0,
	    .serial = v != NULL ? v->serial : 0,
	};
	struct secd_event e = {.zone = &zone};

	fake_host_event(h, &e, type);
}

static int
ask_newest(struct fake_host *h, unsigned i, struct secd_version *out)
{
	int rc;

	*out = (struct secd_version){.size = sizeof(*out)};
	h->in_call = true;
	rc = h->module->newest(h->m, h->zones[i].apex, out);
	h->in_call = false;
	return rc;
}

void
fake_host_start(struct fake_host *h)
{
	struct secd_event ready = {0};
	struct secd_version newest;

	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		if (h->configured[i] && h->module->newest != NULL) {
			ask_newest(h, i, &newest);
		}
		if (h->configured[i]) {
			send_zone(h, i, SECD_EVENT_ZONE_ADDED);
		}
	}
	fake_host_event(h, &ready, SECD_EVENT_READY);
}

void
fake_host_close(struct fake_host *h)
{
	h->in_call = true;
	h->module->close(h->m);
	h->in_call = false;
	h->m = NULL;
	h->pending_count = 0;
	/* A host forgets what it was given when it ends. */
	fake_keys_forget(&h->keys);
	if (h->walks != 0 || h->keys.memory_count != 0) {
		fake_wrong("close left %d walks and %zu secrets", h->walks,
			   h->keys.memory_count);
	}
}

/*
 * Time
 */

int64_t
fake_host_tick(struct fake_host *h)
{
	int64_t due;

	if (h->module->tick == NULL) {
		return SECD_NEVER;
	}
	h->in_call = true;
	due = h->module->tick(h->m, &h->now);
	h->in_call = false;
	return due;
}

static void
pass(struct fake_host *h, int64_t ms)
{
	h->now.boot_ms += ms;
	h->now.wall_ms += ms;
}

void
fake_host_settle(struct fake_host *h)
{
	unsigned busy = 0;

	for (int waits = 0; waits < 30;) {
		int64_t due = fake_host_tick(h);

		if (due > h->now.boot_ms + 600000) {
			return;
		}
		if (due > h->now.boot_ms) {
			pass(h, due - h->now.boot_ms);
			waits++;
			busy = 0;
		} else if (++busy > 20000) {
			fake_wrong("tick: is always due");
		} else if (busy % 100 == 0) {
			pass(h, 1);
		}
	}
}

/*
 * Versions
 */

struct stream {
	struct secd_stream api;
	struct fake_host *host;
	struct buf octets;
	size_t pos;
	uint8_t *lent;
	bool breaks, broke;
};

static int
stream_next(struct secd_stream *api, const uint8_t **octets, size_t *len)
{
	struct stream *s = (struct stream *)api;
	struct secd_entry e;

	free(s->lent);
	s->lent = NULL;
	if (s->breaks && s->pos > 0) {
		s->broke = true;
		return SECD_EIO;
	}
	*octets = NULL;
	*len = s->pos < s->octets.len
		   ? secd_entry_read(s->octets.data + s->pos,
				     s->octets.len - s->pos, &e)
		   : 0;
	if (*len > 0) {
		/* As many as come up, in a copy that ends where they do. */
		while (s->pos + *len < s->octets.len &&
		       rnd_below(&s->host->rnd, 4) > 0) {
			size_t n =
			    secd_entry_read(s->octets.data + s->pos + *len,
					    s->octets.len - s->pos - *len, &e);

			if (*len + n > SECD_CHUNK_MAX) {
				break;
			}
			*len += n;
		}
		s->lent = malloc(*len);
		if (s->lent == NULL) {
			return SECD_ENOMEM;
		}
		memcpy(s->lent, s->octets.data + s->pos, *len);
		*octets = s->lent;
		s->pos += *len;
	}
	return SECD_OK;
}

/* Which change comes next, and what the host lost before. */
static const struct model_version *
choose_version(struct fake_host *h, struct model_zone *z)
{
	const struct model_version *newest = model_newest(z);
	uint64_t before;

	if (newest == NULL) {
		return model_grow(z, &h->rnd, NULL);
	}
	switch (rnd_below(&h->rnd, 16)) {
	case 0: /* another zone altogether */
		return model_grow(z, &h->rnd, NULL);
	case 1: /* offered again */
		return newest;
	case 2: /* the newest one never counted */
		if (h->is_steady || z->count < 2 || newest->from_seq == 0) {
			break;
		}
		before = newest->from_seq;
		model_fall_back(z, before);
		newest = model_newest(z);
		break;
	case 3: /* one was never offered */
		newest = model_grow(z, &h->rnd, newest);
		break;
	default:
		break;
	}
	return model_grow(z, &h->rnd,
			  newest == NULL || newest->seq == 0 ? NULL : newest);
}

static int
offer(struct fake_host *h, struct model_zone *z, const struct model_version *v)
{
	static const uint8_t key[] = {3, 'k', 'e', 'y', 0};
	const struct model_version *from = model_find(z, v->from_seq);
	struct stream s = {.api = {sizeof(s.api), stream_next}, .host = h};
	struct secd_change c = {
	    .size = sizeof(c),
	    .source = SECD_SOURCE_IXFR,
	    .transport = SECD_TRANSPORT_TCP,
	    .from = from != NULL ? from->serial : 0,
	    .to = v->serial,
	    .apex = z->apex,
	    .from_seq = from != NULL ? v->from_seq : 0,
	    .seq = v->seq,
	    .at_ms = h->now.wall_ms,
	    .primary = {.family = 4, .port = 53, .octets = {192, 0, 2, 1}},
	    .primary_id = "hidden",
	    .key = rnd_below(&h->rnd, 2) == 0 ? key : NULL,
	    .records = from != NULL ? &s.api : NULL,
	};
	int rc;

	s.breaks = h->stream_breaks;
	if (from != NULL) {
		model_step(z, from, v, &s.octets);
	}
	h->in_call = true;
	rc = h->module->change == NULL ? SECD_OK : h->module->change(h->m, &c);
	h->in_call = false;
	if (rc == SECD_OK && s.broke) {
		fake_wrong("change: took a stream that broke off");
	}
	free(s.lent);
	buf_fini(&s.octets);
	return rc;
}

static void
enter(struct fake_host *h, enum fake_phase phase)
{
	/* Behind all that was written before, whenever the kill comes. */
	__atomic_store_n(&h->phase, phase, __ATOMIC_SEQ_CST);
}

void
fake_host_left(const struct fake_host *h, struct model_zone old[FAKE_ZONES],
	       struct model_zone new[FAKE_ZONES])
{
	bool has_group = h->phase >= FAKE_CHOOSES;

	memcpy(old, has_group ? h->before : h->zones, sizeof(h->zones));
	memcpy(new, h->phase == FAKE_CHOOSES ? h->before : h->zones,
	       sizeof(h->zones));
}

int
fake_host_group(struct fake_host *h, size_t count)
{
	uint64_t expected[FAKE_ZONES];
	bool follows[FAKE_ZONES];
	int rc = SECD_OK;

	enter(h, FAKE_SAVES);
	memcpy(h->before, h->zones, sizeof(h->before));
	memcpy(expected, h->expected, sizeof(expected));
	memcpy(follows, h->follows, sizeof(follows));
	for (; count > 0; count--) {
		unsigned i = rnd_below(&h->rnd, FAKE_ZONES);
		const struct model_version *v;
		bool is_taken;

		if (!h->configured[i]) {
			continue;
		}
		enter(h, FAKE_CHOOSES);
		v = choose_version(h, &h->zones[i]);
		enter(h, FAKE_OFFERS);
		is_taken = offer(h, &h->zones[i], v) == SECD_OK;
		model_offered(&h->zones[i], v->seq, is_taken);
		if (!is_taken) {
			expected[i] = FAKE_UNKNOWN;
			follows[i] = false;
			continue;
		}
		follows[i] = v->from_seq != 0 && v->from_seq == expected[i];
		/* Without a walk there is no new beginning. */
		expected[i] = follows[i] || h->api.walk_begin != NULL
				  ? v->seq
				  : FAKE_UNKNOWN;
	}
	if (h->module->commit != NULL) {
		h->in_call = true;
		rc = h->module->commit(h->m);
		h->in_call = false;
	}
	enter(h, FAKE_NOTES);
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		model_committed(&h->zones[i], rc == SECD_OK);
		if (rc == SECD_OK) {
			h->expected[i] = expected[i];
			h->follows[i] = follows[i];
		} else if (expected[i] != h->expected[i]) {
			h->expected[i] = FAKE_UNKNOWN;
			h->follows[i] = false;
		}
	}
	enter(h, FAKE_RESTS);
	return rc;
}

static void
publish(struct fake_host *h)
{
	unsigned i = rnd_below(&h->rnd, FAKE_ZONES);
	const struct model_zone *z = &h->zones[i];
	struct secd_version v = {.size = sizeof(v), .apex = z->apex};
	const struct model_version *from;

	if (z->count == 0 || h->module->published == NULL) {
		return;
	}
	from = &z->versions[rnd_below(&h->rnd, (unsigned)z->count)];
	v.seq = from->seq;
	v.serial = from->serial;
	h->in_call = true;
	h->module->published(h->m, &v);
	h->in_call = false;
}

/*
 * Checks
 */

static void
check_newest(struct fake_host *h, unsigned i)
{
	const struct model_version *v =
	    model_find(&h->zones[i], h->expected[i]);
	struct secd_version out;
	int rc = ask_newest(h, i, &out);

	if (v == NULL || h->expected[i] == FAKE_UNKNOWN) {
		return;
	}
	if (rc != SECD_OK) {
		fake_wrong("newest: %d for a version that was committed", rc);
	}
	if (out.seq != v->seq || out.serial != v->serial) {
		fake_wrong("newest: seq %llu, serial %u, not %llu and %u",
			   (unsigned long long)out.seq, (unsigned)out.serial,
			   (unsigned long long)v->seq, (unsigned)v->serial);
	}
}

/* Is this serial that of one version only? */
static bool
is_unique(const struct model_zone *z, uint32_t serial)
{
	unsigned count = 0;

	for (size_t i = 0; i < z->count; i++) {
		count += z->versions[i].serial == serial;
	}
	/* Versions that the model forgot may have had it, too. */
	return count == 1 && z->count < MODEL_VERSIONS;
}

int
fake_host_since(struct fake_host *h, const struct model_zone *z,
		const struct model_version *from, uint64_t to_seq,
		struct buf *out)
{
	uint8_t *position = calloc(1, SECD_POSITION_LEN);
	uint8_t *buffer = malloc(SECD_CHUNK_MAX);
	struct secd_since s = {
	    .size = sizeof(s),
	    .from = from->serial,
	    .from_seq = is_unique(z, from->serial) ? 0 : from->seq,
	    .apex = z->apex,
	    .to_seq = to_seq,
	    .position = position,
	    .buffer = buffer,
	    .cap = SECD_CHUNK_MAX,
	};
	int rc, calls = 0;

	do {
		s.len = 0;
		rc = h->module->changes_since(h->m, &s);
		if (rc >= SECD_OK &&
		    (s.len > s.cap || buf_put(out, buffer, s.len) != SECD_OK)) {
			fake_wrong("changes_since: %zu octets", s.len);
		}
	} while (rc == SECD_MORE && ++calls < 100000);
	if (rc == SECD_MORE) {
		fake_wrong("changes_since: comes to no end");
	}
	free(position);
	free(buffer);
	return rc;
}

static void
check_since(struct fake_host *h, unsigned i)
{
	struct model_zone *z = &h->zones[i];
	const struct model_version *to = model_find(z, h->expected[i]), *from;
	struct model_version v;
	struct buf steps = {0};
	const char *wrong = NULL;
	unsigned back = 0, way = 1 + rnd_below(&h->rnd, 8);
	int rc;

	for (from = to; from != NULL && from->from_seq != 0 && back < way &&
			model_find(z, from->from_seq) != NULL;
	     back++) {
		from = model_find(z, from->from_seq);
	}
	if (back == 0) {
		return;
	}
	v = *from;
	rc = fake_host_since(h, z, from, to->seq, &steps);
	if (rc == SECD_OK) {
		wrong = model_apply(z, &v, steps.data, steps.len);
		if (wrong == NULL &&
		    (v.serial != to->serial ||
		     memcmp(v.values, to->values, sizeof(v.values)) != 0)) {
			wrong = "leads to something else";
		}
	} else if (rc != SECD_ENOTFOUND || (back == 1 && h->follows[i])) {
		wrong = "not found";
	}
	buf_fini(&steps);
	if (wrong != NULL) {
		fake_wrong("changes_since: %s (code %d, %u versions)", wrong,
			   rc, back);
	}
}

void
fake_host_check(struct fake_host *h)
{
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		if (h->module->newest != NULL && h->configured[i]) {
			check_newest(h, i);
		}
		if (h->module->changes_since != NULL && h->configured[i] &&
		    h->expected[i] != FAKE_UNKNOWN) {
			check_since(h, i);
		}
	}
}

/*
 * Events
 */

static void
answer(struct fake_host *h)
{
	struct fake_pending p = {SECD_EVENT_PROBE_DONE + rnd_below(&h->rnd, 3),
				 rnd_next(&h->rnd)};
	struct secd_probe_result probe = {
	    .size = sizeof(probe),
	    .outcome = 1 + rnd_below(&h->rnd, SECD_PROBE_FAILED),
	    .tsig_error = 16 + rnd_below(&h->rnd, 3),
	    .skew_ms = (int64_t)rnd_below(&h->rnd, 1200000) - 600000,
	};
	struct secd_placed placed = {.size = sizeof(placed), .text = "so"};
	struct secd_pinned pinned = {.size = sizeof(pinned), .text = "so"};
	struct secd_event e = {0};

	/* Most were asked for; some are of a life before. */
	if (h->pending_count > 0 && rnd_below(&h->rnd, 8) > 0) {
		size_t at = rnd_below(&h->rnd, (unsigned)h->pending_count);

		p = h->pending[at];
		h->pending[at] = h->pending[--h->pending_count];
	}
	probe.id = placed.id = pinned.id = p.id;
	placed.rc = pinned.rc = rnd_below(&h->rnd, 3) == 0 ? SECD_EIO : SECD_OK;
	e.probe = p.event == SECD_EVENT_PROBE_DONE ? &probe : NULL;
	e.placed = p.event == SECD_EVENT_PLACED ? &placed : NULL;
	e.pinned = p.event == SECD_EVENT_PINNED ? &pinned : NULL;
	fake_host_event(h, &e, p.event);
}

/* Somebody uses a key: one that was put, or another one. */
static void
use_key(struct fake_host *h)
{
	static const uint8_t name[] = {3, 'k', 'e', 'y', 0};
	static const uint32_t errors[] = {0, 16, 17, 18, 22};
	struct secd_key_used used = {
	    .size = sizeof(used),
	    .way = 1 + rnd_below(&h->rnd, 2),
	    .tsig_error = errors[rnd_below(&h->rnd, 5)],
	    .count = 1 + rnd_below(&h->rnd, 9),
	    .name = name,
	    .tag = rnd_below(&h->rnd, 3),
	    .peer = {.family = 4, .port = 53, .octets = {192, 0, 2, 9}},
	    .at_ms = h->now.wall_ms,
	};
	struct secd_event e = {.key_used = &used};
	struct fake_key key;

	if (h->keys.count > 0 && rnd_below(&h->rnd, 4) > 0) {
		key = h->keys.list[rnd_below(&h->rnd, (unsigned)h->keys.count)];
		used.name = key.name;
		used.tag = rnd_below(&h->rnd, 4) > 0 ? key.tag : 0;
		used.tsig_error = key.is_compared ? 16 : used.tsig_error;
	}
	used.peer.octets[3] = (uint8_t)(9 + rnd_below(&h->rnd, 3));
	fake_host_event(h, &e, SECD_EVENT_KEY_USED);
}

/* A zone comes or goes; what the module keeps of one that went is its
 * affair. */
static void
configure(struct fake_host *h)
{
	unsigned i = rnd_below(&h->rnd, FAKE_ZONES);

	h->configured[i] = !h->configured[i];
	h->expected[i] = FAKE_UNKNOWN;
	h->follows[i] = false;
	send_zone(h, i,
		  h->configured[i] ? SECD_EVENT_ZONE_ADDED
				   : SECD_EVENT_ZONE_REMOVED);
}

static void
some_event(struct fake_host *h)
{
	struct secd_event e = {0};

	switch (rnd_below(&h->rnd, 8)) {
	case 0:
		configure(h);
		break;
	case 1:
		fake_keys_forget(&h->keys);
		fake_host_event(h, &e, SECD_EVENT_RELOADED);
		break;
	case 2:
		fake_host_event(h, &e, 4711); /* of a later version */
		break;
	case 3:
	case 4:
		use_key(h);
		break;
	default:
		answer(h);
		break;
	}
}

/*
 * Commands and status
 */

void
fake_host_command(struct fake_host *h, uint32_t argc, const char *const *argv)
{
	struct fake_reply r = {0};
	struct secd_reply reply = fake_reply_to(&r);
	struct secd_command c = {.size = sizeof(c), .argc = argc, .argv = argv};
	int rc, calls = 0;

	if (h->module->command == NULL) {
		return;
	}
	c.position = calloc(1, SECD_POSITION_LEN);
	do {
		h->in_call = true;
		rc = h->module->command(h->m, &c, &reply);
		h->in_call = false;
		if (r.pause_ms > 0) {
			pass(h, r.pause_ms);
			answer(h);
			r.pause_ms = 0;
		}
		/* The operator may go away, others get their turn. */
	} while (rc == SECD_MORE && ++calls < 100000 &&
		 rnd_below(&h->rnd, 50) > 0);
	free(c.position);
	if (calls == 100000) {
		fake_wrong("command: comes to no end");
	}
	if (rc < SECD_OK && !r.failed) {
		fake_wrong("command: failed with %d without a sentence", rc);
	}
}

static void
some_command(struct fake_host *h)
{
	static const char *const words[] = {
	    "help", "list",   "show", "diff", "export", "verify",     "status",
	    "za.",  "x..y",   "",     "1..2", "-1",     "4294967296", "--all",
	    "pin",  "rotate", "p1",   "\x01", "revoke", "adopt",      "unpin",
	};
	const char *argv[4];
	uint32_t argc = rnd_below(&h->rnd, 5);

	for (uint32_t i = 0; i < argc; i++) {
		argv[i] =
		    words[rnd_below(&h->rnd, sizeof(words) / sizeof(words[0]))];
	}
	fake_host_command(h, argc, argv);
}

static void
some_status(struct fake_host *h)
{
	struct fake_reply r = {0};
	struct secd_reply reply = fake_reply_to(&r);

	if (h->module->status != NULL) {
		h->in_call = true;
		h->module->status(h->m, &reply);
		h->in_call = false;
	}
	if (r.failed) {
		fake_wrong("status: an error");
	}
}

void
fake_host_step(struct fake_host *h)
{
	static const int64_t waits[] = {0, 1, 100, 10000, DAY_MS, 30 * DAY_MS};
	unsigned kind = rnd_below(&h->rnd, 16);

	if (kind < 6) {
		fake_host_group(h, rnd_below(&h->rnd, 4));
	} else if (kind < 8) {
		publish(h);
	} else if (kind < 11) {
		some_event(h);
	} else if (kind < 13) {
		some_command(h);
	} else if (kind < 14) {
		some_status(h);
	} else {
		pass(h, waits[rnd_below(&h->rnd, 6)]);
	}
	if (rnd_below(&h->rnd, 2) == 0) {
		fake_host_tick(h);
	}
}
