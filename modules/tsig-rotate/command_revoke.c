/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * revoke -- what leaked is refused from now on, and the operator hears what is
 * left to be done.
 */

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/module_address.h"
#include "tsig-rotate/alarm.h"
#include "tsig-rotate/command.h"
#include "tsig-rotate/derive.h"
#include "tsig-rotate/drive.h"
#include "tsig-rotate/places.h"

#define ZONES_PER_CALL 1000
#define WAIT_MS        100
#define WAITS          30 /* for this node's own answer */

enum phase {
	PHASE_BEGIN,
	PHASE_ZONES,
	PHASE_SELF,
};

struct position {
	uint8_t phase;
	uint8_t waits;
	uint8_t slots; /* that were revoked */
	uint8_t has_apex;
	uint8_t apex[NAME_LEN_MAX];
};

_Static_assert(sizeof(struct position) <= SECD_POSITION_LEN, "it fits");

/*
 * The revocation
 */

/* The slots that are meant; 0: none of that name. */
static unsigned
slots_of(const struct command *c, bool *is_root)
{
	const char *slot = command_option(c, "--slot");

	*is_root = false;
	for (uint32_t i = 2; i < c->c->argc; i++) {
		*is_root |= strcmp(c->c->argv[i], "--root") == 0;
	}
	if (slot == NULL) {
		return 3;
	}
	if (*is_root) {
		return 0;
	}
	return strcmp(slot, "a") == 0 ? 1 : strcmp(slot, "b") == 0 ? 2 : 0;
}

static int
say_why_not(const struct command *c, int rc)
{
	switch (rc) {
	case SECD_ENOTFOUND:
		return command_fail(c, rc, "nothing is in that slot of pair %s",
				    c->pair->file.id);
	case SECD_EAGAIN:
		return command_fail(c, rc,
				    "there are no random octets: "
				    "nothing was revoked");
	default:
		return command_fail(c, rc, "pair %s: %s: nothing was revoked",
				    c->pair->file.id, secd_strerror(rc));
	}
}

static void
say_what(const struct command *c, unsigned slots)
{
	const struct rotate_pair *p = c->pair;
	char text[NAME_TEXT_MAX];

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		if ((slots & 1u << s) != 0) {
			command_line(c, "%s: refused here from now on",
				     name_to_text(p->config.names[s], text));
		}
	}
	if (p->machine.cannot_cut) {
		command_line(c, "transfers that run under it go on: the host "
				"cannot end them");
	}
}

static void
say_who(const struct command *c, unsigned slots, bool is_root)
{
	const struct rotate_pair *p = c->pair;
	const char *what = is_root      ? " --root"
			   : slots == 1 ? " --slot a"
			   : slots == 2 ? " --slot b"
					: "";
	char text[MODULE_ADDRESS_TEXT_MAX];

	for (unsigned i = 0; i < p->config.peers; i++) {
		module_address_text(&p->options->probes[i], text);
		if (p->config.has_module) {
			command_line(c,
				     "%s: run \"key revoke %s%s\" there, too; "
				     "else it goes on to accept it%s",
				     text, p->file.id, what,
				     is_root ? ""
					     : " until it hears of the new "
					       "key");
		} else if (p->config.places == 0) {
			command_line(c,
				     "%s: take it out there by hand; \"key "
				     "export %s\" writes what belongs there",
				     text, p->file.id);
		}
	}
	for (unsigned i = 0; i < p->config.places; i++) {
		command_line(
		    c, "place %s: it is being taken out",
		    c->rotate->places[p->options->places[i]].options->id);
	}
	if (is_root) {
		command_line(c,
			     "no key follows from the old root any more: put a "
			     "new one into %.200s%s, then \"key adopt %s\"",
			     p->options->root_file,
			     p->config.has_module ? ", at both nodes" : "",
			     p->file.id);
	}
}

static unsigned
live_slots(const struct pair *p)
{
	unsigned slots = 0;

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		slots |= pair_is_live(&p->slots[s]) ? 1u << s : 0;
	}
	return slots;
}

