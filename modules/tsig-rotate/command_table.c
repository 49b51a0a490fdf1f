/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is to be seen: the table of `key status`, and the rows of status.
 */

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/module_address.h"
#include "tsig-rotate/alarm.h"
#include "tsig-rotate/command.h"
#include "tsig-rotate/derive.h"

#define PAIRS_PER_CALL 64
#define NOTE_MAX       200
#define SPAN_MAX       32

/* Where `key status` goes on. */
struct position {
	uint64_t pair;
	uint64_t is_begun;
};

static const char *
ago(int64_t at_ms, const struct secd_time *now, char *text)
{
	return at_ms == 0 ? strcpy(text, "-")
			  : alarm_span_text(now->wall_ms - at_ms, text);
}

static const char *
fingerprint_of(const struct slot *s, char *text)
{
	return pair_is_live(s) && s->phase != SLOT_REMOVING
		   ? derive_fingerprint(s->secret, text)
		   : strcpy(text, "-");
}

static unsigned
count_bits(unsigned bits)
{
	unsigned count = 0;

	for (; bits != 0; bits >>= 1) {
		count += bits & 1;
	}
	return count;
}

/* How many peers have it, as far as we know. */
static unsigned
peers_of(const struct rotate_pair *p, unsigned s)
{
	switch (p->secrets->pair.slots[s].state) {
	case SLOT_CONFIRMED:
		return p->config.peers;
	case SLOT_ACTIVE:
		return p->config.peers - count_bits(p->machine.refused);
	case SLOT_GENERATED:
	case SLOT_STAGED:
		return count_bits(p->machine.confirmed[s]);
	default:
		return 0;
	}
}

/*
 * Notes
 */

static const char *
answer_text(const struct heard *h)
{
	switch (h->outcome) {
	case SECD_PROBE_VERIFIED:
		return "verified";
	case SECD_PROBE_REFUSED:
		return h->tsig_error == 16   ? "BADSIG"
		       : h->tsig_error == 17 ? "BADKEY"
		       : h->tsig_error == 18 ? "BADTIME"
					     : "refused";
	case SECD_PROBE_UNSIGNED:
		return "unsigned";
	case SECD_PROBE_WRONG:
		return "wrongly signed";
	case SECD_PROBE_SILENT:
		return "silent";
	case SECD_PROBE_UNREACHABLE:
		return "unreachable";
	default:
		return "not asked";
	}
}

static void
note_waiting(const struct rotate_pair *p, unsigned s,
	     const struct secd_time *now, char *text)
{
	char address[MODULE_ADDRESS_TEXT_MAX], span[SPAN_MAX];
	unsigned i = 0;
	const struct heard *h;

	while (i + 1 < p->config.peers &&
	       (p->machine.confirmed[s] & 1u << i) != 0) {
		i++;
	}
	h = &p->machine.heard[i];
	module_address_text(&p->options->probes[i], address);
	/* It may have been asked about another one. */
	if (h->at_ms < p->secrets->pair.slots[s].since_ms ||
	    h->outcome == SECD_PROBE_VERIFIED) {
		snprintf(text, NOTE_MAX, "waiting for %s", address);
	} else {
		snprintf(text, NOTE_MAX, "waiting for %s (%s %s ago)", address,
			 answer_text(h),
			 alarm_span_text(now->wall_ms - h->at_ms, span));
	}
}

static void
note_draining(const struct rotate_pair *p, unsigned s,
	      const struct secd_time *now, char *text)
{
	const struct slot *slot = &p->secrets->pair.slots[s];
	int64_t left =
	    p->machine.since_ms[s] + p->config.drain_ms - now->boot_ms;
	char span[SPAN_MAX];

	if (slot->phase == SLOT_REMOVING) {
		snprintf(text, NOTE_MAX, "being taken from the other server");
	} else if (slot->phase == SLOT_CLOSED) {
		snprintf(text, NOTE_MAX, "refused here, there in %s",
			 alarm_span_text(left, span));
	} else if (left > 0) {
		snprintf(text, NOTE_MAX, "drain ends in %s",
			 alarm_span_text(left, span));
	} else {
		snprintf(text, NOTE_MAX, "waiting for the peer");
	}
}

