/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/command_pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* So long nothing is said of an order that is carried out. */
#define PATIENCE_MS 10000
/* Between two looks at it. */
#define PAUSE_MS 20

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

	if ((host->flags & SECD_HOST_READ_ONLY) != 0) {
		return ask_fail(a, SECD_ENOTSUP,
				"%s needs the running server: here the journal "
				"is only read",
				a->c->argv[0]);
	}
	if (!SECD_HAS(host, zone_unpin) || host->zone_pin == NULL ||
	    host->zone_unpin == NULL) {
		return ask_fail(a, SECD_ENOTSUP, "%s cannot pin a version",
				host->name);
	}
	if (a->j->pin.id != 0) {
		return ask_fail(a, SECD_EBUSY, "%s",
				"another order is under way: try again");
	}
	return SECD_OK;
}

/*
 * Orders
 */

/* What stands in the caller's position. */
struct position {
	uint64_t id;     /* of the order; 0: none was given yet */
	int64_t said_ms; /* boot: that it takes its time */
};

static int64_t
now_ms(const struct journal *j)
{
	struct secd_time t = {.boot_ms = 0};

	if (j->host->clock != NULL) {
		j->host->clock(j->host->ctx, &t);
	}
	return t.boot_ms;
}

static void
begin(struct ask *a, uint64_t seq)
{
	struct pin *p = &a->j->pin;
	const struct position position = {p->last + 1, now_ms(a->j)};

	p->id = ++p->last;
	p->before = a->record.pinned;
	p->seq = seq;
	memcpy(p->apex, a->apex, sizeof(p->apex));
	free(p->text);
	p->text = NULL;
	memcpy(a->c->position, &position, sizeof(position));
}

/* The host does not take it. */
static int
refuse(struct ask *a, int rc)
{
	a->j->pin.id = 0;
	if (rc == SECD_ENOTFOUND && a->j->pin.seq == 0) {
		return ask_fail(a, rc, "the host has no zone %s", a->zone);
	}
	return ask_fail(a, rc, "the host refuses: %s", secd_strerror(rc));
}

static void
put_lines(const struct ask *a, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		a->r->line(a->r->ctx, line);
	}
}

static int
tell_end(const struct ask *a)
{
	struct pin *p = &a->j->pin;
	char *text = p->text;
	int rc = p->rc;

	p->text = NULL;
	if (rc != SECD_OK) {
		ask_fail(a, rc, "%s", text != NULL ? text : secd_strerror(rc));
	} else if (text != NULL) {
		put_lines(a, text);
	}
	free(text);
	return rc;
}

static void
wait(const struct ask *a)
{
	if (SECD_HAS(a->r, pause) && a->r->pause != NULL) {
		a->r->pause(a->r->ctx, PAUSE_MS);
	}
}

/* An order was given: how is it? */
static int
go_on(const struct ask *a, struct position *position)
{
	const struct pin *p = &a->j->pin;

	if (position->id != p->last) {
		return ask_fail(a, SECD_EBUSY, "%s",
				"another order came after this one: see list");
	}
	if (p->id == 0) {
		return tell_end(a);
	}
	/* Or the operator would think that nobody answers. */
	if (now_ms(a->j) - position->said_ms >= PATIENCE_MS) {
		position->said_ms = now_ms(a->j);
		memcpy(a->c->position, position, sizeof(*position));
		a->r->line(a->r->ctx, "it is being done");
	}
	wait(a);
	return SECD_MORE;
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

/* Until the host has answered, neither of both is trimmed. */
static uint64_t
older(uint64_t before, uint64_t seq)
{
	return before != 0 && before < seq ? before : seq;
}

static int
give_pin(struct ask *a)
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
	rc = write_down(a->j, a->apex, older(a->record.pinned, seq));
	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	begin(a, seq);
	rc = host->zone_pin(host->ctx, a->apex, seq, a->j->pin.id);
	if (rc != SECD_OK) {
		write_down(a->j, a->apex, a->record.pinned);
		return refuse(a, rc);
	}
	return SECD_MORE;
}

static int
give_unpin(struct ask *a)
{
	const struct secd_host *host = a->j->host;
	int rc = check(a);

	if (rc != SECD_OK) {
		return rc;
	}
	begin(a, 0);
	rc = host->zone_unpin(host->ctx, a->apex, a->j->pin.id);
	return rc != SECD_OK ? refuse(a, rc) : SECD_MORE;
}

static int
run(struct ask *a, int (*give)(struct ask *a))
{
	struct position position;

	memcpy(&position, a->c->position, sizeof(position));
	return position.id == 0 ? give(a) : go_on(a, &position);
}

int
command_pin(struct ask *a)
{
	return run(a, give_pin);
}

int
command_unpin(struct ask *a)
{
	return run(a, give_unpin);
}

/*
 * What the host says
 */

/* The operator may have gone away. */
static void
log_failure(const struct journal *j, const char *why)
{
	char zone[NAME_TEXT_MAX], text[NAME_TEXT_MAX + SECD_REASON_LEN];

	if (j->host->log == NULL) {
		return;
	}
	name_to_text(j->pin.apex, zone);
	snprintf(text, sizeof(text), "%s: not %s: %s", zone,
		 j->pin.seq == 0 ? "unpinned" : "pinned", why);
	j->host->log(j->host->ctx, SECD_ERROR, text);
}

void
command_pinned(struct journal *j, const struct secd_pinned *answer)
{
	struct pin *p = &j->pin;

	if (p->id == 0 || answer->id != p->id) {
		return; /* of a life before */
	}
	p->rc = answer->rc;
	p->text = answer->text == NULL ? NULL : strdup(answer->text);
	if (p->rc != SECD_OK) {
		log_failure(j,
			    p->text != NULL ? p->text : secd_strerror(p->rc));
	}
	/* Should this fail, it is put right at the next start. */
	write_down(j, p->apex, p->rc == SECD_OK ? p->seq : p->before);
	p->id = 0;
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
