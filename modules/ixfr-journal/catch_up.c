/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/catch_up.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "ixfr-journal/verify.h"

#define RETRY_MS 1000
/* Looked at in one turn: some milliseconds. */
#define ZONES_MAX  256
#define HEALED_MAX 32

void
catch_up_note(struct journal *j, const uint8_t *apex, uint64_t seq,
	      uint32_t serial)
{
	struct segment g;
	int rc = db_newest_segment(&j->db, apex, &g);

	if (rc == SECD_ENOTFOUND || rc == SECD_EMALF ||
	    (rc == SECD_OK &&
	     (g.newest < seq ||
	      (g.newest == seq && g.newest_serial != serial)))) {
		losses_behind(&j->losses, apex, seq);
	}
}

static void
tell(const struct journal *j, unsigned count)
{
	char text[80];

	if (j->host->log != NULL) {
		snprintf(text, sizeof(text),
			 "the history of %u zone%s begins anew", count,
			 count == 1 ? "" : "s");
		j->host->log(j->host->ctx, SECD_NOTICE, text);
	}
}

static int
begin_anew(struct journal *j, const struct secd_zone *z, int64_t wall_ms)
{
	const struct secd_change c = {
	    .size = sizeof(c),
	    .source = SECD_SOURCE_STORAGE,
	    .to = z->serial,
	    .apex = z->apex,
	    .seq = z->seq,
	    .at_ms = wall_ms,
	    .primary_id = "",
	};

	return journal_change(j, &c);
}

/* Is the host's version kept, and whole? That a commit failed does not mean
 * that nothing was. `z` becomes the one that is. */
static int
find_kept(struct journal *j, struct secd_zone *z, bool *is_kept)
{
	uint32_t serial;
	uint64_t seq;
	int rc = verify_newest(&j->db, z->apex, &seq, &serial);

	*is_kept = rc == SECD_OK && seq >= z->seq &&
		   seq <= losses_counts_to(&j->losses, z->apex) &&
		   (seq > z->seq || serial == z->serial);
	if (*is_kept) {
		z->seq = seq;
	}
	return rc == SECD_ENOTFOUND || rc == SECD_EMALF ? SECD_OK : rc;
}

/*
 * One zone that is lost.
 *
 * has_begun  receives whether its history did, anew
 * Returns    false: that was of no use
 */
static bool
heal_zone(struct journal *j, const uint8_t *apex, int64_t wall_ms,
	  bool *has_begun)
{
	const struct secd_host *host = j->host;
	struct secd_zone z = {.size = sizeof(z)};
	uint8_t name[NAME_LEN_MAX];
	bool is_kept;
	uint64_t room;
	int rc;

	memcpy(name, apex, name_len(apex));
	rc = host->zone_get(host->ctx, name, &z);
	if (rc == SECD_ENOTFOUND) {
		losses_forget(&j->losses, name);
		return true;
	}
	z.apex = name;
	if (rc != SECD_OK || find_kept(j, &z, &is_kept) != SECD_OK ||
	    db_room(&j->db, &room) != SECD_OK) {
		return false;
	}
	if (is_kept) {
		/* Or what is wanted is not durable with the host yet. */
		return losses_kept(&j->losses, name, z.seq);
	}
	*has_begun =
	    z.seq != 0 && room > 0 && begin_anew(j, &z, wall_ms) == SECD_OK;
	return *has_begun;
}

/* Some zones that are lost, in one commit. Returns false when it is better to
 * wait now. */
static bool
heal(struct journal *j, int64_t wall_ms)
{
	const uint8_t *apex;
	unsigned begun = 0;
	bool is_well = true;

	for (unsigned i = 0; i < HEALED_MAX && is_well &&
			     (apex = losses_next(&j->losses)) != NULL;
	     i++) {
		bool has_begun = false;

		is_well = heal_zone(j, apex, wall_ms, &has_begun);
		begun += has_begun;
	}
	if (begun == 0) {
		history_abort(&j->history);
		return is_well;
	}
	if (journal_commit(j) != SECD_OK) {
		return false;
	}
	tell(j, begun);
	return is_well;
}

/* Some of all zones: there may be more lost ones than there was room for.
 * Returns false when the host does not say. */
static bool
look_at_some(struct journal *j)
{
	const struct secd_host *host = j->host;
	struct all_zones *all = &j->all_zones;
	const uint8_t *before = all->is_on ? all->apex : NULL;

	if (!all->is_on) {
		all->is_on = true;
		j->losses.has_others = false;
	}
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		struct secd_zone z = {.size = sizeof(z)};
		int rc = host->zone_next(host->ctx, before, &z);

		if (rc != SECD_OK) {
			all->is_on = false;
			j->losses.has_others |= rc != SECD_ENOTFOUND;
			return rc == SECD_ENOTFOUND;
		}
		memcpy(all->apex, z.apex, name_len(z.apex));
		before = all->apex;
		catch_up_note(j, all->apex, z.seq, z.serial);
	}
	return true;
}

bool
catch_up_is_behind(const struct journal *j)
{
	return losses_any(&j->losses) || j->all_zones.is_on;
}

static bool
is_needed(const struct journal *j)
{
	return j->host->zone_get != NULL && j->host->zone_next != NULL &&
	       catch_up_is_behind(j);
}

int
catch_up_go_on(struct journal *j, const struct secd_time *now)
{
	bool is_well;

	if (!is_needed(j) || now->boot_ms < j->next_heal_ms) {
		return SECD_OK;
	}
	is_well = losses_next(&j->losses) != NULL ? heal(j, now->wall_ms)
						  : look_at_some(j);
	if (!is_well) {
		j->next_heal_ms = now->boot_ms + RETRY_MS;
	}
	return SECD_MORE;
}

int64_t
catch_up_due(const struct journal *j)
{
	return is_needed(j) ? j->next_heal_ms : SECD_NEVER;
}
