/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of signatures, told to the modules whose keys these were: at once
 * when there was nothing for a second, else all of a second together.
 */

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "server/evidence.h"
#include "server/modules_internal.h"

#define INTERVAL_MS     1000 /* secondaryd/module.h */
#define LOG_INTERVAL_MS 60000

int
modules_evidence_init(struct modules *m)
{
	m->evidence.told_ms = m->evidence.logged_ms = INT64_MIN / 2;
	return evidence_new(&m->frontend->evidence);
}

void
modules_evidence_fini(struct modules *m)
{
	evidence_free(m->frontend->evidence);
	m->frontend->evidence = NULL;
}

static void
on_letter(struct letter *letter)
{
	struct modules *m =
	    container_of(letter, struct modules, evidence.letter);

	evidence_expect(m->frontend->evidence);
	m->evidence.is_there = true;
}

/* On whatever thread adds something. */
static void
on_wake(void *arg)
{
	struct modules *m = arg;

	m->evidence.letter.run = on_letter;
	commit_call(m->commit, &m->evidence.letter);
}

void
modules_evidence_attach(struct modules *m)
{
	evidence_set_wake(m->frontend->evidence, on_wake, m);
}

void
modules_evidence_detach(struct modules *m)
{
	evidence_set_wake(m->frontend->evidence, NULL, NULL);
}

static struct module_instance *
find_owner(struct modules *m, const uint8_t *name)
{
	const char *id =
	    keys_module(m->config, keys_ring(&m->frontend->keys), name);

	for (size_t n = 0; id != NULL && n < m->count; n++) {
		if (strcmp(m->list[n].id, id) == 0) {
			return &m->list[n];
		}
	}
	return NULL;
}

static void
tell_one(struct module_instance *i, const struct secd_key_used *used)
{
	const struct secd_event e = {
	    .size = sizeof(e),
	    .type = SECD_EVENT_KEY_USED,
	    .key_used = used,
	};

	if (i != NULL && i->self != NULL && i->files.code->event != NULL) {
		i->is_touched = true;
		i->files.code->event(i->self, &e);
	}
}

static void
note_left_out(struct modules *m, uint64_t count, int64_t now_ms)
{
	struct module_evidence *e = &m->evidence;

	e->left_out += count;
	if (count > 0 && now_ms - e->logged_ms >= LOG_INTERVAL_MS) {
		e->logged_ms = now_ms;
		log_warning("modules: %" PRIu64 " requests under their keys, "
			    "of too many peers, were not told",
			    e->left_out);
	}
}

static void
tell_all(struct modules *m, int64_t now_ms)
{
	uint64_t left_out;
	struct evidence_item *all =
	    evidence_take(m->frontend->evidence, &left_out);

	modules_flush(m);
	for (struct evidence_item *item = all; item != NULL;
	     item = item->next) {
		tell_one(find_owner(m, item->name), &item->used);
	}
	evidence_items_free(all);
	note_left_out(m, left_out, now_ms);
}

int64_t
modules_evidence_turn(struct modules *m, int64_t now_ms)
{
	struct module_evidence *e = &m->evidence;

	if (!e->is_there) {
		return INT64_MAX;
	}
	if (now_ms - e->told_ms < INTERVAL_MS) {
		return e->told_ms + INTERVAL_MS;
	}
	e->is_there = false;
	e->told_ms = now_ms;
	tell_all(m, now_ms);
	return INT64_MAX;
}
