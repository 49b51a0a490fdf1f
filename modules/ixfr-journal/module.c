/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ixfr-journal -- keeps every version of every zone: see secondaryd/module.h for
 * how a host calls it, and record.h for what is kept.
 *
 * Changes are taken in as they come. Everything else that writes is done from
 * tick, in turns of a few milliseconds: deleting what does not count any more,
 * reading bases, trimming one zone after the other.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/gate.h"
#include "ixfr-journal/base.h"
#include "ixfr-journal/catch_up.h"
#include "ixfr-journal/command.h"
#include "ixfr-journal/command_pin.h"
#include "ixfr-journal/db_look.h"
#include "ixfr-journal/history.h"
#include "ixfr-journal/journal.h"
#include "ixfr-journal/limits.h"
#include "ixfr-journal/retain.h"
#include "ixfr-journal/since.h"

/* How long to wait after trouble, and between rounds over all zones. */
#define RETRY_MS 1000
#define ROUND_MS 60000
/* There is nothing to be had from zones whose steps are smaller. */
#define LEVEL_MIN 65536

static void
journal_log(const struct journal *j, int level, const char *what,
	    const char *why)
{
	char text[SECD_REASON_LEN + 64];

	if (j->host->log != NULL) {
		snprintf(text, sizeof(text), "%s: %s", what, why);
		j->host->log(j->host->ctx, level, text);
	}
}

/*
 * Begin and end
 */

static bool
host_will_do(const struct secd_host *host, char *reason)
{
	const char *missing = NULL;

	if (host->abi_major != SECD_ABI_MAJOR) {
		snprintf(reason, SECD_REASON_LEN,
			 "%s speaks version %u of the module API, not %u",
			 host->name, host->abi_major, SECD_ABI_MAJOR);
		return false;
	}
	if (!SECD_HAS(host, walk_end) || host->state_dir == NULL) {
		missing = "keep files";
	} else if ((host->flags & SECD_HOST_READ_ONLY) == 0 &&
		   (host->walk_begin == NULL || host->walk_next == NULL ||
		    host->walk_end == NULL)) {
		missing = "walk over a zone";
	}
	if (missing != NULL) {
		snprintf(reason, SECD_REASON_LEN,
			 "ixfr-journal needs a host that can %s", missing);
	}
	return missing == NULL;
}

static void
journal_close(void *m)
{
	struct journal *j = m;

	history_abort(&j->history);
	command_close(j);
	bases_fini(&j->bases);
	losses_fini(&j->losses);
	db_close(&j->db);
	pthread_rwlock_destroy(&j->opening);
	limits_free(j->limits);
	free(j->pin.text);
	free(j);
}

