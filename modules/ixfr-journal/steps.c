/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/steps.h"

#include <stdio.h>

#include "base/error.h"
#include "base/octets.h"

#define TYPE_SOA   6
#define PIECE_COST 8192

struct writer {
	const struct secd_change *change;
	struct step *step;
	struct digest *delta;
	char *reason;
	uint8_t last;    /* enum secd_op; 0: nothing came yet */
	uint32_t serial; /* where the steps so far lead to */
};

static int
refuse(const struct writer *w, const char *what)
{
	snprintf(w->reason, SECD_REASON_LEN, "the change to serial %u %s",
		 (unsigned)w->step->to, what);
	return SECD_EMALF;
}

/* The serial stands behind the two names of a SOA's RDATA. */
static bool
soa_serial(const struct secd_entry *e, uint32_t *serial)
{
	size_t at = 0;

	for (unsigned names = 0; names < 2; names++) {
		while (at < e->rdata_len && e->rdata[at] != 0) {
			at += (size_t)1 + e->rdata[at];
		}
		at++;
	}
	if (e->type != TYPE_SOA || at + 20 != e->rdata_len) {
		return false;
	}
	*serial = get_u32(e->rdata + at);
	return true;
}

/* The order of RFC 1995 section 4, in which SOAs part what is deleted, added,
 * and the next step. */
static int
check_order(struct writer *w, const struct secd_entry *e)
{
	bool is_soa = e->op == SECD_OP_SOA_FROM || e->op == SECD_OP_SOA_TO;
	bool fits = false;
	uint32_t serial;

	switch (e->op) {
	case SECD_OP_SOA_FROM:
		fits = w->last == 0 || w->last >= SECD_OP_SOA_TO;
		break;
	case SECD_OP_DELETE:
	case SECD_OP_SOA_TO:
		fits = w->last == SECD_OP_SOA_FROM || w->last == SECD_OP_DELETE;
		break;
	default:
		fits = w->last >= SECD_OP_SOA_TO;
	}
	w->last = e->op;
	if (!fits || is_soa != (e->type == TYPE_SOA)) {
		return refuse(w, "has records out of order");
	}
	if (!is_soa) {
		return SECD_OK;
	}
	if (!soa_serial(e, &serial)) {
		return refuse(w, "has a SOA that is none");
	}
	if (e->op == SECD_OP_SOA_FROM && serial != w->serial) {
		return refuse(w, "has steps that do not follow each other");
	}
	w->serial = serial;
	return SECD_OK;
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
		int rc;

		if (n == 0) {
			return refuse(w, "has a record that is cut");
		}
		rc = check_order(w, &e);
		if (rc != SECD_OK) {
			return rc;
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
			   .serial = c->from};
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
	if (w.last < SECD_OP_SOA_TO || w.serial != c->to) {
		return refuse(&w, "does not lead there");
	}
	return SECD_OK;
}