static void
note_active(const struct rotate_pair *p, unsigned s,
	    const struct secd_time *now, char *text)
{
	int64_t left =
	    p->machine.since_ms[s] + p->config.epoch_ms - now->boot_ms;
	char span[SPAN_MAX];

	text[0] = '\0';
	if (p->machine.refused != 0) {
		snprintf(text, NOTE_MAX, "refused by the peer");
	} else if (p->config.is_initiator && left > 0) {
		snprintf(text, NOTE_MAX, "next in %s",
			 alarm_span_text(left, span));
	}
	for (unsigned i = 0; i < p->config.peers; i++) {
		int64_t skew = p->machine.heard[i].skew_ms;
		size_t len = strlen(text);

		if (skew != 0) {
			snprintf(text + len, NOTE_MAX - len, "%sskew %+.1f s",
				 len > 0 ? ", " : "", (double)skew / 1000);
			return;
		}
	}
}

static void
note(const struct rotate_pair *p, unsigned s, const struct secd_time *now,
     char *text)
{
	const struct slot *slot = &p->secrets->pair.slots[s];

	text[0] = '\0';
	if (p->options->config.peers == 0) {
		return; /* only its file is known */
	}
	switch (slot->state) {
	case SLOT_GENERATED:
		if (!slot->is_adopted) {
			snprintf(text, NOTE_MAX, "%s",
				 p->machine.place_due != 0 ||
					 p->machine.place_pending != 0
				     ? "being put into the other server"
				     : "being put in force");
			break;
		}
		note_waiting(p, s, now, text);
		break;
	case SLOT_STAGED:
		note_waiting(p, s, now, text);
		break;
	case SLOT_CONFIRMED:
		snprintf(text, NOTE_MAX, "ready");
		break;
	case SLOT_ACTIVE:
		note_active(p, s, now, text);
		break;
	case SLOT_DRAINING:
		note_draining(p, s, now, text);
		break;
	default:
		if (slot->phase == SLOT_REMOVING) {
			snprintf(text, NOTE_MAX,
				 "being taken from the other server");
		}
		break;
	}
}

/*
 * The table
 */

static void
put_slot(const struct command *c, const struct rotate_pair *p, unsigned s,
	 int width)
{
	const struct slot *slot = &p->secrets->pair.slots[s];
	const struct machine_counts *n = &p->machine.counts[s];
	char fp[DERIVE_FINGERPRINT_LEN], text[NOTE_MAX], peers[16] = "-";
	char age[SPAN_MAX] = "-", in[SPAN_MAX], out[SPAN_MAX];
	unsigned long long epoch = slot->epoch;

	note(p, s, &c->now, text);
	if (slot->since_ms != 0) {
		alarm_span_text(c->now.boot_ms - p->machine.since_ms[s], age);
	}
	if (pair_is_live(slot) && p->config.peers > 0) {
		snprintf(peers, sizeof(peers), "%u/%u", peers_of(p, s),
			 p->config.peers);
	}
	command_line(
	    c, "%-*s %-4c %-9s %3u %5llu %-8s %-6s %-10s %-11s %-5s%s%s", width,
	    s == SLOT_A ? p->file.id : "", s == SLOT_A ? 'a' : 'b',
	    pair_state_text(slot->state), (unsigned)slot->generation, epoch,
	    fingerprint_of(slot, fp), age, ago(n->in_ms, &c->now, in),
	    ago(n->out_ms, &c->now, out), peers, text[0] != '\0' ? " " : "",
	    text);
}

static void
put_pair(const struct command *c, const struct rotate_pair *p, int width)
{
	char text[ALARM_TEXT_MAX];

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		put_slot(c, p, s, width);
	}
	if (p->options->config.peers == 0) {
		return;
	}
	for (int a = 0; a < ALARM_COUNT; a++) {
		if (alarm_is_on(p, (enum alarm)a, &c->now, text)) {
			command_line(c, "%-*s ALARM %s", width, "", text);
		}
	}
}

static int
width_of(const struct rotate *r)
{
	size_t width = 4;

	for (size_t i = 0; i < r->pair_count; i++) {
		size_t len = strlen(r->pairs[i].file.id);

		width = len > width ? len : width;
	}
	return (int)width;
}

