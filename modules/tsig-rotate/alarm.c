/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/alarm.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/module_address.h"

#define DAY_MS     INT64_C(86400000)
#define SKEW_MS    60000
#define STALLED_MS 3600000 /* or a drain, when that is shorter */
#define BADSIG     16
#define BADKEY     17

char *
alarm_span_text(int64_t ms, char *text)
{
	static const struct {
		int64_t s;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
	int64_t s = ms < 0 ? 0 : ms / 1000;
	size_t i = 0;

	while (i < 3 && s < units[i].s) {
		i++;
	}
	if (i == 3 || s % units[i].s < units[i + 1].s) {
		sprintf(text, "%lld%s", (long long)(s / units[i].s),
			units[i].unit);
	} else {
		sprintf(text, "%lld%s%lld%s", (long long)(s / units[i].s),
			units[i].unit,
			(long long)(s % units[i].s / units[i + 1].s),
			units[i + 1].unit);
	}
	return text;
}

const char *
alarm_name(enum alarm alarm)
{
	static const char *const names[ALARM_COUNT] = {
	    [ALARM_STOPPED] = "stopped",
	    [ALARM_ROOT] = "no-root",
	    [ALARM_SAVE] = "not-saved",
	    [ALARM_HOST] = "host",
	    [ALARM_RANDOM] = "no-random",
	    [ALARM_PLACE] = "place",
	    [ALARM_RESTART] = "restart",
	    [ALARM_NO_KEY] = "no-key",
	    [ALARM_STALLED] = "stalled",
	    [ALARM_AGE] = "age",
	    [ALARM_REFUSED] = "refused",
	    [ALARM_LOST] = "lost",
	    [ALARM_SKEW] = "skew",
	    [ALARM_LATE] = "late-user",
	    [ALARM_OLD] = "old-key",
	    [ALARM_SELF] = "revoked-key",
	    [ALARM_RETIRED] = "retired-secret",
	    [ALARM_STRANGER] = "stranger",
	    [ALARM_REGRESSION] = "regression",
	};

	return names[alarm];
}

static char
letter(unsigned slot)
{
	return slot == SLOT_A ? 'a' : 'b';
}

/* The first peer of a set. */
static const char *
peer_text(const struct rotate_pair *p, uint16_t peers, char *text)
{
	for (unsigned i = 0; i < p->config.peers; i++) {
		if ((peers & 1u << i) != 0) {
			return module_address_text(&p->options->probes[i],
						   text);
		}
	}
	return strcpy(text, "nobody");
}

/* What that peer answered last. */
static const char *
heard_text(const struct heard *h)
{
	switch (h->outcome) {
	case 0:
		return "not asked yet";
	case SECD_PROBE_VERIFIED:
		return "it takes another one";
	case SECD_PROBE_REFUSED:
		return h->tsig_error == BADSIG   ? "BADSIG"
		       : h->tsig_error == BADKEY ? "BADKEY"
						 : "BADTIME";
	case SECD_PROBE_UNSIGNED:
		return "an unsigned answer";
	case SECD_PROBE_WRONG:
		return "a wrong signature";
	case SECD_PROBE_UNREACHABLE:
		return "unreachable";
	case SECD_PROBE_SILENT:
		return "no answer";
	default:
		return "it could not be asked";
	}
}

/*
 * This node
 */

static bool
is_stopped(const struct rotate_pair *p, char *text)
{
	snprintf(text, ALARM_TEXT_MAX,
		 "the state is older than the list of revocations, as after a "
		 "restored backup: nothing is done until \"key adopt %s\"",
		 p->file.id);
	return p->secrets->pair.is_stopped;
}

static bool
has_no_root(const struct rotate_pair *p, char *text)
{
	snprintf(text, ALARM_TEXT_MAX, "no further key can be derived: %.500s",
		 p->root_reason[0] != '\0'
		     ? p->root_reason
		     : "the root was revoked: make a new one, then \"key "
		       "adopt\"");
	return p->config.is_derived &&
	       (p->root_reason[0] != '\0' || p->secrets->pair.is_root_revoked);
}

static bool
cannot_save(const struct rotate_pair *p, char *text)
{
	snprintf(text, ALARM_TEXT_MAX, "nothing changes: %.500s",
		 p->save_reason);
	return p->machine.save_rc != SECD_OK;
}

static bool
does_not_fit_host(const struct rotate_pair *p, char *text)
{
	int rc = p->machine.put_rc != SECD_OK ? p->machine.put_rc
					      : p->machine.use_rc;

	snprintf(text, ALARM_TEXT_MAX, "%s: %s",
		 p->machine.put_rc != SECD_OK
		     ? "the host does not take a key"
		     : "the host does not sign with the key in use",
		 rc == SECD_EEXIST ? "its configuration has a key of that name "
				     "with another origin"
				   : secd_strerror(rc));
	return p->machine.put_rc != SECD_OK ||
	       (p->machine.use_rc != SECD_OK &&
		p->machine.use_rc != SECD_ENOTFOUND &&
		p->machine.use_rc != SECD_ENOTSUP);
}

/*
 * Other servers' stores
 */

static bool
is_place_failing(const struct rotate_pair *p, bool restart, char *text)
{
	for (unsigned i = 0; i < p->config.places; i++) {
		const struct rotate_place *l =
		    &p->rotate->places[p->options->places[i]];

		if (restart ? l->needs_restart : l->rc != SECD_OK) {
			snprintf(text, ALARM_TEXT_MAX, "place %s%s: %.500s",
				 l->options->id,
				 restart ? ": that server is to be started anew"
					 : "",
				 l->text);
			return true;
		}
	}
	return false;
}

/*
 * The peer
 */

static bool
has_no_key(const struct rotate_pair *p, int64_t now_ms, char *text)
{
	char span[32];
	int64_t since = p->machine.since_ms[SLOT_A];

	if (p->machine.since_ms[SLOT_B] > since) {
		since = p->machine.since_ms[SLOT_B];
	}
	snprintf(text, ALARM_TEXT_MAX,
		 "no key is in use since %s: what is signed with it fails",
		 alarm_span_text(now_ms - since, span));
	return pair_find(&p->secrets->pair, SLOT_ACTIVE) < 0 &&
	       now_ms - since >= p->config.probe_ms * 4;
}

static bool
is_stalled(const struct rotate_pair *p, int64_t now_ms, char *text)
{
	int64_t limit =
	    p->config.drain_ms < STALLED_MS ? p->config.drain_ms : STALLED_MS;
	char span[32], address[MODULE_ADDRESS_TEXT_MAX];

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		const struct slot *slot = &p->secrets->pair.slots[s];
		int64_t age = now_ms - p->machine.since_ms[s];
		uint16_t missing =
		    (uint16_t)(((1u << p->config.peers) - 1) &
			       ~(unsigned)p->machine.confirmed[s]);
		unsigned first = 0;

		if ((slot->state != SLOT_GENERATED &&
		     slot->state != SLOT_STAGED) ||
		    age < limit) {
			continue;
		}
		while (first + 1 < p->config.peers &&
		       (missing & 1u << first) == 0) {
			first++;
		}
		snprintf(text, ALARM_TEXT_MAX,
			 "slot %c waits for %s since %s (%s)", letter(s),
			 peer_text(p, missing, address),
			 alarm_span_text(age, span),
			 heard_text(&p->machine.heard[first]));
		return true;
	}
	return false;
}

