/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/transfer_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "server/transfer_log.h"

static void
be_ready(void *arg)
{
	struct transfer_stream *s = arg;

	s->ready(s->arg);
}

int
transfer_stream_new(const struct transfer_stream_params *p,
		    struct transfer_stream **out)
{
	struct transfer_stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return SECD_ENOMEM;
	}
	if (xfr_out_new(p->version, p->query, XFR_OUT_AXFR, &s->out) !=
	    SECD_OK) {
		free(s);
		return SECD_ENOMEM;
	}
	s->frontend = p->frontend;
	s->counters = p->counters;
	s->serial = version_serial(p->version);
	s->started_ms = clock_awake_ms();
	s->deadline_ms = s->started_ms + p->time_ms;
	memcpy(s->apex, p->apex, name_len(p->apex));
	s->client = *p->peer;
	address_text(p->peer, s->peer, sizeof(s->peer));
	s->tsig = *p->tsig;
	*p->tsig = (struct tsig_transaction){0};
	s->is_ixfr = p->is_ixfr;
	s->ixfr.params = (struct ixfr_out_params){
	    .frontend = p->frontend,
	    .apex = s->apex,
	    .from = p->from,
	    .to = s->serial,
	    .seq = version_seq(p->version),
	    .zone_octets = version_transfer_octets(p->version),
	    .condense = p->condense,
	    .condense_memory = p->condense_memory,
	    .reply = p->reply,
	    .ready = be_ready,
	    .arg = s,
	};
	if (p->why != NULL) {
		ixfr_out_give_up(&s->ixfr, p->why);
	}
	*out = s;
	return SECD_OK;
}

static int
next_piece(void *ctx, const uint8_t **octets, size_t *len)
{
	struct transfer_stream *s = ctx;
	struct xfr_out_source source = ixfr_out_source(&s->ixfr);

	s->is_turn_over = true;
	return source.next(source.ctx, octets, len);
}

/* What is sent, before the first message. */
static int
decide(struct transfer_stream *s, int *wait_ms)
{
	const struct xfr_out_source source = {.ctx = s, .next = next_piece};
	struct ixfr_out *i = &s->ixfr;

	s->is_turn_over = true;
	if (!i->is_decided && ixfr_out_decide(i) == SECD_EAGAIN) {
		*wait_ms = i->wants_call ? IXFR_OUT_WAIT_MS : -1;
		return SECD_EAGAIN;
	}
	if (i->why != NULL) {
		frontend_count(&s->counters->ixfr_axfr_style);
		return SECD_OK;
	}
	frontend_count(&s->counters->ixfr);
	if (i->is_condensed) {
		frontend_count(&s->counters->ixfr_condensed);
	}
	xfr_out_set_changes(s->out, &source, i->params.from);
	return SECD_OK;
}

static bool
sends_changes(const struct transfer_stream *s)
{
	return s->is_ixfr && s->ixfr.is_decided && s->ixfr.why == NULL;
}

/* The client comes again, and history will be as it is. Its zone may be gone. */
static void
note_damage(const struct transfer_stream *s)
{
	const struct root *root = root_get(&s->frontend->root);
	int rc = xfr_out_failure(s->out);
	struct name_hashes hashes;
	struct zone *zone;
	unsigned label;

	if (!sends_changes(s) || (rc != SECD_EIO && rc != SECD_EMALF)) {
		return;
	}
	name_hash_all(s->apex, zone_table_key(root->zones), &hashes);
	zone = zone_table_find(root->zones, s->apex, &hashes, 0, &label);
	if (zone != NULL && label == 0) {
		zone_note_damage(zone, s->ixfr.params.from);
	}
}

int
transfer_stream_next(struct transfer_stream *s, uint8_t *out, size_t cap,
		     size_t *len, int *wait_ms)
{
	size_t reserve = tsig_room(s->tsig.key);
	enum xfr_out_verdict v;

	if (tsig_key_is_revoked(s->tsig.key)) {
		return SECD_EAUTH;
	}
	if (s->is_ixfr && !s->has_begun && decide(s, wait_ms) == SECD_EAGAIN) {
		return SECD_EAGAIN;
	}
	s->has_begun = true;
	v = xfr_out_next(s->out, out, cap, reserve, len);
	if (v == XFR_OUT_FAILED) {
		note_damage(s);
		return SECD_EIO; /* transfer_stream_close tells more */
	}
	s->is_done = v == XFR_OUT_DONE;
	return tsig_sign_answer(&s->tsig, out, len, cap, clock_wall_s());
}

/* Why it did not come to its end; NULL: it did. */
static const char *
what_broke(const struct transfer_stream *s)
{
	if (s->is_done) {
		return NULL;
	}
	if (tsig_key_is_revoked(s->tsig.key)) {
		return "the key was taken back";
	}
	switch (xfr_out_failure(s->out)) {
	case SECD_OK:
		return ""; /* the client, or the time */
	case SECD_ENOSPC:
		return "a record fits into no message";
	case SECD_ENOTFOUND:
		return "history was trimmed";
	case SECD_ENOTSUP:
		return "the module that kept history is gone";
	case SECD_EMALF:
		return "history does not lead there";
	default:
		return sends_changes(s) ? "history cannot be read"
					: "the zone's image is damaged";
	}
}

static void
log_end(const struct transfer_stream *s)
{
	struct transfer_log line = {
	    .apex = s->apex,
	    .peer = s->peer,
	    .transport = "tcp",
	    .key = s->tsig.key,
	    .serial = s->serial,
	    .is_ixfr = s->is_ixfr,
	    .from = s->ixfr.params.from,
	    .why = s->ixfr.is_decided ? s->ixfr.why : "undecided",
	    .steps = s->ixfr.steps,
	    .is_condensed = s->ixfr.is_condensed,
	    .took_ms = clock_awake_ms() - s->started_ms,
	    .broke = what_broke(s),
	};

	xfr_out_count(s->out, &line.count);
	transfer_log(&line);
}

static void
note_receiver(const struct transfer_stream *s)
{
	downstreams_note(
	    s->frontend->downstreams, s->apex, &s->client,
	    s->is_ixfr ? DOWNSTREAM_IXFR : DOWNSTREAM_AXFR, s->serial,
	    s->tsig.key == NULL ? NULL : tsig_key_name(s->tsig.key));
}

void
transfer_stream_close(struct transfer_stream *s)
{
	if (s == NULL) {
		return;
	}
	log_end(s);
	if (s->is_done) {
		frontend_count(&s->counters->transfers_done);
		note_receiver(s);
	}
	atomic_fetch_sub(&s->frontend->transfers_out, 1);
	xfr_out_free(s->out);
	ixfr_out_fini(&s->ixfr);
	tsig_transaction_fini(&s->tsig);
	free(s);
}
