/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/steps.h"

#include <stdio.h>

#include "base/error.h"
#include "wire/sequence.h"

#define PIECE_COST 8192

struct writer {
	const struct secd_change *change;
	struct step *step;
	struct digest *delta;
	char *reason;
	struct sequence sequence;
};

static int
refuse(const struct writer *w, const char *what)
{
	snprintf(w->reason, SECD_REASON_LEN, "the change to serial %u %s",
		 (unsigned)w->step->to, what);
	return SECD_EMALF;
}

static void
count(struct writer *w, const struct secd_entry *e, const uint8_t *octets,
      size_t len)
{
	if (e->op == SECD_OP_SOA_FROM || e->op == SECD_OP_DELETE) {
		digest_subtract_entry(w->delta, octets, len);
	} else {
		digest_add_entry(w->delta, octets, len);
	}
	w->step->deleted += e->op == SECD_OP_DELETE;
	w->step->added += e->op == SECD_OP_ADD;
}

static int
check_piece(struct writer *w, const uint8_t *octets, size_t len)
{
	size_t at = 0;

	while (at < len) {
		struct secd_entry e;
		size_t n = secd_entry_read(octets + at, len - at, &e);
		const char *fault;

		if (n == 0) {
			return refuse(w, "has a record that is cut");
		}
		fault = sequence_take(&w->sequence, e.op, e.type, e.rdata,
				      e.rdata_len);
		if (fault != NULL) {
			return refuse(w, fault);
		}
		count(w, &e, octets + at, n);
		at += n;
	}
	return SECD_OK;
}

/* A piece takes pages of its own, and some are rewritten around it. */
static int
take_room(uint64_t *room, size_t len)
{
	uint64_t takes = (uint64_t)len + PIECE_COST;

	if (*room < takes) {
		return SECD_ENOSPC;
	}
	*room -= takes;
	return SECD_OK;
}

int
steps_write(const struct db *db, MDB_txn *txn, const struct secd_change *c,
	    struct step *step, struct digest *delta, uint64_t *room,
	    char *reason)
{
	struct writer w = {.change = c,
			   .step = step,
			   .delta = delta,
			   .reason = reason,
			   .sequence = {.serial = c->from}};
	const uint8_t *octets;
	size_t len;
	int rc;

	*delta = (struct digest){0};
	while ((rc = c->records->next(c->records, &octets, &len)) == SECD_OK &&
	       len > 0) {
		if (len > SECD_CHUNK_MAX) {
			return refuse(&w, "comes in pieces that are too large");
		}
		rc = check_piece(&w, octets, len);
		if (rc == SECD_OK) {
			rc = take_room(room, len);
		}
		if (rc == SECD_OK) {
			rc = db_put_piece(db, txn, step->zone, PIECE_STEP,
					  step->seq, step->pieces, octets, len);
		}
		if (rc != SECD_OK) {
			return rc;
		}
		step->pieces++;
		step->octets += len;
	}
	if (rc != SECD_OK) {
		snprintf(reason, SECD_REASON_LEN,
			 "the change to serial %u broke off: %s",
			 (unsigned)step->to, secd_strerror(rc));
		return rc;
	}
	if (!sequence_is_complete(&w.sequence) || w.sequence.serial != c->to) {
		return refuse(&w, "does not lead there");
	}
	return SECD_OK;
}