static bool
is_old(const struct rotate_pair *p, int64_t now_ms, char *text)
{
	int active = pair_find(&p->secrets->pair, SLOT_ACTIVE);
	int64_t age;
	char span[32];

	if (active < 0) {
		return false;
	}
	age = now_ms - p->machine.since_ms[active];
	snprintf(text, ALARM_TEXT_MAX, "%sthe key in use is %s old",
		 age >= 4 * p->config.epoch_ms ? "critical: " : "",
		 alarm_span_text(age, span));
	return age >= 2 * p->config.epoch_ms;
}

static bool
is_refused(const struct rotate_pair *p, char *text)
{
	char address[MODULE_ADDRESS_TEXT_MAX];

	snprintf(text, ALARM_TEXT_MAX, "%s refuses the key in use",
		 peer_text(p, p->machine.refused, address));
	return p->machine.refused != 0;
}

static bool
is_skewed(const struct rotate_pair *p, char *text)
{
	char address[MODULE_ADDRESS_TEXT_MAX];

	for (unsigned i = 0; i < p->config.peers; i++) {
		int64_t skew = p->machine.heard[i].skew_ms;

		if (skew > SKEW_MS || skew < -SKEW_MS) {
			snprintf(text, ALARM_TEXT_MAX,
				 "the clock of %s is %+lld s from ours",
				 module_address_text(&p->options->probes[i],
						     address),
				 (long long)skew / 1000);
			return true;
		}
	}
	return false;
}

static bool
is_late(const struct rotate_pair *p, int64_t now_ms, char *text)
{
	int s = pair_find(&p->secrets->pair, SLOT_DRAINING);
	const struct sighting *late = &p->machine.late;
	char address[MODULE_ADDRESS_TEXT_MAX];

	if (s < 0 || late->at_ms == MACHINE_NEVER) {
		return false;
	}
	snprintf(text, ALARM_TEXT_MAX,
		 "%s still uses slot %c, which should be drained",
		 module_address_text(&late->peer, address),
		 letter((unsigned)s));
	return p->config.has_module &&
	       now_ms - p->machine.since_ms[s] >= p->config.drain_ms;
}

/*
 * What happened
 */

static bool
is_recent(const struct sighting *s, int64_t now_ms)
{
	return s->at_ms != MACHINE_NEVER && now_ms - s->at_ms < DAY_MS;
}

