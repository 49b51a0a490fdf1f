/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/ixfr_out.h"

#include "base/clock.h"
#include "base/error.h"
#include "wire/name.h"

/* A version is committed within `sync-interval` of its being served. */
#define COMMIT_WAIT_MS 1000

void
ixfr_out_give_up(struct ixfr_out *o, const char *why)
{
	history_close(o->history);
	o->history = NULL;
	condense_end(o->condense);
	o->condense = NULL;
	o->why = why;
	o->is_decided = true;
}

static const char *
why_not(int rc)
{
	switch (rc) {
	case SECD_ENOTSUP:
		return "no module keeps history";
	case SECD_ENOTFOUND:
		return "no history from there";
	case SECD_EBUSY:
		return "history is not written yet";
	case SECD_ENOMEM:
		return "no memory for history";
	default:
		return "history cannot be read";
	}
}

/* Would the zone be quicker than these, of which some octets are seen? */
static bool
is_larger_than_zone(const struct ixfr_out *o, const uint8_t *seen,
		    size_t seen_len, uint64_t octets)
{
	uint64_t about =
	    xfr_out_about(seen, seen_len, name_len(o->params.apex));

	/* What is not seen yet is like what is. */
	if (octets > seen_len) {
		about = (uint64_t)((double)about * (double)octets /
				   (double)seen_len);
	}
	return about > o->params.zone_octets;
}

static void
decide_for(struct ixfr_out *o, bool is_larger)
{
	if (is_larger) {
		ixfr_out_give_up(o, "the changes are larger than the zone");
	} else {
		o->is_decided = true;
	}
}

/*
 * May it not be several steps? Across the end of serials, NSD refuses those: it
 * compares the serials in between as plain numbers (xfrd_xfr_check_rrs), asks
 * again, and would never get on.
 */
static bool
needs_one_step(const struct ixfr_out *o)
{
	return o->params.condense == CONFIG_CONDENSE_ON ||
	       (o->steps != 1 && o->params.from > o->params.to);
}

static bool
wants_one_step(const struct ixfr_out *o)
{
	return needs_one_step(o) ||
	       (o->params.condense == CONFIG_CONDENSE_AUTO && o->steps != 1);
}

/* They are not, or cannot be, condensed. */
static void
go_step_by_step(struct ixfr_out *o, const struct history_size *size)
{
	if (needs_one_step(o)) {
		ixfr_out_give_up(o, "the changes cannot be condensed");
	} else if (o->params.reply == NULL && !size->is_one_piece) {
		ixfr_out_give_up(o, "the changes are too many");
	} else {
		decide_for(o,
			   is_larger_than_zone(o, size->piece, size->piece_len,
					       size->octets));
	}
}

/* They are, or were tried to be. */
static void
go_on_condensed(struct ixfr_out *o)
{
	const uint8_t *octets;
	size_t len;
	int rc = condense_result(o->condense, &octets, &len);

	if (rc != SECD_OK) {
		ixfr_out_give_up(o, why_not(rc));
		return;
	}
	history_close(o->history);
	o->history = NULL;
	o->is_condensed = true;
	decide_for(o, is_larger_than_zone(o, octets, len, len));
}

/* Returns  SECD_OK, or SECD_EAGAIN: it is under way */
static int
condense(struct ixfr_out *o, const struct history_size *size)
{
	const struct ixfr_out_params *p = &o->params;
	int rc = SECD_ELIMIT;

	if (size->is_one_piece && size->piece_len <= CONDENSE_NOW_MAX) {
		rc = condense_now(size->piece, size->piece_len, &o->condense);
		if (rc == SECD_OK) {
			go_on_condensed(o);
			return SECD_OK;
		}
	} else if (p->reply != NULL && p->frontend->condenser != NULL) {
		rc = condense_begin(p->frontend->condenser, o->history,
				    p->condense_memory, p->reply, p->ready,
				    p->arg, &o->condense);
		if (rc == SECD_OK) {
			o->history = NULL; /* taken over */
			return SECD_EAGAIN;
		}
	}
	if (rc == SECD_ELIMIT || rc == SECD_ENOMEM) {
		go_step_by_step(o, size);
	} else {
		ixfr_out_give_up(o, why_not(rc));
	}
	return SECD_OK;
}

static int
ask(struct ixfr_out *o)
{
	const struct ixfr_out_params *p = &o->params;
	struct history_size size;
	int rc;

	if (o->asked_ms == 0) {
		o->asked_ms = clock_awake_ms();
	}
	rc = history_open(p->frontend, p->apex, p->from, p->seq, &o->history);
	if (rc == SECD_EBUSY && p->reply != NULL &&
	    clock_awake_ms() - o->asked_ms < COMMIT_WAIT_MS) {
		o->wants_call = true;
		return SECD_EAGAIN;
	}
	o->wants_call = false;
	if (rc != SECD_OK) {
		ixfr_out_give_up(o, why_not(rc));
		return SECD_OK;
	}
	history_size(o->history, &size);
	o->steps = size.steps;
	if (!o->is_tried && wants_one_step(o)) {
		return condense(o, &size);
	}
	go_step_by_step(o, &size);
	return SECD_OK;
}

int
ixfr_out_decide(struct ixfr_out *o)
{
	const uint8_t *octets;
	size_t len;
	int rc;

	if (o->condense == NULL) {
		return ask(o);
	}
	if (!condense_is_ready(o->condense)) {
		return SECD_EAGAIN;
	}
	rc = condense_result(o->condense, &octets, &len);
	if (rc != SECD_ELIMIT && rc != SECD_ENOMEM) {
		go_on_condensed(o);
		return SECD_OK;
	}
	condense_end(o->condense);
	o->condense = NULL;
	o->is_tried = true;
	return ask(o);
}

struct xfr_out_source
ixfr_out_source(struct ixfr_out *o)
{
	return o->is_condensed ? (struct xfr_out_source){.ctx = o->condense,
							 .next = condense_next}
			       : (struct xfr_out_source){.ctx = o->history,
							 .next = history_next};
}

void
ixfr_out_fini(struct ixfr_out *o)
{
	history_close(o->history);
	o->history = NULL;
	condense_end(o->condense);
	o->condense = NULL;
}
