/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/command_pin.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Write down what is pinned; 0: nothing. */
static int
write_down(struct journal *j, const uint8_t *apex, uint64_t seq)
{
	struct zone_record z;
	MDB_txn *txn;
	int rc = db_begin_write(&j->db, &txn);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = db_get_zone(&j->db, txn, apex, &z);
	if (rc == SECD_OK && z.pinned != seq) {
		z.pinned = seq;
		rc = db_put_zone(&j->db, txn, apex, &z);
	}
	if (rc != SECD_OK) {
		mdb_txn_abort(txn);
		return rc;
	}
	return db_commit(&j->db, txn);
}

/* Can it be asked for? */
static int
check(const struct ask *a)
{
	const struct secd_host *host = a->j->host;

	if (!SECD_HAS(host, zone_unpin) || host->zone_pin == NULL ||
	    host->zone_unpin == NULL ||
	    (host->flags & SECD_HOST_READ_ONLY) != 0) {
		return ask_fail(a, SECD_ENOTSUP, "%s cannot pin a version",
				host->name);
	}
	if (a->j->pin.id != 0) {
		return ask_fail(a, SECD_EBUSY, "%s",
				"another order is under way: try again");
	}
	return SECD_OK;
}

static void
begin(struct ask *a, uint64_t seq)
{
	struct pin *p = &a->j->pin;

	p->id = ++p->last;
	p->before = a->record.pinned;
	p->seq = seq;
	memcpy(p->apex, a->apex, sizeof(p->apex));
}

/* The host goes the whole way from there to its newest version. */
static int
check_way(const struct ask *a, uint64_t seq)
{
	return seq < a->record.segment
		   ? ask_fail(a, SECD_ENOTFOUND,
			      "no way leads from %s to the newest version: "
			      "history began anew between",
			      a->c->argv[2])
		   : SECD_OK;
}

int
command_pin(struct ask *a)
{
	const struct secd_host *host = a->j->host;
	uint64_t seq;
	int rc = check(a);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = ask_version(a, a->c->argv[2], strlen(a->c->argv[2]), &seq);
	if (rc == SECD_OK) {
		rc = check_way(a, seq);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	rc = write_down(a->j, a->apex, seq);
	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	begin(a, seq);
	rc = host->zone_pin(host->ctx, a->apex, seq, a->j->pin.id);
	if (rc != SECD_OK) {
		write_down(a->j, a->apex, a->record.pinned);
		a->j->pin.id = 0;
		return ask_fail(a, rc, "the host refuses: %s",
				secd_strerror(rc));
	}
	a->r->number(a->r->ctx, a->zone, NULL, "pinning", seq);
	return SECD_OK;
}

int
command_unpin(struct ask *a)
{
	const struct secd_host *host = a->j->host;
	int rc = check(a);

	if (rc != SECD_OK) {
		return rc;
	}
	begin(a, 0);
	rc = host->zone_unpin(host->ctx, a->apex, a->j->pin.id);
	if (rc != SECD_OK) {
		a->j->pin.id = 0;
		return ask_fail(a, rc, "the host refuses: %s",
				secd_strerror(rc));
	}
	a->r->boolean(a->r->ctx, a->zone, NULL, "unpinning", 1);
	return SECD_OK;
}

static void
say(const struct journal *j, const struct secd_pinned *p)
{
	char zone[NAME_TEXT_MAX], text[NAME_TEXT_MAX + SECD_REASON_LEN];

	if (j->host->log == NULL) {
		return;
	}
	name_to_text(j->pin.apex, zone);
	snprintf(text, sizeof(text), "%s: %s: %s", zone,
		 j->pin.seq == 0 ? "unpinned" : "pinned",
		 p->rc == SECD_OK ? "done" : secd_strerror(p->rc));
	j->host->log(j->host->ctx, p->rc == SECD_OK ? SECD_NOTICE : SECD_ERROR,
		     text);
}

void
command_pinned(struct journal *j, const struct secd_pinned *p)
{
	if (j->pin.id == 0 || p->id != j->pin.id) {
		return; /* of a life before */
	}
	say(j, p);
	/* Should this fail, it is put right at the next start. */
	write_down(j, j->pin.apex,
		   p->rc == SECD_OK ? j->pin.seq : j->pin.before);
	j->pin.id = 0;
}

void
command_zone_added(struct journal *j, const struct secd_zone *z)
{
	struct zone_record record;
	MDB_txn *txn;
	int rc;

	if ((z->flags & SECD_ZONE_PINNED) != 0 ||
	    db_begin_read(&j->db, &txn) != SECD_OK) {
		return;
	}
	rc = db_get_zone(&j->db, txn, z->apex, &record);
	mdb_txn_abort(txn);
	if (rc == SECD_OK && record.pinned != 0) {
		write_down(j, z->apex, 0);
	}
}