/* Was what was seen taken away by an operator here, and not there yet? */
static bool
is_revoked_here_only(const struct rotate_pair *p, const struct sighting *s)
{
	const struct pair *pair = &p->secrets->pair;

	for (size_t i = 0; i < pair->retired_count; i++) {
		const struct retired *r = &pair->retired[i];

		if (r->is_revoked && r->slot == s->slot &&
		    r->generation == s->generation && r->epoch == s->epoch) {
			return rotate_is_peer(p, &s->peer);
		}
	}
	return false;
}

static bool
was_seen(const struct sighting *s, int64_t now_ms, const char *what,
	 const char *then, char *text)
{
	char address[MODULE_ADDRESS_TEXT_MAX], span[32];

	if (!is_recent(s, now_ms)) {
		return false;
	}
	snprintf(text, ALARM_TEXT_MAX,
		 "%s %s %s (slot %c, generation %u, epoch %llu), %s ago%s",
		 module_address_text(&s->peer, address), "signed with", what,
		 letter(s->slot), (unsigned)s->generation,
		 (unsigned long long)s->epoch,
		 alarm_span_text(now_ms - s->at_ms, span), then);
	return true;
}

static bool
had_regression(const struct rotate_pair *p, int64_t now_ms, char *text)
{
	const struct sighting *s = &p->machine.regression;
	char span[32];

	if (!is_recent(s, now_ms)) {
		return false;
	}
	snprintf(text, ALARM_TEXT_MAX,
		 "state regression: %s ago this node was behind its peer, as "
		 "after a restored backup, and took over generation %u, epoch "
		 "%llu",
		 alarm_span_text(now_ms - s->at_ms, span),
		 (unsigned)s->generation, (unsigned long long)s->epoch);
	return true;
}

bool
alarm_is_on(const struct rotate_pair *p, enum alarm alarm,
	    const struct secd_time *now, char *text)
{
	const struct machine *m = &p->machine;
	int64_t now_ms = now->boot_ms;

	switch (alarm) {
	case ALARM_STOPPED:
		return is_stopped(p, text);
	case ALARM_ROOT:
		return has_no_root(p, text);
	case ALARM_SAVE:
		return cannot_save(p, text);
	case ALARM_HOST:
		return does_not_fit_host(p, text);
	case ALARM_RANDOM:
		strcpy(text, "there are no random octets for a new key");
		return m->source_rc != SECD_OK && !p->config.is_derived;
	case ALARM_PLACE:
		return is_place_failing(p, false, text);
	case ALARM_RESTART:
		return is_place_failing(p, true, text);
	case ALARM_NO_KEY:
		return has_no_key(p, now_ms, text);
	case ALARM_STALLED:
		return is_stalled(p, now_ms, text);
	case ALARM_AGE:
		return is_old(p, now_ms, text);
	case ALARM_REFUSED:
		return is_refused(p, text);
	case ALARM_LOST:
		snprintf(text, ALARM_TEXT_MAX,
			 "no key was found that the peer accepts, up to %u "
			 "epochs from ours: see \"key adopt\"",
			 (unsigned)p->config.catch_up);
		return m->is_lost;
	case ALARM_SKEW:
		return is_skewed(p, text);
	case ALARM_LATE:
		return is_late(p, now_ms, text);
	case ALARM_OLD:
		strcpy(text, "the peer still accepts a key that was taken "
			     "away from it");
		return m->peer_accepts_old;
	case ALARM_SELF:
		strcpy(text, "this node still accepts a key that was revoked");
		return m->self_accepts;
	case ALARM_RETIRED:
		return was_seen(&m->retired_use, now_ms, "a retired secret",
				is_revoked_here_only(p, &m->retired_use)
				    ? ": it was revoked here, and has to be "
				      "there, too"
				    : ": it leaked, or that node was restored "
				      "from a backup",
				text);
	case ALARM_STRANGER:
		return was_seen(&m->stranger_use, now_ms, "our key",
				", and is not the peer: it leaked, or the "
				"address is missing in the configuration",
				text);
	case ALARM_REGRESSION:
		return had_regression(p, now_ms, text);
	case ALARM_COUNT:
		break;
	}
	return false;
}

static int
level_of(enum alarm alarm)
{
	return alarm == ALARM_LATE || alarm == ALARM_SKEW ||
		       alarm == ALARM_STALLED || alarm == ALARM_REGRESSION
		   ? SECD_WARNING
		   : SECD_ERROR;
}

void
alarm_tell(struct rotate_pair *p, const struct secd_time *now)
{
	char text[ALARM_TEXT_MAX];

	for (int a = 0; a < ALARM_COUNT; a++) {
		bool is_on = alarm_is_on(p, (enum alarm)a, now, text);
		uint32_t bit = UINT32_C(1) << a;

		if (is_on && (p->alarms & bit) == 0) {
			rotate_log(p->rotate, level_of((enum alarm)a),
				   "pair %s: %s", p->file.id, text);
		} else if (!is_on && (p->alarms & bit) != 0) {
			rotate_log(p->rotate, SECD_NOTICE,
				   "pair %s: no longer: %s", p->file.id,
				   alarm_name((enum alarm)a));
		}
		p->alarms = is_on ? p->alarms | bit : p->alarms & ~bit;
	}
}