int
command_table(struct command *c)
{
	struct rotate *r = c->rotate;
	int width =
	    c->pair != NULL ? (int)strlen(c->pair->file.id) : width_of(r);
	struct position at;

	width = width < 4 ? 4 : width;
	memcpy(&at, c->c->position, sizeof(at));
	if (at.is_begun == 0) {
		command_line(c,
			     "%-*s %-4s %-9s %3s %5s %-8s %-6s %-10s %-11s "
			     "%-5s %s",
			     width, "pair", "slot", "state", "gen", "epoch",
			     "fp", "age", "last-ok-in", "last-ok-out", "peers",
			     "note");
		at.is_begun = 1;
	}
	if (c->pair != NULL) {
		put_pair(c, c->pair, width);
		return SECD_OK;
	}
	for (unsigned i = 0; i < PAIRS_PER_CALL && at.pair < r->pair_count;
	     i++) {
		put_pair(c, &r->pairs[at.pair++], width);
	}
	memcpy(c->c->position, &at, sizeof(at));
	return at.pair < r->pair_count ? SECD_MORE : SECD_OK;
}

/*
 * Rows
 */

static void
put_rows(const struct rotate_pair *p, unsigned s, const struct secd_reply *r)
{
	const struct slot *slot = &p->secrets->pair.slots[s];
	const struct machine_counts *n = &p->machine.counts[s];
	char id[OPTIONS_ID_MAX + 16], fp[DERIVE_FINGERPRINT_LEN];

	snprintf(id, sizeof(id), "pair %s slot %c", p->file.id,
		 s == SLOT_A ? 'a' : 'b');
	r->text(r->ctx, NULL, id, "state", pair_state_text(slot->state));
	r->number(r->ctx, NULL, id, "generation", slot->generation);
	r->number(r->ctx, NULL, id, "epoch", slot->epoch);
	r->text(r->ctx, NULL, id, "fingerprint", fingerprint_of(slot, fp));
	r->time(r->ctx, NULL, id, "since", slot->since_ms);
	r->number(r->ctx, NULL, id, "confirmed", peers_of(p, s));
	r->number(r->ctx, NULL, id, "verified", n->ok);
	r->number(r->ctx, NULL, id, "badsig", n->badsig);
	r->number(r->ctx, NULL, id, "badkey", n->badkey);
	r->number(r->ctx, NULL, id, "badtime", n->badtime);
	r->number(r->ctx, NULL, id, "badtrunc", n->badtrunc);
	if (n->in_ms != 0) {
		r->time(r->ctx, NULL, id, "last-ok-in", n->in_ms);
	}
	if (n->out_ms != 0) {
		r->time(r->ctx, NULL, id, "last-ok-out", n->out_ms);
	}
}

static uint64_t
put_alarms(const struct rotate_pair *p, const struct secd_time *now,
	   const struct secd_reply *r)
{
	char id[OPTIONS_ID_MAX + 32], text[ALARM_TEXT_MAX];
	uint64_t count = 0;

	if (p->config.peers == 0) {
		return 0; /* only its file is known */
	}
	for (int a = 0; a < ALARM_COUNT; a++) {
		if (alarm_is_on(p, (enum alarm)a, now, text)) {
			snprintf(id, sizeof(id), "alarm %s %s", p->file.id,
				 alarm_name((enum alarm)a));
			r->text(r->ctx, NULL, id, "says", text);
			count++;
		}
	}
	return count;
}

void
command_status(void *m, struct secd_reply *r)
{
	struct rotate *rotate = m;
	struct secd_time now;
	uint64_t alarms = 0;

	rotate->host->clock(rotate->host->ctx, &now);
	for (size_t i = 0; i < rotate->pair_count; i++) {
		const struct rotate_pair *p = &rotate->pairs[i];
		char id[OPTIONS_ID_MAX + 16];

		for (unsigned s = 0; s < SLOT_COUNT; s++) {
			put_rows(p, s, r);
		}
		snprintf(id, sizeof(id), "pair %s", p->file.id);
		r->number(r->ctx, NULL, id, "strangers", p->machine.strangers);
	}
	for (size_t i = 0; i < rotate->pair_count; i++) {
		alarms += put_alarms(&rotate->pairs[i], &now, r);
	}
	r->number(r->ctx, NULL, NULL, "pairs", rotate->pair_count);
	r->number(r->ctx, NULL, NULL, "alarms", alarms);
}
