/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tsig-rotate/drive.h"

#define RETRY_MS     5000
#define RETRY_MAX_MS 900000
#define LOST_MS      60000 /* behind its time limit: the host forgot it */

/* Which of its places a pair calls this one; -1: none. */
static int
place_of(const struct rotate_pair *p, size_t place)
{
	for (unsigned i = 0; i < p->config.places; i++) {
		if (p->options->places[i] == place) {
			return (int)i;
		}
	}
	return -1;
}

static bool
is_due(const struct rotate *r, size_t place)
{
	for (size_t i = 0; i < r->pair_count; i++) {
		int local = place_of(&r->pairs[i], place);

		if (local >= 0 && machine_place_is_due(&r->pairs[i].machine,
						       (unsigned)local)) {
			return true;
		}
	}
	return false;
}

/* Does every pair have what it is to hand out, and on disk? */
static bool
can_begin(const struct rotate *r, size_t place, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < r->pair_count; i++) {
		const struct rotate_pair *p = &r->pairs[i];

		if (place_of(p, place) < 0) {
			continue;
		}
		for (unsigned s = 0; s < SLOT_COUNT; s++) {
			if (p->machine.is_dirty ||
			    !pair_has_secret(&p->secrets->pair.slots[s])) {
				return false;
			}
			(*count)++;
		}
	}
	return true;
}

static void
fill(const struct rotate *r, size_t place, struct secd_key *keys,
     const struct secd_key **list)
{
	size_t n = 0;

	for (size_t i = 0; i < r->pair_count; i++) {
		const struct rotate_pair *p = &r->pairs[i];

		for (unsigned s = 0; s < SLOT_COUNT && place_of(p, place) >= 0;
		     s++) {
			const struct slot *slot = &p->secrets->pair.slots[s];

			keys[n] = (struct secd_key){
			    .size = sizeof(keys[n]),
			    /* What was revoked does not wait. */
			    .flags = slot->state == SLOT_REVOKED &&
					     slot->phase == SLOT_REMOVING
					 ? SECD_KEY_CUT
					 : 0,
			    .name = p->config.names[s],
			    .algorithm = "hmac-sha256",
			    .secret = slot->secret,
			    .secret_len = PAIR_SECRET_LEN,
			    .tag = n + 1,
			};
			list[n] = &keys[n];
			n++;
		}
	}
}

static void
begin(struct rotate *r, size_t place)
{
	for (size_t i = 0; i < r->pair_count; i++) {
		int local = place_of(&r->pairs[i], place);

		if (local >= 0) {
			machine_place_begin(&r->pairs[i].machine,
					    (unsigned)local);
		}
	}
}

static int
order(struct rotate *r, size_t place, size_t count)
{
	struct rotate_place *l = &r->places[place];
	struct secd_key *keys = calloc(count, sizeof(keys[0]));
	const struct secd_key **list = calloc(count, sizeof(const void *));
	struct secd_placement placement = {
	    .size = sizeof(placement),
	    .timeout_ms = l->options->timeout_ms,
	    .id = ++r->last_id,
	    .adapter = l->options->adapter,
	    .settings = l->options->settings,
	    .setting_count = l->options->setting_count,
	    .keys = list,
	    .key_count = count,
	};
	int rc = SECD_ENOMEM;

	if (keys != NULL && list != NULL) {
		fill(r, place, keys, list);
		rc = r->host->place(r->host->ctx, &placement);
	}
	if (rc == SECD_OK) {
		l->id = placement.id;
		begin(r, place);
	}
	free(list);
	free(keys);
	return rc;
}

static void
note(struct rotate *r, struct rotate_place *l, const struct secd_time *now,
     int32_t rc, const char *text)
{
	if (rc == SECD_OK) {
		l->wait_ms = 0;
		l->next_ms = 0;
	} else {
		l->wait_ms = l->wait_ms == 0 ? RETRY_MS : l->wait_ms * 2;
		if (l->wait_ms > RETRY_MAX_MS) {
			l->wait_ms = RETRY_MAX_MS;
		}
		l->next_ms = now->boot_ms + l->wait_ms;
	}
	rotate_log(r, rc == SECD_OK ? SECD_INFO : SECD_WARNING, "place %s: %s",
		   l->options->id, text);
	l->rc = rc;
	snprintf(l->text, sizeof(l->text), "%s", text);
}

static void
finish(struct rotate *r, size_t place, const struct secd_time *now, int32_t rc)
{
	r->places[place].id = 0;
	for (size_t i = 0; i < r->pair_count; i++) {
		struct rotate_pair *p = &r->pairs[i];
		int local = place_of(p, place);

		if (local >= 0) {
			machine_placed(&p->machine, now, (unsigned)local, rc);
			drive_run(p, now);
		}
	}
}

static void
look_at(struct rotate *r, size_t place, const struct secd_time *now)
{
	struct rotate_place *l = &r->places[place];
	size_t count;
	int rc;

	if (l->id != 0 && now->boot_ms - l->asked_ms >=
			      (int64_t)l->options->timeout_ms + LOST_MS) {
		note(r, l, now, SECD_ETIMEOUT, "the host does not answer");
		finish(r, place, now, SECD_ETIMEOUT);
	}
	if (l->id != 0 || now->boot_ms < l->next_ms || !is_due(r, place) ||
	    !can_begin(r, place, &count)) {
		return;
	}
	rc = order(r, place, count);
	l->asked_ms = now->boot_ms;
	if (rc != SECD_OK) {
		note(r, l, now, rc, secd_strerror(rc));
	}
}

int64_t
places_run(struct rotate *r, const struct secd_time *now)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < r->place_count; i++) {
		struct rotate_place *l = &r->places[i];
		int64_t at;

		look_at(r, i, now);
		at = l->id != 0 ? l->asked_ms +
				      (int64_t)l->options->timeout_ms + LOST_MS
				: l->next_ms;
		if (at > now->boot_ms && at < due) {
			due = at;
		}
	}
	return due;
}

void
places_done(struct rotate *r, const struct secd_time *now,
	    const struct secd_placed *placed)
{
	for (size_t i = 0; i < r->place_count; i++) {
		struct rotate_place *l = &r->places[i];

		if (l->id == 0 || l->id != placed->id) {
			continue;
		}
		l->needs_restart = placed->needs_restart != 0;
		note(r, l, now, placed->rc,
		     placed->text != NULL ? placed->text : "");
		finish(r, i, now, placed->rc);
		return;
	}
}