static int
journal_open(const struct secd_host *host, const struct secd_options *options,
	     void **m, char *reason)
{
	struct journal *j;
	int rc;

	if (!host_will_do(host, reason)) {
		return SECD_ENOTSUP;
	}
	j = calloc(1, sizeof(*j));
	if (j == NULL) {
		snprintf(reason, SECD_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	gate_init(&j->opening);
	j->host = host;
	j->history.db = j->bases.db = &j->db;
	j->bases.host = host;
	rc = limits_new(options, &j->limits, reason);
	if (rc == SECD_OK) {
		rc = db_open(&j->db, host->state_dir,
			     (host->flags & SECD_HOST_READ_ONLY) != 0,
			     limits_file_octets(j->limits), reason);
	}
	if (rc != SECD_OK) {
		journal_close(j);
		return rc;
	}
	if (db_look_warns(&j->db, reason)) {
		journal_log(j, SECD_WARNING, "read without a lock", reason);
	}
	*m = j;
	return SECD_OK;
}

/*
 * Changes
 */

/* Trouble is told once, and when it is over. */
static void
note_trouble(struct journal *j, struct trouble *t, int rc, const char *why)
{
	t->count++;
	if (t->rc == SECD_OK) {
		journal_log(j, SECD_ERROR,
			    t == &j->changes ? "changes are not kept"
					     : "the journal is not trimmed",
			    why);
	}
	t->rc = rc;
	snprintf(t->why, sizeof(t->why), "%s", why);
}

static void
note_success(struct journal *j, struct trouble *t)
{
	if (t->rc != SECD_OK) {
		journal_log(j, SECD_NOTICE, "all is well again",
			    t == &j->changes ? "changes are kept"
					     : "the journal is trimmed");
		t->rc = SECD_OK;
	}
}

/* What was lost is forgotten once something newer is kept. */
static void
look_for_success(struct journal *j)
{
	if (j->db.suspect == SECD_OK && !catch_up_is_behind(j)) {
		note_success(j, &j->changes);
	}
}

/* Trim at once. */
static void
want_room(struct journal *j)
{
	j->round.is_needed = true;
	j->round.next_ms = j->now_ms;
}

/* Before the next change does not fit. */
static void
look_at_room(struct journal *j)
{
	struct round *r = &j->round;
	int64_t next_ms = j->now_ms + (r->level != 0 ? RETRY_MS : 0);

	if (j->history.room < j->db.reserve / 2 && next_ms < r->next_ms) {
		r->next_ms = next_ms;
	}
}

int
journal_change(void *m, const struct secd_change *c)
{
	struct journal *j = m;
	uint64_t before = c->from_seq != 0 ? c->from_seq : c->seq - 1;
	uint64_t counts_to = losses_counts_to(&j->losses, c->apex);
	char reason[SECD_REASON_LEN];
	bool wants_base = false;
	int rc = history_change(&j->history, c, counts_to, &wants_base, reason);

	if (rc == SECD_OK) {
		/* What a new segment begins with is not what was walked. */
		bases_undo(&j->bases, c->apex,
			   before < counts_to ? before - wants_base
					      : counts_to);
	}
	if (rc == SECD_OK && wants_base) {
		rc = bases_want(&j->bases, c->apex, 1);
	}
	if (rc != SECD_OK) {
		note_trouble(j, &j->changes, rc,
			     reason[0] != '\0' ? reason : secd_strerror(rc));
	}
	if (rc == SECD_ENOSPC) {
		want_room(j);
	} else if (rc == SECD_OK) {
		look_at_room(j);
	}
	losses_change(&j->losses, c->apex, c->seq, before, rc == SECD_OK);
	return rc;
}

int
journal_commit(void *m)
{
	struct journal *j = m;
	int rc = history_commit(&j->history);

	losses_commit(&j->losses, rc == SECD_OK);
	if (rc != SECD_OK) {
		note_trouble(j, &j->changes, rc, secd_strerror(rc));
	} else {
		look_for_success(j);
	}
	return rc;
}

/*
 * What is done in turns
 */

/* All that may go is gone, and that is not enough. */
static void
note_stuck(struct journal *j, uint64_t room)
{
	uint64_t usable = j->db.max_octets - j->db.reserve;
	char text[SECD_REASON_LEN];

	j->round.is_stuck = true;
	snprintf(text, sizeof(text),
		 "no space left: of %" PRIu64 " octets that are usable %" PRIu64
		 " are in use by what must stay (bases, keep-steps, what is "
		 "pinned): raise max-size, or lower keep-steps",
		 usable, usable - room);
	note_trouble(j, &j->upkeep, SECD_ENOSPC, text);
}

/* At its end: is another round due at once, with less for the largest? */
static void
end_round(struct journal *j, const struct secd_time *now)
{
	struct round *r = &j->round;
	uint64_t room = 0, wanted = j->db.reserve;

	r->is_on = r->is_stuck = false;
	r->next_ms = now->boot_ms + ROUND_MS;
	if (db_room(&j->db, &room) != SECD_OK || room >= wanted) {
		r->level = 0;
		r->is_needed = false;
	} else if (r->level == 0) {
		r->level = r->largest - r->largest / 8 + 1;
		r->next_ms = now->boot_ms;
	} else if (j->bases.wishes != NULL && j->base_rc == SECD_OK) {
		r->next_ms = now->boot_ms + RETRY_MS; /* they give room */
	} else if (r->largest >= LEVEL_MIN && r->level >= LEVEL_MIN) {
		r->level -= r->level / 8;
		r->next_ms = now->boot_ms;
	} else if (r->is_needed) {
		note_stuck(j, room);
	}
	r->largest = 0;
	db_check_readers(&j->db);
}

/* There is no room for another base, or, while a change did not fit, the host
 * does not have that version any more: what is kept can only be trimmed without
 * one. */
static bool
is_hard(const struct journal *j)
{
	return j->round.level != 0 &&
	       (j->base_rc == SECD_ENOSPC ||
		(j->round.is_needed && j->base_rc != SECD_OK));
}

static int
trim_zone(struct journal *j, const struct secd_time *now)
{
	struct zone_limits limits = *limits_of_zone(j->limits, j->round.apex);
	struct retained found;
	struct round *r = &j->round;
	int rc;

	if (r->level != 0 && (limits.octets == 0 || limits.octets > r->level)) {
		limits.octets = r->level;
	}
	rc = retain_zone(&j->db, r->apex, &limits, is_hard(j), now->wall_ms,
			 &found);
	r->is_again = rc == SECD_MORE;
	if (rc != SECD_OK && rc != SECD_MORE) {
		return rc;
	}
	if (found.octets > r->largest) {
		r->largest = found.octets;
	}
	/* Wishes are looked for again in the next round. */
	if (found.wants_base != 0 && j->bases.wishes == NULL) {
		return bases_want(&j->bases, r->apex, found.wants_base);
	}
	return SECD_OK;
}

/* One turn of the round. SECD_OK: it is at its end. */
static int
trim_next(struct journal *j, const struct secd_time *now)
{
	struct round *r = &j->round;
	int rc = SECD_OK;

	if (!r->is_again) {
		rc = db_zone_after(&j->db, r->is_on ? r->apex : NULL, r->apex);
		r->is_on = rc == SECD_OK;
	}
	if (rc == SECD_ENOTFOUND) {
		end_round(j, now);
		return SECD_OK;
	}
	if (rc == SECD_OK) {
		rc = trim_zone(j, now);
	}
	/* A zone that is damaged does not keep the others waiting. */
	return rc == SECD_OK || rc == SECD_ENOTFOUND || rc == SECD_EMALF
		   ? SECD_MORE
		   : rc;
}

/* What is wished for, when it is time; others do not wait for it. */
static int
read_bases(struct journal *j, const struct secd_time *now)
{
	int rc;

	if (now->boot_ms < j->next_base_ms) {
		return SECD_OK;
	}
	rc = bases_go_on(&j->bases);
	if (rc == SECD_OK || rc == SECD_MORE) {
		if (j->bases.wishes == NULL) {
			j->base_rc = SECD_OK;
		}
		return rc;
	}
	j->next_base_ms = now->boot_ms + RETRY_MS;
	if (rc == SECD_ENOSPC && j->base_rc != rc) {
		want_room(j); /* that may help: see end_round */
	}
	j->base_rc = rc;
	if (rc != SECD_EBUSY && rc != SECD_ENOSPC) {
		note_trouble(j, &j->upkeep, rc, secd_strerror(rc));
	}
	return SECD_OK;
}

/* After a commit that failed. Not at once again when that was of no use. */
static void
open_anew(struct journal *j, const struct secd_time *now)
{
	char reason[SECD_REASON_LEN];
	int rc;

	j->next_open_ms = now->boot_ms + RETRY_MS;
	pthread_rwlock_wrlock(&j->opening);
	rc = db_reopen(&j->db, reason);
	pthread_rwlock_unlock(&j->opening);
	if (rc != SECD_OK) {
		note_trouble(j, &j->changes, rc, reason);
	}
}

/* One turn of whatever is to be done first. */
static int
do_turn(struct journal *j, const struct secd_time *now)
{
	int rc = catch_up_go_on(j, now);

	look_for_success(j);
	if (rc != SECD_OK) {
		return rc;
	}
	/* What is walked is rubbish until it is whole: see bases. */
	if (j->bases.walk == NULL) {
		rc = retain_purge(&j->db);
	}
	if (rc == SECD_OK) {
		rc = read_bases(j, now);
	}
	if (rc == SECD_OK &&
	    (j->round.is_on || now->boot_ms >= j->round.next_ms)) {
		rc = trim_next(j, now);
		if (rc == SECD_OK && !j->round.is_stuck &&
		    j->next_base_ms <= now->boot_ms) {
			note_success(j, &j->upkeep);
		}
	}
	return rc;
}

static int64_t
next_due(const struct journal *j)
{
	int64_t next = j->round.next_ms, heal = catch_up_due(j);

	if (j->bases.wishes != NULL && j->next_base_ms < next) {
		next = j->next_base_ms;
	}
	return heal < next ? heal : next;
}

static int64_t
journal_tick(void *m, const struct secd_time *now)
{
	struct journal *j = m;
	int rc;

	if ((j->host->flags & SECD_HOST_READ_ONLY) != 0) {
		return SECD_NEVER;
	}
	j->now_ms = now->boot_ms;
	history_abort(&j->history); /* of a host that never committed */
	command_tick(j);
	if (j->db.suspect != SECD_OK && now->boot_ms >= j->next_open_ms) {
		open_anew(j, now);
	}
	if (j->db.suspect != SECD_OK) {
		return j->next_open_ms;
	}
	rc = do_turn(j, now);
	if (rc == SECD_MORE) {
		return now->boot_ms;
	}
	if (rc != SECD_OK) {
		note_trouble(j, &j->upkeep, rc, secd_strerror(rc));
		return now->boot_ms + RETRY_MS;
	}
	return next_due(j);
}

static void
journal_event(void *m, const struct secd_event *e)
{
	struct journal *j = m;
	struct segment g;

	if (e->type == SECD_EVENT_PINNED && e->pinned != NULL) {
		command_pinned(j, e->pinned);
	}
	if (e->type == SECD_EVENT_ZONE_REMOVED && e->zone != NULL) {
		losses_forget(&j->losses, e->zone->apex);
	}
	if (e->type != SECD_EVENT_ZONE_ADDED || e->zone == NULL) {
		return;
	}
	command_zone_added(j, e->zone);
	if ((e->zone->flags & SECD_ZONE_HELD) != 0) {
		catch_up_note(j, e->zone->apex, e->zone->seq, e->zone->serial);
	}
	/* The host may have ended before the base was read. */
	if (db_newest_segment(&j->db, e->zone->apex, &g) == SECD_OK &&
	    g.base.seq == 0 &&
	    bases_want(&j->bases, e->zone->apex, 1) != SECD_OK) {
		note_trouble(j, &j->upkeep, SECD_ENOMEM,
			     secd_strerror(SECD_ENOMEM));
	}
}

static void
journal_published(void *m, const struct secd_version *v)
{
	catch_up_note(m, v->apex, v->seq, v->serial);
}

static int
journal_newest(void *m, const uint8_t *apex, struct secd_version *out)
{
	struct journal *j = m;
	struct segment g;
	int rc = db_newest_segment(&j->db, apex, &g);

	if (rc != SECD_OK) {
		return rc;
	}
	out->apex = apex;
	out->seq = g.newest;
	out->serial = g.newest_serial;
	out->digest = NULL;
	if (g.base.seq != 0) {
		digest_add(&g.base.origin, &g.at_newest.delta);
		digest_write(&g.base.origin, j->newest_digest);
		out->digest = j->newest_digest;
	}
	return SECD_OK;
}

static int
journal_changes_since(void *m, struct secd_since *s)
{
	struct journal *j = m;
	int rc;

	pthread_rwlock_rdlock(&j->opening);
	rc = since_read(&j->db, s);
	pthread_rwlock_unlock(&j->opening);
	return rc;
}

static int
journal_check(const struct secd_options *options, char *reason)
{
	struct limits *l;
	int rc = limits_new(options, &l, reason);

	if (rc == SECD_OK) {
		limits_free(l);
	}
	return rc;
}

const struct secd_module secd_module = {
    .size = sizeof(struct secd_module),
    .abi_major = SECD_ABI_MAJOR,
    .abi_minor = SECD_ABI_MINOR,
    .name = "ixfr-journal",
    .version = "1",
    .word = "journal",
    .open = journal_open,
    .close = journal_close,
    .tick = journal_tick,
    .change = journal_change,
    .commit = journal_commit,
    .published = journal_published,
    .event = journal_event,
    .command = command_run,
    .status = command_status,
    .newest = journal_newest,
    .changes_since = journal_changes_since,
    .check = journal_check,
};