static int
begin(struct command *c, struct position *at)
{
	struct rotate_pair *p = c->pair;
	bool is_root;
	unsigned slots = slots_of(c, &is_root);
	unsigned live = live_slots(&p->secrets->pair);
	uint8_t check[PAIR_CHECK_LEN];
	int rc;

	if (slots == 0) {
		return command_fail(c, SECD_EINVAL,
				    "it is: --slot a, --slot b or --root");
	}
	if (is_root && (!p->config.is_derived ||
			!derive_root_check(p->secrets->root, check))) {
		return command_fail(c, SECD_ENOTSUP,
				    "pair %s has no root: its secrets are "
				    "random",
				    p->file.id);
	}
	rc = machine_revoke(&p->machine, &c->now, slots, is_root);
	if (rc != SECD_OK) {
		return say_why_not(c, rc);
	}
	if (is_root) {
		memcpy(p->secrets->pair.root_check, check, sizeof(check));
	}
	drive_run(p, &c->now);
	if (p->machine.save_rc != SECD_OK) {
		return command_fail(c, p->machine.save_rc,
				    "nothing was revoked: %s", p->save_reason);
	}
	if (p->machine.to_cut != 0) {
		return command_fail(c, p->machine.put_rc,
				    "it is revoked, but the host did not take "
				    "that yet: %s",
				    secd_strerror(p->machine.put_rc));
	}
	places_run(c->rotate, &c->now);
	at->slots = (uint8_t)(slots & live);
	at->phase = PHASE_ZONES;
	say_what(c, at->slots);
	say_who(c, slots, is_root);
	return SECD_MORE;
}

/*
 * What it means for zones
 */

static bool
has_key(const struct rotate_pair *p, const struct secd_zone *z)
{
	for (size_t i = 0; z->keys != NULL && i < z->key_count; i++) {
		for (unsigned s = 0; s < SLOT_COUNT; s++) {
			if (name_equal(z->keys[i], p->config.names[s])) {
				return true;
			}
		}
	}
	return false;
}

static void
say_zone(const struct command *c, const struct secd_zone *z)
{
	char zone[NAME_TEXT_MAX], span[32] = "";
	int active = pair_find(&c->pair->secrets->pair, SLOT_ACTIVE);

	name_to_text(z->apex, zone);
	if (active >= 0) {
		command_line(c, "zone %s: goes on with slot %c", zone,
			     active == SLOT_A ? 'a' : 'b');
		return;
	}
	if (z->expires_at_ms != 0) {
		alarm_span_text(z->expires_at_ms - c->now.wall_ms, span);
	}
	command_line(c,
		     "zone %s: no transfers until a new key is confirmed%s%s",
		     zone, span[0] != '\0' ? "; it expires in " : "", span);
}

static int
list_zones(struct command *c, struct position *at)
{
	const struct secd_host *host = c->rotate->host;
	struct secd_zone z = {.size = sizeof(z)};

	at->phase = PHASE_SELF;
	if (host->zone_next == NULL || !c->rotate->is_ready) {
		return SECD_MORE;
	}
	for (unsigned i = 0; i < ZONES_PER_CALL; i++) {
		z.size = sizeof(z);
		if (host->zone_next(host->ctx, at->has_apex ? at->apex : NULL,
				    &z) != SECD_OK) {
			return SECD_MORE;
		}
		memcpy(at->apex, z.apex, name_len(z.apex));
		at->has_apex = 1;
		if (has_key(c->pair, &z)) {
			say_zone(c, &z);
		}
	}
	at->phase = PHASE_ZONES;
	return SECD_MORE;
}

/* This node was asked with what was revoked: what did it say? */
static int
wait_for_self(struct command *c, struct position *at)
{
	const struct machine *m = &c->pair->machine;
	char text[MODULE_ADDRESS_TEXT_MAX];

	if (!c->pair->config.has_self) {
		return SECD_OK;
	}
	module_address_text(&c->pair->options->self, text);
	if (m->self_accepts) {
		return command_fail(c, SECD_EAUTH, "%s still accepts it", text);
	}
	if (m->self_slot == SLOT_COUNT) {
		command_line(c, "%s was asked, and refuses it", text);
		return SECD_OK;
	}
	if (++at->waits == WAITS) {
		command_line(c, "%s was asked, and does not answer", text);
		return SECD_OK;
	}
	if (SECD_HAS(c->reply, pause) && c->reply->pause != NULL) {
		c->reply->pause(c->reply->ctx, WAIT_MS);
	}
	return SECD_MORE;
}

int
command_revoke(struct command *c)
{
	struct position at;
	int rc;

	memcpy(&at, c->c->position, sizeof(at));
	rc = at.phase == PHASE_BEGIN   ? begin(c, &at)
	     : at.phase == PHASE_ZONES ? list_zones(c, &at)
				       : wait_for_self(c, &at);
	memcpy(c->c->position, &at, sizeof(at));
	return rc;
}
